//! `report.md`: what was done, for people (SPEC G8).

use super::facts::{Facts, GateFact, TaskFacts};
use super::text;
use redgreen_core::dispute::{DisputeDecision, DisputeEvidence};
use redgreen_core::gate::Gate;
use redgreen_core::machine::{AgentRole, Phase};
use redgreen_core::outcome::{Outcome, Verdict};
use redgreen_core::reason::Reason;

/// Lines of a difference that are shown.
const MOST_DIFF_LINES: usize = 30;

/// Renders the report. Ends with a line feed.
#[must_use]
pub fn render(facts: &Facts) -> String {
    let mut out = String::new();
    summary(&mut out, facts);
    for task in &facts.tasks {
        section(&mut out, task);
    }
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn summary(out: &mut String, facts: &Facts) {
    line(
        out,
        &format!(
            "# {}: {}",
            escaped(&facts.plan.name),
            text::standing(facts.standing)
        ),
    );
    line(out, "");
    if !facts.plan.description.is_empty() {
        line(out, &escaped(&facts.plan.description));
        line(out, "");
    }
    let verified = facts
        .tasks
        .iter()
        .filter(|task| task.phase == Phase::Passed && !task.adopted)
        .count();
    let adopted = facts.tasks.iter().filter(|task| task.adopted).count();
    line(
        out,
        &format!(
            "- {verified} of {} verified",
            text::counted(facts.tasks.len(), "task")
        ),
    );
    if adopted > 0 {
        line(
            out,
            &format!("- {adopted} adopted by a person, not verified"),
        );
    }
    for (phase, word) in [(Phase::Halted, "halted"), (Phase::Waived, "waived")] {
        if facts.count(phase) > 0 {
            line(out, &format!("- {} {word}", facts.count(phase)));
        }
    }
    let locked: usize = facts
        .tasks
        .iter()
        .filter_map(|task| task.locks.last())
        .map(|fact| fact.lock.tests)
        .sum();
    line(out, &format!("- {} locked", text::counted(locked, "test")));
    line(
        out,
        &format!(
            "- {} from {} to {}, {}, {}",
            text::duration(facts.seconds),
            facts.begun,
            facts.ended,
            text::counted(facts.sessions().count(), "agent session"),
            text::counted(
                facts.tasks.iter().map(|t| t.suite_runs() as usize).sum(),
                "full suite run"
            ),
        ),
    );
    let levels: std::collections::BTreeSet<&str> = facts
        .sessions()
        .filter_map(|fact| fact.session.isolation.as_deref())
        .collect();
    for level in levels {
        let what = if level == "none" {
            ": agents could read and write what you can; verdicts hold against writes inside their copies"
        } else {
            ""
        };
        line(out, &format!("- isolation of agents: {level}{what}"));
    }
    if facts.tokens() > 0 {
        let money = facts
            .micro_usd()
            .map_or(String::new(), |money| format!(", {}", text::money(money)));
        line(
            out,
            &format!("- {} tokens{money}, as the agents report", facts.tokens()),
        );
    }
    for (time, by) in &facts.approvals {
        line(
            out,
            &format!("- plan approved by {} at {time}", escaped(&by.0)),
        );
    }
    for task in &facts.tasks {
        for waiver in &task.waivers {
            line(
                out,
                &format!(
                    "- **{} waived by {}**: {} ({})",
                    task.task.id,
                    escaped(&waiver.by.0),
                    code(waiver.code.as_str()),
                    escaped(&waiver.reason),
                ),
            );
        }
    }
    line(out, &format!("- run {}", code(&facts.run)));
    line(out, "");
}

fn section(out: &mut String, facts: &TaskFacts) {
    line(
        out,
        &format!(
            "## {} {}: {}",
            facts.task.id,
            escaped(&facts.task.name),
            standing(facts)
        ),
    );
    line(out, "");
    if facts.phase == Phase::Waiting {
        line(out, "Not begun.");
        line(out, "");
        return;
    }
    criteria(out, facts);
    gates(out, facts);
    not_used(out, facts);
    disputes(out, facts);
    people(out, facts);
    numbers(out, facts);
}

fn standing(facts: &TaskFacts) -> String {
    if facts.adopted {
        return "adopted, not verified".to_owned();
    }
    match (facts.phase, facts.wait, &facts.halt) {
        (_, Some(wait), _) => format!("waiting: {}", text::wait(wait)),
        (Phase::Halted, None, Some(halt)) => {
            format!(
                "halted in {}: {}",
                halt.phase.as_str(),
                text::halt(halt.cause)
            )
        }
        (phase, None, _) => phase.as_str().to_owned(),
    }
}

fn criteria(out: &mut String, facts: &TaskFacts) {
    for (index, criterion) in facts.task.criteria.iter().enumerate() {
        line(
            out,
            &format!("- **{}** {}", criterion.id, escaped(&criterion.text)),
        );
        let tests = facts.tests_of(index);
        if tests.is_empty() && !facts.locks.is_empty() {
            line(out, "  - no test is named for it");
        }
        for (test, message) in tests {
            match message {
                Some(message) => line(
                    out,
                    &format!("  - {}: was red with {}", code(&test), code(&message)),
                ),
                None => line(out, &format!("  - {}", code(&test))),
            }
        }
    }
    if !facts.task.criteria.is_empty() {
        line(out, "");
    }
}

fn gates(out: &mut String, facts: &TaskFacts) {
    if facts.gates.is_empty() {
        return;
    }
    line(out, "| gate | try | verdict | tests | why |");
    line(out, "|---|---|---|---|---|");
    for fact in &facts.gates {
        let parts = fact.summary.parts();
        let why: Vec<String> = parts.reasons.iter().map(reason).collect();
        let name = if fact.of_refactoring {
            format!("{} (refactoring)", parts.gate.as_str())
        } else {
            parts.gate.as_str().to_owned()
        };
        line(
            out,
            &format!(
                "| {name} | {} | {} | {} | {} |",
                fact.attempt,
                parts.verdict,
                tests(fact),
                cell(&why.join("<br>"))
            ),
        );
    }
    line(out, "");
    let controls = facts
        .last(Gate::Green)
        .filter(|fact| fact.summary.verdict() == Verdict::Pass)
        .map_or(&[][..], |fact| fact.summary.parts().controls.as_slice());
    for control in controls {
        line(out, &format!("- {}", escaped(&control.result)));
    }
    if !controls.is_empty() {
        line(out, "");
    }
}

fn tests(fact: &GateFact) -> String {
    let tests = &fact.summary.parts().tests;
    if tests.is_empty() {
        return String::new();
    }
    let passed = tests
        .iter()
        .filter(|test| test.outcome == Outcome::Passed)
        .count();
    match fact.summary.gate() {
        Gate::Red => format!("{} of {} fail", tests.len() - passed, tests.len()),
        Gate::Lock | Gate::Green | Gate::Full | Gate::Validate => {
            format!("{passed} of {} pass", tests.len())
        }
    }
}

fn reason(reason: &Reason) -> String {
    let mut text = escaped(&reason.message);
    if let Some(path) = &reason.path {
        let place = match reason.line {
            Some(line) => format!("{path}:{line}"),
            None => path.to_string(),
        };
        text.push_str(&format!(" ({})", code(&place)));
    } else if let Some(test) = &reason.test {
        text.push_str(&format!(" ({})", code(test)));
    }
    format!("{}: {text}", code(reason.code.as_str()))
}

fn not_used(out: &mut String, facts: &TaskFacts) {
    let changes = facts.not_used();
    if changes.is_empty() {
        return;
    }
    line(out, "Not used:");
    line(out, "");
    for change in changes {
        line(
            out,
            &format!(
                "- {} try {}: {}",
                change.gate.as_str(),
                change.attempt,
                reason(change.reason)
            ),
        );
        if let Some(diff) = &change.reason.diff {
            fenced(out, diff);
        }
    }
    line(out, "");
}

fn disputes(out: &mut String, facts: &TaskFacts) {
    for fact in &facts.disputes {
        let cites = fact
            .dispute
            .cites
            .as_ref()
            .map_or(String::new(), |id| format!(", cites {id}"));
        let decision = match fact.decision {
            DisputeDecision::SendBack => "sent back to the author",
            DisputeDecision::AskPerson => "a person was asked",
        };
        line(
            out,
            &format!(
                "Disputed at {}: {} ({}{cites}): {decision}.",
                fact.time,
                code(&fact.dispute.test),
                fact.dispute.reason.as_str()
            ),
        );
        line(out, "");
        for evidence in &fact.evidence {
            if let DisputeEvidence::ContradictingExpectations { first, second } = evidence {
                line(out, "- the same call is expected to give two results:");
                line(out, &format!("  - {}", code(first)));
                line(out, &format!("  - {}", code(second)));
            } else {
                line(out, &format!("- {}", escaped(&evidence.describe())));
            }
        }
        if let Some(note) = &fact.dispute.note {
            line(out, &format!("- the implementer wrote: {}", escaped(note)));
        }
        line(out, "");
    }
}

fn people(out: &mut String, facts: &TaskFacts) {
    for answer in &facts.answers {
        line(
            out,
            &format!(
                "- {} {}: {}",
                answer.time,
                escaped(&answer.by.0),
                escaped(&answer.what)
            ),
        );
    }
    for waiver in &facts.waivers {
        let until = waiver
            .expires
            .as_ref()
            .map_or(String::new(), |date| format!(", until {}", escaped(date)));
        line(
            out,
            &format!(
                "- {} {}: waived {}{until}: {}. The verdict stays what it was.",
                waiver.time,
                escaped(&waiver.by.0),
                code(waiver.code.as_str()),
                escaped(&waiver.reason)
            ),
        );
    }
    if !facts.answers.is_empty() || !facts.waivers.is_empty() {
        line(out, "");
    }
}

fn numbers(out: &mut String, facts: &TaskFacts) {
    for (index, fact) in facts.locks.iter().enumerate() {
        let replaced = if index + 1 < facts.locks.len() {
            ", replaced"
        } else {
            ""
        };
        let amended = fact.amended.as_ref().map_or(String::new(), |(by, why)| {
            format!(", amended by {}: {}", escaped(&by.0), escaped(why))
        });
        line(
            out,
            &format!(
                "- lock {} in {}: {} and {} that could change their result{replaced}{amended}",
                code(&fact.lock.record.short()),
                code(&fact.lock.commit),
                text::counted(fact.lock.tests, "test"),
                text::counted(fact.lock.files, "file"),
            ),
        );
    }
    if let Some(delivery) = &facts.delivery {
        line(out, &format!("- {}", escaped(&text::delivery(delivery))));
    }
    line(
        out,
        &format!(
            "- {}; {}, {}; {}",
            text::duration(facts.seconds),
            text::counted(facts.tries(AgentRole::Author), "author session"),
            text::counted(facts.tries(AgentRole::Implementer), "implementer session"),
            text::counted(facts.suite_runs() as usize, "full suite run"),
        ),
    );
    if let Some(last) = facts.gates.last() {
        line(
            out,
            &format!(
                "- evidence {}",
                code(&last.summary.parts().evidence.to_string())
            ),
        );
    }
    line(out, "");
}

/// Inline code that its content cannot leave: the fence is longer than any run of backticks inside.
fn code(text: &str) -> String {
    let text = text::one_line(text);
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.is_empty() {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Text that stays text: what agents and tests wrote must not become headings, links, images or HTML. Our own messages
/// put literals in back-ticks; balanced ones stay code, in which nothing needs to be escaped.
fn escaped(text: &str) -> String {
    let text = text::one_line(text);
    let balanced = text.matches('`').count().is_multiple_of(2) && !text.contains("``");
    if !balanced {
        return escape_plain(&text.replace('`', "'"));
    }
    let pieces: Vec<String> = text
        .split('`')
        .enumerate()
        .map(|(index, piece)| {
            if index % 2 == 0 {
                escape_plain(piece)
            } else {
                piece.to_owned()
            }
        })
        .collect();
    pieces.join("`")
}

fn escape_plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '*' | '_' | '[' | ']' | '#' | '!' | '~' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// A cell of a table: a `|` would end it, even inside code.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// A fenced block inside a list item.
fn fenced(out: &mut String, text: &str) {
    let longest = text
        .lines()
        .map(|line| line.trim_start().chars().take_while(|c| *c == '`').count())
        .max()
        .unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    line(out, &format!("  {fence}diff"));
    let count = text.lines().count();
    for shown in text.lines().take(MOST_DIFF_LINES) {
        line(out, &format!("  {}", text::one_line_kept(shown)));
    }
    if count > MOST_DIFF_LINES {
        line(out, &format!("  … {} more lines", count - MOST_DIFF_LINES));
    }
    line(out, &format!("  {fence}"));
}

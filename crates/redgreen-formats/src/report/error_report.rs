//! The error report of a halt (SPEC A8): gate, reasons, last lines, and the next command to type.

use super::facts::{Facts, TaskFacts};
use super::text;
use redgreen_core::gate::Gate;
use redgreen_core::machine::{Halt, HaltCause, Phase, Wait};

/// Lines of output that are shown.
const MOST_TAIL_LINES: usize = 20;
/// Reasons that are shown.
const MOST_REASONS: usize = 20;

/// Plain text about every task that is halted or waits for a person, in plan order; `None` where there is none.
#[must_use]
pub fn render(facts: &Facts) -> Option<String> {
    let parts: Vec<String> = facts.tasks.iter().filter_map(task).collect();
    (!parts.is_empty()).then(|| parts.join("\n"))
}

/// Plain text about one task; `None` when it is neither halted nor waiting.
#[must_use]
pub fn task(facts: &TaskFacts) -> Option<String> {
    let id = &facts.task.id;
    let mut out = String::new();
    let (gate, next) = match (facts.wait, &facts.halt) {
        (Some(wait), _) => {
            let name = text::one_line(&facts.task.name);
            out.push_str(&format!("{id} {name} waits: {}\n", text::wait(wait)));
            (gate_of(wait), after_wait(id.as_str(), wait))
        }
        (None, Some(halt)) if facts.phase == Phase::Halted => {
            out.push_str(&heading(facts, halt));
            (halt.gate.map(|(gate, _)| gate), after_halt(facts, halt))
        }
        (None, Some(_) | None) => return None,
    };
    if let Some(fact) = gate.and_then(|gate| facts.last(gate)) {
        let parts = fact.summary.parts();
        out.push_str(&format!(
            "  {} {} at {}, try {}\n",
            parts.gate.as_str(),
            parts.verdict,
            fact.time,
            fact.attempt
        ));
    }
    let reasons = match (&facts.halt, gate.and_then(|gate| facts.last(gate))) {
        (Some(halt), _) if !halt.reasons.is_empty() => halt.reasons.as_slice(),
        (_, Some(fact)) => fact.summary.parts().reasons.as_slice(),
        (_, None) => &[],
    };
    for reason in reasons.iter().take(MOST_REASONS) {
        let mut place = String::new();
        if let Some(path) = &reason.path {
            place = match reason.line {
                Some(line) => format!("  {path}:{line}"),
                None => format!("  {path}"),
            };
        } else if let Some(test) = &reason.test {
            place = format!("  {}", text::one_line(test));
        }
        out.push_str(&format!(
            "  {}: {}{place}\n      {}\n",
            reason.code.as_str(),
            text::one_line(&reason.message),
            text::one_line(&reason.help)
        ));
    }
    if reasons.len() > MOST_REASONS {
        out.push_str(&format!(
            "  … {} more reasons\n",
            reasons.len() - MOST_REASONS
        ));
    }
    if let Some(fact) = gate.and_then(|gate| facts.last(gate)) {
        let tail = &fact.summary.parts().tail;
        if !tail.is_empty() {
            out.push_str("  last lines:\n");
        }
        for line in &tail[tail.len().saturating_sub(MOST_TAIL_LINES)..] {
            out.push_str(&format!("    | {}\n", text::one_line_kept(line)));
        }
        out.push_str(&format!("  evidence {}\n", fact.summary.parts().evidence));
    }
    if facts.phase == Phase::Halted {
        out.push_str(&format!("  Nothing of {id} is on your branch.\n"));
    }
    out.push_str("  next:\n");
    for (command, what) in next {
        out.push_str(&format!("    {command:<44}  {what}\n"));
    }
    Some(out)
}

fn heading(facts: &TaskFacts, halt: &Halt) -> String {
    format!(
        "{} {} halted in {}: {} (exit {})\n",
        facts.task.id,
        text::one_line(&facts.task.name),
        halt.phase.as_str(),
        text::halt(halt.cause),
        halt.exit.code()
    )
}

fn gate_of(wait: Wait) -> Option<Gate> {
    match wait {
        Wait::TestsApproval => Some(Gate::Red),
        Wait::GateApproval(gate) | Wait::GateQuestion(gate) => Some(gate),
        Wait::Dispute | Wait::Taken => None,
    }
}

type Commands = Vec<(String, &'static str)>;

fn after_wait(id: &str, wait: Wait) -> Commands {
    match wait {
        Wait::TestsApproval => vec![
            (
                format!("redgreen show {id}"),
                "criteria, tests and red messages",
            ),
            (format!("redgreen approve {id}"), "lock these tests"),
            (
                format!("redgreen retry {id} --hint '…'"),
                "send the author back",
            ),
        ],
        Wait::GateApproval(_) => vec![
            (format!("redgreen show {id}"), "what has to be approved"),
            (
                format!("redgreen approve {id}"),
                "approve it; the gate runs again",
            ),
            (
                format!("redgreen retry {id} --hint '…'"),
                "send the agent back",
            ),
        ],
        Wait::GateQuestion(_) => vec![
            (format!("redgreen show {id}"), "what could not be decided"),
            (
                format!("redgreen retry {id} --hint '…'"),
                "send the agent back",
            ),
            (
                format!("redgreen approve {id}"),
                "run the gate again as it is",
            ),
            (format!("redgreen take {id}"), "finish it yourself"),
        ],
        Wait::Dispute => vec![
            (format!("redgreen show {id}"), "the disputed test"),
            (
                format!("redgreen approve {id}"),
                "the test is wrong: send the author back",
            ),
            (
                format!("redgreen retry {id} --hint '…'"),
                "the test is right: go on",
            ),
            (
                format!("redgreen amend {id} --reason '…'"),
                "correct the test yourself",
            ),
        ],
        Wait::Taken => vec![
            (format!("redgreen check {id}"), "have your work judged"),
            (format!("redgreen retry {id}"), "give it back to the agents"),
        ],
    }
}

fn after_halt(facts: &TaskFacts, halt: &Halt) -> Commands {
    let id = facts.task.id.as_str();
    if halt.is_resumable() {
        return vec![
            ("redgreen doctor".to_owned(), "what is missing here"),
            (
                "redgreen run".to_owned(),
                "go on once it is there; no try was used",
            ),
        ];
    }
    if halt.cause == HaltCause::SuiteBudget {
        return vec![
            (
                format!("redgreen retry {id}"),
                "allow three more suite runs",
            ),
            (format!("redgreen take {id}"), "finish it yourself"),
        ];
    }
    let mut next = vec![
        (
            format!("redgreen retry {id} --hint '…'"),
            "guidance and fresh tries",
        ),
        (format!("redgreen take {id}"), "finish it yourself"),
    ];
    if !facts.locks.is_empty() && facts.task.mode.has_red() {
        next.push((
            format!("redgreen amend {id} --reason '…'"),
            "correct the tests, if they are wrong",
        ));
    }
    if let Some(reason) = halt.reasons.first() {
        next.push((
            format!("redgreen explain {}", reason.code.as_str()),
            "what this reason means",
        ));
    }
    next
}

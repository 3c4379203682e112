//! Prompts: template files per role, strict about unknown variables; a project may override them in
//! `.redgreen/prompts/<role>.md` of the approved tree (SPEC A6).

use crate::config::Config;
use crate::error::Failure;
use crate::referee::context::Context;
use crate::referee::lock::StoredLock;
use crate::referee::proposal::text_of;
use minijinja::{Environment, UndefinedBehavior, context};
use redgreen_core::id::RelPath;
use redgreen_core::machine::{AgentRole, Feedback, FeedbackCause};
use redgreen_core::plan::{Mode, Task};
use redgreen_core::reason::Reason;
use redgreen_host::runner::RunnerKind;
use redgreen_host::tree::Snapshot;
use std::collections::BTreeSet;

/// The template of a role as it is shipped.
#[must_use]
pub fn shipped(role: AgentRole) -> &'static str {
    match role {
        AgentRole::Author => include_str!("../../prompts/author.md"),
        AgentRole::Implementer | AgentRole::Refactorer => {
            include_str!("../../prompts/implementer.md")
        }
    }
}

/// What a prompt is made from.
#[derive(Debug)]
pub struct PromptInput<'a> {
    /// The role.
    pub role: AgentRole,
    /// The task.
    pub task: &'a Task,
    /// Globs of tests and source.
    pub tests: &'a [String],
    /// Globs of source.
    pub source: &'a [String],
    /// Whether there are files with source and tests in one.
    pub mixed: bool,
    /// What runs the tests, by the words of the configuration.
    pub runners: &'a [&'a str],
    /// The locked tests.
    pub locked: &'a [String],
    /// The project's own guidance: path and text.
    pub include: &'a [(String, String)],
    /// What happened before.
    pub feedback: Option<&'a Feedback>,
    /// The last lines of the failed run.
    pub tail: &'a [String],
    /// The project's own template.
    pub own_template: Option<&'a str>,
}

/// What a prompt is asked for.
#[derive(Debug)]
pub struct Asked<'a> {
    /// Repository and state.
    pub context: &'a Context,
    /// The configuration.
    pub config: &'a Config,
    /// The role.
    pub role: AgentRole,
    /// The task.
    pub task: &'a Task,
    /// Its lock, where it has one.
    pub lock: Option<&'a StoredLock>,
    /// The approved tree: templates and guidance are read from it.
    pub tree: &'a Snapshot,
    /// What happened before.
    pub feedback: Option<&'a Feedback>,
    /// The last lines of the failed run.
    pub tail: &'a [String],
}

/// A prompt.
#[derive(Debug)]
pub struct Prompt {
    /// Its text.
    pub text: String,
    /// Where its template lies; `shipped` for ours.
    pub template: String,
}

/// Tokens of a text, estimated as its characters divided by four; providers count differently.
#[must_use]
pub fn tokens(text: &str) -> usize {
    text.chars().count().div_ceil(4)
}

/// Puts a prompt together.
///
/// # Errors
/// A failure when a file cannot be read, or a template of the project names something that is not there.
pub fn assemble(asked: &Asked<'_>) -> Result<Prompt, Failure> {
    let read = |path: &RelPath| text_of(asked.tree, &asked.context.repository, path);
    let locked: Vec<String> = asked
        .lock
        .iter()
        .flat_map(|lock| &lock.record.tests)
        .map(|test| test.item.to_string())
        .collect();
    let mut include = Vec::new();
    for place in &asked.config.file.prompts.include {
        if let Ok(path) = RelPath::new(place.clone())
            && let Some(text) = read(&path)?
        {
            include.push((place.clone(), text));
        }
    }
    let place = format!(".redgreen/prompts/{}.md", asked.role.as_str());
    let own = match RelPath::new(place.clone()) {
        Ok(path) => read(&path)?,
        Err(_) => None,
    };
    let kinds: BTreeSet<&str> = asked
        .config
        .runners
        .iter()
        .map(|runner| runner.kind.as_str())
        .collect();
    let text = render(&PromptInput {
        role: asked.role,
        task: asked.task,
        tests: &asked.config.tests,
        source: if asked.task.mode == Mode::Chore {
            &asked.task.scope
        } else {
            &asked.config.source
        },
        mixed: asked
            .config
            .runners
            .iter()
            .any(|runner| runner.kind == RunnerKind::CargoTest),
        runners: &kinds.into_iter().collect::<Vec<_>>(),
        locked: &locked,
        include: &include,
        feedback: asked.feedback,
        tail: asked.tail,
        own_template: own.as_deref(),
    })?;
    Ok(Prompt {
        text,
        template: if own.is_some() {
            place
        } else {
            "shipped".to_owned()
        },
    })
}

/// Renders a prompt.
///
/// # Errors
/// A usage failure that names the variable or line of a project's own template.
pub fn render(input: &PromptInput<'_>) -> Result<String, Failure> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let template = input.own_template.unwrap_or_else(|| shipped(input.role));
    let criteria: Vec<_> = input
        .task
        .criteria
        .iter()
        .map(
            |criterion| context! { id => criterion.id.to_string(), text => criterion.text.clone() },
        )
        .collect();
    let include: Vec<_> = input
        .include
        .iter()
        .map(|(path, text)| context! { path => path.clone(), text => text.clone() })
        .collect();
    let feedback = input
        .feedback
        .map(|feedback| feedback_text(feedback, input.tail));
    environment
        .render_str(
            template,
            context! {
                task => context! {
                    id => input.task.id.to_string(),
                    name => input.task.name.clone(),
                    description => input.task.description.clone(),
                    criteria => criteria,
                    new_symbols => input.task.new_symbols.clone().unwrap_or_default(),
                },
                tests => input.tests.to_vec(),
                source => input.source.to_vec(),
                scope => input.task.scope.clone(),
                mixed => input.mixed,
                runners => input.runners.iter().map(|&kind| kind.to_owned()).collect::<Vec<String>>(),
                example => if input.mixed { "tests/feature.rs::does_it" } else { "tests/test_feature.py::test_does_it" },
                locked => input.locked.to_vec(),
                include => include,
                feedback => feedback,
            },
        )
        .map_err(|error| {
            Failure::usage(format!("the prompt template of `{}` cannot be rendered: {error}", input.role.as_str()), "correct .redgreen/prompts")
        })
}

/// At most this many reasons and lines are told; the rest is in the log.
const REASONS_TOLD: usize = 12;

/// What a session is told about what happened before it.
#[must_use]
pub fn feedback_text(feedback: &Feedback, tail: &[String]) -> String {
    let mut text = match &feedback.cause {
        FeedbackCause::Gate(gate, verdict) => format!(
            "Your last try did not pass {} ({verdict}):\n",
            gate.as_str()
        ),
        FeedbackCause::OutOfScope => {
            "Files outside your paths were left in place. Drop them, nothing else is wrong:\n"
                .to_owned()
        }
        FeedbackCause::Dispute(dispute, evidence) => {
            let mut text = format!("A test was found wrong: {}\n", dispute.test);
            for fact in evidence {
                text.push_str(&format!("- {}\n", fact.describe()));
            }
            text.push_str(
                "Correct the tests. They must fail again on the code as it was before the task.\n",
            );
            text
        }
        FeedbackCause::Conflict(paths) => format!(
            "Something else was delivered meanwhile and conflicts in: {}\nThese files are now as they were delivered; make your changes in them again.\n",
            paths.join(", ")
        ),
        FeedbackCause::Person => "A person answered.\n".to_owned(),
    };
    for reason in feedback.reasons.iter().take(REASONS_TOLD) {
        text.push_str(&reason_text(reason));
    }
    if !tail.is_empty() {
        text.push_str("\nLast lines of the run:\n");
        for line in tail {
            text.push_str(&format!("    {line}\n"));
        }
    }
    if let Some(hint) = &feedback.hint {
        text.push_str(&format!("\nHint from a person: {hint}\n"));
    }
    if feedback.three_hypotheses {
        text.push_str("\nThe same failure came twice. First write down three different hypotheses of its cause, then test them one by one.\n");
    }
    text
}

fn reason_text(reason: &Reason) -> String {
    let mut text = format!("- [{}] {}", reason.code.as_str(), reason.message);
    if let Some(path) = &reason.path {
        text.push_str(&format!(" ({path}"));
        if let Some(line) = reason.line {
            text.push_str(&format!(":{line}"));
        }
        text.push(')');
    }
    text.push('\n');
    if let Some(diff) = &reason.diff {
        for line in diff.lines().take(12) {
            text.push_str(&format!("    {line}\n"));
        }
    }
    text.push_str(&format!("  {}\n", reason.help));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use redgreen_core::gate::Gate;
    use redgreen_core::outcome::Verdict;
    use redgreen_core::reason::ReasonCode;
    use redgreen_formats::plan_file;

    fn task(criteria: &[&str]) -> Task {
        let plan = serde_json::json!({"name": "shop", "description": "", "status": "APPROVED", "tasks": [
            {"id": "T43", "name": "shipping costs", "description": "Shipping is 5, and free from 50 on.",
             "criteria": criteria, "passes": false}]});
        let read = plan_file::parse(plan.to_string().as_bytes()).unwrap();
        read.plan.tasks[0].clone()
    }

    fn input<'a>(task: &'a Task, role: AgentRole) -> PromptInput<'a> {
        PromptInput {
            role,
            task,
            tests: &[],
            source: &[],
            mixed: false,
            runners: &["pytest"],
            locked: &[],
            include: &[],
            feedback: None,
            tail: &[],
            own_template: None,
        }
    }

    const CRITERIA: [&str; 2] = ["AC-1: shipping(49) is 5", "AC-2: shipping(50) is 0"];

    #[test]
    fn a6_the_prompts_are_as_their_golden_files() {
        let two = task(&CRITERIA);
        let (tests, source) = (["/tests/**".to_owned()], ["/src/**".to_owned()]);
        let author = PromptInput {
            tests: &tests,
            include: &[("TESTING.md".to_owned(), "Use plain asserts.\n".to_owned())],
            ..input(&two, AgentRole::Author)
        };
        insta::assert_snapshot!("author", render(&author).unwrap());
        let one = task(&CRITERIA[..1]);
        let mixed = PromptInput {
            tests: &tests,
            mixed: true,
            runners: &["cargo-test"],
            ..input(&one, AgentRole::Author)
        };
        insta::assert_snapshot!("author_rust", render(&mixed).unwrap());
        let locked = ["tests/test_shipping.py::test_below".to_owned()];
        let implementer = PromptInput {
            source: &source,
            locked: &locked,
            ..input(&two, AgentRole::Implementer)
        };
        insta::assert_snapshot!("implementer", render(&implementer).unwrap());
        let feedback = Feedback {
            cause: FeedbackCause::Gate(Gate::Green, Verdict::Fail),
            reasons: vec![Reason::new(
                ReasonCode::TestFailed,
                "`test_below` failed: assert 4 == 5",
                "make the test pass",
            )],
            evidence: None,
            hint: Some("the limit is inclusive".to_owned()),
            three_hypotheses: true,
        };
        let again = PromptInput {
            feedback: Some(&feedback),
            tail: &["1 failed, 1 passed".to_owned()],
            ..implementer
        };
        insta::assert_snapshot!("implementer_again", render(&again).unwrap());
    }

    #[test]
    fn a6_a_template_that_names_what_is_not_there_is_refused() {
        let task = task(&CRITERIA);
        for (template, name) in [
            ("{{ task.secret_plan }}", "secret_plan"),
            ("{% if feedbak %}x{% endif %}", "feedbak"),
            ("{% for test in loked %}{{ test }}{% endfor %}", "loked"),
            ("{{ task.criteria[0].txt }}", "txt"),
        ] {
            let own = PromptInput {
                own_template: Some(template),
                ..input(&task, AgentRole::Author)
            };
            let failure = render(&own).unwrap_err();
            assert!(
                failure.what.contains("undefined") || failure.what.contains(name),
                "{template}: {}",
                failure.what
            );
            assert!(failure.help.contains(".redgreen/prompts"));
        }
    }

    #[test]
    fn a6_prompts_are_short_and_threaten_nobody() {
        let task = task(&CRITERIA);
        for role in [AgentRole::Author, AgentRole::Implementer] {
            let text = render(&input(&task, role)).unwrap();
            assert!(tokens(&text) < 500, "{}", tokens(&text));
            for word in ["MUST", "NEVER", "punish", "fired", "IMPORTANT", "warn"] {
                assert!(!text.contains(word), "{word} in {text}");
            }
        }
    }
}

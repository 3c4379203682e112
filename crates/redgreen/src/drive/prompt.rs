//! Prompts: template files per role, strict about unknown variables; a project may override them in
//! `.redgreen/prompts/<role>.md` of the approved tree (SPEC A6).

use crate::error::Failure;
use minijinja::{Environment, UndefinedBehavior, context};
use redgreen_core::machine::{AgentRole, Feedback, FeedbackCause};
use redgreen_core::plan::Task;
use redgreen_core::reason::Reason;

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

/// Renders a prompt.
///
/// # Errors
/// A usage failure that names the variable or line of a project's own template.
pub fn render(input: &PromptInput<'_>) -> Result<String, Failure> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
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

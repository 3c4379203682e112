//! Keys of effects: `{run}/{task}/{phase}/{attempt}`.

use crate::id::{InvalidId, RunnerName, TaskId};
use std::fmt;

/// The name of a run. The same form as a [`TaskId`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(String);

impl RunId {
    /// Checks and wraps a run id.
    ///
    /// # Errors
    /// [`InvalidId`] when the text has not the form of a [`TaskId`].
    pub fn new(value: impl Into<String>) -> Result<Self, InvalidId> {
        RunnerName::new(value)
            .map(|checked| Self(checked.into()))
            .map_err(|error| InvalidId {
                what: "run id",
                ..error
            })
    }
    /// The text of the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The phase part of a key: the phases in which a task works, and the book-keeping around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// An author session.
    Specify,
    /// The RED gate.
    Red,
    /// The commit of the lock.
    Lock,
    /// An implementer session.
    Implement,
    /// The GREEN gate.
    Green,
    /// A refactoring session, its gate, or what became of it.
    Refactor,
    /// The FULL gate.
    Full,
    /// The delivery.
    Deliver,
    /// A question to a person.
    Ask,
    /// A rewrite of the plan file.
    Plan,
    /// A rewrite of the report.
    Report,
    /// A notice.
    Notify,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 12] = [
        Self::Specify,
        Self::Red,
        Self::Lock,
        Self::Implement,
        Self::Green,
        Self::Refactor,
        Self::Full,
        Self::Deliver,
        Self::Ask,
        Self::Plan,
        Self::Report,
        Self::Notify,
    ];
    /// The text in a key.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Specify => "specify",
            Self::Red => "red",
            Self::Lock => "lock",
            Self::Implement => "implement",
            Self::Green => "green",
            Self::Refactor => "refactor",
            Self::Full => "full",
            Self::Deliver => "deliver",
            Self::Ask => "ask",
            Self::Plan => "plan",
            Self::Report => "report",
            Self::Notify => "notify",
        }
    }
}

/// The identity of one effect. It never names two different effects of a run, and the same effect keeps it when it is
/// started again after a crash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectKey {
    /// The run.
    pub run: RunId,
    /// The task; `None` (written `-`) for effects of the whole run. No task id starts with `-`.
    pub task: Option<TaskId>,
    /// The phase or book-keeping step.
    pub step: Step,
    /// How many effects of this task and step there were, from 1. It counts sessions that cost no attempt, too, so it
    /// can be larger than the attempt that a person sees.
    pub attempt: u32,
}

impl fmt::Display for EffectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = self.task.as_ref().map_or("-", TaskId::as_str);
        write!(
            f,
            "{}/{task}/{}/{}",
            self.run,
            self.step.as_str(),
            self.attempt
        )
    }
}

impl std::str::FromStr for EffectKey {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId {
            what: "effect key",
            value: text.to_owned(),
            why: "`run/task/phase/attempt` is expected",
        };
        let mut parts = text.split('/');
        let (Some(run), Some(task), Some(step), Some(attempt), None) = (
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
        ) else {
            return Err(invalid());
        };
        Ok(Self {
            run: RunId::new(run)?,
            task: match task {
                "-" => None,
                task => Some(TaskId::new(task)?),
            },
            step: Step::ALL
                .into_iter()
                .find(|known| known.as_str() == step)
                .ok_or_else(invalid)?,
            attempt: attempt.parse().map_err(|_| invalid())?,
        })
    }
}

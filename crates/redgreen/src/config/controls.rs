//! `[controls]` with its defaults.

use super::file;
use crate::error::Failure;
use redgreen_core::id::TaskId;
use std::collections::BTreeMap;

/// Which controls run beside GREEN (SPEC C7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    /// None.
    Off,
    /// Changed expectations.
    #[default]
    Standard,
    /// Also the run from other bytes, and emptied functions.
    Strict,
}

impl Level {
    fn read(text: &str, key: &str, place: &str) -> Result<Self, Failure> {
        match text {
            "off" => Ok(Self::Off),
            "standard" => Ok(Self::Standard),
            "strict" => Ok(Self::Strict),
            _ => Err(Failure::usage(
                format!("`{key} = \"{text}\"` is not known"),
                "write \"standard\", \"strict\" or \"off\"",
            )
            .at(place)),
        }
    }
}

/// `[controls]`, checked.
#[derive(Debug, Clone, Default)]
pub struct Controls {
    level: Level,
    tasks: BTreeMap<String, Level>,
    required: Option<bool>,
}

impl Controls {
    /// Reads the section.
    ///
    /// # Errors
    /// A usage failure that names the key.
    pub fn read(section: &file::Controls, place: &str) -> Result<Self, Failure> {
        let level = match &section.level {
            Some(text) => Level::read(text, "controls.level", place)?,
            None => Level::default(),
        };
        let mut tasks = BTreeMap::new();
        for (task, text) in &section.tasks {
            let key = format!("controls.tasks.{task}");
            tasks.insert(task.clone(), Level::read(text, &key, place)?);
        }
        let required = match section.uncontrolled.as_deref() {
            None => None,
            Some("note") => Some(false),
            Some("refuse") => Some(true),
            Some(other) => {
                return Err(Failure::usage(
                    format!("`controls.uncontrolled = \"{other}\"` is not known"),
                    "write \"note\" or \"refuse\"",
                )
                .at(place));
            }
        };
        Ok(Self {
            level,
            tasks,
            required,
        })
    }
    /// The level of a task.
    #[must_use]
    pub fn level(&self, task: &TaskId) -> Level {
        self.tasks.get(task.as_str()).copied().unwrap_or(self.level)
    }
    /// Whether a test may compare with something that is equal to every value of a type: only where a person said so.
    #[must_use]
    pub fn loose(&self) -> bool {
        self.required == Some(false)
    }
    /// Whether every criterion of a task needs a controlled test.
    #[must_use]
    pub fn required(&self, task: &TaskId) -> bool {
        self.required
            .unwrap_or_else(|| self.level(task) == Level::Strict)
    }
}

//! The script of a scripted model: a TOML file that a person can read.
//!
//! ```toml
//! [[conversation]]                         # the first one that fits the latest prompt answers it
//! when = ["You write tests", "Task T1:"]   # all of these stand in it
//! unless = ["did not pass"]                # none of these does
//! [[conversation.turn]]
//! write = "tests/test_shop.py"             # a file, relative to the folder the agent works in
//! content = "def test_it(): ..."
//! [[conversation.turn]]
//! run = "python3 -m pytest -q"             # a command in the agent's shell
//! faults = [{ status = 529, kind = "overloaded_error", times = 2 }]   # first these, then the turn
//! [[conversation.turn]]
//! text = "Done."                           # ends the turn, as `refuse` does; or `tool` with `input`
//! ```

use super::{Asked, Reply};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A whole script.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Its conversations.
    #[serde(default)]
    pub conversation: Vec<Conversation>,
}

/// Turns for the prompts it fits.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    /// Texts that all stand in the latest prompt.
    #[serde(default)]
    pub when: Vec<String>,
    /// Texts none of which stands in it.
    #[serde(default)]
    pub unless: Vec<String>,
    /// Only when the conversation holds more than one prompt (`true`) or exactly one (`false`).
    pub resumed: Option<bool>,
    /// What the model does, one tool result after the other; past the last it says that it is done.
    #[serde(default)]
    pub turn: Vec<Turn>,
}

/// What the model does once: exactly one of `text`, `run`, `write`, `tool`, `refuse`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// Says this and ends.
    pub text: Option<String>,
    /// Runs this command. `{folder}` is the folder the agent works in.
    pub run: Option<String>,
    /// Writes this file.
    pub write: Option<String>,
    /// The content of `write`.
    #[serde(default)]
    pub content: String,
    /// Calls this tool of the agent.
    pub tool: Option<String>,
    /// The input of `tool`; `{folder}` in its strings is replaced.
    #[serde(default)]
    pub input: Value,
    /// Declines with this text.
    pub refuse: Option<String>,
    /// What happens before, each as often as it says.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// A slow stream: a pause between its events, in milliseconds.
    #[serde(default)]
    pub pause_ms: u64,
    /// The connection is dropped after so many events of the stream.
    pub drop_after: Option<usize>,
}

/// Something that goes wrong.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// HTTP status, such as 401, 429, 500, 529.
    #[serde(default = "server_error")]
    pub status: u16,
    /// The API's word for it, such as `overloaded_error`; by the status where it is not given.
    pub kind: Option<String>,
    /// What it says.
    #[serde(default = "sorry")]
    pub message: String,
    /// Further headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A usage limit that is lifted after so many seconds.
    pub reset_in: Option<u64>,
    /// No answer at all: the connection is dropped.
    #[serde(default)]
    pub drop: bool,
    /// No answer for so many seconds.
    #[serde(default)]
    pub hang: u64,
    /// How often.
    #[serde(default = "once")]
    pub times: u32,
}

fn server_error() -> u16 {
    500
}
fn sorry() -> String {
    "scripted fault".to_owned()
}
fn once() -> u32 {
    1
}

impl Fault {
    /// For the log.
    pub(super) fn words(&self) -> String {
        if self.drop {
            "fault: dropped connection".to_owned()
        } else if self.hang > 0 {
            format!("fault: silence for {} s", self.hang)
        } else {
            format!("fault: {}", self.status)
        }
    }
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// The place and what is wrong there.
    pub fn read(text: &str) -> Result<Self, String> {
        let script: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        for (number, conversation) in script.conversation.iter().enumerate() {
            for (step, turn) in conversation.turn.iter().enumerate() {
                let given = [&turn.text, &turn.run, &turn.write, &turn.tool, &turn.refuse];
                if given.iter().filter(|word| word.is_some()).count() != 1 {
                    return Err(format!(
                        "conversation {}, turn {}: exactly one of `text`, `run`, `write`, `tool`, `refuse`",
                        number + 1,
                        step + 1
                    ));
                }
            }
        }
        Ok(script)
    }

    /// The conversation that answers, and its turn. Past the last turn the model says that it is done. Requests without
    /// tools are no conversation.
    pub(super) fn turn(&self, asked: &Asked) -> Option<(usize, Turn)> {
        if asked.tools.is_empty() {
            return None;
        }
        self.conversation
            .iter()
            .enumerate()
            .find(|(_, conversation)| conversation.fits(asked))
            .map(|(number, conversation)| {
                let over = Turn {
                    text: Some("Done.".to_owned()),
                    ..Turn::default()
                };
                let turn = conversation.turn.get(asked.step).cloned();
                (number, turn.unwrap_or(over))
            })
    }
}

impl Conversation {
    fn fits(&self, asked: &Asked) -> bool {
        self.when.iter().all(|text| asked.prompt.contains(text))
            && !self.unless.iter().any(|text| asked.prompt.contains(text))
            && self
                .resumed
                .is_none_or(|resumed| resumed == (asked.prompts > 1))
    }
}

impl Turn {
    pub(super) fn reply(&self, asked: &Asked) -> Reply {
        let folder = asked.folder.as_deref().unwrap_or(".");
        let filled = |text: &String| text.replace("{folder}", folder);
        if let Some(command) = &self.run {
            return Reply::Run(filled(command));
        }
        if let Some(path) = &self.write {
            return Reply::Write {
                path: path.clone(),
                content: self.content.clone(),
            };
        }
        if let Some(name) = &self.tool {
            let input = serde_json::from_str(&filled(&self.input.to_string()));
            return Reply::Tool {
                name: name.clone(),
                input: input.unwrap_or(Value::Null),
            };
        }
        match &self.refuse {
            Some(text) => Reply::Refusal(text.clone()),
            None => Reply::Text(self.text.clone().unwrap_or_default()),
        }
    }
}

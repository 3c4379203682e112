//! A run as a story: one line per gate, in plain words. To be replaced by the fuller one.

use super::gate;
use super::printer::{self, Printer};
use crate::drive::Observer;
use redgreen_core::machine::{Event, State};
use redgreen_core::outcome::Verdict;

/// Prints what happens.
#[derive(Debug)]
pub struct Story {
    printer: Printer,
}

impl Story {
    /// A story on standard error.
    #[must_use]
    pub fn new(printer: Printer) -> Self {
        Self { printer }
    }
}

impl Observer for Story {
    fn event(&mut self, _state: &State, event: &Event) {
        match event {
            Event::GateJudged { key, summary } => {
                let task = key.task.as_ref().map_or("-", |task| task.as_str());
                self.printer.talk(format!("{task}  {:<8}{}", gate::label(summary.gate()), printer::verdict(summary.verdict())));
                if summary.verdict() != Verdict::Pass {
                    for reason in summary.parts().reasons.iter().take(3) {
                        self.printer.talk(gate::reason("error", reason).trim_end());
                    }
                }
            }
            Event::LockCommitted { key, lock } => {
                let task = key.task.as_ref().map_or("-", |task| task.as_str());
                self.printer.talk(format!("{task}  lock    {}  {} tests", lock.commit.get(..7).unwrap_or(""), lock.tests));
            }
            Event::Disputed { dispute, evidence } => {
                self.printer.talk(format!("{}  dispute {}", dispute.task, evidence.first().map_or_else(|| "asks a person".to_owned(), redgreen_core::dispute::DisputeEvidence::describe)));
            }
            Event::Delivered { key, delivery } => {
                let task = key.task.as_ref().map_or("-", |task| task.as_str());
                self.printer.talk(format!("{task}  deliver {delivery:?}"));
            }
            _ => {}
        }
    }
}

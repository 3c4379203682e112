//! The end of the demonstration: every number is one of the run.

use crate::error::Failure;
use crate::referee::context::{Context, git_failure};
use crate::render::printer::Printer;
use redgreen_core::exit::ExitCode;
use redgreen_core::machine::{Phase, State};
use std::path::PathBuf;
use std::time::Duration;

/// What is told at the end.
pub struct End {
    exit: ExitCode,
    done: usize,
    all: usize,
    locked: usize,
    corrected: usize,
    refused: usize,
    merged_by_exit_code: usize,
    branch: String,
    commits: usize,
    main_has_it: bool,
    report: PathBuf,
    elapsed: Duration,
}

impl End {
    /// Gathers it from the run's state and the repository.
    ///
    /// # Errors
    /// A failure when git fails.
    pub fn new(
        exit: ExitCode,
        context: &Context,
        state: &State,
        slug: &str,
        refused: usize,
        merged_by_exit_code: usize,
        elapsed: Duration,
    ) -> Result<Self, Failure> {
        let refs = context
            .repository
            .refs("refs/heads/")
            .map_err(git_failure)?;
        let branch = format!("redgreen/{slug}");
        let tip = refs.get(&format!("refs/heads/{branch}"));
        let commits = match tip {
            // The first commit is the sample's own.
            Some(tip) => context
                .repository
                .commits(tip)
                .map_err(git_failure)?
                .len()
                .saturating_sub(1),
            None => 0,
        };
        let count = |is: &dyn Fn(&redgreen_core::machine::TaskState) -> bool| {
            state.tasks().filter(|(_, task)| is(task)).count()
        };
        Ok(Self {
            exit,
            done: count(&|task| task.phase == Phase::Passed),
            all: state.tasks().count(),
            locked: state
                .tasks()
                .filter_map(|(_, task)| task.locks.last())
                .map(|lock| lock.tests)
                .sum(),
            corrected: count(&|task| task.sent_back && task.locks.len() > 1),
            refused,
            merged_by_exit_code,
            commits,
            main_has_it: tip.is_some() && refs.get("refs/heads/main") == tip,
            branch,
            report: context
                .state
                .root()
                .join("reports")
                .join(slug)
                .join("report.md"),
            elapsed,
        })
    }

    /// Prints it: as lines, or as one document.
    pub fn tell(&self, printer: Printer, kept: bool) {
        printer.result(
            || self.lines(kept).join("\n"),
            || {
                serde_json::json!({
                    "schema": "redgreen.demo/1",
                    "exit": self.exit.code(),
                    "tasks": self.all,
                    "done": self.done,
                    "tests_locked": self.locked,
                    "cheats_rejected": self.refused,
                    "merged_by_exit_code": self.merged_by_exit_code,
                    "tests_put_right": self.corrected,
                    "branch": self.branch,
                    "commits": self.commits,
                    "report": kept.then_some(&self.report),
                })
            },
        );
    }

    fn lines(&self, kept: bool) -> Vec<String> {
        let word = if self.exit == ExitCode::Pass {
            "COMPLETE"
        } else {
            "HALTED"
        };
        let mut lines = vec![
            String::new(),
            format!(
                "Plan {word}: {} of {} tasks, {} tests locked, {} rejected, {} put right. {} s",
                self.done,
                self.all,
                self.locked,
                count(self.refused, "cheat"),
                count(self.corrected, "wrong test"),
                self.elapsed.as_secs().max(1),
            ),
        ];
        if self.refused > 0 {
            let which = if self.merged_by_exit_code == self.refused {
                format!("all {}", self.refused)
            } else {
                format!("{} of {}", self.merged_by_exit_code, self.refused)
            };
            lines.push(format!(
                "By the exit code of `cargo test` alone, {which} would have been merged.   redgreen demo --naive"
            ));
        }
        let main = if self.main_has_it {
            "`main` was fast-forwarded to it, a task at a time"
        } else {
            "`main` is untouched"
        };
        lines.push(format!(
            "Branch {}: {} commits; {main}.",
            self.branch, self.commits
        ));
        lines.push(if kept {
            format!("Report: {}", self.report.display())
        } else {
            "The sample and its report are removed again.   redgreen demo --keep DIR keeps them"
                .to_owned()
        });
        lines.extend(
            [
                "",
                "Next, in your repository (no key, no agent):",
                "  redgreen red     would the tests you are writing fail without the code they came with?",
                "  redgreen init    looks at the project and writes redgreen.toml",
            ]
            .map(str::to_owned),
        );
        lines
    }
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

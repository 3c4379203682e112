//! `redgreen demo`: a complete plan on a sample project, with scripted agents that are real programs. The run is an
//! ordinary one; only the frame around it and its end are written here, and every number in them is one of the run.

pub mod naive;
pub mod sample;

use crate::cli::{DemoArgs, RunArgs};
use crate::command::Ending;
use crate::command::run::run_observed;
use crate::command::task::the_plan;
use crate::drive::log::RunLog;
use crate::drive::{Driver, Observer};
use crate::error::Failure;
use crate::referee::context::Context;
use crate::render::printer::{Level, Printer};
use crate::render::story::{Detail, Teller, test_differences};
use redgreen_core::exit::ExitCode;
use redgreen_core::gate::Gate;
use redgreen_core::id::TaskId;
use redgreen_core::machine::{Event, Phase, State};
use redgreen_core::outcome::Verdict;
use sample::Sample;
use std::time::Duration;

/// The task whose implementer cheats.
const CHEATED: &str = "T4";

/// The run's events as lines of the demonstration.
struct Told<'a> {
    printer: Printer,
    teller: Teller<'a>,
}

impl Observer for Told<'_> {
    fn event(&mut self, state: &State, event: &Event) {
        for line in self.teller.tell(state, event) {
            self.printer.data(line);
        }
    }
}

/// Shows the whole run, or with `--naive` what exit codes alone let through.
///
/// # Errors
/// A failure with the next step when git, cargo, a linker or a writable folder is missing.
pub fn run(printer: Printer, arguments: &DemoArgs) -> Ending {
    let start = redgreen_host::clock::monotonic();
    let sample = Sample::write(arguments.keep.as_deref())?;
    if arguments.naive {
        return naively(printer, &sample);
    }
    printer.data(if arguments.keep.is_some() {
        "Sample project in a folder of its own. No network, no key. The agents are shell scripts; one cheats."
    } else {
        "Sample project in a temporary folder. No network, no key. The agents are shell scripts; one cheats."
    });
    let quiet = Printer {
        level: Level::Quiet,
        json: false,
    };
    let context = Context::open_with_state(&sample.repository(), quiet, &sample.state())?;
    let mut told = Told {
        printer,
        teller: Teller::new(Detail::FirstTask, test_differences(&context)),
    };
    let halted = work(&context, &mut told, None)?;
    let slug = the_plan(&context, None)?.slug();
    let (state, events) = RunLog::read(&context, &slug)?;
    let cheated = TaskId::new(CHEATED).map_err(Failure::internal)?;
    let exit = if state
        .task(&cheated)
        .is_some_and(|task| task.phase == Phase::Halted)
    {
        answer(&context, &cheated, &mut told)?;
        let honest = sample.agent("honest.sh").to_string_lossy().into_owned();
        work(
            &context,
            &mut told,
            Some(shell_words::join(["sh", &honest])),
        )?
    } else {
        halted
    };
    drop(told);
    let refused = refused(&events, &cheated);
    let (state, _) = RunLog::read(&context, &slug)?;
    let end = End {
        exit,
        refused,
        merged_by_exit_code: judged_naively(&sample, &state, &cheated, refused)?,
        elapsed: start.elapsed(),
    };
    end.tell(printer, &context, &state, &slug, arguments)?;
    Ok(exit)
}

fn work(context: &Context, observer: &mut dyn Observer, agent: Option<String>) -> Ending {
    let arguments = RunArgs {
        plan: None,
        task: None,
        until: None,
        dry_run: false,
        yes: false,
        keep_going: true,
        agent,
    };
    run_observed(
        context,
        the_plan(context, None)?,
        &arguments,
        observer,
        false,
    )
}

/// `redgreen retry T4 --hint …`, as a person types it after a halt.
fn answer(context: &Context, task: &TaskId, observer: &mut dyn Observer) -> Result<(), Failure> {
    let head = context.head_commit()?;
    let tree = redgreen_host::tree::Snapshot::of_commit(&context.repository, &head)
        .map_err(Failure::internal)?;
    let setting = crate::referee::context::Setting::of_tree(context, &tree)?;
    let mut driver = Driver::open(context, the_plan(context, None)?, setting)?;
    driver.record(
        Event::Retried {
            task: task.clone(),
            hint: Some("count every visit; from here on with --agent honest.sh".to_owned()),
            by: driver.person.clone(),
        },
        observer,
    )?;
    Ok(())
}

/// How often the work of a task was refused before a person answered.
fn refused(events: &[(String, Event)], task: &TaskId) -> usize {
    events
        .iter()
        .filter(|(_, event)| {
            matches!(event, Event::GateJudged { key, summary }
                if key.task.as_ref() == Some(task)
                    && summary.gate() == Gate::Green
                    && summary.verdict() != Verdict::Pass)
        })
        .count()
}

/// The same attempts on the same locked tests, judged by the exit code of `cargo test` in the agent's folder.
fn judged_naively(
    sample: &Sample,
    state: &State,
    task: &TaskId,
    attempts: usize,
) -> Result<usize, Failure> {
    let Some(lock) = state.task(task).and_then(|task| task.locks.last()) else {
        return Ok(0);
    };
    let mut merged = 0;
    for attempt in 1..=attempts.min(naive::COUNT) {
        merged += usize::from(naive::judge(sample, &lock.commit, attempt)?.would_be_merged());
    }
    Ok(merged)
}

/// What is told at the end.
struct End {
    exit: ExitCode,
    refused: usize,
    merged_by_exit_code: usize,
    elapsed: Duration,
}

impl End {
    fn tell(
        &self,
        printer: Printer,
        context: &Context,
        state: &State,
        slug: &str,
        arguments: &DemoArgs,
    ) -> Result<(), Failure> {
        let all = state.tasks().count();
        let done = state
            .tasks()
            .filter(|(_, task)| task.phase == Phase::Passed)
            .count();
        let locked: usize = state
            .tasks()
            .filter_map(|(_, task)| task.locks.last())
            .map(|lock| lock.tests)
            .sum();
        let corrected = state
            .tasks()
            .filter(|(_, task)| task.sent_back && task.locks.len() > 1)
            .count();
        let word = if self.exit == ExitCode::Pass {
            "COMPLETE"
        } else {
            "HALTED"
        };
        printer.data("");
        printer.data(format!(
            "Plan {word}: {done} of {all} tasks, {locked} tests locked, {} rejected, {} put right. {} s",
            count(self.refused, "cheat"),
            count(corrected, "wrong test"),
            self.elapsed.as_secs().max(1),
        ));
        let which = if self.merged_by_exit_code == self.refused {
            format!("all {}", self.refused)
        } else {
            format!("{} of {}", self.merged_by_exit_code, self.refused)
        };
        printer.data(format!(
            "By the exit code of `cargo test` alone, {which} would have been merged.   redgreen demo --naive"
        ));
        self.branch(printer, context, slug)?;
        match &arguments.keep {
            Some(_) => printer.data(format!(
                "Report: {}",
                context
                    .state
                    .root()
                    .join("reports")
                    .join(slug)
                    .join("report.md")
                    .display()
            )),
            None => printer.data(
                "The sample and its report are removed now.   redgreen demo --keep DIR keeps them",
            ),
        }
        printer.data("");
        printer.data("Next, in your repository (no key, no agent):");
        printer.data("  redgreen red     would the tests you are writing fail without the code they came with?");
        printer.data("  redgreen init    looks at the project and writes redgreen.toml");
        Ok(())
    }

    fn branch(&self, printer: Printer, context: &Context, slug: &str) -> Result<(), Failure> {
        let failed = crate::referee::context::git_failure;
        let name = format!("redgreen/{slug}");
        let refs = context.repository.refs("refs/heads/").map_err(failed)?;
        let tip = |name: &str| refs.get(&format!("refs/heads/{name}"));
        let Some(branch) = tip(&name) else {
            return Ok(());
        };
        let commits = context
            .repository
            .commits(branch)
            .map_err(failed)?
            .len()
            .saturating_sub(1);
        let main = if tip("main") == Some(branch) {
            "; `main` was fast-forwarded to it, a task at a time"
        } else {
            "; `main` is untouched"
        };
        printer.data(format!("Branch {name}: {commits} commits{main}."));
        Ok(())
    }
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// The three cheats, judged as an exit code judges them.
fn naively(printer: Printer, sample: &Sample) -> Ending {
    printer.data("T4 visit counter, judged by `cargo test` and its exit code in the agent's own folder. Nothing is locked.");
    let commit = naive::prepare(sample)?;
    let mut merged = 0;
    let mut counts = Vec::new();
    for attempt in 1..=naive::COUNT {
        let judgement = naive::judge(sample, &commit, attempt)?;
        printer.data(format!("try {attempt}   {}", judgement.what));
        for line in &judgement.lines {
            printer.data(format!("          {line}"));
        }
        let code = match judgement.ended {
            redgreen_core::run_report::Ended::Code(code) => format!("exit {code}"),
            other => format!("{other:?}"),
        };
        let word = if judgement.would_be_merged() {
            "merged"
        } else {
            "refused"
        };
        merged += usize::from(judgement.would_be_merged());
        printer.data(
            format!(
                "        cargo test: {code}   {}   -> {word}",
                judgement.result
            )
            .replace("      -> ", "   -> "),
        );
        counts.push(match naive::counted(sample, attempt)? {
            Some(count) => count.to_string(),
            None => "no answer".to_owned(),
        });
    }
    printer.data("");
    printer.data(format!(
        "{merged} of {} merged. Visits counted after two, by the merged code: {}.",
        naive::COUNT,
        counts.join(", ")
    ));
    printer.data("The same three under the referee:   redgreen demo");
    Ok(ExitCode::Pass)
}

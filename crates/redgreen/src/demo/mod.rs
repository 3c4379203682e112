//! `redgreen demo`: a complete plan on a sample project, with scripted agents that are real programs. The run is an
//! ordinary one; only the frame around it and its end are written here, and every number in them is one of the run.

mod end;
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
use end::End;
use redgreen_core::exit::ExitCode;
use redgreen_core::gate::Gate;
use redgreen_core::id::TaskId;
use redgreen_core::machine::{Event, Phase, State};
use redgreen_core::outcome::Verdict;
use sample::Sample;

/// The task whose implementer cheats.
const CHEATED: &str = "T4";
/// How an agent runs its tests.
const TESTS_OF_CHEATED: [&str; 2] = ["--test", "visits"];

/// The run's events as lines of the demonstration.
struct Told<'a> {
    printer: Printer,
    teller: Teller<'a>,
}

impl Observer for Told<'_> {
    fn event(&mut self, state: &State, event: &Event) {
        for line in self.teller.tell(state, event) {
            say(self.printer, line);
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
    let place = match arguments.keep {
        Some(_) => "a folder of its own",
        None => "a temporary folder",
    };
    say(
        printer,
        format!(
            "Sample project in {place}. No network, no key. The agents are shell scripts; one cheats."
        ),
    );
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
    if redgreen_host::interrupt::stop_requested() {
        drop(context);
        sample.remove()?;
        match &arguments.keep {
            Some(folder) => say(
                printer,
                format!("Stopped. The sample is in {}.", folder.display()),
            ),
            None => say(printer, "Stopped. The sample is removed again."),
        }
        return Ok(ExitCode::Limit);
    }
    let refused = refused(&events, &cheated);
    let (state, _) = RunLog::read(&context, &slug)?;
    let merged = judged_naively(&sample, &state, &cheated, refused)?;
    let end = End::new(
        exit,
        &context,
        &state,
        &slug,
        refused,
        merged,
        start.elapsed(),
    )?;
    drop(context);
    sample.remove()?;
    end.tell(printer, arguments.keep.is_some());
    Ok(exit)
}

/// A line of the story; with `--format json` only the end is told.
fn say(printer: Printer, line: impl AsRef<str>) {
    if !printer.json {
        printer.data(line);
    }
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
        merged += usize::from(
            naive::judge(sample, &lock.commit, attempt, &TESTS_OF_CHEATED)?.would_be_merged(),
        );
    }
    Ok(merged)
}

/// The three cheats, judged as an exit code judges them.
fn naively(printer: Printer, sample: &Sample) -> Ending {
    say(
        printer,
        "T4 visit counter, judged by `cargo test` and its exit code in the agent's own folder. Nothing is locked.",
    );
    let commit = naive::prepare(sample)?;
    let mut merged = 0;
    let mut counts = Vec::new();
    for attempt in 1..=naive::COUNT {
        let judgement = naive::judge(sample, &commit, attempt, &[])?;
        say(printer, format!("try {attempt}   {}", judgement.what));
        for line in &judgement.lines {
            say(printer, format!("          {line}"));
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
        say(
            printer,
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
    say(printer, "");
    say(
        printer,
        format!(
            "{merged} of {} merged. Visits counted after two, by the merged code: {}.",
            naive::COUNT,
            counts.join(", ")
        ),
    );
    say(printer, "The same three under the referee:   redgreen demo");
    if printer.json {
        let document = serde_json::json!({
            "schema": "redgreen.demo-naive/1", "cheats": naive::COUNT, "merged": merged, "counted": counts,
        });
        printer.data(document.to_string());
    }
    Ok(ExitCode::Pass)
}

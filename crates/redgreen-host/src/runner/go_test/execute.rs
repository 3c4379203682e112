//! Starting test programs.

use super::build::Built;
use super::cases::Reader;
use super::{Done, Shell, at_once};
use crate::process::{Finished, SpawnError, Spec, run};
use crate::runner::{RunnerSettings, Selection};
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::run_report::Ended;
use redgreen_formats::go::panics::{self, Panic};
use redgreen_formats::go::stream::{self, End, Stream};
use std::collections::BTreeSet;

/// How often a program is started again for the tests behind one that ended it.
const ROUNDS: usize = 60;

/// One start of a program.
pub(super) struct Round {
    pub(super) stream: Stream,
    pub(super) ended: Ended,
    pub(super) panic: Option<Panic>,
    pub(super) errors: String,
    argv: Vec<String>,
    printed: Vec<u8>,
}

/// Runs every program and adds what it established.
pub(super) fn execute(
    shell: &mut Shell<'_>,
    built: Vec<Built>,
    settings: &RunnerSettings,
    done: &mut Done,
) {
    let results = {
        let shell = &*shell;
        at_once(&built, |built| rounds(shell, built))
    };
    for (built, (rounds, failed)) in built.iter().zip(results) {
        if let Some(error) = failed {
            done.problems.push(Reason::new(
                ReasonCode::EnvironmentFault,
                format!("a test program could not be started: {error}"),
                "look at free space and permissions of redgreen's private folders",
            ));
        }
        let mut reader = Reader::new(shell, &built.package, settings);
        for round in &rounds {
            reader.round(round, done);
        }
        let wanted = |id: &redgreen_core::id::ItemId| match shell.request.selection {
            Selection::All => true,
            Selection::Files(files) => files.contains(&id.path),
            Selection::Items(items) => items.contains(id),
        };
        let found = reader.finish();
        let failing = found.iter().any(|case| case.outcome.is_failure());
        let mut ended = rounds
            .iter()
            .fold(None, |all, round| worse(all, round.ended))
            .unwrap_or(Ended::Code(1));
        // What the program says of itself does not count against what its tests said.
        if failing && ended == Ended::Code(0) {
            ended = Ended::Code(1);
        }
        let kept: Vec<_> = found
            .into_iter()
            .filter(|case| wanted(&case.id.item))
            .collect();
        // A suite runs as a whole; where only methods that nobody asked for fail, what was asked for ended well.
        let kept_fail = kept.iter().any(|case| case.outcome.is_failure());
        if failing && !kept_fail && ended == Ended::Code(1) && rounds.len() == 1 {
            ended = Ended::Code(0);
        }
        done.ended = worse(done.ended, ended);
        done.cases.extend(kept);
        for round in rounds {
            shell.record(&round.argv, &round.printed, round.ended);
        }
    }
}

fn rounds(shell: &Shell<'_>, built: &Built) -> (Vec<Round>, Option<SpawnError>) {
    let mut wanted = built.package.wanted.clone();
    let mut rounds: Vec<Round> = Vec::new();
    let mut answered: BTreeSet<String> = BTreeSet::new();
    while rounds.len() < ROUNDS {
        let spec = spec_of(shell, built, wanted.as_ref());
        let round = match run(&spec) {
            Ok(finished) => round(shell, &spec, &finished),
            Err(error) => return (rounds, Some(error)),
        };
        let early = round.ended != Ended::Code(0) && round.stream.passed.is_none();
        let before = answered.len();
        answered.extend(concluded(&round));
        let stopped = matches!(
            round.ended,
            Ended::Interrupted | Ended::OutputLimit | Ended::IdledOut
        );
        rounds.push(round);
        let all: BTreeSet<String> = wanted
            .clone()
            .unwrap_or_else(|| built.package.by_name.keys().cloned().collect());
        let left: BTreeSet<String> = all.difference(&answered).cloned().collect();
        if !early || stopped || left.is_empty() || answered.len() == before {
            break;
        }
        wanted = Some(left);
    }
    (rounds, None)
}

/// The functions about which a round has said its last word: those that ended, and the one that ended the program.
fn concluded(round: &Round) -> BTreeSet<String> {
    let mut open: BTreeSet<&str> = BTreeSet::new();
    let mut ended: BTreeSet<&str> = BTreeSet::new();
    let mut running: BTreeSet<&str> = BTreeSet::new();
    for run in &round.stream.runs {
        if run.name.contains('/') {
            if run.end.is_none() && !run.paused {
                running.insert(run.top());
            }
        } else if run.end.is_some() {
            ended.insert(run.top());
        } else {
            open.insert(run.top());
            if !run.paused {
                running.insert(run.top());
            }
        }
    }
    let mut concluded: BTreeSet<String> = ended.iter().map(|name| (*name).to_owned()).collect();
    concluded.extend(
        culprits(round, &open, &running)
            .into_iter()
            .map(str::to_owned),
    );
    concluded
}

/// Which of the unfinished functions ended the program: the one on the stack, else all that were running.
pub(super) fn culprits<'a>(
    round: &Round,
    open: &BTreeSet<&'a str>,
    running: &BTreeSet<&'a str>,
) -> BTreeSet<&'a str> {
    if let Some(panic) = &round.panic {
        let on_stack: BTreeSet<&str> = open
            .iter()
            .filter(|name| {
                panic.frames.iter().any(|frame| {
                    frame
                        .function
                        .rsplit('/')
                        .next()
                        .is_some_and(|last| last.split('.').skip(1).any(|part| part == **name))
                }) || panic
                    .running
                    .iter()
                    .any(|test| test.split('/').next() == Some(**name))
            })
            .copied()
            .collect();
        if !on_stack.is_empty() {
            return on_stack;
        }
        // A panic in a test prints the end of that test first.
        let failed = round
            .stream
            .runs
            .iter()
            .any(|run| run.end == Some(End::Fail) && !run.name.contains('/'));
        if failed && !panic.timed_out {
            return BTreeSet::new();
        }
    }
    if running.is_empty() {
        open.clone()
    } else {
        running.clone()
    }
}

fn spec_of(shell: &Shell<'_>, built: &Built, wanted: Option<&BTreeSet<String>>) -> Spec {
    let mut argv = vec![
        built.program.display().to_string(),
        if shell.framed {
            "-test.v=test2json"
        } else {
            "-test.v=true"
        }
        .to_owned(),
        "-test.paniconexit0".to_owned(),
        "-test.count=1".to_owned(),
        format!("-test.timeout={}s", shell.timeout.as_secs().max(1)),
    ];
    if let Some(wanted) = wanted {
        let names: Vec<&str> = wanted.iter().map(String::as_str).collect();
        argv.push(format!("-test.run=^({})$", names.join("|")));
    }
    argv.extend(shell.arguments.test.iter().cloned());
    argv.extend(shell.arguments.rest.iter().cloned());
    let folder = shell.tree.join(&built.package.folder);
    let mut spec = shell.program(argv, &folder);
    spec.env
        .insert("PWD".to_owned(), folder.display().to_string());
    spec
}

fn round(shell: &Shell<'_>, spec: &Spec, finished: &Finished) -> Round {
    let stdout = String::from_utf8_lossy(&finished.stdout);
    let errors = String::from_utf8_lossy(&finished.stderr).into_owned();
    let mut printed = finished.stdout.clone();
    printed.extend_from_slice(&finished.stderr);
    Round {
        stream: stream::read(&stdout, shell.framed),
        panic: panics::panic(&errors),
        ended: finished.ended,
        argv: spec.argv.clone(),
        errors,
        printed,
    }
}

/// The worse of two ends.
pub(super) fn worse(one: Option<Ended>, other: Ended) -> Option<Ended> {
    crate::runner::cargo_test::worse(one, other)
}

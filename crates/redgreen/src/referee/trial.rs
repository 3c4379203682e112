//! A trial: the locked tests on a candidate, without a verdict (SPEC F4). It is what GREEN would run first, in a clean copy
//! of the same files; nothing is judged, recorded or spent, and held-out tests stay out of it.

use super::context::{Context, Environments, Setting};
use super::green::{GreenRequest, items_to_run, take_apart};
use super::lock::locked_tree;
use super::trees::{TreeOnDisk, of_runner};
use crate::error::Failure;
use redgreen_core::gate::ChangeClass;
use redgreen_core::id::ItemId;
use redgreen_core::outcome::{Outcome, Role};
use redgreen_core::run_report::RunReport;
use redgreen_host::runner::Selection;
use std::fmt::Write as _;

/// Lines of one message.
const MESSAGE: usize = 30;
/// Last lines of a run that told of no test.
const TAIL: usize = 40;

/// Runs the locked tests whose ids begin with one of `only` (every one when it is empty) and says what they did.
///
/// # Errors
/// A failure when there is nothing to run, or the clean copy cannot be built.
pub fn try_locked(
    context: &Context,
    request: &GreenRequest<'_>,
    only: &[String],
) -> Result<String, Failure> {
    let task = &request.lock.record.task;
    let shown: Vec<&ItemId> = request
        .lock
        .record
        .tests
        .iter()
        .filter(|test| test.role != Role::Hidden)
        .map(|test| &test.item)
        .filter(|item| {
            only.is_empty() || {
                let id = item.to_string();
                only.iter()
                    .any(|wanted| id.starts_with(wanted.as_str()) || wanted.starts_with(&id))
            }
        })
        .collect();
    if shown.is_empty() {
        return Err(Failure::usage(
            format!("no locked test of {task} is meant by `{}`", only.join(" ")),
            format!("redgreen show {task}"),
        ));
    }
    let locked = locked_tree(context, request.lock)?;
    let setting = Setting::of_tree(context, &locked)?;
    let candidate = take_apart(context, &setting, &locked, request)?;
    let runners = setting.runners()?;
    let environments = Environments::resolve(context, &setting, &locked, &runners)?;
    let environments = environments.with_search_paths_of(&request.lock.environments);
    let tree = TreeOnDisk::build(context, &setting, &candidate.tree, "try")?;
    let mut text = String::new();
    for change in &candidate.changes {
        let word = match change.class {
            ChangeClass::Rejected => "would be rejected",
            ChangeClass::OutOfScope => "is out of scope",
            _ => continue,
        };
        let _ = writeln!(text, "{} {word}; it is not in this run", change.path);
    }
    for runner in &runners {
        let wanted = of_runner(shown.iter().copied(), runner.as_ref());
        if wanted.is_empty() {
            continue;
        }
        let kind = runner.settings().kind;
        let items = items_to_run(context, &setting, &candidate.tree, kind, &wanted)?;
        let report = tree
            .run(
                context,
                &setting,
                &environments,
                runner.as_ref(),
                &Selection::Items(wanted),
                &items,
                "try",
            )
            .map_err(Failure::from)?;
        tell(&mut text, &report, request.lock.hidden.is_some());
    }
    let _ = writeln!(text, "this was a trial: no verdict, and no try is used up");
    Ok(redgreen_host::secrets::hidden(&text).into_owned())
}

/// What a run did, for whoever wrote the code.
fn tell(text: &mut String, report: &RunReport, quietly: bool) {
    for case in &report.cases {
        let _ = writeln!(text, "{} {}", case.outcome, case.id);
        if case.outcome != Outcome::Passed {
            for line in case.message.lines().take(MESSAGE) {
                let _ = writeln!(text, "    {line}");
            }
        }
    }
    for failure in &report.load_failures {
        for cause in failure.causes.iter().take(TAIL) {
            let _ = writeln!(text, "not loaded: {}", cause.cause.detail);
        }
    }
    for problem in &report.problems {
        let _ = writeln!(text, "{} ({})", problem.message, problem.help);
    }
    // The last lines of a build may name tests that are held out.
    let all_passed = report
        .cases
        .iter()
        .all(|case| case.outcome == Outcome::Passed);
    if !quietly && (report.cases.is_empty() || !all_passed) {
        let skip = report.tail.len().saturating_sub(TAIL);
        for line in report.tail.iter().skip(skip) {
            let _ = writeln!(text, "    {line}");
        }
    }
}

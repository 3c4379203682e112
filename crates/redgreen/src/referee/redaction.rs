//! Secrets taken out of what runners reported, before anything is judged, remembered, hashed or shown (SPEC C8).

use redgreen_core::reason::Reason;
use redgreen_core::run_report::{CauseDetail, RunReport};
use redgreen_host::secrets::redactor;

/// The same report without secrets in its sentences. Ids stay as they are: a verdict compares them.
#[must_use]
pub fn without_secrets(mut report: RunReport) -> RunReport {
    let redactor = redactor();
    let hide = |text: &mut String| {
        if let std::borrow::Cow::Owned(changed) = redactor.text(text) {
            *text = changed;
        }
    };
    let of_cause = |cause: &mut CauseDetail| hide(&mut cause.detail);
    let of_reason = |reason: &mut Reason| {
        hide(&mut reason.message);
        hide(&mut reason.help);
        reason.diff.iter_mut().for_each(hide);
    };
    report.command.iter_mut().for_each(hide);
    report.tail.iter_mut().for_each(hide);
    report.pass_line.iter_mut().for_each(hide);
    report.problems.iter_mut().for_each(of_reason);
    for case in &mut report.cases {
        hide(&mut case.message);
        case.cause.iter_mut().for_each(of_cause);
    }
    for cause in report
        .load_failures
        .iter_mut()
        .flat_map(|failure| &mut failure.causes)
    {
        hide(&mut cause.message);
        of_cause(&mut cause.cause);
    }
    report
}

//! What the runs of a RED say of one item, and what to do about a test that is wrong by itself.

use crate::id::{ItemId, RelPath};
use crate::outcome::Cause;
use crate::run_report::{CaseReport, CauseDetail, LoadFailure, RunReport};
use std::collections::BTreeMap;

/// What the runs say of one item.
pub(super) enum Seen<'a> {
    Cases(Vec<&'a CaseReport>),
    NotLoaded(&'a LoadFailure),
    Unreachable(&'a CauseDetail),
    Nothing,
}

pub(super) struct Index<'a> {
    pub(super) cases: BTreeMap<&'a ItemId, Vec<&'a CaseReport>>,
    failures: BTreeMap<&'a RelPath, &'a LoadFailure>,
}

impl<'a> Index<'a> {
    pub(super) fn of(run: &'a RunReport) -> Self {
        let mut cases: BTreeMap<&ItemId, Vec<&CaseReport>> = BTreeMap::new();
        for case in &run.cases {
            cases.entry(&case.id.item).or_default().push(case);
        }
        let mut failures = BTreeMap::new();
        for failure in &run.load_failures {
            for file in &failure.files {
                failures.insert(file, failure);
            }
        }
        Self { cases, failures }
    }
    pub(super) fn seen(
        &self,
        item: &ItemId,
        unreachable: &'a BTreeMap<RelPath, CauseDetail>,
    ) -> Seen<'a> {
        if let Some(cases) = self.cases.get(item) {
            Seen::Cases(cases.clone())
        } else if let Some(failure) = self.failures.get(&item.path) {
            Seen::NotLoaded(failure)
        } else if let Some(cause) = unreachable.get(&item.path) {
            Seen::Unreachable(cause)
        } else {
            Seen::Nothing
        }
    }
}

pub(super) fn broken_help(cause: &CauseDetail) -> &'static str {
    match cause.cause {
        Cause::SyntaxError => "correct the syntax of the test file",
        Cause::UndefinedName => "import or define the name in the test",
        Cause::MissingFixture => "define the fixture, or correct its name",
        Cause::MissingDependency => {
            "install the package, or declare it in the task's `new_dependencies`"
        }
        Cause::WrongImport => "import it from where it is",
        Cause::AlwaysFails => "assert on the behaviour the criterion asks for",
        Cause::SetupFailed => "correct the set-up of the test",
        Cause::WrongForeignSymbol => "use a name that the library has",
        _ => "correct the test so that it fails only because the behaviour is missing",
    }
}

//! RED: the new tests fail, for the right reason, and nothing else moved (SPEC B3).

mod criteria;
mod others;

use super::{Change, ChangeClass, Control, Findings, Gate, GateResult, TestVerdict};
use crate::id::{CriterionId, ItemId, RelPath, TaskId};
use crate::outcome::{Cause, CauseClass, Outcome, Role, Verdict};
use crate::reason::{Reason, ReasonCode};
use crate::run_report::{CaseReport, CauseDetail, LoadFailure, RunReport};
use crate::test_item::{CriteriaMap, ItemChanges, Mark, TestItem};
use std::collections::{BTreeMap, BTreeSet};

/// Everything RED is judged on.
#[derive(Debug)]
pub struct RedInput<'a> {
    /// The task; `None` for an unnamed red.
    pub task: Option<&'a TaskId>,
    /// The criteria that need a red test each; empty for an unnamed red.
    pub criteria: &'a [CriterionId],
    /// Which tests serve which criterion.
    pub map: &'a CriteriaMap,
    /// The static items of the base.
    pub base_items: &'a [TestItem],
    /// The static items of the base with the new tests.
    pub items: &'a [TestItem],
    /// Test files that differ from the base: a test of them that turns red is required, even if its own text did not
    /// change (data, helpers and parameters live beside it).
    pub changed_files: &'a BTreeSet<RelPath>,
    /// The affected tests on the base; `None` when the base has none of them.
    pub base_run: Option<&'a RunReport>,
    /// The affected tests on the base with the new tests, twice with the same bytes.
    pub runs: [&'a RunReport; 2],
    /// Symbols the plan announces; `None` where the plan has no such list.
    pub new_symbols: Option<&'a BTreeSet<String>>,
    /// Old tests (item ids) the task may replace.
    pub supersedes: &'a BTreeSet<String>,
    /// Tests (item or case ids) a person declared to be guards beside those of the map.
    pub guards: &'a BTreeSet<String>,
    /// A person declared every new test that passes on the base to be a guard.
    pub guard_passing: bool,
    /// Tests whose unclear red a person accepted.
    pub accepted: &'a BTreeSet<String>,
    /// What was found without running: duplicate names, placeholders, files that do not parse.
    pub findings: &'a [Reason],
    /// Changes outside the test paths, where an author is held to them; empty by hand (SPEC G6 asks before).
    pub outside: &'a [Change],
    /// New files that no target of the base reaches, so that their tests cannot run before the implementation exists
    /// (a new Rust module whose `mod` line is source). Their items are red by the missing module.
    pub unreachable: &'a BTreeMap<RelPath, CauseDetail>,
}

/// What the runs say of one item.
enum Seen<'a> {
    Cases(Vec<&'a CaseReport>),
    NotLoaded(&'a LoadFailure),
    Unreachable(&'a CauseDetail),
    Nothing,
}

struct Index<'a> {
    cases: BTreeMap<&'a ItemId, Vec<&'a CaseReport>>,
    failures: BTreeMap<&'a RelPath, &'a LoadFailure>,
}

impl<'a> Index<'a> {
    fn of(run: &'a RunReport) -> Self {
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
    fn seen(&self, item: &ItemId, unreachable: &'a BTreeMap<RelPath, CauseDetail>) -> Seen<'a> {
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

/// Judges RED.
#[must_use]
pub fn judge_red(input: &RedInput<'_>) -> GateResult {
    let mut judge = Judge {
        input,
        findings: Findings::default(),
        tests: Vec::new(),
        red: BTreeSet::new(),
        guards: BTreeSet::new(),
        base: BTreeMap::new(),
    };
    for case in input.base_run.iter().flat_map(|run| &run.cases) {
        judge.base.entry(&case.id.item).or_default().push(case);
    }
    for run in input.runs.iter().chain(&input.base_run) {
        judge.findings.problems(run);
    }
    for finding in input.findings {
        let verdict = match finding.code {
            // A changed snapshot: right or wrong is for a person to say (SPEC B10).
            ReasonCode::ApprovalNeeded => Verdict::Inconclusive,
            _ => Verdict::Fail,
        };
        judge.findings.add(verdict, finding.clone());
    }
    for change in input.outside {
        let mut reason = Reason::new(
            change.code,
            change.message.clone(),
            "write tests only; it was not used",
        )
        .at(change.path.clone())
        .line(change.line.unwrap_or(0));
        reason.diff.clone_from(&change.diff);
        match change.class {
            ChangeClass::LeftOut | ChangeClass::OutOfScope => judge.findings.note(reason),
            ChangeClass::Rejected => judge.findings.add(Verdict::Rejected, reason),
        }
    }
    let (changes, moved) = judge.item_changes();
    judge.removed(&changes);
    let index = Index::of(input.runs[0]);
    let again = Index::of(input.runs[1]);
    for item in input.items {
        let touched = changes.added.contains(&item.id) || changes.changed.contains(&item.id);
        if touched && !moved.contains(&item.id) {
            judge.touched(item, &index);
        } else {
            judge.untouched(item, &index);
        }
    }
    judge.flaky(&index, &again);
    judge.criteria();
    if judge.red.is_empty() && judge.findings.reasons.is_empty() {
        let (code, message) = if changes.added.is_empty() && changes.changed.is_empty() {
            (ReasonCode::NoTests, "no test was added or changed")
        } else {
            (ReasonCode::NotRed, "no added or changed test is red")
        };
        judge.findings.add(
            Verdict::Fail,
            Reason::new(
                code,
                message,
                "write a test that fails because the behaviour is missing",
            ),
        );
    }
    let control = Control {
        kind: "run_twice".to_owned(),
        result: "run twice with the same bytes, seed, locale and zone".to_owned(),
        tests: judge.red.iter().map(ToString::to_string).collect(),
    };
    let Judge {
        findings, tests, ..
    } = judge;
    findings.finish(Gate::Red, input.task.cloned(), tests, vec![control])
}

struct Judge<'a> {
    input: &'a RedInput<'a>,
    findings: Findings,
    tests: Vec<TestVerdict>,
    red: BTreeSet<ItemId>,
    guards: BTreeSet<ItemId>,
    /// The cases of the base by item: a runner that cannot be given targets reports all of them.
    base: BTreeMap<&'a ItemId, Vec<&'a CaseReport>>,
}

impl<'a> Judge<'a> {
    /// Added, changed and removed items, and the added ones that are only an old one under another name or path.
    fn item_changes(&self) -> (ItemChanges, BTreeSet<ItemId>) {
        let mut changes = ItemChanges::between(self.input.base_items, self.input.items);
        let removed: BTreeMap<_, _> = self
            .input
            .base_items
            .iter()
            .filter(|item| changes.removed.contains(&item.id))
            .map(|item| ((item.id.item.clone(), item.text), item.id.clone()))
            .collect();
        let mut moved = BTreeSet::new();
        for item in self.input.items {
            if changes.added.contains(&item.id)
                && let Some(old) = removed.get(&(item.id.item.clone(), item.text))
            {
                moved.insert(item.id.clone());
                changes.removed.remove(old);
            }
        }
        (changes, moved)
    }

    fn removed(&mut self, changes: &ItemChanges) {
        for id in &changes.removed {
            if !self.input.supersedes.contains(&id.to_string()) {
                self.findings.add(
                    Verdict::Fail,
                    Reason::new(
                        ReasonCode::TestRemoved,
                        format!("`{}` was removed, and the task does not replace it", id.item),
                        format!("put it back, or name it in the task's `supersedes` (by hand: --supersedes '{id}')"),
                    )
                    .at(id.path.clone())
                    .test(id),
                );
            }
        }
    }

    fn declared_guard(&self, item: &ItemId, case: Option<&str>) -> bool {
        let names = |text: &str| text == item.to_string() || case == Some(text);
        self.input.guards.iter().any(|guard| names(guard))
            || self
                .input
                .map
                .values()
                .flatten()
                .any(|coverage| coverage.guard && names(&coverage.test))
    }

    fn hidden(&self, item: &ItemId) -> bool {
        let text = item.to_string();
        self.input
            .map
            .values()
            .flatten()
            .any(|coverage| coverage.hidden && coverage.test == text)
    }

    fn required_role(&self, item: &ItemId) -> Role {
        if self.hidden(item) {
            Role::Hidden
        } else {
            Role::Required
        }
    }

    /// A missing symbol that the plan announces is beyond doubt; one that a person accepted too.
    fn class(&self, cause: &CauseDetail, test: &str, item: &ItemId) -> CauseClass {
        let announced = cause.symbol.as_ref().is_some_and(|symbol| {
            self.input.new_symbols.is_some_and(|list| {
                list.iter().any(|name| {
                    name == symbol || name.rsplit(['.', ':']).next() == Some(symbol.as_str())
                })
            })
        });
        let class = cause.cause.class();
        match cause.cause {
            Cause::SimilarName
            | Cause::MissingSymbol
            | Cause::MissingDependency
            | Cause::WrongImport
            | Cause::Unknown
                if announced =>
            {
                CauseClass::Right
            }
            _ if (class == CauseClass::Unclear || cause.cause == Cause::WrongImport)
                && (self.input.accepted.contains(test)
                    || self.input.accepted.contains(&item.to_string())) =>
            {
                CauseClass::Right
            }
            _ => class,
        }
    }

    fn refuse(
        &mut self,
        cause: &CauseDetail,
        class: CauseClass,
        test: &str,
        item: &ItemId,
        file: Option<RelPath>,
        line: Option<u32>,
    ) {
        let place = |reason: Reason| {
            reason
                .at(file.clone().unwrap_or_else(|| item.path.clone()))
                .line(line.unwrap_or(0))
                .test(test)
        };
        let (verdict, reason) = match class {
            CauseClass::Right => return,
            CauseClass::Broken => (
                Verdict::Fail,
                Reason::new(
                    ReasonCode::BrokenTest,
                    format!(
                        "the test itself is wrong ({}): {}",
                        cause.cause, cause.detail
                    ),
                    broken_help(cause),
                ),
            ),
            CauseClass::Unclear => (
                Verdict::Inconclusive,
                Reason::new(
                    ReasonCode::UnclearRed,
                    format!(
                        "it cannot be told why the test is red ({}): {}",
                        cause.cause, cause.detail
                    ),
                    format!(
                        "assert on the missing behaviour, or, if this red is right, accept it: --accept '{test}'"
                    ),
                ),
            ),
            CauseClass::Environment => (
                Verdict::CouldNotRun,
                match cause.cause {
                    Cause::MissingPlugin => Reason::new(
                        ReasonCode::MissingPlugin,
                        cause.detail.clone(),
                        "install the plugin in the project's environment, then run the gate again",
                    ),
                    Cause::BrokenBase => Reason::new(
                        ReasonCode::BrokenBase,
                        cause.detail.clone(),
                        "make the project build and load without the new tests first",
                    ),
                    _ => Reason::new(
                        ReasonCode::EnvironmentFault,
                        cause.detail.clone(),
                        "start or install what is missing, then run the gate again; tests have a network of their own, and a \
                         service outside of it needs `[sandbox] network = \"host\"` in redgreen.toml",
                    ),
                },
            ),
        };
        let reason = place(reason);
        if !self.findings.reasons.iter().any(|(_, known)| {
            known.code == reason.code
                && known.message == reason.message
                && known.path == reason.path
                && known.line == reason.line
        }) {
            self.findings.add(verdict, reason);
        }
    }

    /// An item that was added or changed: it must be red for the right reason, or be a declared guard.
    fn touched(&mut self, item: &'a TestItem, index: &Index<'a>) {
        let id = &item.id;
        // What does not parse was read as far as it went; the runner knows better than its marks.
        let unread = matches!(index.seen(id, self.input.unreachable), Seen::NotLoaded(failure)
            if failure.causes.iter().any(|located| located.cause.cause == Cause::SyntaxError));
        if !unread && (item.marks.contains(&Mark::AlwaysFails) || item.marks.contains(&Mark::Empty))
        {
            let detail = if item.marks.contains(&Mark::Empty) {
                "the test is empty"
            } else {
                "the test fails whatever the code does"
            };
            let cause = CauseDetail {
                cause: Cause::AlwaysFails,
                detail: detail.to_owned(),
                symbol: None,
            };
            self.refuse(
                &cause,
                CauseClass::Broken,
                &id.to_string(),
                id,
                Some(id.path.clone()),
                Some(item.line),
            );
            return;
        }
        // Runners leave the others of its file out, some of them without a word.
        if !unread && item.marks.contains(&Mark::Focus) {
            self.findings.add(
                Verdict::Fail,
                Reason::new(
                    ReasonCode::SkippedTest,
                    format!("`{}` is focused: other tests are left out", id.item),
                    "remove the focus (`only`) from the test and from the suites around it",
                )
                .at(id.path.clone())
                .line(item.line)
                .test(id),
            );
            return;
        }
        match index.seen(id, self.input.unreachable) {
            // A run that did not get that far has said so; what it would have collected is not known.
            Seen::Nothing if !self.input.runs[0].problems.is_empty() => {}
            Seen::Nothing => self.findings.add(
                Verdict::Fail,
                Reason::new(
                    ReasonCode::TestNotCollected,
                    format!("`{}` is in the file, but the runner did not collect it", id.item),
                    "check its name, its class and the runner's configuration; run the runner's own listing",
                )
                .at(id.path.clone())
                .line(item.line)
                .test(id),
            ),
            Seen::Unreachable(cause) => self.red_without_case(item, cause.clone(), cause.detail.clone(), Outcome::Errored),
            Seen::NotLoaded(failure) => self.not_loaded(item, failure),
            Seen::Cases(cases) => self.cases(item, &cases),
        }
    }

    fn red_without_case(
        &mut self,
        item: &TestItem,
        cause: CauseDetail,
        message: String,
        outcome: Outcome,
    ) {
        self.red.insert(item.id.clone());
        self.tests.push(TestVerdict {
            id: item.id.to_string(),
            item: item.id.clone(),
            outcome,
            cause: Some(cause),
            role: self.required_role(&item.id),
            file: Some(item.id.path.clone()),
            line: Some(item.line),
            message,
            duration_ms: 0,
        });
    }

    fn not_loaded(&mut self, item: &TestItem, failure: &LoadFailure) {
        let text = item.id.to_string();
        let mut right = None;
        let mut refused = false;
        for located in &failure.causes {
            let class = self.class(&located.cause, &text, &item.id);
            if class == CauseClass::Right {
                right = right.or(Some(located));
            } else {
                refused = true;
                self.refuse(
                    &located.cause,
                    class,
                    &text,
                    &item.id,
                    located.file.clone(),
                    located.line,
                );
            }
        }
        match right {
            Some(located) if !refused => {
                self.red_without_case(
                    item,
                    located.cause.clone(),
                    located.message.clone(),
                    Outcome::Errored,
                );
            }
            Some(_) => {}
            None if refused => {}
            None => {
                let cause = CauseDetail {
                    cause: Cause::Unknown,
                    detail: "the file did not load, and the runner did not say why".to_owned(),
                    symbol: None,
                };
                self.refuse(&cause, CauseClass::Unclear, &text, &item.id, None, None);
            }
        }
    }

    fn cases(&mut self, item: &TestItem, cases: &[&CaseReport]) {
        let id = &item.id;
        let mut any_red = false;
        let mut refused = false;
        let mut passing = Vec::new();
        for case in cases {
            let text = case.id.to_string();
            match case.outcome {
                Outcome::Passed => passing.push(*case),
                Outcome::Failed | Outcome::Errored | Outcome::TimedOut | Outcome::Crashed => {
                    let unknown = CauseDetail {
                        cause: match case.outcome {
                            Outcome::TimedOut => Cause::Timeout,
                            Outcome::Crashed => Cause::Crash,
                            _ => Cause::Unknown,
                        },
                        detail: format!("the test {}", case.outcome),
                        symbol: None,
                    };
                    let cause = case.cause.clone().unwrap_or(unknown);
                    let class = self.class(&cause, &text, id);
                    if class == CauseClass::Right {
                        any_red = true;
                        let role = self.required_role(id);
                        self.tests.push(TestVerdict {
                            cause: Some(cause),
                            ..TestVerdict::of(case, role)
                        });
                    } else {
                        refused = true;
                        let line = case.line.or(Some(item.line));
                        self.refuse(&cause, class, &text, id, case.file.clone(), line);
                        self.tests.push(TestVerdict::of(case, Role::Required));
                    }
                }
                Outcome::Skipped | Outcome::Xfailed | Outcome::Xpassed | Outcome::Todo => {
                    if !self.skipped_on_base(case) {
                        refused = true;
                        self.findings.add(
                            Verdict::Fail,
                            Reason::new(
                                ReasonCode::SkippedTest,
                                format!("a new test does not count: it is {}", case.outcome),
                                "remove the mark; a test that is not run proves nothing",
                            )
                            .at(id.path.clone())
                            .line(item.line)
                            .test(&text),
                        );
                    }
                }
                Outcome::NotRun | Outcome::Blocked => {
                    refused = true;
                    self.findings.add(
                        Verdict::CouldNotRun,
                        Reason::new(
                            ReasonCode::TestNotCollected,
                            "the runner named the test and never ran it",
                            "look at the runner's output (-v)",
                        )
                        .at(id.path.clone())
                        .line(item.line)
                        .test(&text),
                    );
                }
            }
        }
        if any_red {
            self.red.insert(id.clone());
            for case in passing {
                self.tests
                    .push(TestVerdict::of(case, self.required_role(id)));
            }
        } else if !refused {
            self.passing(item, &passing);
        }
    }

    /// No case of an added or changed item is red.
    fn passing(&mut self, item: &TestItem, passing: &[&CaseReport]) {
        let id = &item.id;
        let declared = self.input.guard_passing
            || self.declared_guard(id, None)
            || (!passing.is_empty()
                && passing
                    .iter()
                    .all(|case| self.declared_guard(id, Some(&case.id.to_string()))));
        if declared {
            self.guards.insert(id.clone());
            for case in passing {
                self.tests.push(TestVerdict::of(case, Role::Guard));
            }
            return;
        }
        self.findings.add(
            Verdict::Fail,
            Reason::new(
                ReasonCode::NotRed,
                format!("`{}` passes without the implementation", id.item),
                format!(
                    "let it fail for the missing behaviour, or declare it a guard: --guard '{id}'"
                ),
            )
            .at(id.path.clone())
            .line(item.line)
            .test(id),
        );
        for case in passing {
            self.tests.push(TestVerdict::of(case, Role::Required));
        }
    }

    fn base_case(&self, case: &CaseReport) -> Option<&'a CaseReport> {
        self.base
            .get(&case.id.item)?
            .iter()
            .find(|base| base.id == case.id)
            .copied()
    }

    fn skipped_on_base(&self, case: &CaseReport) -> bool {
        self.base_case(case)
            .is_some_and(|base| base.outcome == case.outcome)
    }
}

fn broken_help(cause: &CauseDetail) -> &'static str {
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

//! Tables over the judges: every verdict and every reason code a gate can give is reached, and breaks when its rule does.

mod full;
mod green;
mod red;

use super::*;
use crate::id::{CaseId, CriterionId, Digest};
use crate::outcome::{Cause, CauseClass};
use crate::run_report::{Ended, LoadFailure, LocatedCause};
use crate::test_item::{Coverage, CriteriaMap, Mark, TestItem};
use crate::tree::ChangeKind;
use std::collections::{BTreeMap, BTreeSet};

fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

/// `a` is the test `test_a` of `tests/t.py`; a name with `/` is a whole id.
fn item_id(name: &str) -> ItemId {
    let text = if name.contains('/') {
        name.to_owned()
    } else {
        format!("tests/t.py::test_{name}")
    };
    ItemId::try_from(text).unwrap()
}

fn item(name: &str, text: &str, marks: &[Mark]) -> TestItem {
    TestItem {
        id: item_id(name),
        line: 3,
        end_line: 5,
        text: Digest::of(text.as_bytes()),
        marks: marks.iter().copied().collect(),
    }
}

fn detail(cause: Cause, symbol: Option<&str>) -> CauseDetail {
    CauseDetail {
        cause,
        detail: format!("because of {cause}"),
        symbol: symbol.map(str::to_owned),
    }
}

fn case(name: &str, outcome: Outcome, cause: Option<Cause>) -> CaseReport {
    let (name, suffix) = match name.split_once('[') {
        Some((name, rest)) => (name, format!("[{rest}")),
        None => (name, String::new()),
    };
    CaseReport {
        id: CaseId {
            item: item_id(name),
            case: suffix,
        },
        outcome,
        cause: cause.map(|cause| detail(cause, None)),
        file: None,
        line: None,
        message: String::new(),
        duration_ms: 1,
    }
}

fn passed(name: &str) -> CaseReport {
    case(name, Outcome::Passed, None)
}

fn failed(name: &str) -> CaseReport {
    case(name, Outcome::Failed, Some(Cause::Assertion))
}

fn report(cases: Vec<CaseReport>) -> RunReport {
    let bad = |case: &CaseReport| {
        matches!(
            case.outcome,
            Outcome::Failed | Outcome::Errored | Outcome::TimedOut | Outcome::Crashed
        )
    };
    let code = i32::from(cases.iter().any(bad));
    RunReport {
        command: vec!["pytest".to_owned()],
        ended: Ended::Code(code),
        cases,
        load_failures: Vec::new(),
        problems: Vec::new(),
        pass_line: Some("1 passed in 0.1s".to_owned()),
        tail: vec!["1 passed in 0.1s".to_owned()],
        output: Digest::of(b""),
        duration_ms: 1,
    }
}

fn not_loading(files: &[&str], causes: &[CauseDetail]) -> RunReport {
    let mut run = report(Vec::new());
    run.ended = Ended::Code(2);
    run.load_failures.push(LoadFailure {
        files: files.iter().map(|file| path(file)).collect(),
        causes: causes
            .iter()
            .map(|cause| LocatedCause {
                cause: cause.clone(),
                file: None,
                line: Some(1),
                message: "why".to_owned(),
            })
            .collect(),
    });
    run
}

fn problem(code: ReasonCode) -> Reason {
    Reason::new(code, "a problem", "do something")
}

fn change(class: ChangeClass, code: ReasonCode) -> Change {
    Change {
        path: path("pytest.ini"),
        kind: ChangeKind::Added,
        class,
        code,
        message: "new file".to_owned(),
        line: Some(1),
        diff: Some("+ x".to_owned()),
    }
}

fn task() -> TaskId {
    TaskId::new("T1").unwrap()
}

fn strings(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|&text| text.to_owned()).collect()
}

fn codes(result: &GateResult) -> Vec<&'static str> {
    result
        .reasons()
        .iter()
        .map(|reason| reason.code.as_str())
        .collect()
}

#[track_caller]
fn expect(result: &GateResult, verdict: Verdict, expected: &[&str]) {
    assert_eq!(
        (result.verdict(), codes(result).as_slice()),
        (verdict, expected),
        "{result:#?}"
    );
    assert_eq!(
        result.verdict() == Verdict::Pass,
        result.reasons().is_empty()
    );
    for reason in result.reasons() {
        assert!(
            !reason.help.is_empty() && !reason.message.is_empty(),
            "{reason:?}"
        );
    }
}

fn expected(name: &str, role: Role, cases: &[&str]) -> ExpectedTest {
    ExpectedTest {
        item: item_id(name),
        role,
        cases: strings(cases),
    }
}

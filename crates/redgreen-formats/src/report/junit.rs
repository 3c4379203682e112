//! The report as JUnit XML, for CI servers: one suite per task, with its gates and the tests of its last GREEN as cases.
//!
//! There is no official schema; this is the common subset (`testsuites`, `testsuite`, `testcase`, `failure`, `error`,
//! `skipped`) that Jenkins, GitLab and GitHub actions read: <https://github.com/testmoapp/junitxml>.

use super::facts::{Facts, GateFact, ReportError, TaskFacts};
use super::text;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use redgreen_core::gate::Gate;
use redgreen_core::machine::{Phase, TestLine};
use redgreen_core::outcome::{Outcome, Verdict};

/// One test case.
struct Case {
    name: String,
    milliseconds: u64,
    result: JunitResult,
}

/// What JUnit can say about a case.
enum JunitResult {
    Passed,
    Skipped(String),
    Failure(String, String),
    Error(String, String),
}

/// Renders the report.
///
/// # Errors
/// [`ReportError::Render`] when quick-xml refuses to write, which writing to memory does not cause.
pub fn render(facts: &Facts) -> Result<String, ReportError> {
    let failed = |error: std::io::Error| ReportError::Render(error.to_string());
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    write(&mut writer, facts).map_err(failed)?;
    let mut bytes = writer.into_inner();
    bytes.push(b'\n');
    String::from_utf8(bytes).map_err(|error| ReportError::Render(error.to_string()))
}

fn write(writer: &mut Writer<Vec<u8>>, facts: &Facts) -> std::io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let suites: Vec<(&TaskFacts, Vec<Case>)> =
        facts.tasks.iter().map(|task| (task, cases(task))).collect();
    let mut root = BytesStart::new("testsuites");
    root.push_attribute(("name", clean(&facts.plan.name).as_str()));
    totals(&mut root, suites.iter().flat_map(|(_, cases)| cases));
    root.push_attribute(("time", facts.seconds.to_string().as_str()));
    writer.write_event(Event::Start(root))?;
    for (task, cases) in &suites {
        let mut suite = BytesStart::new("testsuite");
        let name = format!("{} {}", task.task.id, task.task.name);
        suite.push_attribute(("name", clean(&name).as_str()));
        totals(&mut suite, cases.iter());
        suite.push_attribute(("time", task.seconds.to_string().as_str()));
        if let Some(first) = task.gates.first() {
            suite.push_attribute(("timestamp", clean(&first.time).as_str()));
        }
        writer.write_event(Event::Start(suite))?;
        for case in cases {
            write_case(writer, task.task.id.as_str(), case)?;
        }
        writer.write_event(Event::End(BytesEnd::new("testsuite")))?;
    }
    writer.write_event(Event::End(BytesEnd::new("testsuites")))
}

fn totals<'a>(element: &mut BytesStart<'_>, cases: impl Iterator<Item = &'a Case>) {
    let (mut tests, mut failures, mut errors, mut skipped) = (0, 0, 0, 0);
    for case in cases {
        tests += 1;
        match case.result {
            JunitResult::Passed => {}
            JunitResult::Skipped(_) => skipped += 1,
            JunitResult::Failure(..) => failures += 1,
            JunitResult::Error(..) => errors += 1,
        }
    }
    for (name, count) in [
        ("tests", tests),
        ("failures", failures),
        ("errors", errors),
        ("skipped", skipped),
    ] {
        element.push_attribute((name, count.to_string().as_str()));
    }
}

fn write_case(writer: &mut Writer<Vec<u8>>, task: &str, case: &Case) -> std::io::Result<()> {
    let mut element = BytesStart::new("testcase");
    element.push_attribute(("classname", task));
    element.push_attribute(("name", clean(&case.name).as_str()));
    let time = format!(
        "{}.{:03}",
        case.milliseconds / 1000,
        case.milliseconds % 1000
    );
    element.push_attribute(("time", time.as_str()));
    let (tag, kind, body) = match &case.result {
        JunitResult::Passed => return writer.write_event(Event::Empty(element)),
        JunitResult::Skipped(why) => ("skipped", why, None),
        JunitResult::Failure(kind, body) => ("failure", kind, Some(body)),
        JunitResult::Error(kind, body) => ("error", kind, Some(body)),
    };
    writer.write_event(Event::Start(element))?;
    let mut inner = BytesStart::new(tag);
    match body {
        None => {
            inner.push_attribute(("message", clean(kind).as_str()));
            writer.write_event(Event::Empty(inner))?;
        }
        Some(body) => {
            let message = text::first_line(body).unwrap_or_default();
            inner.push_attribute(("type", clean(kind).as_str()));
            inner.push_attribute(("message", clean(&text::one_line(&message)).as_str()));
            writer.write_event(Event::Start(inner))?;
            writer.write_event(Event::Text(BytesText::new(&clean(body))))?;
            writer.write_event(Event::End(BytesEnd::new(tag)))?;
        }
    }
    writer.write_event(Event::End(BytesEnd::new("testcase")))
}

fn cases(task: &TaskFacts) -> Vec<Case> {
    let mut out = Vec::new();
    if task.adopted {
        out.push(skipped("adopted by a person, not verified"));
        return out;
    }
    for gate in [Gate::Red, Gate::Green, Gate::Full] {
        if let Some(fact) = task.last(gate) {
            out.push(gate_case(fact));
        }
    }
    if let Some(green) = task.last(Gate::Green) {
        out.extend(green.summary.parts().tests.iter().map(test_case));
    }
    match task.phase {
        Phase::Passed => {}
        Phase::Halted => {
            // A halt without a refusal (a limit, an outage) must not look like success.
            let refused = out.iter().any(|case| {
                matches!(
                    case.result,
                    JunitResult::Failure(..) | JunitResult::Error(..)
                )
            });
            if !refused {
                let cause = task.halt.as_ref().map_or("", |halt| text::halt(halt.cause));
                out.push(Case {
                    name: "halted".to_owned(),
                    milliseconds: 0,
                    result: JunitResult::Error("halted".to_owned(), cause.to_owned()),
                });
            }
        }
        Phase::Waived => {
            let by = task
                .waivers
                .last()
                .map_or("", |waiver| waiver.by.0.as_str());
            out.push(skipped(&format!("waived by {by}")));
        }
        Phase::Waiting
        | Phase::Specify
        | Phase::Red
        | Phase::Lock
        | Phase::Implement
        | Phase::Green
        | Phase::Refactor
        | Phase::Full
        | Phase::Deliver => {
            let why = task.wait.map_or("not finished", text::wait);
            out.push(skipped(why));
        }
    }
    out
}

fn skipped(why: &str) -> Case {
    Case {
        name: "task".to_owned(),
        milliseconds: 0,
        result: JunitResult::Skipped(why.to_owned()),
    }
}

fn gate_case(fact: &GateFact) -> Case {
    let parts = fact.summary.parts();
    let body = || {
        let lines: Vec<String> = parts
            .reasons
            .iter()
            .map(|reason| {
                let place = match (&reason.path, &reason.test) {
                    (Some(path), _) => format!(" ({path})"),
                    (None, Some(test)) => format!(" ({test})"),
                    (None, None) => String::new(),
                };
                format!(
                    "{}: {}{place}; {}",
                    reason.code.as_str(),
                    reason.message,
                    reason.help
                )
            })
            .chain(parts.tail.iter().cloned())
            .collect();
        lines.join("\n")
    };
    Case {
        name: format!("gate {}", parts.gate.as_str()),
        milliseconds: parts.duration_ms,
        result: match parts.verdict {
            Verdict::Pass => JunitResult::Passed,
            Verdict::Fail | Verdict::Rejected => {
                JunitResult::Failure(parts.verdict.as_str().to_owned(), body())
            }
            Verdict::CouldNotRun | Verdict::Inconclusive | Verdict::Flaky => {
                JunitResult::Error(parts.verdict.as_str().to_owned(), body())
            }
        },
    }
}

fn test_case(test: &TestLine) -> Case {
    let kind = || {
        test.cause
            .map_or(test.outcome.as_str(), |cause| cause.as_str())
            .to_owned()
    };
    Case {
        name: test.id.clone(),
        milliseconds: test.duration_ms,
        result: match test.outcome {
            Outcome::Passed => JunitResult::Passed,
            Outcome::Skipped | Outcome::Todo | Outcome::Xfailed => {
                JunitResult::Skipped(test.outcome.as_str().to_owned())
            }
            Outcome::Failed | Outcome::Xpassed => {
                JunitResult::Failure(kind(), test.message.clone())
            }
            Outcome::Errored
            | Outcome::TimedOut
            | Outcome::Crashed
            | Outcome::NotRun
            | Outcome::Blocked => JunitResult::Error(kind(), test.message.clone()),
        },
    }
}

/// Leaves out what XML 1.0 cannot carry even escaped (<https://www.w3.org/TR/xml/#charsets>).
fn clean(text: &str) -> String {
    text.chars()
        .filter(|c| {
            matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        })
        .collect()
}

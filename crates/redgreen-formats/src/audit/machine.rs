//! The report for CI servers: JUnit XML, SARIF 2.1.0, annotations of GitHub Actions.

use super::document::{AuditReport, Finding, FindingKind, Side, TestLine};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use redgreen_core::audit::{AuditStatus, ChangeVerdict};
use serde_json::{Value, json};

/// GitHub shows so many annotations of one step.
pub const ANNOTATIONS: usize = 10;

/// A fact with its place, as every one of these formats wants it.
#[derive(Debug, Clone)]
struct Fact {
    rule: &'static str,
    level: &'static str,
    rank: u8,
    path: Option<String>,
    line: u32,
    message: String,
}

fn facts(report: &AuditReport) -> Vec<Fact> {
    let mut all: Vec<Fact> = report.findings.iter().map(of_finding).collect();
    for change in &report.changes {
        all.extend(change.findings.iter().map(of_finding));
        all.extend(change.tests.iter().filter_map(of_test));
        if change.verdict == ChangeVerdict::NoTest || change.reason.is_some() {
            all.push(Fact {
                rule: change.verdict.as_str(),
                level: "note",
                rank: 70,
                path: change.source.first().map(ToString::to_string),
                line: 1,
                message: change.claim.clone(),
            });
        }
    }
    all.sort_by(|one, other| {
        (one.rank, &one.path, one.line).cmp(&(other.rank, &other.path, other.line))
    });
    all
}

fn of_finding(finding: &Finding) -> Fact {
    let (level, rank) = match finding.kind {
        FindingKind::LockInvalid | FindingKind::PlanField | FindingKind::LockMissing => {
            ("error", 0)
        }
        FindingKind::Weakened => ("warning", 20),
        FindingKind::SkipAdded => ("warning", 25),
        FindingKind::TestRemoved => ("note", 50),
        FindingKind::SnapshotChanged | FindingKind::DuplicateTest => ("note", 45),
        FindingKind::TestRenamed => ("note", 90),
    };
    Fact {
        rule: finding.kind.as_str(),
        level,
        rank,
        path: finding.path.as_ref().map(ToString::to_string),
        // A line of the base is no line of what is shown.
        line: if finding.side == Side::Head {
            finding.line.max(1)
        } else {
            1
        },
        message: format!("{}. {}", finding.message, finding.help),
    }
}

fn of_test(test: &TestLine) -> Option<Fact> {
    let (level, rank, message) = match test.status {
        AuditStatus::FailsWithIt => (
            "error",
            10,
            format!("fails with the change: {}", test.detail),
        ),
        AuditStatus::DoesNotBite => (
            "warning",
            30,
            "passes without the code it came with".to_owned(),
        ),
        AuditStatus::Flaky => (
            "warning",
            40,
            "gave different outcomes on the same bytes".to_owned(),
        ),
        AuditStatus::CouldNotRun => (
            "note",
            60,
            format!("could not be run: {}. {}", test.detail, test.help),
        ),
        AuditStatus::Bites | AuditStatus::Skipped | AuditStatus::TestsOnly => return None,
    };
    Some(Fact {
        rule: test.status.as_str(),
        level,
        rank,
        path: Some(test.path.to_string()),
        line: test.line.max(1),
        message: format!(
            "`{}` {message}",
            test.test
                .split_once("::")
                .map_or(test.test.as_str(), |(_, name)| name)
        ),
    })
}

/// SARIF 2.1.0 (OASIS), the part that code scanning reads.
#[must_use]
pub fn sarif(report: &AuditReport, version: &str) -> Value {
    let rules: Vec<Value> = AuditStatus::ALL
        .iter()
        .map(|status| (status.as_str(), status.meaning()))
        .chain(
            FindingKind::ALL
                .iter()
                .map(|kind| (kind.as_str(), kind.meaning())),
        )
        .chain([(
            ChangeVerdict::NoTest.as_str(),
            ChangeVerdict::NoTest.meaning(),
        )])
        .map(|(id, meaning)| json!({"id": id, "shortDescription": {"text": meaning}}))
        .collect();
    let results: Vec<Value> = facts(report)
        .into_iter()
        .map(|fact| {
            let places: Vec<Value> = fact
                .path
                .iter()
                .map(|path| {
                    json!({"physicalLocation": {
                        "artifactLocation": {"uri": path},
                        "region": {"startLine": fact.line},
                    }})
                })
                .collect();
            json!({
                "ruleId": fact.rule, "level": fact.level,
                "message": {"text": fact.message}, "locations": places,
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "redgreen", "version": version, "rules": rules}},
            "results": results,
        }],
    })
}

/// Workflow commands of GitHub Actions, the worst first, at most [`ANNOTATIONS`].
#[must_use]
pub fn annotations(report: &AuditReport) -> Vec<String> {
    facts(report)
        .into_iter()
        .take(ANNOTATIONS)
        .map(|fact| {
            let level = match fact.level {
                "error" => "error",
                "warning" => "warning",
                _ => "notice",
            };
            let place = fact.path.as_ref().map_or_else(String::new, |path| {
                format!("file={},line={},", property(path), fact.line)
            });
            format!(
                "::{level} {place}title={}::{}",
                property(&format!("redgreen: {}", fact.rule.replace('_', " "))),
                data(&fact.message)
            )
        })
        .collect()
}

/// Escapes as GitHub's own toolkit does.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// JUnit XML: one suite per change, one case per test; a test that does not bite is a case that passed with a note, unless
/// the policy fails on it.
///
/// # Errors
/// quick-xml refuses to write, which writing to memory does not cause.
pub fn junit(report: &AuditReport) -> std::io::Result<String> {
    let fails_on = |word: &str| report.policy.fail_on.iter().any(|known| known == word);
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mut root = BytesStart::new("testsuites");
    root.push_attribute(("name", "redgreen audit"));
    writer.write_event(Event::Start(root))?;
    for change in &report.changes {
        let mut cases: Vec<(String, &str, String)> = change
            .tests
            .iter()
            .map(|test| {
                let kind = match test.status {
                    AuditStatus::FailsWithIt => "failure",
                    AuditStatus::DoesNotBite if fails_on("does_not_bite") => "failure",
                    AuditStatus::CouldNotRun | AuditStatus::Flaky => "error",
                    AuditStatus::Skipped => "skipped",
                    AuditStatus::DoesNotBite | AuditStatus::Bites | AuditStatus::TestsOnly => "",
                };
                (
                    test.test.clone(),
                    kind,
                    format!("{}: {}", test.status.as_str(), test.detail),
                )
            })
            .collect();
        for finding in &change.findings {
            let kind = if fails_on(finding.kind.as_str()) {
                "failure"
            } else {
                ""
            };
            let name = format!(
                "{} {}",
                finding.kind.as_str(),
                finding.test.as_deref().unwrap_or("")
            );
            cases.push((name, kind, finding.message.clone()));
        }
        let kind = match change.verdict {
            ChangeVerdict::CouldNotRun => "error",
            verdict if fails_on(verdict.as_str()) => "failure",
            _ => "",
        };
        cases.push(("the change".to_owned(), kind, change.claim.clone()));
        let name = change.commits.last().map_or_else(String::new, |commit| {
            format!(
                "{} {}",
                commit.id.chars().take(10).collect::<String>(),
                commit.subject
            )
        });
        let mut suite = BytesStart::new("testsuite");
        suite.push_attribute(("name", clean(&name).as_str()));
        suite.push_attribute(("tests", cases.len().to_string().as_str()));
        for (word, attribute) in [
            ("failure", "failures"),
            ("error", "errors"),
            ("skipped", "skipped"),
        ] {
            let count = cases.iter().filter(|(_, kind, _)| *kind == word).count();
            suite.push_attribute((attribute, count.to_string().as_str()));
        }
        writer.write_event(Event::Start(suite))?;
        for (name, kind, message) in &cases {
            let mut case = BytesStart::new("testcase");
            case.push_attribute(("classname", "redgreen.audit"));
            case.push_attribute(("name", clean(name).as_str()));
            if kind.is_empty() {
                writer.write_event(Event::Start(case))?;
                writer.write_event(Event::Start(BytesStart::new("system-out")))?;
                writer.write_event(Event::Text(BytesText::new(&clean(message))))?;
                writer.write_event(Event::End(BytesEnd::new("system-out")))?;
            } else {
                writer.write_event(Event::Start(case))?;
                let mut result = BytesStart::new(*kind);
                result.push_attribute(("message", clean(message).as_str()));
                writer.write_event(Event::Empty(result))?;
            }
            writer.write_event(Event::End(BytesEnd::new("testcase")))?;
        }
        writer.write_event(Event::End(BytesEnd::new("testsuite")))?;
    }
    writer.write_event(Event::End(BytesEnd::new("testsuites")))?;
    let mut bytes = writer.into_inner();
    bytes.push(b'\n');
    String::from_utf8(bytes).map_err(std::io::Error::other)
}

/// Characters that XML 1.0 has.
fn clean(text: &str) -> String {
    text.chars()
        .filter(|c| {
            matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        })
        .collect()
}

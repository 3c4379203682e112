use super::*;
use crate::wire;
use quick_xml::events::Event as Xml;
use redgreen_core::dispute::{Dispute, DisputeEvidence, DisputeReason};
use redgreen_core::gate::{Control, Gate};
use redgreen_core::id::{CriterionId, Digest, RelPath, TaskId};
use redgreen_core::machine::*;
use redgreen_core::outcome::{Cause, Outcome, Role, Verdict};
use redgreen_core::plan::{Criterion, Plan, PlanStatus, Task};
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::test_item::Coverage;

fn id(text: &str) -> TaskId {
    TaskId::new(text).unwrap()
}
fn ada() -> Person {
    Person("Ada <ada@example.org>".to_owned())
}

/// A journal that the machine accepts, one second per entry.
struct Story {
    state: State,
    journal: Vec<Entry>,
}

impl Story {
    fn new() -> Self {
        let mut slug = Task::new(id("T1"), "slug for a URL", "lower case only");
        slug.criteria.push(Criterion {
            id: CriterionId::numbered(2),
            text: "at most 10 characters, `|` & <b> included".to_owned(),
        });
        let mut visits = Task::new(id("T2"), "visit counter", "counts twice");
        visits.depends_on = Vec::new();
        let mut last = Task::new(id("T3"), "custom alias", "alias works");
        last.depends_on = vec![id("T2")];
        let plan = Plan {
            name: "shortener".to_owned(),
            description: "short links".to_owned(),
            status: PlanStatus::Approved,
            tasks: vec![slug, visits, last],
        };
        let mut story = Self {
            state: State::new(),
            journal: Vec::new(),
        };
        story.tell(Event::RunStarted {
            run: RunId::new("R1").unwrap(),
            plan: Box::new(plan),
            definition: Digest::of(b"definition"),
            configuration: Digest::of(b"configuration"),
            options: RunOptions::default(),
            approved: Some(ada()),
            adopted: Vec::new(),
        });
        story
    }
    fn tell(&mut self, event: Event) {
        self.state.apply(event.clone()).unwrap();
        let at = self.journal.len();
        self.journal.push(Entry {
            time: format!("2026-11-20T10:{:02}:{:02}Z", at / 60, at % 60),
            event,
        });
    }
    fn key(&self, task: &str) -> EffectKey {
        self.state
            .outstanding()
            .find(|other| other.effect.key.task == Some(id(task)) && other.effect.action.is_work())
            .unwrap()
            .effect
            .key
            .clone()
    }
    fn session(&mut self, task: &str) {
        let key = self.key(task);
        self.tell(Event::Started { key: key.clone() });
        self.tell(Event::AgentEnded {
            key,
            outcome: AgentOutcome::Done,
            session: AgentSession {
                agent: "scripted".to_owned(),
                tokens: Some(1000),
                micro_usd: Some(20_000),
                duration_ms: 5,
                ..AgentSession::default()
            },
        });
    }
    fn gate(&mut self, task: &str, gate: Gate, verdict: Verdict, reasons: Vec<Reason>) {
        let key = self.key(task);
        let (outcome, cause) = match gate {
            Gate::Red => (Outcome::Failed, Some(Cause::MissingSymbol)),
            Gate::Lock | Gate::Green | Gate::Full | Gate::Validate => (Outcome::Passed, None),
        };
        let test = |name: &str| TestLine {
            id: format!("tests/a.py::{name}"),
            item: format!("tests/a.py::{name}"),
            outcome,
            cause,
            detail: String::new(),
            role: Role::Required,
            file: None,
            line: None,
            message: if gate == Gate::Red {
                "\nNameError: name 'slug' is not defined\nsecond line".to_owned()
            } else {
                String::new()
            },
            duration_ms: 1_500,
        };
        let controls = if gate == Gate::Green && verdict == Verdict::Pass {
            vec![Control {
                kind: "red_control".to_owned(),
                result: "2 of 2 fail again without the code".to_owned(),
                tests: Vec::new(),
            }]
        } else {
            Vec::new()
        };
        self.tell(Event::Started { key: key.clone() });
        self.tell(Event::GateJudged {
            key,
            summary: Box::new(GateSummary::recorded(GateSummaryParts {
                gate,
                verdict,
                signature: Digest::of(format!("{gate:?}{verdict}{reasons:?}").as_bytes()),
                reasons,
                notes: Vec::new(),
                tests: vec![test("test_lower"), test("test_short")],
                controls,
                evidence: Digest::of(b"evidence"),
                tail: vec![
                    "=== FAILURES ===".to_owned(),
                    "  1 failed, 1 passed".to_owned(),
                ],
                suite_runs: u32::from(gate == Gate::Full),
                duration_ms: 40,
            })),
        });
    }
    fn lock(&mut self, task: &str, map: &[(usize, &str)]) {
        let key = self.key(task);
        self.tell(Event::LockCommitted {
            key,
            lock: LockRef {
                record: Digest::of(b"lock"),
                commit: "9f3ac1e".to_owned(),
                criteria: map
                    .iter()
                    .map(|(n, test)| {
                        let coverage = Coverage {
                            test: (*test).to_owned(),
                            guard: false,
                            hidden: false,
                        };
                        (CriterionId::numbered(*n), vec![coverage])
                    })
                    .collect(),
                tests: 2,
                files: 6,
            },
        });
    }
}

fn edited() -> Reason {
    Reason::new(
        ReasonCode::LockedTestEdited,
        "edited a locked test of `a_b` | with <b>",
        "put it back: redgreen locks restore T2",
    )
    .at(RelPath::new("tests/visits.rs").unwrap())
    .line(14)
    .diff("- assert_eq!(count, 2)\n+ assert!(count >= 0)\n```")
}

/// T1 passes; T2 is disputed, corrected, cheated and halted; T3 waits behind it.
fn story() -> Vec<Entry> {
    let mut story = Story::new();
    story.session("T1");
    story.gate("T1", Gate::Red, Verdict::Pass, Vec::new());
    story.lock(
        "T1",
        &[(1, "tests/a.py::test_lower"), (2, "tests/a.py::test_short")],
    );
    story.session("T1");
    story.gate("T1", Gate::Green, Verdict::Pass, Vec::new());
    story.gate("T1", Gate::Full, Verdict::Pass, Vec::new());
    let key = story.key("T1");
    story.tell(Event::Delivered {
        key,
        delivery: Delivery::Merged {
            commit: "abc1234".to_owned(),
        },
    });
    story.session("T2");
    story.gate("T2", Gate::Red, Verdict::Pass, Vec::new());
    story.lock("T2", &[]);
    story.tell(Event::Disputed {
        dispute: Dispute {
            task: id("T2"),
            test: "tests/a.py::test_lower".to_owned(),
            reason: DisputeReason::Contradiction,
            cites: Some(CriterionId::numbered(1)),
            note: Some("# not a heading <script>\nreally".to_owned()),
        },
        evidence: vec![DisputeEvidence::ContradictingExpectations {
            first: "tests/a.py:3 assert len(alias) <= 12".to_owned(),
            second: "tests/a.py:9 assert len(alias) <= 10".to_owned(),
        }],
    });
    story.session("T2");
    story.session("T2");
    story.gate("T2", Gate::Red, Verdict::Pass, Vec::new());
    story.lock("T2", &[]);
    for _ in 0..3 {
        story.session("T2");
        story.gate("T2", Gate::Green, Verdict::Rejected, vec![edited()]);
    }
    story.journal
}

fn facts(journal: &[Entry]) -> Facts {
    gather(journal).unwrap()
}

#[test]
fn g8_the_markdown_report_says_what_was_done() {
    insta::assert_snapshot!(markdown::render(&facts(&story())));
}

#[test]
fn a8_the_error_report_names_gate_reasons_last_lines_and_the_next_command() {
    let text = error_report::render(&facts(&story())).unwrap();
    insta::assert_snapshot!(text);
}

#[test]
fn g8_the_same_journal_gives_the_same_bytes_also_after_the_wire() {
    let journal = story();
    let again: Vec<Entry> = journal
        .iter()
        .map(|entry| Entry {
            time: entry.time.clone(),
            event: wire::decode(&wire::encode(&entry.event).unwrap()).unwrap(),
        })
        .collect();
    let (one, two) = (facts(&journal), facts(&again));
    assert_eq!(markdown::render(&one), markdown::render(&two));
    assert_eq!(json::render(&one).unwrap(), json::render(&two).unwrap());
    assert_eq!(junit::render(&one).unwrap(), junit::render(&two).unwrap());
    assert_eq!(error_report::render(&one), error_report::render(&two));
}

#[test]
fn g8_every_prefix_of_a_journal_has_a_report() {
    let journal = story();
    for end in 1..=journal.len() {
        let facts = facts(&journal[..end]);
        assert!(markdown::render(&facts).starts_with("# shortener: "));
        json::render(&facts).unwrap();
        junit::render(&facts).unwrap();
    }
    assert_eq!(gather(&[]).unwrap_err(), ReportError::Empty);
}

#[test]
fn g8_a_clock_that_was_set_back_takes_nothing_from_what_had_passed() {
    let mut journal = story();
    let seconds = facts(&journal).seconds;
    let middle = journal.len() / 2;
    for (at, entry) in journal.iter_mut().enumerate().skip(middle) {
        // From here on the machine believes that it is an hour earlier.
        entry.time = format!("2026-11-20T09:{:02}:{:02}Z", at / 60, at % 60);
    }
    let told = facts(&journal);
    // Nothing is known of the second between the two entries around the step.
    assert_eq!(told.seconds, seconds - 1);
    assert!(told.tasks.iter().all(|task| task.seconds <= told.seconds));
    assert!(!markdown::render(&told).is_empty());
}

#[test]
fn g8_a_journal_that_no_run_can_have_written_is_refused_with_its_place() {
    let mut journal = story();
    journal.remove(3);
    let error = gather(&journal).unwrap_err();
    assert!(
        matches!(error, ReportError::Illegal { position: 4, .. }),
        "{error}"
    );
}

#[test]
fn g1_the_json_report_round_trips_and_counts() {
    let facts = facts(&story());
    let text = json::render(&facts).unwrap();
    let report: json::Report = serde_json::from_str(&text).unwrap();
    assert_eq!(report, json::report(&facts));
    assert_eq!(report.schema, "redgreen.report/1");
    assert_eq!(
        (report.verified, report.halted, report.exit),
        (1, 1, Some(13))
    );
    assert_eq!((report.suite_runs, report.tokens), (1, 8_000));
    assert_eq!(report.tasks[1].not_used.len(), 3);
    assert!(report.tasks[1].disputes[0].sent_back);
    assert_eq!(
        report.tasks[0].criteria[1].tests[0].red.as_deref(),
        Some("NameError: name 'slug' is not defined")
    );
    // One criterion and no map: every required test serves it.
    assert_eq!(report.tasks[1].criteria[0].tests.len(), 2);
}

#[test]
fn g8_the_junit_report_is_xml_whose_counts_agree_with_its_cases() {
    let mut journal = story();
    // What XML cannot carry is left out, also where an agent put it.
    if let Event::GateJudged { summary, .. } = &mut journal.last_mut().unwrap().event {
        let mut parts = summary.parts().clone();
        parts
            .tail
            .push("\u{1b}[31mred\u{0} ]]> & <\u{ffff}".to_owned());
        **summary = GateSummary::recorded(parts);
    }
    let text = junit::render(&facts(&journal)).unwrap();
    let mut reader = quick_xml::Reader::from_str(&text);
    let (mut depth, mut cases, mut failures, mut skipped) = (0i32, 0, 0, 0);
    let mut declared = String::new();
    loop {
        match reader.read_event().unwrap() {
            Xml::Start(element) => {
                depth += 1;
                match element.name().as_ref() {
                    "testsuites" => {
                        for name in ["tests", "failures", "skipped"] {
                            let attribute = element.try_get_attribute(name).unwrap().unwrap();
                            declared.push_str(&attribute.value);
                            declared.push(' ');
                        }
                    }
                    "testcase" => cases += 1,
                    "failure" => failures += 1,
                    _ => {}
                }
            }
            Xml::Empty(element) => match element.name().as_ref() {
                "testcase" => cases += 1,
                "skipped" => skipped += 1,
                _ => {}
            },
            Xml::End(_) => depth -= 1,
            Xml::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    assert_eq!(declared, format!("{cases} {failures} {skipped} "));
    assert_eq!((failures, skipped), (1, 1), "{text}");
    assert!(!text.contains(['\u{0}', '\u{1b}', '\u{ffff}']));
}

#[test]
fn a12_waivers_stand_in_the_report_with_the_name() {
    let mut journal = story();
    let mut state = State::replay(journal.iter().map(|entry| entry.event.clone())).unwrap();
    let event = Event::Waived {
        task: id("T2"),
        code: ReasonCode::LockedTestEdited,
        reason: "the old expectation was wrong".to_owned(),
        expires: Some("2027-01-01".to_owned()),
        by: ada(),
    };
    state.apply(event.clone()).unwrap();
    journal.push(Entry {
        time: "2026-11-21T00:00:00Z".to_owned(),
        event,
    });
    let facts = facts(&journal);
    let text = markdown::render(&facts);
    assert!(
        text.contains("**T2 waived by Ada &lt;ada@example.org&gt;**"),
        "{text}"
    );
    assert!(text.contains("until 2027-01-01"));
    assert!(
        text.contains("| green | 3 | rejected |"),
        "the verdict stays"
    );
    assert_eq!(json::report(&facts).tasks[1].waivers[0].by, ada().0);
    assert_eq!(error_report::render(&facts), None);
}

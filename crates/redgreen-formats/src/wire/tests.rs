use super::v1::{GATE_SCHEMA, GateReport};
use super::*;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use redgreen_core::dispute::{Bounce, Dispute, DisputeEvidence, DisputeReason};
use redgreen_core::gate::{Control, Gate};
use redgreen_core::id::{CriterionId, Digest, RelPath, TaskId};
use redgreen_core::machine::*;
use redgreen_core::outcome::{Cause, Outcome, Role, Verdict};
use redgreen_core::plan::{Criterion, Mode, Plan, PlanStatus, Priority, Task};
use redgreen_core::reason::{Reason, ReasonCode};
use redgreen_core::test_item::Coverage;

fn text() -> impl Strategy<Value = String> + Clone {
    any::<String>()
}
fn texts() -> impl Strategy<Value = Vec<String>> {
    vec(any::<String>(), 0..3)
}
fn task_id() -> impl Strategy<Value = TaskId> {
    "[A-Z][0-9]{1,3}".prop_map(|id| TaskId::new(id).unwrap())
}
fn criterion_id() -> impl Strategy<Value = CriterionId> {
    "AC-[0-9]{1,2}".prop_map(|id| CriterionId::new(id).unwrap())
}
fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest::from_bytes)
}
fn by() -> impl Strategy<Value = Person> {
    text().prop_map(Person)
}
fn key() -> impl Strategy<Value = EffectKey> {
    (of(task_id()), select(&Step::ALL[..]), any::<u32>()).prop_map(|(task, step, attempt)| {
        EffectKey {
            run: RunId::new("R1").unwrap(),
            task,
            step,
            attempt,
        }
    })
}
fn path() -> impl Strategy<Value = RelPath> {
    "[a-zäß ]{1,8}(/[a-z]{1,4})?".prop_map(|path| RelPath::new(path).unwrap())
}
fn reason() -> impl Strategy<Value = Reason> {
    (
        select(ReasonCode::ALL),
        text(),
        of(path()),
        of(any::<u32>()),
        of(text()),
        text(),
        of(text()),
    )
        .prop_map(|(code, message, path, line, test, help, diff)| Reason {
            code,
            message,
            path,
            line,
            test,
            help,
            diff,
        })
}
fn test_line() -> impl Strategy<Value = TestLine> {
    (
        (text(), text(), text(), text(), any::<u64>()),
        select(&[Outcome::Passed, Outcome::TimedOut, Outcome::NotRun][..]),
        of(select(&[Cause::Assertion, Cause::MissingSymbol][..])),
        select(&[Role::Required, Role::Guard, Role::Hidden, Role::Collateral][..]),
        of(path()),
        of(any::<u32>()),
    )
        .prop_map(
            |((id, item, message, detail, duration_ms), outcome, cause, role, file, line)| {
                TestLine {
                    id,
                    item,
                    outcome,
                    cause,
                    detail,
                    role,
                    file,
                    line,
                    message,
                    duration_ms,
                }
            },
        )
}
fn summary() -> impl Strategy<Value = Box<GateSummary>> {
    (
        select(&[Gate::Red, Gate::Lock, Gate::Green, Gate::Full][..]),
        select(&[Verdict::Pass, Verdict::CouldNotRun, Verdict::Rejected][..]),
        (vec(reason(), 0..3), vec(reason(), 0..2)),
        vec(test_line(), 0..3),
        vec((text(), text(), texts()), 0..2),
        (digest(), digest()),
        texts(),
        (any::<u32>(), any::<u64>()),
    )
        .prop_map(
            |(gate, verdict, reasons, tests, controls, digests, tail, numbers)| {
                Box::new(GateSummary::recorded(GateSummaryParts {
                    gate,
                    verdict,
                    reasons: reasons.0,
                    notes: reasons.1,
                    tests,
                    controls: controls
                        .into_iter()
                        .map(|(kind, result, tests)| Control {
                            kind,
                            result,
                            tests,
                        })
                        .collect(),
                    signature: digests.0,
                    evidence: digests.1,
                    tail,
                    suite_runs: numbers.0,
                    duration_ms: numbers.1,
                }))
            },
        )
}
fn lock() -> impl Strategy<Value = LockRef> {
    let coverage =
        (text(), any::<bool>(), any::<bool>()).prop_map(|(test, guard, hidden)| Coverage {
            test,
            guard,
            hidden,
        });
    (
        digest(),
        text(),
        btree_map(criterion_id(), vec(coverage, 0..3), 0..3),
        any::<(u16, u16)>(),
    )
        .prop_map(|(record, commit, criteria, counts)| LockRef {
            record,
            commit,
            criteria,
            tests: usize::from(counts.0),
            files: usize::from(counts.1),
        })
}
fn task() -> impl Strategy<Value = Task> {
    (
        (task_id(), text(), text(), any::<bool>(), any::<i64>()),
        vec((criterion_id(), text()), 0..3),
        vec(task_id(), 0..3),
        (of(text()), of(texts()), of(text())),
        select(&Mode::ALL[..]),
        (texts(), texts(), texts(), texts(), texts()),
    )
        .prop_map(
            |(basic, criteria, depends_on, optional, mode, lists)| Task {
                id: basic.0,
                name: basic.1,
                description: basic.2,
                passes: basic.3,
                priority: Priority(basic.4),
                criteria: criteria
                    .into_iter()
                    .map(|(id, text)| Criterion { id, text })
                    .collect(),
                depends_on,
                module: optional.0,
                new_symbols: optional.1,
                issue: optional.2,
                mode,
                scope: lists.0,
                new_dependencies: lists.1,
                supersedes: lists.2,
                categories: lists.3,
                checks: lists.4,
            },
        )
}
fn plan() -> impl Strategy<Value = Box<Plan>> {
    (
        text(),
        text(),
        select(&PlanStatus::ALL[..]),
        vec(task(), 0..3),
    )
        .prop_map(|(name, description, status, tasks)| {
            Box::new(Plan {
                name,
                description,
                status,
                tasks,
            })
        })
}
fn options() -> impl Strategy<Value = RunOptions> {
    (
        any::<(u32, u32, u32, u32, bool, bool, bool)>(),
        any::<(u64, Option<u64>, Option<u64>)>(),
        of(select(&Phase::ALL[..])),
        of(btree_set(task_id(), 0..3)),
        select(&[Bounce::Evidence, Bounce::Heuristic][..]),
    )
        .prop_map(|(a, b, until, only, bounce)| RunOptions {
            budgets: Budgets {
                author_retries: a.0,
                suite_runs: a.1,
                gate_reruns: a.2,
                ..Budgets::default()
            },
            limits: Limits {
                session_seconds: b.0,
                run_tokens: b.1,
                run_micro_usd: b.2,
                ..Limits::default()
            },
            jobs: a.3,
            keep_going: a.4,
            refactor: a.5,
            approve_tests: a.6,
            until,
            only,
            bounce,
        })
}
fn evidence() -> impl Strategy<Value = DisputeEvidence> {
    prop_oneof![
        (text(), text())
            .prop_map(|(test, exception)| DisputeEvidence::RaisedByTestCode { test, exception }),
        (text(), text()).prop_map(|(first, second)| {
            DisputeEvidence::ContradictingExpectations { first, second }
        }),
        (text(), texts())
            .prop_map(|(test, outcomes)| DisputeEvidence::OutcomeVaries { test, outcomes }),
        (text(), text())
            .prop_map(|(test, symbol)| DisputeEvidence::UnannouncedSymbol { test, symbol }),
        any::<(u16, u16)>().prop_map(|(failing, passing)| DisputeEvidence::FewFailures {
            failing: failing.into(),
            passing: passing.into(),
        }),
    ]
}
fn dispute() -> impl Strategy<Value = Dispute> {
    (
        task_id(),
        text(),
        select(&DisputeReason::ALL[..]),
        of(criterion_id()),
        of(text()),
    )
        .prop_map(|(task, test, reason, cites, note)| Dispute {
            task,
            test,
            reason,
            cites,
            note,
        })
}
fn delivery() -> impl Strategy<Value = Delivery> {
    prop_oneof![
        text().prop_map(|commit| Delivery::Merged { commit }),
        (text(), text()).prop_map(|(commit, command)| Delivery::OnRunBranch { commit, command }),
        text().prop_map(|tree| Delivery::ContentChanged { tree }),
        texts().prop_map(|paths| Delivery::Conflict { paths }),
    ]
}
fn session() -> impl Strategy<Value = AgentSession> {
    (
        text(),
        (of(text()), of(text())),
        any::<(Option<u64>, Option<u64>, u64)>(),
        of(digest()),
    )
        .prop_map(|(agent, names, numbers, log)| AgentSession {
            agent,
            model: names.0,
            session: names.1,
            tokens: numbers.0,
            micro_usd: numbers.1,
            duration_ms: numbers.2,
            log,
            isolation: None,
        })
}
const OUTCOMES: [AgentOutcome; 8] = [
    AgentOutcome::Done,
    AgentOutcome::UsageLimit,
    AgentOutcome::UsageLimitTooLong,
    AgentOutcome::ProviderError,
    AgentOutcome::Crashed,
    AgentOutcome::EnvironmentFault,
    AgentOutcome::SessionLimit,
    AgentOutcome::Stopped,
];

/// Every kind of event.
fn event() -> impl Strategy<Value = Event> {
    let first = prop_oneof![
        (
            plan(),
            digest(),
            digest(),
            options(),
            of(by()),
            vec(task_id(), 0..3)
        )
            .prop_map(
                |(plan, definition, configuration, options, approved, adopted)| Event::RunStarted {
                    run: RunId::new("R1").unwrap(),
                    plan,
                    definition,
                    configuration,
                    options,
                    approved,
                    adopted,
                }
            ),
        (plan(), digest(), digest(), by()).prop_map(|(plan, definition, configuration, by)| {
            Event::Approved {
                plan,
                definition,
                configuration,
                by,
            }
        }),
        (digest(), digest()).prop_map(|(definition, configuration)| Event::Differs {
            definition,
            configuration,
        }),
        (options(), by()).prop_map(|(options, by)| Event::Resumed { options, by }),
        key().prop_map(|key| Event::Started { key }),
        (key(), select(&OUTCOMES[..]), session()).prop_map(|(key, outcome, session)| {
            Event::AgentEnded {
                key,
                outcome,
                session,
            }
        }),
        (key(), summary()).prop_map(|(key, summary)| Event::GateJudged { key, summary }),
        (key(), lock()).prop_map(|(key, lock)| Event::LockCommitted { key, lock }),
        key().prop_map(|key| Event::RefactorAdopted { key }),
        key().prop_map(|key| Event::RefactorDiscarded { key }),
        (key(), delivery()).prop_map(|(key, delivery)| Event::Delivered { key, delivery }),
        key().prop_map(|key| Event::Done { key }),
    ];
    let second = prop_oneof![
        (key(), reason()).prop_map(|(key, fault)| Event::Faulted { key, fault }),
        (dispute(), vec(evidence(), 0..3))
            .prop_map(|(dispute, evidence)| Event::Disputed { dispute, evidence }),
        (task_id(), by()).prop_map(|(task, by)| Event::Agreed { task, by }),
        (task_id(), summary(), lock(), text(), by()).prop_map(|(task, red, lock, reason, by)| {
            Event::Amended {
                task,
                red,
                lock,
                reason,
                by,
            }
        }),
        (task_id(), of(text()), by()).prop_map(|(task, hint, by)| Event::Retried {
            task,
            hint,
            by,
        }),
        (task_id(), by()).prop_map(|(task, by)| Event::Taken { task, by }),
        (task_id(), by()).prop_map(|(task, by)| Event::HandedBack { task, by }),
        (task_id(), select(ReasonCode::ALL), text(), of(text()), by()).prop_map(
            |(task, code, reason, expires, by)| Event::Waived {
                task,
                code,
                reason,
                expires,
                by,
            }
        ),
        (task_id(), by()).prop_map(|(task, by)| Event::Reset { task, by }),
        by().prop_map(|by| Event::StopRequested { by }),
        select(&[RunLimit::Time, RunLimit::Tokens, RunLimit::Money][..])
            .prop_map(|limit| Event::LimitReached { limit }),
    ];
    prop_oneof![first, second]
}

proptest! {
    #[test]
    fn g5_every_event_comes_back_as_it_was_on_one_line(event in event()) {
        let text = encode(&event).unwrap();
        prop_assert!(!text.contains('\n'));
        prop_assert_eq!(decode(&text).unwrap(), event.clone());
        // The same event is always the same bytes: the journal is hash-chained.
        prop_assert_eq!(encode(&event).unwrap(), text);
    }

    #[test]
    fn g10_no_text_makes_the_reader_panic(text in any::<String>(), event in event(), at in any::<prop::sample::Index>()) {
        let _ = decode(&text);
        let mut cut = encode(&event).unwrap();
        cut.truncate((0..=at.index(cut.len())).rev().find(|at| cut.is_char_boundary(*at)).unwrap());
        prop_assert!(decode(&cut).is_err());
    }

    #[test]
    fn g2_a_gate_report_round_trips_and_has_exactly_the_documented_fields(task in of(task_id()), summary in summary()) {
        let report = GateReport::of(task, &summary);
        let value = serde_json::to_value(&report).unwrap();
        prop_assert_eq!(serde_json::from_value::<GateReport>(value.clone()).unwrap(), report);
        let keys = |value: &serde_json::Value| -> Vec<String> {
            value.as_object().unwrap().keys().cloned().collect()
        };
        prop_assert_eq!(
            keys(&value),
            ["schema", "gate", "task", "verdict", "reasons", "tests", "controls", "duration_ms", "evidence", "notes"]
        );
        prop_assert_eq!(&value["schema"], GATE_SCHEMA);
        for reason in value["reasons"].as_array().unwrap() {
            // Appended to the document later: a difference, where there is one.
            let documented: Vec<String> = keys(reason).into_iter().filter(|key| key != "diff").collect();
            prop_assert_eq!(documented, ["code", "message", "path", "line", "test", "help"]);
        }
        for test in value["tests"].as_array().unwrap() {
            // Appended to the document later: the cause in a few words, where there are some.
            let detail = test["detail"].as_str();
            prop_assert!(detail != Some(""));
            let documented: Vec<String> = keys(test).into_iter().filter(|key| key != "detail").collect();
            prop_assert_eq!(
                documented,
                ["id", "item", "outcome", "cause", "role", "file", "line", "message", "duration_ms"]
            );
        }
        for control in value["controls"].as_array().unwrap() {
            prop_assert_eq!(keys(control), ["kind", "result", "tests"]);
        }
    }
}

#[test]
fn c8_a_newer_version_is_refused_with_a_message_and_not_guessed() {
    let event = Event::StopRequested {
        by: Person("Ada".to_owned()),
    };
    let text = encode(&event).unwrap();
    assert_eq!(
        text,
        r#"{"v":1,"event":{"type":"stop_requested","data":{"by":"Ada"}}}"#
    );
    let newer = decode(&text.replace("\"v\":1", "\"v\":2")).unwrap_err();
    assert_eq!(newer, WireError::Newer { found: 2 });
    assert!(newer.to_string().contains("install a newer redgreen"));
    assert_eq!(decode("{}").unwrap_err(), WireError::NoVersion);
    assert!(matches!(
        decode(&text.replace("\"by\"", "\"who\"")),
        Err(WireError::Invalid(_))
    ));
    assert!(matches!(
        decode(&text.replace("stop_requested", "stop_demanded")),
        Err(WireError::Invalid(_))
    ));
}

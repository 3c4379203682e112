//! Arbitrary events against a reference model that knows the rules and none of the machine's code.

use super::tests::{id, lock, person, plan, started, summary};
use super::*;
use crate::dispute::{Dispute, DisputeEvidence, DisputeReason};
use crate::gate::Gate;
use crate::id::{Digest, TaskId};
use crate::outcome::Verdict;
use crate::plan::{Mode, Plan};
use crate::reason::{Reason, ReasonCode};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What the rules allow, from what was accepted and handed out.
#[derive(Default)]
struct Model {
    plan: Option<Plan>,
    delivered: BTreeSet<TaskId>,
    /// The verdict of each gate on the present work; a session of the role that is judged takes it away.
    judged: BTreeMap<(TaskId, Gate), Verdict>,
    /// Distinct sessions of a task since a person last said something about it.
    sessions: BTreeMap<(TaskId, AgentRole), BTreeSet<EffectKey>>,
    actions: BTreeMap<EffectKey, Action>,
    suites: BTreeMap<TaskId, u32>,
}

impl Model {
    fn forget(&mut self, task: &TaskId) {
        self.sessions.retain(|(id, _), _| id != task);
    }

    fn accepted(&mut self, event: &Event) {
        match event {
            Event::RunStarted { plan, .. } => self.plan = Some((**plan).clone()),
            Event::Approved { plan, .. } => {
                let old = self.plan.replace((**plan).clone()).unwrap();
                for (old, new) in old.tasks.iter().zip(&plan.tasks) {
                    if old.description != new.description {
                        self.judged.retain(|(id, _), _| *id != old.id);
                        self.suites.remove(&old.id);
                    }
                }
                self.sessions.clear();
            }
            Event::Resumed { .. } => self.sessions.clear(),
            Event::GateJudged { key, summary } => {
                let task = key.task.clone().unwrap();
                let gate = summary.gate();
                if key.step != Step::Refactor {
                    self.judged.insert((task.clone(), gate), summary.verdict());
                }
                *self.suites.entry(task).or_default() += summary.parts().suite_runs;
            }
            Event::Delivered { key, delivery } => {
                let task = key.task.clone().unwrap();
                match delivery {
                    Delivery::Merged { .. } | Delivery::OnRunBranch { .. } => {
                        self.delivered.insert(task);
                    }
                    Delivery::ContentChanged { .. } | Delivery::Conflict { .. } => {
                        self.judged.remove(&(task, Gate::Full));
                    }
                }
            }
            Event::Reset { task, .. } => {
                self.judged.retain(|(id, _), _| id != task);
                self.forget(task);
                self.suites.remove(task);
            }
            Event::Agreed { task, .. }
            | Event::Amended { task, .. }
            | Event::Retried { task, .. }
            | Event::Taken { task, .. }
            | Event::HandedBack { task, .. }
            | Event::Waived { task, .. } => self.forget(task),
            Event::Differs { .. }
            | Event::Started { .. }
            | Event::AgentEnded { .. }
            | Event::LockCommitted { .. }
            | Event::RefactorAdopted { .. }
            | Event::RefactorDiscarded { .. }
            | Event::Done { .. }
            | Event::Faulted { .. }
            | Event::Disputed { .. }
            | Event::StopRequested { .. }
            | Event::LimitReached { .. } => {}
        }
    }

    fn passed(&self, task: &TaskId, gate: Gate) -> bool {
        self.judged.get(&(task.clone(), gate)) == Some(&Verdict::Pass)
    }

    /// Checks one effect that was handed out.
    fn handed_out(&mut self, effect: &Effect, state: &State) {
        if let Some(before) = self
            .actions
            .insert(effect.key.clone(), effect.action.clone())
        {
            assert_eq!(before, effect.action, "one key, one effect");
        }
        if !effect.action.is_work() {
            return;
        }
        assert!(state.stop().is_none(), "work after a stop: {effect:?}");
        assert!(matches!(state.approval(), Some(Approval::Given(_))));
        let id = effect.key.task.clone().unwrap();
        let plan = self.plan.as_ref().unwrap();
        let task = plan.task(&id).unwrap();
        for dependency in &task.depends_on {
            assert!(
                self.delivered.contains(dependency),
                "{id} before {dependency}"
            );
        }
        let has_red = task.mode.has_red();
        let budgets = state.options().unwrap().budgets;
        match &effect.action {
            Action::StartAgent { role, attempt, .. } => {
                let sessions = self.sessions.entry((id.clone(), *role)).or_default();
                sessions.insert(effect.key.clone());
                let free = budgets.free_restarts + 1;
                let most = match role {
                    // The first set of tests, and one correction.
                    AgentRole::Author => {
                        assert!(*attempt <= budgets.author_retries + 1);
                        2 * (budgets.author_retries + 1) * free
                    }
                    AgentRole::Implementer => {
                        assert!(*attempt <= budgets.implementer_retries + 1);
                        budgets.validation_attempts.max(1)
                            * (budgets.implementer_retries + 1)
                            * (budgets.scope_rounds + 1)
                            * free
                            + 2 * free
                    }
                    AgentRole::Refactorer => u32::MAX,
                };
                assert!(
                    u32::try_from(sessions.len()).unwrap() <= most,
                    "it comes to an end"
                );
                match role {
                    AgentRole::Author => _ = self.judged.remove(&(id, Gate::Red)),
                    AgentRole::Implementer => {
                        self.judged.remove(&(id.clone(), Gate::Green));
                        self.judged.remove(&(id, Gate::Full));
                    }
                    AgentRole::Refactorer => assert!(self.passed(&id, Gate::Green)),
                }
            }
            Action::RunGate {
                gate, suites_left, ..
            } => match gate {
                Gate::Full => {
                    assert!(*suites_left >= 1 && *suites_left <= budgets.suite_runs);
                    assert!(
                        !has_red || self.passed(&id, Gate::Green),
                        "FULL without GREEN"
                    );
                }
                Gate::Red | Gate::Green => assert_eq!(*suites_left, 0),
                Gate::Lock | Gate::Validate => panic!("never asked for"),
            },
            Action::CommitLock { .. } => {
                assert!(
                    !has_red || self.passed(&id, Gate::Red),
                    "a lock without RED"
                );
            }
            Action::Deliver { .. } => {
                assert!(self.passed(&id, Gate::Full), "a delivery without FULL");
                assert_eq!(state.task(&id).unwrap().phase, Phase::Deliver);
            }
            Action::AdoptRefactor { .. } | Action::DiscardRefactor { .. } => {
                assert!(self.passed(&id, Gate::Green));
            }
            Action::WritePlan
            | Action::WriteReport
            | Action::Notify { .. }
            | Action::AskPerson { .. } => {}
        }
    }

    fn invariants(&self, state: &State) {
        let Some(options) = state.options() else {
            return;
        };
        let budgets = options.budgets;
        let mut work: BTreeMap<&TaskId, usize> = BTreeMap::new();
        let mut begun = false;
        for outstanding in state.outstanding() {
            if outstanding.effect.action.is_work() {
                *work
                    .entry(outstanding.effect.key.task.as_ref().unwrap())
                    .or_default() += 1;
                begun |= outstanding.started;
            }
        }
        for (id, task) in state.tasks() {
            let expected = usize::from(task.is_in_flight());
            assert_eq!(
                work.get(id).copied().unwrap_or(0),
                expected,
                "{id} {task:?}"
            );
            assert_eq!(
                task.phase == Phase::Halted,
                task.halt.is_some() && task.waiver.is_none()
            );
            assert!(task.tries.author <= budgets.author_retries + 1);
            assert!(task.tries.implementer <= budgets.implementer_retries + 1);
            assert!(task.tries.validation <= budgets.validation_attempts.max(1));
            assert!(task.suites <= budgets.suite_runs);
            assert!(task.suites_total >= self.suites.get(id).copied().unwrap_or(0));
            if task.phase == Phase::Passed && !task.adopted {
                assert!(self.delivered.contains(id) && self.passed(id, Gate::Full));
            }
        }
        match state.standing() {
            Standing::Empty => panic!("a run has begun"),
            Standing::Working => assert!(!work.is_empty()),
            Standing::NeedsApproval | Standing::Stopped => assert!(!begun),
            Standing::WaitsForPerson(_) => {
                assert!(work.is_empty() && state.tasks().any(|(_, task)| task.wait.is_some()));
            }
            Standing::Parked => assert!(state.tasks().any(|(_, task)| task.parked.is_some())),
            Standing::Ended(exit) => {
                assert!(work.is_empty());
                let all = state
                    .tasks()
                    .all(|(_, task)| matches!(task.phase, Phase::Passed | Phase::Waived));
                assert_eq!(
                    exit.code() == 0,
                    all,
                    "exit 0 means that everything is done"
                );
            }
        }
    }
}

type Choice = (u8, u8, u8, u8);

const VERDICTS: [Verdict; 13] = [
    Verdict::Pass,
    Verdict::Pass,
    Verdict::Pass,
    Verdict::Pass,
    Verdict::Pass,
    Verdict::Pass,
    Verdict::Pass,
    Verdict::Pass,
    Verdict::Fail,
    Verdict::Rejected,
    Verdict::CouldNotRun,
    Verdict::Inconclusive,
    Verdict::Flaky,
];
const CODES: [ReasonCode; 5] = [
    ReasonCode::TestFailed,
    ReasonCode::OutOfScope,
    ReasonCode::EnvironmentFault,
    ReasonCode::ApprovalNeeded,
    ReasonCode::ZeroTests,
];
const OUTCOMES: [AgentOutcome; 17] = [
    AgentOutcome::Done,
    AgentOutcome::Done,
    AgentOutcome::Done,
    AgentOutcome::Done,
    AgentOutcome::Done,
    AgentOutcome::Done,
    AgentOutcome::Done,
    AgentOutcome::Done,
    AgentOutcome::Done,
    AgentOutcome::Done,
    AgentOutcome::UsageLimit,
    AgentOutcome::UsageLimitTooLong,
    AgentOutcome::ProviderError,
    AgentOutcome::Crashed,
    AgentOutcome::EnvironmentFault,
    AgentOutcome::SessionLimit,
    AgentOutcome::Stopped,
];

fn pick<T: Clone>(list: &[T], by: u8) -> T {
    list[usize::from(by) % list.len()].clone()
}

/// A result for an effect: usually the right kind.
fn result(effect: &Effect, (_, a, b, c): Choice) -> Event {
    let key = effect.key.clone();
    let fault = Reason::new(ReasonCode::EnvironmentFault, "no disk", "free some");
    match &effect.action {
        Action::StartAgent { .. } => Event::AgentEnded {
            key,
            outcome: pick(&OUTCOMES, a),
            session: AgentSession::default(),
        },
        Action::RunGate { gate, .. } => {
            let verdict = pick(&VERDICTS, a);
            let codes: &[ReasonCode] = if verdict == Verdict::Pass {
                &[]
            } else {
                &[pick(&CODES, b)]
            };
            let mut parts = summary(*gate, verdict, codes, c % 2).parts().clone();
            if *gate == Gate::Full {
                parts.suite_runs = u32::from(c % 4);
            }
            Event::GateJudged {
                key,
                summary: Box::new(GateSummary::recorded(parts)),
            }
        }
        Action::CommitLock { .. } if a % 8 > 0 => Event::LockCommitted { key, lock: lock() },
        Action::AdoptRefactor { .. } if a % 8 > 0 => Event::RefactorAdopted { key },
        Action::DiscardRefactor { .. } if a % 8 > 0 => Event::RefactorDiscarded { key },
        Action::Deliver { .. } if a % 8 > 0 => Event::Delivered {
            key,
            delivery: match b % 5 {
                0 => Delivery::ContentChanged {
                    tree: "t".to_owned(),
                },
                1 => Delivery::Conflict {
                    paths: vec!["src/a.rs".to_owned()],
                },
                2 => Delivery::OnRunBranch {
                    commit: "c".to_owned(),
                    command: "git merge".to_owned(),
                },
                _ => Delivery::Merged {
                    commit: "c".to_owned(),
                },
            },
        },
        Action::CommitLock { .. }
        | Action::AdoptRefactor { .. }
        | Action::DiscardRefactor { .. }
        | Action::Deliver { .. } => Event::Faulted { key, fault },
        Action::WritePlan
        | Action::WriteReport
        | Action::Notify { .. }
        | Action::AskPerson { .. } => Event::Done { key },
    }
}

/// Anything at all, mostly at the wrong time.
fn anything(state: &State, original: &Plan, options: &RunOptions, choice: Choice) -> Event {
    let (_, a, b, c) = choice;
    let task = id(usize::from(b) % (original.tasks.len() + 1) + 1);
    let by = person();
    match a % 17 {
        0 => Event::Resumed {
            options: options.clone(),
            by,
        },
        1 => Event::StopRequested { by },
        2 => Event::LimitReached {
            limit: RunLimit::Money,
        },
        3 => Event::Differs {
            definition: Digest::of(&[b]),
            configuration: Digest::of(&[c]),
        },
        4 | 5 => {
            let mut plan = original.clone();
            if c % 4 == 0 {
                let at = usize::from(b) % plan.tasks.len();
                plan.tasks[at].description = format!("changed {b}");
            }
            Event::Approved {
                definition: Digest::of(format!("{plan:?}").as_bytes()),
                plan: Box::new(plan),
                configuration: Digest::of(b"configuration"),
                by,
            }
        }
        6 => Event::Disputed {
            dispute: Dispute {
                task,
                test: "t.py::a".to_owned(),
                reason: pick(&DisputeReason::ALL, c),
                cites: None,
                note: None,
            },
            evidence: if c % 2 == 0 {
                vec![DisputeEvidence::RaisedByTestCode {
                    test: "t.py::a".to_owned(),
                    exception: "NameError".to_owned(),
                }]
            } else {
                Vec::new()
            },
        },
        7 => Event::Agreed { task, by },
        8 => Event::Amended {
            task,
            red: Box::new(summary(Gate::Red, pick(&VERDICTS, c), &[], 0)),
            lock: lock(),
            reason: "r".to_owned(),
            by,
        },
        9 => Event::Retried {
            task,
            hint: (c % 2 == 0).then(|| "hint".to_owned()),
            by,
        },
        10 => Event::Taken { task, by },
        11 => Event::HandedBack { task, by },
        12 => Event::Waived {
            task,
            code: ReasonCode::TestFailed,
            reason: "r".to_owned(),
            expires: None,
            by,
        },
        13 => Event::Reset { task, by },
        14 => Event::Done {
            key: EffectKey {
                run: RunId::new("R1").unwrap(),
                task: Some(task),
                step: pick(&Step::ALL, c),
                attempt: u32::from(b) % 4,
            },
        },
        15 => started(original.clone(), options.clone()),
        // A result of another kind for something outstanding.
        _ => {
            let all: Vec<&Outstanding> = state.outstanding().collect();
            match all.get(usize::from(b) % all.len().max(1)) {
                Some(outstanding) => Event::LockCommitted {
                    key: outstanding.effect.key.clone(),
                    lock: lock(),
                },
                None => Event::StopRequested { by },
            }
        }
    }
}

fn run_options() -> impl Strategy<Value = RunOptions> {
    let phases = prop_oneof![
        4 => Just(None),
        1 => (0..Phase::ALL.len()).prop_map(|at| Some(Phase::ALL[at])),
    ];
    (
        any::<(bool, bool, bool)>(),
        phases,
        1u32..4,
        (0u32..2, 0u32..3, 0u32..4, 0u32..4),
        (0u32..3, 0u32..3, 0u32..3),
    )
        .prop_map(|(flags, until, jobs, tries, bounds)| RunOptions {
            keep_going: flags.0,
            refactor: flags.1,
            approve_tests: flags.2,
            until,
            jobs,
            budgets: Budgets {
                author_retries: tries.0,
                implementer_retries: tries.1,
                validation_attempts: tries.2,
                suite_runs: tries.3,
                free_restarts: bounds.0,
                gate_reruns: bounds.1,
                scope_rounds: bounds.2,
            },
            ..RunOptions::default()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]
    #[test]
    fn a3_a7_a8_a9_any_events_keep_the_rules(
        shape in proptest::collection::vec((any::<u8>(), 0u8..4), 1..5),
        options in run_options(),
        choices in proptest::collection::vec(any::<Choice>(), 0..300),
    ) {
        let mut original = plan(&vec![&[][..]; shape.len()]);
        for (index, (needs, kind)) in shape.iter().enumerate() {
            let task = &mut original.tasks[index];
            task.depends_on = (0..index).filter(|n| needs >> n & 1 == 1).map(|n| id(n + 1)).collect();
            if *kind == 0 {
                task.mode = Mode::Chore;
                task.scope = vec!["*.toml".to_owned()];
            }
        }
        let (mut state, mut model, mut replayed) = (State::new(), Model::default(), State::new());
        let mut journal = Vec::new();
        let mut tell = |event: Event, state: &mut State, model: &mut Model, replayed: &mut State| {
            match step(state, event.clone()) {
                Ok(transition) => {
                    model.accepted(&event);
                    *state = transition.next;
                    if matches!(event, Event::Resumed { .. }) {
                        // Invariant 6: what a dead referee left is handed out again.
                        let held = !matches!(state.approval(), Some(Approval::Given(_)));
                        for other in state.outstanding() {
                            let wanted = !(held && other.effect.action.is_work());
                            assert_eq!(transition.effects.contains(&other.effect), wanted);
                        }
                    }
                    for effect in &transition.effects {
                        model.handed_out(effect, state);
                    }
                    assert_eq!(replayed.apply(event.clone()).unwrap(), transition.effects);
                    journal.push(event);
                }
                Err(illegal) => {
                    assert!(!illegal.help.is_empty());
                    assert_eq!(replayed.apply(event).unwrap_err(), illegal);
                }
            }
            assert_eq!(replayed, state);
            model.invariants(state);
        };
        tell(started(original.clone(), options.clone()), &mut state, &mut model, &mut replayed);
        for choice in choices {
            let held = state.stop().is_some() || !matches!(state.approval(), Some(Approval::Given(_)));
            // Work first, and out of a standstill, most of the time: otherwise hardly any task gets beyond RED.
            let all: Vec<Effect> = state
                .outstanding()
                .map(|other| other.effect.clone())
                .filter(|effect| effect.action.is_work() || choice.0 % 8 == 0)
                .collect();
            let waiting = state.tasks().find(|(_, task)| task.wait.is_some() || task.halt.is_some());
            let event = if held && choice.0 % 4 > 0 {
                let way_out = if state.stop().is_some() { 0 } else { 4 };
                anything(&state, &original, &options, (0, way_out, choice.2, choice.3 | 1))
            } else if choice.0 < 225 && !all.is_empty() {
                let effect = pick(&all, choice.1);
                if choice.0 % 16 > 0 && !held {
                    tell(Event::Started { key: effect.key.clone() }, &mut state, &mut model, &mut replayed);
                }
                result(&effect, (0, choice.2, choice.3, choice.1))
            } else if let (Some((task, _)), true) = (waiting, choice.0 % 2 == 0) {
                let answer = (0, 6 + choice.1 % 8, 0, choice.3);
                match anything(&state, &original, &options, answer) {
                    Event::Agreed { by, .. } => Event::Agreed { task: task.clone(), by },
                    Event::Taken { by, .. } => Event::Taken { task: task.clone(), by },
                    Event::HandedBack { by, .. } => Event::HandedBack { task: task.clone(), by },
                    Event::Retried { hint, by, .. } => Event::Retried { task: task.clone(), hint, by },
                    other => other,
                }
            } else {
                anything(&state, &original, &options, choice)
            };
            tell(event, &mut state, &mut model, &mut replayed);
        }
        prop_assert_eq!(State::replay(journal).unwrap(), state);
    }
}

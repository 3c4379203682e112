//! One story per rule: events in, phases and effects out.

use super::*;
use crate::dispute::{Dispute, DisputeEvidence, DisputeReason};
use crate::exit::ExitCode;
use crate::gate::Gate;
use crate::id::{Digest, TaskId};
use crate::outcome::Verdict;
use crate::plan::{Mode, Plan, PlanStatus, Priority, Task, order};
use crate::reason::{Reason, ReasonCode};

pub(super) fn id(n: usize) -> TaskId {
    TaskId::new(format!("T{n}")).unwrap()
}
pub(super) fn person() -> Person {
    Person("Ada".to_owned())
}
pub(super) fn plan(dependencies: &[&[usize]]) -> Plan {
    let tasks = dependencies.iter().enumerate().map(|(index, needs)| {
        let mut task = Task::new(id(index + 1), "name", "criterion");
        task.depends_on = needs.iter().map(|n| id(*n)).collect();
        task
    });
    Plan {
        name: "p".to_owned(),
        description: String::new(),
        status: PlanStatus::Approved,
        tasks: tasks.collect(),
    }
}
pub(super) fn started(plan: Plan, options: RunOptions) -> Event {
    Event::RunStarted {
        run: RunId::new("R1").unwrap(),
        plan: Box::new(plan),
        definition: Digest::of(b"definition"),
        configuration: Digest::of(b"configuration"),
        options,
        approved: Some(person()),
        adopted: Vec::new(),
    }
}
pub(super) fn summary(gate: Gate, verdict: Verdict, codes: &[ReasonCode], salt: u8) -> GateSummary {
    GateSummary::recorded(GateSummaryParts {
        gate,
        verdict,
        reasons: codes
            .iter()
            .map(|code| Reason::new(*code, "fact", "next step"))
            .collect(),
        notes: Vec::new(),
        tests: Vec::new(),
        controls: Vec::new(),
        signature: Digest::of(&[salt]),
        evidence: Digest::of(&[salt, 1]),
        tail: Vec::new(),
        suite_runs: u32::from(gate == Gate::Full),
        duration_ms: 1,
    })
}
pub(super) fn lock() -> LockRef {
    LockRef {
        record: Digest::of(b"lock"),
        commit: "abc".to_owned(),
        criteria: std::collections::BTreeMap::new(),
        tests: 1,
        files: 2,
    }
}

/// A run that answers effects by the key's step and keeps its journal.
struct Story {
    state: State,
    journal: Vec<Event>,
}

impl Story {
    fn new(plan: Plan, options: RunOptions) -> Self {
        let mut story = Self {
            state: State::new(),
            journal: Vec::new(),
        };
        story.tell(started(plan, options));
        story
    }
    fn tell(&mut self, event: Event) -> Vec<Effect> {
        let transition = step(&self.state, event.clone()).unwrap();
        self.journal.push(event);
        self.state = transition.next;
        transition.effects
    }
    fn refused(&self, event: Event) -> IllegalKind {
        step(&self.state, event).unwrap_err().kind
    }
    /// The work that is outstanding for a task.
    fn work(&self, n: usize) -> Effect {
        let mut work = self
            .state
            .outstanding()
            .filter(|other| other.effect.key.task == Some(id(n)) && other.effect.action.is_work());
        let first = work.next().expect("work is outstanding").effect.clone();
        assert!(work.next().is_none());
        first
    }
    fn agent(&mut self, n: usize, outcome: AgentOutcome) {
        let key = self.work(n).key;
        self.tell(Event::Started { key: key.clone() });
        self.tell(Event::AgentEnded {
            key,
            outcome,
            session: AgentSession::default(),
        });
    }
    fn judge(&mut self, n: usize, verdict: Verdict, codes: &[ReasonCode], salt: u8) {
        let effect = self.work(n);
        let Action::RunGate { gate, .. } = effect.action else {
            panic!("a gate was expected: {effect:?}");
        };
        let key = effect.key;
        self.tell(Event::Started { key: key.clone() });
        self.tell(Event::GateJudged {
            key,
            summary: Box::new(summary(gate, verdict, codes, salt)),
        });
    }
    fn fail(&mut self, n: usize, salt: u8) {
        self.judge(n, Verdict::Fail, &[ReasonCode::TestFailed], salt);
    }
    fn pass(&mut self, n: usize) {
        self.judge(n, Verdict::Pass, &[], 0);
    }
    fn commit_lock(&mut self, n: usize) {
        let key = self.work(n).key;
        self.tell(Event::LockCommitted { key, lock: lock() });
    }
    fn deliver(&mut self, n: usize, delivery: Delivery) {
        let key = self.work(n).key;
        self.tell(Event::Delivered { key, delivery });
    }
    fn until_implement(&mut self, n: usize) {
        self.agent(n, AgentOutcome::Done);
        self.pass(n);
        self.commit_lock(n);
    }
    fn finish(&mut self, n: usize) {
        self.agent(n, AgentOutcome::Done);
        self.pass(n);
        self.pass(n);
        self.deliver(n, merged());
    }
    fn phase(&self, n: usize) -> Phase {
        self.state.task(&id(n)).unwrap().phase
    }
    fn feedback(&self, n: usize) -> Option<Feedback> {
        match self.work(n).action {
            Action::StartAgent { feedback, .. } => feedback.map(|feedback| *feedback),
            other => panic!("a session was expected: {other:?}"),
        }
    }
    fn exit(&self) -> Option<ExitCode> {
        self.state.standing().exit()
    }
}
fn merged() -> Delivery {
    Delivery::Merged {
        commit: "def".to_owned(),
    }
}

#[test]
fn a4_a_task_goes_through_its_phases_and_the_next_begins() {
    let mut story = Story::new(plan(&[&[2], &[]]), RunOptions::default());
    assert_eq!(
        (story.phase(1), story.phase(2)),
        (Phase::Waiting, Phase::Specify)
    );
    assert_eq!(story.work(2).key.to_string(), "R1/T2/specify/1");
    story.until_implement(2);
    assert_eq!(story.phase(2), Phase::Implement);
    story.finish(2);
    assert_eq!(
        (story.phase(1), story.phase(2)),
        (Phase::Specify, Phase::Passed)
    );
    story.until_implement(1);
    story.finish(1);
    assert_eq!(story.state.standing(), Standing::Ended(ExitCode::Pass));
    assert_eq!(story.state.derived().unwrap().status, PlanStatus::Complete);
    assert_eq!(State::replay(story.journal).unwrap(), story.state);
}

#[test]
fn a5_a_chore_has_no_red_and_no_green() {
    let mut plan = plan(&[&[]]);
    plan.tasks[0].mode = Mode::Chore;
    plan.tasks[0].scope = vec!["Cargo.toml".to_owned()];
    let mut story = Story::new(plan, RunOptions::default());
    story.commit_lock(1);
    story.agent(1, AgentOutcome::Done);
    assert_eq!(story.phase(1), Phase::Full);
    story.pass(1);
    story.deliver(1, merged());
    assert_eq!(story.exit(), Some(ExitCode::Pass));
}

#[test]
fn a7_the_implementer_has_three_tries_and_the_same_failure_twice_demands_hypotheses() {
    let mut story = Story::new(plan(&[&[]]), RunOptions::default());
    story.until_implement(1);
    for (salt, hypotheses) in [(1, false), (1, true)] {
        story.agent(1, AgentOutcome::Done);
        story.fail(1, salt);
        assert_eq!(story.feedback(1).unwrap().three_hypotheses, hypotheses);
    }
    story.agent(1, AgentOutcome::Done);
    story.judge(1, Verdict::Rejected, &[ReasonCode::LockedTestEdited], 2);
    assert_eq!(story.phase(1), Phase::Halted);
    assert_eq!(story.exit(), Some(ExitCode::Rejected));
    assert_eq!(story.state.derived().unwrap().status, PlanStatus::Halted);
}

#[test]
fn a7_the_author_has_two_tries_and_the_exit_code_is_the_verdicts() {
    for (verdict, exit) in [
        (Verdict::Fail, ExitCode::GateFailed),
        (Verdict::CouldNotRun, ExitCode::CouldNotRun),
        (Verdict::Flaky, ExitCode::NotDecided),
    ] {
        let mut story = Story::new(plan(&[&[]]), RunOptions::default());
        for _ in 0..2 {
            story.agent(1, AgentOutcome::Done);
            story.judge(1, verdict, &[ReasonCode::ZeroTests], 1);
        }
        assert_eq!(story.exit(), Some(exit), "{verdict}");
    }
}

#[test]
fn a7_outages_and_crashes_cost_no_attempt_and_are_bounded() {
    let mut story = Story::new(plan(&[&[]]), RunOptions::default());
    for outcome in [
        AgentOutcome::ProviderError,
        AgentOutcome::Crashed,
        AgentOutcome::UsageLimit,
        AgentOutcome::EnvironmentFault,
        AgentOutcome::Crashed,
    ] {
        story.agent(1, outcome);
        assert_eq!(story.state.task(&id(1)).unwrap().tries.author, 1);
    }
    story.agent(1, AgentOutcome::ProviderError);
    assert_eq!(story.exit(), Some(ExitCode::CouldNotRun));
    // Running again is enough.
    story.tell(Event::Resumed {
        options: RunOptions::default(),
        by: person(),
    });
    assert_eq!(story.phase(1), Phase::Specify);
    assert_eq!(story.work(1).key.to_string(), "R1/T1/specify/7");
    assert_eq!(story.state.standing(), Standing::Working);
}

#[test]
fn a7_an_environment_fault_runs_the_gate_again_and_costs_nothing() {
    let mut story = Story::new(plan(&[&[]]), RunOptions::default());
    story.until_implement(1);
    story.agent(1, AgentOutcome::Done);
    for _ in 0..2 {
        story.judge(1, Verdict::CouldNotRun, &[ReasonCode::EnvironmentFault], 1);
        assert_eq!(story.phase(1), Phase::Green);
    }
    story.judge(1, Verdict::CouldNotRun, &[ReasonCode::EnvironmentFault], 1);
    assert_eq!(story.exit(), Some(ExitCode::CouldNotRun));
    assert_eq!(story.state.task(&id(1)).unwrap().tries.implementer, 1);
    assert!(
        story
            .state
            .task(&id(1))
            .unwrap()
            .halt
            .as_ref()
            .unwrap()
            .is_resumable()
    );
}

#[test]
fn b5_files_out_of_scope_let_the_same_attempt_go_on() {
    let mut story = Story::new(plan(&[&[]]), RunOptions::default());
    story.until_implement(1);
    story.agent(1, AgentOutcome::Done);
    story.judge(1, Verdict::Fail, &[ReasonCode::OutOfScope], 1);
    assert_eq!(story.state.task(&id(1)).unwrap().tries.implementer, 1);
    assert_eq!(story.feedback(1).unwrap().cause, FeedbackCause::OutOfScope);
    story.agent(1, AgentOutcome::Done);
    story.judge(
        1,
        Verdict::Fail,
        &[ReasonCode::OutOfScope, ReasonCode::TestFailed],
        1,
    );
    assert_eq!(story.state.task(&id(1)).unwrap().tries.implementer, 2);
}

#[test]
fn b7_the_suite_runs_at_most_three_times_in_a_round() {
    let mut story = Story::new(plan(&[&[]]), RunOptions::default());
    story.until_implement(1);
    story.agent(1, AgentOutcome::Done);
    story.pass(1);
    for left in [3, 2, 1] {
        let Action::RunGate { suites_left, .. } = story.work(1).action else {
            panic!("a gate");
        };
        assert_eq!(suites_left, left);
        let key = story.work(1).key;
        let mut parts = summary(Gate::Full, Verdict::Pass, &[], 0).parts().clone();
        parts.suite_runs = left + 1;
        story.tell(Event::Started { key: key.clone() });
        let too_many = Event::GateJudged {
            key,
            summary: Box::new(GateSummary::recorded(parts)),
        };
        assert_eq!(story.refused(too_many), IllegalKind::OverBudget);
        story.pass(1);
        story.deliver(
            1,
            Delivery::ContentChanged {
                tree: "t".to_owned(),
            },
        );
    }
    assert_eq!(story.exit(), Some(ExitCode::Limit));
}

#[test]
fn a7_three_validation_rounds_each_with_fresh_implementer_tries() {
    let mut story = Story::new(plan(&[&[]]), RunOptions::default());
    story.until_implement(1);
    for _ in 0..3 {
        story.agent(1, AgentOutcome::Done);
        story.fail(1, 1);
        story.agent(1, AgentOutcome::Done);
        story.pass(1);
        story.fail(1, 2);
    }
    assert_eq!(story.exit(), Some(ExitCode::GateFailed));
}

#[test]
fn a8_without_keep_going_nothing_new_starts_and_with_it_independent_tasks_finish() {
    for keep_going in [false, true] {
        let options = RunOptions {
            keep_going,
            ..RunOptions::default()
        };
        let mut story = Story::new(plan(&[&[], &[1], &[]]), options);
        for _ in 0..2 {
            story.agent(1, AgentOutcome::Done);
            story.fail(1, 1);
        }
        if keep_going {
            story.until_implement(3);
            story.finish(3);
        }
        assert_eq!(story.phase(2), Phase::Waiting);
        assert_eq!(story.phase(3) == Phase::Passed, keep_going);
        assert_eq!(
            story.state.standing(),
            Standing::Ended(ExitCode::GateFailed)
        );
    }
}

#[test]
fn a9_after_a_crash_the_same_key_is_handed_out_again_and_nothing_is_charged() {
    let mut story = Story::new(plan(&[&[]]), RunOptions::default());
    let key = story.work(1).key;
    story.tell(Event::Started { key: key.clone() });
    let before = story.state.task(&id(1)).cloned();
    let effects = story.tell(Event::Resumed {
        options: RunOptions::default(),
        by: person(),
    });
    assert!(effects.iter().any(|effect| effect.key == key));
    assert_eq!(story.state.task(&id(1)).cloned(), before);
}

#[test]
fn a9_a_stop_records_what_ends_and_starts_nothing() {
    let mut story = Story::new(plan(&[&[], &[]]), RunOptions::default());
    let key = story.work(1).key;
    story.tell(Event::Started { key: key.clone() });
    story.tell(Event::StopRequested { by: person() });
    assert_eq!(story.state.standing(), Standing::Working);
    let effects = story.tell(Event::AgentEnded {
        key,
        outcome: AgentOutcome::Done,
        session: AgentSession::default(),
    });
    assert!(
        effects.iter().all(|effect| !effect.action.is_work()),
        "{effects:?}"
    );
    assert_eq!(story.exit(), Some(ExitCode::Limit));
    let effects = story.tell(Event::Resumed {
        options: RunOptions::default(),
        by: person(),
    });
    assert!(
        effects
            .iter()
            .any(|effect| effect.key.to_string() == "R1/T1/red/1")
    );
}

fn dispute(evidence: Vec<DisputeEvidence>) -> Event {
    Event::Disputed {
        dispute: Dispute {
            task: id(1),
            test: "t.py::a".to_owned(),
            reason: DisputeReason::WrongExpectation,
            cites: None,
            note: None,
        },
        evidence,
    }
}
fn fact() -> Vec<DisputeEvidence> {
    vec![DisputeEvidence::UnannouncedSymbol {
        test: "t.py::a".to_owned(),
        symbol: "f".to_owned(),
    }]
}

#[test]
fn a10_evidence_sends_the_author_back_once_red_again_and_keeps_both_locks() {
    let mut story = Story::new(plan(&[&[]]), RunOptions::default());
    story.until_implement(1);
    story.agent(1, AgentOutcome::Done);
    story.fail(1, 1);
    story.tell(dispute(fact()));
    assert_eq!(story.refused(dispute(fact())), IllegalKind::NotNow);
    story.agent(1, AgentOutcome::Done);
    let Action::StartAgent { role, mode, .. } = story.work(1).action else {
        panic!("a session");
    };
    assert_eq!((role, mode), (AgentRole::Author, AgentMode::Fix));
    story.until_implement(1);
    let task = story.state.task(&id(1)).unwrap();
    assert_eq!((task.locks.len(), task.tries.implementer), (2, 2));
    assert!(matches!(
        story.feedback(1).unwrap().cause,
        FeedbackCause::Dispute(..)
    ));
    // The second time a person is asked, whatever the evidence.
    story.tell(dispute(fact()));
    story.agent(1, AgentOutcome::Done);
    assert_eq!(story.state.task(&id(1)).unwrap().wait, Some(Wait::Dispute));
    assert_eq!(story.exit(), Some(ExitCode::ApprovalNeeded));
    assert_eq!(story.state.task(&id(1)).unwrap().tries.implementer, 2);
}

#[test]
fn a12_a_person_can_answer_a_halt_in_every_way() {
    let halted = || {
        let mut story = Story::new(plan(&[&[]]), RunOptions::default());
        story.until_implement(1);
        for salt in 0..3 {
            story.agent(1, AgentOutcome::Done);
            story.fail(1, salt);
        }
        story
    };
    let mut story = halted();
    story.tell(Event::Retried {
        task: id(1),
        hint: Some("look at the zone".to_owned()),
        by: person(),
    });
    let feedback = story.feedback(1).unwrap();
    assert_eq!(feedback.hint.as_deref(), Some("look at the zone"));
    assert_eq!(feedback.reasons.len(), 1, "the last refusal is still told");
    assert_eq!(story.state.task(&id(1)).unwrap().tries.implementer, 1);

    let mut story = halted();
    let amend = |verdict| Event::Amended {
        task: id(1),
        red: Box::new(summary(Gate::Red, verdict, &[], 0)),
        lock: lock(),
        reason: "wrong zone".to_owned(),
        by: person(),
    };
    assert_eq!(story.refused(amend(Verdict::Fail)), IllegalKind::NoVerdict);
    story.tell(amend(Verdict::Pass));
    assert_eq!(story.phase(1), Phase::Implement);
    assert_eq!(story.state.task(&id(1)).unwrap().locks.len(), 2);

    let mut story = halted();
    story.tell(Event::Taken {
        task: id(1),
        by: person(),
    });
    assert_eq!(story.exit(), Some(ExitCode::ApprovalNeeded));
    story.tell(Event::HandedBack {
        task: id(1),
        by: person(),
    });
    story.fail(1, 9);
    assert_eq!(story.state.task(&id(1)).unwrap().wait, Some(Wait::Taken));
    story.tell(Event::HandedBack {
        task: id(1),
        by: person(),
    });
    story.pass(1);
    story.pass(1);
    story.deliver(1, merged());
    assert_eq!(story.exit(), Some(ExitCode::Pass));

    let mut story = halted();
    story.tell(Event::Waived {
        task: id(1),
        code: ReasonCode::TestFailed,
        reason: "known".to_owned(),
        expires: None,
        by: person(),
    });
    assert_eq!(story.phase(1), Phase::Waived);
    assert!(
        story.state.task(&id(1)).unwrap().halt.is_some(),
        "the verdict stays"
    );
    assert!(!story.state.derived().unwrap().passes[&id(1)]);
    assert_eq!(
        story
            .state
            .outstanding()
            .filter(|o| o.effect.action.is_work())
            .count(),
        0
    );

    let mut story = halted();
    story.tell(Event::Reset {
        task: id(1),
        by: person(),
    });
    assert_eq!(
        story.work(1).key.to_string(),
        "R1/T1/specify/2",
        "keys stay unique"
    );
}

#[test]
fn a12_tests_wait_for_approval_after_red_where_that_is_configured() {
    let options = RunOptions {
        approve_tests: true,
        ..RunOptions::default()
    };
    let mut story = Story::new(plan(&[&[]]), options);
    story.agent(1, AgentOutcome::Done);
    story.pass(1);
    assert_eq!(story.exit(), Some(ExitCode::ApprovalNeeded));
    story.tell(Event::Agreed {
        task: id(1),
        by: person(),
    });
    assert_eq!(story.phase(1), Phase::Lock);
}

#[test]
fn b3_an_inconclusive_gate_asks_and_approval_only_runs_it_again() {
    let mut story = Story::new(plan(&[&[]]), RunOptions::default());
    story.agent(1, AgentOutcome::Done);
    // The author is asked first; a person when its tries are used up.
    story.judge(1, Verdict::Inconclusive, &[ReasonCode::UnclearRed], 1);
    assert_eq!(story.phase(1), Phase::Specify);
    story.agent(1, AgentOutcome::Done);
    story.judge(1, Verdict::Inconclusive, &[ReasonCode::UnclearRed], 2);
    assert_eq!(story.exit(), Some(ExitCode::NotDecided));
    story.tell(Event::Agreed {
        task: id(1),
        by: person(),
    });
    assert_eq!(story.work(1).key.to_string(), "R1/T1/red/3");
}

#[test]
fn a4_until_parks_a_task_and_resuming_goes_on() {
    let until = |until| RunOptions {
        until,
        ..RunOptions::default()
    };
    let mut story = Story::new(plan(&[&[], &[]]), until(Some(Phase::Red)));
    for n in [1, 2] {
        story.agent(n, AgentOutcome::Done);
        story.pass(n);
    }
    assert_eq!(story.state.standing(), Standing::Parked);
    story.tell(Event::Resumed {
        options: until(None),
        by: person(),
    });
    assert_eq!(story.phase(1), Phase::Lock);
}

#[test]
fn a4_refactoring_that_breaks_something_is_discarded() {
    let options = RunOptions {
        refactor: true,
        ..RunOptions::default()
    };
    for verdict in [Verdict::Pass, Verdict::Fail] {
        let mut story = Story::new(plan(&[&[]]), options.clone());
        story.until_implement(1);
        story.agent(1, AgentOutcome::Done);
        story.pass(1);
        story.agent(1, AgentOutcome::Done);
        story.judge(1, verdict, &[], 1);
        let key = story.work(1).key;
        assert_eq!(key.to_string(), "R1/T1/refactor/3");
        let settled = if verdict == Verdict::Pass {
            Event::RefactorAdopted { key }
        } else {
            Event::RefactorDiscarded { key }
        };
        story.tell(settled);
        assert_eq!(story.phase(1), Phase::Full);
    }
}

#[test]
fn a1_a_changed_plan_needs_approval_and_restarts_only_what_changed() {
    let first = plan(&[&[], &[], &[]]);
    let mut story = Story::new(first.clone(), RunOptions::default());
    story.until_implement(1);
    story.finish(1);
    story.until_implement(2);
    story.tell(Event::Differs {
        definition: Digest::of(b"other"),
        configuration: Digest::of(b"configuration"),
    });
    assert_eq!(story.exit(), Some(ExitCode::ApprovalNeeded));
    let mut changed = first;
    changed.tasks[1].criteria[0].text = "another".to_owned();
    changed.tasks.pop();
    story.tell(Event::Approved {
        plan: Box::new(changed),
        definition: Digest::of(b"other"),
        configuration: Digest::of(b"configuration"),
        by: person(),
    });
    assert_eq!(
        (story.phase(1), story.phase(2)),
        (Phase::Passed, Phase::Specify)
    );
    assert!(story.state.task(&id(3)).is_none());
}

#[test]
fn a1_adopted_tasks_free_their_dependents_and_are_never_run() {
    let Event::RunStarted {
        run,
        plan,
        definition,
        configuration,
        options,
        approved,
        ..
    } = started(plan(&[&[], &[1]]), RunOptions::default())
    else {
        panic!("a start");
    };
    let mut state = State::new();
    state
        .apply(Event::RunStarted {
            run,
            plan,
            definition,
            configuration,
            options,
            approved,
            adopted: vec![id(1)],
        })
        .unwrap();
    assert!(state.task(&id(1)).unwrap().adopted);
    assert_eq!(state.task(&id(2)).unwrap().phase, Phase::Specify);
}

#[test]
fn a6_several_tasks_are_in_flight_with_more_jobs() {
    let options = RunOptions {
        jobs: 2,
        ..RunOptions::default()
    };
    let mut story = Story::new(plan(&[&[], &[], &[]]), options);
    assert_eq!(
        [story.phase(1), story.phase(2), story.phase(3)],
        [Phase::Specify, Phase::Specify, Phase::Waiting]
    );
    story.until_implement(2);
    story.finish(2);
    assert_eq!(story.phase(3), Phase::Specify);
}

#[test]
fn results_count_once_and_only_for_what_was_asked_and_started() {
    let mut story = Story::new(plan(&[&[]]), RunOptions::default());
    let key = story.work(1).key;
    let ended = Event::AgentEnded {
        key: key.clone(),
        outcome: AgentOutcome::Done,
        session: AgentSession::default(),
    };
    assert_eq!(story.refused(ended.clone()), IllegalKind::NotStarted);
    let green = Event::GateJudged {
        key: key.clone(),
        summary: Box::new(summary(Gate::Green, Verdict::Pass, &[], 0)),
    };
    story.tell(Event::Started { key });
    assert_eq!(story.refused(green), IllegalKind::WrongResult);
    story.tell(ended.clone());
    assert_eq!(story.refused(ended), IllegalKind::UnknownKey);
}

#[test]
fn effect_keys_round_trip_as_text() {
    for text in ["R1/T1/red/3", "R1/-/notify/1"] {
        assert_eq!(text.parse::<EffectKey>().unwrap().to_string(), text);
    }
    for bad in [
        "R1/T1/red",
        "R1/T1/blue/1",
        "R1/T1/red/x",
        "/T1/red/1",
        "R1/T1/red/1/2",
    ] {
        assert!(bad.parse::<EffectKey>().is_err(), "{bad}");
    }
}

#[test]
fn a3_tasks_begin_in_the_order_of_the_plan() {
    let mut shape = plan(&[&[4], &[], &[], &[], &[2], &[]]);
    for (index, rank) in [0, 2, 2, 3, 0, 1].into_iter().enumerate() {
        shape.tasks[index].priority = Priority(rank);
    }
    let expected = order(&shape);
    let mut story = Story::new(shape, RunOptions::default());
    for id in expected {
        let n: usize = id.as_str()[1..].parse().unwrap();
        story.until_implement(n);
        story.finish(n);
    }
    assert_eq!(story.exit(), Some(ExitCode::Pass));
}

#[test]
fn h7_a_thousand_tasks_run_to_the_end_and_replay() {
    let count = 1_000;
    let needs: Vec<Vec<usize>> = (1..=count)
        .map(|n| if n % 10 == 1 { Vec::new() } else { vec![n - 1] })
        .collect();
    let needs: Vec<&[usize]> = needs.iter().map(Vec::as_slice).collect();
    let mut state = State::new();
    let mut journal = vec![started(plan(&needs), RunOptions::default())];
    let mut todo = state.apply(journal[0].clone()).unwrap();
    while let Some(effect) = todo.pop() {
        let key = effect.key;
        let result = match effect.action {
            Action::StartAgent { .. } => Event::AgentEnded {
                key: key.clone(),
                outcome: AgentOutcome::Done,
                session: AgentSession::default(),
            },
            Action::RunGate { gate, .. } => Event::GateJudged {
                key: key.clone(),
                summary: Box::new(summary(gate, Verdict::Pass, &[], 0)),
            },
            Action::CommitLock { .. } => Event::LockCommitted {
                key: key.clone(),
                lock: lock(),
            },
            Action::Deliver { .. } => Event::Delivered {
                key: key.clone(),
                delivery: merged(),
            },
            _ => Event::Done { key: key.clone() },
        };
        for event in [Event::Started { key }, result] {
            journal.push(event.clone());
            todo.extend(state.apply(event).unwrap());
        }
    }
    assert_eq!(state.standing(), Standing::Ended(ExitCode::Pass));
    assert!(journal.len() > 14 * count);
    assert_eq!(State::replay(journal).unwrap(), state);
}

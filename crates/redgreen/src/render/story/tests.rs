use super::*;
use redgreen_core::dispute::DisputeEvidence;
use redgreen_core::id::{Digest, RelPath};
use redgreen_core::machine::{Budgets, EffectKey, GateSummaryParts, RunId, RunOptions, TestLine};
use redgreen_core::outcome::{Cause, Outcome, Role};
use redgreen_core::plan::Plan;
use redgreen_core::reason::{Reason, ReasonCode};

const PLAN: &str = r#"{"name": "p", "description": "d", "status": "APPROVED", "tasks": [
    {"id": "T1", "name": "first", "description": "", "criteria": ["it works"], "passes": false},
    {"id": "T2", "name": "second", "description": "", "criteria": ["it works"], "passes": false}]}"#;

/// A run that is driven by hand: every event is applied and told.
struct Told {
    state: State,
    teller: Teller<'static>,
    lines: Vec<String>,
}

impl Told {
    fn new(detail: Detail) -> Self {
        let plan: Plan = redgreen_formats::plan_file::parse(PLAN.as_bytes())
            .unwrap()
            .plan;
        let differences = |old: &str, new: &str| vec![format!("- {old}"), format!("+ {new}")];
        let mut told = Self {
            state: State::new(),
            teller: Teller::new(detail, Box::new(differences)),
            lines: Vec::new(),
        };
        told.event(Event::RunStarted {
            run: RunId::new("R1").unwrap(),
            plan: Box::new(plan),
            definition: Digest::of(b"plan"),
            configuration: Digest::of(b"configuration"),
            options: RunOptions {
                budgets: Budgets::default(),
                ..RunOptions::default()
            },
            approved: Some(Person("Ann".to_owned())),
            adopted: Vec::new(),
        });
        told
    }
    fn event(&mut self, event: Event) {
        self.state.apply(event.clone()).unwrap();
        self.lines.extend(self.teller.tell(&self.state, &event));
    }
    /// Begins the only work that is outstanding, and returns its key.
    fn start(&mut self, step: Step) -> EffectKey {
        let key = self
            .state
            .outstanding()
            .map(|outstanding| outstanding.effect.key.clone())
            .find(|key| key.step == step)
            .unwrap();
        self.event(Event::Started { key: key.clone() });
        key
    }
    fn agent(&mut self, step: Step) {
        let key = self.start(step);
        self.event(Event::AgentEnded {
            key,
            outcome: AgentOutcome::Done,
            session: redgreen_core::machine::AgentSession::default(),
        });
    }
    fn gate(
        &mut self,
        step: Step,
        gate: Gate,
        verdict: Verdict,
        tests: Vec<TestLine>,
        reasons: Vec<Reason>,
    ) {
        let key = self.start(step);
        let summary = GateSummary::recorded(GateSummaryParts {
            gate,
            verdict,
            reasons,
            notes: Vec::new(),
            tests,
            controls: Vec::new(),
            signature: Digest::of(b""),
            evidence: Digest::of(b""),
            tail: Vec::new(),
            suite_runs: u32::from(gate == Gate::Full),
            duration_ms: 0,
        });
        self.event(Event::GateJudged {
            key,
            summary: Box::new(summary),
        });
    }
    fn lock(&mut self, commit: &str) {
        let key = self.start(Step::Lock);
        self.event(Event::LockCommitted {
            key,
            lock: LockRef {
                record: Digest::of(commit.as_bytes()),
                commit: commit.to_owned(),
                criteria: BTreeMap::new(),
                tests: 2,
                files: 5,
            },
        });
    }
    /// The lines since the last call, without colour: the words say the same.
    fn take(&mut self) -> String {
        let text = std::mem::take(&mut self.lines).join("\n");
        anstream::adapter::strip_str(&text).to_string()
    }
}

fn test(name: &str, outcome: Outcome, detail: &str, message: &str) -> TestLine {
    TestLine {
        id: format!("tests/a.rs::{name}"),
        item: format!("tests/a.rs::{name}"),
        outcome,
        cause: (outcome != Outcome::Passed).then_some(Cause::Assertion),
        detail: detail.to_owned(),
        role: Role::Required,
        file: RelPath::new("tests/a.rs").ok(),
        line: None,
        message: message.to_owned(),
        duration_ms: 0,
    }
}

fn red_tests() -> Vec<TestLine> {
    let detail = "`a` does not exist yet: no method named `a` found in the current scope";
    vec![
        test("one", Outcome::Errored, detail, ""),
        test("two", Outcome::Errored, detail, ""),
    ]
}

fn locked_task(detail: Detail) -> Told {
    let mut told = Told::new(detail);
    told.agent(Step::Specify);
    told.gate(Step::Red, Gate::Red, Verdict::Pass, red_tests(), Vec::new());
    told.lock("1234567890");
    told
}

#[test]
fn g8_tests_red_and_lock_are_told_together_with_the_only_criterion() {
    let mut told = locked_task(Detail::All);
    assert_eq!(
        told.take(),
        "T1 first\n\
         \x20 agent   author writes the tests (try 1 of 2)\n\
         \x20 tests   author    AC-1 one, two\n\
         \x20 RED     pass      2 of 2 fail: `a` does not exist yet\n\
         \x20 lock    1234567   2 tests, and 5 files that could change their result"
    );
}

#[test]
fn b1_a_rejected_change_is_told_with_its_difference_and_what_ran_instead() {
    let mut told = locked_task(Detail::FirstTask);
    told.agent(Step::Implement);
    told.take();
    let failed = "assertion `left == right` failed\n  left: 1\n right: 2";
    let tests = vec![
        test("one", Outcome::Passed, "", ""),
        test("two", Outcome::Failed, "x", failed),
    ];
    let edited = Reason::new(
        ReasonCode::LockedTestEdited,
        "edited the locked test file `tests/a.rs`",
        "",
    )
    .line(7)
    .diff("-     assert_eq!(a(), 2);\n+     assert!(a() > 0);");
    let consequence =
        Reason::new(ReasonCode::TestFailed, "`two` failed", "").test("tests/a.rs::two");
    told.gate(
        Step::Green,
        Gate::Green,
        Verdict::Rejected,
        tests.clone(),
        vec![edited, consequence.clone()],
    );
    assert_eq!(
        told.take(),
        "  GREEN   rejected  edited the locked test file `tests/a.rs`, line 7    (try 1 of 3; output sent back)\n\
         \x20         - assert_eq!(a(), 2);\n\
         \x20         + assert!(a() > 0);\n\
         \x20         Not used: the tests ran as they were locked; 1 of 2 failed."
    );
    // A failure alone shows both sides of the comparison; the last one says what became of the task.
    for attempt in 2..=3 {
        told.agent(Step::Implement);
        told.take();
        told.gate(
            Step::Green,
            Gate::Green,
            Verdict::Fail,
            tests.clone(),
            vec![consequence.clone()],
        );
        let text = told.take();
        let end = if attempt == 3 {
            ")\n  halted  3 of 3 tries used. Nothing of T1 is on your branch."
        } else {
            "; output sent back)"
        };
        assert_eq!(
            text,
            format!("  GREEN   fail      two: 1 == 2    (try {attempt} of 3{end}")
        );
    }
}

#[test]
fn a10_a_dispute_is_told_with_what_was_found_and_the_difference_between_both_locks() {
    let mut told = locked_task(Detail::FirstTask);
    let key = told.start(Step::Implement);
    told.take();
    let side = |line: u32, value: &str| format!("tests/a.rs:{line} a(\"x\") == {value}");
    told.event(Event::Disputed {
        dispute: redgreen_core::dispute::Dispute {
            task: TaskId::new("T1").unwrap(),
            test: "tests/a.rs::two".to_owned(),
            reason: redgreen_core::dispute::DisputeReason::Contradiction,
            cites: None,
            note: Some("believe me".to_owned()),
        },
        evidence: vec![DisputeEvidence::ContradictingExpectations {
            first: side(3, "1"),
            second: side(9, "2"),
        }],
    });
    told.event(Event::AgentEnded {
        key,
        outcome: AgentOutcome::Done,
        session: redgreen_core::machine::AgentSession::default(),
    });
    told.agent(Step::Specify);
    told.gate(Step::Red, Gate::Red, Verdict::Pass, red_tests(), Vec::new());
    told.lock("abcdefghij");
    assert_eq!(
        told.take(),
        "  dispute accepted  `a(\"x\")` cannot be 1 and 2; back to the author\n\
         \x20 again   abcdefg   2 of 2 fail: `a` does not exist yet; locked again, both locks are kept\n\
         \x20         - 1234567890\n\
         \x20         + abcdefghij"
    );
}

#[test]
fn g8_a_red_whose_lock_failed_is_told_all_the_same() {
    let mut told = Told::new(Detail::FirstTask);
    told.agent(Step::Specify);
    told.gate(Step::Red, Gate::Red, Verdict::Pass, red_tests(), Vec::new());
    assert_eq!(told.take(), "", "held until the lock is there");
    let key = told.start(Step::Lock);
    told.event(Event::Faulted {
        key,
        fault: Reason::new(ReasonCode::EnvironmentFault, "no space", "free some"),
    });
    assert_eq!(
        told.take(),
        "T1 first\n  RED     pass      2 of 2 fail: `a` does not exist yet\n  lock    fault     no space"
    );
}

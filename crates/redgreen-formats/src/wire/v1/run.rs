//! Options of a run, sessions, locks, deliveries, disputes.

use super::{BounceData, DisputeReasonData, PhaseData};
use redgreen_core::dispute::{Dispute, DisputeEvidence};
use redgreen_core::id::{CriterionId, Digest, TaskId};
use redgreen_core::machine::{AgentSession, Budgets, Delivery, Limits, LockRef, RunOptions};
use redgreen_core::test_item::CriteriaMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Declares a struct with the same field names as its domain type and converts both ways.
macro_rules! mirror {
    ($(#[$doc:meta])* $wire:ident = $domain:ident { $($field:ident: $kind:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(missing_docs, reason = "the fields are those of the domain type")]
        pub struct $wire { $( pub $field: $kind, )* }
        impl From<&$domain> for $wire {
            fn from(value: &$domain) -> Self {
                let value = value.clone();
                Self { $( $field: value.$field.into(), )* }
            }
        }
        impl From<$wire> for $domain {
            fn from(value: $wire) -> Self { Self { $( $field: value.$field.into(), )* } }
        }
    };
}

mirror! {
    /// [`Budgets`].
    BudgetsData = Budgets {
        author_retries: u32,
        implementer_retries: u32,
        validation_attempts: u32,
        suite_runs: u32,
        free_restarts: u32,
        gate_reruns: u32,
        scope_rounds: u32,
    }
}
mirror! {
    /// [`Limits`].
    LimitsData = Limits {
        session_seconds: u64,
        idle_seconds: u64,
        run_seconds: Option<u64>,
        wait_seconds: u64,
        run_tokens: Option<u64>,
        run_micro_usd: Option<u64>,
    }
}
mirror! {
    /// [`AgentSession`].
    SessionData = AgentSession {
        agent: String,
        model: Option<String>,
        session: Option<String>,
        tokens: Option<u64>,
        micro_usd: Option<u64>,
        duration_ms: u64,
        log: Option<Digest>,
        isolation: Option<String>,
    }
}
mirror! {
    /// [`Dispute`].
    DisputeData = Dispute {
        task: TaskId,
        test: String,
        reason: DisputeReasonData,
        cites: Option<CriterionId>,
        note: Option<String>,
    }
}

/// [`LockRef`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are those of the domain type")]
pub struct LockData {
    pub record: Digest,
    pub commit: String,
    pub criteria: CriteriaMap,
    pub tests: u64,
    pub files: u64,
}

impl From<&LockRef> for LockData {
    fn from(lock: &LockRef) -> Self {
        Self {
            record: lock.record,
            commit: lock.commit.clone(),
            criteria: lock.criteria.clone(),
            tests: lock.tests as u64,
            files: lock.files as u64,
        }
    }
}
impl TryFrom<LockData> for LockRef {
    type Error = String;
    fn try_from(data: LockData) -> Result<Self, String> {
        let count = |value: u64| {
            usize::try_from(value).map_err(|_| format!("`{value}` is too large for this machine"))
        };
        Ok(Self {
            record: data.record,
            commit: data.commit,
            criteria: data.criteria,
            tests: count(data.tests)?,
            files: count(data.files)?,
        })
    }
}

/// [`RunOptions`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are those of the domain type")]
pub struct OptionsData {
    pub budgets: BudgetsData,
    pub limits: LimitsData,
    pub jobs: u32,
    pub keep_going: bool,
    pub until: Option<PhaseData>,
    pub only: Option<BTreeSet<TaskId>>,
    pub refactor: bool,
    pub approve_tests: bool,
    pub bounce: BounceData,
}

impl From<&RunOptions> for OptionsData {
    fn from(options: &RunOptions) -> Self {
        Self {
            budgets: (&options.budgets).into(),
            limits: (&options.limits).into(),
            jobs: options.jobs,
            keep_going: options.keep_going,
            until: options.until.map(PhaseData::from),
            only: options.only.clone(),
            refactor: options.refactor,
            approve_tests: options.approve_tests,
            bounce: options.bounce.into(),
        }
    }
}
impl From<OptionsData> for RunOptions {
    fn from(data: OptionsData) -> Self {
        Self {
            budgets: data.budgets.into(),
            limits: data.limits.into(),
            jobs: data.jobs,
            keep_going: data.keep_going,
            until: data.until.map(Into::into),
            only: data.only,
            refactor: data.refactor,
            approve_tests: data.approve_tests,
            bounce: data.bounce.into(),
        }
    }
}

/// [`Delivery`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the variants are those of the domain type")]
pub enum DeliveryData {
    Merged { commit: String },
    OnRunBranch { commit: String, command: String },
    ContentChanged { tree: String },
    Conflict { paths: Vec<String> },
}

impl From<&Delivery> for DeliveryData {
    fn from(delivery: &Delivery) -> Self {
        match delivery.clone() {
            Delivery::Merged { commit } => Self::Merged { commit },
            Delivery::OnRunBranch { commit, command } => Self::OnRunBranch { commit, command },
            Delivery::ContentChanged { tree } => Self::ContentChanged { tree },
            Delivery::Conflict { paths } => Self::Conflict { paths },
        }
    }
}
impl From<DeliveryData> for Delivery {
    fn from(data: DeliveryData) -> Self {
        match data {
            DeliveryData::Merged { commit } => Self::Merged { commit },
            DeliveryData::OnRunBranch { commit, command } => Self::OnRunBranch { commit, command },
            DeliveryData::ContentChanged { tree } => Self::ContentChanged { tree },
            DeliveryData::Conflict { paths } => Self::Conflict { paths },
        }
    }
}

/// [`DisputeEvidence`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the variants are those of the domain type")]
pub enum DisputeEvidenceData {
    RaisedByTestCode { test: String, exception: String },
    ContradictingExpectations { first: String, second: String },
    OutcomeVaries { test: String, outcomes: Vec<String> },
    UnannouncedSymbol { test: String, symbol: String },
    FewFailures { failing: u64, passing: u64 },
}

impl From<&DisputeEvidence> for DisputeEvidenceData {
    fn from(evidence: &DisputeEvidence) -> Self {
        match evidence.clone() {
            DisputeEvidence::RaisedByTestCode { test, exception } => {
                Self::RaisedByTestCode { test, exception }
            }
            DisputeEvidence::ContradictingExpectations { first, second } => {
                Self::ContradictingExpectations { first, second }
            }
            DisputeEvidence::OutcomeVaries { test, outcomes } => {
                Self::OutcomeVaries { test, outcomes }
            }
            DisputeEvidence::UnannouncedSymbol { test, symbol } => {
                Self::UnannouncedSymbol { test, symbol }
            }
            DisputeEvidence::FewFailures { failing, passing } => Self::FewFailures {
                failing: failing as u64,
                passing: passing as u64,
            },
        }
    }
}
impl From<DisputeEvidenceData> for DisputeEvidence {
    fn from(data: DisputeEvidenceData) -> Self {
        // On a machine whose addresses are narrower, a larger count is as good as the largest one.
        let count = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        match data {
            DisputeEvidenceData::RaisedByTestCode { test, exception } => {
                Self::RaisedByTestCode { test, exception }
            }
            DisputeEvidenceData::ContradictingExpectations { first, second } => {
                Self::ContradictingExpectations { first, second }
            }
            DisputeEvidenceData::OutcomeVaries { test, outcomes } => {
                Self::OutcomeVaries { test, outcomes }
            }
            DisputeEvidenceData::UnannouncedSymbol { test, symbol } => {
                Self::UnannouncedSymbol { test, symbol }
            }
            DisputeEvidenceData::FewFailures { failing, passing } => Self::FewFailures {
                failing: count(failing),
                passing: count(passing),
            },
        }
    }
}

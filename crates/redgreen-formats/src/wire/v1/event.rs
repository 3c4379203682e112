//! Events of the journal: `{"type":"…","data":{…}}`.

use super::{
    AgentOutcomeData, DeliveryData, DisputeData, DisputeEvidenceData, LockData, OptionsData,
    PlanData, RunLimitData, SessionData, SummaryData,
};
use redgreen_core::id::{Digest, TaskId};
use redgreen_core::machine::{EffectKey, Event, Person, RunId};
use redgreen_core::reason::{Reason, ReasonCode};
use serde::{Deserialize, Serialize};

/// One record: the version and the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The version of the wire types, 1.
    pub v: u32,
    /// The event.
    pub event: EventData,
}

/// [`Event`]. Keys are `run/task/phase/attempt`; people are names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the variants and fields are those of `core::machine::Event`"
)]
pub enum EventData {
    RunStarted {
        run: String,
        plan: Box<PlanData>,
        definition: Digest,
        configuration: Digest,
        options: OptionsData,
        approved: Option<String>,
        adopted: Vec<TaskId>,
    },
    Approved {
        plan: Box<PlanData>,
        definition: Digest,
        configuration: Digest,
        by: String,
    },
    Differs {
        definition: Digest,
        configuration: Digest,
    },
    Resumed {
        options: OptionsData,
        by: String,
    },
    Started {
        key: String,
    },
    AgentEnded {
        key: String,
        outcome: AgentOutcomeData,
        session: SessionData,
    },
    GateJudged {
        key: String,
        summary: Box<SummaryData>,
    },
    LockCommitted {
        key: String,
        lock: LockData,
    },
    RefactorAdopted {
        key: String,
    },
    RefactorDiscarded {
        key: String,
    },
    Delivered {
        key: String,
        delivery: DeliveryData,
    },
    Done {
        key: String,
    },
    Faulted {
        key: String,
        fault: Reason,
    },
    Disputed {
        dispute: DisputeData,
        evidence: Vec<DisputeEvidenceData>,
    },
    Agreed {
        task: TaskId,
        by: String,
    },
    Amended {
        task: TaskId,
        red: Box<SummaryData>,
        lock: LockData,
        reason: String,
        by: String,
    },
    Retried {
        task: TaskId,
        hint: Option<String>,
        by: String,
    },
    Taken {
        task: TaskId,
        by: String,
    },
    HandedBack {
        task: TaskId,
        by: String,
    },
    Waived {
        task: TaskId,
        code: ReasonCode,
        reason: String,
        expires: Option<String>,
        by: String,
    },
    Reset {
        task: TaskId,
        by: String,
    },
    StopRequested {
        by: String,
    },
    LimitReached {
        limit: RunLimitData,
    },
}

impl From<&Event> for EventData {
    fn from(event: &Event) -> Self {
        match event {
            Event::RunStarted {
                run,
                plan,
                definition,
                configuration,
                options,
                approved,
                adopted,
            } => Self::RunStarted {
                run: run.to_string(),
                plan: Box::new((&**plan).into()),
                definition: *definition,
                configuration: *configuration,
                options: options.into(),
                approved: approved.as_ref().map(|person| person.0.clone()),
                adopted: adopted.clone(),
            },
            Event::Approved {
                plan,
                definition,
                configuration,
                by,
            } => Self::Approved {
                plan: Box::new((&**plan).into()),
                definition: *definition,
                configuration: *configuration,
                by: by.0.clone(),
            },
            Event::Differs {
                definition,
                configuration,
            } => Self::Differs {
                definition: *definition,
                configuration: *configuration,
            },
            Event::Resumed { options, by } => Self::Resumed {
                options: options.into(),
                by: by.0.clone(),
            },
            Event::Started { key } => Self::Started {
                key: key.to_string(),
            },
            Event::AgentEnded {
                key,
                outcome,
                session,
            } => Self::AgentEnded {
                key: key.to_string(),
                outcome: (*outcome).into(),
                session: session.into(),
            },
            Event::GateJudged { key, summary } => Self::GateJudged {
                key: key.to_string(),
                summary: Box::new((&**summary).into()),
            },
            Event::LockCommitted { key, lock } => Self::LockCommitted {
                key: key.to_string(),
                lock: lock.into(),
            },
            Event::RefactorAdopted { key } => Self::RefactorAdopted {
                key: key.to_string(),
            },
            Event::RefactorDiscarded { key } => Self::RefactorDiscarded {
                key: key.to_string(),
            },
            Event::Delivered { key, delivery } => Self::Delivered {
                key: key.to_string(),
                delivery: delivery.into(),
            },
            Event::Done { key } => Self::Done {
                key: key.to_string(),
            },
            Event::Faulted { key, fault } => Self::Faulted {
                key: key.to_string(),
                fault: fault.clone(),
            },
            Event::Disputed { dispute, evidence } => Self::Disputed {
                dispute: dispute.into(),
                evidence: evidence.iter().map(Into::into).collect(),
            },
            Event::Agreed { task, by } => Self::Agreed {
                task: task.clone(),
                by: by.0.clone(),
            },
            Event::Amended {
                task,
                red,
                lock,
                reason,
                by,
            } => Self::Amended {
                task: task.clone(),
                red: Box::new((&**red).into()),
                lock: lock.into(),
                reason: reason.clone(),
                by: by.0.clone(),
            },
            Event::Retried { task, hint, by } => Self::Retried {
                task: task.clone(),
                hint: hint.clone(),
                by: by.0.clone(),
            },
            Event::Taken { task, by } => Self::Taken {
                task: task.clone(),
                by: by.0.clone(),
            },
            Event::HandedBack { task, by } => Self::HandedBack {
                task: task.clone(),
                by: by.0.clone(),
            },
            Event::Waived {
                task,
                code,
                reason,
                expires,
                by,
            } => Self::Waived {
                task: task.clone(),
                code: *code,
                reason: reason.clone(),
                expires: expires.clone(),
                by: by.0.clone(),
            },
            Event::Reset { task, by } => Self::Reset {
                task: task.clone(),
                by: by.0.clone(),
            },
            Event::StopRequested { by } => Self::StopRequested { by: by.0.clone() },
            Event::LimitReached { limit } => Self::LimitReached {
                limit: (*limit).into(),
            },
        }
    }
}

fn key(text: &str) -> Result<EffectKey, String> {
    text.parse()
        .map_err(|error: redgreen_core::id::InvalidId| error.to_string())
}

impl TryFrom<EventData> for Event {
    /// What is wrong, a lower-case fragment.
    type Error = String;
    fn try_from(data: EventData) -> Result<Self, String> {
        Ok(match data {
            EventData::RunStarted {
                run,
                plan,
                definition,
                configuration,
                options,
                approved,
                adopted,
            } => Self::RunStarted {
                run: RunId::new(run).map_err(|error| error.to_string())?,
                plan: Box::new((*plan).into()),
                definition,
                configuration,
                options: options.into(),
                approved: approved.map(Person),
                adopted,
            },
            EventData::Approved {
                plan,
                definition,
                configuration,
                by,
            } => Self::Approved {
                plan: Box::new((*plan).into()),
                definition,
                configuration,
                by: Person(by),
            },
            EventData::Differs {
                definition,
                configuration,
            } => Self::Differs {
                definition,
                configuration,
            },
            EventData::Resumed { options, by } => Self::Resumed {
                options: options.into(),
                by: Person(by),
            },
            EventData::Started { key: text } => Self::Started { key: key(&text)? },
            EventData::AgentEnded {
                key: text,
                outcome,
                session,
            } => Self::AgentEnded {
                key: key(&text)?,
                outcome: outcome.into(),
                session: session.into(),
            },
            EventData::GateJudged { key: text, summary } => Self::GateJudged {
                key: key(&text)?,
                summary: Box::new((*summary).into()),
            },
            EventData::LockCommitted { key: text, lock } => Self::LockCommitted {
                key: key(&text)?,
                lock: lock.try_into()?,
            },
            EventData::RefactorAdopted { key: text } => Self::RefactorAdopted { key: key(&text)? },
            EventData::RefactorDiscarded { key: text } => {
                Self::RefactorDiscarded { key: key(&text)? }
            }
            EventData::Delivered {
                key: text,
                delivery,
            } => Self::Delivered {
                key: key(&text)?,
                delivery: delivery.into(),
            },
            EventData::Done { key: text } => Self::Done { key: key(&text)? },
            EventData::Faulted { key: text, fault } => Self::Faulted {
                key: key(&text)?,
                fault,
            },
            EventData::Disputed { dispute, evidence } => Self::Disputed {
                dispute: dispute.into(),
                evidence: evidence.into_iter().map(Into::into).collect(),
            },
            EventData::Agreed { task, by } => Self::Agreed {
                task,
                by: Person(by),
            },
            EventData::Amended {
                task,
                red,
                lock,
                reason,
                by,
            } => Self::Amended {
                task,
                red: Box::new((*red).into()),
                lock: lock.try_into()?,
                reason,
                by: Person(by),
            },
            EventData::Retried { task, hint, by } => Self::Retried {
                task,
                hint,
                by: Person(by),
            },
            EventData::Taken { task, by } => Self::Taken {
                task,
                by: Person(by),
            },
            EventData::HandedBack { task, by } => Self::HandedBack {
                task,
                by: Person(by),
            },
            EventData::Waived {
                task,
                code,
                reason,
                expires,
                by,
            } => Self::Waived {
                task,
                code,
                reason,
                expires,
                by: Person(by),
            },
            EventData::Reset { task, by } => Self::Reset {
                task,
                by: Person(by),
            },
            EventData::StopRequested { by } => Self::StopRequested { by: Person(by) },
            EventData::LimitReached { limit } => Self::LimitReached {
                limit: limit.into(),
            },
        })
    }
}

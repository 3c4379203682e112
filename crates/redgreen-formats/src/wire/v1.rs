//! Version 1. Identifiers, reasons, outcomes and verdicts are the serde types of `redgreen-core`, whose wire text is
//! fixed there; everything that may change shape has a type of its own here.

mod event;
mod gate;
mod names;
mod plan;
mod run;

pub use event::{EventData, Record};
pub use gate::{
    GATE_SCHEMA, GateControl, GateReason, GateReport, GateTest, JournalTest, SummaryData,
};
pub use names::{
    AgentOutcomeData, BounceData, DisputeReasonData, ModeData, PhaseData, PlanStatusData,
    RunLimitData,
};
pub use plan::{CriterionData, PlanData, TaskData};
pub use run::{
    BudgetsData, DeliveryData, DisputeData, DisputeEvidenceData, LimitsData, LockData, OptionsData,
    SessionData,
};

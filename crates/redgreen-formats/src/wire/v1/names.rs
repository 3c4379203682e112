//! Closed lists of words.

use redgreen_core::dispute::{Bounce, DisputeReason};
use redgreen_core::machine::{AgentOutcome, Phase, RunLimit};
use redgreen_core::plan::{Mode, PlanStatus};
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $wire:ident = $domain:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $wire { $( #[doc = concat!("`", $text, "`")] #[serde(rename = $text)] $variant, )* }
        impl From<$domain> for $wire {
            fn from(value: $domain) -> Self { match value { $($domain::$variant => Self::$variant),* } }
        }
        impl From<$wire> for $domain {
            fn from(value: $wire) -> Self { match value { $($wire::$variant => Self::$variant),* } }
        }
    };
}

words! {
    /// The status of a plan, as in the plan file.
    PlanStatusData = PlanStatus {
        Draft = "DRAFT",
        Approved = "APPROVED",
        InProgress = "IN_PROGRESS",
        Complete = "COMPLETE",
        Halted = "HALTED",
    }
}
words! {
    /// The mode of a task, as in the plan file.
    ModeData = Mode {
        Tdd = "tdd",
        Fix = "fix",
        Characterize = "characterize",
        Refactor = "refactor",
        Chore = "chore",
    }
}
words! {
    /// Why a test is disputed, as on the command line.
    DisputeReasonData = DisputeReason {
        Contradiction = "contradiction",
        Impossible = "impossible",
        NotInCriteria = "not_in_criteria",
        WrongExpectation = "wrong_expectation",
        Flaky = "flaky",
    }
}
words! {
    /// Which evidence sends an author back, as in the configuration.
    BounceData = Bounce { Evidence = "evidence", Heuristic = "heuristic" }
}
words! {
    /// How a session ended.
    AgentOutcomeData = AgentOutcome {
        Done = "done",
        UsageLimit = "usage_limit",
        UsageLimitTooLong = "usage_limit_too_long",
        ProviderError = "provider_error",
        Crashed = "crashed",
        EnvironmentFault = "environment_fault",
        SessionLimit = "session_limit",
        Stopped = "stopped",
    }
}
words! {
    /// A limit of a run.
    RunLimitData = RunLimit { Time = "time", Tokens = "tokens", Money = "money" }
}
words! {
    /// A phase, as on the command line.
    PhaseData = Phase {
        Waiting = "waiting",
        Specify = "specify",
        Red = "red",
        Lock = "lock",
        Implement = "implement",
        Green = "green",
        Refactor = "refactor",
        Full = "full",
        Deliver = "deliver",
        Passed = "passed",
        Halted = "halted",
        Waived = "waived",
    }
}

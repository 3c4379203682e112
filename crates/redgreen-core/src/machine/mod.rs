//! The state machine of a run: `step(&State, Event) -> Transition { next, effects }` (DESIGN, "the heart").
//!
//! It decides what happens next and does nothing itself. The drive loop records an event, applies it, and carries out
//! the effects; every effect has a key and is either finished by a result event with that key or still outstanding.
//! After a crash the events are replayed ([`State::replay`]), [`Event::Resumed`] is recorded, and everything that was
//! outstanding is handed out again, without charging an attempt (SPEC A9).
//!
//! A verdict enters only as a [`GateSummary`]. Nothing that an agent says advances a task: [`AgentOutcome`] leads to a
//! gate, to another session or to a halt, never to a pass.
//!
//! Bounds (SPEC A7, B7), each a field of [`Budgets`]:
//!
//! | what | default | what happens then |
//! |---|---|---|
//! | author sessions that RED refused, per set of tests | 1 + 1 | halt with the gate's code |
//! | implementer sessions that GREEN refused, per validation round | 1 + 2 | halt with the gate's code |
//! | validation rounds (FULL refused, or the merge conflicts) | 3 | halt with the gate's code |
//! | full suites per validation round | 3 | halt with 12 |
//! | sessions in a row that ended without a result: outage, usage limit, crash | 5 | halt with 11, resumable |
//! | runs of one gate or effect in a row that met an environment fault | 1 + 2 | halt with 11 or 15, resumable |
//! | sessions that only have to drop files out of scope, per attempt | 2 | the attempt is charged |

mod budget;
mod drive;
mod effect;
mod event;
mod key;
mod person;
mod results;
mod state;
mod step;
mod summary;

pub use budget::{Budgets, Limits, RunOptions};
pub use effect::{Action, AgentMode, AgentRole, Effect, Feedback, FeedbackCause, Notice};
pub use event::{AgentOutcome, AgentSession, Delivery, Event, LockRef, Person, RunLimit};
pub use key::{EffectKey, RunId, Step};
pub use state::{
    Approval, Derived, Halt, HaltCause, OpenDispute, Outstanding, Phase, Standing, State,
    TaskState, Tries, Wait, Waiver,
};
pub use step::{Illegal, IllegalKind, Transition, step};
pub use summary::{GateSummary, GateSummaryParts, TestLine};

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;

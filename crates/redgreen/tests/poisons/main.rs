//! What could change a verdict from outside the change that is judged: git's own folder, the environment, files that
//! steer a runner, snapshots, dependencies (SPEC B4, B5, B10, C1-C4). One row per poison: each is without effect, or is
//! refused with the file or object named. `docs/concept/lock.md` and `docs/concept/environment.md` list them for people.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod closure;
mod environment;
mod git;
mod snapshots;
#[path = "../hand/support.rs"]
#[expect(
    dead_code,
    reason = "shared with the tests by hand, which use more of it"
)]
mod support;

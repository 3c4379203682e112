//! The only reader of time.

use std::time::{Duration, Instant, SystemTime};

/// The wall clock.
#[expect(clippy::disallowed_methods, reason = "this room is the reader of time")]
fn wall() -> SystemTime {
    #[cfg(test)]
    if let Some(time) = set::read() {
        return time;
    }
    SystemTime::now()
}

/// A wall clock that a test has set, for its thread.
#[cfg(test)]
pub(crate) mod set {
    use std::cell::Cell;
    use std::time::{Duration, SystemTime};

    thread_local! {
        static TIME: Cell<Option<SystemTime>> = const { Cell::new(None) };
    }

    pub(super) fn read() -> Option<SystemTime> {
        TIME.get()
    }

    /// From now on it is this many seconds after 1970.
    pub(crate) fn to(seconds: u64) {
        TIME.set(Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)));
    }
}

/// Wall-clock time as RFC 3339 in UTC with whole seconds, such as `2026-11-20T09:35:22Z` (journal, plan, evidence).
#[must_use]
pub fn now_rfc3339() -> String {
    rfc3339(wall())
}

/// A system time as RFC 3339 in UTC with whole seconds. Times that a calendar cannot hold become the epoch.
#[must_use]
pub fn rfc3339(time: SystemTime) -> String {
    let timestamp = jiff::Timestamp::try_from(time).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    timestamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Seconds since the epoch; 0 before it.
#[must_use]
pub fn now_unix() -> u64 {
    wall()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// A point of the monotonic clock, for limits and durations.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this room is the reader of time")]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// Waits. For polling loops only; nothing that decides may depend on it.
pub fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g5_times_are_rfc3339_in_utc() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_167_322);
        assert_eq!(rfc3339(time), "2026-11-20T09:35:22Z");
        assert!(now_rfc3339().ends_with('Z'));
        assert!(now_unix() > 1_700_000_000);
    }
}

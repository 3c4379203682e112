//! The only reader of time.

use std::time::{Duration, Instant, SystemTime};

/// Wall-clock time as RFC 3339 in UTC with whole seconds, such as `2026-11-20T09:35:22Z` (journal, plan, evidence).
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this room is the reader of time")]
pub fn now_rfc3339() -> String {
    rfc3339(SystemTime::now())
}

/// A system time as RFC 3339 in UTC with whole seconds. Times that a calendar cannot hold become the epoch.
#[must_use]
pub fn rfc3339(time: SystemTime) -> String {
    let timestamp = jiff::Timestamp::try_from(time).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    timestamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Seconds since the epoch; 0 before it.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this room is the reader of time")]
pub fn now_unix() -> u64 {
    SystemTime::now()
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

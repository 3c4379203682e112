//! Small pieces of text.

use redgreen_core::exit::ExitCode;
use redgreen_core::machine::{Delivery, HaltCause, Standing, Wait};

/// Longer inline texts are cut: a report is read by people, the full output is kept by digest.
const LONGEST: usize = 300;

/// The first line that is not blank.
pub(super) fn first_line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.to_owned())
}

/// One line without white space around it; see [`one_line_kept`].
pub(super) fn one_line(text: &str) -> String {
    one_line_kept(text.trim()).trim().to_owned()
}

/// One line, capped, with control characters replaced by spaces; its indentation is kept.
pub(super) fn one_line_kept(text: &str) -> String {
    let mut out: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST + 1)
        .collect();
    if out.chars().count() > LONGEST {
        out = out.chars().take(LONGEST - 1).collect();
        out.push('…');
    }
    out
}

/// Seconds since 1970 of an RFC 3339 time in UTC (`2026-11-20T09:35:22Z`, with or without a fraction); `None` for
/// anything else. The calendar: <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>.
pub(super) fn seconds(time: &str) -> Option<u64> {
    let (date, clock) = time.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.split('-').map(str::parse::<u64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let mut clock = clock.split(':');
    let hour: u64 = clock.next()?.parse().ok()?;
    let minute: u64 = clock.next()?.parse().ok()?;
    let second: u64 = clock.next()?.split('.').next()?.parse().ok()?;
    if !(1970..10_000).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted / 400, shifted % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    Some((days - 719_468) * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// A length of time for people.
pub(super) fn duration(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// Money for people.
pub(super) fn money(micro_usd: u64) -> String {
    let cents = micro_usd.div_ceil(10_000);
    format!("{}.{:02} USD", cents / 100, cents % 100)
}

/// `1 test`, `2 tests`.
pub(super) fn counted(count: usize, word: &str) -> String {
    if count == 1 {
        format!("1 {word}")
    } else {
        format!("{count} {word}s")
    }
}

/// Why a task is halted, as a fragment.
pub(super) fn halt(cause: HaltCause) -> &'static str {
    match cause {
        HaltCause::Exhausted => "every try is used",
        HaltCause::Conflict => "it conflicts with what was delivered meanwhile",
        HaltCause::SuiteBudget => "the full suite may not run once more",
        HaltCause::EnvironmentFault => "the environment is not ready",
        HaltCause::AgentUnavailable => "no session ended with a result",
        HaltCause::SessionLimit => "a session reached its limit",
        HaltCause::EffectFault => "committing or delivering failed",
    }
}

/// What a task waits for, as a fragment.
pub(super) fn wait(wait: Wait) -> &'static str {
    match wait {
        Wait::TestsApproval => "a person reads the tests",
        Wait::GateApproval(_) => "a person approves a change that the gate met",
        Wait::GateQuestion(_) => "the gate could not decide",
        Wait::Dispute => "a person decides about a disputed test",
        Wait::Taken => "a person works on it",
    }
}

/// How the run stands, as a word for headings.
pub(super) fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Empty => "not begun",
        Standing::Working => "in progress",
        Standing::NeedsApproval | Standing::WaitsForPerson(_) => "waiting for a person",
        Standing::Stopped => "stopped",
        Standing::Parked => "parked",
        Standing::Ended(ExitCode::Pass) => "complete",
        Standing::Ended(ExitCode::ApprovalNeeded) => "waiting for a person",
        Standing::Ended(
            ExitCode::Internal
            | ExitCode::Usage
            | ExitCode::GateFailed
            | ExitCode::CouldNotRun
            | ExitCode::Limit
            | ExitCode::Rejected
            | ExitCode::EnvironmentNotReady
            | ExitCode::NotDecided,
        ) => "halted",
    }
}

/// What became of a delivery, as a fragment.
pub(super) fn delivery(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Merged { commit } => format!("on your branch: {commit}"),
        Delivery::OnRunBranch { commit, command } => {
            format!("on the run's branch: {commit}; to merge it: {command}")
        }
        Delivery::ContentChanged { .. } => "being verified again".to_owned(),
        Delivery::Conflict { paths } => format!("conflicts in {}", paths.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g8_times_become_seconds_and_nonsense_does_not() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        // `date -u -d 2026-11-20T09:35:22Z +%s`
        assert_eq!(seconds("2026-11-20T09:35:22Z"), Some(1_795_167_322));
        assert_eq!(seconds("2000-03-01T00:00:00.5Z"), Some(951_868_800));
        for bad in [
            "",
            "2026-11-20",
            "2026-13-01T00:00:00Z",
            "x-1-1T0:0:0Z",
            "0000-01-01T00:00:00Z",
        ] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn g8_texts_are_one_line_and_capped() {
        assert_eq!(one_line("a\nb\u{1b}[31m"), "a b [31m");
        assert_eq!(one_line(&"ä".repeat(1000)).chars().count(), LONGEST);
        assert_eq!(duration(3_725), "1 h 2 min");
        assert_eq!(money(12_345_678), "12.35 USD");
    }
}

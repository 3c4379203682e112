//! `redgreen clean`: removes what can be made again. Journals, locks, evidence and a person's kept files stay (SPEC G5).

use super::Ending;
use crate::cli::CleanArgs;
use crate::config::size;
use crate::error::Failure;
use crate::referee::context::Context;
use redgreen_core::exit::ExitCode;
use redgreen_host::state::{size_of, trim};

/// Removes caches and logs of this repository's private state.
///
/// # Errors
/// A failure when another redgreen works here, or something cannot be removed.
pub fn run(context: &Context, arguments: &CleanArgs) -> Ending {
    let keep = match &arguments.keep {
        Some(text) => size(text).ok_or_else(|| {
            Failure::usage(format!("`--keep {text}` is no size"), "write 500MB or 2GB")
        })?,
        None => 0,
    };
    if !arguments.dry_run && context.state.is_busy() {
        return Err(Failure::not_ready(
            "another redgreen works in this repository and uses these caches",
            "wait for it, or end it with `redgreen stop`; `redgreen clean --dry-run` only looks",
        ));
    }
    let caches =
        trim(&context.state.cache(), keep, arguments.dry_run).map_err(Failure::internal)?;
    // Logs are small beside the caches, and never kept by a size.
    let logs = if keep == 0 {
        trim(&context.state.logs(), 0, arguments.dry_run).map_err(Failure::internal)?
    } else {
        redgreen_host::state::Trimmed::default()
    };
    let removed = [
        (
            "dependency builds, baselines and other caches",
            caches.removed,
        ),
        ("logs of agents and commands", logs.removed),
    ];
    let kept = caches.before - caches.removed;
    let rest = size_of(context.state.root()).saturating_sub(if arguments.dry_run {
        caches.before + logs.removed
    } else {
        kept
    });
    let word = if arguments.dry_run {
        "would free"
    } else {
        "freed"
    };
    context.printer.result(
        || {
            let mut text = String::new();
            for (name, bytes) in &removed {
                text.push_str(&format!("{word} {:>8.1} MB  {name}\n", megabytes(*bytes)));
            }
            if kept > 0 {
                text.push_str(&format!("kept  {:>8.1} MB  of caches\n", megabytes(kept)));
            }
            text.push_str(&format!(
                "kept  {:>8.1} MB  locks, journals, evidence and reports\n",
                megabytes(rest)
            ));
            text
        },
        || {
            let list: Vec<_> =
                removed.iter().map(|(name, bytes)| serde_json::json!({"what": name, "bytes": bytes})).collect();
            serde_json::json!({"schema": "redgreen.clean/1", "dry_run": arguments.dry_run, "removed": list, "kept_caches": kept, "kept": rest})
        },
    );
    Ok(ExitCode::Pass)
}

/// Keeps the caches below `[limits] cache`, oldest first. Called before long work, and does nothing while another redgreen
/// uses them; says so when something went.
///
/// # Errors
/// A failure when something cannot be removed.
pub fn below_the_cap(context: &Context, cap: u64) -> Result<(), Failure> {
    if context.state.is_busy() {
        return Ok(());
    }
    let trimmed = trim(&context.state.cache(), cap, false).map_err(Failure::internal)?;
    if trimmed.entries > 0 {
        context.printer.talk(format!(
            "caches were larger than `limits.cache`: the oldest {} of them went ({:.0} MB)",
            trimmed.entries,
            megabytes(trimmed.removed)
        ));
    }
    Ok(())
}

/// For people; the JSON has the bytes.
fn megabytes(bytes: u64) -> f64 {
    let kilobytes = u32::try_from(bytes / 1000).unwrap_or(u32::MAX);
    f64::from(kilobytes) / 1000.0
}

//! `redgreen clean`: removes what can be made again. Journals, locks, evidence and a person's kept files stay (SPEC G5).

use super::Ending;
use crate::cli::CleanArgs;
use crate::error::Failure;
use crate::referee::context::Context;
use redgreen_core::exit::ExitCode;
use redgreen_host::state::{remove_tree, size_of};

/// Removes caches and logs of this repository's private state.
///
/// # Errors
/// A failure when another redgreen works here, or something cannot be removed.
pub fn run(context: &Context, arguments: &CleanArgs) -> Ending {
    let mut removed = Vec::new();
    for (name, folder) in [
        (
            "dependency builds, baselines and other caches",
            context.state.cache(),
        ),
        ("agent logs", context.state.logs()),
    ] {
        let bytes = size_of(&folder);
        if !arguments.dry_run && bytes > 0 {
            remove_tree(&folder).map_err(Failure::internal)?;
            std::fs::create_dir_all(&folder).map_err(Failure::internal)?;
        }
        removed.push((name, bytes));
    }
    let word = if arguments.dry_run {
        "would free"
    } else {
        "freed"
    };
    context.printer.result(
        || {
            let mut text = String::new();
            for (name, bytes) in &removed {
                text.push_str(&format!("{word} {:>8.1} MB  {name}\n", mebibytes(*bytes)));
            }
            text.push_str("locks, journals, evidence and reports are kept");
            text
        },
        || {
            let list: Vec<_> =
                removed.iter().map(|(name, bytes)| serde_json::json!({"what": name, "bytes": bytes})).collect();
            serde_json::json!({"schema": "redgreen.clean/1", "dry_run": arguments.dry_run, "removed": list})
        },
    );
    Ok(ExitCode::Pass)
}

/// For people; the JSON has the bytes.
fn mebibytes(bytes: u64) -> f64 {
    let kibibytes = u32::try_from(bytes / 1024).unwrap_or(u32::MAX);
    f64::from(kibibytes) / 1024.0
}

//! `redgreen init`: looks, says what it found, writes redgreen.toml, and runs the suite once in a clean copy (SPEC C5, G4).

use super::Ending;
use crate::cli::InitArgs;
use crate::config::{Config, PLACES};
use crate::error::Failure;
use crate::referee::context::{Context, Environments, Setting};
use crate::referee::red::all_items;
use crate::referee::trees::TreeOnDisk;
use redgreen_core::exit::ExitCode;
use redgreen_core::outcome::Outcome;
use redgreen_core::run_report::RunReport;
use redgreen_host::runner::Selection;
use redgreen_host::tree::Snapshot;

/// Detects, probes, writes.
///
/// # Errors
/// A failure when there is no runner, or a file exists already.
pub fn run(context: &Context, arguments: &InitArgs) -> Ending {
    let head = context.head_commit()?;
    let tree = Snapshot::of_commit(&context.repository, &head).map_err(Failure::internal)?;
    let setting = Setting::of_tree(context, &tree)?;
    let place = context.repository.top_level().join(PLACES[0]);
    if (place.exists() || setting.config.origin.is_some()) && !arguments.dry_run {
        return Err(Failure::usage(
            "this repository has a redgreen.toml already",
            "change it, or look with: redgreen init --dry-run",
        ));
    }
    let runners = setting.runners()?;
    for assumed in &setting.config.assumed {
        context.printer.talk(format!("found   {assumed}"));
    }
    let mut notes = Vec::new();
    if !arguments.no_probe {
        let environments = Environments::resolve(context, &setting, &tree, &runners)?;
        let on_disk = TreeOnDisk::build(context, &setting, &tree, "probe")?;
        for runner in &runners {
            context
                .printer
                .talk("probe   the whole suite, once, in a clean copy");
            let items = all_items(context, &setting, &tree, runner.settings().kind)?;
            let report = on_disk
                .run(
                    context,
                    &setting,
                    &environments,
                    runner.as_ref(),
                    &Selection::All,
                    &items,
                    "probe",
                )
                .map_err(Failure::from)?;
            notes.extend(probe_notes(
                context,
                &report,
                on_disk.root.to_string_lossy().as_ref(),
            ));
        }
    }
    for note in &notes {
        context.printer.talk(format!("        {note}"));
    }
    let text = file_text(&setting.config);
    if arguments.dry_run {
        context.printer.data(text.trim_end());
        return Ok(ExitCode::Pass);
    }
    redgreen_host::state::write_atomically(&place, text.as_bytes()).map_err(Failure::internal)?;
    context.printer.result(
        || format!("wrote {}", PLACES[0]),
        || serde_json::json!({"schema": "redgreen.init/1", "file": PLACES[0], "assumed": setting.config.assumed, "notes": notes}),
    );
    context.printer.talk(format!("next    read it, then: git add {0} && git commit -m 'redgreen'; write a test; redgreen red", PLACES[0]));
    Ok(ExitCode::Pass)
}

/// What the probe says: counts, what does not pass, and files that exist in the checkout only.
fn probe_notes(context: &Context, report: &RunReport, tree: &str) -> Vec<String> {
    let mut notes = vec![format!(
        "{} passed, {} failed, {} errored, {} skipped",
        report.count(Outcome::Passed),
        report.count(Outcome::Failed),
        report.count(Outcome::Errored),
        report.count(Outcome::Skipped)
    )];
    for problem in report.problems.iter().take(5) {
        notes.push(format!(
            "{}: {} ({})",
            problem.code.as_str(),
            problem.message,
            problem.help
        ));
    }
    let mut missing = Vec::new();
    let texts = report.cases.iter().map(|case| case.message.as_str()).chain(
        report
            .load_failures
            .iter()
            .flat_map(|failure| failure.causes.iter().map(|cause| cause.message.as_str())),
    );
    for text in texts {
        // Adapters write the private tree as `{tree}`.
        let places = text.match_indices(tree).chain(text.match_indices("{tree}"));
        for (at, name) in places {
            let rest = &text[at + name.len()..];
            let path: String = rest
                .trim_start_matches('/')
                .chars()
                .take_while(|c| !c.is_whitespace() && !"'\"`,:;)]".contains(*c))
                .collect();
            let here = context.repository.top_level().join(&path);
            if !path.is_empty()
                && here.is_file()
                && !std::path::Path::new(tree).join(&path).exists()
                && !missing.contains(&path)
            {
                missing.push(path);
            }
        }
    }
    for path in missing {
        notes.push(format!(
            "`{path}` is ignored by git and tests want it: add it to `[tree] carry`"
        ));
    }
    notes
}

fn list(globs: &[String]) -> String {
    let quoted: Vec<String> = globs
        .iter()
        .map(|glob| format!("\"{}\"", glob.replace('\\', "\\\\").replace('"', "\\\"")))
        .collect();
    format!("[{}]", quoted.join(", "))
}

/// The file that states what was assumed. Leaving it out means the same.
fn file_text(config: &Config) -> String {
    let mut text = String::from(
        "# redgreen: agents write, the referee decides. Everything here was detected; a conventional project needs none of it.\nversion = 1\n\n[paths]\n",
    );
    text.push_str(&format!(
        "# the author writes these, the lock holds them\ntests = {}\n",
        list(&config.tests)
    ));
    text.push_str(&format!(
        "# the implementer writes these; everything else is locked\nsource = {}\n",
        list(&config.source)
    ));
    for runner in &config.runners {
        let kind = runner.kind.as_str();
        match &runner.name {
            Some(name) => text.push_str(&format!("\n[runner.{name}]\nkind = \"{kind}\"\n")),
            None => text.push_str(&format!("\n[runner]\nkind = \"{kind}\"\n")),
        }
        if !runner.root.is_empty() {
            text.push_str(&format!("root = \"{}\"\n", runner.root));
        }
    }
    let found: Vec<String> = config
        .checks
        .iter()
        .filter(|check| check.optional)
        .map(|check| format!("#   {}: {}\n", check.name, check.command.join(" ")))
        .collect();
    if !found.is_empty() {
        text.push_str("\n# run at full validation, because the project configures them:\n");
        text.extend(found);
        text.push_str("# [ladder]\n# detect = false\n");
    }
    text.push_str("\n# [agent]\n# command = [\"your-agent\", \"--prompt-file\", \"{prompt}\"]\n\n# [[checks]]\n# name = \"lint\"\n# command = [\"ruff\", \"check\", \".\"]\n");
    text
}

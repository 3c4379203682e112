//! The stream of `cargo build --message-format=json`.
//!
//! Proc macros run inside rustc, and what they print is passed on by cargo to the same stream: a line that looks like a
//! message proves nothing by itself. [`BuildMessages::contradictions`] lists what a genuine stream never contains.

use cargo_metadata::{Artifact, BuildScript, CompilerMessage, Message};
use std::collections::BTreeSet;

/// The messages of one build.
#[derive(Debug, Default)]
pub struct BuildMessages {
    /// What was compiled, in order.
    pub artifacts: Vec<Artifact>,
    /// What rustc said, in order, warnings included.
    pub diagnostics: Vec<CompilerMessage>,
    /// What build scripts printed.
    pub build_scripts: Vec<BuildScript>,
    /// The result that cargo states at the end; `None` when it is missing.
    pub finished: Option<bool>,
    /// Lines that are no messages.
    pub other: Vec<String>,
    finished_count: usize,
}

/// Reads the stream. Lines that are not messages are kept in [`BuildMessages::other`].
#[must_use]
pub fn parse(text: &str) -> BuildMessages {
    let mut out = BuildMessages::default();
    for line in text.lines() {
        if !line.starts_with('{') {
            if !line.trim().is_empty() {
                out.other.push(line.to_owned());
            }
            continue;
        }
        match serde_json::from_str::<Message>(line) {
            Ok(Message::CompilerArtifact(artifact)) => out.artifacts.push(artifact),
            Ok(Message::CompilerMessage(message)) => out.diagnostics.push(message),
            Ok(Message::BuildScriptExecuted(script)) => out.build_scripts.push(script),
            Ok(Message::BuildFinished(finished)) => {
                out.finished = Some(finished.success);
                out.finished_count += 1;
            }
            // `Message` is not exhaustive: a kind of a newer cargo is kept as text.
            Ok(_) | Err(_) => out.other.push(line.to_owned()),
        }
    }
    out
}

impl BuildMessages {
    /// Adds the messages of a later command of the same build.
    pub fn append(&mut self, later: Self) {
        self.artifacts.extend(later.artifacts);
        self.diagnostics.extend(later.diagnostics);
        self.build_scripts.extend(later.build_scripts);
        self.other.extend(later.other);
        self.finished = match (self.finished, later.finished) {
            (None, any) => any,
            (Some(before), Some(after)) => Some(before && after),
            (Some(_), None) => None,
        };
    }

    /// What one genuine command never prints: the same target built twice, or built and in error, or two ends.
    /// Each is a sentence for a person.
    #[must_use]
    pub fn contradictions(&self) -> Vec<String> {
        let mut out = Vec::new();
        let mut seen = BTreeSet::new();
        for artifact in &self.artifacts {
            let executable = artifact.executable.as_ref().map(ToString::to_string);
            if !artifact.profile.test {
                continue;
            }
            let key = (
                artifact.package_id.repr.clone(),
                artifact.target.name.clone(),
                kind(&artifact.target.kind),
            );
            let failed = self.diagnostics.iter().any(|message| {
                is_error(message)
                    && message.package_id == artifact.package_id
                    && message.target == artifact.target
                    && artifact
                        .target
                        .kind
                        .contains(&cargo_metadata::TargetKind::Test)
            });
            if failed {
                out.push(format!(
                    "the build reports target `{}` as compiled and as failed",
                    artifact.target.name
                ));
            }
            if !seen.insert(key) {
                out.push(format!(
                    "the build reports target `{}` twice ({})",
                    artifact.target.name,
                    executable.unwrap_or_default()
                ));
            }
        }
        if self.finished_count > 1 {
            out.push("the build reports its end twice".to_owned());
        }
        out
    }
}

/// Whether rustc said an error (an internal compiler error included) that is more than a summary line.
#[must_use]
pub fn is_error(message: &CompilerMessage) -> bool {
    use cargo_metadata::diagnostic::DiagnosticLevel;
    matches!(
        message.message.level,
        DiagnosticLevel::Error | DiagnosticLevel::Ice
    ) && !(message.message.spans.is_empty() && message.message.message.starts_with("aborting due"))
}

/// The kind of a target as cargo's command line names it: `lib`, `bin`, `test`, `example`, `bench`, `build`.
#[must_use]
pub fn kind(kinds: &[cargo_metadata::TargetKind]) -> &'static str {
    use cargo_metadata::TargetKind;
    match kinds.first() {
        Some(TargetKind::Bench) => "bench",
        Some(TargetKind::Bin) => "bin",
        Some(TargetKind::CustomBuild) => "build",
        Some(TargetKind::Example) => "example",
        Some(TargetKind::Test) => "test",
        Some(
            TargetKind::Lib
            | TargetKind::RLib
            | TargetKind::DyLib
            | TargetKind::CDyLib
            | TargetKind::StaticLib
            | TargetKind::ProcMacro
            | TargetKind::Unknown(_),
        )
        | None => "lib",
        // The enum is not exhaustive.
        Some(_) => "lib",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARTIFACT: &str = r#"{"reason":"compiler-artifact","package_id":"path+file:///w/a#shop@0.1.0","manifest_path":"/w/a/Cargo.toml","target":{"kind":["test"],"crate_types":["bin"],"name":"b","src_path":"/w/a/tests/b.rs","edition":"2021","doc":false,"doctest":false,"test":true},"profile":{"opt_level":"0","debuginfo":2,"debug_assertions":true,"overflow_checks":true,"test":true},"features":[],"filenames":["/w/t/b-1"],"executable":"/w/t/b-1","fresh":false}"#;

    #[test]
    fn c2_a_target_that_is_reported_twice_is_a_contradiction() {
        let once = parse(&format!(
            "{ARTIFACT}\n{{\"reason\":\"build-finished\",\"success\":true}}\n"
        ));
        assert_eq!(once.finished, Some(true));
        assert_eq!(once.contradictions(), Vec::<String>::new());
        let twice = parse(&format!("{ARTIFACT}\nprinted by a macro\n{ARTIFACT}\n"));
        assert_eq!(twice.contradictions().len(), 1);
        assert_eq!(twice.other, ["printed by a macro"]);
        assert_eq!(twice.finished, None);
    }
}

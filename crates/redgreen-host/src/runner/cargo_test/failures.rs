//! Targets that did not compile: which test files that concerns, and why (`reference/test-results.md`, 3.3).

use super::build::{Built, Plan, is_local};
use super::project::Project;
use super::shell::Shell;
use crate::runner::Request;
use redgreen_core::id::RelPath;
use redgreen_core::outcome::Cause;
use redgreen_core::run_report::{CauseDetail, LoadFailure, LocatedCause};
use redgreen_formats::cargo::diagnostics::{Classified, Place, TargetFacts, classify_target};
use redgreen_formats::cargo::messages::is_error;
use std::path::Path;

/// Compiler text is kept up to this many characters per diagnostic.
const MESSAGE_LIMIT: usize = 4_000;

/// One load failure for each target that has errors of its own, and one for those that wait for something that does not
/// build.
#[must_use]
pub fn load_failures(
    built: &Built,
    plan: &Plan,
    project: &Project,
    request: &Request<'_>,
    shell: &Shell<'_>,
) -> Vec<LoadFailure> {
    let mut out = Vec::new();
    let mut waiting: Vec<RelPath> = Vec::new();
    for &index in &plan.targets {
        if built.executables.contains_key(&index) {
            continue;
        }
        let target = &project.targets[index];
        let own: Vec<_> = built
            .messages
            .diagnostics
            .iter()
            .filter(|message| {
                is_error(message)
                    && project.target_index(&message.package_id.repr, &message.target)
                        == Some(index)
            })
            .map(|message| &message.message)
            .collect();
        if own.is_empty() && !target.required_features.is_empty() {
            continue;
        }
        let mut files = project.item_files(index, request.items);
        if files.is_empty() {
            // A file that does not parse has no items; it is a test file all the same.
            files.extend(RelPath::new(target.root.clone()));
        }
        if own.is_empty() {
            waiting.extend(files);
            continue;
        }
        let causes = classify(
            &own,
            target.kind != "test" && target.kind != "bench",
            project,
            request,
        );
        out.push(LoadFailure {
            files: files.into_iter().collect(),
            causes: causes
                .into_iter()
                .map(|found| located(found, project, shell))
                .collect(),
        });
    }
    if !waiting.is_empty() || (out.is_empty() && !built.executables_complete(plan, project)) {
        waiting.sort();
        waiting.dedup();
        out.push(LoadFailure {
            files: waiting,
            causes: base_causes(built, project, request, shell),
        });
    }
    out
}

impl Built {
    /// Whether every planned target came out.
    #[must_use]
    pub fn executables_complete(&self, plan: &Plan, project: &Project) -> bool {
        plan.targets.iter().all(|index| {
            self.executables.contains_key(index)
                || !project.targets[*index].required_features.is_empty()
        })
    }
}

/// What keeps targets without errors of their own from being built: the library, a build script, a dependency.
fn base_causes(
    built: &Built,
    project: &Project,
    request: &Request<'_>,
    shell: &Shell<'_>,
) -> Vec<LocatedCause> {
    let mut causes: Vec<LocatedCause> = Vec::new();
    for message in built
        .messages
        .diagnostics
        .iter()
        .filter(|message| is_error(message))
    {
        let local = is_local(&message.package_id.repr);
        for mut found in classify(&[&message.message], true, project, request) {
            if found.place == Place::Test && local {
                continue;
            }
            found.cause = CauseDetail {
                cause: Cause::BrokenBase,
                detail: format!(
                    "`{}` does not compile: {}",
                    message.target.name, message.message.message
                ),
                symbol: None,
            };
            let located = located(found, project, shell);
            if !causes.contains(&located) {
                causes.push(located);
            }
        }
    }
    if causes.is_empty() {
        let text = built.errors.join(" | ");
        causes.push(LocatedCause {
            cause: CauseDetail {
                cause: Cause::BrokenBase,
                detail: "the project does not build".to_owned(),
                symbol: None,
            },
            file: None,
            line: None,
            message: shell.shown(&text),
        });
    }
    causes
}

fn classify(
    diagnostics: &[&cargo_metadata::diagnostic::Diagnostic],
    own_crate_is_source: bool,
    project: &Project,
    request: &Request<'_>,
) -> Vec<Classified> {
    let facts = TargetFacts {
        crates: &project.crates,
        dependencies: &project.dependencies,
        own_crate_is_source,
        imports: &|file| {
            project
                .relative(Path::new(file))
                .map(|file| project.imports(&file))
                .unwrap_or_default()
        },
        declared_in: &|name| project.declared_in(name),
        place: &|file, line| match project.relative(Path::new(file)) {
            Some(file) => project.place(&file, line, request.rules, request.items),
            None => Place::Elsewhere,
        },
    };
    classify_target(diagnostics, &facts)
}

fn located(found: Classified, project: &Project, shell: &Shell<'_>) -> LocatedCause {
    LocatedCause {
        file: found
            .file
            .as_deref()
            .and_then(|file| project.rel_path(Path::new(file))),
        line: u32::try_from(found.line).ok().filter(|line| *line > 0),
        message: capped(&shell.shown(&found.message)),
        cause: found.cause,
    }
}

/// Keeps the start of a text.
#[must_use]
pub fn capped(text: &str) -> String {
    if text.chars().count() <= MESSAGE_LIMIT {
        return text.trim_end().to_owned();
    }
    let start: String = text.chars().take(MESSAGE_LIMIT).collect();
    format!("{start} …")
}

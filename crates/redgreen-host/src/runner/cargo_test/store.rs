//! The store of built third-party dependencies (SPEC C4).
//!
//! Nothing of the project is ever compiled into it: a *skeleton* is built that has the project's manifests and lock file
//! and empty sources, so no build script, macro or test of the project runs where its output could be kept. A run gets a
//! copy (never links: a hostile build could write through them), and cargo compiles every member anew, because the
//! skeleton lies at another path; the proof of that is in [`super::build`].
//!
//! Layout: `cargo/KEY/gNNNN/{target,covers,sources}`. A generation is made in a private folder and renamed into place, and it is
//! never changed afterwards; one that covers more is the next generation, a superset of the last. Two processes that
//! make the same one at once: the first rename wins, the other uses what it made for itself.

use super::build::{self, Plan};
use super::project::Project;
use super::shell::{self, Shell};
use crate::runner::{CouldNotRun, Request, RunnerSettings};
use redgreen_core::id::Digest;
use redgreen_formats::cargo::messages::kind;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Dependencies of a large workspace take long, once; the limit of the runner is meant for its tests.
const BUILD_LIMIT: Duration = Duration::from_secs(3600);

/// Older generations than this many are removed.
const KEPT_GENERATIONS: usize = 2;

/// Files of the project that decide what the dependencies are, by path relative to the tree.
type Skeleton = BTreeMap<String, Vec<u8>>;

/// Fills the run's target folder with built dependencies, making them first where they are missing.
///
/// Everything that goes wrong here only costs time: the run then builds the dependencies itself and says why it cannot.
///
/// # Errors
/// A reason when a person stopped it or cargo could not be started.
pub fn fill(
    shell: &mut Shell<'_>,
    project: &Project,
    plan: &Plan,
    lock: &[String],
    request: &Request<'_>,
    settings: &RunnerSettings,
) -> Result<(), CouldNotRun> {
    let Ok(lock_file) = std::fs::read_to_string(project.workspace_root.join("Cargo.lock")) else {
        return Ok(());
    };
    // Packages of a registry or of git have a source; a project without them needs no store.
    if !lock_file.lines().any(|line| line.starts_with("source = ")) {
        return Ok(());
    }
    let skeleton = skeleton(project);
    let commands = build::skeleton_commands(project, plan, settings);
    let wanted: BTreeSet<String> = commands
        .iter()
        .map(|command| coverage(&skeleton, command).hex())
        .collect();
    let folder = request
        .workspace
        .cache
        .join("cargo")
        .join(key(&lock_file, &skeleton, request, settings).hex());
    if std::fs::create_dir_all(&folder).is_err() {
        return Ok(());
    }
    let latest = generations(&folder).pop();
    let covered = latest
        .as_ref()
        .filter(|(_, path)| sources_are_there(path, shell))
        .map(|(_, path)| covers(path))
        .unwrap_or_default();
    if let Some((_, path)) = &latest
        && wanted.is_subset(&covered)
    {
        if copy_tree(&path.join("target"), &shell.target).is_err() {
            // Removed by a cleaner while we copied: an empty folder is always right.
            empty(&shell.target);
        }
        return Ok(());
    }
    let Ok(work) = crate::state::Temporary::new("build", Some(&folder)) else {
        return Ok(());
    };
    let made = work.path().join("generation");
    let target = made.join("target");
    let prepared = latest
        .as_ref()
        .map_or_else(
            || std::fs::create_dir_all(&target),
            |(_, path)| copy_tree(&path.join("target"), &target),
        )
        .and_then(|()| write_skeleton(&skeleton, project, &work.path().join("skeleton")));
    if prepared.is_err() {
        return Ok(());
    }
    if !make(
        shell,
        project,
        &commands,
        lock,
        &work.path().join("skeleton"),
        &target,
        request,
    )? {
        return Ok(());
    }
    let all: Vec<String> = covered.union(&wanted).cloned().collect();
    if std::fs::write(made.join("covers"), all.join("\n")).is_err()
        || std::fs::write(made.join("sources"), unpacked(shell, &lock_file).join("\n")).is_err()
    {
        return Ok(());
    }
    let next = latest.map_or(1, |(number, _)| number + 1);
    let place = folder.join(format!("g{next:04}"));
    // Fails when another process was first: then what was made here serves this run only.
    let source = if std::fs::rename(&made, &place).is_ok() {
        place
    } else {
        made
    };
    if copy_tree(&source.join("target"), &shell.target).is_err() {
        empty(&shell.target);
    }
    remove_old(&folder);
    Ok(())
}

/// Unpacked sources of packages of the lock file, relative to the cargo home of the run.
fn unpacked(shell: &Shell<'_>, lock_file: &str) -> Vec<String> {
    let Some(home) = shell.env.get("CARGO_HOME").map(PathBuf::from) else {
        return Vec::new();
    };
    let names = super::home::source_folders(lock_file);
    let registries = std::fs::read_dir(home.join("registry/src"));
    registries
        .into_iter()
        .flatten()
        .flatten()
        .flat_map(|registry| {
            let registry = registry.file_name().to_string_lossy().into_owned();
            names
                .iter()
                .map(move |name| format!("registry/src/{registry}/{name}"))
        })
        .filter(|folder| is_unpacked(&home.join(folder)))
        .collect()
}

/// cargo writes `.cargo-ok` when a package is unpacked whole.
fn is_unpacked(folder: &Path) -> bool {
    folder.join(".cargo-ok").is_file()
}

/// cargo wants the sources of everything it uses, also of what is built; a run could not unpack them, because cargo's home
/// is read-only for it.
fn sources_are_there(generation: &Path, shell: &Shell<'_>) -> bool {
    let Some(home) = shell.env.get("CARGO_HOME").map(PathBuf::from) else {
        return true;
    };
    std::fs::read_to_string(generation.join("sources"))
        .is_ok_and(|list| list.lines().all(|folder| is_unpacked(&home.join(folder))))
}

/// Builds the skeleton, then removes what belongs to it. False when the dependencies do not build.
fn make(
    shell: &mut Shell<'_>,
    project: &Project,
    commands: &[Vec<String>],
    lock: &[String],
    skeleton: &Path,
    target: &Path,
    request: &Request<'_>,
) -> Result<bool, CouldNotRun> {
    let root = shell
        .root
        .strip_prefix(&shell.tree)
        .map_or_else(|_| skeleton.to_owned(), |inside| skeleton.join(inside));
    let spec_of = |shell: &Shell<'_>, arguments: &[String]| {
        let mut spec = shell.cargo_spec(arguments);
        spec.cwd.clone_from(&root);
        spec.label = "cargo build of dependencies".to_owned();
        spec.timeout = spec.timeout.max(BUILD_LIMIT);
        let path = target.to_string_lossy().into_owned();
        spec.env.insert("CARGO_TARGET_DIR".to_owned(), path.clone());
        spec.env.insert("CARGO_BUILD_BUILD_DIR".to_owned(), path);
        spec.writable.push(skeleton.to_owned());
        spec.writable.push(target.to_owned());
        if let Some(home) = spec.env.get("CARGO_HOME") {
            // Sources are unpacked there; only third-party code runs in this build.
            spec.writable.push(PathBuf::from(home));
        }
        spec
    };
    for command in commands {
        let mut arguments = command.clone();
        arguments.extend_from_slice(lock);
        let mut spec = spec_of(shell, &arguments);
        let mut finished = shell::start(&spec)?;
        shell.record(&spec.argv, &finished);
        if !finished.success() && build::needs_network(&finished.stderr_text()) {
            build::fetch(shell, project, request)?;
            spec = spec_of(shell, &arguments);
            finished = shell::start(&spec)?;
            shell.record(&spec.argv, &finished);
        }
        shell::within_limits(&finished, "cargo build", spec.timeout)?;
        if !finished.success() {
            return Ok(false);
        }
    }
    let mut arguments = vec!["clean".to_owned()];
    for (folder, name) in project.local_packages() {
        let folder = skeleton.join(folder).display().to_string();
        arguments.extend([
            "-p".to_owned(),
            format!("path+file://{}#{name}", folder.trim_end_matches('/')),
        ]);
    }
    arguments.extend_from_slice(lock);
    let spec = spec_of(shell, &arguments);
    let finished = shell::start(&spec)?;
    shell.record(&spec.argv, &finished);
    // What is left of a skeleton is refused where it is used: its targets look fresh in a tree, and a fresh local target
    // that this run did not build is `code_loaded_from_elsewhere`. So a store that could not be cleaned is none.
    Ok(finished.success())
}

/// The lock file, the toolchain, the arguments and the configuration decide what can be shared at all.
fn key(
    lock_file: &str,
    skeleton: &Skeleton,
    request: &Request<'_>,
    settings: &RunnerSettings,
) -> Digest {
    let mut text = format!("redgreen cargo store 1\0{lock_file}\0");
    for (name, tool) in &request.environment.tools {
        text.push_str(&format!("{name} {} {}\0", tool.version, tool.digest));
    }
    for (name, digest) in &request.environment.dependencies {
        text.push_str(&format!("{name} {digest}\0"));
    }
    for (path, bytes) in skeleton {
        if path.contains(".cargo/") {
            text.push_str(&format!("{path} {}\0", Digest::of(bytes)));
        }
    }
    text.push_str(&settings.arguments.join("\0"));
    Digest::of(text.as_bytes())
}

/// One command over these manifests.
fn coverage(skeleton: &Skeleton, command: &[String]) -> Digest {
    let mut text = command.join("\0");
    for (path, bytes) in skeleton {
        text.push_str(&format!("\0{path} {}", Digest::of(bytes)));
    }
    Digest::of(text.as_bytes())
}

/// Manifests, lock file and cargo configuration of the tree.
fn skeleton(project: &Project) -> Skeleton {
    let mut files = Skeleton::new();
    let mut add = |path: PathBuf| {
        if let Some(name) = project.relative(&path)
            && let Ok(bytes) = std::fs::read(&path)
        {
            files.insert(name, bytes);
        }
    };
    add(project.workspace_root.join("Cargo.toml"));
    add(project.workspace_root.join("Cargo.lock"));
    for folder in project
        .manifest_folders()
        .iter()
        .chain([&project.workspace_root, &project.tree])
    {
        add(folder.join("Cargo.toml"));
        add(folder.join(".cargo/config.toml"));
        add(folder.join(".cargo/config"));
    }
    files
}

/// Writes the skeleton with an empty source for each target that cargo insists on.
fn write_skeleton(skeleton: &Skeleton, project: &Project, folder: &Path) -> io::Result<()> {
    let put = |path: &Path, bytes: &[u8]| {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, bytes)
    };
    for (path, bytes) in skeleton {
        put(&folder.join(path), bytes)?;
    }
    for member in &project.packages {
        let manifest = std::fs::read_to_string(&member.package.manifest_path)?;
        let targets = &member.package.targets;
        // Dev-dependencies are built for a target that is tested: one is enough.
        let tested = targets
            .iter()
            .any(|target| target.test && matches!(kind(&target.kind), "lib" | "bin"));
        for target in targets {
            let kind = kind(&target.kind);
            let wanted = match kind {
                "lib" | "bin" | "build" => true,
                "test" => !tested || manifest.contains("[[test]]"),
                kind => manifest.contains(&format!("[[{kind}]]")),
            };
            if let (true, Some(path)) = (wanted, project.relative(target.src_path.as_std_path())) {
                let text = if kind == "lib" { "" } else { "fn main() {}\n" };
                put(&folder.join(path), text.as_bytes())?;
            }
        }
    }
    for source in project.other_sources() {
        let text = if source.ends_with("build.rs") {
            "fn main() {}\n"
        } else {
            ""
        };
        put(&folder.join(source), text.as_bytes())?;
    }
    Ok(())
}

/// Published generations, oldest first.
fn generations(folder: &Path) -> Vec<(u32, PathBuf)> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let number = name.strip_prefix('g')?.parse().ok()?;
            Some((number, entry.path()))
        })
        .collect();
    found.sort();
    found
}

fn covers(generation: &Path) -> BTreeSet<String> {
    std::fs::read_to_string(generation.join("covers"))
        .map(|text| text.lines().map(str::to_owned).collect())
        .unwrap_or_default()
}

fn remove_old(folder: &Path) {
    let all = generations(folder);
    let old = all.len().saturating_sub(KEPT_GENERATIONS);
    for (_, path) in &all[..old] {
        // A reader that loses files in the middle starts from an empty folder.
        let _ = std::fs::remove_dir_all(path);
    }
}

fn empty(folder: &Path) {
    let _ = std::fs::remove_dir_all(folder);
    let _ = std::fs::create_dir_all(folder);
}

/// Copies a folder with the times of its files: cargo compares them with each other.
fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let metadata = entry.metadata()?;
        if metadata.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(entry.path())?, &target)?;
        } else if metadata.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
            std::fs::File::open(&target)?.set_modified(metadata.modified()?)?;
        }
    }
    std::fs::File::open(to)?.set_modified(std::fs::metadata(from)?.modified()?)
}

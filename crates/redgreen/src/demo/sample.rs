//! The sample project of the demonstration: a small Rust crate without dependencies, its plan, and the agents beside it.

use crate::error::Failure;
use redgreen_core::exit::ExitCode;
use redgreen_host::env;
use redgreen_host::process::{self, Finished, Spec};
use redgreen_host::state::remove_tree;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Files of the repository.
const FILES: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        include_str!("../../demo/sample/manifest.toml"),
    ),
    (
        "Cargo.lock",
        include_str!("../../demo/sample/cargo-lock.toml"),
    ),
    ("src/lib.rs", include_str!("../../demo/sample/lib.rs")),
    (
        "docs/plans/shortener.json",
        include_str!("../../demo/sample/plan.json"),
    ),
    (".gitignore", "/target\n"),
];

/// The agents: shell scripts, which lie beside the repository, where no agent can write.
const AGENTS: &[(&str, &str)] = &[
    ("author.sh", include_str!("../../demo/agents/author.sh")),
    (
        "implementer.sh",
        include_str!("../../demo/agents/implementer.sh"),
    ),
    ("honest.sh", include_str!("../../demo/agents/honest.sh")),
];

/// The sample on disk.
#[derive(Debug)]
pub struct Sample {
    /// Everything lies in it.
    folder: PathBuf,
    /// Removed with everything in it when the demonstration is over.
    kept: bool,
}

impl Sample {
    /// Writes the sample into a temporary folder, or into a new folder that is kept.
    ///
    /// # Errors
    /// A failure that says what is missing (git, cargo, a linker) or where nothing can be written, and what to do.
    pub fn write(keep: Option<&Path>) -> Result<Self, Failure> {
        let git = needed("git", "install git, then run redgreen demo again")?;
        needed("sh", "put a POSIX shell on the search path")?;
        needed(
            "cargo",
            "install a Rust toolchain (https://rustup.rs), then run redgreen demo again",
        )?;
        let sample = Self {
            folder: folder(keep)?,
            kept: keep.is_some(),
        };
        for folder in [sample.state(), sample.scratch()] {
            std::fs::create_dir_all(&folder).map_err(|why| not_written(&folder, &why))?;
        }
        sample.check_linker()?;
        for (name, text) in FILES {
            write(&sample.repository().join(name), text)?;
        }
        for (name, text) in AGENTS {
            write(&sample.agent(name), text)?;
        }
        write(
            &sample.repository().join("redgreen.toml"),
            &sample.configuration(),
        )?;
        let git = git.to_string_lossy();
        for arguments in [
            &["init", "--quiet", "--template=", "--initial-branch=main"][..],
            &["config", "user.name", "redgreen demo"],
            &["config", "user.email", "demo@localhost"],
            &["config", "commit.gpgSign", "false"],
            &["config", "core.autocrlf", "false"],
            &["add", "--all"],
            &[
                "commit",
                "--quiet",
                "--no-verify",
                "-m",
                "a link shortener, before the plan",
            ],
        ] {
            sample.command(&git, arguments, &sample.repository(), &[])?;
        }
        Ok(sample)
    }

    /// The repository.
    #[must_use]
    pub fn repository(&self) -> PathBuf {
        self.folder.join("shortener")
    }
    /// Private state of redgreen.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }
    /// An agent's script.
    #[must_use]
    pub fn agent(&self, name: &str) -> PathBuf {
        self.folder.join("agents").join(name)
    }
    /// A folder for what is needed in between.
    #[must_use]
    pub fn scratch(&self) -> PathBuf {
        self.folder.join("scratch")
    }

    fn configuration(&self) -> String {
        let command = |name: &str| {
            let argv = [
                "sh".to_owned(),
                self.agent(name).to_string_lossy().into_owned(),
            ];
            let argv: Vec<toml::Value> = argv.into_iter().map(toml::Value::String).collect();
            toml::Value::Array(argv)
        };
        format!(
            "version = 1\n\n[agents.author]\ncommand = {}\n\n[agents.implementer]\ncommand = {}\n",
            command("author.sh"),
            command("implementer.sh")
        )
    }

    /// The environment of a command: nothing of the user's but the search path and where the toolchain lies.
    #[must_use]
    pub fn environment(&self) -> BTreeMap<String, String> {
        let mut environment = env::child(&self.scratch(), &self.scratch());
        environment.extend(env::toolchain_homes());
        for (name, value) in [
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
        ] {
            environment.insert(name.to_owned(), value.to_owned());
        }
        environment
    }

    /// Runs a command with this environment, and returns how it ended.
    ///
    /// # Errors
    /// A failure when it cannot be started.
    pub fn run(
        &self,
        program: &str,
        arguments: &[&str],
        folder: &Path,
        variables: &[(&str, &str)],
    ) -> Result<Finished, Failure> {
        let mut argv = vec![program.to_owned()];
        argv.extend(arguments.iter().map(|&argument| argument.to_owned()));
        let mut spec = Spec::new(program, argv, folder);
        spec.env = self.environment();
        for (name, value) in variables {
            spec.env.insert((*name).to_owned(), (*value).to_owned());
        }
        spec.writable = vec![self.folder.clone()];
        // The demonstration acts as the user here, whose git folder no project command sees.
        spec.isolation = process::Isolation::Process;
        process::run(&spec).map_err(|error| {
            Failure::not_ready(
                error.to_string(),
                format!("look whether `{program}` works here"),
            )
        })
    }

    /// Runs a command that must succeed, and returns what it printed.
    ///
    /// # Errors
    /// A failure with its last words.
    pub fn command(
        &self,
        program: &str,
        arguments: &[&str],
        folder: &Path,
        variables: &[(&str, &str)],
    ) -> Result<String, Failure> {
        let finished = self.run(program, arguments, folder, variables)?;
        if finished.success() {
            return Ok(finished.stdout_text());
        }
        let said = finished.stderr_text();
        let last = said.lines().rfind(|line| !line.trim().is_empty());
        Err(Failure::not_ready(
            format!(
                "`{program} {}` ended with {:?}: {}",
                arguments.join(" "),
                finished.ended,
                last.unwrap_or("it printed nothing")
            ),
            format!("look whether `{program}` works here"),
        ))
    }

    /// rustc links with `cc`. Where there is none, a configured linker may do; only trying tells.
    fn check_linker(&self) -> Result<(), Failure> {
        if env::find_program("cc").is_some() {
            return Ok(());
        }
        let scratch = self.scratch();
        let program = scratch.join("probe.rs");
        write(&program, "fn main() {}\n")?;
        let finished = self.run("rustc", &["probe.rs", "-o", "probe"], &scratch, &[])?;
        if finished.success() {
            return Ok(());
        }
        Err(Failure::not_ready(
            "no C linker (`cc`) was found, and rustc cannot link a program without one",
            "install one (Debian, Ubuntu: apt install gcc; Fedora: dnf install gcc; macOS: xcode-select --install)",
        ))
    }
}

impl Sample {
    /// Removes what is not kept.
    ///
    /// # Errors
    /// A failure that names the folder that could not be removed.
    pub fn remove(&self) -> Result<(), Failure> {
        let folder = if self.kept {
            self.scratch()
        } else {
            self.folder.clone()
        };
        remove_tree(&folder).map_err(|why| {
            Failure::not_ready(
                format!("`{}` could not be removed: {why}", folder.display()),
                "remove it by hand",
            )
        })
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        let _ = self.remove();
    }
}

fn needed(program: &str, help: &str) -> Result<PathBuf, Failure> {
    env::find_program(program)
        .map(|program| program.found)
        .ok_or_else(|| Failure::not_ready(format!("`{program}` was not found"), help))
}

fn folder(keep: Option<&Path>) -> Result<PathBuf, Failure> {
    let Some(keep) = keep else {
        let temporary = env::temporary_folder();
        let refused = |why: std::io::Error| {
            Failure::new(
                ExitCode::EnvironmentNotReady,
                format!("nothing can be written in `{}`: {why}", temporary.display()),
                "name a folder for temporary files: TMPDIR=/path redgreen demo",
            )
        };
        let made = tempfile::Builder::new()
            .prefix("redgreen-demo-")
            .tempdir_in(&temporary)
            .map_err(refused)?
            .keep();
        return made.canonicalize().map_err(refused);
    };
    if keep
        .read_dir()
        .is_ok_and(|mut entries| entries.next().is_some())
        || keep.is_file()
    {
        return Err(Failure::usage(
            format!("`{}` is there already", keep.display()),
            "name a new folder: redgreen demo --keep DIR",
        ));
    }
    std::fs::create_dir_all(keep).map_err(|why| not_written(keep, &why))?;
    keep.canonicalize().map_err(|why| not_written(keep, &why))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, text))
        .map_err(|why| not_written(path, &why))
}

fn not_written(path: &Path, why: &std::io::Error) -> Failure {
    Failure::not_ready(
        format!("`{}` cannot be written: {why}", path.display()),
        "free some space or name another folder: TMPDIR=/path redgreen demo, or redgreen demo --keep DIR",
    )
}

//! A project on disk in which a case is played: a real repository, private state, the test command of its users.

use super::case::{Case, Gate};
use super::{Places, must};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Seconds after which a command of a case is ended; a cheat may wait for ever.
const LIMIT: &str = "180";

/// What a project in `corpus/cheats/projects/NAME/project.toml` says about itself.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The command that its users type to run the tests.
    pub command: String,
    /// Whether it has a `.venv`.
    #[serde(default)]
    pub python: bool,
}

/// The project.
#[derive(Debug)]
pub struct Project {
    folder: tempfile::TempDir,
    about: About,
    cargo: Vec<(String, String)>,
    redgreen: PathBuf,
    /// The commit that the case starts from, with the tests that the baseline hashes.
    pub locked: String,
    /// Every locked test file with its bytes.
    pub tests: BTreeMap<String, Vec<u8>>,
}

impl Project {
    /// Makes the repository with its first commit.
    ///
    /// # Errors
    /// What could not be made.
    pub fn new(places: &Places, name: &str, case: Option<&Case>) -> Result<Self, String> {
        let source = places.corpus.join("projects").join(name);
        let text = fs::read_to_string(source.join("project.toml"))
            .map_err(|error| format!("project `{name}`: {error}"))?;
        let about: About = toml::from_str(&text).map_err(|error| error.to_string())?;
        let folder = tempfile::Builder::new()
            .prefix("case-")
            .tempdir_in(&places.work)
            .map_err(|error| error.to_string())?;
        let real_home = std::env::var("HOME").unwrap_or_default();
        let cargo = [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")]
            .map(|(name, folder)| {
                let set = std::env::var(name).unwrap_or_else(|_| format!("{real_home}/{folder}"));
                (name.to_owned(), set)
            })
            .to_vec();
        let project = Self {
            folder,
            about,
            cargo,
            redgreen: places.redgreen.clone(),
            locked: String::new(),
            tests: BTreeMap::new(),
        };
        for made in ["work", "home", "state"] {
            fs::create_dir(project.folder.path().join(made)).map_err(|error| error.to_string())?;
        }
        project.write_bytes("../home/.gitconfig", b"[user]\n\tname = Ada\n\temail = ada@example.invalid\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n")?;
        copy(&source.join("start"), &project.root())?;
        if let Some(case) = case {
            project.write_all(&case.start)?;
        }
        project.git(&["init", "-q"])?;
        project.environment(places, case.is_some_and(|case| case.own_environment))?;
        project.git(&["add", "-A"])?;
        project.git(&["commit", "-q", "-m", "start"])?;
        Ok(project)
    }

    /// Writes the tests and locks them, or asks RED with the same words where that is the case's question.
    ///
    /// # Errors
    /// What could not be written.
    pub fn lock(
        &mut self,
        places: &Places,
        name: &str,
        case: Option<&Case>,
    ) -> Result<Output, String> {
        match case {
            Some(case) if !case.tests.is_empty() => self.write_all(&case.tests)?,
            Some(case) if case.gate == Gate::Lock => self.play(case)?,
            Some(_) | None => copy(
                &places.corpus.join("projects").join(name).join("tests"),
                &self.root(),
            )?,
        }
        let output = self.redgreen(&["lock", "T1"])?;
        self.remember()?;
        Ok(output)
    }

    /// From here on the tests of the work tree are the locked ones, for the baseline.
    ///
    /// # Errors
    /// What could not be read.
    pub fn remember(&mut self) -> Result<(), String> {
        self.locked = self.git(&["rev-parse", "HEAD"])?;
        self.tests.clear();
        let names = self.git(&["ls-tree", "-r", "--name-only", "HEAD", "--", "tests"])?;
        for name in names.lines() {
            let bytes = fs::read(self.path(name)).map_err(|error| format!("{name}: {error}"))?;
            self.tests.insert(name.to_owned(), bytes);
        }
        Ok(())
    }

    /// Back to the locked commit, for the next case.
    ///
    /// # Errors
    /// What git said.
    pub fn reset(&self) -> Result<(), String> {
        self.git(&["reset", "-q", "--hard", &self.locked])?;
        self.git(&["clean", "-fdxq", "-e", ".venv"])?;
        Ok(())
    }

    /// What the implementer does.
    ///
    /// # Errors
    /// What could not be written.
    pub fn play(&self, case: &Case) -> Result<(), String> {
        self.write_all(&case.write)?;
        for (path, text) in &case.append {
            let old = fs::read(self.path(path)).unwrap_or_default();
            self.write_bytes(path, &[&old, text.as_bytes()].concat())?;
        }
        if let Some(script) = &case.script {
            let done = self.shell(script)?;
            if !done.status.success() {
                return Err(format!("the script of the case: {done:?}"));
            }
        }
        Ok(())
    }

    fn environment(&self, places: &Places, own: bool) -> Result<(), String> {
        if !self.about.python {
            return Ok(());
        }
        let place = self.path(".venv");
        if !own {
            return std::os::unix::fs::symlink(&places.environment, place)
                .map_err(|error| error.to_string());
        }
        must(
            Command::new("python3")
                .args(["-m", "venv", "--without-pip"])
                .arg(&place),
        )?;
        must(Command::new("sh").arg("-c").arg("cp -a \"$1\"/lib/python*/site-packages/. \"$2\"/lib/python*/site-packages/ && cp -a \"$1\"/bin/pytest \"$2\"/bin/ && sed -i \"1s|.*|#!$2/bin/python|\" \"$2\"/bin/pytest").arg("sh").arg(&places.environment).arg(&place))?;
        Ok(())
    }

    /// The checkout.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("work")
    }
    /// The folder around everything of this project.
    #[must_use]
    pub fn around(&self) -> &Path {
        self.folder.path()
    }
    fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }
    /// Writes a file of the checkout.
    ///
    /// # Errors
    /// The file, and why.
    pub fn write_bytes(&self, path: &str, bytes: &[u8]) -> Result<(), String> {
        let path = self.path(path);
        path.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, bytes))
            .map_err(|error| format!("{}: {error}", path.display()))
    }
    fn write_all(&self, files: &BTreeMap<String, String>) -> Result<(), String> {
        files
            .iter()
            .try_for_each(|(path, text)| self.write_bytes(path, text.as_bytes()))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=5", LIMIT, program])
            .current_dir(self.root())
            .env_clear()
            .env("HOME", self.folder.path().join("home"))
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("REDGREEN_STATE_DIR", self.folder.path().join("state"))
            .envs(self.cargo.iter().cloned())
            .stdin(Stdio::null());
        command
    }
    /// Runs git in the checkout.
    ///
    /// # Errors
    /// What git said.
    pub fn git(&self, arguments: &[&str]) -> Result<String, String> {
        must(self.command("git").args(arguments))
    }
    /// Runs redgreen in the checkout, for JSON.
    ///
    /// # Errors
    /// Why it could not be started.
    pub fn redgreen(&self, arguments: &[&str]) -> Result<Output, String> {
        self.command(&self.redgreen.display().to_string())
            .args(arguments)
            .args(["--format", "json"])
            .output()
            .map_err(|error| error.to_string())
    }
    /// Runs a script in the checkout.
    ///
    /// # Errors
    /// Why it could not be started.
    pub fn shell(&self, script: &str) -> Result<Output, String> {
        self.shell_with(script, &[])
    }
    /// The same with more variables.
    ///
    /// # Errors
    /// Why it could not be started.
    pub fn shell_with(&self, script: &str, variables: &[(&str, &str)]) -> Result<Output, String> {
        self.command("sh")
            .args(["-c", script])
            .envs(variables.iter().copied())
            .output()
            .map_err(|error| error.to_string())
    }
    /// Runs the tests as their users do.
    ///
    /// # Errors
    /// Why it could not be started.
    pub fn users_tests(&self, case: &Case) -> Result<Output, String> {
        self.shell(case.command.as_ref().unwrap_or(&self.about.command))
    }
}

/// Copies the files below a folder.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    for path in super::case::entries(from)? {
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            fs::create_dir_all(&target).map_err(|error| error.to_string())?;
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(())
}

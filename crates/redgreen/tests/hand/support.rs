//! A project of a person who works by hand: a real git repository, the real binary, real pytest and cargo.
//!
//! Needs git, `python3` with `venv` and `pip`, cargo, and a package index for the first run (pytest is installed once
//! below `target/`). A missing need fails the test. Every command gets a cleared environment and a private state folder.

use redgreen_core::id::Digest;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

fn must(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A virtual environment with pytest and no plugins (they double its start), made once below `target/`.
pub fn virtual_environment() -> &'static Path {
    static VENV: OnceLock<PathBuf> = OnceLock::new();
    VENV.get_or_init(|| {
        let all = include_str!("../../../redgreen-host/tests/pytest/requirements.txt");
        let requirements = all
            .lines()
            .find(|line| line.starts_with("pytest=="))
            .expect("pytest is among the requirements");
        let digest = Digest::of(requirements.as_bytes()).short();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("pytest-{digest}"));
        let ready = folder.join("ready");
        if !ready.is_file() {
            _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).unwrap();
            must(
                Command::new("python3")
                    .args(["-m", "venv", "--without-pip"])
                    .arg(folder.join("v")),
            );
            let list = folder.join("requirements.txt");
            fs::write(&list, requirements).unwrap();
            must(
                Command::new("python3")
                    .args(["-m", "pip", "-q", "--disable-pip-version-check", "--python"])
                    .arg(folder.join("v/bin/python"))
                    .args(["install", "-r"])
                    .arg(&list),
            );
            fs::write(ready, "").unwrap();
        }
        folder.join("v")
    })
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Out {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Out {
    /// Asserts the exit code.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "exit code\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        );
        self
    }
    /// The document on standard output.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {self:#?}"))
    }
    /// The gate in the document: the document itself, or the `red` part of a lock's.
    #[track_caller]
    pub fn gate(&self) -> Value {
        let json = self.json();
        if json["schema"] == "redgreen.lock-result/1" {
            json["red"].clone()
        } else {
            json
        }
    }
    fn named(&self, list: &str, code: &str) -> Vec<Value> {
        self.gate()[list]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|reason| reason["code"] == code)
            .cloned()
            .collect()
    }
    /// The first reason with this code, as text with every field.
    #[track_caller]
    pub fn reason(&self, code: &str) -> String {
        let found = self.named("reasons", code);
        let first = found
            .first()
            .unwrap_or_else(|| panic!("no reason `{code}`: {self:#?}"));
        assert!(
            first["help"].as_str().is_some_and(|help| !help.is_empty()),
            "no next step: {first}"
        );
        first.to_string()
    }
    /// All reason codes in order.
    #[track_caller]
    pub fn codes(&self) -> Vec<String> {
        self.gate()["reasons"]
            .as_array()
            .unwrap_or_else(|| panic!("no gate: {self:#?}"))
            .iter()
            .map(|reason| reason["code"].as_str().unwrap().to_owned())
            .collect()
    }
    /// The first note with this code, as text with every field.
    #[track_caller]
    pub fn note(&self, code: &str) -> String {
        let found = self.named("notes", code);
        found
            .first()
            .unwrap_or_else(|| panic!("no note `{code}`: {self:#?}"))
            .to_string()
    }
    /// A test of the gate whose id ends so.
    #[track_caller]
    pub fn test(&self, end: &str) -> Value {
        self.gate()["tests"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|test| test["id"].as_str().is_some_and(|id| id.ends_with(end)))
            .cloned()
            .unwrap_or_else(|| panic!("no test `{end}`: {self:#?}"))
    }
    /// Asserts that the error on standard error says this and shows a next step.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.stderr.contains(text) || self.stdout.contains(text),
            "`{text}` is not said:\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }
}

/// The project.
pub struct Hand {
    _folder: tempfile::TempDir,
    pub root: PathBuf,
    pub state: PathBuf,
    pub home: PathBuf,
    /// Where `redgreen` is started.
    pub cwd: PathBuf,
}

impl Hand {
    /// An empty repository with an identity of its own.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        let (root, state, home) = (base.join("work"), base.join("state"), base.join("home"));
        for made in [&root, &state, &home] {
            fs::create_dir_all(made).unwrap();
        }
        let hand = Self {
            _folder: folder,
            cwd: root.clone(),
            root,
            state,
            home,
        };
        hand.git(&["init", "-q", "-b", "main"]);
        hand.git(&["config", "user.name", "Ada"]);
        hand.git(&["config", "user.email", "ada@example.invalid"]);
        hand
    }
    /// Committed files.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let hand = Self::empty();
        hand.write_all(files);
        hand.commit("start");
        hand
    }
    /// A Python project `shop` with a function, a passing test and the shared virtual environment.
    pub fn python() -> Self {
        Self::python_with(&[])
    }
    /// The same with more files.
    pub fn python_with(files: &[(&str, &str)]) -> Self {
        let hand = Self::empty();
        hand.write_all(&[
            (".gitignore", ".venv\n__pycache__/\n"),
            (
                "pyproject.toml",
                "[project]\nname = \"shop\"\nversion = \"0.1.0\"\n\n[tool.pytest.ini_options]\npythonpath = [\"src\"]\n",
            ),
            ("src/shop/__init__.py", "def price(n):\n    return n * 2\n"),
            (
                "tests/test_price.py",
                "from shop import price\n\n\ndef test_price():\n    assert price(2) == 4\n",
            ),
        ]);
        hand.write_all(files);
        symlink(virtual_environment(), hand.root.join(".venv")).unwrap();
        hand.commit("start");
        hand
    }
    /// A Rust package `shop` without dependencies, with a passing inline test.
    pub fn rust() -> Self {
        Self::rust_with(&[])
    }
    /// The same with more files.
    pub fn rust_with(files: &[(&str, &str)]) -> Self {
        let hand = Self::empty();
        hand.write_all(&[
            (".gitignore", "target/\n"),
            (
                "Cargo.toml",
                "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
            ),
            (
                "Cargo.lock",
                "version = 3\n\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\n",
            ),
            (
                "src/lib.rs",
                "pub fn price(n: u32) -> u32 {\n    n * 2\n}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn doubles() {\n        assert_eq!(price(2), 4);\n    }\n}\n",
            ),
        ]);
        hand.write_all(files);
        hand.commit("start");
        hand
    }
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }
    pub fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }
    pub fn write_all(&self, files: &[(&str, &str)]) {
        for (path, text) in files {
            self.write(path, text);
        }
    }
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
    pub fn append(&self, path: &str, text: &str) -> &Self {
        let all = self.read(path) + text;
        self.write(path, &all)
    }
    pub fn remove(&self, path: &str) -> &Self {
        fs::remove_file(self.path(path)).unwrap();
        self
    }
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", &self.home).env(
            "PATH",
            std::env::var("PATH").expect("PATH is needed to find git, python3 and cargo"),
        );
        let real_home = std::env::var("HOME").unwrap_or_default();
        for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            let set = std::env::var(name).unwrap_or_else(|_| format!("{real_home}/{folder}"));
            command.env(name, set);
        }
        command
    }
    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        must(
            self.command("git")
                .args(arguments)
                .current_dir(&self.root)
                .env("GIT_CONFIG_NOSYSTEM", "1"),
        )
    }
    /// Commits everything.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.head()
    }
    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }
    /// Runs redgreen with `--format json`.
    pub fn rg(&self, arguments: &[&str]) -> Out {
        let mut all = vec!["--format", "json"];
        all.extend(arguments);
        self.plain(&all)
    }
    /// Runs redgreen as a person does.
    pub fn plain(&self, arguments: &[&str]) -> Out {
        self.plain_with(arguments, &[])
    }
    pub fn redgreen(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_redgreen"));
        command
            .args(arguments)
            .current_dir(&self.cwd)
            .env("REDGREEN_STATE_DIR", &self.state)
            // pytest is compiled once for all scenes, not a second long in each.
            .env(
                "REDGREEN_SHARED_CACHE",
                Path::new(env!("CARGO_TARGET_TMPDIR")).join("shared"),
            );
        let venv = virtual_environment();
        if fs::read_link(self.path(".venv")).is_ok_and(|target| target == venv) {
            command.env("UV_PROJECT_ENVIRONMENT", venv);
        }
        command
    }
    /// Runs redgreen and does something as soon as it says this on standard error.
    pub fn rg_meanwhile(&self, arguments: &[&str], said: &str, act: impl FnOnce()) -> Out {
        use std::io::{BufRead as _, BufReader, Read as _};
        let mut child = self
            .redgreen(&["--format", "json"])
            .args(arguments)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut act = Some(act);
        let mut stderr = String::new();
        for line in BufReader::new(child.stderr.take().unwrap()).lines() {
            let line = line.unwrap();
            if line.contains(said)
                && let Some(act) = act.take()
            {
                act();
            }
            stderr.push_str(&line);
            stderr.push('\n');
        }
        let mut stdout = String::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut stdout)
            .unwrap();
        let code = child.wait().unwrap().code().unwrap_or(-1);
        assert!(act.is_none(), "`{said}` was never said:\n{stderr}");
        Out {
            code,
            stdout,
            stderr,
        }
    }
    /// The same with more variables.
    pub fn plain_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Out {
        let output = self
            .redgreen(arguments)
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        Out {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
    /// Runs redgreen in a terminal of this width (a pseudo-terminal of `script`); what it showed, with its sequences.
    pub fn terminal(&self, arguments: &[&str], columns: u32, variables: &[(&str, &str)]) -> Out {
        let words: Vec<String> = std::iter::once(env!("CARGO_BIN_EXE_redgreen"))
            .chain(arguments.iter().copied())
            .map(|word| format!("'{word}'"))
            .collect();
        let line = format!("stty rows 24 cols {columns}; exec {}", words.join(" "));
        let output = self
            .command("script")
            .args(["-qefc", &line, "/dev/null"])
            .current_dir(&self.cwd)
            .env("REDGREEN_STATE_DIR", &self.state)
            .env("TERM", "xterm")
            .env("SHELL", "/bin/sh")
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        Out {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
    /// A plan with one task whose criteria are these.
    pub fn plan(&self, task: &str, criteria: &[&str], more: &str) -> &Self {
        let list: Vec<String> = criteria.iter().map(|text| format!("{text:?}")).collect();
        let text = format!(
            "{{\n  \"name\": \"shop\",\n  \"description\": \"d\",\n  \"status\": \"APPROVED\",\n  \"tasks\": [\n    {{\"id\": \"{task}\", \"name\": \"n\", \"description\": \"d\", \"criteria\": [{}], \"passes\": false{more}}}\n  ]\n}}\n",
            list.join(", ")
        );
        self.write("docs/plans/shop.json", &text)
    }
}

/// The new Python test most scenes begin with: `total` does not exist yet.
pub const TOTAL_TEST: &str = "from shop import total\n\n\ndef test_total():\n    assert total([1, 2]) == 6\n\n\ndef test_nothing():\n    assert total([]) == 0\n";

/// An implementation of it, to be appended to `src/shop/__init__.py`.
pub const TOTAL: &str = "\n\ndef total(list):\n    return sum(price(n) for n in list)\n";

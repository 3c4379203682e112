//! Generated repositories.

use crate::{Asked, Failed};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A repository with private state of its own.
pub struct Project {
    /// The checkout.
    pub root: PathBuf,
    /// Private state.
    pub state: PathBuf,
    /// Folder of the compiled files that projects share.
    pub shared: PathBuf,
}

/// Runs a command that must succeed.
pub fn must(command: &mut Command) -> Result<String, Failed> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

impl Project {
    /// An empty repository below the working folder.
    pub fn empty(asked: &Asked, name: &str) -> Result<Self, Failed> {
        let base = asked.work.join(name);
        if base.exists() {
            std::fs::remove_dir_all(&base)?;
        }
        let project = Self {
            root: base.join("work"),
            state: base.join("state"),
            shared: asked.work.join("shared"),
        };
        for folder in [&project.root, &project.state] {
            std::fs::create_dir_all(folder)?;
        }
        project.git(&["init", "-q", "-b", "main"])?;
        project.git(&["config", "user.name", "Bench"])?;
        project.git(&["config", "user.email", "bench@example.invalid"])?;
        Ok(project)
    }

    /// Runs git.
    pub fn git(&self, arguments: &[&str]) -> Result<String, Failed> {
        must(
            Command::new("git")
                .args(arguments)
                .current_dir(&self.root)
                .env("GIT_CONFIG_GLOBAL", "/dev/null"),
        )
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: &str) -> Result<(), Failed> {
        let path = self.root.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, text)?;
        Ok(())
    }

    /// Commits everything.
    pub fn commit(&self) -> Result<(), Failed> {
        self.git(&["add", "-A"])?;
        self.git(&["commit", "-q", "-m", "work"])?;
        Ok(())
    }

    /// A plan with tasks `T1` to `TN`, each independent.
    pub fn plan(&self, tasks: usize) -> Result<(), Failed> {
        let tasks: Vec<String> = (1..=tasks)
            .map(|number| {
                format!(
                    "{{\"id\": \"T{number}\", \"name\": \"n{number}\", \"description\": \"d\", \"criteria\": [\"f{number} adds\"], \"passes\": false}}"
                )
            })
            .collect();
        self.write(
            "docs/plans/bench.json",
            &format!(
                "{{\n  \"name\": \"bench\",\n  \"description\": \"d\",\n  \"status\": \"APPROVED\",\n  \"tasks\": [\n    {}\n  ]\n}}\n",
                tasks.join(",\n    ")
            ),
        )
    }

    /// A Python project with this many passing tests, a hundred to a file.
    pub fn python(asked: &Asked, name: &str, tests: usize) -> Result<Self, Failed> {
        let project = Self::empty(asked, name)?;
        project.write(".gitignore", ".venv\n__pycache__/\n")?;
        project.write(
            "pyproject.toml",
            "[project]\nname = \"shop\"\nversion = \"0.1.0\"\n\n[tool.pytest.ini_options]\npythonpath = [\"src\"]\n",
        )?;
        project.write("src/shop/__init__.py", "def price(n):\n    return n * 2\n")?;
        for file in 0..tests.div_ceil(100) {
            let mut text = String::from("from shop import price\n");
            for number in file * 100..tests.min(file * 100 + 100) {
                write!(
                    text,
                    "\n\ndef test_{number}():\n    assert price({number}) == {}\n",
                    number * 2
                )?;
            }
            project.write(&format!("tests/test_{file}.py"), &text)?;
        }
        std::os::unix::fs::symlink(virtual_environment(asked)?, project.root.join(".venv"))?;
        Ok(project)
    }
}

/// A virtual environment with pytest, made once for all projects.
pub fn virtual_environment(asked: &Asked) -> Result<PathBuf, Failed> {
    let folder = asked.work.join("venv");
    if !folder.join("bin/pytest").is_file() {
        must(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        must(Command::new(folder.join("bin/python")).args([
            "-m",
            "pip",
            "-q",
            "--disable-pip-version-check",
            "install",
            "pytest",
        ]))?;
    }
    Ok(folder)
}

/// A path as text.
pub fn text(path: &Path) -> String {
    path.display().to_string()
}

//! The work tree of one project: a clone that is put to any state of a commit, in part or whole.

use super::table::{Language, Row};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A clone of a project, and what a commit changed in it.
#[derive(Debug)]
pub struct Checkout {
    /// The work tree.
    pub tree: PathBuf,
    commit: String,
    /// Files an author writes; in Rust also source files that hold test items.
    pub tests: Vec<String>,
    /// Files an implementer writes.
    pub source: Vec<String>,
    /// Manifests and the like: part of the plan, committed before anything starts.
    pub manifests: Vec<String>,
    language: Language,
}

/// Runs a program, and returns what it printed.
///
/// # Errors
/// The last lines of what it said.
pub fn output(command: &mut Command) -> Result<String, String> {
    let done = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    let lines: Vec<&str> = said.lines().collect();
    let tail = lines[lines.len().saturating_sub(12)..].join("\n");
    Err(format!("{command:?} ended with {}:\n{tail}", done.status))
}

impl Checkout {
    /// Clones a project (once) and finds out what the commit changed.
    ///
    /// # Errors
    /// No clone, no such commit, or git refuses.
    pub fn open(clones: &Path, work: &Path, row: &Row) -> Result<Self, String> {
        let names = [row.name.replace('/', "+"), row.short_name().to_owned()];
        let source = names
            .iter()
            .flat_map(|name| [clones.join(name).join("repo"), clones.join(name)])
            .find(|folder| folder.join(".git").exists() || folder.join("HEAD").is_file())
            .ok_or_else(|| format!("there is no `{}` in `{}`", names[0], clones.display()))?;
        let tree = work.join(&names[0]).join("tree");
        if !tree.exists() {
            output(
                Command::new("git")
                    .args(["clone", "--quiet", "--no-checkout"])
                    .arg(&source)
                    .arg(&tree),
            )?;
        }
        let mut checkout = Self {
            tree,
            commit: row.commit.clone(),
            tests: Vec::new(),
            source: Vec::new(),
            manifests: Vec::new(),
            language: row.language,
        };
        checkout.git(&["config", "user.name", "A Developer"])?;
        checkout.git(&["config", "user.email", "developer@example.invalid"])?;
        // What a developer's own tools leave behind must survive `git clean`.
        let exclude = checkout.tree.join(".git/info/exclude");
        std::fs::write(&exclude, ".venv/\ntarget/\nCargo.lock\n")
            .map_err(|error| format!("{}: {error}", exclude.display()))?;
        let base = format!("{}^", row.commit);
        let changed = checkout.git(&["diff", "--name-only", "--no-renames", &base, &row.commit])?;
        for path in changed.lines() {
            checkout.sort(path);
        }
        Ok(checkout)
    }

    fn sort(&mut self, path: &str) {
        let code = match self.language {
            Language::Python => path.ends_with(".py") || path.ends_with(".pyi"),
            Language::Rust => path.ends_with(".rs"),
            Language::Go => path.ends_with(".go"),
        };
        let inert = path.ends_with(".md")
            || path.ends_with(".rst")
            || ["docs/", "doc/", "changelog.d/"]
                .iter()
                .any(|folder| path.starts_with(folder));
        if is_test(path) {
            self.tests.push(path.to_owned());
        } else if code {
            self.source.push(path.to_owned());
            let text = self.text(path).unwrap_or_default();
            if self.language == Language::Rust && (text.contains("#[test]") || text.contains("```"))
            {
                self.tests.push(path.to_owned());
            }
        } else if !inert {
            self.manifests.push(path.to_owned());
        }
    }

    /// Runs git in the work tree.
    ///
    /// # Errors
    /// What git said.
    pub fn git(&self, arguments: &[&str]) -> Result<String, String> {
        output(
            Command::new("git")
                .arg("-C")
                .arg(&self.tree)
                .args(arguments),
        )
    }

    /// A file of the commit; `None` where the commit does not have it.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<String> {
        self.git(&["show", &format!("{}:{path}", self.commit)]).ok()
    }

    /// Puts the work tree to a commit, without anything that git does not ignore.
    ///
    /// # Errors
    /// What git said.
    pub fn reset(&self, commit: &str) -> Result<(), String> {
        self.git(&["checkout", "--quiet", "--force", "-B", "work", commit])?;
        self.git(&["clean", "-fdq"]).map(|_| ())
    }

    /// The base with the manifests of the commit.
    ///
    /// # Errors
    /// What git said.
    pub fn begin(&self) -> Result<(), String> {
        self.reset(&format!("{}^", self.commit))?;
        if !self.manifests.is_empty() {
            self.take(&self.manifests)?;
            self.git(&["add", "--all"])?;
            self.git(&[
                "commit",
                "--quiet",
                "--allow-empty",
                "--no-verify",
                "-m",
                "plan",
            ])?;
        }
        Ok(())
    }

    /// Puts these files to what they are in the commit.
    ///
    /// # Errors
    /// What git or the system said.
    pub fn take(&self, paths: &[String]) -> Result<(), String> {
        for path in paths {
            let full = self.tree.join(path);
            let spec = format!("{}:{path}", self.commit);
            let done = Command::new("git")
                .arg("-C")
                .arg(&self.tree)
                .args(["show", &spec])
                .output()
                .map_err(|error| error.to_string())?;
            let result = if done.status.success() {
                full.parent()
                    .map_or(Ok(()), std::fs::create_dir_all)
                    .and_then(|()| std::fs::write(&full, &done.stdout))
            } else if full.exists() {
                std::fs::remove_file(&full)
            } else {
                Ok(())
            };
            result.map_err(|error| format!("{}: {error}", full.display()))?;
        }
        Ok(())
    }

    /// Lines that the commit added to a file.
    ///
    /// # Errors
    /// What git said.
    pub fn added(&self, path: &str) -> Result<Vec<String>, String> {
        let base = format!("{}^", self.commit);
        let diff = self.git(&[
            "diff",
            "-U0",
            "--no-renames",
            &base,
            &self.commit,
            "--",
            path,
        ])?;
        Ok(diff
            .lines()
            .filter(|line| !line.starts_with("+++"))
            .filter_map(|line| line.strip_prefix('+'))
            .map(str::to_owned)
            .collect())
    }

    /// Replaces the added lines that `change` has an answer for: the first one, or all. False where there is none.
    ///
    /// # Errors
    /// What git or the system said.
    pub fn edit(
        &self,
        paths: &[String],
        all: bool,
        change: &dyn Fn(&str) -> Option<String>,
    ) -> Result<bool, String> {
        let mut any = false;
        for path in paths {
            let full = self.tree.join(path);
            let Ok(text) = std::fs::read_to_string(&full) else {
                continue;
            };
            let added: BTreeSet<String> = self.added(path)?.into_iter().collect();
            let mut done = false;
            let lines: Vec<String> = text
                .lines()
                .map(|line| {
                    if (done && !all) || !added.contains(line) {
                        return line.to_owned();
                    }
                    match change(line) {
                        Some(new) => {
                            done = true;
                            new
                        }
                        None => line.to_owned(),
                    }
                })
                .collect();
            if done {
                std::fs::write(&full, lines.join("\n") + "\n")
                    .map_err(|error| format!("{}: {error}", full.display()))?;
                any = true;
                if !all {
                    break;
                }
            }
        }
        Ok(any)
    }

    /// Takes the largest change of the source back that holds no test: half an implementation. False where there is none.
    ///
    /// # Errors
    /// What git said.
    pub fn take_back_a_part(&self) -> Result<bool, String> {
        let base = format!("{}^", self.commit);
        let mut largest: Option<(usize, String)> = None;
        for path in &self.source {
            let diff = self.git(&[
                "diff",
                "-U0",
                "--no-renames",
                &base,
                &self.commit,
                "--",
                path,
            ])?;
            let mut parts = diff.split("\n@@ ");
            let header = parts.next().unwrap_or_default().to_owned();
            for hunk in parts {
                let holds_tests = ["#[test]", "```", "assert"]
                    .iter()
                    .any(|word| hunk.contains(word));
                let comment = |line: &&str| {
                    let line = line[1..].trim_start();
                    line.is_empty() || line.starts_with("//") || line.starts_with('#')
                };
                let size = hunk
                    .lines()
                    .filter(|line| line.starts_with('+') && !comment(line))
                    .count();
                if !holds_tests && size > largest.as_ref().map_or(0, |(size, _)| *size) {
                    largest = Some((
                        size,
                        format!("{header}\n@@ {}\n", hunk.trim_end_matches('\n')),
                    ));
                }
            }
        }
        let Some((_, patch)) = largest else {
            return Ok(false);
        };
        let mut child = Command::new("git")
            .arg("-C")
            .arg(&self.tree)
            .args(["apply", "--reverse", "--unidiff-zero", "-"])
            .stdin(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin
                .write_all(patch.as_bytes())
                .map_err(|error| error.to_string())?;
        }
        let status = child.wait().map_err(|error| error.to_string())?;
        Ok(status.success())
    }
}

fn is_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    path.split('/')
        .rev()
        .skip(1)
        .any(|folder| matches!(folder, "tests" | "test"))
        || (name.ends_with(".py")
            && (name.starts_with("test_") || name.ends_with("_test.py") || name == "conftest.py"))
        || matches!(name, "tests.rs" | "test.rs")
        || name.ends_with("_test.go")
        || path.contains("testdata/")
}

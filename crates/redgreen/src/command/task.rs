//! Which task a command is about: its plan, criteria, and what was said of its tests before.

use crate::cli::TestClaims;
use crate::error::Failure;
use crate::referee::context::Context;
use crate::referee::red::{Claims, parse_covers};
use redgreen_core::id::{CriterionId, RelPath, TaskId};
use redgreen_core::plan::Task;
use redgreen_formats::plan_file::{self, PlanFile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The folder plans lie in by default (SPEC A1).
pub const PLANS: &str = "docs/plans";

/// A plan file that was read.
#[derive(Debug, Clone)]
pub struct LoadedPlan {
    /// Its path in the repository; `None` when it lies outside.
    pub relative: Option<RelPath>,
    /// Where it lies.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it says.
    pub file: PlanFile,
}

impl LoadedPlan {
    /// The name of the plan as it is usable in references and file names.
    #[must_use]
    pub fn slug(&self) -> String {
        slug(&self.file.plan.name)
    }
}

/// Lower-case words joined by `-`, at most 48 bytes.
#[must_use]
pub fn slug(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            text.push(c.to_ascii_lowercase());
        } else if !text.ends_with('-') && !text.is_empty() {
            text.push('-');
        }
        if text.len() >= 48 {
            break;
        }
    }
    let text = text.trim_end_matches('-');
    if text.is_empty() {
        "plan".to_owned()
    } else {
        text.to_owned()
    }
}

/// Everything a gate by hand needs to know of a task.
#[derive(Debug)]
pub struct TaskContext {
    /// The task.
    pub task: TaskId,
    /// Its plan, where one was found.
    pub plan: Option<LoadedPlan>,
    /// What the plan says of it.
    pub definition: Option<Task>,
    /// The name its lock is stored under.
    pub key: String,
    /// Plan files: no content.
    pub plan_files: Vec<RelPath>,
}

impl TaskContext {
    /// Finds a task: in the named plan, else in the plans of the default folder, else as a task without a plan.
    ///
    /// # Errors
    /// A usage failure for an invalid id, an invalid plan, or a task that the named plan does not have.
    pub fn find(context: &Context, task: &str, plan: Option<&Path>) -> Result<Self, Failure> {
        let task = TaskId::new(task)
            .map_err(|error| Failure::usage(error.to_string(), "name a task such as T43"))?;
        let plan_files = plan_files(context)?;
        let loaded = match plan {
            Some(path) => Some(load_plan(context, path)?),
            None => {
                let mut found = None;
                for relative in &plan_files {
                    let path = context.repository.top_level().join(relative.as_str());
                    let loaded = load_plan(context, &path)?;
                    if loaded
                        .file
                        .plan
                        .tasks
                        .iter()
                        .any(|candidate| candidate.id == task)
                    {
                        if found.is_some() {
                            return Err(Failure::usage(
                                format!("more than one plan has a task `{task}`"),
                                "name one with --plan",
                            ));
                        }
                        found = Some(loaded);
                    }
                }
                found
            }
        };
        let definition = loaded.as_ref().and_then(|loaded| {
            loaded
                .file
                .plan
                .tasks
                .iter()
                .find(|known| known.id == task)
                .cloned()
        });
        if let (Some(loaded), None) = (&loaded, &definition) {
            return Err(Failure::usage(
                format!("the plan has no task `{task}`"),
                format!(
                    "it has {}",
                    loaded
                        .file
                        .plan
                        .tasks
                        .iter()
                        .map(|known| known.id.to_string())
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            )
            .at(loaded.path.display().to_string()));
        }
        let key = loaded
            .as_ref()
            .map_or_else(|| "by-hand".to_owned(), LoadedPlan::slug);
        Ok(Self {
            task,
            plan: loaded,
            definition,
            key,
            plan_files,
        })
    }

    /// The criteria that need a red test each.
    #[must_use]
    pub fn criteria(&self) -> Vec<CriterionId> {
        self.definition
            .iter()
            .flat_map(|task| &task.criteria)
            .map(|criterion| criterion.id.clone())
            .collect()
    }

    /// The task's `scope`.
    #[must_use]
    pub fn scope(&self) -> Vec<String> {
        self.definition
            .as_ref()
            .map(|task| task.scope.clone())
            .unwrap_or_default()
    }

    /// Old tests the task may replace.
    #[must_use]
    pub fn supersedes(&self) -> BTreeSet<String> {
        self.definition
            .iter()
            .flat_map(|task| task.supersedes.iter().cloned())
            .collect()
    }

    /// What was said of the tests: now, in the plan, and (where nothing is said now) at the last `red`.
    ///
    /// # Errors
    /// A usage failure for a flag that cannot be read.
    pub fn claims(&self, context: &Context, now: &TestClaims) -> Result<Claims, Failure> {
        let nothing_now = now.covers.is_empty()
            && now.guards.is_empty()
            && !now.guard_passing
            && now.accept.is_empty()
            && now.supersedes.is_empty();
        let said = if nothing_now {
            self.remembered(context).unwrap_or_else(|| Said::from(now))
        } else {
            let said = Said::from(now);
            // What cannot be read is not remembered.
            said.claims()?;
            self.remember(context, &said)?;
            said
        };
        let mut claims = said.claims()?;
        claims.supersedes.extend(self.supersedes());
        claims.new_symbols = self
            .definition
            .as_ref()
            .and_then(|task| task.new_symbols.clone())
            .map(|list| list.into_iter().collect());
        Ok(claims)
    }

    fn memory(&self, context: &Context) -> PathBuf {
        context
            .state
            .manifests()
            .join(&self.key)
            .join(format!("{}.claims", self.task))
    }
    fn remembered(&self, context: &Context) -> Option<Said> {
        serde_json::from_slice(&std::fs::read(self.memory(context)).ok()?).ok()
    }
    fn remember(&self, context: &Context, said: &Said) -> Result<(), Failure> {
        let bytes = serde_json::to_vec(said).map_err(Failure::internal)?;
        redgreen_host::state::write_atomically(&self.memory(context), &bytes)
            .map_err(Failure::internal)
    }
}

/// The flags of [`TestClaims`], remembered between `red` and `lock`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Said {
    covers: Vec<String>,
    guards: Vec<String>,
    guard_passing: bool,
    accept: Vec<String>,
    supersedes: Vec<String>,
}

impl Said {
    fn from(now: &TestClaims) -> Self {
        Self {
            covers: now.covers.clone(),
            guards: now.guards.clone(),
            guard_passing: now.guard_passing,
            accept: now.accept.clone(),
            supersedes: now.supersedes.clone(),
        }
    }
    fn claims(&self) -> Result<Claims, Failure> {
        Ok(Claims {
            covers: parse_covers(&self.covers)?,
            guards: self.guards.iter().cloned().collect(),
            guard_passing: self.guard_passing,
            accepted: self.accept.iter().cloned().collect(),
            supersedes: self.supersedes.iter().cloned().collect(),
            new_symbols: None,
        })
    }
}

/// Claims without a task.
///
/// # Errors
/// A usage failure for a flag that cannot be read.
pub fn unnamed_claims(now: &TestClaims) -> Result<Claims, Failure> {
    Said::from(now).claims()
}

/// The plan files of the default folder.
///
/// # Errors
/// A failure when the folder cannot be read.
pub fn plan_files(context: &Context) -> Result<Vec<RelPath>, Failure> {
    let folder = context.repository.top_level().join(PLANS);
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return Ok(found);
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".json")
            && let Ok(path) = RelPath::new(format!("{PLANS}/{name}"))
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// A path as a person would type it: relative to the top level where it lies below.
fn shown(context: &Context, path: &Path) -> String {
    path.strip_prefix(context.repository.top_level())
        .unwrap_or(path)
        .display()
        .to_string()
}

/// More problems of a plan than this are only counted.
const PROBLEMS_SHOWN: usize = 5;

/// The first problem with its place and next step; the others after it, each with its own place.
fn invalid_plan(path: &str, problems: &[plan_file::PlanFileProblem]) -> Failure {
    let Some((first, others)) = problems.split_first() else {
        return Failure::usage("the plan is not valid", "correct it").at(path);
    };
    let mut what = format!("the plan is not valid: {}", first.message);
    for problem in others.iter().take(PROBLEMS_SHOWN) {
        what.push_str(&format!(
            "; {}:{}: {}",
            problem.line, problem.column, problem.message
        ));
    }
    if others.len() > PROBLEMS_SHOWN {
        what.push_str(&format!("; and {} more", others.len() - PROBLEMS_SHOWN));
    }
    Failure::usage(what, first.help.clone()).at(format!("{path}:{}:{}", first.line, first.column))
}

/// Reads and checks a plan file.
///
/// # Errors
/// A usage failure that names every problem with its place.
pub fn load_plan(context: &Context, path: &Path) -> Result<LoadedPlan, Failure> {
    let bytes = redgreen_host::state::read_file(path).map_err(|error| {
        Failure::usage(
            format!("the plan cannot be read: {error}"),
            format!("name a plan file; plans lie in `{PLANS}`"),
        )
        .at(shown(context, path))
    })?;
    let file = plan_file::parse(&bytes)
        .map_err(|error| invalid_plan(&shown(context, path), &error.problems))?;
    let absolute = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let relative = absolute
        .strip_prefix(context.repository.top_level())
        .ok()
        .and_then(|relative| relative.to_str())
        .and_then(|relative| RelPath::new(relative).ok());
    Ok(LoadedPlan {
        relative,
        path: absolute,
        bytes,
        file,
    })
}

/// The plan a command without a name means: the only one there is.
///
/// # Errors
/// A usage failure where there is none, or more than one.
pub fn the_plan(context: &Context, named: Option<&Path>) -> Result<LoadedPlan, Failure> {
    if let Some(path) = named {
        return load_plan(context, path);
    }
    let files = plan_files(context)?;
    match files.as_slice() {
        [] => Err(Failure::usage(
            format!("there is no plan in `{PLANS}`"),
            "name a plan file",
        )),
        [only] => load_plan(context, &context.repository.top_level().join(only.as_str())),
        several => Err(Failure::usage(
            format!("there are {} plans in `{PLANS}`", several.len()),
            format!(
                "name one: {}",
                several
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        )),
    }
}

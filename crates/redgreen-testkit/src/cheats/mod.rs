//! The cheat corpus: each case is really played, judged as a usual CI step would and by redgreen (SPEC C10).
//!
//! The baseline is what people set up by hand: the SHA-256 of the test files is what it was when they were written, `git
//! diff` shows no change of the tests folder, and the test command ends with 0.

pub mod case;
pub mod project;
pub mod report;

use case::{Case, Gate};
use project::Project;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Where everything is.
#[derive(Debug, Clone)]
pub struct Places {
    /// `corpus/cheats`.
    pub corpus: PathBuf,
    /// The folder to work in.
    pub work: PathBuf,
    /// The redgreen that judges.
    pub redgreen: PathBuf,
    /// A virtual environment with pytest, which no case changes.
    pub environment: PathBuf,
    /// Whether what passes is judged again with strict controls.
    pub strict: bool,
}

/// What the baseline says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// Whether it lets the case through.
    pub accepts: bool,
    /// Why, in a few words.
    pub why: String,
}

/// What redgreen says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The verdict; `exit N` where no gate gave one.
    pub verdict: String,
    /// The reason codes, each once.
    pub reasons: Vec<String>,
    /// The first message.
    pub message: String,
}

/// The result of one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Played {
    /// `CLASS/NAME`.
    pub id: String,
    /// What the case says of itself.
    pub title: String,
    /// A digest of the case and its project: a changed case needs a new result.
    pub digest: String,
    /// Exit code and hashes.
    pub baseline: Baseline,
    /// redgreen, with its default controls.
    pub redgreen: Judged,
    /// redgreen with `level = "strict"`, where the default let it through; absent for a run over a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<Judged>,
    /// Why it gets through, for a known miss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub miss: Option<String>,
    /// What is not as the case says; absent when all is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong: Option<String>,
}

impl Played {
    /// The class, from the id.
    #[must_use]
    pub fn class(&self) -> &str {
        self.id.split('/').next().unwrap_or(&self.id)
    }
    /// Whether it is an honest control.
    #[must_use]
    pub fn is_honest(&self) -> bool {
        self.class() == case::HONEST
    }
    /// Whether redgreen let it through.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.redgreen.verdict == "pass"
    }
    /// What strict controls say: what the default refuses, they refuse.
    #[must_use]
    pub fn at_strict(&self) -> &Judged {
        self.strict.as_ref().unwrap_or(&self.redgreen)
    }
}

/// A digest of everything that a result depends on: the case and the files of its project.
///
/// # Errors
/// A file that cannot be read.
pub fn digest(corpus: &Path, case: &Case) -> Result<String, String> {
    fn add(folder: &Path, text: &mut Vec<u8>) -> Result<(), String> {
        for path in case::entries(folder)? {
            if path.is_dir() {
                add(&path, text)?;
            } else {
                text.extend(path.file_name().unwrap_or_default().as_encoded_bytes());
                text.extend(std::fs::read(&path).map_err(|error| error.to_string())?);
            }
        }
        Ok(())
    }
    let mut text = case.text.clone().into_bytes();
    add(&corpus.join("projects").join(&case.project), &mut text)?;
    // FNV-1a: it only has to notice an edit.
    let hash = text.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Ok(format!("{hash:016x}"))
}

/// Plays the cases on some threads and hands each result over as soon as it is there; results in the order of the cases.
///
#[must_use]
pub fn play(
    places: &Places,
    cases: &[Case],
    jobs: usize,
    report: &(dyn Fn(&Played) + Sync),
) -> Vec<Played> {
    let next = AtomicUsize::new(0);
    let results: Mutex<BTreeMap<usize, Played>> = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, cases.len().max(1)) {
            scope.spawn(|| {
                let mut worker = Worker::default();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(index) else { break };
                    let played = worker
                        .play(places, case)
                        .unwrap_or_else(|why| not_played(case, &why));
                    report(&played);
                    results
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .insert(index, played);
                }
            });
        }
    });
    results
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .into_values()
        .collect()
}

/// A case that could not be set up: neither judge has said anything.
fn not_played(case: &Case, why: &str) -> Played {
    let judged = Judged {
        verdict: "not played".to_owned(),
        reasons: Vec::new(),
        message: why.to_owned(),
    };
    Played {
        id: case.id.clone(),
        title: case.title.clone(),
        digest: String::new(),
        baseline: Baseline {
            accepts: false,
            why: "not played".to_owned(),
        },
        redgreen: judged,
        strict: None,
        miss: case.miss.clone(),
        wrong: Some("could not be set up".to_owned()),
    }
}

/// One thread, with a locked project of each kind that its cases share.
#[derive(Default)]
struct Worker {
    shared: BTreeMap<String, Project>,
}

impl Worker {
    fn play(&mut self, places: &Places, case: &Case) -> Result<Played, String> {
        let own;
        let (baseline, redgreen) = if case.gate == Gate::Run {
            run(places, case)?
        } else if case.is_alone() {
            let mut project = Project::new(places, &case.project, Some(case))?;
            let locked = project.lock(places, &case.project, Some(case))?;
            if case.gate == Gate::Lock {
                let code = project.users_tests(case)?.status.code().unwrap_or(-1);
                let baseline = Baseline {
                    accepts: code != 0,
                    why: format!("the new tests end with exit {code}"),
                };
                (baseline, judged(&locked))
            } else {
                must_lock(&locked)?;
                own = project;
                judge(&own, case)?
            }
        } else {
            if !self.shared.contains_key(&case.project) {
                let mut project = Project::new(places, &case.project, None)?;
                must_lock(&project.lock(places, &case.project, None)?)?;
                self.shared.insert(case.project.clone(), project);
            }
            let project = &self.shared[&case.project];
            project.reset()?;
            judge(project, case)?
        };
        let strict = if redgreen.verdict == "pass" && case.gate != Gate::Run && places.strict {
            Some(without_paths(strict(places, case)?, &places.work))
        } else {
            None
        };
        Ok(Played {
            id: case.id.clone(),
            title: case.title.clone(),
            digest: digest(&places.corpus, case)?,
            wrong: wrong(case, &redgreen),
            baseline,
            redgreen: without_paths(redgreen, &places.work),
            strict,
            miss: case.miss.clone(),
        })
    }
}

fn must_lock(output: &Output) -> Result<(), String> {
    let judged = judged(output);
    if judged.verdict == "pass" {
        Ok(())
    } else {
        Err(format!("its tests could not be locked: {judged:?}"))
    }
}

/// Plays the implementer, then asks redgreen, then the baseline: a cheat that acts while tests run may undo its traces, and
/// the baseline is what may be fooled by them.
fn judge(project: &Project, case: &Case) -> Result<(Baseline, Judged), String> {
    project.play(case)?;
    let mut redgreen = judged(&project.redgreen(&["green", "T1"])?);
    if case.gate == Gate::Full && redgreen.verdict == "pass" {
        redgreen = judged(&project.redgreen(&["full", "T1"])?);
    }
    Ok((baseline(project, case)?, redgreen))
}

/// The same case in a project whose controls are strict.
fn strict(places: &Places, case: &Case) -> Result<Judged, String> {
    let mut case = case.clone();
    let config = "version = 1\n\n[controls]\nlevel = \"strict\"\n".to_owned();
    case.start
        .entry("redgreen.toml".to_owned())
        .or_insert(config);
    let mut project = Project::new(places, &case.project, Some(&case))?;
    let locked = project.lock(places, &case.project, Some(&case))?;
    if case.gate == Gate::Lock {
        return Ok(judged(&locked));
    }
    must_lock(&locked)?;
    project.play(&case)?;
    let verdict = judged(&project.redgreen(&["green", "T1"])?);
    if case.gate == Gate::Full && verdict.verdict == "pass" {
        return Ok(judged(&project.redgreen(&["full", "T1"])?));
    }
    Ok(verdict)
}

/// The usual three questions of a CI step.
fn baseline(project: &Project, case: &Case) -> Result<Baseline, String> {
    let code = project.users_tests(case)?.status.code().unwrap_or(-1);
    let no = |why: String| Baseline {
        accepts: false,
        why,
    };
    let same = project.tests.iter().all(|(name, bytes)| {
        std::fs::read(project.root().join(name)).is_ok_and(|now| now == *bytes)
    });
    let changed = project
        .git(&["diff", "--name-only", &project.locked, "--", "tests"])
        .map_or(true, |names| !names.is_empty());
    Ok(if code != 0 {
        no(format!("exit {code}"))
    } else if !same {
        no("exit 0, a test file has another hash".to_owned())
    } else if changed {
        no("exit 0, git diff names a test file".to_owned())
    } else {
        Baseline {
            accepts: true,
            why: "exit 0, same hashes".to_owned(),
        }
    })
}

/// A whole run with the case's agents; the baseline judges the same scripts, one after the other in one checkout.
fn run(places: &Places, case: &Case) -> Result<(Baseline, Judged), String> {
    let (author, implementer) = (
        case.author.clone().unwrap_or_default(),
        case.implementer.clone().unwrap_or_default(),
    );
    let script = format!(
        "case \"$REDGREEN_ROLE\" in\nauthor)\n{author}\n;;\nimplementer)\n{implementer}\n;;\nesac\n"
    );
    let project = Project::new(places, &case.project, Some(case))?;
    let agent = project.around().join("agent.sh");
    std::fs::write(&agent, script).map_err(|error| error.to_string())?;
    let config = format!(
        "version = 1\n\n[agent]\ncommand = [\"sh\", {:?}]\n\n[limits]\nauthor_retries = 0\nimplementer_retries = 0\n",
        agent.display().to_string()
    );
    project.write_bytes("redgreen.toml", config.as_bytes())?;
    project.git(&["add", "-A"])?;
    project.git(&["commit", "-q", "-m", "redgreen"])?;
    let ran = project.redgreen(&["run", "--yes"])?;
    let report = project.redgreen(&["report", "--kind", "json"])?;
    let redgreen = last_gate(&report, &ran);

    let mut usual = Project::new(places, &case.project, Some(case))?;
    let side = [("REDGREEN_TASK", "T1"), ("REDGREEN_ATTEMPT", "1")];
    usual.shell_with(&author, &side)?;
    usual.git(&["add", "-A"])?;
    usual.git(&["commit", "-q", "--allow-empty", "-m", "test-lock: T1"])?;
    usual.remember()?;
    usual.shell_with(&implementer, &side)?;
    Ok((baseline(&usual, case)?, redgreen))
}

/// The verdict and reasons in a gate document, or in the `red` part of a lock's.
fn judged(output: &Output) -> Judged {
    let document: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    let document = document.get("red").unwrap_or(&document);
    from_document(document, output)
}

fn from_document(document: &Value, output: &Output) -> Judged {
    let reasons = document.get("reasons").and_then(Value::as_array);
    let of = |key: &str| -> Vec<String> {
        let all = reasons.into_iter().flatten();
        all.filter_map(|reason| reason.get(key)?.as_str().map(str::to_owned))
            .collect()
    };
    let mut codes: BTreeSet<String> = of("code").into_iter().collect();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // A command that ends before a gate names its code in the error.
    if reasons.is_none()
        && let Some((code, _)) = said
            .split_once("error[")
            .and_then(|(_, rest)| rest.split_once(']'))
    {
        codes.insert(code.to_owned());
    }
    let verdict = document.get("verdict").and_then(Value::as_str).map_or_else(
        || format!("exit {}", output.status.code().unwrap_or(-1)),
        str::to_owned,
    );
    Judged {
        message: of("message").into_iter().next().unwrap_or_else(|| {
            if verdict == "pass" {
                String::new()
            } else {
                said.chars().take(300).collect()
            }
        }),
        verdict,
        reasons: codes.into_iter().collect(),
    }
}

/// The gate that ended a run, from its report.
fn last_gate(report: &Output, ran: &Output) -> Judged {
    let document: Value = serde_json::from_slice(&report.stdout).unwrap_or(Value::Null);
    let gates = document
        .get("tasks")
        .and_then(Value::as_array)
        .and_then(|tasks| tasks.first()?.get("gates")?.as_array());
    match gates.and_then(|gates| gates.last()?.get("result")) {
        Some(gate) => from_document(gate, ran),
        None => from_document(&Value::Null, ran),
    }
}

/// The committed result names no folder of a machine.
fn without_paths(mut judged: Judged, work: &Path) -> Judged {
    let start = format!("{}/", work.display());
    while let Some((before, after)) = judged.message.split_once(&start) {
        let rest = after.split_once('/').map_or("", |(_, rest)| rest);
        let rest = rest.strip_prefix("work/").unwrap_or(rest);
        judged.message = format!("{before}{{checkout}}/{rest}");
    }
    judged
}

/// What is not as the case says.
fn wrong(case: &Case, judged: &Judged) -> Option<String> {
    if !case.expect.contains(&judged.verdict) {
        return Some(format!(
            "must be {}, is {}",
            case.expect.join(" or "),
            judged.verdict
        ));
    }
    // Where no gate gave a verdict there may be no code; then the message has to say it.
    let given = |code: &str| {
        judged.reasons.iter().any(|reason| reason == code)
            || (judged.verdict.starts_with("exit ") && judged.message.contains(code))
    };
    let missing = case
        .reasons
        .iter()
        .find(|wanted| !wanted.split('|').any(given))?;
    Some(format!("must say {missing}"))
}

fn must(command: &mut Command) -> Result<String, String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(format!(
            "{command:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ))
    }
}

/// A virtual environment with pytest, made once in a folder: what `requirements.txt` of the adapter's tests names.
///
/// # Errors
/// What could not be made.
pub fn environment(folder: &Path, requirements: &Path) -> Result<PathBuf, String> {
    let (venv, ready) = (folder.join("v"), folder.join("ready"));
    if !ready.is_file() {
        std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        must(
            Command::new("python3")
                .args(["-m", "venv", "--without-pip"])
                .arg(&venv),
        )?;
        must(
            Command::new("python3")
                .args(["-m", "pip", "-q", "--disable-pip-version-check", "--python"])
                .arg(venv.join("bin/python"))
                .args(["install", "-r"])
                .arg(requirements),
        )?;
        std::fs::write(&ready, "").map_err(|error| error.to_string())?;
    }
    Ok(venv)
}

/// The committed results; none where the file does not exist yet.
///
/// # Errors
/// A file that is not what [`play`] gives.
pub fn committed(corpus: &Path) -> Result<Vec<Played>, String> {
    match std::fs::read(corpus.join("results.json")) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| error.to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.to_string()),
    }
}

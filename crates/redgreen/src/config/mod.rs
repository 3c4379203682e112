//! The effective configuration: the file, laid over what was detected.

pub mod controls;
pub mod detect;
pub mod file;
pub mod ladder;
pub mod origin;
pub mod services;
pub mod validation;

use crate::error::Failure;
use detect::Detected;
use redgreen_core::id::{Digest, RelPath, RunnerName};
use redgreen_host::path_rules::PathRules;
use redgreen_host::runner::{RunnerKind, RunnerSettings};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Where the file may lie.
pub const PLACES: [&str; 2] = ["redgreen.toml", ".config/redgreen.toml"];

/// Limit for one command of a runner when none is configured.
const RUNNER_TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// Bytes that caches may take when nothing is configured.
const CACHE: u64 = 10_000_000_000;

/// Everything a gate needs to know, with every default filled in.
#[derive(Debug, Clone)]
pub struct Config {
    /// Globs of tests.
    pub tests: Vec<String>,
    /// Globs of source.
    pub source: Vec<String>,
    /// Inert globs.
    pub inert: Vec<String>,
    /// Runners.
    pub runners: Vec<RunnerSettings>,
    /// What git ignores and tests need.
    pub tree: file::TreeSection,
    /// Commands of full validation.
    pub checks: Vec<file::Check>,
    /// Suites in the order they run.
    pub suites: Vec<(String, file::Suite)>,
    /// Services, servers before programs.
    pub services: Vec<services::Configured>,
    /// The real application.
    pub validation: Option<validation::Configured>,
    /// Agents by role; the role `*` is every other one.
    pub agents: BTreeMap<String, file::Agent>,
    /// Limits.
    pub limits: Limits,
    /// Controls beside GREEN.
    pub controls: controls::Controls,
    /// The rest of the file.
    pub file: file::File,
    /// The path of the file, where there is one.
    pub origin: Option<RelPath>,
    /// What was assumed.
    pub assumed: Vec<String>,
    /// Digest of the effective configuration (frozen at approval, SPEC A1).
    pub digest: Digest,
}

/// `[limits]` with defaults.
#[derive(Debug, Clone)]
pub struct Limits {
    /// One agent session.
    pub session: Duration,
    /// An agent session without output.
    pub idle: Duration,
    /// A whole run.
    pub run: Option<Duration>,
    /// Author retries.
    pub author_retries: u32,
    /// Implementer retries.
    pub implementer_retries: u32,
    /// Longest wait for an outage.
    pub max_wait: Duration,
    /// Money for one task, in millionths of a US dollar.
    pub task_micro_usd: Option<u64>,
    /// Money for a run, in millionths of a US dollar.
    pub run_micro_usd: Option<u64>,
    /// Tokens for one task.
    pub task_tokens: Option<u64>,
    /// Tokens for a run.
    pub run_tokens: Option<u64>,
    /// Bytes of caches in private state.
    pub cache: u64,
}

impl Config {
    /// Lays the file over what is detected from a list of files.
    ///
    /// # Errors
    /// A usage failure that names the key, the place and the next step.
    pub fn load(
        files: &BTreeSet<RelPath>,
        read: &dyn Fn(&RelPath) -> Option<String>,
    ) -> Result<Self, Failure> {
        let mut origin = None;
        let mut text = String::new();
        for place in PLACES {
            let Ok(path) = RelPath::new(place) else {
                continue;
            };
            if files.contains(&path) {
                text = read(&path).ok_or_else(|| {
                    Failure::usage(format!("`{place}` is not UTF-8 text"), "save it as UTF-8")
                        .at(place)
                })?;
                origin = Some(path);
                break;
            }
        }
        let detected = detect::detect(files, read);
        let parsed = match &origin {
            Some(path) => parse(path, &text)?,
            None => file::File::default(),
        };
        Self::merge(parsed, origin, detected, &text)
    }

    /// A configuration file alone, without what is detected.
    ///
    /// # Errors
    /// A usage failure with the line.
    pub fn parse_file(place: &str, text: &str) -> Result<file::File, Failure> {
        let path = RelPath::new(place).map_err(Failure::internal)?;
        parse(&path, text)
    }

    fn merge(
        parsed: file::File,
        origin: Option<RelPath>,
        detected: Detected,
        text: &str,
    ) -> Result<Self, Failure> {
        let place = origin
            .as_ref()
            .map_or_else(|| PLACES[0].to_owned(), ToString::to_string);
        if let Some(version) = parsed.version
            && version != 1
        {
            return Err(Failure::usage(
                format!("version {version} is not known to this redgreen"),
                "write `version = 1`, or update redgreen",
            )
            .at(place));
        }
        let mut assumed = Vec::new();
        let runners = match &parsed.runner {
            Some(table) => configured_runners(table, text, &place)?,
            None => {
                assumed.extend(detected.assumed);
                detected
                    .runners
                    .iter()
                    .map(|(name, runner)| (name.clone(), runner.to_file()))
                    .collect()
            }
        };
        let tests = parsed.paths.tests.clone().unwrap_or(detected.tests);
        let source = parsed.paths.source.clone().unwrap_or(detected.source);
        let inert = parsed
            .paths
            .ignore
            .clone()
            .unwrap_or_else(|| detect::INERT.iter().map(|&glob| glob.to_owned()).collect());
        let lists = [
            ("paths.tests", &tests),
            ("paths.source", &source),
            ("paths.ignore", &inert),
        ];
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            let ((first, globs), (second, others)) = (lists[one], lists[other]);
            if let Some(glob) = globs.iter().find(|glob| others.contains(glob)) {
                return Err(Failure::usage(
                    format!("the glob `{glob}` stands in `{first}` and in `{second}`"),
                    "leave it in one of them; a path matched by several is a test, else source",
                )
                .at(key_place(&place, text, glob)));
            }
        }
        for (list, globs) in lists {
            let bad = globs
                .iter()
                .find_map(|glob| Some((glob, redgreen_host::path_rules::pointless(glob)?)));
            if let Some((glob, why)) = bad {
                return Err(Failure::usage(
                    format!("glob `{glob}` in `{list}` cannot be read: {why}"),
                    "globs have gitignore semantics and are relative to the top level",
                )
                .at(key_place(&place, text, glob)));
            }
        }
        for glob in &parsed.tree.carry {
            if let Some(why) = redgreen_host::path_rules::pointless(glob) {
                return Err(Failure::usage(
                    format!("glob `{glob}` in `tree.carry` cannot be read: {why}"),
                    "globs have gitignore semantics and are relative to the top level",
                )
                .at(key_place(&place, text, "carry")));
            }
        }
        for command in &parsed.tree.prepare {
            let why = match shell_words::split(command) {
                Ok(words) if words.is_empty() => "it is empty".to_owned(),
                Ok(_) => continue,
                Err(why) => why.to_string(),
            };
            return Err(Failure::usage(
                format!("the command `{command}` in `tree.prepare` cannot be read: {why}"),
                "quote it as for a shell",
            )
            .at(key_place(&place, text, "prepare")));
        }
        let single = runners.len() == 1 && runners.contains_key("");
        let mut settings = Vec::new();
        for (name, runner) in &runners {
            settings.push(runner_settings(name, runner, single, text, &place)?);
        }
        let mut suites: Vec<(String, file::Suite)> = parsed.suites.clone().into_iter().collect();
        suites.sort_by(|a, b| (a.1.order, &a.0).cmp(&(b.1.order, &b.0)));
        for (name, suite) in &suites {
            if let Some(unknown) = suite
                .uses
                .iter()
                .find(|used| !parsed.services.contains_key(*used))
            {
                return Err(Failure::usage(
                    format!("`[suites.{name}] uses` names `{unknown}`, and there is no `[services.{unknown}]`"),
                    "add the service, or correct the name",
                )
                .at(key_place(&place, text, "uses")));
            }
        }
        let mut agents = parsed.agents.clone();
        if let Some(agent) = &parsed.agent {
            agents.insert("*".to_owned(), agent.clone());
        }
        for (role, agent) in &agents {
            usable(role, agent).map_err(|failure| failure.at(place.clone()))?;
        }
        for check in &parsed.checks {
            limit_of(check)?;
            if check.command.is_empty() {
                return Err(Failure::usage(
                    format!("the check `{}` has no command", check.name),
                    "write `command = [\"program\", \"argument\"]`",
                )
                .at(place));
            }
        }
        let limits = limits(&parsed.limits, text, &place)?;
        let services = services::read(&parsed.services, text, &place)?;
        let effective = format!("{text}\0{tests:?}\0{source:?}\0{inert:?}\0{settings:?}");
        Ok(Self {
            tests,
            source,
            inert,
            runners: settings,
            tree: file::TreeSection {
                carry: parsed
                    .tree
                    .carry
                    .iter()
                    .cloned()
                    .chain(detected.carry)
                    .collect(),
                ..parsed.tree.clone()
            },
            checks: if parsed.ladder.detect.unwrap_or(true) {
                ladder::with_ladder(parsed.checks.clone(), detected.ladder)
            } else {
                parsed.checks.clone()
            },
            suites,
            services,
            validation: validation::read(
                parsed.validation.as_ref(),
                &parsed.services,
                text,
                &place,
            )?,
            agents,
            limits,
            controls: controls::Controls::read(&parsed.controls, &place)?,
            file: parsed,
            origin,
            assumed,
            digest: Digest::of(effective.as_bytes()),
        })
    }

    /// The compiled path rules.
    ///
    /// # Errors
    /// A usage failure naming the glob.
    pub fn rules(&self) -> Result<PathRules, Failure> {
        PathRules::new(&self.tests, &self.source, &self.inert).map_err(|bad| {
            Failure::usage(
                bad.to_string(),
                "globs have gitignore semantics and are relative to the top level",
            )
            .at(self.origin.as_ref().map_or(PLACES[0], RelPath::as_str))
        })
    }

    /// The agent of a role.
    #[must_use]
    pub fn agent(&self, role: &str) -> Option<&file::Agent> {
        self.agents.get(role).or_else(|| self.agents.get("*"))
    }
}

/// Whether an agent's keys fit its kind.
fn usable(role: &str, agent: &file::Agent) -> Result<(), Failure> {
    crate::referee::isolation::agent_network(agent)?;
    match agent.kind {
        file::AgentKind::Command if agent.command.is_empty() => Err(Failure::usage(
            format!("the agent of `{role}` has no command"),
            "write `command = [\"program\", \"argument\"]`, or `kind = \"claude-code\"`",
        )),
        file::AgentKind::ClaudeCode if !agent.command.is_empty() => Err(Failure::usage(
            format!("the agent of `{role}` is `claude-code` and has a command, too"),
            "remove `command`; another place of the program is `program = \"/path/claude\"`",
        )),
        file::AgentKind::Command | file::AgentKind::ClaudeCode => match agent.auth.as_deref() {
            None | Some("inherit" | "environment") => Ok(()),
            Some(other) => Err(Failure::usage(
                format!("`auth = \"{other}\"` is not known"),
                "inherit or environment",
            )),
        },
    }
}

/// Millionths of a dollar.
fn micro_usd(value: Option<f64>, key: &str, place: &str) -> Result<Option<u64>, Failure> {
    let Some(value) = value else { return Ok(None) };
    if !(0.0..1e9).contains(&value) {
        return Err(Failure::usage(
            format!("`{key} = {value}` is no amount of dollars"),
            "write a number such as 2.5",
        )
        .at(place));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked above"
    )]
    Ok(Some((value * 1e6).round() as u64))
}

fn parse(path: &RelPath, text: &str) -> Result<file::File, Failure> {
    toml::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(|error| {
        let line = error.span().map_or(1, |span| {
            text[..span.start.min(text.len())].matches('\n').count() + 1
        });
        Failure::usage(plain(error.message()), suggestion(error.message()))
            .at(format!("{path}:{line}"))
    })
}

/// The words of the reader of TOML, as somebody who writes TOML would say them.
fn plain(message: &str) -> String {
    let Some((found, expected)) = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))
        .and_then(|rest| rest.split_once(", expected "))
    else {
        return message.to_owned();
    };
    let expected = match expected {
        "a sequence" => "a list such as [\"tests/**\"]",
        "a map" => "a table",
        "a boolean" => "`true` or `false`",
        "u32" | "u64" | "i32" => "a whole number that is not negative",
        other => other,
    };
    format!("{expected} was expected, {found} was found")
}

/// The place with the line of the first key or value of this name.
fn key_place(place: &str, text: &str, name: &str) -> String {
    let named = |line: &str| {
        let line = line.trim_start();
        !line.starts_with('#')
            && (line.contains(&format!("\"{name}\""))
                || line
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.trim_start().starts_with('=')))
    };
    match text.lines().position(named) {
        Some(line) => format!("{place}:{}", line + 1),
        None => place.to_owned(),
    }
}

/// `unknown field `carri`, expected one of `carry`, …` → did you mean `carry`?
fn suggestion(message: &str) -> String {
    let words: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let near = words.split_first().and_then(|(unknown, known)| {
        known
            .iter()
            .filter(|name| strsim::damerau_levenshtein(unknown, name) <= 2)
            .min_by_key(|name| strsim::damerau_levenshtein(unknown, name))
            .copied()
    });
    match near {
        Some(name) if message.starts_with("unknown field") => format!("did you mean `{name}`?"),
        _ => "see docs/reference/configuration.md for every key".to_owned(),
    }
}

fn configured_runners(
    table: &toml::Table,
    text: &str,
    place: &str,
) -> Result<BTreeMap<String, file::Runner>, Failure> {
    let one = |value: toml::Value, key: &str| -> Result<file::Runner, Failure> {
        value.try_into().map_err(|error: toml::de::Error| {
            let named = error.message().split('`').nth(1).unwrap_or_default();
            Failure::usage(
                format!("in `{key}`: {}", plain(error.message())),
                suggestion(error.message()),
            )
            .at(key_place(place, text, named))
        })
    };
    if table.get("kind").is_some_and(toml::Value::is_str)
        || table.values().any(|value| !value.is_table())
    {
        return Ok(BTreeMap::from([(
            String::new(),
            one(toml::Value::Table(table.clone()), "runner")?,
        )]));
    }
    table
        .iter()
        .map(|(name, value)| Ok((name.clone(), one(value.clone(), &format!("runner.{name}"))?)))
        .collect()
}

fn runner_settings(
    name: &str,
    runner: &file::Runner,
    single: bool,
    text: &str,
    place: &str,
) -> Result<RunnerSettings, Failure> {
    let at = |key: &str| key_place(place, text, key);
    let kind = match runner.kind.as_str() {
        "pytest" | "unittest" => RunnerKind::Pytest,
        "cargo-test" | "cargo" => RunnerKind::CargoTest,
        "go-test" | "go" => RunnerKind::GoTest,
        "junit" | "tap" | "ctrf" => RunnerKind::Junit,
        "node-test" | "node:test" | "node" => RunnerKind::NodeTest,
        "vitest" => RunnerKind::Vitest,
        "jest" => RunnerKind::Jest,
        "mocha" => RunnerKind::Mocha,
        other => {
            return Err(Failure::usage(
                format!("runner kind `{other}` is not known"),
                "this version knows `pytest`, `cargo-test`, `go-test`, `node-test`, `vitest`, `jest`, `mocha`, and `junit` (any command that writes a JUnit XML report)",
            )
            .at(at("kind")));
        }
    };
    let name =
        if single {
            None
        } else {
            Some(RunnerName::new(name).map_err(|error| {
                Failure::usage(error.to_string(), "rename the runner").at(place)
            })?)
        };
    only_for_junit(kind, runner, place)?;
    let root = runner.root.trim_matches('/').to_owned();
    if !root.is_empty() && root != "." {
        RelPath::new(root.clone()).map_err(|error| {
            Failure::usage(error.to_string(), "name a folder of the repository").at(at("root"))
        })?;
    }
    if let Some(command) = &runner.command
        && command
            .first()
            .is_none_or(|program| program.trim().is_empty())
    {
        return Err(Failure::usage(
            "the runner's `command` is empty",
            "leave it out, or write `command = [\"python\", \"-m\", \"pytest\"]`",
        )
        .at(at("command")));
    }
    Ok(RunnerSettings {
        name,
        kind,
        root: if root == "." { String::new() } else { root },
        command: runner.command.clone(),
        arguments: runner.arguments.clone(),
        timeout: duration(
            runner.timeout.as_deref(),
            RUNNER_TIMEOUT,
            "runner.timeout",
            &at("timeout"),
        )?,
        report: runner.report.clone(),
        files: runner.files.clone(),
    })
}

/// `junit` cannot guess its command, and its keys mean nothing to the others.
fn only_for_junit(kind: RunnerKind, runner: &file::Runner, place: &str) -> Result<(), Failure> {
    let (what, help) = match kind {
        RunnerKind::Pytest
        | RunnerKind::CargoTest
        | RunnerKind::GoTest
        | RunnerKind::NodeTest
        | RunnerKind::Vitest
        | RunnerKind::Jest
        | RunnerKind::Mocha => {
            if runner.report.is_empty() && runner.files.is_empty() {
                return Ok(());
            }
            (
                format!(
                    "`report` and `files` mean nothing to a runner of kind `{}`",
                    runner.kind
                ),
                "remove them, or write `kind = \"junit\"`",
            )
        }
        RunnerKind::Junit => {
            let command = runner.command.as_deref().unwrap_or_default();
            if command.first().is_none_or(String::is_empty) {
                (
                    "a runner of kind `junit` needs a command".to_owned(),
                    "write `command = [\"sh\", \"run-tests.sh\", \"{report}\"]`",
                )
            } else if let Some(word) = command.iter().find(|word| {
                word.contains("{tests}") && *word != redgreen_host::runner::junit::TESTS
            }) {
                (
                    format!("`{word}`: `{{tests}}` stands for several arguments"),
                    "write it as an argument of its own: `\"{tests}\"`",
                )
            } else {
                return Ok(());
            }
        }
    };
    Err(Failure::usage(what, help).at(place))
}

fn limits(file: &file::Limits, text: &str, place: &str) -> Result<Limits, Failure> {
    let at = |key: &str| key_place(place, text, key);
    let minutes = |n: u64| Duration::from_secs(n * 60);
    Ok(Limits {
        session: duration(
            file.session.as_deref(),
            minutes(30),
            "limits.session",
            &at("session"),
        )?,
        idle: duration(
            file.idle.as_deref(),
            minutes(10),
            "limits.idle",
            &at("idle"),
        )?,
        run: match &file.run {
            Some(text) => Some(duration(Some(text), minutes(0), "limits.run", &at("run"))?),
            None => None,
        },
        author_retries: file.author_retries.unwrap_or(1),
        implementer_retries: file.implementer_retries.unwrap_or(2),
        max_wait: duration(
            file.max_wait.as_deref(),
            minutes(60),
            "limits.max_wait",
            &at("max_wait"),
        )?,
        task_micro_usd: micro_usd(file.task_usd, "limits.task_usd", place)?,
        run_micro_usd: micro_usd(file.run_usd, "limits.run_usd", place)?,
        task_tokens: file.task_tokens,
        run_tokens: file.run_tokens,
        cache: match &file.cache {
            Some(text) => size(text).ok_or_else(|| {
                Failure::usage(
                    format!("`limits.cache = \"{text}\"` is no size"),
                    "write \"500MB\" or \"5GB\"",
                )
                .at(place)
            })?,
            None => CACHE,
        },
    })
}

/// `"500MB"`, `"2GB"`, or a bare number of bytes, in powers of ten.
#[must_use]
pub fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let factor = match text[digits.len()..].trim().to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "KB" | "K" => 1_000,
        "MB" | "M" => 1_000_000,
        "GB" | "G" => 1_000_000_000,
        "TB" | "T" => 1_000_000_000_000,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// The time limit of a check, where it has one.
///
/// # Errors
/// A usage failure for what is no duration.
pub fn limit_of(check: &file::Check) -> Result<Option<Duration>, Failure> {
    match &check.timeout {
        Some(text) => duration(Some(text), RUNNER_TIMEOUT, "checks.timeout", PLACES[0]).map(Some),
        None => Ok(None),
    }
}

/// `"90s"`, `"10m"`, `"2h"`, or a bare number of seconds.
fn duration(
    text: Option<&str>,
    default: Duration,
    key: &str,
    place: &str,
) -> Result<Duration, Failure> {
    let Some(text) = text else { return Ok(default) };
    let (number, unit) = text.trim().split_at(
        text.trim()
            .trim_end_matches(|c: char| c.is_ascii_alphabetic())
            .len(),
    );
    let factor = match unit {
        "" | "s" => Some(1.0),
        "ms" => Some(0.001),
        "m" | "min" => Some(60.0),
        "h" => Some(3600.0),
        _ => None,
    };
    match (number.trim().parse::<f64>(), factor) {
        (Ok(number), Some(factor))
            if number.is_finite() && (0.0..1e7).contains(&(number * factor)) =>
        {
            let length = Duration::from_secs_f64(number * factor);
            // Not to wait at all is a choice; to end at once is a slip.
            if length.is_zero() && key != "limits.max_wait" {
                return Err(Failure::usage(
                    format!("`{key} = \"{text}\"` leaves no time at all"),
                    "write \"90s\", \"10m\" or \"2h\"",
                )
                .at(place));
            }
            Ok(length)
        }
        _ => Err(Failure::usage(
            format!("`{key} = \"{text}\"` is no duration"),
            "write \"90s\", \"10m\" or \"2h\"",
        )
        .at(place)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, Failure> {
        let path = RelPath::new("redgreen.toml").unwrap();
        let pyproject = RelPath::new("pyproject.toml").unwrap();
        let module = RelPath::new("a.py").unwrap();
        let text = text.to_owned();
        Config::load(
            &BTreeSet::from([path.clone(), pyproject, module]),
            &move |wanted| (*wanted == path).then(|| text.clone()),
        )
    }

    #[test]
    fn g4_an_unknown_key_is_an_error_with_a_suggestion_and_its_line() {
        let failure = load("version = 1\n[paths]\ntest = [\"t/**\"]\n").unwrap_err();
        assert_eq!(failure.help, "did you mean `tests`?");
        assert_eq!(failure.place.as_deref(), Some("redgreen.toml:3"));
    }

    #[test]
    fn g4_runner_is_shorthand_for_one_and_names_make_several() {
        let one = load("[runner]\nkind = \"pytest\"\n").unwrap();
        assert!(one.runners.len() == 1 && one.runners[0].name.is_none());
        let two = load("[runner.web]\nkind = \"pytest\"\nroot = \"web\"\n[runner.core]\nkind = \"cargo-test\"\nroot = \"core\"\n").unwrap();
        assert_eq!(
            two.runners
                .iter()
                .map(|r| r.name.as_ref().unwrap().to_string())
                .collect::<Vec<_>>(),
            ["core", "web"]
        );
        let failure = load("[runner]\nkind = \"pytset\"\n").unwrap_err();
        assert!(failure.what.contains("pytset"));
    }

    #[test]
    fn g10_the_same_glob_in_two_lists_is_refused() {
        assert!(
            load("[paths]\ntests=[\"x/**\"]\nsource=[\"x/**\"]\n")
                .unwrap_err()
                .what
                .contains("x/**")
        );
    }

    #[test]
    fn f3_limits_are_durations() {
        assert_eq!(
            load("[limits]\nsession = \"90s\"").unwrap().limits.session,
            Duration::from_secs(90)
        );
        assert!(load("[limits]\nsession = \"soon\"").is_err());
    }

    #[test]
    fn g5_the_cap_of_the_caches_is_a_size() {
        let cache = |text: &str| {
            load(&format!("[limits]\ncache = \"{text}\"")).map(|config| config.limits.cache)
        };
        for (text, bytes) in [("500MB", 500_000_000), ("2 gb", 2_000_000_000), ("0", 0)] {
            assert_eq!(cache(text).unwrap(), bytes);
        }
        for text in ["", "much", "-1MB", "99999999999TB", "1.5GB"] {
            assert!(cache(text).is_err(), "{text}");
        }
    }
}

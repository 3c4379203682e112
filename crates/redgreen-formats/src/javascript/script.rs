//! The test script of a manifest: `cross-env NODE_OPTIONS=--experimental-vm-modules c8 mocha -r tsx 'test/**/*.ts'`.
//!
//! redgreen starts node and the runner itself; what is taken from the script are options of node, options of the runner
//! and files. Wrappers, reporters, coverage, watching and whatever would stop early are left out.

use std::collections::BTreeMap;

/// What a script says of a runner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// Options of node.
    pub node: Vec<String>,
    /// Options of the runner.
    pub options: Vec<String>,
    /// Files and globs.
    pub files: Vec<String>,
    /// Variables it sets, `NODE_OPTIONS` apart.
    pub variables: BTreeMap<String, String>,
}

/// Options of node that carry their value in the next word.
const NODE_VALUES: [&str; 10] = [
    "-r",
    "--require",
    "--import",
    "--loader",
    "--experimental-loader",
    "-C",
    "--conditions",
    "--env-file",
    "--max-old-space-size",
    "--stack-trace-limit",
];

/// Options of runners that are not ours to hand on, with whether a value follows.
const LEFT_OUT: [(&str, bool); 46] = [
    ("--reporter", true),
    ("-R", true),
    ("--reporters", true),
    ("--reporter-option", true),
    ("--reporter-options", true),
    ("-O", true),
    ("--coverage", false),
    ("--collectCoverage", false),
    ("--collect-coverage", false),
    ("--coverageReporters", true),
    ("--watch", false),
    ("-w", false),
    ("--watchAll", false),
    ("--watchAll=false", false),
    ("--ui", true),
    ("--bail", false),
    ("-b", false),
    ("--forbid-only", false),
    ("--silent", false),
    ("--verbose", false),
    ("--ci", false),
    ("-u", false),
    ("--update", false),
    ("--updateSnapshot", false),
    ("--run", false),
    ("run", false),
    ("--passWithNoTests", false),
    ("--pass-with-no-tests", false),
    ("--parallel", false),
    ("-p", false),
    ("--jobs", true),
    ("-j", true),
    ("--retries", true),
    ("--retry", true),
    ("--runInBand", false),
    ("-i", false),
    ("--maxWorkers", true),
    ("--detectOpenHandles", false),
    ("--colors", false),
    ("--color", false),
    ("--no-color", false),
    ("-c8", false),
    ("--outputFile", true),
    ("--json", false),
    ("--exit", false),
    ("--onlyChanged", false),
];

/// Options of runners whose value is the next word.
const RUNNER_VALUES: [&str; 24] = [
    "-r",
    "--require",
    "--import",
    "--loader",
    "--config",
    "-c",
    "--root",
    "--dir",
    "--project",
    "--environment",
    "--env",
    "--timeout",
    "-t",
    "--testTimeout",
    "--opts",
    "--spec",
    "--extension",
    "--ignore",
    "--exclude",
    "--mode",
    "--pool",
    "--package",
    "--file",
    "--ext",
];

/// Reads a script for a runner: `node` (node:test), `vitest`, `jest` or `mocha`. `None` where it starts another one.
#[must_use]
pub fn read(script: &str, runner: &str) -> Option<Script> {
    script
        .split("&&")
        .flat_map(|part| part.split(';'))
        .find_map(|part| one(&words(part), runner))
}

fn one(words: &[String], runner: &str) -> Option<Script> {
    let mut script = Script::default();
    let mut at = 0;
    let mut found = false;
    while at < words.len() {
        let word = words[at].as_str();
        let name = word.rsplit('/').next().unwrap_or(word);
        let name = name
            .strip_suffix(".js")
            .or_else(|| name.strip_suffix(".mjs"))
            .unwrap_or(name);
        at += 1;
        if let Some((key, value)) = word.split_once('=')
            && !word.starts_with('-')
            && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        {
            if key == "NODE_OPTIONS" {
                script.node.extend(self::words(value));
            } else {
                script.variables.insert(key.to_owned(), value.to_owned());
            }
            continue;
        }
        let is_runner = name == runner || (runner == "mocha" && name == "_mocha");
        if runner == "node" && matches!(name, "tsx" | "ts-node" | "ts-node-esm") {
            match name {
                "tsx" => script
                    .node
                    .extend(["--import".to_owned(), "tsx".to_owned()]),
                "ts-node" => script
                    .node
                    .extend(["-r".to_owned(), "ts-node/register".to_owned()]),
                _ => script
                    .node
                    .extend(["--loader".to_owned(), "ts-node/esm".to_owned()]),
            }
            found = true;
            break;
        }
        if is_runner {
            found = true;
            break;
        }
        // `node --flag node_modules/.bin/jest`: the options are node's.
        if name == "node" {
            while at < words.len() && words[at].starts_with('-') {
                let option = words[at].clone();
                at += 1;
                let valued = NODE_VALUES.contains(&option.as_str());
                script.node.push(option);
                if valued && at < words.len() {
                    script.node.push(words[at].clone());
                    at += 1;
                }
            }
        }
    }
    if !found {
        return None;
    }
    let mut tested = runner != "node";
    while at < words.len() {
        let word = words[at].clone();
        at += 1;
        if matches!(word.as_str(), "|" | "||" | ">" | "2>&1" | "|&") {
            break;
        }
        let (option, joined) = word
            .split_once('=')
            .map_or((word.as_str(), false), |(option, _)| (option, true));
        if runner == "node" {
            if !word.starts_with('-') {
                script.files.push(word);
                continue;
            }
            if option.starts_with("--test")
                || option.starts_with("--experimental-test")
                || option == "--watch"
            {
                tested |= option == "--test";
                let valued = matches!(
                    option,
                    "--test-reporter"
                        | "--test-reporter-destination"
                        | "--test-concurrency"
                        | "--test-timeout"
                        | "--test-name-pattern"
                        | "--test-skip-pattern"
                        | "--test-shard"
                );
                at += usize::from(valued && !joined);
                continue;
            }
            let valued = NODE_VALUES.contains(&option) && !joined;
            script.node.push(word);
            if valued && at < words.len() {
                script.node.push(words[at].clone());
                at += 1;
            }
            continue;
        }
        if let Some((_, valued)) = LEFT_OUT
            .iter()
            .find(|(name, _)| *name == option || *name == word)
        {
            at +=
                usize::from(*valued && !joined && at < words.len() && !words[at].starts_with('-'));
            continue;
        }
        if option.starts_with("--coverage") {
            continue;
        }
        if !word.starts_with('-') {
            script.files.push(word);
            continue;
        }
        let valued = RUNNER_VALUES.contains(&option) && !joined;
        script.options.push(word);
        if valued && at < words.len() {
            script.options.push(words[at].clone());
            at += 1;
        }
    }
    // `node scripts/build.js` tests nothing; `node test.js` may.
    (tested
        || script
            .files
            .iter()
            .any(|file| file.contains("test") || file.contains("spec")))
    .then_some(script)
}

/// Words as a shell splits them, as far as scripts of manifests go: quotes and backslashes.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut open, mut any) = (String::new(), None, false);
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match (open, c) {
            (Some(quote), c) if c == quote => open = None,
            (None, '"' | '\'') => {
                open = Some(c);
                any = true;
            }
            (Some('"') | None, '\\') => word.extend(rest.next()),
            (None, c) if c.is_whitespace() => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            (_, c) => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

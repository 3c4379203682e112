//! What the manifest and its neighbours in the tree say: test script, names of packages, aliases of folders.

use super::packages;
use crate::runner::RunnerKind;
use redgreen_formats::javascript::script::{self, Script};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What was read.
pub(super) struct Project {
    root: PathBuf,
    manifest: Value,
    /// Names of the packages of this repository.
    pub(super) packages: BTreeSet<String>,
    /// See `formats::Places::aliases`.
    pub(super) aliases: Vec<String>,
}

/// Scripts that run tests, in the order they are asked.
const SCRIPTS: [&str; 9] = [
    "test",
    "test:unit",
    "tests",
    "unit",
    "test:node",
    "test:run",
    "test:ci",
    "mocha",
    "jest",
];

fn json(path: &Path) -> Option<Value> {
    let text = fs::read_to_string(path).ok()?;
    serde_json::from_str(&text)
        .or_else(|_| serde_json::from_str(&without_comments(&text)))
        .ok()
}

/// JSON with comments and commas before a bracket, as `tsconfig.json` and `.mocharc.jsonc` are written.
fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' if quoted => {
                plain.push(c);
                plain.extend(rest.next());
            }
            '"' => {
                quoted = !quoted;
                plain.push(c);
            }
            '/' if !quoted && rest.peek() == Some(&'/') => {
                for c in rest.by_ref() {
                    if c == '\n' {
                        break;
                    }
                }
            }
            '/' if !quoted && rest.peek() == Some(&'*') => {
                let mut last = ' ';
                for c in rest.by_ref().skip(1) {
                    if last == '*' && c == '/' {
                        break;
                    }
                    last = c;
                }
            }
            '}' | ']' if !quoted => {
                let kept = plain.trim_end().trim_end_matches(',').len();
                plain.truncate(kept);
                plain.push(c);
            }
            c => plain.push(c),
        }
    }
    plain
}

impl Project {
    /// Reads the tree.
    pub(super) fn read(root: &Path, tree: &Path) -> Self {
        let mut packages = BTreeSet::new();
        for folder in packages::package_folders(tree) {
            let name = json(&tree.join(folder).join("package.json"))
                .and_then(|manifest| manifest["name"].as_str().map(str::to_owned));
            packages.extend(name);
        }
        let manifest = json(&root.join("package.json")).unwrap_or(Value::Null);
        let mut aliases = vec!["@/".to_owned(), "~/".to_owned(), "#".to_owned()];
        for folder in [root, tree] {
            for name in ["tsconfig.json", "tsconfig.base.json", "jsconfig.json"] {
                let paths = json(&folder.join(name))
                    .map(|config| config["compilerOptions"]["paths"].clone());
                for key in paths
                    .as_ref()
                    .and_then(Value::as_object)
                    .into_iter()
                    .flatten()
                    .map(|(key, _)| key)
                {
                    aliases.push(key.trim_end_matches('*').to_owned());
                }
            }
        }
        for key in manifest["jest"]["moduleNameMapper"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key)
        {
            aliases.push(
                key.trim_start_matches('^')
                    .split(['(', '$', '['])
                    .next()
                    .unwrap_or("")
                    .to_owned(),
            );
        }
        aliases.retain(|alias| !alias.is_empty() && alias != "." && alias != "/");
        Self {
            root: root.to_owned(),
            manifest,
            packages,
            aliases,
        }
    }

    /// What the test scripts say of a runner.
    pub(super) fn script(&self, kind: RunnerKind) -> Script {
        let runner = match kind {
            RunnerKind::NodeTest => "node",
            RunnerKind::Vitest => "vitest",
            RunnerKind::Jest => "jest",
            RunnerKind::Mocha => "mocha",
            RunnerKind::Pytest | RunnerKind::CargoTest | RunnerKind::GoTest | RunnerKind::Junit => {
                return Script::default();
            }
        };
        let mut read = self.first_script(runner).unwrap_or_default();
        if kind == RunnerKind::Mocha {
            read.node.extend(self.mocha_node_options());
        }
        read
    }

    fn first_script(&self, runner: &str) -> Option<Script> {
        let scripts = self.manifest["scripts"].as_object()?;
        let named = SCRIPTS.iter().filter_map(|name| scripts.get(*name));
        let others = scripts
            .iter()
            .filter(|(name, _)| name.contains("test") && !SCRIPTS.contains(&name.as_str()))
            .map(|(_, script)| script);
        named
            .chain(others)
            .filter_map(Value::as_str)
            .find_map(|text| script::read(text, runner))
    }

    /// Options of node that mocha would start another node with.
    fn mocha_node_options(&self) -> Vec<String> {
        let mut options = Vec::new();
        let files = [".mocharc.json", ".mocharc.jsonc"]
            .iter()
            .filter_map(|name| json(&self.root.join(name)));
        for config in files.chain([self.manifest["mocha"].clone()]) {
            for key in ["node-option", "nodeOption", "n"] {
                for option in strings(&config[key]) {
                    options.push(format!("--{}", option.trim_start_matches('-')));
                }
            }
            for key in ["import", "loader", "experimental-loader", "conditions"] {
                for value in strings(&config[key]) {
                    options.push(format!("--{key}={value}"));
                }
            }
            for key in [
                "enable-source-maps",
                "experimental-strip-types",
                "experimental-vm-modules",
            ] {
                if config[key].as_bool() == Some(true) {
                    options.push(format!("--{key}"));
                }
            }
        }
        // The simple lists of YAML, and of modules that export an object.
        for name in [
            ".mocharc.yml",
            ".mocharc.yaml",
            ".mocharc.cjs",
            ".mocharc.js",
            ".mocharc.mjs",
        ] {
            let Ok(text) = fs::read_to_string(self.root.join(name)) else {
                continue;
            };
            let Some((_, rest)) = text.split_once("node-option") else {
                continue;
            };
            for line in rest.split([',', '\n', '[', ']']).skip(1) {
                let plain = line
                    .trim()
                    .trim_start_matches("- ")
                    .trim_matches(['"', '\'', '`', ' ']);
                if plain.is_empty() {
                    continue;
                }
                if plain.contains([':', '{', '}']) && !plain.contains('=') {
                    break;
                }
                options.push(format!("--{}", plain.trim_start_matches('-')));
            }
        }
        options
    }
}

fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list
            .iter()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}

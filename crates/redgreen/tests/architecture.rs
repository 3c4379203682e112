//! The shape of the house: which crate may use which, what may stand in a committed file, which requirement has a test.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Requirements of the specification that this version covers.
const COVERED: [&str; 37] = [
    "A1", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "A10", "A12", "B1", "B2", "B3", "B4", "B5",
    "B6", "B7", "B8", "C1", "C2", "C3", "C4", "C5", "F1", "F2", "F3", "F7", "G1", "G2", "G3", "G4",
    "G5", "G6", "G7", "G8", "G10", "G11",
];

/// Covered requirements without a test that carries their number. This list only ever shrinks.
const WITHOUT_A_TEST: [&str; 1] = ["F2"];

/// Files longer than 800 lines, tests apart. This list only ever shrinks.
const LONG_FILES: [&str; 0] = [];

/// What `ignore` may say: such a function is no test, but a program that one starts.
const HELPER_PROGRAM: &str = "#[ignore = \"a program that a test starts\"]";

/// Licences that a dependency may have, as SPDX identifiers; the reasons stand in `deny.toml`.
const PERMISSIVE: [&str; 14] = [
    "MIT",
    "Apache-2.0 WITH LLVM-exception",
    "BSL-1.0",
    "Unicode-DFS-2016",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "Unlicense",
    "Unicode-3.0",
    "MIT-0",
    "CC0-1.0",
];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(top())
        .output()
        .unwrap_or_else(|error| panic!("`{program}` cannot be started: {error}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Every file that git knows, with its text; files that are no UTF-8 text are left out.
fn tracked() -> BTreeMap<String, String> {
    let list = output(
        "git",
        &[
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
    );
    list.split('\0')
        .filter(|name| !name.is_empty())
        .filter_map(|name| {
            let text = std::fs::read_to_string(top().join(name)).ok()?;
            Some((name.to_owned(), text))
        })
        .collect()
}

fn rust_sources() -> BTreeMap<String, String> {
    tracked()
        .into_iter()
        .filter(|(name, _)| {
            name.starts_with("crates/") && name.contains("/src/") && name.ends_with(".rs")
        })
        .collect()
}

fn metadata(arguments: &[&str]) -> Value {
    let cargo = env!("CARGO");
    let mut all = vec!["metadata", "--format-version", "1", "--locked", "--offline"];
    all.extend(arguments);
    serde_json::from_str(&output(cargo, &all)).unwrap()
}

/// Blanks comments, strings and characters, so that only code is left. Line breaks stay.
fn code_of(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    let blank = |out: &mut Vec<u8>, from: usize, to: usize| {
        out.extend(
            bytes[from..to]
                .iter()
                .map(|&b| if b == b'\n' { b'\n' } else { b' ' }),
        );
    };
    while at < bytes.len() {
        let rest = &text.as_bytes()[at..];
        let end = if rest.starts_with(b"//") {
            at + rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            let found = text[at..]
                .find("*/")
                .map_or(text.len(), |length| at + length + 2);
            found.min(text.len())
        } else if let Some(hashes) = raw_string(rest) {
            let close = format!("\"{}", "#".repeat(hashes));
            let body = at + hashes + 2;
            text[body..]
                .find(&close)
                .map_or(text.len(), |length| body + length + close.len())
        } else if rest[0] == b'"' {
            let mut to = at + 1;
            while to < bytes.len() && bytes[to] != b'"' {
                to += if bytes[to] == b'\\' { 2 } else { 1 };
            }
            (to + 1).min(bytes.len())
        } else if rest.starts_with(b"'\\") {
            let body = at + 3;
            bytes[body.min(bytes.len())..]
                .iter()
                .position(|&b| b == b'\'')
                .map_or(bytes.len(), |length| body + length + 1)
        } else if rest[0] == b'\'' && text[at + 1..].chars().nth(1) == Some('\'') {
            at + 2 + text[at + 1..].chars().next().map_or(0, char::len_utf8)
        } else {
            out.push(rest[0]);
            at += 1;
            continue;
        };
        blank(&mut out, at, end);
        at = end;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The number of `#` of a raw string that begins here.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let after = rest.strip_prefix(b"r")?;
    let hashes = after.iter().take_while(|&&b| b == b'#').count();
    (after.get(hashes) == Some(&b'"')).then_some(hashes)
}

/// The lines, numbered from 1, without items that are compiled for tests only.
fn without_tests(code: &str) -> Vec<(usize, &str)> {
    let mut kept = Vec::new();
    let mut skipping: Option<usize> = None;
    for (index, line) in code.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        match skipping {
            // To the end of the item: the line that ends it at its own indentation.
            Some(outer) => {
                if indent == outer && (line.trim_end().ends_with(';') || line.trim() == "}") {
                    skipping = None;
                }
            }
            None if line.trim_start().starts_with("#[cfg(test)]") => skipping = Some(indent),
            None => kept.push((index + 1, line)),
        }
    }
    kept
}

fn is_test_file(name: &str) -> bool {
    name.ends_with("tests.rs") || name.contains("/tests/")
}

/// Breaks when a crate begins to use another one against the one direction.
#[test]
fn house_edges_between_crates_go_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = [
        ("redgreen-core", &[][..]),
        ("redgreen-formats", &["redgreen-core"][..]),
        ("redgreen-lint", &["redgreen-core"][..]),
        ("redgreen-host", &["redgreen-core", "redgreen-formats"][..]),
        (
            "redgreen",
            &[
                "redgreen-core",
                "redgreen-formats",
                "redgreen-lint",
                "redgreen-host",
            ][..],
        ),
        ("redgreen-testkit", &["redgreen-core", "redgreen-lint"][..]),
        (
            "redgreen-bench",
            &["redgreen-core", "redgreen-formats", "redgreen-host"][..],
        ),
    ]
    .into();
    let metadata = metadata(&["--no-deps"]);
    let packages = metadata["packages"].as_array().unwrap();
    assert_eq!(
        packages.len(),
        allowed.len(),
        "a new crate needs a place in this list and in ARCHITECTURE.md"
    );
    for package in packages {
        let name = package["name"].as_str().unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            let other = dependency["name"].as_str().unwrap();
            if !other.starts_with("redgreen") || dependency["kind"] == "dev" {
                continue;
            }
            assert!(
                allowed[name].contains(&other),
                "`{name}` must not depend on `{other}`"
            );
        }
    }
}

/// Breaks when the rules of the game get a dependency that could touch the world.
#[test]
fn house_the_rules_depend_on_nothing_that_touches_the_world() {
    let metadata = metadata(&["--no-deps"]);
    let core = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .find(|package| package["name"] == "redgreen-core")
        .unwrap();
    let names: BTreeSet<&str> = core["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|dependency| dependency["kind"].is_null())
        .map(|dependency| dependency["name"].as_str().unwrap())
        .collect();
    assert!(
        names.is_subset(&["serde", "thiserror", "sha2"].into()),
        "{names:?}"
    );
}

/// Breaks when a judge learns of agents: what an agent says of itself has no way into a verdict (SPEC F2).
#[test]
fn house_no_gate_knows_an_agent() {
    let mut judges = 0;
    for (name, text) in rust_sources() {
        let is_judge = name.contains("redgreen-core/src/gate/");
        let is_referee = name.contains("redgreen/src/referee/");
        if !is_judge && !is_referee {
            continue;
        }
        judges += 1;
        for word in [
            "AgentSession",
            "AgentOutcome",
            "SessionEnd",
            "agent::Told",
            "agent::Session",
        ] {
            assert!(!text.contains(word), "{name} names `{word}`");
        }
    }
    assert!(judges > 10, "{judges}");
}

/// Breaks when pure crates reach for processes, files, clocks or the environment.
#[test]
fn house_only_the_host_and_the_binary_touch_the_world() {
    let mut found = Vec::new();
    for (name, text) in rust_sources() {
        let pure = ["redgreen-core/", "redgreen-formats/", "redgreen-lint/"];
        if !pure.iter().any(|crate_| name.contains(crate_)) || is_test_file(&name) {
            continue;
        }
        let words = [
            "std::fs",
            "std::process",
            "std::net",
            "std::env",
            "SystemTime",
            "Instant::now",
        ];
        for (number, line) in without_tests(&code_of(&text)) {
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!("{name}:{number}: {}", line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Breaks when a dependency comes with a licence that asks for more than a notice.
#[test]
fn house_every_dependency_has_a_permissive_licence() {
    let version = output("rustc", &["-vV"]);
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    let metadata = metadata(&["--filter-platform", host]);
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let licence = package["license"].as_str().unwrap_or("none");
        // `A OR B` needs one of them, `A AND B` all; `/` is the old spelling of `OR`.
        let permitted = licence.replace('/', " OR ").split(" AND ").all(|part| {
            part.trim_matches(['(', ')', ' '])
                .split(" OR ")
                .any(|one| PERMISSIVE.contains(&one.trim_matches(['(', ')', ' '])))
        });
        if !permitted {
            wrong.push(format!("{} {licence}", package["name"]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Breaks when a file names a place of one machine, or the address of a package registry.
#[test]
fn house_no_committed_file_names_a_machine_or_a_registry() {
    // Put together here, so that this file is clean, too.
    let places = [
        ["/wo", "rk/"].concat(),
        ["/ro", "ot/"].concat(),
        ["/usr/local/car", "go"].concat(),
    ];
    let hosts = [
        ["crates", ".io"].concat(),
        ["py", "pi.org"].concat(),
        ["python", "hosted"].concat(),
        ["registry.np", "mjs"].concat(),
        ["deb.deb", "ian.org"].concat(),
    ];
    // Cargo writes this name for its default registry into every lock file.
    let default_registry = ["github.com/rust-lang/crates", ".io-index"].concat();
    let mut found = Vec::new();
    for (name, text) in tracked() {
        for (number, line) in text.lines().enumerate() {
            let line = line.replace(&default_registry, "");
            if places
                .iter()
                .chain(&hosts)
                .any(|word| line.contains(word.as_str()))
            {
                found.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Breaks when a way to crash comes into the source.
#[test]
fn g10_source_has_no_unwrap_expect_panic_or_todo() {
    let words = [
        ".unwrap()",
        ".expect(",
        "panic!(",
        "todo!(",
        "unimplemented!(",
        "unreachable!(",
    ];
    let mut found = Vec::new();
    for (name, text) in rust_sources() {
        if is_test_file(&name) || name.contains("redgreen-testkit/") {
            continue;
        }
        for (number, line) in without_tests(&code_of(&text)) {
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!("{name}:{number}: {}", line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Breaks when a file grows into two rooms.
#[test]
fn house_no_source_file_is_longer_than_800_lines() {
    let long: Vec<String> = tracked()
        .into_iter()
        .filter(|(name, _)| name.starts_with("crates/") && name.contains("/src/"))
        .filter(|(name, _)| name.ends_with(".rs") || name.ends_with(".py"))
        .filter(|(name, _)| !LONG_FILES.contains(&name.as_str()) && !is_test_file(name))
        .map(|(name, text)| {
            let lines = if name.ends_with(".rs") {
                without_tests(&text).len()
            } else {
                text.lines().count()
            };
            (name, lines)
        })
        .filter(|(_, lines)| *lines > 800)
        .map(|(name, lines)| format!("{name}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

/// Breaks when a test is switched off.
#[test]
fn house_no_test_is_ignored() {
    let mut found = Vec::new();
    for (name, text) in tracked() {
        let is_example = name.contains("/fixtures/");
        if !name.starts_with("crates/") || !name.ends_with(".rs") || is_example {
            continue;
        }
        let code = code_of(&text);
        for (number, (line, original)) in code.lines().zip(text.lines()).enumerate() {
            if line.trim_start().starts_with("#[ignore") && original.trim() != HELPER_PROGRAM {
                found.push(format!("{name}:{}", number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Every number that stands in the name of a function of a test file or test module.
fn numbers_in_test_names() -> BTreeSet<String> {
    let mut numbers = BTreeSet::new();
    for (name, text) in tracked() {
        if !name.starts_with("crates/") || !name.ends_with(".rs") {
            continue;
        }
        let code = code_of(&text);
        let mut is_test = false;
        for line in code.lines() {
            let line = line.trim_start();
            if line.starts_with("#[test]") || line.starts_with("proptest!") {
                is_test = true;
            }
            let Some(rest) = line.strip_prefix("fn ") else {
                continue;
            };
            if std::mem::take(&mut is_test) || is_test_file(&name) {
                let function = rest.split(['(', '<']).next().unwrap_or_default();
                numbers.extend(function.split('_').map(str::to_uppercase));
            }
        }
    }
    numbers
}

/// Breaks when a covered requirement loses its last test.
#[test]
fn house_every_covered_requirement_has_a_test_with_its_number() {
    let numbers = numbers_in_test_names();
    let missing: Vec<&str> = COVERED
        .into_iter()
        .filter(|number| !numbers.contains(*number))
        .collect();
    println!("requirements without a test: {missing:?}");
    let new: Vec<&&str> = missing
        .iter()
        .filter(|number| !WITHOUT_A_TEST.contains(number))
        .collect();
    assert!(new.is_empty(), "no test name carries the number of {new:?}");
}

/// Breaks when the state machine can meet a phase or an event that nobody thought of (invariant 8).
#[test]
fn house_the_machine_has_no_wildcard_arms() {
    let mut found = Vec::new();
    for (name, text) in rust_sources() {
        if !name.contains("redgreen-core/src/machine/") || is_test_file(&name) {
            continue;
        }
        for (number, line) in without_tests(&code_of(&text)) {
            if line.trim_start().starts_with("_ =>") {
                found.push(format!("{name}:{number}"));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Breaks when a module is added that ARCHITECTURE.md does not show to a newcomer.
#[test]
fn house_architecture_names_every_room() {
    let page = std::fs::read_to_string(top().join("ARCHITECTURE.md")).unwrap();
    let missing: BTreeSet<String> = rust_sources()
        .keys()
        .filter(|name| !is_test_file(name))
        .filter_map(|name| {
            let (crate_, path) = name.strip_prefix("crates/")?.split_once("/src/")?;
            // The rooms of a crate: its files, and the folders that hold more than one.
            let room = path.split('/').next()?.trim_end_matches(".rs");
            (!["lib", "main"].contains(&room)).then(|| format!("{crate_} {room}"))
        })
        .filter(|room| {
            let (crate_, room) = room.split_once(' ').unwrap_or_default();
            let section = page
                .split(&format!("## {crate_}\n"))
                .nth(1)
                .unwrap_or_default();
            let section = section.split("\n## ").next().unwrap_or_default();
            !section.contains(&format!("`{room}`")) && !section.contains(&format!("`{room}/`"))
        })
        .collect();
    assert!(
        missing.is_empty(),
        "give each of these a line in ARCHITECTURE.md: {missing:#?}"
    );
}

/// Breaks when ARCHITECTURE.md names a test that does not exist.
#[test]
fn house_invariants_name_tests_that_exist() {
    let page = std::fs::read_to_string(top().join("ARCHITECTURE.md")).unwrap();
    let code: Vec<String> = tracked()
        .into_iter()
        .filter(|(name, _)| name.ends_with(".rs"))
        .map(|(_, text)| text)
        .collect();
    let invariants = page.split("## Invariants\n").nth(1).unwrap_or_default();
    let invariants = invariants.split("\n## ").next().unwrap_or_default();
    assert_eq!(
        invariants.matches("\n**").count(),
        8,
        "eight invariants, each beginning with its number in bold"
    );
    for name in invariants.split('`').filter(|word| {
        word.len() > 12
            && word.contains('_')
            && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    }) {
        let function = format!("fn {name}");
        assert!(
            code.iter().any(|text| text.contains(&function)),
            "no test `{name}`"
        );
    }
}

//! What gates cost beyond the commands that they run.

use crate::measure::{Cost, Job, Ran, median, middle};
use crate::projects::{Project, text};
use crate::table::{Table, ms, ratio};
use crate::{Asked, Failed};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The most a gate may add (SPEC H3), in milliseconds.
const MOST: f64 = 50.0;

fn redgreen<'a>(asked: &Asked, project: &'a Project, arguments: &[&str]) -> Job<'a> {
    let program = text(&asked.redgreen);
    let mut argv = vec![program.as_str(), "--format", "json"];
    argv.extend(arguments);
    Job::new(&project.root, &argv)
        .with("REDGREEN_STATE_DIR", project.state.display())
        .with("REDGREEN_SHARED_CACHE", project.shared.display())
}

/// The evidence records that the printed documents name.
fn evidence(project: &Project, out: &str) -> Result<Vec<Value>, Failed> {
    let mut found = Vec::new();
    for document in serde_json::Deserializer::from_str(out).into_iter::<Value>() {
        let document = document?;
        let digest = document["evidence"]
            .as_str()
            .or(document["red"]["evidence"].as_str());
        let Some(digest) = digest.and_then(|digest| digest.strip_prefix("sha256:")) else {
            continue;
        };
        found.push(serde_json::from_slice(&std::fs::read(find(
            &project.state,
            &format!("{digest}.json"),
        )?)?)?);
    }
    Ok(found)
}

fn find(folder: &Path, name: &str) -> Result<std::path::PathBuf, Failed> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path().join("evidence").join(name);
        if path.is_file() {
            return Ok(path);
        }
    }
    Err(format!("no evidence `{name}`").into())
}

/// Milliseconds of the commands that a gate ran. GREEN runs the tests once more with changed expectations; that run is
/// not in the record and is counted like the first.
fn commands(project: &Project, ran: &Ran) -> Result<f64, Failed> {
    let mut sum = 0.0;
    for record in evidence(project, &ran.out)? {
        let is_green = record["gate"]["gate"] == "green";
        let controlled = record["gate"]["controls"]
            .as_array()
            .is_some_and(|controls| controls.len() > 1);
        for run in record["runs"].as_array().into_iter().flatten() {
            let took = run["report"]["duration_ms"].as_f64().unwrap_or(0.0);
            sum += if is_green && controlled {
                took * 2.0
            } else {
                took
            };
        }
    }
    Ok(sum)
}

#[derive(Default)]
struct Column {
    costs: Vec<Cost>,
    beyond: Vec<f64>,
}

/// pytest projects of 3, 300 and 3,000 tests.
pub fn pytest(asked: &Asked) -> Result<Table, Failed> {
    let mut table = head("Gates of a pytest project: three locked tests");
    for tests in [3, 300, 3_000] {
        let project = Project::python(asked, &format!("pytest-{tests}"), tests)?;
        let rounds = asked.rounds;
        project.plan(rounds + 1)?;
        project.commit()?;
        let python = text(&project.root.join(".venv/bin/python"));
        let mut columns: BTreeMap<&str, Column> = BTreeMap::new();
        for round in 1..=rounds + 1 {
            let file = format!("tests/test_new_{round}.py");
            let mut content = format!("from shop import f{round}\n");
            for number in 1..=3 {
                content.push_str(&format!(
                    "\n\ndef test_new_{number}():\n    assert f{round}({number}) == {}\n",
                    number + round
                ));
            }
            project.write(&file, &content)?;
            let task = format!("T{round}");
            let mut all = vec![
                ("red", redgreen(asked, &project, &["red", &task])),
                ("lock", redgreen(asked, &project, &["lock", &task])),
            ];
            for (name, job) in all.drain(..) {
                keep(&mut columns, &project, name, &job, round)?;
            }
            let source = project.root.join("src/shop/__init__.py");
            let mut code = std::fs::read_to_string(&source)?;
            code.push_str(&format!("\n\ndef f{round}(n):\n    return n + {round}\n"));
            std::fs::write(&source, code)?;
            let bare = |what: &str| {
                Job::new(
                    &project.root,
                    &[
                        &python,
                        "-m",
                        "pytest",
                        "-q",
                        "-p",
                        "no:cacheprovider",
                        what,
                    ],
                )
            };
            for (name, job) in [
                ("bare", bare(&file)),
                ("green", redgreen(asked, &project, &["green", &task])),
                ("suite", bare("tests")),
                ("check", redgreen(asked, &project, &["check", &task])),
            ] {
                keep(&mut columns, &project, name, &job, round)?;
            }
            project.commit()?;
        }
        rows(&mut table, &tests.to_string(), &columns);
    }
    notes(&mut table, asked);
    Ok(table)
}

/// A cargo package with 3 and 300 tests.
pub fn cargo(asked: &Asked) -> Result<Table, Failed> {
    let mut table = head("Gates of a cargo package: one locked test, build included");
    for tests in [3, 300] {
        let project = Project::empty(asked, &format!("cargo-{tests}"))?;
        let rounds = asked.rounds.min(3);
        project.write(".gitignore", "target/\n")?;
        project.write(
            "Cargo.toml",
            "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        )?;
        project.write(
            "Cargo.lock",
            "# This file is automatically @generated by Cargo.\n# It is not intended for manual editing.\nversion = 4\n\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\n",
        )?;
        project.write(
            "src/lib.rs",
            "pub fn price(n: u32) -> u32 {\n    n * 2\n}\n",
        )?;
        let mut text_of = String::from("use shop::price;\n");
        for number in 0..tests {
            text_of.push_str(&format!(
                "\n#[test]\nfn t{number}() {{\n    assert_eq!(price({number}), {});\n}}\n",
                number * 2
            ));
        }
        project.write("tests/old.rs", &text_of)?;
        project.plan(rounds + 1)?;
        project.commit()?;
        let mut columns: BTreeMap<&str, Column> = BTreeMap::new();
        for round in 1..=rounds + 1 {
            project.write(
                &format!("tests/new{round}.rs"),
                &format!(
                    "#[test]\nfn adds() {{\n    assert_eq!(shop::f{round}(1), {});\n}}\n",
                    1 + round
                ),
            )?;
            let task = format!("T{round}");
            for (name, job) in [
                ("red", redgreen(asked, &project, &["red", &task])),
                ("lock", redgreen(asked, &project, &["lock", &task])),
            ] {
                keep(&mut columns, &project, name, &job, round)?;
            }
            let source = project.root.join("src/lib.rs");
            let mut code = std::fs::read_to_string(&source)?;
            code.push_str(&format!(
                "pub fn f{round}(n: u32) -> u32 {{\n    n + {round}\n}}\n"
            ));
            std::fs::write(&source, code)?;
            let target = asked.work.join(format!("target-{round}"));
            let bare = |what: &[&str]| {
                let mut argv = vec!["cargo", "test", "-q", "--offline"];
                argv.extend(what);
                Job::new(&project.root, &argv).with("CARGO_TARGET_DIR", target.display())
            };
            let name = format!("new{round}");
            for (name, job) in [
                ("bare", bare(&["--test", &name])),
                ("green", redgreen(asked, &project, &["green", &task])),
            ] {
                keep(&mut columns, &project, name, &job, round)?;
            }
            _ = std::fs::remove_dir_all(&target);
            project.commit()?;
        }
        rows(&mut table, &tests.to_string(), &columns);
    }
    table.note("The bare command is `cargo test --test FILE` in an empty target folder, as in a clean checkout.");
    notes(&mut table, asked);
    Ok(table)
}

fn keep<'a>(
    columns: &mut BTreeMap<&'a str, Column>,
    project: &Project,
    name: &'a str,
    job: &Job<'_>,
    round: usize,
) -> Result<(), Failed> {
    let ran = job.run()?;
    let own = if name == "lock" {
        0.0
    } else {
        commands(project, &ran)?
    };
    // The first round warms the caches.
    if round > 1 {
        let column = columns.entry(name).or_default();
        column.costs.push(ran.cost);
        column.beyond.push(ran.cost.wall - own);
    }
    Ok(())
}

fn head(title: &str) -> Table {
    Table::new(
        title,
        &[
            "tests in the project",
            "command",
            "wall ms",
            "CPU ms",
            "beyond its commands, ms",
            "ratio to the bare tests",
        ],
    )
}

fn rows(table: &mut Table, tests: &str, columns: &BTreeMap<&str, Column>) {
    let wall = |name: &str| columns.get(name).map(|column| median(&column.costs).wall);
    for (name, shown) in [
        ("bare", "the new tests, bare"),
        ("suite", "the whole suite, bare"),
        ("red", "`redgreen red`"),
        ("lock", "`redgreen lock`"),
        ("green", "`redgreen green`"),
        ("check", "`redgreen check` (GREEN and FULL)"),
    ] {
        let Some(column) = columns.get(name) else {
            continue;
        };
        let cost = median(&column.costs);
        let beyond = middle(column.beyond.clone());
        let over = match name {
            "bare" | "suite" => String::new(),
            _ if beyond <= MOST => format!("{} (at most {MOST}: kept)", ms(beyond)),
            _ => format!("**{}** (at most {MOST}: missed)", ms(beyond)),
        };
        let against = match (name, wall("bare")) {
            ("green", Some(bare)) => ratio(cost.wall / bare, Some(3.0)),
            ("red", Some(bare)) => ratio(cost.wall / bare, None),
            _ => String::new(),
        };
        table.row(&[
            tests.to_owned(),
            shown.to_owned(),
            ms(cost.wall),
            ms(cost.cpu),
            over,
            against,
        ]);
    }
}

fn notes(table: &mut Table, asked: &Asked) {
    table.note(format!(
        "Medians of {} rounds, each a task of its own. RED runs the new tests twice; GREEN runs them once and once more \
         with changed expectations (counted as long as the first run); `check` is two gates. `lock` runs nothing.",
        asked.rounds
    ));
}

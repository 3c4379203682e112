//! The ladder that a project has configured for itself: linter, formatter, types (SPEC B6). Found by its files, run
//! check-only at full validation, each with the command that repairs what it finds.
//!
//! A tool without configuration in the project is not asked: its defaults are nobody's rule.

use super::file::Check;
use redgreen_core::id::RelPath;
use std::collections::BTreeSet;

/// One tool: the evidence that the project uses it, the check and the repair.
struct Rung<'a> {
    name: &'a str,
    used: bool,
    check: &'a [&'a str],
    fix: Option<&'a [&'a str]>,
    must_be_empty: bool,
}

impl Rung<'_> {
    fn to_check(&self) -> Check {
        let words = |list: &[&str]| list.iter().map(|&word| word.to_owned()).collect();
        Check {
            name: self.name.to_owned(),
            command: words(self.check),
            exit_code: 0,
            must_contain: None,
            must_not_contain: None,
            must_be_empty: self.must_be_empty,
            timeout: None,
            fix: self.fix.map(words),
            optional: true,
        }
    }
}

/// The checks that the files at the top level ask for. `read` returns a file's text.
#[must_use]
pub fn ladder(files: &BTreeSet<RelPath>, read: &dyn Fn(&RelPath) -> Option<String>) -> Vec<Check> {
    let there = |names: &[&str]| files.iter().any(|path| names.contains(&path.as_str()));
    let starts = |start: &str| files.iter().any(|path| path.as_str().starts_with(start));
    let text = |name: &str| {
        let path = files.iter().find(|path| path.as_str() == name)?;
        read(path)
    };
    // A section of a TOML or INI file, by its first line.
    let section = |name: &str, wanted: &str| {
        text(name).is_some_and(|text| {
            text.lines().any(|line| {
                let line = line.trim();
                let head = line.trim_start_matches('[').trim_start();
                line.starts_with('[')
                    && head.starts_with(wanted)
                    && head[wanted.len()..].starts_with(['.', ']', ' '])
            })
        })
    };
    let hook = |name: &str| {
        text(".pre-commit-config.yaml").is_some_and(|text| {
            text.lines()
                .any(|line| line.trim().trim_start_matches("- ") == format!("id: {name}"))
        })
    };
    let mypy = |text: Option<String>| {
        text.is_some_and(|text| {
            text.lines().any(|line| {
                let key = line.split('=').next().unwrap_or_default().trim();
                line.contains('=') && ["files", "packages", "modules"].contains(&key)
            })
        })
    };
    let mypy_files = ["mypy.ini", ".mypy.ini", "pyproject.toml", "setup.cfg"];
    let mypy_used = there(&["mypy.ini", ".mypy.ini"])
        || section("pyproject.toml", "tool.mypy")
        || section("setup.cfg", "mypy");
    let mypy_paths = mypy_files.iter().any(|name| mypy(text(name)));
    let ruff = there(&["ruff.toml", ".ruff.toml"]) || section("pyproject.toml", "tool.ruff");
    let ruff_format = ruff
        && (hook("ruff-format")
            || section("pyproject.toml", "tool.ruff.format")
            || section("ruff.toml", "format")
            || section(".ruff.toml", "format"));
    let clippy = there(&["clippy.toml", ".clippy.toml"])
        || section("Cargo.toml", "lints.clippy")
        || section("Cargo.toml", "workspace.lints.clippy");
    // Every Go project has gofmt; one that holds its contributors to it says so.
    let go = there(&["go.mod"]);
    let golangci = [
        ".golangci.yml",
        ".golangci.yaml",
        ".golangci.toml",
        ".golangci.json",
    ];
    let go_held = go && (there(&golangci) || hook("go-fmt") || hook("gofmt") || hook("go-vet"));
    let rungs = [
        Rung {
            name: "ruff",
            used: ruff,
            check: &["ruff", "check", "--no-cache", "."],
            fix: Some(&["ruff", "check", "--fix", "."]),
            must_be_empty: false,
        },
        Rung {
            name: "ruff format",
            used: ruff_format,
            check: &["ruff", "format", "--no-cache", "--check", "."],
            fix: Some(&["ruff", "format", "."]),
            must_be_empty: false,
        },
        Rung {
            name: "black",
            used: section("pyproject.toml", "tool.black"),
            check: &["black", "--check", "--quiet", "."],
            fix: Some(&["black", "."]),
            must_be_empty: false,
        },
        Rung {
            name: "mypy",
            used: mypy_used && (mypy_paths || starts("src/")),
            check: if mypy_paths {
                &["mypy", "--cache-dir=/dev/null"]
            } else {
                &["mypy", "--cache-dir=/dev/null", "src"]
            },
            fix: None,
            must_be_empty: false,
        },
        Rung {
            name: "pyright",
            used: there(&["pyrightconfig.json"]) || section("pyproject.toml", "tool.pyright"),
            check: &["pyright"],
            fix: None,
            must_be_empty: false,
        },
        Rung {
            name: "rustfmt",
            used: there(&["Cargo.toml"]) && there(&["rustfmt.toml", ".rustfmt.toml"]),
            check: &["cargo", "fmt", "--all", "--check"],
            fix: Some(&["cargo", "fmt", "--all"]),
            must_be_empty: false,
        },
        Rung {
            name: "clippy",
            used: there(&["Cargo.toml"]) && clippy,
            check: &["cargo", "clippy", "--workspace", "--offline", "--quiet"],
            fix: Some(&["cargo", "clippy", "--fix", "--workspace", "--allow-dirty"]),
            must_be_empty: false,
        },
        Rung {
            name: "eslint",
            used: starts("eslint.config.") || starts(".eslintrc"),
            check: &["node_modules/.bin/eslint", "."],
            fix: Some(&["node_modules/.bin/eslint", "--fix", "."]),
            must_be_empty: false,
        },
        Rung {
            name: "biome",
            used: there(&["biome.json", "biome.jsonc"]),
            check: &["node_modules/.bin/biome", "check", "."],
            fix: Some(&["node_modules/.bin/biome", "check", "--write", "."]),
            must_be_empty: false,
        },
        Rung {
            name: "tsc",
            used: there(&["tsconfig.json"]),
            check: &["node_modules/.bin/tsc", "--noEmit"],
            fix: None,
            must_be_empty: false,
        },
        Rung {
            name: "prettier",
            used: starts(".prettierrc") || starts("prettier.config."),
            check: &["node_modules/.bin/prettier", "--check", "."],
            fix: Some(&["node_modules/.bin/prettier", "--write", "."]),
            must_be_empty: false,
        },
        // gofmt ends with 0 whatever it finds: what it prints are the files.
        Rung {
            name: "gofmt",
            used: go_held,
            check: &["gofmt", "-l", "."],
            fix: Some(&["gofmt", "-w", "."]),
            must_be_empty: true,
        },
        Rung {
            name: "go vet",
            used: go_held,
            check: &["go", "vet", "./..."],
            fix: None,
            must_be_empty: false,
        },
        Rung {
            name: "staticcheck",
            used: go && there(&["staticcheck.conf"]),
            check: &["staticcheck", "./..."],
            fix: None,
            must_be_empty: false,
        },
    ];
    rungs
        .iter()
        .filter(|rung| rung.used)
        .map(Rung::to_check)
        .collect()
}

/// The checks of the file, then those of the ladder that no check of the file asks for already.
#[must_use]
pub fn with_ladder(mut own: Vec<Check>, ladder: Vec<Check>) -> Vec<Check> {
    for check in ladder {
        let tool = |check: &Check| {
            let words = check.command.iter().map(|word| {
                let name = word.rsplit('/').next().unwrap_or(word);
                name.to_owned()
            });
            words
                .filter(|word| {
                    ![
                        "run", "npx", "uv", "poetry", "python", "python3", "-m", "exec", "--",
                    ]
                    .contains(&word.as_str())
                })
                .take(2)
                .collect::<Vec<_>>()
        };
        let (mine, first) = (tool(&check), check.command.len() > 1);
        let asked = own.iter().any(|known| {
            let known = tool(known);
            known.first() == mine.first()
                && (!first
                    || !["cargo", "go", "ruff"].contains(&mine[0].as_str())
                    || known.get(1) == mine.get(1))
        });
        if !asked {
            own.push(check);
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn found(files: &[(&str, &str)]) -> Vec<Check> {
        let texts: BTreeMap<RelPath, String> = files
            .iter()
            .map(|(path, text)| (RelPath::new(*path).unwrap(), (*text).to_owned()))
            .collect();
        ladder(&texts.keys().cloned().collect(), &|path| {
            texts.get(path).cloned()
        })
    }

    fn names(files: &[(&str, &str)]) -> Vec<String> {
        found(files).into_iter().map(|check| check.name).collect()
    }

    #[test]
    fn b6_only_what_a_project_configured_is_asked() {
        assert_eq!(
            names(&[("pyproject.toml", "[project]\nname = \"a\"\n")]),
            [""; 0]
        );
        assert_eq!(
            names(&[("Cargo.toml", "[package]\n"), ("package.json", "{}")]),
            [""; 0]
        );
        for (files, wanted) in [
            (
                &[("pyproject.toml", "[tool.ruff]\nline-length = 100\n")][..],
                &["ruff"][..],
            ),
            (
                &[(
                    "pyproject.toml",
                    "[tool.ruff.lint]\nselect = []\n[tool.ruff.format]\n",
                )],
                &["ruff", "ruff format"],
            ),
            (
                &[
                    ("ruff.toml", ""),
                    (".pre-commit-config.yaml", "  - id: ruff-format\n"),
                ],
                &["ruff", "ruff format"],
            ),
            (
                &[("pyproject.toml", "[tool.mypy]\nfiles = [\"a\"]\n")],
                &["mypy"],
            ),
            (&[("mypy.ini", "[mypy]\n"), ("src/a.py", "")], &["mypy"]),
            (&[("mypy.ini", "[mypy]\n"), ("a.py", "")], &[]),
            (
                &[
                    ("Cargo.toml", ""),
                    ("rustfmt.toml", ""),
                    ("clippy.toml", ""),
                ],
                &["rustfmt", "clippy"],
            ),
            (&[("Cargo.toml", "[lints.clippy]\n")], &["clippy"]),
            (
                &[
                    ("eslint.config.mjs", ""),
                    ("tsconfig.json", "{}"),
                    (".prettierrc", ""),
                ],
                &["eslint", "tsc", "prettier"],
            ),
            (&[("go.mod", "")], &[]),
            (
                &[("go.mod", ""), (".golangci.yml", "")],
                &["gofmt", "go vet"],
            ),
        ] {
            assert_eq!(names(files), wanted, "{files:?}");
        }
    }

    #[test]
    fn b6_a_check_of_the_file_replaces_the_rung_with_its_tool() {
        let rungs = found(&[
            ("Cargo.toml", "[lints.clippy]\n"),
            ("rustfmt.toml", ""),
            ("ruff.toml", ""),
        ]);
        let own = |command: &[&str]| Check {
            command: command.iter().map(|&word| word.to_owned()).collect(),
            optional: false,
            ..rungs[0].clone()
        };
        let all = with_ladder(
            vec![
                own(&["cargo", "clippy", "--", "-D", "warnings"]),
                own(&["uv", "run", "ruff", "check"]),
            ],
            rungs.clone(),
        );
        let commands: Vec<String> = all.iter().map(|check| check.command.join(" ")).collect();
        assert_eq!(
            commands,
            [
                "cargo clippy -- -D warnings",
                "uv run ruff check",
                "cargo fmt --all --check"
            ]
        );
    }
}

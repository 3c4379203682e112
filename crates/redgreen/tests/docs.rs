//! What the documents say is what the program does.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

use clap::Parser as _;
use redgreen::cli::Cli;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn read(name: &str) -> String {
    std::fs::read_to_string(top().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What a command printed and how it ended.
#[derive(Debug)]
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

/// A repository with its own private state, and nothing of the person who runs the tests.
struct Sandbox {
    folder: tempfile::TempDir,
}

impl Sandbox {
    /// A library without dependencies, committed.
    fn new() -> Self {
        let sandbox = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir_all(sandbox.repository().join("src")).unwrap();
        std::fs::write(
            sandbox.folder.path().join("gitconfig"),
            "[user]\nname = Ann\nemail = ann@example.org\n[init]\ndefaultBranch = main\n",
        )
        .unwrap();
        sandbox.write(
            "Cargo.toml",
            "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        );
        sandbox.write(
            "Cargo.lock",
            "version = 3\n\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\n",
        );
        sandbox.write(".gitignore", "/target\n");
        sandbox.write("src/lib.rs", "/// The sum of prices.\npub fn total(prices: &[u32]) -> u32 {\n    prices.iter().sum()\n}\n");
        sandbox.write(
            "tests/total.rs",
            "#[test]\nfn adds() {\n    assert_eq!(shop::total(&[1, 2]), 3);\n}\n",
        );
        sandbox.must("git", &["init", "--quiet"]);
        sandbox.commit("start");
        sandbox
    }
    fn repository(&self) -> PathBuf {
        self.folder.path().join("shop")
    }
    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }
    fn write(&self, name: &str, text: &str) {
        let path = self.repository().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    fn commit(&self, message: &str) {
        self.must("git", &["add", "--all"]);
        self.must("git", &["commit", "--quiet", "--message", message]);
    }
    fn run(&self, program: &str, arguments: &[&str]) -> Ran {
        let binary = Path::new(env!("CARGO_BIN_EXE_redgreen"));
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new(if program == "redgreen" {
            binary.as_os_str()
        } else {
            program.as_ref()
        })
        .args(arguments)
        .current_dir(self.repository())
        .env(
            "PATH",
            format!("{}:{path}", binary.parent().unwrap().display()),
        )
        .env("REDGREEN_STATE_DIR", self.state())
        .env("GIT_CONFIG_GLOBAL", self.folder.path().join("gitconfig"))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("GIT_DIR")
        .env_remove("GIT_INDEX_FILE")
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("`{program}` cannot be started: {error}"));
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
    fn must(&self, program: &str, arguments: &[&str]) -> String {
        let ran = self.run(program, arguments);
        assert_eq!(
            ran.code, 0,
            "{program} {arguments:?}:\n{}{}",
            ran.stdout, ran.stderr
        );
        ran.stdout
    }
    /// Lets a test for `discounted` appear, uncommitted.
    fn add_red_test(&self) {
        self.write(
            "tests/discount.rs",
            "#[test]\nfn ten_percent_off() {\n    assert_eq!(shop::discounted(200, 10), 180);\n}\n",
        );
    }
    fn implement(&self) {
        let text = std::fs::read_to_string(self.repository().join("src/lib.rs")).unwrap();
        let code = "\n/// A price with a discount in percent.\npub fn discounted(price: u32, percent: u32) -> u32 {\n    price - price * percent / 100\n}\n";
        self.write("src/lib.rs", &format!("{text}{code}"));
    }
}

fn document(name: &str) -> String {
    let sandbox = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_redgreen"))
        .args(["__reference", name])
        .current_dir(sandbox.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn schema(name: &str) -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(&read(&format!("schemas/{name}.json"))).unwrap();
    jsonschema::draft202012::meta::validate(&schema)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    jsonschema::validator_for(&schema).unwrap()
}

fn fits(name: &str, value: &Value) {
    let validator = schema(name);
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{value:#}");
}

/// Every committed document that people read.
fn pages() -> BTreeMap<String, String> {
    let list = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            "--",
            "*.md",
        ])
        .current_dir(top())
        .output()
        .unwrap();
    String::from_utf8(list.stdout)
        .unwrap()
        .split('\0')
        .filter(|name| !name.is_empty() && !name.contains("/src/") && !name.contains("/prompts/"))
        .filter(|name| top().join(name).is_file())
        .map(|name| (name.to_owned(), read(name)))
        .collect()
}

/// The fenced blocks of a page with their language.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(language)) => open = Some((language.trim().to_owned(), String::new())),
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some((_, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

/// Breaks when the code changes and `scripts/reference` was not run.
#[test]
fn g1_generated_documents_are_current() {
    let list = document("list");
    assert!(list.lines().count() >= 11, "{list}");
    for line in list.lines() {
        let (name, file) = line.split_once(' ').unwrap();
        assert!(
            read(file) == document(name),
            "`{file}` is not current: type scripts/reference"
        );
    }
}

/// Breaks when the README's table of exit codes and the code differ.
#[test]
fn g3_the_readme_has_every_exit_code() {
    let readme = read("README.md");
    for code in redgreen_core::exit::ExitCode::ALL {
        let row = format!("| {} | {} |", code.code(), code.meaning());
        assert!(readme.contains(&row), "the README lacks `{row}`");
    }
}

/// Breaks when a document shows a command that the program does not take.
#[test]
fn g1_every_documented_command_line_is_accepted() {
    let mut seen = 0;
    for (name, page) in pages() {
        if name.starts_with("docs/reference/") {
            continue;
        }
        for (_, text) in blocks(&page)
            .into_iter()
            .filter(|(language, _)| language == "console" || language == "sh")
        {
            for line in text.lines() {
                let line = line.trim().trim_start_matches("$ ");
                let line = line.split(" # ").next().unwrap_or_default();
                for command in line
                    .split(" && ")
                    .filter(|command| command.starts_with("redgreen "))
                {
                    let command = command.split(" | ").next().unwrap_or_default().trim();
                    let words = shell_words::split(command)
                        .unwrap_or_else(|error| panic!("{name}: {command}: {error}"));
                    if let Err(error) = Cli::try_parse_from(words) {
                        let shows_help = !error.use_stderr();
                        assert!(shows_help, "{name}: `{command}`:\n{error}");
                    }
                    seen += 1;
                }
            }
        }
    }
    assert!(
        seen > 30,
        "only {seen} commands were found: is this test still looking at the right blocks?"
    );
}

/// Breaks when a document points to a file or a heading that is not there.
#[test]
fn house_links_between_documents_lead_somewhere() {
    let mut wrong = Vec::new();
    for (name, page) in pages() {
        let folder = Path::new(&name).parent().unwrap().to_owned();
        for target in page
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if target.contains("://") || target.contains(' ') {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() {
                top().join(&name)
            } else {
                top().join(&folder).join(file)
            };
            if !path.exists() {
                wrong.push(format!("{name}: {target}"));
                continue;
            }
            if !anchor.is_empty() {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                let headings: BTreeSet<String> = text
                    .lines()
                    .filter(|line| line.starts_with('#'))
                    .map(|line| {
                        line.trim_start_matches('#')
                            .trim()
                            .to_lowercase()
                            .chars()
                            .filter(|c| c.is_alphanumeric() || *c == ' ' || *c == '-' || *c == '_')
                            .map(|c| if c == ' ' { '-' } else { c })
                            .collect()
                    })
                    .collect();
                if !headings.contains(anchor) {
                    wrong.push(format!("{name}: {target} (no such heading)"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Breaks when a page mentions a reason code, cause or schema in a wrong spelling.
#[test]
fn g1_error_words_in_documents_exist() {
    let codes: BTreeSet<&str> = redgreen_core::reason::ReasonCode::ALL
        .iter()
        .map(|code| code.as_str())
        .collect();
    for (name, page) in pages() {
        for word in page
            .split("error[")
            .skip(1)
            .filter_map(|rest| rest.split(']').next())
        {
            assert!(codes.contains(word), "{name}: there is no reason `{word}`");
        }
    }
}

/// The transcript without what differs between two runs: commits and seconds.
fn scrubbed(text: &str) -> Vec<String> {
    let is_commit = |word: &str| word.len() == 7 && word.chars().all(|c| c.is_ascii_hexdigit());
    text.lines()
        .map(|line| {
            let mut line: Vec<&str> = line.split(' ').collect();
            for word in &mut line {
                if is_commit(word) {
                    *word = "COMMIT_";
                }
            }
            let counted = line.len() - usize::from(line.last() == Some(&"s"));
            if counted < line.len() && line[counted - 1].parse::<u32>().is_ok() {
                line[counted - 1] = "N";
            }
            line.join(" ").trim_end().to_owned()
        })
        // How the folder and the report are called depends on `--keep`.
        .filter(|line| {
            !["Sample project", "Report:", "The sample"]
                .iter()
                .any(|begin| line.starts_with(begin))
        })
        .collect()
}

/// Breaks when the demonstration tells another story than the README.
#[test]
fn g11_the_readme_shows_the_demonstration() {
    let readme = read("README.md");
    let shown = readme
        .split("<!-- demo:")
        .nth(1)
        .and_then(|rest| rest.split("<!-- /demo -->").next());
    let (_, shown) = blocks(shown.unwrap()).into_iter().next().unwrap();
    let shown = shown.strip_prefix("$ redgreen demo\n").unwrap();
    let snapshot = read("crates/redgreen/tests/snapshots/demo__story.snap");
    let story = snapshot.splitn(3, "---\n").nth(2).unwrap();
    assert_eq!(
        scrubbed(shown),
        scrubbed(story.trim_end()),
        "put a new transcript into the README"
    );
}

/// Breaks when the plan that the README shows is not valid.
#[test]
fn a1_the_plan_in_the_readme_is_valid() {
    let readme = read("README.md");
    let (_, text) = blocks(&readme)
        .into_iter()
        .find(|(language, _)| language == "json")
        .unwrap();
    let plan: Value = serde_json::from_str(&text).unwrap();
    fits("plan", &plan);
    redgreen_formats::plan_file::parse(text.as_bytes()).unwrap();
}

/// Breaks when the schema of plans names a field that the reader does not know.
#[test]
fn a1_the_schema_of_plans_names_the_fields_that_are_read() {
    let schema: Value = serde_json::from_str(&read("schemas/plan.json")).unwrap();
    let misspelt = |place: &str, field: &str| {
        let mut plan = json!({"name": "n", "tasks": [{"id": "T1", "name": "n", "criteria": "c"}]});
        let object = plan.pointer_mut(place).unwrap().as_object_mut().unwrap();
        object.insert(format!("{field}_"), json!("x"));
        redgreen_formats::plan_file::parse(plan.to_string().as_bytes())
    };
    for (place, definition) in [("", &schema), ("/tasks/0", &schema["$defs"]["task"])] {
        for field in definition["properties"].as_object().unwrap().keys() {
            let problems = misspelt(place, field).expect_err(field).to_string();
            assert!(
                problems.contains(&format!("did you mean `{field}`")),
                "{field}: {problems}"
            );
        }
    }
    // And what the reader refuses, the schema refuses, too.
    for plan in [
        json!({"tasks": []}),
        json!({"name": 1, "tasks": []}),
        json!({"name": "n", "tasks": [{"id": "T1"}]}),
    ] {
        assert!(!self::schema("plan").is_valid(&plan), "{plan}");
        assert!(
            redgreen_formats::plan_file::parse(plan.to_string().as_bytes()).is_err(),
            "{plan}"
        );
    }
}

/// Breaks when the schema of the journal and the reader of events have different lists.
#[test]
fn g5_the_schema_of_the_journal_names_every_event() {
    let schema: Value = serde_json::from_str(&read("schemas/journal.json")).unwrap();
    let mut named: Vec<&str> = schema
        .pointer("/properties/data/properties/event/oneOf")
        .and_then(Value::as_array)
        .unwrap()
        .iter()
        .map(|event| {
            event
                .pointer("/properties/type/const")
                .and_then(Value::as_str)
                .unwrap()
        })
        .collect();
    let unknown = r#"{"v":1,"event":{"type":"no_such_event","data":{}}}"#;
    let error = redgreen_formats::wire::decode(unknown)
        .unwrap_err()
        .to_string();
    let list = error.split("expected one of ").nth(1).unwrap_or_default();
    let mut read: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
    named.sort_unstable();
    read.sort_unstable();
    assert!(read.len() > 10, "{error}");
    assert_eq!(named, read);
}

/// Breaks when what `init` writes does not have the form of the published schema, or when the schema lets a wrong key by.
#[test]
fn g4_what_init_writes_has_the_form_of_its_schema() {
    let sandbox = Sandbox::new();
    sandbox.must("redgreen", &["init", "--no-probe"]);
    let text = std::fs::read_to_string(sandbox.repository().join("redgreen.toml")).unwrap();
    let config: Value = toml::from_str(&text).unwrap();
    fits("config", &config);
    let named = json!({"version": 1, "runner": {"api": {"kind": "pytest", "root": "api"}, "web": {"kind": "cargo-test"}}});
    fits("config", &named);
    assert!(!schema("config").is_valid(&json!({"vresion": 1})));
    assert!(!schema("config").is_valid(&json!({"paths": {"test": ["a"]}})));
}

/// Breaks when the documents of the gates, or the lock record, leave their schemas; walks the README's five minutes.
#[test]
fn g2_gates_and_locks_by_hand_have_the_form_of_their_schemas() {
    let sandbox = Sandbox::new();
    let gate = |arguments: &[&str], code: i32, verdict: &str| {
        let mut all = vec!["--format", "json"];
        all.extend(arguments);
        let ran = sandbox.run("redgreen", &all);
        assert_eq!(ran.code, code, "{ran:#?}");
        let value: Value =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:#?}"));
        fits("gate", &value);
        assert_eq!(value["verdict"], verdict, "{value:#}");
    };
    gate(&["red"], 10, "fail");
    sandbox.add_red_test();
    gate(&["red", "T1"], 0, "pass");
    sandbox.must("redgreen", &["lock", "T1"]);
    let record =
        std::fs::read_to_string(sandbox.repository().join(".redgreen/locks/T1.json")).unwrap();
    fits("lock", &serde_json::from_str(&record).unwrap());
    gate(&["green", "T1"], 10, "fail");
    sandbox.implement();
    gate(&["green", "T1"], 0, "pass");
    gate(&["full", "T1"], 0, "pass");
    let locked = std::fs::read_to_string(sandbox.repository().join("tests/discount.rs")).unwrap();
    sandbox.write(
        "tests/discount.rs",
        &locked.replace("180", "shop::discounted(200, 10)"),
    );
    gate(&["green", "T1"], 13, "rejected");
}

/// Breaks when a line of a real journal leaves its schema, or when a plan that ran does.
#[test]
fn g5_the_journal_of_a_run_has_the_form_of_its_schema() {
    let sandbox = Sandbox::new();
    let plan = json!({"name": "shop", "tasks": [{"id": "T1", "name": "discounts", "criteria": "discounted(200, 10) is 180"}]});
    sandbox.write("docs/plans/shop.json", &format!("{plan:#}\n"));
    sandbox.commit("plan");
    let agent = sandbox.folder.path().join("agent.sh");
    let script = r#"cat >/dev/null
case "$REDGREEN_ROLE" in
author) printf '#[test]\nfn ten_percent_off() {\n    assert_eq!(shop::discounted(200, 10), 180);\n}\n' >tests/discount.rs ;;
implementer) printf 'pub fn discounted(price: u32, percent: u32) -> u32 {\n    price - price * percent / 100\n}\n' >>src/lib.rs ;;
esac
"#;
    std::fs::write(&agent, script).unwrap();
    let command = format!("/bin/sh {}", agent.display());
    let ran = sandbox.run("redgreen", &["run", "--yes", "--agent", &command]);
    assert_eq!(ran.code, 0, "{ran:#?}");
    let own = std::fs::read_dir(sandbox.state())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let journal = std::fs::read_to_string(own.join("journals/shop.jsonl")).unwrap();
    assert!(journal.lines().count() > 10, "{journal}");
    for line in journal.lines() {
        fits("journal", &serde_json::from_str(line).unwrap());
    }
    let text = std::fs::read_to_string(sandbox.repository().join("docs/plans/shop.json")).unwrap();
    let plan: Value = serde_json::from_str(&text).unwrap();
    fits("plan", &plan);
    assert_eq!(plan["status"], "COMPLETE");
}

/// Breaks when the uninstall note of the README leaves something behind, or does not work.
#[test]
fn g11_the_uninstall_note_leaves_an_ordinary_repository() {
    let sandbox = Sandbox::new();
    sandbox.must("redgreen", &["init", "--no-probe"]);
    sandbox.commit("redgreen");
    sandbox.add_red_test();
    sandbox.must("redgreen", &["lock", "T1"]);
    sandbox.must("git", &["update-ref", "refs/heads/redgreen/shop", "HEAD"]);
    sandbox.must("git", &["update-ref", "refs/redgreen/shop/T1/lock", "HEAD"]);
    let readme = read("README.md");
    let section = readme
        .split("## Uninstall")
        .nth(1)
        .unwrap()
        .split("\n## ")
        .next()
        .unwrap();
    let (_, commands) = blocks(section).into_iter().next().unwrap();
    let commands = commands.replace("cargo uninstall redgreen", "true");
    sandbox.must("sh", &["-e", "-c", &commands]);
    sandbox.commit("without redgreen");
    let refs = sandbox.must("git", &["for-each-ref", "--format=%(refname)"]);
    assert_eq!(refs.trim(), "refs/heads/main");
    let left: Vec<_> = std::fs::read_dir(sandbox.state()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    let files = sandbox.must("git", &["ls-files"]);
    assert!(!files.contains("redgreen"), "{files}");
    // The test that was locked is still an ordinary test.
    sandbox.implement();
    sandbox.must(env!("CARGO"), &["test", "--quiet", "--offline"]);
}

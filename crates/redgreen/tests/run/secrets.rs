//! Planted secrets appear nowhere in what redgreen keeps, sends or prints (SPEC C8): every file below private state is
//! searched byte by byte, and every git object that lies under `refs/redgreen/` as git unpacks it.

use crate::support::{Ended, Project, plan, right_test, source, task};
use serde_json::json;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// In a variable whose name says what it is.
const OF_NAME: &str = "of-name-7f3a9c21d4";
/// In a variable that `[secrets] environment` declares.
const DECLARED: &str = "of-declaration-55e1";
/// A token's form, in no variable at all.
const TOKEN: &str = "ghp_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789";

fn halves(text: &str) -> (&str, &str) {
    text.split_at(text.len() / 2)
}

/// Rust that makes the value at run time: no file of the project holds it.
fn made(text: &str) -> String {
    let (one, two) = halves(text);
    format!("format!(\"{{}}{{}}\", \"{one}\", \"{two}\")")
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => files_below(&entry.path(), found),
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
}

fn leaks(bytes: &[u8]) -> Vec<&'static str> {
    [OF_NAME, DECLARED, TOKEN]
        .into_iter()
        .filter(|secret| {
            bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes())
        })
        .collect()
}

fn run(project: &Project, arguments: &[&str]) -> Ended {
    let output = project
        .binary(arguments)
        .env("PAYMENTS_TOKEN", OF_NAME)
        .env("HARMLESS_LOOKING", DECLARED)
        .output()
        .unwrap();
    output.into()
}

#[test]
fn c8_planted_secrets_appear_in_nothing_that_redgreen_writes() {
    let described = json!({"description": format!("uses {OF_NAME} and {TOKEN}"),
        "dod": [format!("AC-1: a::double(2) is 4, as {DECLARED} says")]});
    let project = Project::with_config(
        &plan(&[task("T1", "a", described), task("T2", "b", json!({}))]),
        "environment = [\"PAYMENTS_TOKEN\"]\n\n[secrets]\nenvironment = [\"HARMLESS_LOOKING\"]\n\n[limits]\nimplementer_retries = 1\n",
    );
    let start = project.git(&["rev-parse", "HEAD"]);
    let (name, declared, token) = (made(OF_NAME), made(DECLARED), made(TOKEN));
    let test = format!(
        "mkdir -p tests; cat >tests/a.rs <<'RUST'\nuse sums::a::double;\n#[test]\nfn doubles() {{\n    \
         println!(\"printed {{}} {{}} {{}}\", {name}, {declared}, {token});\n    \
         assert_eq!(double(2), 4, \"as {{}} and {{}} and {{}}\", {name}, {declared}, {token});\n}}\nRUST\n"
    );
    let (one, two) = halves(TOKEN);
    let talk =
        format!("echo \"{one}\"\"{two}\" $PAYMENTS_TOKEN; printf '%s%s' '{one}' '{two}' >&2\n");
    project.agent(&[
        ("author-T1-*", talk.clone() + &test),
        // Wrong first, so that the failure with its message goes into a prompt; for ever in T2.
        ("implementer-T1-1", talk.clone() + &source("a", "n * 3")),
        ("author-T2-*", right_test("b")),
        ("implementer-T2-*", talk + &source("b", "n * 3")),
    ]);
    let mut printed = vec![run(&project, &["run", "-v"])];
    assert_ne!(printed[0].code, 0, "T2 halts: {}", printed[0].all());
    assert!(project.gates("T1").contains(&"green fail".to_owned()));
    for arguments in [
        &["report"][..],
        &["report", "--kind", "json"],
        &["report", "--kind", "junit"],
        &["status"],
        &["log"],
        &["show", "T1"],
        &["show", "T1", "--format", "json"],
        &["plan", "show"],
        &["locks", "show", "T1"],
        &["locks", "show", "T1", "--format", "json"],
        &["next"],
        &["check", &format!("T1-{OF_NAME}")],
        &["explain", TOKEN],
    ] {
        printed.push(run(&project, arguments));
    }
    for ended in &printed {
        assert_eq!(
            leaks(ended.all().as_bytes()),
            Vec::<&str>::new(),
            "{}",
            ended.all()
        );
    }
    // What was taken out is said.
    assert!(project.journal().contains("[redacted PAYMENTS_TOKEN]"));
    assert!(project.journal().contains("[redacted GitHub token]"));

    let mut files = Vec::new();
    files_below(&project.root().join("state"), &mut files);
    files_below(&project.root().join("side"), &mut files);
    for folder in ["journals", "evidence", "logs", "manifests", "reports"] {
        let is_there = |file: &PathBuf| {
            file.strip_prefix(project.state())
                .is_ok_and(|file| file.starts_with(folder))
        };
        assert!(
            files.iter().any(is_there),
            "nothing was written to {folder}"
        );
    }
    for file in files {
        // Clones are copies of the user's files, and the plan with its planted text is one of them.
        if file.ends_with("docs/plans/doubles.json") {
            continue;
        }
        let bytes = fs::read(&file).unwrap();
        assert_eq!(leaks(&bytes), Vec::<&str>::new(), "{}", file.display());
    }

    let listed = project.git(&[
        "rev-list",
        "--objects",
        "--all",
        "--glob=refs/redgreen",
        &format!("^{start}"),
    ]);
    let plain = project.git(&["for-each-ref", "--format=%(objectname)", "refs/redgreen"]);
    let mut objects: Vec<&str> = listed
        .lines()
        .chain(plain.lines())
        .filter_map(|line| line.split(' ').next())
        .collect();
    objects.sort_unstable();
    objects.dedup();
    assert!(objects.len() > 10, "{objects:?}");
    let mut cat = std::process::Command::new("git")
        .args(["cat-file", "--batch"])
        .current_dir(project.repo())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = cat.stdin.take().unwrap();
    let names = objects.join("\n") + "\n";
    let writer = std::thread::spawn(move || stdin.write_all(names.as_bytes()).unwrap());
    let unpacked = cat.wait_with_output().unwrap().stdout;
    writer.join().unwrap();
    assert!(
        unpacked.windows(4).any(|window| window == b"T1.j"),
        "a lock tree is among them"
    );
    assert_eq!(leaks(&unpacked), Vec::<&str>::new());
}

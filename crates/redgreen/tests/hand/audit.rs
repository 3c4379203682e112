//! `redgreen audit` on histories that never heard of redgreen (SPEC C9).

use super::support::{Hand, Out};
use serde_json::Value;
use std::process::Command;

const TOTAL: &str = "\n\ndef total(list):\n    return sum(price(n) for n in list)\n";
const TOTAL_TEST: &str =
    "from shop import total\n\n\ndef test_total():\n    assert total([1, 2]) == 6\n";

/// The change whose last commit has this subject.
#[track_caller]
fn change(out: &Out, subject: &str) -> Value {
    out.json()["changes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|change| {
            let commits = change["commits"].as_array().unwrap();
            commits.last().unwrap()["subject"] == subject
        })
        .cloned()
        .unwrap_or_else(|| panic!("no change `{subject}`: {out:#?}"))
}

#[track_caller]
fn status(change: &Value, test: &str) -> String {
    change["tests"]
        .as_array()
        .unwrap()
        .iter()
        .find(|known| known["test"].as_str().unwrap().ends_with(test))
        .unwrap_or_else(|| panic!("no test `{test}`: {change:#}"))["status"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn kinds(change: &Value) -> Vec<String> {
    change["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["kind"].as_str().unwrap().to_owned())
        .collect()
}

fn fits(document: &Value) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/audit.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
}

#[test]
fn c9_every_kind_of_commit_is_told_what_it_is_worth() {
    let hand = Hand::python();
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.append("src/shop/__init__.py", TOTAL);
    hand.commit("a total");
    hand.append(
        "tests/test_price.py",
        "\n\ndef test_price_of_nothing():\n    assert price(0) == 0\n",
    );
    hand.append("src/shop/__init__.py", "\n\ndef tax(n):\n    return n\n");
    hand.commit("tax without a test of it");
    hand.write("README.md", "shop\n");
    hand.commit("words");
    hand.append("src/shop/__init__.py", "\n# nothing but a comment\n");
    hand.commit("a comment");
    hand.append(
        "src/shop/__init__.py",
        "\n\ndef discount(n):\n    return n\n",
    );
    hand.commit("no test at all");
    hand.append(
        "tests/test_price.py",
        "\n\ndef test_wrong():\n    assert price(1) == 3\n",
    );
    hand.append("src/shop/__init__.py", "\n\ndef half(n):\n    return n\n");
    hand.commit("fails");
    let text = hand
        .read("tests/test_price.py")
        .replace("def test_price():", "@pytest.mark.skip\ndef test_price():");
    hand.write("tests/test_price.py", &format!("import pytest\n{text}"));
    hand.remove("tests/test_total.py");
    hand.commit("skips and removes");
    let out = hand.rg(&["audit", "HEAD~7.."]).ends(10);
    fits(&out.json());

    let total = change(&out, "a total");
    assert_eq!(total["verdict"], "bites");
    assert_eq!(status(&total, "test_total"), "bites");
    let tax = change(&out, "tax without a test of it");
    assert_eq!(tax["verdict"], "does_not_bite");
    assert_eq!(status(&tax, "test_price_of_nothing"), "does_not_bite");
    assert_eq!(tax["tests"].as_array().unwrap().len(), 1, "{tax:#}");
    assert_eq!(change(&out, "words")["verdict"], "no_code");
    assert_eq!(change(&out, "a comment")["verdict"], "no_code");
    let none = change(&out, "no test at all");
    assert_eq!(none["verdict"], "no_test");
    assert_eq!(none["source"][0], "src/shop/__init__.py");
    let fails = change(&out, "fails");
    assert_eq!(fails["verdict"], "fails_with_it");
    assert_eq!(status(&fails, "test_wrong"), "fails_with_it");
    let skips = change(&out, "skips and removes");
    assert_eq!(kinds(&skips), ["skip_added", "test_removed"]);
    assert_eq!(status(&skips, "test_price"), "skipped");
    // Only what can say something is run: two sides of two changes, again what failed by chance or not.
    let runs = out.json()["runs"]["commands"].as_u64().unwrap();
    assert!(runs <= 8, "{runs}");

    // A second audit of the same content runs nothing.
    let again = hand.rg(&["audit", "HEAD~7.."]).ends(10);
    let json = again.json();
    assert_eq!(json["runs"]["commands"], 0);
    assert_eq!(json["totals"], out.json()["totals"]);
    // Ten lines for a person, the failing one among them.
    let human = hand.plain(&["audit", "HEAD~7.."]).ends(10);
    assert!(human.stdout.lines().count() <= 16, "{}", human.stdout);
    assert!(human.stdout.contains("test_wrong"), "{}", human.stdout);
}

#[test]
fn c9_tests_and_code_in_neighbouring_commits_belong_together() {
    let hand = Hand::python();
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.commit("the test first");
    hand.append("src/shop/__init__.py", TOTAL);
    hand.commit("then the code");
    hand.append(
        "src/shop/__init__.py",
        "\n\ndef tax(n):\n    return n + 1\n",
    );
    hand.commit("code first");
    hand.write(
        "tests/test_tax.py",
        "from shop import tax\n\n\ndef test_tax():\n    assert tax(1) == 2\n",
    );
    hand.commit("then its test");
    let out = hand.rg(&["audit", "HEAD~4.."]).ends(0);
    let changes = out.json()["changes"].as_array().unwrap().clone();
    assert_eq!(changes.len(), 2, "{changes:#?}");
    for change in &changes {
        assert_eq!(change["verdict"], "bites");
        assert_eq!(change["commits"].as_array().unwrap().len(), 2);
    }
    // As one change, the way a pull request is merged.
    hand.git(&["branch", "base", "HEAD~4"]);
    let out = hand.rg(&["audit", "--merge-base", "base"]).ends(0);
    let json = out.json();
    assert_eq!(json["changes"].as_array().unwrap().len(), 1);
    assert_eq!(json["totals"]["tests"], serde_json::json!([["bites", 2]]));
}

#[test]
fn c9_inline_tests_of_rust_are_split_by_item() {
    let hand = Hand::rust();
    hand.write(
        "src/lib.rs",
        "pub fn price(n: u32) -> u32 {\n    n * 3\n}\n\npub fn tax(n: u32) -> u32 {\n    n + 1\n}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn triples() {\n        assert_eq!(price(2), 6);\n    }\n\n    #[test]\n    fn nothing_costs_nothing() {\n        assert_eq!(price(0), 0);\n    }\n}\n",
    );
    hand.commit("three times");
    let out = hand.rg(&["audit", "HEAD"]).ends(0);
    let change = change(&out, "three times");
    assert_eq!(change["verdict"], "bites");
    assert_eq!(status(&change, "tests::triples"), "bites");
    assert_eq!(
        status(&change, "tests::nothing_costs_nothing"),
        "does_not_bite"
    );
    assert_eq!(kinds(&change), ["test_removed"]);
}

#[test]
fn c9_the_policy_is_that_of_the_base() {
    let hand = Hand::python_with(&[(
        "redgreen.toml",
        "version = 1\n\n[audit]\nfail_on = [\"no_test\"]\n",
    )]);
    hand.write("redgreen.toml", "version = 1\n\n[audit]\nfail_on = []\n");
    hand.append("src/shop/__init__.py", TOTAL);
    hand.commit("looser, and no test");
    let out = hand.rg(&["audit", "HEAD"]).ends(10);
    let json = out.json();
    assert_eq!(json["policy"]["fail_on"], serde_json::json!(["no_test"]));
    assert!(
        json["policy"]["origin"]
            .as_str()
            .unwrap()
            .starts_with("redgreen.toml of ")
    );
    // The next change is judged by what is there then.
    hand.append("src/shop/__init__.py", "\n\ndef tax(n):\n    return n\n");
    hand.commit("no test again");
    hand.rg(&["audit", "HEAD"]).ends(0);
    hand.rg(&["audit", "HEAD", "--fail-on", "no_test"]).ends(10);
    hand.rg(&["audit", "HEAD", "--fail-on", "no_tests"])
        .ends(2)
        .says("there are: does_not_bite");
}

#[test]
fn c9_without_a_runner_or_with_half_a_history_the_next_step_is_named() {
    let hand = Hand::with(&[("a.txt", "a\n")]);
    hand.write("a.txt", "b\n");
    hand.commit("b");
    hand.rg(&["audit"])
        .ends(15)
        .says("no test runner was found here");
    hand.rg(&["audit", "nothing..HEAD"])
        .ends(2)
        .says("there is no range");
    let hand = Hand::python();
    hand.append("src/shop/__init__.py", TOTAL);
    hand.commit("a total");
    let shallow = hand.root.parent().unwrap().join("shallow");
    let cloned = Command::new("git")
        .args(["clone", "-q", "--depth", "1"])
        .arg(format!("file://{}", hand.root.display()))
        .arg(&shallow)
        .status()
        .unwrap();
    assert!(cloned.success());
    let here = shallow.display().to_string();
    for range in ["HEAD", "HEAD~1..", "origin/main~1.."] {
        hand.rg(&["-C", &here, "audit", range])
            .ends(15)
            .says("git fetch --unshallow");
    }
}

#[test]
fn c9_a_weakened_assertion_is_named_with_both_lines() {
    let hand = Hand::python();
    let text = hand.read("tests/test_price.py");
    hand.write(
        "tests/test_price.py",
        &text.replace("assert price(2) == 4", "assert price(2) > 0"),
    );
    hand.append("src/shop/__init__.py", "\n\ndef tax(n):\n    return n\n");
    hand.commit("weaker");
    let out = hand.rg(&["audit", "HEAD"]).ends(0);
    let change = change(&out, "weaker");
    assert_eq!(kinds(&change), ["weakened"]);
    let finding = &change["findings"][0];
    assert_eq!(finding["path"], "tests/test_price.py");
    assert_eq!(finding["line"], 5);
    assert_eq!(finding["before"], "assert price(2) == 4");
    hand.rg(&["audit", "HEAD", "--fail-on", "weakened"])
        .ends(10);
}

#[test]
fn c9_reports_are_written_for_people_and_machines() {
    let hand = Hand::python();
    hand.append(
        "tests/test_price.py",
        "\n\ndef test_wrong():\n    assert price(1) == '</script><b>'\n",
    );
    hand.append("src/shop/__init__.py", "\n\ndef tax(n):\n    return n\n");
    hand.commit("fails <script>");
    let reports = hand.root.parent().unwrap().join("reports");
    let folder = reports.display().to_string();
    hand.plain(&["audit", "HEAD", "--reports", &folder])
        .ends(10);
    let read = |name: &str| std::fs::read_to_string(reports.join(name)).unwrap();
    fits(&serde_json::from_str(&read("audit.json")).unwrap());
    let sarif: Value = serde_json::from_str(&read("audit.sarif")).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "fails_with_it");
    assert_eq!(result["level"], "error");
    let junit = read("junit.xml");
    assert!(junit.contains("<failure message="), "{junit}");
    let page = read("report.html");
    assert!(page.contains("test_wrong") && page.contains("data-level=\"bad\""));
    assert_eq!(page.matches("<script>").count(), 1, "only its own script");
    assert!(read("report.md").contains("test_wrong"));
    // Annotations and the job summary of GitHub Actions.
    let summary = hand.root.parent().unwrap().join("summary.md");
    let out = hand
        .plain_with(
            &["audit", "HEAD", "--output", "github"],
            &[("GITHUB_STEP_SUMMARY", &summary.display().to_string())],
        )
        .ends(10);
    assert!(
        out.stdout
            .starts_with("::error file=tests/test_price.py,line=8,"),
        "{}",
        out.stdout
    );
    assert!(out.stdout.lines().count() <= 10);
    assert!(
        std::fs::read_to_string(summary)
            .unwrap()
            .contains("test_wrong")
    );
}

/// A server with a pull request, as hosts keep it: `main` went on, `refs/pull/1/merge` is what would be merged.
fn server(hand: &Hand) -> String {
    hand.git(&["checkout", "-q", "-b", "topic"]);
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.commit("the test");
    hand.append("src/shop/__init__.py", TOTAL);
    hand.commit("the code");
    hand.git(&["checkout", "-q", "main"]);
    hand.write("README.md", "shop\n");
    hand.commit("main went on");
    hand.git(&["checkout", "-q", "--detach", "main"]);
    hand.git(&[
        "merge",
        "-q",
        "--no-ff",
        "-m",
        "Merge topic into main",
        "topic",
    ]);
    hand.git(&["update-ref", "refs/pull/1/merge", "HEAD"]);
    hand.git(&["checkout", "-q", "main"]);
    format!("file://{}", hand.root.display())
}

#[test]
fn c9_the_steps_of_ci_judge_a_pull_request_from_a_shallow_checkout_without_secrets() {
    let hand = Hand::python();
    let url = server(&hand);
    let base = hand.root.parent().unwrap().to_owned();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../action/audit.sh");
    // What a checkout step does: one commit of the merge, and nothing else.
    let checkout = |name: &str, reference: &str| {
        let folder = base.join(name);
        let steps = format!(
            "set -e; git init -q {name}; cd {name}; git remote add origin {url}; \
             git fetch -q --depth=1 origin {reference}; git checkout -q --detach FETCH_HEAD; \
             ln -s '{}' .venv",
            super::support::virtual_environment().display()
        );
        let done = Command::new("sh")
            .args(["-c", &steps])
            .current_dir(&base)
            .status()
            .unwrap();
        assert!(done.success());
        folder
    };
    let run = |folder: &std::path::Path, variables: &[(&str, &str)]| {
        let output = Command::new("sh")
            .arg(script)
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("HOME", &hand.home)
            .env("REDGREEN_STATE_DIR", base.join("ci-state"))
            .env("REDGREEN", env!("CARGO_BIN_EXE_redgreen"))
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let report = std::fs::read(folder.join("redgreen-audit/audit.json"))
            .unwrap_or_else(|error| panic!("{error}\n{text}"));
        let report: Value = serde_json::from_slice(&report).unwrap();
        (output.status.code(), report, text)
    };
    // The merge commit of a pull request, also one from a fork: the host keeps it at the base repository.
    let merge = checkout("merge", "refs/pull/1/merge");
    let summary = base.join("summary.md").display().to_string();
    let github = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_BASE_REF", "main"),
        ("GITHUB_STEP_SUMMARY", summary.as_str()),
    ];
    let (code, report, text) = run(&merge, &github);
    assert_eq!(code, Some(0), "{text}");
    let changes = report["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{report:#}");
    assert_eq!(changes[0]["verdict"], "bites");
    assert!(
        std::fs::read_to_string(&summary)
            .unwrap()
            .contains("Audit of")
    );
    // The head of a branch, as other hosts check it out.
    let branch = checkout("branch", "refs/heads/topic");
    let gitlab = [("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")];
    let (code, report, text) = run(&branch, &gitlab);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(report["changes"][0]["verdict"], "bites", "{report:#}");
    // A pull request that brings code without a test, and a job that asks for one.
    hand.git(&["checkout", "-q", "topic"]);
    hand.git(&["rm", "-q", "tests/test_total.py"]);
    hand.commit("without the test");
    let branch = checkout("again", "refs/heads/topic");
    let strict = [("AUDIT_BASE", "main"), ("AUDIT_FAIL_ON", "no_test")];
    let (code, _, text) = run(&branch, &strict);
    assert_eq!(code, Some(10), "{text}");
}

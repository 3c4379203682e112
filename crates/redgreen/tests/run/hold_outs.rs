//! Hold-outs (SPEC C7): whole test files that the implementer never sees, and every way to see them tried.

use crate::support::{Project, plan, right_source, source, task};
use serde_json::json;

/// Words that stand in the held-out file, in its name, and in its tests' names.
const SECRETS: [&str; 4] = ["1234567", "2469134", "kept_back", "triples_are_not_doubles"];

fn author() -> String {
    "mkdir -p tests .redgreen/criteria
cat >tests/a.rs <<'RUST'
use sums::a::double;
#[test]
fn doubles() {
    assert_eq!(double(2), 4);
}
RUST
cat >tests/kept_back.rs <<'RUST'
use sums::a::double;
#[test]
fn triples_are_not_doubles() {
    assert_eq!(double(1234567), 2469134);
}
RUST
cat >.redgreen/criteria/T1.json <<'JSON'
{\"AC-1\": [{\"test\": \"tests/a.rs::doubles\"}, {\"test\": \"tests/kept_back.rs::triples_are_not_doubles\", \"hidden\": true}]}
JSON
"
    .to_owned()
}

/// Copies everything that can be read from where the implementer stands: files, every git object, references and their
/// logs, the environment, and what redgreen itself says there.
const LOOK: &str = "
{ find . -type f -not -path './target/*' -exec sh -c 'echo \"$1\"; cat \"$1\"' _ {} \\; ;
  git cat-file --batch-all-objects --batch; git reflog --all; git log --all -p; git for-each-ref; git stash list; env; } >\"$SIDE/seen-$ALL\" 2>&1 || true
";

#[test]
fn c7_held_out_tests_are_seen_nowhere_judged_and_delivered() {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    project.agent(&[
        ("author-T1-*", author()),
        // Right for what is shown.
        (
            "implementer-T1-1",
            format!("{LOOK}\n{}", source("a", "4 * n / n")),
        ),
        ("implementer-T1-2", format!("{LOOK}\n{}", right_source("a"))),
    ]);
    let run = project.run().expect(0);
    let mut seen = Vec::new();
    for (n, session) in project.sessions().iter().enumerate() {
        if session.starts_with("implementer") {
            let look = project.side(&format!("seen-{}", n + 1));
            seen.push((
                format!("the clone of session {}", n + 1),
                String::from_utf8_lossy(&std::fs::read(look).unwrap()).into_owned(),
            ));
        }
    }
    assert_eq!(seen.len(), 2, "{:?}", project.sessions());
    // Something was looked at, and the shown test was there.
    assert!(seen.iter().all(|(_, text)| text.contains("doubles()")));
    for n in [1, 2] {
        seen.push((
            format!("prompt {n}"),
            project.prompt("implementer", "T1", n),
        ));
    }
    assert_eq!(
        project.gates("T1"),
        ["red pass", "green fail", "green pass", "full pass"]
    );
    let told = project.prompt("implementer", "T1", 2);
    assert!(
        told.contains("a held-out test of AC-1 does not pass: assertion"),
        "{told}"
    );
    // The lock commit, with all its files, and what is kept in references.
    let lock = project.git(&["log", "--all", "--format=%H", "--grep=^test-lock"]);
    let lock = lock.lines().next().unwrap().to_owned();
    seen.push(("the lock commit".to_owned(), project.git(&["show", &lock])));
    seen.push((
        "the locked tree".to_owned(),
        project.git(&["grep", "-I", "", &lock]),
    ));
    let manifests = project.git(&[
        "for-each-ref",
        "--format=%(objectname)",
        "refs/redgreen/manifests",
    ]);
    for object in manifests.lines() {
        seen.push((
            "a manifest".to_owned(),
            project.git(&["cat-file", "-p", object]),
        ));
    }
    // Every evidence record, with what is kept beside it.
    let chains = project.git(&[
        "for-each-ref",
        "--format=%(refname)",
        "refs/redgreen/evidence",
    ]);
    assert!(!chains.trim().is_empty());
    for chain in chains.lines() {
        let names = project.git(&["ls-tree", "-r", "--name-only", chain]);
        assert!(names.contains("00000000.json"), "{names}");
        for name in names.lines() {
            let text = project.git(&["cat-file", "-p", &format!("{chain}:{name}")]);
            // The statement is the payload of an envelope.
            let envelope: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
            let payload = envelope["payload"]
                .as_str()
                .map(decoded)
                .unwrap_or_default();
            assert!(
                name == "head.json" || payload.contains("tests/a.rs"),
                "{name}: {payload}"
            );
            seen.push((format!("evidence {name}"), text + &payload));
        }
    }
    // What GREEN recorded, and what was printed while it failed.
    for event in project.events() {
        if event["data"]["summary"]["gate"] == "green" {
            seen.push(("the journal of GREEN".to_owned(), event.to_string()));
        }
    }
    seen.push(("what run printed".to_owned(), run.all()));
    let mut leaks = Vec::new();
    for (place, text) in &seen {
        for secret in SECRETS {
            // Before it is delivered: the diff of the delivery is not one of these places.
            if text.contains(secret) {
                let at = text.find(secret).unwrap_or(0);
                let near: String = text[at.saturating_sub(160)..].chars().take(300).collect();
                leaks.push(format!("{place}: {secret}: {near}"));
            }
        }
    }
    assert!(leaks.is_empty(), "{leaks:#?}");
    // Delivered with the task, and the record named it by a digest only.
    assert!(
        project
            .git(&["show", "HEAD:tests/kept_back.rs"])
            .contains("2469134")
    );
    assert!(
        project
            .git(&["show", "HEAD:.redgreen/criteria/T1.json"])
            .contains("hidden")
    );
    let record = project.git(&["show", "HEAD:.redgreen/locks/T1.json"]);
    assert!(record.contains("\"hidden\": \"sha256:"), "{record}");
    project.nothing_is_left();
}

/// Base 64, as envelopes have it.
fn decoded(text: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut held, mut out) = (0_u32, 0_u32, Vec::new());
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let value = ALPHABET.iter().position(|known| *known == byte).unwrap();
        bits = bits << 6 | u32::try_from(value).unwrap();
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 0xff).unwrap());
        }
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn c7_an_exhausted_task_says_only_criterion_and_cause() {
    let project = Project::with_config(
        &plan(&[task("T1", "a", json!({}))]),
        "[limits]\nimplementer_retries = 0\n",
    );
    project.agent(&[
        ("author-T1-*", author()),
        ("implementer-T1-*", source("a", "4 * n / n")),
    ]);
    let run = project.run().expect(10);
    let mut said = vec![run.all(), project.report("error.txt")];
    for command in ["status", "next"] {
        said.push(project.redgreen(&[command]).all());
    }
    for text in &said {
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} in\n{text}");
        }
    }
    assert!(said[1].contains("held-out test of AC-1"), "{}", said[1]);
}

#[test]
fn c7_a_part_of_a_file_cannot_be_held_out() {
    let project = Project::with_config(
        &plan(&[task("T1", "a", json!({}))]),
        "[limits]\nauthor_retries = 0\n",
    );
    let both = author().replace(
        "tests/kept_back.rs::triples_are_not_doubles",
        "tests/a.rs::more",
    ) + "rm tests/kept_back.rs\ncat >>tests/a.rs <<'RUST'\n#[test]\nfn more() {\n    assert_eq!(double(3), 6);\n}\nRUST\n";
    project.agent(&[("author-T1-*", both)]);
    let run = project.run().expect(10);
    assert!(run.all().contains("held out only in part"), "{}", run.all());
}

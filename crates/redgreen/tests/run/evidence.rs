//! Evidence and locks where they were not made: a clone that knows nothing but git (SPEC B4, C8).

use crate::support::{Ended, Project, plan, task};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

const FETCH: [&str; 4] = [
    "fetch",
    "--quiet",
    "origin",
    "refs/redgreen/*:refs/redgreen/*",
];

/// A clone of a project with a private state of its own.
struct Clone<'a> {
    project: &'a Project,
    name: &'static str,
}

impl<'a> Clone<'a> {
    fn of(project: &'a Project, name: &'static str) -> Self {
        let folder = project.root().join(name);
        let from = project.repo().display().to_string();
        project.git(&["clone", "--quiet", &from, &folder.display().to_string()]);
        Self { project, name }
    }
    fn fetched(project: &'a Project, name: &'static str) -> Self {
        let clone = Self::of(project, name);
        clone.git(&FETCH);
        clone
    }
    fn folder(&self) -> PathBuf {
        self.project.root().join(self.name)
    }
    #[track_caller]
    fn git(&self, arguments: &[&str]) -> String {
        let mut all = vec!["-C".to_owned(), self.folder().display().to_string()];
        all.extend(arguments.iter().map(|&text| text.to_owned()));
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        self.project.git(&all)
    }
    fn redgreen(&self, arguments: &[&str]) -> Ended {
        let state = self.project.root().join(format!("{}-state", self.name));
        let mut command = self.project.binary(arguments);
        command
            .current_dir(self.folder())
            .env("REDGREEN_STATE_DIR", state);
        command.output().unwrap().into()
    }
    fn verify(&self, what: &[&str]) -> (i32, Value) {
        let mut arguments = vec!["evidence", "verify", "--format", "json"];
        arguments.extend(what);
        let ended = self.redgreen(&arguments);
        (
            ended.code,
            serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{}", ended.all())),
        )
    }
    /// The only chain's reference.
    fn reference(&self) -> String {
        let refs = self.git(&[
            "for-each-ref",
            "--format=%(refname)",
            "refs/redgreen/evidence",
        ]);
        assert_eq!(refs.lines().count(), 1, "{refs}");
        refs
    }
    /// Replaces the tree of the chain, as somebody with write access to the repository could.
    fn rewrite(&self, edit: &str) {
        let name = self.reference();
        let script = format!(
            "set -eu; export GIT_INDEX_FILE=\"$PWD/.git/tampered\"; git read-tree {name}; mkdir -p out; \
             git --work-tree=out checkout-index -qaf; cd out; {edit}; cd ..; \
             git --work-tree=out add -A .; tree=$(git write-tree); \
             git update-ref {name} $(git commit-tree -m tampered -p {name} $tree); rm -rf out \"$GIT_INDEX_FILE\""
        );
        let output = Command::new("sh")
            .args(["-c", &script])
            .current_dir(self.folder())
            .envs([
                ("GIT_AUTHOR_NAME", "x"),
                ("GIT_AUTHOR_EMAIL", "x@y"),
                ("GIT_COMMITTER_NAME", "x"),
                ("GIT_COMMITTER_EMAIL", "x@y"),
            ])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

fn passed() -> Project {
    let project = Project::new(&plan(&[task("T1", "a", json!({}))]));
    project.run().expect(0);
    project
}

/// Kinds and records of everything that was found.
fn found(document: &Value) -> Vec<(String, Value)> {
    document["chains"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|chain| chain["findings"].as_array().unwrap())
        .map(|finding| {
            (
                finding["kind"].as_str().unwrap().to_owned(),
                finding["record"].clone(),
            )
        })
        .collect()
}

#[test]
fn c8_evidence_is_anchored_in_commits_and_verifies_in_a_clone() {
    let project = passed();
    let here = project.redgreen(&["evidence", "verify"]).expect(0);
    assert!(
        here.out.contains("verified") && here.out.contains("this machine's key"),
        "{}",
        here.out
    );
    for commit in ["HEAD", "HEAD~1"] {
        let message = project.git(&["log", "-1", "--format=%B", commit]);
        assert!(
            message.contains("Redgreen-Evidence: sha256:"),
            "{commit}: {message}"
        );
    }

    let clone = Clone::of(&project, "clone");
    let (code, document) = clone.verify(&[]);
    assert_eq!(code, 15, "{document:#}");
    assert_eq!(
        document["help"],
        "git fetch origin 'refs/redgreen/*:refs/redgreen/*'"
    );
    clone.git(&FETCH);
    for what in [
        &[][..],
        &["doubles"],
        &["docs/plans/doubles.json"],
        &["HEAD~2..HEAD"],
        &["HEAD"],
    ] {
        let (code, document) = clone.verify(what);
        assert_eq!(code, 0, "{what:?}: {document:#}");
        assert_eq!(document["verified"], true);
        assert_eq!(document["chains"][0]["source"], "git");
    }
    let (code, _) = clone.verify(&["HEAD~9..HEAD"]);
    assert_eq!(code, 2);
    clone
        .redgreen(&["evidence", "verify", "nothing-of-the-kind"])
        .expect(2);

    // What is in the records: an in-toto statement of ours, and the same facts for other tools.
    let name = clone.reference();
    let payload = |path: &str| -> Value {
        let envelope = clone.git(&["show", &format!("{name}:{path}")]);
        let (payload, signers) =
            redgreen_formats::evidence::Envelope::open(envelope.as_bytes()).unwrap();
        assert_eq!(signers.len(), 1);
        serde_json::from_slice(&payload).unwrap()
    };
    let first = payload("00000000.json");
    assert_eq!(first["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(first["predicateType"], "urn:redgreen:attestation:gate:v1");
    assert_eq!(first["predicate"]["gate"]["gate"], "red");
    assert_eq!(
        first["predicate"]["key"]["protection"], "none",
        "REDGREEN_ISOLATION=process"
    );
    let red = payload("test-result/00000000.json");
    assert_eq!(
        red["predicateType"],
        "https://in-toto.io/attestation/test-result/v0.1"
    );
    assert_eq!(
        red["predicate"]["result"], "FAILED",
        "at RED the tests fail"
    );
    let output = first["predicate"]["outputs"][0]["digest"]
        .as_str()
        .unwrap()
        .replace("sha256:", "output/");
    let kept = clone.git(&["show", &format!("{name}:{output}")]);
    assert!(kept.contains("double"), "{kept}");
    let schema: Value =
        serde_json::from_str(include_str!("../../../../schemas/evidence.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&first["predicate"])
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn c8_every_way_to_tamper_is_told_apart() {
    let project = passed();
    let records = project.git(&[
        "for-each-ref",
        "--format=%(refname)",
        "refs/redgreen/evidence",
    ]);
    let last: u64 = {
        let head = project.git(&["show", &format!("{records}:head.json")]);
        serde_json::from_str::<Value>(&head).unwrap()["seq"]
            .as_u64()
            .unwrap()
    };
    assert!(last >= 2, "RED, GREEN, FULL: {last}");
    let cases: [(&'static str, String, &str, u64); 5] = [
        ("edited", "sed -i 's/\"payload\":\"ey/\"payload\":\"eW/' 00000001.json".into(), "edited", 1),
        ("dropped", "rm 00000001.json test-result/00000001.json".into(), "dropped", 1),
        ("reordered", "mv 00000001.json x; mv 00000002.json 00000001.json; mv x 00000002.json; mv test-result/00000001.json x; mv test-result/00000002.json test-result/00000001.json; mv x test-result/00000002.json".into(), "reordered", 1),
        ("truncated", format!("rm 0000000{last}.json"), "truncated", last),
        ("doubled", format!("cp 00000001.json 0000000{}.json", last + 1), "reordered", 1),
    ];
    for (name, edit, kind, record) in cases {
        let clone = Clone::fetched(&project, name);
        clone.rewrite(&edit);
        let (code, document) = clone.verify(&[]);
        assert_eq!(code, 13, "{name}: {document:#}");
        assert!(
            found(&document).contains(&(kind.to_owned(), json!(record))),
            "{name}: {document:#}"
        );
        let text = clone.redgreen(&["evidence", "verify"]).expect(13);
        assert!(
            text.out.contains(kind) && text.out.contains(&format!("record {record}")),
            "{}",
            text.out
        );
    }
    let clone = Clone::fetched(&project, "rolled");
    let name = clone.reference();
    clone.git(&["update-ref", &name, &format!("{name}~1")]);
    let (code, document) = clone.verify(&[]);
    assert_eq!(
        (code, found(&document)),
        (13, vec![("rolled_back".to_owned(), json!(last))]),
        "{document:#}"
    );

    // The chain as a whole is gone: absence is no pass.
    clone.git(&["update-ref", "-d", &name]);
    let (code, document) = clone.verify(&[]);
    assert_eq!(code, 15, "{document:#}");

    // The delivered commit was amended after FULL had judged it.
    let clone = Clone::fetched(&project, "amended");
    std::fs::write(
        clone.folder().join("src/a.rs"),
        "pub fn double(n: i32) -> i32 {\n    n + n\n}\n",
    )
    .unwrap();
    clone.git(&[
        "-c",
        "user.name=x",
        "-c",
        "user.email=x@y",
        "commit",
        "--quiet",
        "--amend",
        "--all",
        "--no-edit",
    ]);
    let (code, document) = clone.verify(&[]);
    assert_eq!(
        (code, found(&document)),
        (13, vec![("other_content".to_owned(), json!(last))]),
        "{document:#}"
    );
}

#[test]
fn c8_a_lost_or_damaged_key_fails_nothing() {
    let project = Project::new(&plan(&[
        task("T1", "a", json!({})),
        task("T2", "b", json!({})),
    ]));
    project.redgreen(&["run", "--task", "T1"]).expect(0);
    std::fs::write(project.state().join("keys/ed25519"), "damaged").unwrap();
    project.redgreen(&["run", "--task", "T2"]).expect(0);
    let verified = project.redgreen(&["evidence", "verify"]).expect(0);
    assert!(
        verified.out.contains("not this machine's key"),
        "{}",
        verified.out
    );
    // Where no key can be made, records are unsigned and say so.
    let keys = project.state().join("keys");
    std::fs::remove_dir_all(&keys).unwrap();
    std::fs::write(&keys, "a file").unwrap();
    project.redgreen(&["full", "T1", "--plan", "docs/plans/doubles.json"]);
    let verified = project.redgreen(&["evidence", "verify"]).expect(0);
    assert!(verified.out.contains("not signed"), "{}", verified.out);
}

#[test]
fn b4_locks_are_usable_from_a_fresh_clone() {
    let project = passed();
    let clone = Clone::of(&project, "clone");
    let list = clone.redgreen(&["locks", "list"]).expect(0);
    assert!(
        list.out.contains("T1")
            && list.out.contains("refs/redgreen/locks/")
            && list.out.contains("git fetch origin"),
        "{}",
        list.out
    );
    for command in ["show", "diff", "verify", "restore"] {
        let ended = clone.redgreen(&["locks", command, "T1"]).expect(15);
        assert!(
            ended.err.contains("refs/redgreen/locks/doubles/T1")
                && ended.err.contains("git fetch origin"),
            "{}",
            ended.err
        );
    }
    clone.git(&[
        "fetch",
        "--quiet",
        "origin",
        "refs/redgreen/locks/*:refs/redgreen/locks/*",
    ]);
    let ended = clone.redgreen(&["locks", "verify", "T1"]).expect(15);
    assert!(
        ended.err.contains("refs/redgreen/manifests/doubles/T1"),
        "{}",
        ended.err
    );

    clone.git(&FETCH);
    let there = clone
        .redgreen(&["locks", "verify", "T1", "--format", "json"])
        .expect(0);
    let here = project
        .redgreen(&["locks", "verify", "T1", "--format", "json"])
        .expect(0);
    assert_eq!(there.out, here.out, "the same verdict, word for word");
    assert!(
        !clone
            .redgreen(&["locks", "list"])
            .expect(0)
            .out
            .contains("git fetch")
    );
    let shown = clone.redgreen(&["locks", "show", "T1"]).expect(0);
    assert_eq!(
        shown.out,
        project.redgreen(&["locks", "show", "T1"]).expect(0).out
    );

    let test = clone.folder().join("tests/a.rs");
    let locked = std::fs::read_to_string(&test).unwrap();
    std::fs::write(&test, locked.replace("4", "5")).unwrap();
    let ended = clone.redgreen(&["locks", "verify", "T1"]).expect(13);
    assert!(ended.out.contains("tests/a.rs"), "{}", ended.out);
    assert!(
        clone
            .redgreen(&["locks", "diff", "T1"])
            .expect(0)
            .out
            .contains("assert_eq!(double(2), 5)")
    );
    clone.redgreen(&["locks", "restore", "T1"]).expect(0);
    assert_eq!(std::fs::read_to_string(&test).unwrap(), locked);
    clone.redgreen(&["locks", "verify", "T1"]).expect(0);
}

#[test]
fn b4_what_does_not_agree_in_a_clone_is_rejected() {
    let project = passed();
    let clone = Clone::fetched(&project, "manifest");
    let list = "refs/redgreen/manifests/doubles/T1";
    std::fs::write(clone.folder().join("other"), "{\"files\":{}}").unwrap();
    let blob = clone.git(&["hash-object", "-w", "other"]);
    clone.git(&["update-ref", list, &blob]);
    let ended = clone.redgreen(&["locks", "verify", "T1"]).expect(13);
    assert!(
        ended.err.contains("not the one that its record names"),
        "{}",
        ended.err
    );

    // A lock commit whose record was changed, with the old trailer.
    let clone = Clone::fetched(&project, "record");
    let edited = "set -eu; git checkout --quiet refs/redgreen/locks/doubles/T1; sed -i 's/\"required\"/\"guard\"/' .redgreen/locks/T1.json; \
                  git -c user.name=x -c user.email=x@y commit --quiet --amend --all --no-edit; git update-ref refs/redgreen/locks/doubles/T1 HEAD";
    let output = Command::new("sh")
        .args(["-c", edited])
        .current_dir(clone.folder())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let ended = clone.redgreen(&["locks", "verify", "T1"]).expect(13);
    assert!(
        ended.err.contains("its commit names another one"),
        "{}",
        ended.err
    );
}

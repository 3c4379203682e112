//! A repository whose own files and configuration want to run programs: none of them may.

use crate::repository::whole_task_passes;
use crate::support::{Hand, clean};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A program that leaves a mark named after what started it.
fn trap(hand: &Hand, name: &str) -> String {
    let marks = hand.home.join("marks");
    std::fs::create_dir_all(&marks).unwrap();
    let program = hand.home.join("traps").join(name);
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    std::fs::write(
        &program,
        format!(
            "#!/bin/sh\necho \"$@\" >'{}/{name}'\ncat\nexit 0\n",
            marks.display()
        ),
    )
    .unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program.to_str().unwrap().to_owned()
}

fn marks(hand: &Hand) -> Vec<PathBuf> {
    std::fs::read_dir(hand.home.join("marks"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

/// Every hook that git knows, as a trap in this folder.
fn hooks(hand: &Hand, folder: &Path, kind: &str) {
    std::fs::create_dir_all(folder).unwrap();
    for hook in [
        "applypatch-msg",
        "commit-msg",
        "fsmonitor-watchman",
        "post-applypatch",
        "post-checkout",
        "post-commit",
        "post-index-change",
        "post-merge",
        "post-rewrite",
        "pre-applypatch",
        "pre-auto-gc",
        "pre-commit",
        "pre-merge-commit",
        "pre-push",
        "pre-rebase",
        "prepare-commit-msg",
        "reference-transaction",
        "sendemail-validate",
    ] {
        let program = trap(hand, &format!("{kind}-{hook}"));
        std::fs::copy(program, folder.join(hook)).unwrap();
    }
}

/// The settings of git that name a program, each with a trap.
fn settings(hand: &Hand) {
    for (setting, name) in [
        ("filter.evil.clean", "clean"),
        ("filter.evil.smudge", "smudge"),
        ("filter.evil.process", "process"),
        ("diff.evil.textconv", "textconv"),
        ("diff.evil.command", "diff-command"),
        ("diff.external", "diff-external"),
        ("merge.evil.driver", "merge"),
        ("core.fsmonitor", "fsmonitor"),
        ("core.sshCommand", "ssh"),
        ("core.editor", "editor"),
        ("core.pager", "pager"),
        ("core.askPass", "askpass"),
        ("core.alternateRefsCommand", "alternates"),
        ("sequence.editor", "sequence"),
        ("gpg.program", "gpg"),
        ("gpg.ssh.program", "gpg-ssh"),
        ("gpg.ssh.defaultKeyCommand", "gpg-key"),
        ("credential.helper", "credential"),
        ("uploadpack.packObjectsHook", "pack"),
        ("trailer.evil.command", "trailer"),
    ] {
        let program = trap(hand, name);
        hand.git(&["config", setting, &program]);
    }
    hand.git(&["config", "trailer.evil.ifmissing", "add"]);
    for alias in [
        "rev-parse",
        "status",
        "config",
        "cat-file",
        "commit-tree",
        "ls-tree",
        "update-ref",
    ] {
        let program = trap(hand, &format!("alias-{alias}"));
        hand.git(&["config", &format!("alias.{alias}"), &format!("!{program}")]);
    }
    let remote = trap(hand, "remote");
    hand.git(&[
        "remote",
        "add",
        "origin",
        "https://example.invalid/shop.git",
    ]);
    hand.git(&[
        "config",
        &format!("url.ext::{remote}.insteadOf"),
        "https://example.invalid/",
    ]);
    let included = hand.home.join("included");
    let program = trap(hand, "included");
    std::fs::write(&included, format!("[core]\n\tfsmonitor = {program}\n[filter \"more\"]\n\tclean = {program}\n\tsmudge = {program}\n")).unwrap();
    hand.git(&[
        "config",
        "includeIf.gitdir:/.path",
        included.to_str().unwrap(),
    ]);
    hand.git(&["config", "include.path", included.to_str().unwrap()]);
}

#[test]
fn c1_hooks_filters_and_programs_of_the_configuration_never_run() {
    let hand = Hand::python_with(&[
        (
            ".gitattributes",
            "* filter=evil diff=evil merge=evil ident\n*.txt filter=more export-subst\n",
        ),
        ("notes.txt", "x\n"),
    ]);
    hooks(&hand, &hand.path(".git/hooks"), "hook");
    let elsewhere = hand.home.join("hooks");
    hooks(&hand, &elsewhere, "path");
    settings(&hand);
    hand.git(&["config", "core.hooksPath", elsewhere.to_str().unwrap()]);
    // The traps work: git itself steps into them.
    let _ = std::process::Command::new("git")
        .args(["status"])
        .current_dir(&hand.root)
        .env("HOME", &hand.home)
        .output()
        .unwrap();
    assert!(!marks(&hand).is_empty());
    std::fs::remove_dir_all(hand.home.join("marks")).unwrap();
    std::fs::create_dir(hand.home.join("marks")).unwrap();

    // `whole_task_passes` itself calls redgreen only.
    whole_task_passes(&hand);
    for command in [
        &["status"][..],
        &["full", "T1"],
        &["locks", "diff", "T1"],
        &["init", "--dry-run"],
        &["next"],
        &["clean"],
    ] {
        let out = hand.plain(command);
        clean(&hand, &out);
    }
    assert_eq!(marks(&hand), Vec::<PathBuf>::new());
}

#[test]
fn c1_a_run_and_its_delivery_start_nothing_of_the_repository() {
    let hand = Hand::rust_with(&[
        (
            "redgreen.toml",
            "version = 1\n\n[agent]\ncommand = [\"sh\", \"agent.sh\"]\n",
        ),
        (
            "agent.sh",
            "case $REDGREEN_ROLE in\nauthor) mkdir -p tests; printf '#[test]\\nfn total() {\\n    assert_eq!(shop::total(1), 3);\\n}\\n' >tests/total.rs ;;\nimplementer) printf 'pub fn total(n: u32) -> u32 {\\n    n + 2\\n}\\n' >>src/lib.rs ;;\nesac\n",
        ),
        (
            ".gitattributes",
            "*.md filter=evil\n* diff=evil merge=evil\n",
        ),
    ]);
    hand.plan("T1", &["total adds two"], "");
    hand.commit("plan");
    hooks(&hand, &hand.path(".git/hooks"), "hook");
    settings(&hand);
    std::fs::remove_dir_all(hand.home.join("marks")).unwrap();
    std::fs::create_dir(hand.home.join("marks")).unwrap();
    hand.plain(&["run"]).ends(0);
    assert!(hand.read("src/lib.rs").contains("total"));
    assert_eq!(marks(&hand), Vec::<PathBuf>::new());
}

#[test]
fn c1_a_hostile_configuration_of_redgreen_reads_and_writes_nothing_outside() {
    let secret = "carried-secret";
    for text in [
        "[tree]\ncarry = [\"/../home/secret\"]\n",
        "[runner]\nkind = \"pytest\"\nroot = \"../home\"\n",
        "[paths]\ntests = [\"../home/**\"]\n",
        "[suites.unit]\npaths = [\"../home\"]\nrunner = \"nobody\"\n",
        "[prompts]\ninclude = [\"../home/secret\"]\n\n[tree]\nprepare = [\"sh -c 'echo x > ../../../../stolen; echo x > $HOME/stolen; exit 0'\"]\n",
    ] {
        let hand = Hand::python_with(&[("redgreen.toml", text)]);
        std::fs::write(hand.home.join("secret"), secret).unwrap();
        hand.write("tests/test_total.py", crate::support::TOTAL_TEST);
        let out = hand.plain(&["red"]);
        clean(&hand, &out);
        assert_ne!(out.code, 1, "{text}{out:#?}");
        let mut all: Vec<PathBuf> = vec![hand.state.clone(), hand.root.clone()];
        while let Some(path) = all.pop() {
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                all.extend(
                    std::fs::read_dir(&path)
                        .unwrap()
                        .map(|entry| entry.unwrap().path()),
                );
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            assert!(
                !String::from_utf8_lossy(&bytes).contains(secret),
                "{} {text}",
                path.display()
            );
        }
        assert!(!hand.home.join("stolen").exists(), "{text}");
    }
}

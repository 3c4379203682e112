//! Gates by hand, with the real binary on real repositories (SPEC G6).
#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::path::Path;
use std::process::{Command, Output};

fn git(folder: &Path, arguments: &[&str]) {
    let done = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args([
            "-c",
            "user.name=Ann",
            "-c",
            "user.email=ann@example.invalid",
        ])
        .args(arguments)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

fn redgreen(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_redgreen"))
        .current_dir(folder)
        .args(arguments)
        .env("REDGREEN_STATE_DIR", folder.join("../state"))
        .output()
        .unwrap()
}

/// Purpose: the whole of RED was run first, and the way out that was offered (`[paths] ignore`) led nowhere.
#[test]
fn g6_a_dirty_manifest_stops_red_before_anything_runs_and_names_ways_out_that_work() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("shop");
    std::fs::create_dir_all(folder.join("src")).unwrap();
    let manifest = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
    std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    std::fs::write(folder.join("src/lib.rs"), "").unwrap();
    std::fs::write(folder.join(".gitignore"), "Cargo.lock\ntarget\n").unwrap();
    git(&folder, &["init", "-q"]);
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "-qm", "shop"]);
    std::fs::create_dir_all(folder.join("tests")).unwrap();
    std::fs::write(folder.join("tests/a.rs"), "#[test] fn a() { shop::a() }\n").unwrap();
    std::fs::write(
        folder.join("Cargo.toml"),
        format!("{manifest}[features]\nx = []\n"),
    )
    .unwrap();
    let done = redgreen(&folder, &["red", "T1"]);
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(15), "{said}");
    assert!(said.contains("Cargo.toml"), "{said}");
    assert!(!said.contains("running"), "{said}");
    assert!(!said.contains("[paths] ignore"), "{said}");
    git(&folder, &["commit", "-qm", "feature", "Cargo.toml"]);
    let done = redgreen(&folder, &["red", "T1"]);
    assert_eq!(
        done.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&done.stdout)
    );
}

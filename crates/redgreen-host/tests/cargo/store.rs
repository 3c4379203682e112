//! The store of built dependencies (SPEC C4). `itoa` and `proc-macro2` (it has a build script) are dependencies of
//! redgreen itself, so they are in the local registry cache; nothing is downloaded.

use crate::sample::{Sample, environment, files_below, load_causes, outcomes, problems};
use redgreen_core::outcome::{Cause, Outcome};
use redgreen_core::run_report::RunReport;
use redgreen_host::process::{self, Spec};
use std::path::PathBuf;

const MANIFEST: &str = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nitoa = \"1\"\n[dev-dependencies]\nproc-macro2 = \"1\"\n";
const SOURCE: &str =
    "pub fn text(value: i32) -> String { itoa::Buffer::new().format(value).to_owned() }\n";
const TEST: &str = "#[test] fn t() { assert_eq!(shop::text(7), \"7\"); let _ = proc_macro2::TokenStream::new(); }\n";

fn sample() -> Sample {
    Sample::with_manifest(MANIFEST)
        .file("src/lib.rs", SOURCE)
        .file("tests/a.rs", TEST)
        .item("tests/a.rs::t")
}

fn output(sample: &Sample, report: &RunReport) -> String {
    let path = sample
        .workspace()
        .cache
        .join("output")
        .join(report.output.hex());
    std::fs::read_to_string(path).unwrap()
}

/// `(package, fresh)` of every compiler message of the last build command.
fn artifacts(output: &str) -> Vec<(String, bool)> {
    let last = output.rfind("cargo build --keep-going").unwrap();
    output[last..]
        .lines()
        .filter(|line| line.starts_with("{\"reason\":\"compiler-artifact\""))
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            (
                value["target"]["name"].as_str().unwrap().to_owned(),
                value["fresh"].as_bool().unwrap(),
            )
        })
        .collect()
}

fn stored(sample: &Sample) -> Vec<PathBuf> {
    files_below(&sample.workspace().cache.join("cargo"))
}

fn passed() -> Vec<(String, Outcome)> {
    vec![("tests/a.rs::t".to_owned(), Outcome::Passed)]
}

#[test]
fn c4_dependencies_are_built_once_and_members_every_time() {
    let sample = sample();
    for _ in 0..2 {
        let report = sample.run_all();
        assert_eq!(problems(&report), []);
        assert_eq!(outcomes(&report), passed());
        let built = artifacts(&output(&sample, &report));
        for (name, fresh) in &built {
            assert_eq!(*fresh, !matches!(name.as_str(), "shop" | "a"), "{built:?}");
        }
        for name in ["itoa", "proc_macro2", "shop", "a"] {
            assert!(
                built.iter().any(|(built, _)| built == name),
                "{name}: {built:?}"
            );
        }
    }
    let own: Vec<PathBuf> = stored(&sample)
        .into_iter()
        .filter(|path| path.file_name().unwrap().to_string_lossy().contains("shop"))
        .collect();
    assert_eq!(own, Vec::<PathBuf>::new());
    // The second run found everything there.
    let generations = std::fs::read_dir(sample.workspace().cache.join("cargo"))
        .unwrap()
        .flatten()
        .flat_map(|key| std::fs::read_dir(key.path()).unwrap().flatten())
        .count();
    assert_eq!(generations, 1);
}

#[test]
fn c4_a_build_script_that_writes_over_a_dependency_harms_only_its_own_run() {
    let honest = sample();
    assert_eq!(outcomes(&honest.run_all()), passed());
    let before: Vec<(PathBuf, Vec<u8>)> = stored(&honest)
        .into_iter()
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    let hostile = honest.file(
        "build.rs",
        r#"fn main() {
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR").unwrap());
    let deps = out.ancestors().nth(3).unwrap().join("deps");
    for entry in std::fs::read_dir(deps).unwrap().flatten() {
        if entry.file_name().to_string_lossy().contains("itoa") { std::fs::write(entry.path(), "poison").unwrap(); }
    }
}
"#,
    );
    let report = hostile.run_all();
    assert_ne!(outcomes(&report), passed(), "{report:#?}");
    for (path, bytes) in before {
        assert!(std::fs::read(&path).unwrap() == bytes, "{}", path.display());
    }
    std::fs::remove_file(hostile.tree().join("build.rs")).unwrap();
    assert_eq!(outcomes(&hostile.run_all()), passed());
}

#[test]
fn c4_two_runs_at_once_share_the_store() {
    let sample = sample();
    let reports: Vec<RunReport> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..2).map(|_| scope.spawn(|| sample.run_all())).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    for report in &reports {
        assert_eq!(problems(report), []);
        assert_eq!(outcomes(report), passed());
    }
    for key in std::fs::read_dir(sample.workspace().cache.join("cargo")).unwrap() {
        for entry in std::fs::read_dir(key.unwrap().path()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(name.starts_with("g0"), "`{name}` was left");
        }
    }
    assert_eq!(outcomes(&sample.run_all()), passed());
}

#[test]
fn c4_a_selection_that_needs_more_makes_the_next_generation() {
    let sample = sample();
    assert_eq!(outcomes(&sample.run_items(&["tests/a.rs::t"])), passed());
    let report = sample.run_all();
    assert_eq!(outcomes(&report), passed());
    let built = artifacts(&output(&sample, &report));
    assert!(built.contains(&("itoa".to_owned(), true)), "{built:?}");
}

#[test]
fn c3_edited_sources_of_a_dependency_in_the_users_cargo_home_are_not_built() {
    let sample = sample();
    let user = PathBuf::from(&environment().variables["CARGO_HOME"]);
    let mine = sample.folder.path().join("cargo-home");
    // The user's cargo home, with the archives and an unpacked package that somebody edited.
    for part in ["registry/index", "registry/cache"] {
        for file in files_below(&user.join(part)) {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            if ["config.json", "itoa", "proc-macro2", "unicode-ident"].contains(&name.as_str())
                || ["itoa-", "proc-macro2-", "unicode-ident-"]
                    .iter()
                    .any(|start| name.starts_with(start))
            {
                let target = mine.join(file.strip_prefix(&user).unwrap());
                std::fs::create_dir_all(target.parent().unwrap()).unwrap();
                std::fs::copy(&file, target).unwrap();
            }
        }
    }
    let mut record = environment().clone();
    record
        .variables
        .insert("CARGO_HOME".to_owned(), mine.to_string_lossy().into_owned());
    assert_eq!(outcomes(&sample.run_with(&record)), passed());
    // cargo in that home unpacks what it has; then one source is edited.
    let mut spec = Spec::new(
        "cargo fetch",
        vec![
            record.tools["cargo"].path.clone(),
            "fetch".to_owned(),
            "--offline".to_owned(),
        ],
        sample.tree(),
    );
    spec.env = record.variables.clone();
    spec.writable = vec![mine.clone(), sample.tree()];
    assert!(process::run(&spec).unwrap().success());
    let edited: Vec<PathBuf> = files_below(&mine.join("registry/src"))
        .into_iter()
        .filter(|path| path.ends_with("src/lib.rs"))
        .collect();
    assert!(!edited.is_empty());
    for path in edited {
        std::fs::write(path, "compile_error!(\"edited\");").unwrap();
    }
    std::fs::remove_dir_all(sample.workspace().cache).unwrap();
    assert_eq!(outcomes(&sample.run_with(&record)), passed());
}

#[test]
fn b3_a_missing_name_of_a_third_party_crate_is_a_broken_test() {
    let report = sample()
        .file("tests/b.rs", "#[test] fn t() { itoa::missing(); }\n")
        .file(
            "tests/c.rs",
            "use itoa::Missing;\n#[test] fn t() { let _ = Missing; }\n",
        )
        .item("tests/b.rs::t")
        .item("tests/c.rs::t")
        .run_files(&["tests/b.rs", "tests/c.rs"]);
    for file in ["tests/b.rs", "tests/c.rs"] {
        assert_eq!(
            load_causes(&report, file),
            [Cause::WrongForeignSymbol],
            "{report:#?}"
        );
    }
}

/// Purpose: a package that one of its dependencies depends on in a published version (itertools through criterion):
/// its name alone is ambiguous for cargo.
#[test]
fn c4_a_package_that_depends_on_an_older_self_is_built_and_stored() {
    let sample = Sample::with_manifest(
        "[package]\nname = \"itoa\"\nversion = \"9.0.0\"\nedition = \"2021\"\n[dev-dependencies]\nold = { package = \"itoa\", version = \"1\" }\n",
    )
    .file("src/lib.rs", "pub fn seven() -> i32 { 7 }\n")
    .file(
        "tests/a.rs",
        "#[test] fn t() { assert_eq!(old::Buffer::new().format(itoa::seven()), \"7\"); }\n",
    )
    .item("tests/a.rs::t");
    for _ in 0..2 {
        let report = sample.run_all();

        assert_eq!(problems(&report), [], "{report:#?}");
        assert_eq!(outcomes(&report), passed());
    }
}

/// Purpose: a store that was made with another copy of cargo's home, or whose unpacked sources were removed: cargo wants
/// the sources also of what is built already, and a run may not write to cargo's home. Happened with indexmap.
#[test]
fn c4_sources_that_were_removed_are_unpacked_again() {
    let sample = sample();
    for _ in 0..2 {
        let report = sample.run_all();
        assert_eq!(problems(&report), [], "{report:#?}");
        assert_eq!(outcomes(&report), passed());
        let sources = sample.workspace().cache.join("cargo-home/registry/src");
        std::fs::remove_dir_all(sources).unwrap();
    }
}

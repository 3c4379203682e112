//! Nothing but this tree, compiled in this run (SPEC C2, C3, C4).

use crate::sample::{Sample, environment, outcomes, problems};
use redgreen_core::outcome::Outcome;
use redgreen_core::reason::ReasonCode;
use redgreen_host::process::{self, Spec};

#[test]
fn c2_a_path_dependency_outside_the_tree_is_named() {
    let sample = Sample::with_manifest(
        "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nother = { path = \"../other\" }\n",
    )
    .file("src/lib.rs", "")
    .file("tests/a.rs", "#[test] fn t() {}\n")
    .file("../other/Cargo.toml", "[package]\nname = \"other\"\nversion = \"0.1.0\"\nedition = \"2021\"\n")
    .file("../other/src/lib.rs", "");
    let report = sample.run_all();
    assert_eq!(problems(&report), [ReasonCode::CodeLoadedFromElsewhere]);
    assert!(
        report.problems[0].message.contains("`other`"),
        "{report:#?}"
    );
    assert_eq!(report.cases, []);
}

#[test]
fn c2_a_source_file_outside_the_tree_is_named() {
    let sample = Sample::new()
        .file(
            "src/lib.rs",
            "#[path = \"../../elsewhere.rs\"] mod elsewhere;\npub use elsewhere::one;\n",
        )
        .file("../elsewhere.rs", "pub fn one() -> i32 { 1 }\n")
        .file(
            "tests/a.rs",
            "#[test] fn t() { assert_eq!(shop::one(), 1) }\n",
        );
    let report = sample.run_all();
    assert!(
        problems(&report).contains(&ReasonCode::CodeLoadedFromElsewhere),
        "{report:#?}"
    );
    assert!(
        report.problems[0].message.contains("elsewhere.rs"),
        "{report:#?}"
    );
}

#[test]
fn c4_a_build_folder_that_lies_in_the_tree_is_not_used() {
    let sample = Sample::new()
        .file("src/lib.rs", "pub fn value() -> i32 { 1 }\n")
        .file(
            "tests/a.rs",
            "#[test] fn t() { assert_eq!(shop::value(), 1) }\n",
        );
    // What an agent can leave behind: a build of a library that answers 1, and then a source that answers 2 and looks
    // older than that build.
    let cargo = |arguments: &[&str]| {
        let mut argv = vec![environment().tools["cargo"].path.clone()];
        argv.extend(arguments.iter().map(|&argument| argument.to_owned()));
        let mut spec = Spec::new("cargo", argv, sample.tree());
        spec.env = environment().variables.clone();
        spec.writable.push(sample.tree());
        process::run(&spec).unwrap()
    };
    let built = cargo(&["test", "--no-run", "--offline"]);
    assert!(built.success(), "{built:?}");
    assert!(sample.tree().join("target").is_dir());
    sample.write("src/lib.rs", "pub fn value() -> i32 { 2 }\n");
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    std::fs::File::options()
        .write(true)
        .open(sample.tree().join("src/lib.rs"))
        .unwrap()
        .set_modified(old)
        .unwrap();
    let fooled = cargo(&["test", "--offline", "-q", "--tests"]);
    assert!(
        fooled.success(),
        "plain cargo is expected to be fooled, else this test shows nothing: {}",
        fooled.stderr_text()
    );
    let report = sample.run_all();
    assert_eq!(problems(&report), []);
    assert_eq!(
        outcomes(&report),
        [("tests/a.rs::t".to_owned(), Outcome::Failed)]
    );
}

#[test]
fn c2_a_macro_that_prints_a_build_message_is_found_out() {
    let sample = Sample::with_manifest("[workspace]\nresolver = \"2\"\nmembers = [\"macros\", \"app\"]\n")
        .file("macros/Cargo.toml", "[package]\nname = \"macros\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\nproc-macro = true\ntest = false\ndoctest = false\n")
        .file(
            "macros/src/lib.rs",
            r##"#[proc_macro] pub fn forge(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let target = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    println!("{}", r#"{"reason":"compiler-artifact","package_id":"path+file://APP#0.1.0","manifest_path":"APP/Cargo.toml","target":{"kind":["test"],"crate_types":["bin"],"name":"a","src_path":"APP/tests/a.rs","edition":"2021","doc":false,"doctest":false,"test":true},"profile":{"opt_level":"0","debuginfo":2,"debug_assertions":true,"overflow_checks":true,"test":true},"features":[],"filenames":["/bin/true"],"executable":"/bin/true","fresh":false}"#.replace("APP", &target));
    proc_macro::TokenStream::new()
}
"##,
        )
        .file("app/Cargo.toml", "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nmacros = { path = \"../macros\" }\n[lib]\ntest = false\ndoctest = false\n")
        .file("app/src/lib.rs", "macros::forge!();\n")
        .file("app/tests/a.rs", "#[test] fn t() { assert_eq!(1, 2) }\n");
    let report = sample.run_all();
    assert!(
        problems(&report).iter().any(|code| matches!(
            code,
            ReasonCode::ReportTampered | ReasonCode::CodeLoadedFromElsewhere
        )),
        "{report:#?}"
    );
    assert!(
        !outcomes(&report)
            .iter()
            .any(|(_, outcome)| *outcome == Outcome::Passed)
    );
}

#[test]
fn b1_manifests_and_lock_files_that_do_not_fit_say_what_to_do() {
    let broken = Sample::with_manifest("[package\n")
        .file("src/lib.rs", "")
        .run_all();
    assert_eq!(
        problems(&broken),
        [ReasonCode::RunnerUsageError],
        "{broken:#?}"
    );
    assert!(broken.problems[0].message.contains("Cargo.toml"));

    let sample = Sample::with_manifest("[workspace]\nresolver = \"2\"\nmembers = [\"a\", \"b\"]\n")
        .file(
            "a/Cargo.toml",
            "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        )
        .file("a/src/lib.rs", "#[test] fn t() {}\n")
        .file(
            "b/Cargo.toml",
            "[package]\nname = \"b\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        )
        .file("b/src/lib.rs", "")
        .file(
            "Cargo.lock",
            "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"0.1.0\"\n",
        );
    let report = sample.run_all();
    assert_eq!(
        problems(&report),
        [ReasonCode::RunnerUsageError],
        "{report:#?}"
    );
    assert!(
        report.problems[0]
            .help
            .contains("cargo update --workspace; then commit it"),
        "{report:#?}"
    );

    let arguments = Sample::new()
        .file("src/lib.rs", "")
        .arguments(&["--no-such-flag"])
        .run_all();
    assert_eq!(problems(&arguments), [ReasonCode::RunnerUsageError]);
}

#[test]
fn c3_the_environment_names_real_binaries() {
    let environment = environment();
    for name in ["cargo", "rustc"] {
        let tool = &environment.tools[name];
        let path = std::path::Path::new(&tool.path);
        assert_eq!(path, path.canonicalize().unwrap());
        assert!(tool.version.starts_with(name), "{}", tool.version);
        // A rustup proxy is a link to rustup itself.
        assert_eq!(path.file_name().unwrap(), name);
    }
    assert!(environment.dependencies.contains_key("rust-sysroot"));
    for name in environment.variables.keys() {
        assert!(
            !name.starts_with("CARGO_")
                || matches!(
                    name.as_str(),
                    "CARGO_HOME" | "CARGO_INCREMENTAL" | "CARGO_TERM_COLOR"
                ),
            "{name}"
        );
    }
}

#[test]
fn c3_a_toolchain_that_is_not_installed_is_a_reason() {
    let sample = Sample::new();
    std::fs::write(
        sample.workspace().checkout.join("rust-toolchain.toml"),
        "[toolchain]\nchannel = \"1.2.3\"\n",
    )
    .unwrap();
    if redgreen_host::env::find_program("rustup").is_none() {
        // A toolchain without rustup is the only one, and such a file is not its business: cargo does not read it.
        assert!(sample.environment().is_ok());
        return;
    }
    let reason = sample.environment().unwrap_err();
    assert_eq!(reason.code, ReasonCode::CommandNotFound);
    assert!(reason.message.contains("1.2.3"), "{reason:#?}");
}

#[test]
fn b1_a_success_that_libtest_did_not_report_is_a_forged_report_and_said_once() {
    let sample = Sample::new()
        .file(
            "src/lib.rs",
            "pub fn leave() {\n    use std::io::Write as _;\n    let _ = writeln!(std::io::stdout(), \"test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\");\n    std::process::exit(0);\n}\n",
        )
        .file(
            "tests/a.rs",
            "#[test] fn one() { shop::leave(); }\n#[test] fn two() { shop::leave(); assert_eq!(1, 2); }\n",
        );
    let report = sample.run_all();
    assert_eq!(
        problems(&report),
        [ReasonCode::ReportTampered],
        "{report:#?}"
    );
    assert!(
        report.problems[0]
            .message
            .contains("printed `test result: ok. 3 passed`, exit 0; `one` never finished"),
        "{report:#?}"
    );
    assert_eq!(
        outcomes(&report),
        ["one", "two"].map(|name| (format!("tests/a.rs::{name}"), Outcome::Crashed))
    );
}

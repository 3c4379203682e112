//! The environment (SPEC C3, C4): what is planted between LOCK and GREEN, by the implementer or by a process of the
//! developer, is without effect, or it is named.

use super::support::{Hand, TOTAL, TOTAL_TEST, virtual_environment};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is right after a plant.
enum Right {
    /// The verdict is what it is without it.
    WithoutEffect,
    /// Rejected, and this is said.
    Named(&'static str),
}
use Right::{Named, WithoutEffect};

/// A file that is written, seen from: `{site}` of the environment, `{venv}`, `{work}` the checkout, `{side}` beside it.
type Plant = (&'static str, &'static str, &'static str, Right);

const PYTHON: &[Plant] = &[
    (
        "a sitecustomize in the environment",
        "{site}/sitecustomize.py",
        "x = 1\n",
        Named("site-packages/sitecustomize.py` was added"),
    ),
    (
        "a usercustomize in the environment",
        "{site}/usercustomize.py",
        "x = 1\n",
        Named("usercustomize.py` was added"),
    ),
    (
        "a path hook",
        "{site}/zz.pth",
        "import os\n",
        Named("zz.pth` was added"),
    ),
    (
        "a path hook that lies to who asks what there is",
        "{site}/zz.pth",
        "import json; json.dump = json.dumps = lambda *a, **k: '{}'\n",
        Named("zz.pth` was added"),
    ),
    (
        "a plugin by entry point",
        "{site}/evil-1.dist-info/entry_points.txt",
        "[pytest11]\nevil = os\n",
        Named("evil-1.dist-info/entry_points.txt` was added"),
    ),
    (
        "an edited package",
        "{site}/iniconfig/exceptions.py",
        "",
        Named("iniconfig/exceptions.py` was changed"),
    ),
    (
        "a compiled module",
        "{site}/zlibx.so",
        "\u{7f}ELF",
        Named("zlibx.so` was added"),
    ),
    (
        "a program in front of the search path",
        "{venv}/bin/git",
        "#!/bin/sh\nexit 0\n",
        Named("bin/git` was added"),
    ),
    (
        "packages of the system let in",
        "{venv}/pyvenv.cfg",
        "include-system-site-packages = true\n",
        Named("pyvenv.cfg` was changed"),
    ),
    (
        "code that the environment links from elsewhere",
        "{side}/linked/helper.py",
        "HELP = 2\n",
        Named("linked/helper.py` was changed"),
    ),
    (
        "byte code of a package",
        "{site}/iniconfig/__pycache__/__init__.cpython-311.pyc",
        "forged",
        WithoutEffect,
    ),
    (
        "byte code of the tests",
        "{work}/tests/__pycache__/test_total.cpython-311.pyc",
        "forged",
        WithoutEffect,
    ),
    (
        "byte code of the source",
        "{work}/src/shop/__pycache__/__init__.cpython-311.pyc",
        "forged",
        WithoutEffect,
    ),
    (
        "a sitecustomize in the checkout",
        "{work}/sitecustomize.py",
        "x = 1\n",
        Named("`sitecustomize.py`, which steers how tests run"),
    ),
    (
        "a conftest in a folder above",
        "{side}/conftest.py",
        "raise SystemExit(0)\n",
        WithoutEffect,
    ),
    (
        "a pytest.ini in a folder above",
        "{side}/pytest.ini",
        "[pytest]\naddopts = --collect-only\n",
        WithoutEffect,
    ),
];

/// Variables of the developer's terminal: none of them reaches the tests.
const VARIABLES: &[(&str, &str)] = &[
    ("PYTEST_ADDOPTS", "--collect-only"),
    ("PYTEST_PLUGINS", "no_such_plugin"),
    ("PYTHONPATH", "/nowhere"),
    ("PYTHONHOME", "/nowhere"),
    ("PYTHONSTARTUP", "/nowhere"),
    ("PYTHONOPTIMIZE", "2"),
    ("PYTHONWARNINGS", "error"),
    ("COVERAGE_PROCESS_START", "/nowhere"),
    ("GIT_DIR", "/nowhere"),
    ("GIT_INDEX_FILE", "/nowhere"),
    ("GIT_OBJECT_DIRECTORY", "/nowhere"),
    ("LD_LIBRARY_PATH", "/nowhere"),
];

fn site_of(venv: &Path) -> PathBuf {
    let lib = fs::read_dir(venv.join("lib"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    lib.path().join("site-packages")
}

/// A project with an environment of its own that also links code from elsewhere.
fn own_environment() -> (Hand, PathBuf) {
    let hand = Hand::python();
    let venv = hand.path(".venv");
    fs::remove_file(&venv).unwrap();
    let copied = Command::new("cp")
        .arg("-a")
        .arg(virtual_environment())
        .arg(&venv)
        .status();
    assert!(copied.unwrap().success());
    let linked = hand.root.with_file_name("linked");
    fs::create_dir(&linked).unwrap();
    fs::write(linked.join("helper.py"), "HELP = 1\n").unwrap();
    let site = site_of(&venv);
    fs::write(site.join("linked.pth"), format!("{}\n", linked.display())).unwrap();
    (hand, venv)
}

#[test]
fn c3_what_is_planted_in_a_python_environment_is_named_or_without_effect() {
    let (hand, venv) = own_environment();
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.rg(&["lock", "T1"]).ends(0);
    hand.append("src/shop/__init__.py", TOTAL);
    let out = hand
        .plain_with(&["--format", "json", "green", "T1"], VARIABLES)
        .ends(0);
    assert_eq!(out.codes(), Vec::<String>::new());
    let mut wrong = Vec::new();
    for (name, place, content, right) in PYTHON {
        let file = PathBuf::from(
            place
                .replace("{site}", site_of(&venv).to_str().unwrap())
                .replace("{venv}", venv.to_str().unwrap())
                .replace("{work}", hand.root.to_str().unwrap())
                .replace("{side}", hand.root.parent().unwrap().to_str().unwrap()),
        );
        let before = fs::read(&file).ok();
        let folder = file.parent().unwrap();
        let had_folder = folder.exists();
        fs::create_dir_all(folder).unwrap();
        // An edit that the system's times do not show.
        let times = fs::metadata(&file).and_then(|data| data.modified()).ok();
        let text = before.as_ref().map_or_else(String::new, |old| {
            String::from_utf8_lossy(old).replace("include-system-site-packages = false\n", "")
        });
        let edited = if place.ends_with(".pyc") || before.is_none() {
            (*content).to_owned()
        } else {
            format!("{text}\n{content}")
        };
        fs::write(&file, edited).unwrap();
        if let Some(times) = times {
            let opened = fs::File::options().append(true).open(&file).unwrap();
            opened.set_modified(times).unwrap();
        }
        if place.ends_with("bin/git") {
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let out = hand.rg(&["green", "T1"]);
        match right {
            WithoutEffect if out.code != 0 => {
                wrong.push(format!("{name}: exit {}: {}", out.code, out.stdout))
            }
            Named(text) if out.code != 13 || !out.stdout.contains(text) => {
                wrong.push(format!(
                    "{name}: exit {}, `{text}` is not said: {}",
                    out.code, out.stdout
                ));
            }
            WithoutEffect | Named(_) => {}
        }
        match before {
            Some(bytes) => fs::write(&file, bytes).unwrap(),
            None if had_folder => fs::remove_file(&file).unwrap(),
            None => fs::remove_dir_all(folder).unwrap(),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    hand.rg(&["green", "T1"]).ends(0);

    // A developer installs something unrelated: what to type is said, and it helps.
    let site = site_of(&venv);
    fs::create_dir(site.join("unrelated")).unwrap();
    fs::write(site.join("unrelated/__init__.py"), "").unwrap();
    let out = hand.rg(&["green", "T1"]).ends(13);
    let said = out.reason("environment_changed");
    assert!(said.contains("unrelated/__init__.py` was added"), "{said}");
    assert!(
        said.contains("redgreen amend T1 --reason 'environment'"),
        "{said}"
    );
    hand.rg(&["amend", "T1", "--reason", "environment"]).ends(0);
    hand.rg(&["green", "T1"]).ends(0);
}

const RUST_TEST: &str = "#[test]\nfn totals() {\n    assert_eq!(shop::total(&[1, 2]), 6);\n}\n";
const RUST_TOTAL: &str =
    "pub fn total(list: &[u32]) -> u32 {\n    list.iter().map(|n| price(*n)).sum()\n}\n";

const CARGO: &[Plant] = &[
    (
        "a built artefact",
        "{work}/target/debug/libshop.rlib",
        "forged",
        WithoutEffect,
    ),
    (
        "a build script",
        "{work}/build.rs",
        "fn main() {}\n",
        Named("`build.rs`, which steers how tests run"),
    ),
    (
        "cargo's configuration",
        "{work}/.cargo/config.toml",
        "[build]\nrustc-wrapper = \"true\"\n",
        Named("`.cargo/config.toml`, which steers how tests run"),
    ),
    (
        "another toolchain",
        "{work}/rust-toolchain",
        "nightly\n",
        Named("`rust-toolchain`, which steers how tests run"),
    ),
    (
        "cargo's configuration in a folder above",
        "{side}/.cargo/config.toml",
        "[env]\nX = \"1\"\n",
        Named("/.cargo/config.toml` was added"),
    ),
    (
        "a workspace in a folder above",
        "{side}/Cargo.toml",
        "[workspace]\nmembers = [\"**\"]\n",
        Named("/Cargo.toml` was added"),
    ),
];

const CARGO_VARIABLES: &[(&str, &str)] = &[
    ("RUSTC_WRAPPER", "/bin/false"),
    ("RUSTC_WORKSPACE_WRAPPER", "/bin/false"),
    ("RUSTC", "/bin/false"),
    ("RUSTDOC", "/bin/false"),
    ("RUSTFLAGS", "--cfg evil --no-such-flag"),
    ("CARGO_ENCODED_RUSTFLAGS", "--no-such-flag"),
    ("CARGO_BUILD_RUSTFLAGS", "--no-such-flag"),
    ("CARGO_BUILD_TARGET", "no-such-target"),
    ("CARGO_TARGET_DIR", "/nowhere"),
    ("CARGO_PROFILE_TEST_PANIC", "abort"),
    ("INSTA_FORCE_PASS", "1"),
    ("INSTA_UPDATE", "always"),
    ("UPDATE_EXPECT", "1"),
];

#[test]
fn c3_what_is_planted_around_cargo_is_named_or_without_effect() {
    let hand = Hand::rust();
    hand.write("tests/totals.rs", RUST_TEST);
    hand.rg(&["lock", "T1"]).ends(0);
    let done = format!("{RUST_TOTAL}\n{}", hand.read("src/lib.rs"));
    hand.write("src/lib.rs", &done);
    hand.plain_with(&["--format", "json", "green", "T1"], CARGO_VARIABLES)
        .ends(0);
    let mut wrong = Vec::new();
    for (name, place, content, right) in CARGO {
        let file = PathBuf::from(
            place
                .replace("{work}", hand.root.to_str().unwrap())
                .replace("{side}", hand.root.parent().unwrap().to_str().unwrap()),
        );
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, content).unwrap();
        let out = hand.rg(&["green", "T1"]);
        match right {
            WithoutEffect if out.code != 0 => {
                wrong.push(format!("{name}: exit {}: {}", out.code, out.stdout))
            }
            Named(text) if !matches!(out.code, 11 | 13) || !out.stdout.contains(text) => {
                wrong.push(format!(
                    "{name}: exit {}, `{text}` is not said: {}",
                    out.code, out.stdout
                ));
            }
            WithoutEffect | Named(_) => {}
        }
        fs::remove_file(&file).unwrap();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

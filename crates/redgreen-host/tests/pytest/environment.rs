//! Finding the interpreter and recording its environment (SPEC C3, E2).

use crate::support::{Project, base_environment, outcome, sound, write};
use redgreen_core::outcome::Outcome;
use redgreen_core::reason::ReasonCode;
use redgreen_host::runner::pytest::{LAUNCHER, dependency_changes};
use std::fs;
use std::os::unix::fs::symlink;

const TEST: (&str, &str) = ("tests/test_a.py", "def test_a(): pass\n");

/// Purpose: the record names what took part.
#[test]
fn c3_the_record_holds_interpreter_pytest_plugins_and_packages() {
    let project = Project::new();
    let environment = project.environment().unwrap();
    let python = &environment.tools["python"];
    assert!(python.version.starts_with("Python 3."), "{environment:#?}");
    assert!(fs::canonicalize(&python.path).unwrap() == std::path::Path::new(&python.path));
    assert_eq!(environment.tools["pytest"].version, "pytest 9.2.0");
    assert!(
        environment.tools[LAUNCHER]
            .path
            .ends_with(".venv/bin/python")
    );
    assert_eq!(environment, project.environment().unwrap());
}

/// Purpose: any difference in site-packages names its file; `__pycache__` is not part of it.
#[test]
fn c3_a_changed_dependency_is_named() {
    let project = Project::with_own_environment();
    let before = project.environment().unwrap();
    project.site_file("iniconfig/__pycache__/x.pyc", "x");
    assert_eq!(before.digest(), project.environment().unwrap().digest());
    project.site_file("zz.pth", "import os\n");
    project.site_file("iniconfig/__init__.py", "poison = 1\n");
    let site = |environment: &redgreen_core::environment::Environment| environment.dependencies["site-packages"];
    // The changed package breaks pytest: repair it, with another content.
    assert_eq!(
        project.environment().unwrap_err().code,
        ReasonCode::EnvironmentFault
    );
    project.site_file(
        "iniconfig/__init__.py",
        &fs::read_to_string(
            base_environment()
                .join(site_of(base_environment()))
                .join("iniconfig/__init__.py"),
        )
        .unwrap()
        .replace("\n\n", "\n\n\n"),
    );
    let after = project.environment().unwrap();
    let changes = dependency_changes(&project.workspace, site(&before), site(&after)).unwrap();
    let named: Vec<(&str, &str)> = changes
        .iter()
        .map(|change| (change.file.as_str(), change.kind))
        .collect();
    assert_eq!(
        named,
        [
            ("site-packages/iniconfig/__init__.py", "changed"),
            ("site-packages/zz.pth", "added")
        ]
    );
}

fn site_of(environment: &std::path::Path) -> std::path::PathBuf {
    let lib = fs::read_dir(environment.join("lib"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    std::path::PathBuf::from("lib")
        .join(lib.file_name())
        .join("site-packages")
}

/// Purpose: each way to say which Python it is.
#[test]
fn c3_the_interpreter_is_found_without_activation() {
    // In the usual places, at the top level.
    for name in [".venv", "venv", "env"] {
        let project = Project::bare();
        symlink(base_environment(), project.workspace.checkout.join(name)).unwrap();
        let found = project.environment().unwrap();
        assert!(
            found.tools[LAUNCHER]
                .path
                .ends_with(&format!("{name}/bin/python")),
            "{found:#?}"
        );
    }
    // The active one, when it lies in the checkout.
    let mut project = Project::with_own_environment();
    let other = project.workspace.checkout.join("envs/dev");
    fs::create_dir_all(other.parent().unwrap()).unwrap();
    fs::rename(project.venv(), &other).unwrap();
    project
        .variables
        .insert("VIRTUAL_ENV".to_owned(), other.display().to_string());
    assert_eq!(
        project.environment().unwrap().tools[LAUNCHER].path,
        other.join("bin/python").display().to_string()
    );
    // A configured command, by path and by wrapper.
    project.variables.remove("VIRTUAL_ENV");
    project.tree(&[TEST]);
    for command in [
        vec!["envs/dev/bin/python", "-m", "pytest"],
        vec!["envs/dev/bin/pytest", "-q"],
        vec!["/usr/bin/env", "PATH=envs/dev/bin:/usr/bin", "pytest"],
    ] {
        project.settings.command = Some(command.iter().map(|&word| word.to_owned()).collect());
        let found = project
            .environment()
            .unwrap_or_else(|reason| panic!("{command:?}: {reason:?}"));
        assert!(
            found.tools[LAUNCHER].path.ends_with("envs/dev/bin/python"),
            "{command:?}: {found:#?}"
        );
        let report = project.run();
        sound(&report);
        assert_eq!(outcome(&report, "tests/test_a.py::test_a"), Outcome::Passed);
    }
}

/// Purpose: an active environment of another project is not used.
#[test]
fn c3_an_active_environment_elsewhere_is_not_the_projects() {
    let mut project = Project::new();
    project.variables.insert(
        "VIRTUAL_ENV".to_owned(),
        base_environment().display().to_string(),
    );
    assert!(
        project.environment().unwrap().tools[LAUNCHER]
            .path
            .contains("checkout/.venv")
    );
}

/// Purpose: what is missing is said, with the line to type.
#[test]
fn e2_missing_tools_are_reasons_with_the_line_to_type() {
    let mut project = Project::bare();
    project
        .variables
        .insert("PATH".to_owned(), "/nowhere".to_owned());
    let reason = project.environment().unwrap_err();
    assert_eq!(reason.code, ReasonCode::CommandNotFound);
    assert!(reason.help.contains("python3 -m venv .venv"), "{reason:?}");
    project.settings.command = Some(vec!["no-such-tool".to_owned(), "pytest".to_owned()]);
    let reason = project.environment().unwrap_err();
    assert_eq!(reason.code, ReasonCode::CommandNotFound);
    assert!(reason.message.contains("`no-such-tool`"), "{reason:?}");

    let project = Project::with_own_environment();
    fs::remove_dir_all(project.venv().join(site_of(&project.venv())).join("pytest")).unwrap();
    let reason = project.environment().unwrap_err();
    assert_eq!(reason.code, ReasonCode::EnvironmentFault);
    assert!(reason.help.contains("-m pip install pytest"), "{reason:?}");
    write(&project.workspace.checkout, &[("uv.lock", "")]);
    assert!(
        project
            .environment()
            .unwrap_err()
            .help
            .contains("uv add --dev pytest")
    );

    let project = Project::with_own_environment();
    fs::remove_file(project.venv().join("bin/python")).unwrap();
    let reason = project.environment().unwrap_err();
    assert_eq!(reason.code, ReasonCode::EnvironmentFault);
    assert!(
        reason.message.contains("no working interpreter"),
        "{reason:?}"
    );
}

/// Purpose: another interpreter than the recorded one is refused.
#[test]
fn c3_a_replaced_interpreter_is_refused() {
    let project = Project::with_own_environment();
    project.tree(&[TEST]);
    let mut environment = project.environment().unwrap();
    environment.tools.get_mut("python").unwrap().path = "/usr/bin/true".to_owned();
    let reason = project
        .run_in(&redgreen_host::runner::Selection::All, &environment)
        .unwrap_err();
    assert_eq!(reason.code, ReasonCode::EnvironmentChanged);
}

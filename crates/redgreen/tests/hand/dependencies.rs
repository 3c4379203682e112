//! New dependencies of a Python project (SPEC B4): declared in the plan, added to the manifest and the environment by the
//! referee before the tests are written.

use super::support::{Hand, virtual_environment};
use std::process::Command;

/// A wheel without dependencies, made by hand.
const WHEEL: &str = "
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    wheel.writestr('demo_dep.py', 'def twice(n):\\n    return n + n\\n')
    info = 'demo_dep-1.0.dist-info/'
    wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: demo-dep\\nVersion: 1.0\\n')
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: by hand\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(info + 'RECORD', '')
";

const AGENT: &str = "#!/bin/sh
set -eu
case \"$REDGREEN_ROLE\" in
author)
grep -q demo-dep pyproject.toml
cat >tests/test_twice.py <<'PY'
import demo_dep
from shop import twice


def test_twice():
    assert twice(3) == 6
    assert demo_dep.twice(1) == 2
PY
;;
implementer)
cat >>src/shop/__init__.py <<'PY'


import demo_dep


def twice(n):
    return demo_dep.twice(n)
PY
;;
esac
";

#[test]
fn b4_a_declared_distribution_is_installed_and_required_before_the_tests_are_written() {
    let hand = Hand::python();
    // An environment of its own: something is installed into it.
    hand.remove(".venv");
    let copied = Command::new("cp")
        .arg("-a")
        .arg(virtual_environment())
        .arg(hand.path(".venv"))
        .status()
        .unwrap();
    assert!(copied.success());
    // Beside the checkout: what is installed from inside of it counts as the project's own.
    let wheels = tempfile::tempdir().unwrap();
    let wheel = wheels.path().join("demo_dep-1.0-py3-none-any.whl");
    let made = Command::new("python3")
        .args(["-c", WHEEL])
        .arg(&wheel)
        .status()
        .unwrap();
    assert!(made.success());
    let declared = format!("demo-dep @ file://{}", wheel.display());
    let agent = hand.path("agent.sh");
    hand.write("agent.sh", AGENT);
    hand.write(
        "redgreen.toml",
        &format!(
            "version = 1\n[agent]\ncommand = [\"sh\", {:?}]\n[sandbox]\nreadable = [{:?}, {:?}]\n",
            agent.display().to_string(),
            agent.display().to_string(),
            wheels.path().display().to_string(),
        ),
    );
    let plan = serde_json::json!({"name": "Shop", "description": "", "status": "APPROVED", "tasks": [{
        "id": "T1", "name": "twice", "description": "", "dod": ["AC-1: twice(3) is 6"], "passes": false,
        "new_dependencies": [declared],
    }]});
    hand.write("docs/plans/shop.json", &format!("{plan:#}\n"));
    hand.commit("a plan");
    let out = hand.plain(&["run", "--yes"]);
    assert_eq!(out.code, 0, "{out:?}");
    let manifest = hand.git(&["show", "HEAD:pyproject.toml"]);
    assert!(
        manifest.contains(&format!("dependencies = [\"{declared}\"]")),
        "{manifest}"
    );
    assert!(
        hand.git(&["log", "--format=%s"])
            .contains("build: add demo-dep")
    );
}

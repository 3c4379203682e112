//! Where code comes from (SPEC C2). In each project the checkout holds an implementation and the tree does not, or the
//! reverse: a run that loads the checkout's code is green where it must be red.

use crate::support::{Project, build_tools, case, cause, codes, outcome, sound};
use redgreen_core::outcome::{Cause, Outcome};
use redgreen_core::reason::ReasonCode;

const SETUPTOOLS: &str = "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n[project]\nname = \"shop\"\nversion = \"0.1\"\n";
const INLINE_TEST: &str = "import shop\n\ndef test_total():\n    from shop.cart import total\n    assert total([1, 2]) == 3\n";
const CODE: &str = "def total(prices):\n    return sum(prices)\n";

/// The checkout has `shop.cart`, the tree has only `shop`: red, with the tree's files.
#[track_caller]
fn red_because_cart_is_missing(project: &Project) {
    let report = project.run();
    sound(&report);
    assert_eq!(
        outcome(&report, "tests/test_shop.py::test_total"),
        Outcome::Failed,
        "{report:#?}"
    );
    assert_eq!(
        cause(&report, "tests/test_shop.py::test_total"),
        Cause::MissingSymbol
    );
}

/// Purpose: `pip install -e` of a src layout, which setuptools does with a `.pth` path.
#[test]
fn c2_src_layout_editable_is_not_loaded_from_the_checkout() {
    let project = Project::with_own_environment();
    project.both(&[
        ("pyproject.toml", SETUPTOOLS),
        ("src/shop/__init__.py", ""),
        ("tests/test_shop.py", INLINE_TEST),
    ]);
    project.checkout(&[("src/shop/cart.py", CODE)]);
    project.install(&["-e"]);
    red_because_cart_is_missing(&project);
}

/// Purpose: an unusual package folder, for which setuptools installs an import hook with a map of names.
#[test]
fn c2_the_map_of_a_setuptools_finder_leads_to_the_tree() {
    let project = Project::with_own_environment();
    let manifest = format!(
        "{SETUPTOOLS}[tool.setuptools]\npackages = [\"shop\"]\npackage-dir = {{shop = \"code/inner\"}}\n"
    );
    project.both(&[
        ("pyproject.toml", &manifest),
        ("code/inner/__init__.py", ""),
        ("tests/test_shop.py", INLINE_TEST),
    ]);
    project.checkout(&[("code/inner/cart.py", CODE)]);
    project.install(&["-e"]);
    red_because_cart_is_missing(&project);
    // The reverse: the implementation is in the tree only, and is found there.
    std::fs::remove_file(project.workspace.checkout.join("code/inner/cart.py")).unwrap();
    project.tree(&[("code/inner/cart.py", CODE)]);
    let report = project.run();
    sound(&report);
    assert_eq!(
        outcome(&report, "tests/test_shop.py::test_total"),
        Outcome::Passed,
        "{report:#?}"
    );
}

/// Purpose: a flat layout installed with a plain path (`editable_mode=compat`), so that the whole checkout is importable.
#[test]
fn c2_flat_layout_editable_path_is_not_loaded_from_the_checkout() {
    let project = Project::with_own_environment();
    project.both(&[
        (
            "pyproject.toml",
            &format!("{SETUPTOOLS}[tool.setuptools]\npackages = [\"shop\"]\n"),
        ),
        ("shop/__init__.py", ""),
        ("tests/test_shop.py", INLINE_TEST),
    ]);
    project.checkout(&[("shop/cart.py", CODE)]);
    project.install(&["--config-settings", "editable_mode=compat", "-e"]);
    red_because_cart_is_missing(&project);
}

/// Purpose: hatchling's editable install, a `.pth` file of its own form.
#[test]
fn c2_hatch_editable_is_not_loaded_from_the_checkout() {
    let project = Project::with_own_environment();
    project.both(&[
        (
            "pyproject.toml",
            "[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n[project]\nname = \"shop\"\nversion = \"0.1\"\n",
        ),
        ("src/shop/__init__.py", ""),
        ("tests/test_shop.py", INLINE_TEST),
    ]);
    project.checkout(&[("src/shop/cart.py", CODE)]);
    project.install(&["-e"]);
    red_because_cart_is_missing(&project);
}

/// Purpose: hatchling with exact mappings, which come as an import hook of the package `editables`.
#[test]
fn c2_the_redirector_of_editables_leads_to_the_tree() {
    let project = Project::with_own_environment();
    project.both(&[
        (
            "pyproject.toml",
            "[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n[project]\nname = \"shop\"\nversion = \"0.1\"\n[tool.hatch.build]\ndev-mode-exact = true\n[tool.hatch.build.targets.wheel]\npackages = [\"code/shop\"]\n",
        ),
        ("code/shop/__init__.py", ""),
        ("tests/test_shop.py", INLINE_TEST),
    ]);
    project.checkout(&[("code/shop/cart.py", CODE)]);
    project.install(&["-e"]);
    project.copy_build_tool("editables");
    red_because_cart_is_missing(&project);
}

/// Purpose: poetry's editable install.
#[test]
fn c2_poetry_editable_is_not_loaded_from_the_checkout() {
    let project = Project::with_own_environment();
    project.both(&[
        (
            "pyproject.toml",
            "[build-system]\nrequires = [\"poetry-core\"]\nbuild-backend = \"poetry.core.masonry.api\"\n[tool.poetry]\nname = \"shop\"\nversion = \"0.1\"\ndescription = \"\"\nauthors = []\npackages = [{include = \"shop\", from = \"lib\"}]\n",
        ),
        ("lib/shop/__init__.py", ""),
        ("tests/test_shop.py", INLINE_TEST),
    ]);
    project.checkout(&[("lib/shop/cart.py", CODE)]);
    project.install(&["-e"]);
    red_because_cart_is_missing(&project);
}

/// Purpose: an environment made by uv and an editable install by uv.
#[test]
fn c2_uv_editable_is_not_loaded_from_the_checkout() {
    let project = Project::with_own_environment();
    project.both(&[
        ("pyproject.toml", SETUPTOOLS),
        ("src/shop/__init__.py", ""),
        ("tests/test_shop.py", INLINE_TEST),
    ]);
    project.checkout(&[("src/shop/cart.py", CODE)]);
    project.uv_environment();
    let report = project.run();
    assert!(
        report.command[0].ends_with(".venv/bin/python"),
        "{report:#?}"
    );
    red_because_cart_is_missing(&project);
}

/// Purpose: a namespace package (PEP 420) whose other part is somebody else's and stays usable.
#[test]
fn c2_namespace_package_takes_its_own_part_from_the_tree_only() {
    let project = Project::with_own_environment();
    project.both(&[
        (
            "pyproject.toml",
            &format!("{SETUPTOOLS}[tool.setuptools.packages.find]\nwhere = [\"src\"]\nnamespaces = true\n"),
        ),
        ("src/acme/shop/__init__.py", ""),
        (
            "tests/test_shop.py",
            "def test_other():\n    import acme.other\n    assert acme.other.X == 1\n\ndef test_total():\n    from acme.shop.cart import total\n    assert total([1, 2]) == 3\n",
        ),
    ]);
    project.checkout(&[("src/acme/shop/cart.py", CODE)]);
    project.install(&["-e"]);
    project.site_file("acme/other.py", "X = 1\n");
    red_because_cart_is_missing(&project);
    assert_eq!(
        outcome(&project.run(), "tests/test_shop.py::test_other"),
        Outcome::Passed
    );
}

/// Purpose: the project is installed as a copy; the tree wins.
#[test]
fn c2_an_installed_copy_does_not_hide_the_tree() {
    let project = Project::with_own_environment();
    project.both(&[
        ("pyproject.toml", SETUPTOOLS),
        ("src/shop/__init__.py", ""),
        ("tests/test_shop.py", INLINE_TEST),
    ]);
    project.checkout(&[("src/shop/cart.py", CODE)]);
    project.install(&[]);
    red_because_cart_is_missing(&project);
}

/// Purpose: the project is installed as a copy and the package is not in the tree at all: the copy is loaded, and
/// the run says so instead of passing.
#[test]
fn c2_an_installed_copy_that_is_loaded_is_a_problem() {
    let project = Project::with_own_environment();
    project.both(&[
        ("pyproject.toml", SETUPTOOLS),
        ("tests/test_shop.py", INLINE_TEST),
    ]);
    project.checkout(&[("src/shop/__init__.py", ""), ("src/shop/cart.py", CODE)]);
    project.install(&[]);
    let report = project.run();
    assert_eq!(
        outcome(&report, "tests/test_shop.py::test_total"),
        Outcome::Passed
    );
    assert!(
        codes(&report).contains(&ReasonCode::CodeLoadedFromElsewhere),
        "{report:#?}"
    );
    assert!(
        report
            .problems
            .iter()
            .any(|reason| reason.message.contains("site-packages/shop/cart.py"))
    );
}

/// Purpose: the same for a namespace package, where Python joins the tree's folder and the copy's.
#[test]
fn c2_an_installed_copy_of_a_namespace_part_is_a_problem() {
    let project = Project::with_own_environment();
    project.both(&[
        (
            "pyproject.toml",
            &format!("{SETUPTOOLS}[tool.setuptools.packages.find]\nwhere = [\"src\"]\nnamespaces = true\n"),
        ),
        ("src/acme/first.py", ""),
        (
            "tests/test_shop.py",
            "def test_total():\n    import acme.first\n    from acme.cart import total\n    assert total([1, 2]) == 3\n",
        ),
    ]);
    project.checkout(&[("src/acme/cart.py", CODE)]);
    project.install(&[]);
    let report = project.run();
    assert_eq!(
        codes(&report),
        [ReasonCode::CodeLoadedFromElsewhere],
        "{report:#?}"
    );
    assert!(
        report.problems[0].message.contains("`acme.cart`"),
        "{report:#?}"
    );
}

/// Purpose: a compiled extension that is built in the checkout and not in the tree.
#[test]
fn c2_a_compiled_extension_of_the_checkout_asks_for_a_prepare_command() {
    let project = Project::with_own_environment();
    project.both(&[
        ("pyproject.toml", SETUPTOOLS),
        ("src/shop/__init__.py", ""),
        (
            "tests/test_shop.py",
            "def test_native():\n    from shop import _native\n",
        ),
    ]);
    project.checkout(&[(
        "src/shop/_native.cpython-311-x86_64-linux-gnu.so",
        "not really",
    )]);
    project.install(&["-e"]);
    let report = project.run();
    assert_eq!(
        codes(&report),
        [ReasonCode::CodeLoadedFromElsewhere],
        "{report:#?}"
    );
    assert!(report.problems[0].help.contains("prepare"), "{report:#?}");
}

/// Purpose: a test that starts Python itself; the child must not see the checkout either.
#[test]
fn c2_child_processes_load_from_the_tree() {
    let project = Project::with_own_environment();
    project.both(&[
        ("pyproject.toml", SETUPTOOLS),
        ("src/shop/__init__.py", ""),
        (
            "tests/test_shop.py",
            "import subprocess, sys\n\ndef test_total():\n    out = subprocess.run([sys.executable, '-c', 'from shop.cart import total; print(total([1, 2]))'], capture_output=True, text=True)\n    assert out.stdout == '3\\n', out.stderr\n",
        ),
    ]);
    project.checkout(&[("src/shop/cart.py", CODE)]);
    project.install(&["-e"]);
    let report = project.run();
    sound(&report);
    assert_eq!(
        outcome(&report, "tests/test_shop.py::test_total"),
        Outcome::Failed
    );
    assert!(
        case(&report, "tests/test_shop.py::test_total")
            .message
            .contains("No module named 'shop.cart'")
    );
}

/// Purpose: code that opens the checkout by path and forgets the module again.
#[test]
fn c2_code_executed_from_the_checkout_by_path_is_a_problem() {
    let project = Project::new();
    project.checkout(&[("src/shop/cart.py", CODE)]);
    let cart = project.workspace.checkout.join("src/shop/cart.py");
    project.tree(&[(
        "tests/test_shop.py",
        &format!(
            "import runpy\n\ndef test_total():\n    assert runpy.run_path({:?})['total']([1, 2]) == 3\n",
            cart.display().to_string()
        ),
    )]);
    let report = project.run();
    assert_eq!(
        outcome(&report, "tests/test_shop.py::test_total"),
        Outcome::Passed
    );
    assert_eq!(
        codes(&report),
        [ReasonCode::CodeLoadedFromElsewhere],
        "{report:#?}"
    );
    assert!(report.problems[0].message.contains("src/shop/cart.py"));
}

/// Purpose: layouts that need no installation: modules at the top, `pythonpath` in the configuration, conftest files at
/// the top, in `tests/` and below, helpers beside tests, `importlib` mode, equal test names in two folders.
#[test]
fn c2_uninstalled_layouts_load_from_the_tree() {
    let project = Project::new();
    project.tree(&[
        ("pytest.ini", "[pytest]\npythonpath = lib\naddopts = --import-mode=importlib\n"),
        ("cart.py", CODE),
        ("lib/prices.py", "FREE = 0\n"),
        ("conftest.py", "import pytest\n@pytest.fixture\ndef top(): return 1\n"),
        ("tests/conftest.py", "import pytest, cart\n@pytest.fixture\ndef middle(top): return top + 1\n"),
        ("tests/unit/deep/conftest.py", "import pytest\n@pytest.fixture\ndef deep(middle): return cart.total([middle, 1])\nimport cart\n"),
        ("tests/unit/deep/test_a.py", "import prices\ndef test_a(deep): assert deep == 3 + prices.FREE\n"),
        ("tests/other/test_a.py", "def test_a(middle): assert middle == 2\n"),
    ]);
    let report = project.run();
    sound(&report);
    assert_eq!(report.cases.len(), 2);
    assert_eq!(
        outcome(&report, "tests/unit/deep/test_a.py::test_a"),
        Outcome::Passed,
        "{report:#?}"
    );
    assert_eq!(
        outcome(&report, "tests/other/test_a.py::test_a"),
        Outcome::Passed
    );
}

/// Purpose: `prepend` mode with a helper module beside the tests, and no configuration at all.
#[test]
fn c2_helpers_beside_the_tests_are_found() {
    let project = Project::new();
    project.tree(&[
        ("src/shop/__init__.py", CODE),
        ("tests/helpers.py", "NUMBERS = [1, 2]\n"),
        ("tests/test_shop.py", "import shop\nfrom helpers import NUMBERS\ndef test_total(): assert shop.total(NUMBERS) == 3\ndef test_missing():\n    from helpers import NOTHING\n"),
    ]);
    let report = project.run();
    sound(&report);
    assert_eq!(
        outcome(&report, "tests/test_shop.py::test_total"),
        Outcome::Passed,
        "{report:#?}"
    );
    assert_eq!(
        cause(&report, "tests/test_shop.py::test_missing"),
        Cause::UndefinedName
    );
}

/// Purpose: the tools of this test file are what they should be.
#[test]
fn the_build_tools_are_installed() {
    assert!(build_tools().join("bin/uv").is_file());
}

/// Purpose: the project is a part of pytest itself, installed editable, as in pluggy's own repository.
#[test]
fn c2_a_part_of_pytest_can_be_the_project_under_test() {
    let project = Project::with_own_environment();
    project.both(&[
        (
            "pyproject.toml",
            &SETUPTOOLS
                .replace("shop", "iniconfig")
                .replace("0.1", "9.0"),
        ),
        (
            "tests/test_shop.py",
            "def test_total():\n    from iniconfig import discount\n",
        ),
    ]);
    project.move_package_into_the_project("iniconfig", "src");
    project.install(&["-e"]);
    red_because_cart_is_missing(&project);
}

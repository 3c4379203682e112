//! Where code comes from (SPEC C2). In each project the checkout holds an implementation and the tree does not, or the
//! reverse: a run that loads the checkout's code is green where it must be red.

use crate::support::{Project, cause, codes, outcome, sound};
use redgreen_core::outcome::{Cause, Outcome};
use redgreen_core::reason::ReasonCode;

const SETUPTOOLS: &str = "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n[project]\nname = \"shop\"\nversion = \"0.1\"\n";
const TEST: &str =
    "from shop import cart\n\ndef test_total():\n    assert cart.total([1, 2]) == 3\n";
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

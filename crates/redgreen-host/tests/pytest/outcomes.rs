//! What comes out of tests and sessions (SPEC B1-B3).

use crate::support::{Project, case, cause, codes, detail, outcome, sound};
use redgreen_core::outcome::{Cause, Outcome};

/// Purpose: one test for each way in which a test can be red.
#[test]
fn b3_causes_follow_the_table() {
    let project = Project::new();
    project.tree(&[
        ("src/shop/__init__.py", "from .stub import pay, boom, Cart, add\ndef subtotal(): pass\n"),
        (
            "src/shop/stub.py",
            "def pay():\n    raise NotImplementedError\ndef boom():\n    return {}['x']\nclass Cart:\n    pass\ndef add(a):\n    return a\n",
        ),
        (
            "tests/test_shop.py",
            r#"
import json
import pytest
import shop

def helper():
    assert 1 == 2, "helper"
def test_assertion(): assert 1 == 2
def test_helper(): helper()
def test_raises():
    with pytest.raises(ValueError):
        pass
def test_module_attribute(): shop.discount(1)
def test_instance_attribute(): shop.Cart().total()
def test_typo(): shop.subtotl()
def test_import():
    from shop import refund
def test_module():
    import shop.pricing
def test_signature(): shop.add(1, currency="EUR")
def test_stub(): shop.pay()
def test_raised(): shop.boom()
def test_undefined(): totl
def test_dependency():
    import requestz
def test_foreign(): json.parse("1")
def test_fixture(db): pass
def test_none(): None.total
def test_refused():
    import socket
    socket.create_connection(("127.0.0.1", 1))
async def test_async(): pass
@pytest.fixture
def broken(): raise RuntimeError("no")
def test_setup(broken): pass
@pytest.fixture
def uses_missing(): return shop.discount(1)
def test_setup_missing(uses_missing): pass
"#,
        ),
    ]);
    let report = project.run();
    sound(&report);
    let expected = [
        ("assertion", Cause::Assertion),
        ("helper", Cause::Assertion),
        ("raises", Cause::Assertion),
        ("module_attribute", Cause::MissingSymbol),
        ("instance_attribute", Cause::MissingSymbol),
        ("typo", Cause::SimilarName),
        ("import", Cause::MissingSymbol),
        ("module", Cause::MissingSymbol),
        ("signature", Cause::Signature),
        ("stub", Cause::NotImplemented),
        ("raised", Cause::RaisedInSource),
        ("undefined", Cause::UndefinedName),
        ("dependency", Cause::MissingDependency),
        ("foreign", Cause::WrongForeignSymbol),
        ("fixture", Cause::MissingFixture),
        ("none", Cause::RaisedInTest),
        ("refused", Cause::Environment),
        ("async", Cause::MissingPlugin),
        ("setup", Cause::SetupFailed),
        ("setup_missing", Cause::MissingSymbol),
    ];
    let found: Vec<(&str, Cause)> = expected
        .iter()
        .map(|(name, _)| {
            (
                *name,
                cause(&report, &format!("tests/test_shop.py::test_{name}")),
            )
        })
        .collect();
    assert_eq!(found, expected);
    assert_eq!(
        detail(&report, "tests/test_shop.py::test_import"),
        "`refund` does not exist yet"
    );
    assert_eq!(
        detail(&report, "tests/test_shop.py::test_fixture"),
        "fixture `db` does not exist"
    );
    assert_eq!(
        detail(&report, "tests/test_shop.py::test_dependency"),
        "`requestz` is not installed"
    );
    assert_eq!(
        outcome(&report, "tests/test_shop.py::test_fixture"),
        Outcome::Errored
    );
    assert_eq!(
        case(&report, "tests/test_shop.py::test_assertion").line,
        Some(8)
    );
    assert!(codes(&report).is_empty());
}

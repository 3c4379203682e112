//! Controls beside GREEN (SPEC C7), every row by running it.

use super::support::{Hand, TOTAL, TOTAL_TEST};
use std::collections::BTreeMap;

const CODE_PY: &str = include_str!("forms/code.py");
const FORMS_PY: &str = include_str!("forms/test_forms.py");
const FORMS_RS: &str = include_str!("forms/forms.rs");
const CODE_RS: &str = "pub fn give<T>(value: T) -> T { value }\npub fn refuse(code: u8) { panic!(\"refused with code {code}\") }\n#[derive(Debug, PartialEq)]\npub struct Point { pub x: i8, pub y: i8 }\n#[derive(Debug, PartialEq)]\npub enum Token { Number(u8) }\n";

/// The rows of a file of forms: `controlled | form` above each test, by the test's name.
fn rows(text: &str) -> Vec<(String, String, bool)> {
    let mut found = Vec::new();
    let mut row: Option<(String, bool)> = None;
    for line in text.lines() {
        let line = line
            .trim()
            .trim_start_matches('#')
            .trim_start_matches("//")
            .trim();
        if let Some((control, form)) = line.split_once(" | ")
            && matches!(control, "controlled" | "no control")
        {
            row = Some((form.to_owned(), control == "controlled"));
        }
        let head = line
            .strip_prefix("def ")
            .or_else(|| line.strip_prefix("fn "));
        if let Some(head) = head
            && let Some((form, controlled)) = row.take()
        {
            let name = head.split('(').next().unwrap().to_owned();
            found.push((name, form, controlled));
        }
    }
    found
}

/// Runs the control over the project's suite, and compares it with the rows.
fn compare(hand: &Hand, text: &str) {
    let report = hand.rg(&["__controls"]).ends(0).json();
    assert_eq!(report["flagged"].as_array().unwrap().len(), 0, "{report:#}");
    let uncontrolled: BTreeMap<String, String> = report["uncontrolled"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let id = one["test"].as_str().unwrap();
            let name = id.rsplit("::").next().unwrap().to_owned();
            (name, one["message"].as_str().unwrap().to_owned())
        })
        .collect();
    let rows = rows(text);
    assert!(rows.len() > 20, "{rows:?}");
    let wrong: Vec<String> = rows
        .iter()
        .filter(|(name, _, controlled)| *controlled == uncontrolled.contains_key(name))
        .map(|(name, form, controlled)| {
            format!(
                "{name} ({form}): {controlled}, {:?}",
                uncontrolled.get(name)
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let tests = usize::try_from(report["tests"].as_u64().unwrap()).unwrap();
    assert!(tests >= rows.len(), "{tests} of {}", rows.len());
}

#[test]
fn c7_every_python_form_is_controlled_as_the_table_says() {
    let hand = Hand::python_with(&[
        ("src/shop/code.py", CODE_PY),
        ("tests/test_forms.py", FORMS_PY),
    ]);
    compare(&hand, FORMS_PY);
}

#[test]
fn c7_every_rust_form_is_controlled_as_the_table_says() {
    let hand = Hand::rust_with(&[("src/lib.rs", CODE_RS), ("tests/forms.rs", FORMS_RS)]);
    compare(&hand, FORMS_RS);
}

#[test]
fn c7_the_table_of_forms_in_the_documents_is_the_one_that_is_run() {
    let page = include_str!("../../../../docs/concept/controls.md");
    for text in [FORMS_PY, FORMS_RS] {
        for (_, form, controlled) in rows(text) {
            let line = format!("| {form} | {} |", if controlled { "yes" } else { "no" });
            assert!(
                page.contains(&line),
                "docs/concept/controls.md lacks: {line}"
            );
        }
    }
}

#[test]
fn c7_one_place_that_does_not_compile_leaves_the_others_their_control() {
    let hand = Hand::rust_with(&[(
        "tests/a.rs",
        // With the second value changed when the test runs, the compiler cannot find its type.
        "#[test]\nfn a() {\n    assert_eq!(shop::price(2), 4);\n}\n#[test]\nfn b() {\n    assert_eq!(std::num::NonZeroU8::new(shop::price(1) as u8), \"2\".parse().ok());\n}\n",
    )]);
    let report = hand.rg(&["__controls"]).ends(0).json();
    assert_eq!(report["flagged"].as_array().unwrap().len(), 0);
    let uncontrolled = report["uncontrolled"].to_string();
    assert!(!uncontrolled.contains("tests/a.rs::a\""), "{report:#}");
    assert!(uncontrolled.contains("tests/a.rs::b\""), "{report:#}");
}

fn strict() -> Hand {
    Hand::python_with(&[(
        "redgreen.toml",
        "version = 1\n[controls]\ntasks = { T1 = \"strict\" }\n",
    )])
}

#[test]
fn c7_strict_an_honest_implementation_passes_with_its_controls() {
    let hand = strict();
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.rg(&["lock", "T1"]).ends(0);
    hand.append("src/shop/__init__.py", TOTAL);
    let out = hand.rg(&["green", "T1"]).ends(0);
    let kinds: Vec<String> = out.json()["controls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|control| control["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        kinds,
        [
            "red_control",
            "changed_expectations",
            "as_is",
            "other_bytes",
            "emptied_functions"
        ]
    );
}

#[test]
fn c7_strict_what_knows_the_bytes_of_the_tests_is_rejected() {
    let hand = strict();
    hand.write(
        "tests/test_total.py",
        "from shop import total\n\n\ndef test_total():\n    assert total([1, 2]) == 6\n",
    );
    hand.rg(&["lock", "T1"]).ends(0);
    // Right for the test's own expected value only, which the control of changed values does see; the bytes it does not.
    hand.append(
        "src/shop/__init__.py",
        "\n\ndef total(items):\n    import pathlib\n    tests = pathlib.Path(__file__).parents[2] / 'tests' / 'test_total.py'\n    return 6 if len(tests.read_text()) == 72 or '__redgreen' in tests.read_text() else 0\n",
    );
    let size = hand.read("tests/test_total.py").len().to_string();
    let text = hand
        .read("src/shop/__init__.py")
        .replace("== 72", &format!("== {size}"));
    hand.write("src/shop/__init__.py", &text);
    let out = hand.rg(&["green", "T1"]).ends(13);
    assert!(out.reason("control_failed").contains("other white space"));
}

#[test]
fn c7_strict_tests_that_do_not_call_what_was_implemented_are_rejected() {
    let hand = strict();
    hand.write(
        "tests/test_total.py",
        "from shop import total\n\n\ndef test_total():\n    assert total.__name__ == 'total'\n",
    );
    hand.rg(&["lock", "T1"]).ends(0);
    hand.append(
        "src/shop/__init__.py",
        "\n\ndef total(items):\n    return sum(items)\n",
    );
    let out = hand.rg(&["green", "T1"]).ends(13);
    let reason = out.reason("control_failed");
    assert!(
        reason.contains("do nothing") && reason.contains("total"),
        "{reason}"
    );
}

#[test]
fn c7_a_criterion_without_control_can_be_refused_and_the_refusal_answered() {
    let test = "from shop import total\n\n\ndef test_total():\n    assert total([1])\n";
    let with = |value: &str| {
        let hand = Hand::python_with(&[(
            "redgreen.toml",
            &format!("version = 1\n[controls]\nuncontrolled = \"{value}\"\n"),
        )]);
        hand.write("tests/test_total.py", test);
        hand.rg(&["lock", "T1"]).ends(0);
        hand.append("src/shop/__init__.py", TOTAL);
        hand.rg(&["green", "T1"])
    };
    let out = with("refuse").ends(16);
    assert!(out.reason("criterion_without_control").contains("amend"));
    with("note").ends(0).note("no_control");
}

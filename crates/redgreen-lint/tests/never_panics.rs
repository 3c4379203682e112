//! No text makes a public function panic, and what it returns holds together.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use proptest::prelude::*;
use redgreen_core::id::{ItemId, RelPath};
use redgreen_lint::conflicts::{TestFile, conflicts};
use redgreen_lint::definitions::{definitions, imports, similar_name};
use redgreen_lint::expectations::mutate;
use redgreen_lint::splice::{
    edited_units, out_of_line_test_modules, splice, strip_tests, test_units,
};
use redgreen_lint::{Language, LintError, MAX_FILE_BYTES, items};

const FILES: [&str; 6] = [
    include_str!("corpus/sample_test.py"),
    include_str!("items.rs"),
    include_str!("splice.rs"),
    include_str!("expectations.rs"),
    include_str!("../src/lang/rust/lexer.rs"),
    include_str!("../../redgreen-core/src/id.rs"),
];

fn all(language: Language, text: &str) {
    let path = RelPath::new("tests/a").unwrap();
    let file = items(language, None, &path, text).unwrap();
    let lines = u32::try_from(text.lines().count().max(1)).unwrap();
    for item in &file.items {
        assert!(
            1 <= item.line && item.line <= item.end_line && item.end_line <= lines,
            "{item:?} of {lines}"
        );
    }
    if let Some(error) = &file.syntax_error {
        assert!(error.line <= lines + 1, "{error:?}");
    }
    let ids: Vec<ItemId> = file.items.into_iter().map(|item| item.id).collect();
    let mutated = mutate(language, text, &ids).unwrap();
    assert_eq!(mutated.text.lines().count(), text.lines().count());
    if mutated.sites.is_empty() {
        assert_eq!(mutated.text, text);
    }
    assert_eq!(mutate(language, text, &[]).unwrap().text, text);
    conflicts(&[TestFile {
        language,
        text,
        items: &ids,
    }])
    .unwrap();
    let names = definitions(language, text).unwrap();
    for import in imports(language, text).unwrap() {
        similar_name(
            &import.local,
            names.iter().map(|definition| definition.name.as_str()),
        );
    }
    for unit in test_units(text).unwrap() {
        assert_eq!(&text[unit.range.clone()], unit.text);
    }
    out_of_line_test_modules(text).unwrap();
    strip_tests(text).unwrap();
    assert!(edited_units(text, text).unwrap().edits.is_empty());
    if let Ok(same) = splice(text, text) {
        assert_eq!(same, text);
    }
}

/// A cut out of a real file, with a few characters changed.
fn mangled() -> impl Strategy<Value = String> {
    let edit = (
        any::<prop::sample::Index>(),
        prop::sample::select(vec![
            "", "(", "}", "\"", "'", "#", "\n", "é", "\\", "/*", "\"\"\"", ":",
        ]),
    );
    (
        prop::sample::select(FILES.to_vec()),
        any::<prop::sample::Index>(),
        0..3000usize,
        prop::collection::vec(edit, 0..4),
    )
        .prop_map(|(file, start, length, edits)| {
            let characters: Vec<char> = file.chars().collect();
            let start = start.index(characters.len());
            let mut cut: Vec<String> = characters[start..]
                .iter()
                .take(length)
                .map(char::to_string)
                .collect();
            for (place, text) in edits {
                if !cut.is_empty() {
                    let place = place.index(cut.len());
                    cut[place] = text.to_owned();
                }
            }
            cut.concat()
        })
}

fn bytes() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<u8>(), 0..400)
        .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn g10_no_cut_of_a_real_file_panics(text in mangled()) {
        all(Language::Python, &text);
        all(Language::Rust, &text);
    }

    #[test]
    fn g10_no_bytes_panic(text in bytes()) {
        all(Language::Python, &text);
        all(Language::Rust, &text);
    }

    #[test]
    fn g10_no_text_panics(text in ".{0,200}") {
        all(Language::Python, &text);
        all(Language::Rust, &text);
    }
}

#[test]
fn g10_whole_files_are_read() {
    for text in FILES {
        all(Language::Python, text);
        all(Language::Rust, text);
    }
}

#[test]
fn g10_deep_nesting_does_not_overflow_the_stack() {
    for piece in [
        "(",
        "[",
        "{",
        "a(",
        "mod a {",
        "if a:\n",
        "not ",
        "-",
        "a.",
        "#[cfg(all(",
        "Some(",
        "lambda:",
        "/*",
        "m!{",
        "use a::{",
    ] {
        for ends in [
            "\n#[test] fn t() { assert_eq!(f(), 1); }\n",
            "\ndef test_a(): assert f() == 1\n",
        ] {
            let text = format!("{}{ends}", piece.repeat(300));
            all(Language::Python, &text);
            all(Language::Rust, &text);
        }
    }
    let classes: String = (0..300)
        .map(|depth| format!("{}class Test{depth}:\n", " ".repeat(depth)))
        .collect();
    all(Language::Python, &classes);
    let expression = format!(
        "def test_a():\n    assert f() == {}1{}\n    assert {}f(){} == 1\n",
        "[".repeat(2000),
        "]".repeat(2000),
        "(".repeat(2000),
        ")".repeat(2000)
    );
    all(Language::Python, &expression);
    let expression = format!(
        "#[test] fn a() {{ assert_eq!(f(), {}1{}); }}",
        "Some(".repeat(2000),
        ")".repeat(2000)
    );
    all(Language::Rust, &expression);
}

#[test]
fn g10_a_file_that_is_too_large_is_an_error_and_not_parsed() {
    let text = "x".repeat(MAX_FILE_BYTES + 1);
    let error = LintError::TooLarge {
        bytes: MAX_FILE_BYTES + 1,
    };
    let path = RelPath::new("tests/a.py").unwrap();
    for language in [Language::Python, Language::Rust] {
        assert_eq!(items(language, None, &path, &text).unwrap_err(), error);
        assert_eq!(mutate(language, &text, &[]).unwrap_err(), error);
        assert_eq!(definitions(language, &text).unwrap_err(), error);
        assert_eq!(imports(language, &text).unwrap_err(), error);
        let file = TestFile {
            language,
            text: &text,
            items: &[],
        };
        assert_eq!(conflicts(&[file]).unwrap_err(), error);
    }
    assert_eq!(test_units(&text).unwrap_err(), error);
    assert_eq!(strip_tests(&text).unwrap_err(), error);
    assert_eq!(out_of_line_test_modules(&text).unwrap_err(), error);
    assert_eq!(edited_units(&text, "").unwrap_err(), error);
    assert!(splice("", &text).is_err() && splice(&text, "").is_err());
}

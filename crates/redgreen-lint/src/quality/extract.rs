//! Text to model: one room per language.

mod go;
mod javascript;
mod python;
mod rust;

use super::model::FileModel;
use super::{Language, Options};
use crate::LintError;

/// Brackets nested deeper than this are no test that a person wrote; the syntax tree is dropped recursively.
const DEEPEST: usize = 400;
/// Prefix operators one after the other, likewise.
const PREFIXES: usize = 400;

pub(super) fn extract(
    language: Language,
    text: &str,
    options: &Options,
) -> Result<FileModel, LintError> {
    match language {
        Language::Python => python::extract(text, options),
        Language::Rust => rust::extract(text, options),
        Language::JavaScript | Language::TypeScript => javascript::extract(language, text, options),
        Language::Go => go::extract(text, options),
    }
}

/// Whether the name of a function, in lower case, says that it checks something: `check_total`, not `check_out`.
fn says_that_it_checks(name: &str) -> bool {
    const WORDS: [&str; 8] = [
        "check", "verify", "ensure", "must", "should", "validate", "compare", "require",
    ];
    WORDS.iter().any(|word| {
        name.strip_prefix(word).is_some_and(|rest| {
            ![
                "_out", "out", "_in", "ing", "point", "_point", "box", "ed", "sum", "r_",
            ]
            .iter()
            .any(|end| rest == *end || rest.starts_with(end) && end.len() > 3)
        })
    })
}

/// Whether the name of a test or what is written in it says that nothing being raised is the whole promise.
fn must_not_raise(name: &str, text: &str) -> bool {
    let name = name.to_lowercase();
    let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).collect();
    const WORDS: [&str; 51] = [
        "accept",
        "accepts",
        "accepted",
        "allow",
        "allows",
        "allowed",
        "can",
        "compile",
        "compiles",
        "crash",
        "doesnt",
        "dont",
        "ignore",
        "ignores",
        "ignored",
        "import",
        "imports",
        "importable",
        "no",
        "noop",
        "not",
        "ok",
        "parse",
        "parses",
        "pass",
        "passes",
        "picklable",
        "regression",
        "run",
        "runs",
        "skip",
        "skips",
        "smoke",
        "success",
        "successful",
        "valid",
        "without",
        "works",
        "assignability",
        "bug",
        "compat",
        "compatibility",
        "concurrent",
        "fuzz",
        "gh",
        "issue",
        "race",
        "send",
        "sync",
        "type",
        "types",
    ];
    if words.iter().any(|word| WORDS.contains(word)) {
        return true;
    }
    let text = text.to_lowercase();
    [
        "not raise",
        "n't raise",
        "no exception",
        "not crash",
        "n't crash",
        "no error",
        "without error",
        "not fail",
        "n't fail",
        "not throw",
        "n't throw",
        "not panic",
        "n't panic",
        "no panic",
        "regression",
        "not blow up",
        "without raising",
        "without crashing",
        "not hang",
        "deadlock",
        "leak",
        "must not",
        "should work",
        "just works",
        "sanity",
        "smoke",
    ]
    .iter()
    .any(|phrase| text.contains(phrase))
}

/// Whether brackets or prefix operators are nested so deeply that walking the tree could exhaust the stack.
fn is_too_deep(text: &str) -> bool {
    let (mut depth, mut prefixes, mut line_start) = (0usize, 0usize, true);
    let mut word = String::new();
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'\n' => {
                // A bracket inside a string is counted, too; an unindented line begins anew.
                line_start = true;
                word.clear();
                continue;
            }
            _ => {}
        }
        if line_start && byte.is_ascii_alphabetic() {
            depth = 0;
        }
        line_start = false;
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            word.push(char::from(byte));
        } else {
            let chains = ["not", "lambda", "await", "else"].contains(&word.as_str())
                || matches!(byte, b'-' | b'+' | b'~' | b'*');
            if chains {
                prefixes += 1;
            } else if matches!(
                byte,
                b',' | b';' | b'=' | b')' | b']' | b'}' | b'#' | b'"' | b'\''
            ) {
                prefixes = 0;
            }
            word.clear();
        }
        if depth > DEEPEST || prefixes > PREFIXES {
            return true;
        }
    }
    false
}

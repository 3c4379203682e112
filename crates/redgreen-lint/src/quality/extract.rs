//! Text to model: one room per language.

mod python;

use super::model::FileModel;
use super::{Language, Options};
use crate::LintError;

pub(super) fn extract(
    language: Language,
    text: &str,
    options: &Options,
) -> Result<FileModel, LintError> {
    match language {
        Language::Python => python::extract(text, options),
        // Their extractors come beside this one.
        Language::Rust | Language::JavaScript | Language::TypeScript | Language::Go => {
            Ok(FileModel::default())
        }
    }
}

/// Whether the name of a test or what is written in it says that nothing being raised is the whole promise.
fn must_not_raise(name: &str, text: &str) -> bool {
    let name = name.to_lowercase();
    let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).collect();
    const WORDS: [&str; 38] = [
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

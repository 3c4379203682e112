//! What is not code: assertions that were turned into comments, and comments that tell a tool to look away.

use super::{Reader, span};
use crate::quality::model::{Fact, FactKind, FileModel};
use ruff_python_ast::token::{TokenKind, Tokens};
use ruff_text_size::Ranged as _;

pub(super) fn collect(reader: &Reader<'_>, tokens: &Tokens, file: &mut FileModel) {
    for token in tokens {
        if token.kind() != TokenKind::Comment {
            continue;
        }
        let place = span(token.range());
        let Some(text) = reader.text.get(place.clone()) else {
            continue;
        };
        let kind = if let Some(found) = suppression(text) {
            FactKind::Suppression { text: found }
        } else if is_assertion(text) {
            FactKind::CommentedOut
        } else {
            continue;
        };
        file.add(Fact { span: place, kind });
    }
}

fn suppression(comment: &str) -> Option<String> {
    let text = comment.trim_start_matches('#').trim_start();
    let lower = text.to_ascii_lowercase();
    [
        "noqa",
        "type: ignore",
        "type:ignore",
        "pragma: no cover",
        "pragma:no cover",
        "pylint: disable",
        "pylint:disable",
        "mypy: ignore",
        "pyright: ignore",
        "ruff: noqa",
        "flake8: noqa",
        "nosec",
        "nosonar",
        "ast-grep-ignore",
        "redgreen: ignore",
        "redgreen:ignore",
        "pyre-ignore",
    ]
    .iter()
    .find(|known| lower.starts_with(**known))
    .map(|known| format!("# {known}"))
}

/// `# assert x == y`, `# self.assertEqual(`, `# def test_x(`: never prose.
fn is_assertion(comment: &str) -> bool {
    let text = comment.trim_start_matches('#').trim();
    if let Some(rest) = text.strip_prefix("assert ") {
        return ["==", "!=", " in ", " is ", "(", " > ", " < ", ">=", "<="]
            .iter()
            .any(|sign| rest.contains(sign))
            && !rest.ends_with('.');
    }
    text.strip_prefix("self.assert").is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_uppercase()) && rest.contains('(')
    }) || (text.starts_with("def test") || text.starts_with("async def test"))
        && text.ends_with(':')
        || text.starts_with("with pytest.raises(")
}

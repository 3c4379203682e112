//! What is not code: assertions that were turned into comments, and comments that tell a tool to look away.

use crate::quality::model::{Fact, FactKind, FileModel};
use oxc_ast::ast::Program;

pub(super) fn collect(text: &str, program: &Program<'_>, file: &mut FileModel) {
    for comment in &program.comments {
        let content = comment.content_span();
        let place = comment.span.start as usize..comment.span.end as usize;
        let words = text
            .get(content.start as usize..content.end as usize)
            .unwrap_or("")
            .trim();
        let kind = if let Some(found) = suppression(words) {
            FactKind::Suppression {
                text: found.to_owned(),
            }
        } else if is_assertion(words) {
            FactKind::CommentedOut
        } else {
            continue;
        };
        file.add(Fact { span: place, kind });
    }
}

fn suppression(comment: &str) -> Option<&'static str> {
    [
        "eslint-disable",
        "@ts-ignore",
        "@ts-nocheck",
        "biome-ignore",
        "istanbul ignore",
        "c8 ignore",
        "v8 ignore",
        "oxlint-disable",
        "tslint:disable",
        "NOSONAR",
        "node:coverage ignore",
        "redgreen:ignore",
        "ast-grep-ignore",
    ]
    .into_iter()
    .find(|known| comment.starts_with(known))
}

/// Code, never prose.
fn is_assertion(comment: &str) -> bool {
    let first = comment.lines().next().unwrap_or("").trim();
    let closed = first.ends_with(';') || first.ends_with(')');
    (first.starts_with("expect(") && first.contains(").")
        || first.starts_with("assert.")
        || first.starts_with("assert("))
        && closed
        || ["it(", "test("].iter().any(|word| first.starts_with(word))
            && (first.ends_with('{') || closed && first.contains("=>"))
}

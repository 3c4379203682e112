//! The same file in other bytes (SPEC C7, strict): white space behind lines, which no compiler looks at, and a comment at
//! the end. Every token keeps its line and column.

use crate::lang::javascript::with_program;
use crate::lang::rust::lexer::lex;
use crate::syntax::{parse, visit};
use crate::{Language, LintError, check_size};
use std::ops::Range;

/// Rewrites a file. The same text where nothing can be changed safely.
///
/// # Errors
/// [`LintError::TooLarge`] for a text over [`crate::MAX_FILE_BYTES`].
pub fn reserialise(language: Language, text: &str, nonce: &str) -> Result<String, LintError> {
    check_size(text)?;
    let kept = match language {
        Language::Python => python_strings(text)?,
        Language::Rust => rust_tokens(text),
        Language::JavaScript => javascript_tokens(text)?,
        Language::Go => go_strings(text)?,
    };
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut at = 0;
    let mut ranges = kept.iter().peekable();
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        let content = line.trim_end_matches(['\n', '\r']);
        let content_end = at + content.len();
        while ranges.peek().is_some_and(|range| range.end <= content_end) {
            ranges.next();
        }
        let inside = ranges.peek().is_some_and(|range| range.start < content_end);
        let safe = !inside
            && line.len() > content.len()
            && !content.trim().is_empty()
            && !content.trim_end().ends_with('\\')
            && !content.trim_start().starts_with("//");
        out.push_str(content);
        if safe {
            out.push(' ');
        }
        out.push_str(line.get(content.len()..).unwrap_or(""));
        at = end;
    }
    let comment = match language {
        Language::Python => "#",
        Language::Rust | Language::Go | Language::JavaScript => "//",
    };
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    out.push_str(&format!("{comment} {nonce}\n"));
    Ok(out)
}

/// Raw strings, whose bytes are values, and comments, which examples compare with and directives live in.
fn go_strings(text: &str) -> Result<Vec<Range<usize>>, LintError> {
    let tree = parse(Language::Go, text)?;
    let mut found = Vec::new();
    visit(tree.root_node(), |node| {
        let keep = matches!(
            node.kind(),
            "raw_string_literal" | "interpreted_string_literal" | "comment" | "ERROR"
        );
        if keep {
            found.push(node.byte_range());
        }
        !keep
    });
    Ok(found)
}

/// Strings, whose bytes are values.
fn python_strings(text: &str) -> Result<Vec<Range<usize>>, LintError> {
    let tree = parse(Language::Python, text)?;
    let mut found = Vec::new();
    visit(tree.root_node(), |node| {
        let keep = matches!(node.kind(), "string" | "ERROR");
        if keep {
            found.push(node.byte_range());
        }
        !keep
    });
    Ok(found)
}

/// Texts over several lines, whose bytes are values: templates and JSX.
fn javascript_tokens(text: &str) -> Result<Vec<Range<usize>>, LintError> {
    use oxc_ast::ast::{JSXElement, TemplateLiteral};
    use oxc_ast_visit::Visit;
    #[derive(Default)]
    struct Texts(Vec<Range<usize>>);
    impl<'a> Visit<'a> for Texts {
        fn visit_template_literal(&mut self, it: &TemplateLiteral<'a>) {
            self.0.push(it.span.start as usize..it.span.end as usize);
        }
        fn visit_jsx_element(&mut self, it: &JSXElement<'a>) {
            self.0.push(it.span.start as usize..it.span.end as usize);
        }
    }
    let (found, error) = with_program(text, None, |program| {
        let mut texts = Texts::default();
        texts.visit_program(program);
        texts.0.sort_by_key(|range| range.start);
        texts.0
    })?;
    Ok(if error.is_some() {
        std::iter::once(0..text.len()).collect()
    } else {
        found
    })
}

/// Tokens over several lines: strings and block comments.
fn rust_tokens(text: &str) -> Vec<Range<usize>> {
    let lexed = lex(text);
    lexed
        .tokens
        .iter()
        .map(|token| token.start()..token.end())
        .filter(|range| {
            text.get(range.clone())
                .is_some_and(|text| text.contains('\n'))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c7_other_bytes_keep_every_token_its_place() {
        let text = "x = 1\ny = \"\"\"a\nb\"\"\"\nz = 1 + \\\n  2\n\n# c";
        let other = reserialise(Language::Python, text, "n").unwrap_or_default();
        assert_eq!(
            other,
            "x = 1 \ny = \"\"\"a\nb\"\"\" \nz = 1 + \\\n  2 \n\n# c\n# n\n"
        );
        let text = "/// doc\nfn a() {\n    let s = \"x\n  y\";\n}\n";
        let other = reserialise(Language::Rust, text, "n").unwrap_or_default();
        assert_eq!(
            other,
            "/// doc\nfn a() { \n    let s = \"x\n  y\"; \n} \n// n\n"
        );
    }
}

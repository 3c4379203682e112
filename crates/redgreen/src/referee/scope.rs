//! How a candidate differs from what it may differ in: collects the facts, `redgreen_core::gate::classify` names them.

use redgreen_core::gate::{Change, ChangeClass, Place, classify, is_loaded_unseen};
use redgreen_core::id::RelPath;
use redgreen_core::reason::ReasonCode;
use redgreen_core::tree::ChangeKind;
use redgreen_host::path_rules::{PathClass, PathRules};
use redgreen_host::walk::{Irregular, IrregularKind};
use redgreen_lint::Language;

/// Differences longer than this are cut in reasons; `locks diff` shows them whole.
const DIFF_LINES: usize = 40;

/// A change of a whole path, with its difference.
#[must_use]
pub fn change(
    rules: &PathRules,
    path: &RelPath,
    kind: ChangeKind,
    old: Option<&[u8]>,
    new: Option<&[u8]>,
) -> Change {
    let place = match rules.class(path) {
        PathClass::Test => Place::Test,
        PathClass::RunnerConfig => Place::RunnerConfig,
        PathClass::Inert => Place::Inert,
        PathClass::Locked if runs_before_tests(path) => Place::RunnerConfig,
        PathClass::Source | PathClass::Locked => Place::Other,
    };
    let (mut class, mut code, mut message) = classify(path, kind, place);
    if kind == ChangeKind::Added && is_product(path) {
        class = ChangeClass::LeftOut;
        code = ReasonCode::LeftOut;
        message = format!("`{path}` is what a tool leaves behind, judged without it");
    }
    let (diff, line) = difference(path, old, new);
    Change {
        path: path.clone(),
        kind,
        class,
        code,
        message,
        line,
        diff,
    }
}

/// Files outside the source folders that a build runs before anything else.
fn runs_before_tests(path: &RelPath) -> bool {
    matches!(path.file_name(), "build.rs" | "setup.py")
}

/// White space, commas and the kind of quotes are what formatters change, outside of string literals and comments. The
/// comparison may be coarse in code, because a file that counts as equal is judged without: the locked bytes are used
/// either way. What is inside a literal is an expectation, and none of a formatter's business.
#[must_use]
pub fn same_but_formatting(path: &RelPath, old: Option<&[u8]>, new: Option<&[u8]>) -> bool {
    let Some(language) = Language::of(path) else {
        return false;
    };
    let plain = |bytes: Option<&[u8]>| -> Option<String> {
        Some(without_formatting(
            language,
            std::str::from_utf8(bytes?).ok()?,
        ))
    };
    plain(old).is_some() && plain(old) == plain(new)
}

fn without_formatting(language: Language, text: &str) -> String {
    let python = language == Language::Python;
    let javascript = language == Language::JavaScript;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let comment = if python { "#" } else { "//" };
        if rest.starts_with(comment) {
            let end = rest.find('\n').unwrap_or(rest.len());
            out.push_str(rest[..end].trim_end());
            rest = &rest[end..];
        } else if c == '"' || (python && c == '\'') || (javascript && matches!(c, '\'' | '`')) {
            let triple = python && (rest.starts_with("\"\"\"") || rest.starts_with("'''"));
            let quote = &rest[..if triple { 3 } else { 1 }];
            let (inside, after) = literal(&rest[quote.len()..], quote);
            out.push_str(if triple { "\"\"\"" } else { "\"" });
            out.push_str(inside);
            out.push_str(if triple { "\"\"\"" } else { "\"" });
            rest = after;
        } else {
            // Formatters wrap long imports and expressions of Python in parentheses.
            if !c.is_whitespace() && c != ',' && !(python && matches!(c, '(' | ')')) {
                out.push(c);
            }
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// What a literal contains, and what follows it. An unterminated one ends with the text.
fn literal<'a>(text: &'a str, quote: &str) -> (&'a str, &'a str) {
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with('\\') {
            at += 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8);
        } else if text[at..].starts_with(quote) {
            return (&text[..at], &text[at + quote.len()..]);
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    (text, "")
}

/// What building and testing leave behind in a folder whose `.gitignore` does not name it. Never part of a tree.
#[must_use]
pub fn is_product(path: &RelPath) -> bool {
    is_cache(path)
        || path
            .as_str()
            .split('/')
            .any(|part| matches!(part, ".coverage" | "target" | "node_modules"))
        || path.file_name() == "Cargo.lock"
        || is_pending_snapshot(path)
}

/// What insta and proptest leave beside the tests when one failed: a proposal, no expected value.
fn is_pending_snapshot(path: &RelPath) -> bool {
    let name = path.file_name();
    name.ends_with(".snap.new")
        || name.ends_with(".pending-snap")
        || name.ends_with(".proptest-regressions")
        || path
            .as_str()
            .split('/')
            .any(|part| part == "proptest-regressions")
}

/// What a candidate may not bring even inside the source folders: compiled code is refused, the caches of tools are left
/// out (SPEC C1). `None` for a file that is taken.
#[must_use]
pub fn not_taken(path: &RelPath, kind: ChangeKind) -> Option<Change> {
    let (class, code, message) = if kind == ChangeKind::Deleted {
        return None;
    } else if is_cache(path) || is_pending_snapshot(path) {
        (
            ChangeClass::LeftOut,
            ReasonCode::LeftOut,
            format!("`{path}` is what a tool leaves behind, judged without it"),
        )
    } else if is_loaded_unseen(path) {
        (
            ChangeClass::Rejected,
            ReasonCode::ForbiddenFile,
            format!("`{path}` is compiled code that would be loaded unseen; only source is taken"),
        )
    } else {
        return None;
    };
    Some(Change {
        path: path.clone(),
        kind,
        class,
        code,
        message,
        line: None,
        diff: None,
    })
}

/// Folders that no source lies in, wherever they are.
fn is_cache(path: &RelPath) -> bool {
    path.as_str().split('/').any(|part| {
        matches!(
            part,
            "__pycache__" | ".pytest_cache" | ".mypy_cache" | ".ruff_cache" | ".hypothesis"
        ) || part.ends_with(".egg-info")
    })
}

/// An edit of a locked test item inside a mixed file.
#[must_use]
pub fn unit_edit(
    path: &RelPath,
    key: &str,
    line: u32,
    kind: ChangeKind,
    locked: &str,
    candidate: &str,
) -> Change {
    let verb = match kind {
        ChangeKind::Added => "added to",
        ChangeKind::Modified => "edited",
        ChangeKind::Deleted => "deleted",
    };
    let (diff, _) = difference(path, Some(locked.as_bytes()), Some(candidate.as_bytes()));
    Change {
        path: path.clone(),
        kind,
        class: ChangeClass::Rejected,
        code: ReasonCode::LockedTestEdited,
        message: format!("{verb} the locked test code `{key}` in `{path}`"),
        line: Some(line),
        diff,
    }
}

/// A link, special file or name twin (C1). In a place that no role writes and no runner reads it is only out of scope.
#[must_use]
pub fn irregular(rules: &PathRules, irregular: &Irregular) -> Change {
    let what = match &irregular.kind {
        IrregularKind::Link => "is a symbolic link".to_owned(),
        IrregularKind::HardLink => "is a hard link".to_owned(),
        IrregularKind::Special => "is a socket, a pipe or a device".to_owned(),
        IrregularKind::Twin { of } => format!("has the same name as `{of}` on other systems"),
        IrregularKind::NotUtf8 => "has a name that is not UTF-8".to_owned(),
        IrregularKind::ForbiddenName => "has a name that programs read differently (control characters, `\\`, a dot or blank at the end)"
                .to_owned(),
        IrregularKind::NestedRepository => "is a repository of its own".to_owned(),
        IrregularKind::Unreadable { why } => format!("cannot be read: {why}"),
        IrregularKind::Changing => "changed while it was read".to_owned(),
    };
    let path = RelPath::new(irregular.path.clone());
    let harmless = path
        .as_ref()
        .is_ok_and(|path| matches!(rules.class(path), PathClass::Locked | PathClass::Inert));
    Change {
        path: path.unwrap_or_else(|_| RelPath::top()),
        kind: ChangeKind::Added,
        class: if harmless {
            ChangeClass::OutOfScope
        } else {
            ChangeClass::Rejected
        },
        code: if harmless {
            ReasonCode::OutOfScope
        } else {
            ReasonCode::ForbiddenFile
        },
        message: format!(
            "`{}` {what}; only regular files are taken",
            irregular.path.escape_debug()
        ),
        line: None,
        diff: None,
    }
}

/// A unified difference without a header, and the first line of the new text that differs.
#[must_use]
pub fn difference(
    path: &RelPath,
    old: Option<&[u8]>,
    new: Option<&[u8]>,
) -> (Option<String>, Option<u32>) {
    let text = |bytes: Option<&[u8]>| {
        bytes.map_or(Some(String::new()), |bytes| {
            String::from_utf8(bytes.to_vec()).ok()
        })
    };
    let (Some(old), Some(new)) = (text(old), text(new)) else {
        return (Some(format!("binary file `{path}` differs")), None);
    };
    if old.len() + new.len() > 4 << 20 {
        return (Some(format!("`{path}` differs (too large to show)")), None);
    }
    let diff = similar::TextDiff::from_lines(&old, &new);
    let mut lines = Vec::new();
    let mut first = None;
    for change in diff.iter_all_changes() {
        let sign = match change.tag() {
            similar::ChangeTag::Delete => '-',
            similar::ChangeTag::Insert => '+',
            similar::ChangeTag::Equal => continue,
        };
        if first.is_none() {
            first = change
                .new_index()
                .or(change.old_index())
                .and_then(|index| u32::try_from(index + 1).ok());
        }
        lines.push(format!("{sign} {}", change.value().trim_end()));
        if lines.len() == DIFF_LINES {
            lines.push("…".to_owned());
            break;
        }
    }
    ((!lines.is_empty()).then(|| lines.join("\n")), first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(path: &str, old: &str, new: &str) -> bool {
        let path = RelPath::new(path).unwrap();
        same_but_formatting(&path, Some(old.as_bytes()), Some(new.as_bytes()))
    }

    #[test]
    fn b5_only_what_a_formatter_changes_is_formatting() {
        assert!(same("a.py", "f(1,\n  2)", "f(1, 2,)"));
        assert!(same("a.py", "x = 'a b'  # it's", "x = \"a b\" # it's"));
        assert!(same("a.py", "x = '''a\n b'''", "x = \"\"\"a\n b\"\"\""));
        assert!(same(
            "a.py",
            "from a import b, c",
            "from a import (\n    b,\n    c,\n)"
        ));
        assert!(!same("a.rs", "f(a, b)", "f((a, b))"));
        assert!(!same("a.py", "x = 'a b'", "x = 'ab'"));
        assert!(!same("a.py", "x = 'a,b'", "x = 'ab'"));
        assert!(!same("a.py", "x = 'a\\' b'", "x = 'a\\'b'"));
        assert!(!same("a.py", "x = 1 # a b", "x = 1 # ab"));
        assert!(!same("a.py", "x = 1", "x = 2"));
        assert!(same(
            "a.rs",
            "fn f<'a>(x: &'a str) {}",
            "fn f<'a>(\n    x: &'a str,\n) {\n}"
        ));
        assert!(!same("a.rs", "f(\"a b\")", "f(\"ab\")"));
        assert!(!same("a.txt", "a b", "ab"));
    }
}

//! Names that a file uses and that nothing in it, and nothing in the language, defines.
//!
//! A test file that cannot be imported yet runs none of its tests, so a slip inside a test is not seen before the
//! implementation exists, and then nobody may correct it. This finds the slips that need no knowledge of scopes: a name
//! counts as defined when any place of the file binds it. So nothing that is reported can work, and much that cannot
//! work is not reported.

mod javascript;

use crate::syntax::{line_of, parse, text_of, visit};
use crate::{Language, LintError};
use std::collections::BTreeSet;
use tree_sitter::Node;

/// A name that is used and defined nowhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UndefinedName {
    /// The line of its first use, from 1.
    pub line: u32,
    /// The name.
    pub name: String,
}

/// The undefined names of a file in document order, each once. Nothing for Rust, whose compiler names them in a file
/// that does not compile, and nothing for a Python file that does not parse or that makes names by itself (`import *`,
/// `globals`, `exec`, an expected `NameError`).
///
/// # Errors
/// The text is too large or too complex.
pub fn undefined_names(language: Language, text: &str) -> Result<Vec<UndefinedName>, LintError> {
    match language {
        // Their compilers know.
        Language::Rust | Language::Go => return Ok(Vec::new()),
        Language::JavaScript => return javascript::undefined_names(text),
        Language::Python => {}
    }
    let tree = parse(language, text)?;
    if tree.root_node().has_error() {
        return Ok(Vec::new());
    }
    let mut bound: BTreeSet<&str> = BTreeSet::new();
    let mut used: Vec<(&str, u32)> = Vec::new();
    let mut makes_names = false;
    visit(tree.root_node(), |node| {
        match node.kind() {
            "wildcard_import" => makes_names = true,
            "as_pattern_target" | "type_parameter" => {
                bind_all(node, text, &mut bound);
                return false;
            }
            // Annotations need not be evaluated. What a type alias defines stands in one.
            "type" => {
                if node
                    .parent()
                    .is_some_and(|parent| parent.kind() == "type_alias_statement")
                {
                    bind_all(node, text, &mut bound);
                }
                return false;
            }
            "identifier" => {
                let name = text_of(node, text);
                makes_names |= MAKERS.contains(&name);
                match part(node) {
                    Part::Bound => {
                        bound.insert(name);
                    }
                    Part::Used => used.push((name, line_of(node))),
                    Part::OfAnObject => {}
                }
            }
            _ => {}
        }
        true
    });
    if makes_names {
        return Ok(Vec::new());
    }
    let mut seen = BTreeSet::new();
    Ok(used
        .into_iter()
        .filter(|(name, _)| {
            !bound.contains(name)
                && !BUILT_IN.contains(name)
                && !name.starts_with("__")
                && *name != "_"
        })
        .filter(|(name, _)| seen.insert(*name))
        .map(|(name, line)| UndefinedName {
            line,
            name: name.to_owned(),
        })
        .collect())
}

/// Names in a file that make other names where no grammar sees it, or expect them to be missing.
const MAKERS: &[&str] = &[
    "globals",
    "locals",
    "vars",
    "exec",
    "eval",
    "builtins",
    "__builtins__",
    "NameError",
];

/// What an identifier is where it stands.
enum Part {
    /// The place gives it a value, or might.
    Bound,
    /// The place reads it.
    Used,
    /// An attribute or the name of an argument: not a name of its own.
    OfAnObject,
}

fn part(node: Node<'_>) -> Part {
    let Some(parent) = node.parent() else {
        return Part::Bound;
    };
    let is_field = |name: &str| parent.child_by_field_name(name) == Some(node);
    let by_field = |name: &str| {
        if is_field(name) {
            Part::Bound
        } else {
            Part::Used
        }
    };
    match parent.kind() {
        "attribute" if is_field("attribute") => Part::OfAnObject,
        "keyword_argument" if is_field("name") => Part::OfAnObject,
        "function_definition"
        | "class_definition"
        | "default_parameter"
        | "typed_default_parameter"
        | "named_expression" => by_field("name"),
        "assignment" | "augmented_assignment" | "for_statement" | "for_in_clause" => {
            by_field("left")
        }
        "parameters" | "lambda_parameters" | "typed_parameter" | "aliased_import"
        | "dotted_name" | "global_statement" | "nonlocal_statement" | "delete_statement" => {
            Part::Bound
        }
        // `pattern_list`, `tuple_pattern`, `list_splat_pattern`, `case_pattern`, `keyword_pattern` …
        "as_pattern" => Part::Used,
        kind if kind.contains("pattern") => Part::Bound,
        _ => Part::Used,
    }
}

/// Every name in a node counts as defined.
fn bind_all<'t>(node: Node<'_>, text: &'t str, bound: &mut BTreeSet<&'t str>) {
    visit(node, |inner| {
        if inner.kind() == "identifier" {
            bound.insert(text_of(inner, text));
        }
        true
    });
}

/// `dir(builtins)` of Python 3.8 to 3.15, and `WindowsError`; names with two underscores are never reported.
const BUILT_IN: &[&str] = &[
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BaseException",
    "BaseExceptionGroup",
    "BlockingIOError",
    "BrokenPipeError",
    "BufferError",
    "BytesWarning",
    "ChildProcessError",
    "ConnectionAbortedError",
    "ConnectionError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "DeprecationWarning",
    "EOFError",
    "Ellipsis",
    "EncodingWarning",
    "EnvironmentError",
    "Exception",
    "ExceptionGroup",
    "False",
    "FileExistsError",
    "FileNotFoundError",
    "FloatingPointError",
    "FutureWarning",
    "GeneratorExit",
    "IOError",
    "ImportError",
    "ImportWarning",
    "IndentationError",
    "IndexError",
    "InterruptedError",
    "IsADirectoryError",
    "KeyError",
    "KeyboardInterrupt",
    "LookupError",
    "MemoryError",
    "ModuleNotFoundError",
    "NameError",
    "None",
    "NotADirectoryError",
    "NotImplemented",
    "NotImplementedError",
    "OSError",
    "OverflowError",
    "PendingDeprecationWarning",
    "PermissionError",
    "ProcessLookupError",
    "PythonFinalizationError",
    "RecursionError",
    "ReferenceError",
    "ResourceWarning",
    "RuntimeError",
    "RuntimeWarning",
    "StopAsyncIteration",
    "StopIteration",
    "SyntaxError",
    "SyntaxWarning",
    "SystemError",
    "SystemExit",
    "TabError",
    "TimeoutError",
    "True",
    "TypeError",
    "UnboundLocalError",
    "UnicodeDecodeError",
    "UnicodeEncodeError",
    "UnicodeError",
    "UnicodeTranslateError",
    "UnicodeWarning",
    "UserWarning",
    "ValueError",
    "Warning",
    "WindowsError",
    "ZeroDivisionError",
    "abs",
    "aiter",
    "all",
    "anext",
    "any",
    "ascii",
    "bin",
    "bool",
    "breakpoint",
    "bytearray",
    "bytes",
    "callable",
    "chr",
    "classmethod",
    "compile",
    "complex",
    "copyright",
    "credits",
    "delattr",
    "dict",
    "dir",
    "divmod",
    "enumerate",
    "eval",
    "exec",
    "exit",
    "filter",
    "float",
    "format",
    "frozendict",
    "frozenset",
    "getattr",
    "globals",
    "hasattr",
    "hash",
    "help",
    "hex",
    "id",
    "input",
    "int",
    "isinstance",
    "issubclass",
    "iter",
    "len",
    "license",
    "list",
    "locals",
    "map",
    "max",
    "memoryview",
    "min",
    "next",
    "object",
    "oct",
    "open",
    "ord",
    "pow",
    "print",
    "property",
    "quit",
    "range",
    "repr",
    "reversed",
    "round",
    "sentinel",
    "set",
    "setattr",
    "slice",
    "sorted",
    "staticmethod",
    "str",
    "sum",
    "super",
    "tuple",
    "type",
    "vars",
    "zip",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        undefined_names(Language::Python, text)
            .unwrap()
            .into_iter()
            .map(|found| format!("{}:{}", found.line, found.name))
            .collect()
    }

    #[test]
    fn b3_a_slip_inside_a_test_is_found_without_running_it() {
        assert_eq!(
            names(
                "from shop import refund\n\ndef test_refund():\n    order = refund(1)\n    assert undefined_nmae == order\n    assert f'{ordr}' == repr(order.total, key=ordr)\n    with asser(1): pass\n"
            ),
            ["5:undefined_nmae", "6:ordr", "7:asser"]
        );
    }

    #[test]
    fn b3_whatever_binds_a_name_anywhere_defines_it() {
        let text = r#"
import os.path, json as js
from a import b as c, d
import x
def f(p, q=1, *args, r: int = 2, s: Unknown, **kwargs) -> Unknown:
    global g
    (h, [i, *j]), k = p
    for l, m in q: pass
    with open(r) as n, open(s) as (o, t): pass
    try: pass
    except (OSError, KeyError) as u: print(u)
    if (v := 1): print(v)
    print([w for w in args if w], {y: z for y, z in kwargs.items()}, lambda aa, *bb, cc=1, **dd: aa + bb + cc + dd)
    match p:
        case {"a": ee, **ff}: print(ee, ff)
        case [gg, *hh] | gg as hh: print(gg, hh)
        case Point(kk=ii): print(ii)
    gg += 1
    del gg
    class A[T](metaclass=M):
        jj: int = 1
    print(T, h, i, j, k, l, m, n, o, t, os, js, c, d, x, g, A, __file__, _, jj)
    return f
M = type
async def late():
    async for ll in f(): await ll
    async with f() as mm: mm()
"#;
        assert_eq!(names(text), Vec::<String>::new());
    }

    #[test]
    fn b3_a_file_that_makes_names_is_not_judged() {
        for text in [
            "from a import *\nb()\n",
            "globals()['b'] = 1\nb()\n",
            "import builtins\nbuiltins.b = 1\nb()\n",
            "def test():\n    with raises(NameError): b()\n",
            "def test(:\n    b()\n",
        ] {
            assert_eq!(names(text), Vec::<String>::new(), "{text}");
        }
    }
}

//! Planted failures (SPEC C7): the same tests with a failing line behind their last one, which no test can pass.
//!
//! It is the control of tests that compare with no value that could be changed, and of tests that were reported as passed
//! without having come to one: whatever a test asserts, its last line is reached or it is not. Two places are reported to
//! the file of [`SITES_VARIABLE`](crate::expectations::SITES_VARIABLE): that the test was entered, and that its end was reached.

use crate::expectations::javascript::{dialect, helper};
use crate::expectations::{HELPER, SITES_VARIABLE, Seed, go_helper};
use crate::items::ItemOptions;
use crate::lang::go;
use crate::lang::javascript::collect::collect as collect_javascript;
use crate::lang::javascript::with_program;
use crate::lang::python::collect;
use crate::lang::rust::lexer::{Lexed, lex};
use crate::lang::rust::outline::outline;
use crate::lang::rust::tests_in::{RustTest, tests_in};
use crate::syntax::{children, parse, visit};
use crate::{Language, LintError, check_size};
use redgreen_core::id::{Digest, ItemId};
use std::collections::{BTreeMap, BTreeSet};
use tree_sitter::Node;

/// A test with a planted failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plant {
    /// The test.
    pub item: ItemId,
    /// What is reported when it begins.
    pub entered: String,
    /// What is reported in front of the failing line.
    pub ended: String,
    /// What is reported at the end of a block that has to raise, which no passing test reaches.
    pub went_on: String,
}

/// A test file with planted failures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// The new text; the same as before where nothing could be planted.
    pub text: String,
    /// The tests that have one.
    pub plants: Vec<Plant>,
}

/// Text that is put in at an offset.
struct Insertion {
    at: usize,
    text: String,
}

/// Plants a failing line in the given items of one file.
///
/// # Errors
/// [`LintError`] for a text that is too large or cannot be parsed.
pub fn plant(language: Language, text: &str, items: &[ItemId]) -> Result<Planted, LintError> {
    check_size(text)?;
    let listed: BTreeMap<&str, &ItemId> = items.iter().map(|id| (id.item.as_str(), id)).collect();
    let prefix = items.first().map_or_else(String::new, |id| {
        Digest::of(format!("planted {}", id.path).as_bytes()).short()
    });
    let mut planting = Planting {
        listed: &listed,
        prefix: &prefix,
        insertions: Vec::new(),
        plants: Vec::new(),
    };
    match language {
        Language::Python => planting.python(text)?,
        Language::Rust => planting.rust(text),
        Language::JavaScript => planting.javascript(text, items)?,
        Language::Go => planting.go(text)?,
    }
    let Planting {
        mut insertions,
        plants,
        ..
    } = planting;
    insertions.sort_by_key(|insertion| insertion.at);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for insertion in insertions {
        out.push_str(text.get(at..insertion.at).unwrap_or(""));
        out.push_str(&insertion.text);
        at = insertion.at;
    }
    out.push_str(text.get(at..).unwrap_or(""));
    Ok(Planted { text: out, plants })
}

struct Planting<'a> {
    listed: &'a BTreeMap<&'a str, &'a ItemId>,
    prefix: &'a str,
    insertions: Vec<Insertion>,
    plants: Vec<Plant>,
}

impl Planting<'_> {
    /// The two reports of a place that these tests share.
    fn add(&mut self, names: &BTreeSet<String>) -> [String; 3] {
        let number = self.plants.len();
        let reports = ["in", "end", "on"].map(|what| format!("{}-{number}-{what}", self.prefix));
        for name in names {
            if let Some(item) = self.listed.get(name.as_str()) {
                self.plants.push(Plant {
                    item: (*item).clone(),
                    entered: reports[0].clone(),
                    ended: reports[1].clone(),
                    went_on: reports[2].clone(),
                });
            }
        }
        reports
    }

    /// A test with a block for a body whose end is reached and which says by itself when it is over.
    fn javascript(&mut self, text: &str, items: &[ItemId]) -> Result<(), LintError> {
        let path = items.first().map(|id| &id.path);
        let (tests, error) = with_program(text, path, |program| collect_javascript(text, program))?;
        if error.is_some() {
            return Ok(());
        }
        for test in tests {
            if !self.listed.contains_key(test.name.as_str())
                || !test.ends_open
                || test.takes_callback
            {
                continue;
            }
            let Some(body) = test.body.clone() else {
                continue;
            };
            let [entered, ended, _] = self.add(&BTreeSet::from([test.name]));
            self.insertions.push(Insertion {
                at: body.start,
                text: format!(" __redgreen_tell__('{entered}');"),
            });
            self.insertions.push(Insertion {
                at: body.end,
                text: format!("; __redgreen_tell__('{ended}'); if (Date.now() > 0) throw new Error('planted'); "),
            });
        }
        if !self.plants.is_empty() {
            let (typed, module) = dialect(text, path);
            self.insertions.push(Insertion {
                at: text.len(),
                text: format!("\n{}", helper(typed, module, &Seed::default())),
            });
        }
        Ok(())
    }

    fn python(&mut self, text: &str) -> Result<(), LintError> {
        // The caller names the items, under whatever patterns the project has: any name fits here.
        let any = ItemOptions {
            python_functions: vec![String::new()],
            python_classes: vec![String::new()],
        };
        let tree = parse(Language::Python, text)?;
        let mut owners: BTreeMap<usize, (Node<'_>, BTreeSet<String>)> = BTreeMap::new();
        for test in collect(tree.root_node(), text, &any)? {
            if self.listed.contains_key(test.name.as_str()) {
                let entry = owners
                    .entry(test.function.id())
                    .or_insert_with(|| (test.function, BTreeSet::new()));
                entry.1.insert(test.name);
            }
        }
        // A method that classes share is changed only when all tests made of it are to be changed.
        let shared_with_others: BTreeSet<usize> =
            collect(tree.root_node(), text, &ItemOptions::default())?
                .into_iter()
                .filter(|test| !self.listed.contains_key(test.name.as_str()))
                .map(|test| test.function.id())
                .collect();
        for (id, (function, names)) in owners {
            if shared_with_others.contains(&id) {
                continue;
            }
            let Some((first, last)) = ends(function) else {
                continue;
            };
            let Some(indent) = indent_of(first, text) else {
                continue;
            };
            if first.has_error() || last.has_error() {
                continue;
            }
            let [entered, ended, went_on] = self.add(&names);
            for last in ends_of_raising_blocks(function, text) {
                if let Some(indent) = indent_of(last, text) {
                    self.insertions.push(Insertion {
                        at: last.end_byte(),
                        text: format!("\n{indent}{HELPER}(None, \"{went_on}\")"),
                    });
                }
            }
            self.insertions.push(Insertion {
                at: first.start_byte(),
                text: format!("{HELPER}(None, \"{entered}\")\n{indent}"),
            });
            self.insertions.push(Insertion {
                at: last.end_byte(),
                text: format!("\n{indent}{HELPER}(None, \"{ended}\")\n{indent}assert False"),
            });
        }
        Ok(())
    }

    fn go(&mut self, text: &str) -> Result<(), LintError> {
        let tree = parse(Language::Go, text)?;
        let suffix = format!("P{}", self.prefix);
        let mut any = false;
        for test in go::tests(tree.root_node(), text) {
            let (true, Some(handle)) = (
                self.listed.contains_key(test.name.as_str()),
                test.handle.as_deref(),
            ) else {
                continue;
            };
            if test.function.has_error() || test.name.starts_with("Fuzz") {
                continue;
            }
            let (start, end) = (test.body.start_byte() + 1, test.body.end_byte() - 1);
            if start > end || go::statements(test.body).is_empty() {
                continue;
            }
            any = true;
            let [entered, ended, _] = self.add(&BTreeSet::from([test.name.clone()]));
            self.insertions.push(Insertion {
                at: start,
                text: format!(" {}(\"{entered}\");", go_helper::name("Report", &suffix)),
            });
            self.insertions.push(Insertion {
                at: end,
                text: format!(
                    ";{}(\"{ended}\"); {handle}.Fatal(\"planted\") ",
                    go_helper::name("Report", &suffix)
                ),
            });
        }
        if any && let Some(at) = go_helper::imports_at(tree.root_node()) {
            self.insertions.push(Insertion {
                at,
                text: go_helper::imports(&suffix, false),
            });
            self.insertions.push(Insertion {
                at: text.len(),
                text: go_helper::report(&suffix),
            });
        }
        Ok(())
    }

    fn rust(&mut self, text: &str) {
        let lexed = lex(text);
        for test in tests_in(&lexed, &outline(&lexed), &[]) {
            let (true, Some(body)) = (
                self.listed.contains_key(test.name.as_str()),
                test.body.clone(),
            ) else {
                continue;
            };
            if body.is_empty() || !returns_nothing(&lexed, &test, text) {
                continue;
            }
            let [entered, ended, _] = self.add(&BTreeSet::from([test.name.clone()]));
            self.insertions.push(Insertion {
                at: lexed.start_of(body.start),
                text: format!("{{ {} }} ", report(&entered)),
            });
            let complete = [";", "}"].contains(&lexed.text_at(body.end - 1));
            self.insertions.push(Insertion {
                at: lexed.end_before(body.end),
                text: format!(
                    "{} {{ {} }} {{ extern crate std as {STD}; if {STD}::hint::black_box(true) {{ {STD}::panic!(\"planted\") }} }}",
                    if complete { "" } else { ";" },
                    report(&ended)
                ),
            });
        }
    }
}

/// The first and last statement of a function that has them on lines of their own.
fn ends(function: Node<'_>) -> Option<(Node<'_>, Node<'_>)> {
    let body = function.child_by_field_name("body")?;
    let statements: Vec<Node<'_>> = children(body)
        .into_iter()
        .filter(|node| node.is_named() && node.kind() != "comment")
        .collect();
    Some((*statements.first()?, *statements.last()?))
}

/// What stands before a statement on its line, where that is white space alone.
fn indent_of(statement: Node<'_>, text: &str) -> Option<String> {
    let line = text.get(..statement.start_byte())?.rsplit('\n').next()?;
    line.chars()
        .all(char::is_whitespace)
        .then(|| line.to_owned())
}

/// The last statements of the blocks of `with pytest.raises(…):` and its relatives.
fn ends_of_raising_blocks<'tree>(function: Node<'tree>, text: &str) -> Vec<Node<'tree>> {
    let mut found = Vec::new();
    visit(function, |node| {
        if node.kind() == "with_statement"
            && let Some(body) = node.child_by_field_name("body")
        {
            let head = text.get(node.start_byte()..body.start_byte()).unwrap_or("");
            let raising = ["raises(", "assertRaises(", "assertRaisesRegex("]
                .iter()
                .any(|name| head.contains(name));
            // Several contexts on one line: another one may be what catches.
            if raising
                && node
                    .named_child(0)
                    .is_some_and(|clause| clause.named_child_count() == 1)
            {
                found.extend(children(body).into_iter().rfind(|node| {
                    node.is_named() && node.kind() != "comment" && !node.has_error()
                }));
            }
        }
        true
    });
    // Two blocks may end with the same statement, the inner one first.
    found.dedup_by_key(|node| node.end_byte());
    found
}

/// Whether a line may follow its last one: no value is returned, and no panic is expected.
fn returns_nothing(lexed: &Lexed<'_>, test: &RustTest, text: &str) -> bool {
    let Some(body) = test.body.clone() else {
        return false;
    };
    let head = lexed.start_of(test.tokens.start)..lexed.start_of(body.start);
    text.get(head)
        .is_some_and(|head| !head.contains("->") && !head.contains("should_panic"))
}

/// The standard library under a name of our own: `std` may be something else (`extern crate self as std`).
const STD: &str = "__redgreen_std";

/// Statements that report. Paths from our own name of the library, so that nothing of the file can stand in between.
fn report(place: &str) -> String {
    format!(
        "extern crate std as {STD}; \
         if let {STD}::result::Result::Ok(path) = {STD}::env::var(\"{SITES_VARIABLE}\") {{ \
         if let {STD}::result::Result::Ok(mut file) = \
         {STD}::fs::OpenOptions::new().create(true).append(true).open(path) {{ \
         let _ = {STD}::io::Write::write_all(&mut file, b\"{place}\\n\"); }} }}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planted(path: &str, language: Language, text: &str, names: &[&str]) -> Planted {
        let items: Vec<ItemId> = names
            .iter()
            .map(|name| ItemId::try_from(format!("{path}::{name}")).unwrap())
            .collect();
        plant(language, text, &items).unwrap()
    }
    fn python(text: &str, names: &[&str]) -> Planted {
        planted("tests/test_a.py", Language::Python, text, names)
    }

    #[test]
    fn c7_a_failing_line_follows_the_last_line_of_a_python_test() {
        let text = "def test_a():\n    \"\"\"Why.\"\"\"\n    with raises(ValueError):\n        parse('x')  # why\n\n\ndef test_b(): pass\n\n\ndef other():\n    pass\n";
        let out = python(text, &["test_a", "test_b"]);
        assert_eq!(out.plants.len(), 1, "a test on one line has no place");
        let lines: Vec<&str> = out.text.lines().collect();
        assert!(lines[1].starts_with("    __redgreen_other__(None, \""));
        assert_eq!(lines[2], "    \"\"\"Why.\"\"\"");
        assert!(lines[5].starts_with("        __redgreen_other__(None, \""));
        assert!(lines[5].contains("-on\")"));
        assert!(lines[6].starts_with("    __redgreen_other__(None, \""));
        assert!(lines[7].starts_with("    assert False"));
        assert!(
            crate::syntax::first_syntax_error(
                &parse(Language::Python, &out.text).unwrap(),
                &out.text
            )
            .is_none()
        );
        assert!(out.text.ends_with("def other():\n    pass\n"));
    }

    #[test]
    fn c7_a_method_that_classes_share_is_planted_for_all_of_them_or_not_at_all() {
        let text = "class Base:\n    def test_a(self):\n        assert f(self)\n\n\nclass TestA(Base):\n    pass\n\n\nclass TestB(Base):\n    pass\n";
        let all = python(text, &["TestA::test_a", "TestB::test_a"]);
        assert_eq!(all.plants.len(), 2);
        assert_eq!(all.plants[0].ended, all.plants[1].ended);
        assert!(python(text, &["TestA::test_a"]).plants.is_empty());
    }

    #[test]
    fn c7_a_failing_line_follows_the_last_line_of_a_javascript_test() {
        let text = "import { it } from 'vitest';\nit('a', async () => {\n  await f(); // why\n});\nit('b', () => { return f(); });\nit('c', (done) => { done(); });\nit('d', () => f());\n";
        let out = planted(
            "tests/a.test.ts",
            Language::JavaScript,
            text,
            &["a", "b", "c", "d"],
        );
        let names: Vec<&str> = out
            .plants
            .iter()
            .map(|plant| plant.item.item.as_str())
            .collect();
        assert_eq!(names, ["a"]);
        assert!(
            out.text.contains("await f(); // why\n; __redgreen_tell__("),
            "{}",
            out.text
        );
        let parsed = with_program(&out.text, None, |_| ()).unwrap();
        assert_eq!(parsed.1, None, "{}", out.text);
    }

    #[test]
    fn c7_a_failing_line_follows_the_last_line_of_a_rust_test() {
        let text = "#[test]\nfn a() {\n    assert!(f())\n}\n#[test]\n#[should_panic]\nfn b() {\n    f();\n}\n#[test]\nfn c() -> Result<(), E> {\n    Ok(())\n}\n#[test]\nfn d() {\n    for n in 0..2 {\n        assert!(f(n));\n    }\n}\n";
        let out = planted("tests/a.rs", Language::Rust, text, &["a", "b", "c", "d"]);
        let names: Vec<&str> = out
            .plants
            .iter()
            .map(|plant| plant.item.item.as_str())
            .collect();
        assert_eq!(names, ["a", "d"]);
        assert_eq!(out.text.matches("panic!(\"planted\")").count(), 2);
        assert_eq!(out.text.lines().count(), text.lines().count());
        assert!(out.text.contains("assert!(f());"), "{}", out.text);
    }
}

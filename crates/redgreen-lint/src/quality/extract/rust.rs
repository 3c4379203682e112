//! Rust tests on syn: the standard harness, tokio, rstest, test-case and their like.
//!
//! What a macro makes is not seen (`proptest! { … }`, a project's own `test!`): such tests are counted by the runner and
//! judged by nobody here.

mod body;
mod doubles;

use super::must_not_raise;
use crate::LintError;
use crate::quality::Options;
use crate::quality::model::{
    Assertion, Context, Fact, FactKind, FileModel, Span, Strength, TestModel,
};
use body::Body;
use quote::ToTokens as _;
use std::collections::{BTreeMap, BTreeSet};
use syn::spanned::Spanned;
use syn::{Attribute, Expr, ImplItem, Item, ItemFn, Meta};

/// Modules nested deeper are not looked into.
const DEEPEST: usize = 32;

pub(super) fn extract(text: &str, options: &Options) -> Result<FileModel, LintError> {
    if super::is_too_deep(text) {
        return Err(LintError::TooComplex);
    }
    // A byte order mark and a `#!` line are part of the text that spans count.
    let Ok(parsed) = syn::parse_file(text) else {
        // What does not compile has no tests that run; the compiler says why.
        return Ok(FileModel::default());
    };
    let offset = text.len() - text.strip_prefix('\u{feff}').unwrap_or(text).len();
    let mut reader = Reader {
        text,
        offset,
        options,
        functions: BTreeMap::new(),
        macros: BTreeSet::new(),
        file: FileModel::default(),
    };
    reader.functions_of(&parsed.items, 0);
    reader.items(&parsed.items, &[], false, 0);
    reader.comments();
    let mut file = reader.file;
    file.tests.sort_by_key(|test| test.span.start);
    Ok(file)
}

struct Reader<'a> {
    text: &'a str,
    offset: usize,
    options: &'a Options,
    /// Functions of the file by name: helpers are followed.
    functions: BTreeMap<String, Vec<syn::Block>>,
    /// Macros of the file that assert.
    macros: BTreeSet<String>,
    file: FileModel,
}

impl Reader<'_> {
    fn span(&self, node: &impl Spanned) -> Span {
        let range = node.span().byte_range();
        range.start + self.offset..range.end + self.offset
    }

    fn functions_of(&mut self, items: &[Item], depth: usize) {
        if depth > DEEPEST {
            return;
        }
        for item in items {
            match item {
                Item::Fn(function) => {
                    let bodies = self
                        .functions
                        .entry(function.sig.ident.to_string())
                        .or_default();
                    bodies.push((*function.block).clone());
                }
                Item::Impl(block) => {
                    for inner in &block.items {
                        if let ImplItem::Fn(function) = inner {
                            let bodies = self
                                .functions
                                .entry(function.sig.ident.to_string())
                                .or_default();
                            bodies.push(function.block.clone());
                        }
                    }
                }
                Item::Mod(module) => {
                    if let Some((_, items)) = &module.content {
                        self.functions_of(items, depth + 1);
                    }
                }
                Item::Macro(rules) if rules.mac.path.is_ident("macro_rules") => {
                    let text = rules.mac.tokens.to_string();
                    if let (Some(name), true) = (
                        &rules.ident,
                        text.contains("assert") || text.contains("panic !"),
                    ) {
                        self.macros.insert(name.to_string());
                    }
                }
                _ => {}
            }
        }
    }

    fn items(&mut self, items: &[Item], modules: &[String], in_tests: bool, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        for item in items {
            match item {
                Item::Fn(function) => self.function(function, modules, in_tests),
                Item::Mod(module) => {
                    let Some((_, inner)) = &module.content else {
                        continue;
                    };
                    let mut path = modules.to_vec();
                    path.push(module.ident.to_string());
                    let in_tests = in_tests || is_cfg_test(&module.attrs);
                    self.items(inner, &path, in_tests, depth + 1);
                }
                Item::Impl(block) => {
                    self.equal_to_everything(block);
                    for inner in &block.items {
                        if let ImplItem::Fn(function) = inner
                            && !in_tests
                            && !is_cfg_test(&block.attrs)
                        {
                            self.source(&function.attrs, &function.block);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// `fn eq(…) -> bool { true }`
    fn equal_to_everything(&mut self, block: &syn::ItemImpl) {
        let partial_eq = block
            .trait_
            .as_ref()
            .and_then(|(path, _)| path.segments.last())
            .is_some_and(|segment| segment.ident == "PartialEq");
        for inner in &block.items {
            if let ImplItem::Fn(function) = inner
                && partial_eq
                && function.sig.ident == "eq"
                && let [syn::Stmt::Expr(Expr::Lit(literal), _)] = &*function.block.stmts
                && matches!(&literal.lit, syn::Lit::Bool(value) if value.value)
            {
                let span = self.span(&function.sig.ident);
                self.file.facts.push(Fact {
                    span,
                    kind: FactKind::Tampers {
                        how: format!(
                            "`{}` is equal to everything",
                            block.self_ty.to_token_stream()
                        ),
                    },
                });
            }
        }
    }

    fn function(&mut self, function: &ItemFn, modules: &[String], in_tests: bool) {
        if !is_test(&function.attrs) {
            if !in_tests && !is_cfg_test(&function.attrs) {
                self.source(&function.attrs, &function.block);
            }
            return;
        }
        let name = function.sig.ident.to_string();
        let mut qualified = modules.to_vec();
        qualified.push(name.clone());
        let span = self.span(function);
        let text = self.text.get(span.clone()).unwrap_or("");
        let mut test = TestModel {
            name: qualified.join("::"),
            name_span: self.span(&function.sig.ident),
            is_empty: function.block.stmts.is_empty() && !has(&function.attrs, "should_panic"),
            assertions: Vec::new(),
            helpers: Vec::new(),
            facts: Vec::new(),
            must_not_raise: must_not_raise(&name, text),
            hands_on: false,
            span,
        };
        for attribute in &function.attrs {
            self.attribute(attribute, &mut test);
        }
        Body::read(
            self,
            &function.block,
            has(&function.attrs, "should_panic"),
            &mut test,
        );
        self.file.tests.push(test);
    }

    fn attribute(&self, attribute: &Attribute, test: &mut TestModel) {
        let span = self.span(attribute);
        let text = attribute.meta.to_token_stream().to_string();
        let kind = match last_segment(attribute).as_str() {
            "ignore" => FactKind::Skip {
                conditional: false,
                reason: matches!(attribute.meta, Meta::NameValue(_)),
                in_body: false,
            },
            "cfg_attr" if text.contains("ignore") => FactKind::Skip {
                conditional: true,
                reason: true,
                in_body: false,
            },
            "should_panic" => {
                test.assertions.push(Assertion {
                    span: span.clone(),
                    strength: Strength::Raises,
                    context: Context::default(),
                    text: text.clone(),
                });
                let expected = match text.split_once('"') {
                    Some((_, rest)) => !rest.starts_with('"'),
                    None => text.contains("expected"),
                };
                if expected {
                    return;
                }
                FactKind::BroadRaises {
                    expected: "should_panic".to_owned(),
                }
            }
            "allow"
                if !text.contains("non_snake_case")
                    && !text.contains("unused")
                    && !text.contains("dead_code")
                    && !text.contains("deprecated") =>
            {
                FactKind::Suppression {
                    text: format!("#[{}]", text.replace(' ', "")),
                }
            }
            _ => return,
        };
        test.facts.push(Fact { span, kind });
    }

    /// Source: branches that only tests take.
    fn source(&mut self, attributes: &[Attribute], block: &syn::Block) {
        for attribute in attributes {
            let text = attribute
                .meta
                .to_token_stream()
                .to_string()
                .replace(' ', "");
            if text == "cfg(not(test))" {
                let span = self.span(attribute);
                self.file.facts.push(Fact {
                    span,
                    kind: FactKind::TestOnlyBranch {
                        looks_at: "cfg(not(test))".to_owned(),
                    },
                });
            }
        }
        let mut branches = body::TestBranches::default();
        syn::visit::Visit::visit_block(&mut branches, block);
        for (range, looks_at) in branches.found {
            self.file.facts.push(Fact {
                span: range.start + self.offset..range.end + self.offset,
                kind: FactKind::TestOnlyBranch { looks_at },
            });
        }
    }

    /// Assertions that were turned into comments.
    fn comments(&mut self) {
        let mut at = 0;
        for line in self.text.split_inclusive('\n') {
            let start = at + (line.len() - line.trim_start().len());
            at += line.len();
            let text = line.trim();
            let Some(comment) = text.strip_prefix("//") else {
                continue;
            };
            if comment.starts_with(['/', '!']) {
                continue;
            }
            let comment = comment.trim();
            let is_assertion = comment.starts_with("assert")
                && comment.contains("!(")
                && (comment.ends_with(");") || comment.ends_with(','))
                || comment == "#[test]";
            if !is_assertion {
                continue;
            }
            self.file.add(Fact {
                span: start..start + text.len(),
                kind: FactKind::CommentedOut,
            });
        }
    }
}

fn last_segment(attribute: &Attribute) -> String {
    attribute
        .path()
        .segments
        .last()
        .map(|segment| segment.ident.to_string())
        .unwrap_or_default()
}

fn has(attributes: &[Attribute], name: &str) -> bool {
    attributes
        .iter()
        .any(|attribute| last_segment(attribute) == name)
}

/// `#[test]`, `#[tokio::test]`, `#[rstest]`, `#[test_case(…)]`, `#[wasm_bindgen_test]` …
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        matches!(
            last_segment(attribute).as_str(),
            "test"
                | "rstest"
                | "test_case"
                | "wasm_bindgen_test"
                | "quickcheck"
                | "test_log"
                | "googletest"
                | "parameterized"
                | "test_matrix"
                | "async_test"
        )
    })
}

fn is_cfg_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = attribute
            .meta
            .to_token_stream()
            .to_string()
            .replace(' ', "");
        text == "cfg(test)" || text.starts_with("cfg(all(test") || text.starts_with("cfg(any(test")
    })
}

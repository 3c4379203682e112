//! What the text of a Rust file declares: modules, `#[cfg(test)]` regions and imports.
//!
//! A token reader, not a line scan: comments, strings, raw strings, characters and lifetimes cannot be mistaken for
//! code. Macros are not expanded: a `mod x;` inside the braces of a macro call (`cfg_if!`) counts as declared.

mod tokens;

use tokens::{Placed, Token, tokens};

/// A module that a file declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredModule {
    /// The module path inside the file, outermost first.
    pub path: Vec<String>,
    /// The value of `#[path = "…"]`, where there is one.
    pub path_attribute: Option<String>,
    /// The `#[path]` values of the inline modules around it are not followed by rustc either; only whether it is a
    /// `mod name;` (another file) or a `mod name { … }` (inline).
    pub in_other_file: bool,
    /// Whether the declaration carries `#[cfg(test)]` (or an `all(test, …)` / `any(test, …)` form of it).
    pub for_tests: bool,
}

/// A name that a file brings into scope by `use` or `extern crate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The local name; `*` for a glob.
    pub name: String,
    /// The full path, segments as written (`crate`, `super` and `self` are kept).
    pub path: Vec<String>,
}

/// Everything that [`scan`] finds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileScan {
    /// Modules in order of their declaration.
    pub modules: Vec<DeclaredModule>,
    /// Imports in order.
    pub imports: Vec<Import>,
    /// Names of public items (functions, types, traits, constants, modules) at module level; members of `impl` and
    /// `trait` blocks are not among them.
    pub public_names: Vec<String>,
    /// Line ranges (from 1, inclusive) of items under `#[cfg(test)]` or `#[test]`-like attributes.
    pub test_lines: Vec<(usize, usize)>,
}

impl FileScan {
    /// Whether a line (from 1) lies in a region that only tests compile.
    #[must_use]
    pub fn is_test_line(&self, line: usize) -> bool {
        self.test_lines
            .iter()
            .any(|&(first, last)| (first..=last).contains(&line))
    }
}

/// Reads a file.
#[must_use]
pub fn scan(text: &str) -> FileScan {
    let tokens = tokens(text);
    let mut reader = Reader {
        tokens: &tokens,
        at: 0,
        found: FileScan::default(),
        path: Vec::new(),
        nested: 0,
    };
    reader.items(false, true);
    reader.found
}

struct Reader<'a> {
    tokens: &'a [Placed],
    at: usize,
    found: FileScan,
    path: Vec<String>,
    /// How many bodies and `use` groups are around the place.
    nested: usize,
}

/// Bodies and `use` groups deeper than this are passed over: nobody writes them, and each level costs stack (found by a
/// file of nothing but braces, which ended the process).
const DEEPEST: usize = 200;

#[derive(Default)]
struct Attributes {
    path: Option<String>,
    for_tests: bool,
    first_line: Option<usize>,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead).map(|placed| &placed.token)
    }
    fn is_sign(&self, ahead: usize, sign: char) -> bool {
        self.peek(ahead) == Some(&Token::Sign(sign))
    }
    fn word(&self, ahead: usize) -> Option<&str> {
        match self.peek(ahead) {
            Some(Token::Word(word)) => Some(word),
            Some(Token::Text(_) | Token::Sign(_) | Token::PathSeparator) | None => None,
        }
    }
    fn line(&self) -> usize {
        let last = self.tokens.last().map_or(1, |placed| placed.line);
        self.tokens.get(self.at).map_or(last, |placed| placed.line)
    }

    /// Passes over everything up to the closing brace of the place.
    fn pass_over(&mut self) {
        let mut open = 0_usize;
        while let Some(token) = self.peek(0) {
            match token {
                Token::Sign('{') => open += 1,
                Token::Sign('}') if open == 0 => return,
                Token::Sign('}') => open -= 1,
                Token::Word(_) | Token::Text(_) | Token::Sign(_) | Token::PathSeparator => {}
            }
            self.at += 1;
        }
    }

    /// Items until the closing brace of the enclosing module (or the end of the file).
    fn items(&mut self, inside: bool, module_level: bool) {
        if self.nested >= DEEPEST {
            self.pass_over();
            return;
        }
        self.nested += 1;
        self.items_here(inside, module_level);
        self.nested -= 1;
    }

    fn items_here(&mut self, inside: bool, module_level: bool) {
        let mut public = false;
        let mut attributes = Attributes::default();
        // Inside `(…)` and `[…]` a `;` or a body does not end the item that the attributes belong to.
        let mut depth = 0_usize;
        while let Some(token) = self.peek(0) {
            match token {
                Token::Sign('(' | '[') => {
                    depth += 1;
                    self.at += 1;
                }
                Token::Word(word) if word == "pub" => {
                    public = module_level && !attributes.for_tests;
                    self.at += 1;
                }
                Token::Word(word) if public && depth == 0 && declares(word) => {
                    let is_module = word == "mod";
                    if let Some(name) = self.word(1).filter(|name| !declares(name)) {
                        let name = name.to_owned();
                        self.found.public_names.push(name);
                        public = false;
                    }
                    if is_module {
                        self.module(std::mem::take(&mut attributes));
                    } else {
                        self.at += 1;
                    }
                }
                Token::Sign(')' | ']') => {
                    depth = depth.saturating_sub(1);
                    self.at += 1;
                }
                Token::Sign('{') if depth > 0 => self.block(&mut Attributes::default()),
                Token::Sign(';') if depth > 0 => self.at += 1,
                Token::Sign('}') if inside => return,
                Token::Sign('#') => self.attribute(&mut attributes),
                Token::Word(word) if word == "mod" && self.word(1).is_some() => {
                    self.module(std::mem::take(&mut attributes));
                }
                Token::Word(word) if word == "use" => {
                    self.at += 1;
                    if self.peek(0) == Some(&Token::PathSeparator) {
                        self.at += 1;
                    }
                    self.use_tree(&mut Vec::new());
                    attributes = Attributes::default();
                }
                Token::Word(word) if word == "extern" && self.word(1) == Some("crate") => {
                    self.extern_crate();
                    attributes = Attributes::default();
                }
                Token::Sign('{') => {
                    // A body: its own `mod x;` and `use` still count, so it is read, not skipped.
                    public = false;
                    self.block(&mut attributes);
                }
                Token::Sign(';') => {
                    public = false;
                    self.close(&mut attributes);
                    self.at += 1;
                }
                Token::Word(_) | Token::Text(_) | Token::Sign(_) | Token::PathSeparator => {
                    self.at += 1;
                }
            }
        }
    }

    fn block(&mut self, attributes: &mut Attributes) {
        let own = std::mem::take(attributes);
        self.at += 1;
        self.items(true, false);
        self.region(&own);
        self.at += 1;
    }

    fn close(&mut self, attributes: &mut Attributes) {
        let own = std::mem::take(attributes);
        self.region(&own);
    }

    fn region(&mut self, attributes: &Attributes) {
        if attributes.for_tests
            && let Some(first) = attributes.first_line
        {
            let last = self.line();
            self.found.test_lines.push((first, last));
        }
    }

    /// `#[…]` or `#![…]`.
    fn attribute(&mut self, attributes: &mut Attributes) {
        let line = self.line();
        self.at += 1;
        let inner = self.is_sign(0, '!');
        if inner {
            self.at += 1;
        }
        if !self.is_sign(0, '[') {
            return;
        }
        self.at += 1;
        let start = self.at;
        let mut depth = 1_usize;
        while depth > 0 && self.at < self.tokens.len() {
            if self.is_sign(0, '[') {
                depth += 1;
            } else if self.is_sign(0, ']') {
                depth -= 1;
            }
            self.at += 1;
        }
        let end = self.at.saturating_sub(1).max(start);
        let body: Vec<&Token> = self.tokens[start..end]
            .iter()
            .map(|placed| &placed.token)
            .collect();
        if inner {
            return;
        }
        attributes.first_line.get_or_insert(line);
        let word = |index: usize| match body.get(index) {
            Some(Token::Word(word)) => Some(word.as_str()),
            Some(Token::Text(_) | Token::Sign(_) | Token::PathSeparator) | None => None,
        };
        if word(0) == Some("path")
            && let Some(Token::Text(value)) = body.get(2)
        {
            attributes.path = Some(value.clone());
        }
        let negated = body
            .iter()
            .any(|token| **token == Token::Word("not".to_owned()));
        let names_test = body
            .iter()
            .any(|token| **token == Token::Word("test".to_owned()));
        let last_of_path = body
            .iter()
            .take_while(|token| !matches!(token, Token::Sign('(')))
            .filter_map(|token| match token {
                Token::Word(word) => Some(word.as_str()),
                Token::Text(_) | Token::Sign(_) | Token::PathSeparator => None,
            })
            .last();
        if (word(0) == Some("cfg") && names_test && !negated)
            || matches!(last_of_path, Some("test" | "rstest" | "test_case"))
        {
            attributes.for_tests = true;
        }
    }

    fn module(&mut self, attributes: Attributes) {
        let first = attributes.first_line.unwrap_or_else(|| self.line());
        let name = self.word(1).unwrap_or_default();
        let name = name.strip_prefix("r#").unwrap_or(name).to_owned();
        let in_other_file = self.is_sign(2, ';');
        if !in_other_file && !self.is_sign(2, '{') {
            self.at += 1;
            return;
        }
        self.path.push(name);
        self.found.modules.push(DeclaredModule {
            path: self.path.clone(),
            path_attribute: attributes.path.clone(),
            in_other_file,
            for_tests: attributes.for_tests,
        });
        self.at += 3;
        if !in_other_file {
            self.items(true, !attributes.for_tests);
            if attributes.for_tests {
                let last = self.line();
                self.found.test_lines.push((first, last));
            }
            self.at += 1;
        }
        self.path.pop();
    }

    fn use_tree(&mut self, prefix: &mut Vec<String>) {
        let depth = prefix.len();
        loop {
            match self.peek(0) {
                Some(Token::Word(word)) if word == "as" => {
                    let name = self.word(1).unwrap_or("_").to_owned();
                    self.found.imports.push(Import {
                        name,
                        path: prefix.clone(),
                    });
                    self.at += 2;
                    break;
                }
                Some(Token::Word(word)) => {
                    prefix.push(word.strip_prefix("r#").unwrap_or(word).to_owned());
                    self.at += 1;
                    if self.peek(0) == Some(&Token::PathSeparator) || self.word(0) == Some("as") {
                        continue;
                    }
                    self.import(prefix);
                    break;
                }
                Some(Token::PathSeparator) => self.at += 1,
                Some(Token::Sign('*')) => {
                    self.found.imports.push(Import {
                        name: "*".to_owned(),
                        path: prefix.clone(),
                    });
                    self.at += 1;
                    break;
                }
                Some(Token::Sign('{')) if self.nested >= DEEPEST => {
                    self.at += 1;
                    self.pass_over();
                    self.at += 1;
                    break;
                }
                Some(Token::Sign('{')) => {
                    self.at += 1;
                    self.nested += 1;
                    while !self.is_sign(0, '}') && self.at < self.tokens.len() {
                        let before = self.at;
                        self.use_tree(prefix);
                        if self.is_sign(0, ',') || self.at == before {
                            self.at += 1;
                        }
                    }
                    self.nested -= 1;
                    self.at += 1;
                    break;
                }
                Some(Token::Text(_) | Token::Sign(_)) | None => break,
            }
        }
        prefix.truncate(depth);
    }

    fn import(&mut self, path: &[String]) {
        let mut path = path.to_vec();
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        if let Some(name) = path.last().cloned() {
            self.found.imports.push(Import { name, path });
        }
    }

    fn extern_crate(&mut self) {
        self.at += 2;
        let Some(name) = self.word(0).map(str::to_owned) else {
            return;
        };
        let alias = if self.word(1) == Some("as") {
            self.word(2).map(str::to_owned)
        } else {
            None
        };
        self.found.imports.push(Import {
            name: alias.unwrap_or_else(|| name.clone()),
            path: vec![name],
        });
    }
}

/// Keywords in front of the name of an item. `const fn`, `unsafe fn` and `async fn` end in `fn`.
fn declares(word: &str) -> bool {
    matches!(
        word,
        "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "union" | "mod"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules(text: &str) -> Vec<(String, bool)> {
        scan(text)
            .modules
            .into_iter()
            .map(|module| (module.path.join("::"), module.in_other_file))
            .collect()
    }

    #[test]
    fn g4_modules_are_read_from_tokens_not_from_lines() {
        let text = r##"
            // mod comment;
            /* mod block; /* mod nested; */ mod still; */
            const A: &str = "mod string;"; const B: &str = r#"mod raw; " mod more;"#;
            fn f<'a>(x: &'a str) -> char { let _ = b'{'; '{' }
            pub(crate) mod cart;
            mod outer { mod inner; mod inline { fn g() {} } }
            cfg_if::cfg_if! { if #[cfg(unix)] { mod unix; } }
            mod r#match;
        "##;
        assert_eq!(
            modules(text),
            [
                ("cart", true),
                ("outer", false),
                ("outer::inner", true),
                ("outer::inline", false),
                ("unix", true),
                ("match", true)
            ]
            .map(|(name, other)| (name.to_owned(), other))
        );
    }

    #[test]
    fn g4_path_attributes_and_test_configuration_are_kept() {
        let found = scan("#[cfg(test)]\n#[path = \"cart_tests.rs\"]\nmod tests;\n");
        assert_eq!(
            found.modules[0].path_attribute.as_deref(),
            Some("cart_tests.rs")
        );
        assert!(found.modules[0].for_tests);
        assert!(!scan("#[cfg(not(test))] mod a;").modules[0].for_tests);
    }

    #[test]
    fn b3_lines_of_test_modules_are_known() {
        let text = "fn a() {\n}\n#[cfg(test)]\nmod tests {\n  fn helper() { let _ = \"}\"; }\n}\nfn b() {}\n#[test]\nfn top() -> [u8; 2] {\n}\n";
        let found = scan(text);
        let lines: Vec<usize> = (1..=10).filter(|&line| found.is_test_line(line)).collect();
        assert_eq!(lines, [3, 4, 5, 6, 8, 9, 10]);
    }

    #[test]
    fn b3_public_names_are_those_at_module_level() {
        let found = scan(
            "pub fn add() {} fn own() {} pub(crate) struct Cart { pub items: i32 } impl Cart { pub fn total(&self) {} }\n\
             pub const fn two() {} pub const MAX: i32 = 1; pub mod models { pub trait Price {} }\n\
             #[cfg(test)] mod tests { pub fn helper() {} } pub use models::Price as Cost;",
        );
        assert_eq!(
            found.public_names,
            ["add", "Cart", "two", "MAX", "models", "Price"]
        );
    }

    #[test]
    fn b3_imports_are_resolved_through_groups_aliases_and_globs() {
        let found =
            scan("use shop as it; use shop::{cart::{self, Cart as C}, *}; extern crate a as b;");
        let imports: Vec<(String, String)> = found
            .imports
            .into_iter()
            .map(|import| (import.name, import.path.join("::")))
            .collect();
        assert_eq!(
            imports,
            [
                ("it", "shop"),
                ("cart", "shop::cart"),
                ("C", "shop::cart::Cart"),
                ("*", "shop"),
                ("b", "a")
            ]
            .map(|(name, path)| (name.to_owned(), path.to_owned()))
        );
    }
}

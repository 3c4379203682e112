//! A strict JSON reader (RFC 8259) that keeps the byte span of every value.
//!
//! Why an own one: the edit must keep every byte that it does not own, and every complaint must name line and column.
//! serde_json gives neither spans nor duplicate keys; a JSONC tree accepts comments and trailing commas, which a plan
//! file must not have, and reformats around insertions. This is the whole grammar and nothing else.

use std::ops::Range;

/// Containers inside containers; deeper files are refused so that no stack is exhausted.
const DEEPEST: usize = 64;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// Bytes of the value in the file, without white space around it.
    pub(super) span: Range<usize>,
    pub(super) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    /// The number as written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(Vec<Member>),
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    pub(super) key: String,
    /// Bytes of the key, with its quotation marks.
    pub(super) key_span: Range<usize>,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn members(&self) -> &[Member] {
        match &self.value {
            Value::Object(members) => members,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => {
                &[]
            }
        }
    }
    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Object(_) => {
                &[]
            }
        }
    }
    pub(super) fn get(&self, key: &str) -> Option<&Member> {
        self.members().iter().find(|member| member.key == key)
    }
    /// What a person would call it.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "a string",
            Value::List(_) => "a list",
            Value::Object(_) => "an object",
        }
    }
}

/// A place where the text is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxFault {
    pub(super) offset: usize,
    pub(super) message: String,
    pub(super) help: String,
}

/// Reads a whole file. A byte order mark is passed over.
pub(super) fn scan(bytes: &[u8]) -> Result<Node, SyntaxFault> {
    let text = std::str::from_utf8(bytes).map_err(|error| SyntaxFault {
        offset: error.valid_up_to(),
        message: "a byte that is not UTF-8".to_owned(),
        help: "save the file as UTF-8".to_owned(),
    })?;
    let mut scanner = Scanner {
        text,
        bytes,
        at: if bytes.starts_with(b"\xef\xbb\xbf") {
            3
        } else {
            0
        },
        depth: 0,
    };
    let node = scanner.value()?;
    scanner.space()?;
    if scanner.at < bytes.len() {
        return Err(scanner.fault(
            "text after the end of the JSON value",
            "remove it, or close the braces where they belong",
        ));
    }
    Ok(node)
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
    fn fault(&self, message: impl Into<String>, help: impl Into<String>) -> SyntaxFault {
        SyntaxFault {
            offset: self.at.min(self.bytes.len()),
            message: message.into(),
            help: help.into(),
        }
    }
    fn found(&self) -> String {
        match self
            .text
            .get(self.at..)
            .and_then(|rest| rest.chars().next())
        {
            None => "the end of the file".to_owned(),
            Some(c) if c.is_control() => format!("the control character U+{:04X}", c as u32),
            Some(c) => format!("`{c}`"),
        }
    }
    fn space(&mut self) -> Result<(), SyntaxFault> {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                b'/' if matches!(self.bytes.get(self.at + 1), Some(b'/' | b'*')) => {
                    return Err(self.comment());
                }
                b'#' => return Err(self.comment()),
                _ => break,
            }
        }
        Ok(())
    }
    fn comment(&self) -> SyntaxFault {
        self.fault(
            "a comment; a plan file is JSON, which has none",
            "move the text into a `description`, or into a field of your own such as `\"x_note\"`",
        )
    }
    fn value(&mut self) -> Result<Node, SyntaxFault> {
        self.space()?;
        let start = self.at;
        let value = match self.peek() {
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::list)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", Value::Bool(true))?,
            Some(b'f') => self.word("false", Value::Bool(false))?,
            Some(b'n') => self.word("null", Value::Null)?,
            Some(b'\'') => {
                return Err(self.fault("a string in single quotes", "use double quotes: \"…\""));
            }
            Some(_) | None => {
                return Err(self.fault(
                    format!("a value was expected, {} was found", self.found()),
                    "write a string in double quotes, a number, `true`, `false`, `null`, a list or an object",
                ));
            }
        };
        Ok(Node {
            span: start..self.at,
            value,
        })
    }
    fn nested(
        &mut self,
        read: fn(&mut Self) -> Result<Value, SyntaxFault>,
    ) -> Result<Value, SyntaxFault> {
        if self.depth == DEEPEST {
            return Err(self.fault(
                format!("more than {DEEPEST} lists and objects inside each other"),
                "make the structure flatter",
            ));
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self)?;
        self.at += 1;
        self.depth -= 1;
        Ok(value)
    }
    /// After an element: `true` when another one follows, `false` at the closing bracket.
    fn another(&mut self, close: u8) -> Result<bool, SyntaxFault> {
        self.space()?;
        match self.peek() {
            Some(b',') => {
                let comma = self.at;
                self.at += 1;
                self.space()?;
                if self.peek() == Some(close) {
                    self.at = comma;
                    return Err(self.fault(
                        "a comma after the last element",
                        "remove the comma; JSON does not allow it",
                    ));
                }
                Ok(true)
            }
            Some(byte) if byte == close => Ok(false),
            Some(_) | None => Err(self.fault(
                format!(
                    "`,` or `{}` was expected, {} was found",
                    char::from(close),
                    self.found()
                ),
                "is a comma or a closing bracket missing just before this place?",
            )),
        }
    }
    fn list(&mut self) -> Result<Value, SyntaxFault> {
        let mut items = Vec::new();
        self.space()?;
        if self.peek() == Some(b']') {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value()?);
            if !self.another(b']')? {
                return Ok(Value::List(items));
            }
        }
    }
    fn object(&mut self) -> Result<Value, SyntaxFault> {
        let mut members: Vec<Member> = Vec::new();
        // Looking for a duplicate by scanning the list is quadratic for a huge object.
        let mut keys = std::collections::HashSet::new();
        self.space()?;
        if self.peek() == Some(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.space()?;
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.fault(
                    format!("a field name was expected, {} was found", self.found()),
                    "write field names in double quotes",
                ));
            }
            let key = self.string()?;
            let key_span = start..self.at;
            if !keys.insert(key.clone()) {
                self.at = start;
                return Err(self.fault(
                    format!("the field `{key}` stands twice in one object"),
                    "keep one of them; which one counts must not be guessed",
                ));
            }
            self.space()?;
            if self.peek() != Some(b':') {
                return Err(self.fault(
                    format!("`:` was expected after `{key}`, {} was found", self.found()),
                    "write `\"name\": value`",
                ));
            }
            self.at += 1;
            let value = self.value()?;
            members.push(Member {
                key,
                key_span,
                value,
            });
            if !self.another(b'}')? {
                return Ok(Value::Object(members));
            }
        }
    }
    fn word(&mut self, word: &str, value: Value) -> Result<Value, SyntaxFault> {
        let rest = &self.bytes[self.at..];
        let ends = !rest
            .get(word.len())
            .is_some_and(|byte| byte.is_ascii_alphanumeric());
        if rest.starts_with(word.as_bytes()) && ends {
            self.at += word.len();
            return Ok(value);
        }
        Err(self.fault(
            "a word that is not JSON",
            "write strings in double quotes; the bare words are `true`, `false` and `null`",
        ))
    }
    fn number(&mut self) -> Result<Value, SyntaxFault> {
        let start = self.at;
        let bad = |scanner: &Self| {
            scanner.fault(
                "a number that is not JSON",
                "write it like `3`, `-1` or `2.5`",
            )
        };
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.digits();
        if whole == 0 || (whole > 1 && self.bytes[self.at - whole] == b'0') {
            return Err(bad(self));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(bad(self));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(bad(self));
            }
        }
        Ok(Value::Number(self.text[start..self.at].to_owned()))
    }
    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }
    fn string(&mut self) -> Result<String, SyntaxFault> {
        let opening = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let start = self.at;
            while self
                .peek()
                .is_some_and(|byte| byte != b'"' && byte != b'\\' && byte >= 0x20)
            {
                self.at += 1;
            }
            // Quotation marks, backslashes and control characters are ASCII, so these are character boundaries.
            out.push_str(&self.text[start..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(_) => {
                    return Err(self.fault(
                        "a line break or control character inside a string",
                        "write a line break as `\\n`; is the closing quotation mark missing?",
                    ));
                }
                None => {
                    self.at = opening;
                    return Err(
                        self.fault("a string without an end", "add the closing quotation mark")
                    );
                }
            }
        }
    }
    fn escape(&mut self) -> Result<char, SyntaxFault> {
        let start = self.at;
        let letter = self.bytes.get(self.at + 1).copied();
        self.at += 2;
        let plain = match letter {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let first = self.four_digits();
                let code = match first {
                    Some(high @ 0xd800..=0xdbff)
                        if self.bytes.get(self.at..self.at + 2) == Some(b"\\u") =>
                    {
                        self.at += 2;
                        self.four_digits()
                            .filter(|low| (0xdc00..=0xdfff).contains(low))
                            .map(|low| 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
                    }
                    other => other,
                };
                match code.and_then(char::from_u32) {
                    Some(c) => c,
                    None => {
                        self.at = start;
                        return Err(self.fault(
                            "an escape that is no character",
                            "write `\\u` and four hexadecimal digits, or the character itself",
                        ));
                    }
                }
            }
            Some(_) | None => {
                self.at = start;
                return Err(self.fault(
                    "an unknown escape in a string",
                    "write a backslash as `\\\\`",
                ));
            }
        };
        Ok(plain)
    }
    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.bytes.get(self.at..self.at + 4)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let value = u32::from_str_radix(self.text.get(self.at..self.at + 4)?, 16).ok()?;
        self.at += 4;
        Some(value)
    }
}

/// Line and column (both from 1; columns count characters) of a byte offset.
pub(super) fn place(bytes: &[u8], offset: usize) -> (usize, usize) {
    let before = &bytes[..offset.min(bytes.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let text = String::from_utf8_lossy(&before[start..]);
    let column = text.trim_start_matches('\u{feff}').chars().count() + 1;
    (line, column)
}

/// The place of the value that a JSON pointer names, or of the deepest part of it that exists.
pub(super) fn locate(root: &Node, pointer: &str) -> usize {
    let mut node = root;
    for part in pointer.split('/').skip(1) {
        let key = part.replace("~1", "/").replace("~0", "~");
        let next = match &node.value {
            Value::Object(_) => node.get(&key).map(|member| &member.value),
            Value::List(items) => key.parse::<usize>().ok().and_then(|at| items.get(at)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => None,
        };
        match next {
            Some(next) => node = next,
            None => break,
        }
    }
    node.span.start
}

//! Taking secrets out of what is kept, hashed or shown (SPEC C8): the values that somebody declared secret or that carry
//! a secret's name, and the forms of common tokens. Pure: whose values these are is the host's matter.
//!
//! What is taken out is replaced by `[redacted NAME]`, so that a reader sees that something stood there and what it was.

use aho_corasick::{AhoCorasick, MatchKind};
use regex::bytes::Regex;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// A declared value shorter than this many bytes is left alone: it cannot be told from other text.
const SHORTEST_DECLARED: usize = 6;
/// A declared value of letters alone below this length is left alone: it could be a word of our own documents.
const SHORTEST_DECLARED_WORD: usize = 9;
/// The same for a value that only its name makes look secret.
const SHORTEST_GUESSED: usize = 8;
/// A value of letters alone below this length is an ordinary word (`postgres`, `development`).
const SHORTEST_WORD: usize = 16;
/// Lines of a value of several lines (keys, certificates) are looked for one by one from this length on.
const SHORTEST_LINE: usize = 16;
/// At most this many bytes of an unfinished line or key block are held back by a [`Stream`].
const HELD_BACK: usize = 64 << 10;

/// Forms of tokens: what they are called, and what they look like. The group `secret` is replaced, else the whole match.
const FORMS: &[(&str, &str)] = &[
    (
        "private key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[^-]+-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----",
    ),
    (
        "GitHub token",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})",
    ),
    ("GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,64}"),
    ("AWS access key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("Stripe key", r"\b[rs]k_(?:live|test)_[0-9A-Za-z]{16,}"),
    ("API key", r"\bsk-(?:[a-z0-9]{2,12}-)?[A-Za-z0-9_-]{32,}"),
    ("Google API key", r"\bAIza[0-9A-Za-z_-]{35}"),
    ("npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("PyPI token", r"\bpypi-AgEIcHlwaS[A-Za-z0-9_-]{40,}"),
    ("Hugging Face token", r"\bhf_[A-Za-z0-9]{30,64}\b"),
    (
        "JSON web token",
        r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}",
    ),
    (
        "bearer token",
        r"(?i)\bbearer[ \t]+(?P<secret>[A-Za-z0-9._~+/-]{20,}=*)",
    ),
    (
        "password in an address",
        r"\b[a-z][a-z0-9+.-]{1,20}://[^/\s:@'\x22]{1,100}:(?P<secret>[^/\s:@'\x22\[\]]{4,200})@",
    ),
];

/// How many times what was taken out, by name. Never holds a value.
pub type Redactions = BTreeMap<String, u64>;

/// Finds secrets and takes them out.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    names: Vec<String>,
    finder: Option<AhoCorasick>,
}

fn forms() -> &'static [(&'static str, Regex)] {
    static FORMS_READ: OnceLock<Vec<(&'static str, Regex)>> = OnceLock::new();
    FORMS_READ.get_or_init(|| {
        FORMS
            .iter()
            .filter_map(|(name, form)| Some((*name, Regex::new(form).ok()?)))
            .collect()
    })
}

/// Whether a variable of this name usually holds a secret: `GITHUB_TOKEN`, `DB_PASSWORD`, `STRIPE_KEY`, `PGPASSWORD`.
#[must_use]
pub fn looks_secret(name: &str) -> bool {
    const WHOLE: [&str; 6] = ["PWD", "AUTH", "PAT", "PASS", "COOKIE", "DSN"];
    const ENDS: [&str; 12] = [
        "TOKEN",
        "TOKENS",
        "SECRET",
        "SECRETS",
        "PASSWORD",
        "PASSWORDS",
        "PASSWD",
        "PASSPHRASE",
        "CREDENTIAL",
        "CREDENTIALS",
        "KEY",
        "KEYS",
    ];
    let name = name.to_ascii_uppercase();
    if matches!(name.as_str(), "PWD" | "OLDPWD") {
        return false;
    }
    name.split(['_', '-', '.'])
        .any(|part| WHOLE.contains(&part) || ENDS.iter().any(|end| part.ends_with(end)))
}

/// Whether a value is long and mixed enough to be told from ordinary text.
fn is_telling(value: &str, declared: bool) -> bool {
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    if declared {
        return value.len() >= SHORTEST_DECLARED
            && (letters < value.len() || value.len() >= SHORTEST_DECLARED_WORD);
    }
    if value.len() < SHORTEST_GUESSED {
        return false;
    }
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    if digits == value.len() {
        return value.len() >= SHORTEST_WORD;
    }
    letters < value.len() || value.len() >= SHORTEST_WORD
}

impl Redactor {
    /// For these values: name, value, and whether somebody declared it secret (else its name alone makes it so).
    /// Ordinary words and short values under a secret-looking name are left alone.
    #[must_use]
    pub fn new<'a>(values: impl IntoIterator<Item = (&'a str, &'a str, bool)>) -> Self {
        let mut patterns: BTreeMap<Vec<u8>, String> = BTreeMap::new();
        let mut add = |name: &str, text: &str| {
            patterns
                .entry(text.as_bytes().to_vec())
                .or_insert_with(|| name.to_owned());
        };
        for (name, value, declared) in values {
            let value = value.trim();
            if !is_telling(value, declared) {
                continue;
            }
            add(name, value);
            // As JSON writes it, and as it stands in an address.
            if let Ok(escaped) = serde_json::to_string(value) {
                let inside = escaped.trim_matches('"');
                if inside != value {
                    add(name, inside);
                }
            }
            let percent = percent_encoded(value);
            if percent != value {
                add(name, &percent);
            }
            if value.contains('\n') {
                for line in value.lines().map(str::trim) {
                    if line.len() >= SHORTEST_LINE && !line.starts_with("-----") {
                        add(name, line);
                    }
                }
            }
        }
        let names = patterns.values().cloned().collect();
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(patterns.keys())
            .ok()
            .filter(|_| !patterns.is_empty());
        Self { names, finder }
    }

    /// Takes secrets out of bytes and counts them.
    #[must_use]
    pub fn bytes<'a>(&self, bytes: &'a [u8], counts: &mut Redactions) -> Cow<'a, [u8]> {
        let mut out = Cow::Borrowed(bytes);
        if let Some(finder) = &self.finder
            && finder.is_match(bytes)
        {
            let mut changed = Vec::with_capacity(bytes.len());
            let mut from = 0;
            for found in finder.find_iter(bytes) {
                let name = self
                    .names
                    .get(found.pattern().as_usize())
                    .map_or("secret", String::as_str);
                changed.extend_from_slice(&bytes[from..found.start()]);
                changed.extend_from_slice(format!("[redacted {name}]").as_bytes());
                from = found.end();
                *counts.entry(name.to_owned()).or_default() += 1;
            }
            changed.extend_from_slice(&bytes[from..]);
            out = Cow::Owned(changed);
        }
        for (name, form) in forms() {
            if !form.is_match(&out) {
                continue;
            }
            let mut changed = Vec::with_capacity(out.len());
            let mut from = 0;
            for found in form.captures_iter(&out) {
                let Some(secret) = found.name("secret").or_else(|| found.get(0)) else {
                    continue;
                };
                changed.extend_from_slice(&out[from..secret.start()]);
                changed.extend_from_slice(format!("[redacted {name}]").as_bytes());
                from = secret.end();
                *counts.entry((*name).to_owned()).or_default() += 1;
            }
            changed.extend_from_slice(&out[from..]);
            out = Cow::Owned(changed);
        }
        out
    }

    /// Takes secrets out of a text.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.counted_text(text, &mut Redactions::new())
    }

    /// Takes secrets out of a text and counts them.
    #[must_use]
    pub fn counted_text<'a>(&self, text: &'a str, counts: &mut Redactions) -> Cow<'a, str> {
        match self.bytes(text.as_bytes(), counts) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            // Values and forms are whole characters, so what is left is text; lossy only to be total.
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// Takes secrets out of every string of a JSON value, also out of the names of its fields, and counts them.
    pub fn value(&self, value: &mut Value, counts: &mut Redactions) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(changed) = self.counted_text(text, counts) {
                    *text = changed;
                }
            }
            Value::Array(list) => {
                for item in list {
                    self.value(item, counts);
                }
            }
            Value::Object(fields) => {
                let secret_name = fields
                    .keys()
                    .any(|name| matches!(self.text(name), Cow::Owned(_)));
                if secret_name {
                    let old = std::mem::take(fields);
                    for (name, item) in old {
                        let name = self.counted_text(&name, counts).into_owned();
                        fields.insert(name, item);
                    }
                }
                for item in fields.values_mut() {
                    self.value(item, counts);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Takes secrets out of output while it comes, line by line. A line without its end is held back, and so is a key block
/// without its end: a value that arrives in two pieces is found all the same.
#[derive(Debug, Default)]
pub struct Stream {
    held: Vec<u8>,
    /// What is held begins with a key block that has no end yet.
    in_block: bool,
}

impl Stream {
    /// Takes the next piece and returns what can be written now.
    #[must_use]
    pub fn push(&mut self, redactor: &Redactor, piece: &[u8]) -> Vec<u8> {
        let before = self.held.len();
        self.held.extend_from_slice(piece);
        // Only the new part is looked at while nothing can be written: many small pieces stay cheap.
        let new = &self.held[before.saturating_sub(END.len())..];
        let nothing_new = if self.in_block {
            !has_end(new)
        } else {
            !piece.contains(&b'\n')
        };
        if nothing_new && self.held.len() <= HELD_BACK {
            return Vec::new();
        }
        let mut ready = self
            .held
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |at| at + 1);
        let open = open_block(&self.held[..ready]);
        self.in_block = open == Some(0) && !has_end(&self.held);
        if let Some(open) = open {
            ready = open;
        }
        if self.held.len() - ready > HELD_BACK {
            // A line without end: all but its last part, in which a value may still be coming.
            ready = self.held.len() - HELD_BACK / 16;
            self.in_block = false;
        }
        let rest = self.held.split_off(ready);
        let out = redactor
            .bytes(&self.held, &mut Redactions::new())
            .into_owned();
        self.held = rest;
        if open.is_some() && ready > 0 {
            self.in_block = open_block(&self.held) == Some(0) && !has_end(&self.held);
        }
        out
    }

    /// What is left at the end.
    #[must_use]
    pub fn finish(&mut self, redactor: &Redactor) -> Vec<u8> {
        let out = redactor
            .bytes(&self.held, &mut Redactions::new())
            .into_owned();
        self.held.clear();
        out
    }
}

/// How the last line of a key block begins.
const END: &[u8] = b"-----END ";

fn has_end(bytes: &[u8]) -> bool {
    bytes.windows(END.len()).any(|window| window == END)
}

/// Where a private key begins that has no end yet.
fn open_block(bytes: &[u8]) -> Option<usize> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    let at = bytes
        .windows(BEGIN.len())
        .rposition(|window| window == BEGIN)?;
    let block = &bytes[at..];
    let is_key = block
        .split(|&byte| byte == b'\n')
        .next()
        .is_some_and(|line| line.windows(11).any(|window| window == b"PRIVATE KEY"));
    let ended = has_end(block);
    (is_key && !ended).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";

    fn redactor() -> Redactor {
        Redactor::new([
            ("DB_PASSWORD", "hunter2-correct", false),
            ("ODD", "qu\"ote\\d", true),
        ])
    }

    #[test]
    fn c8_values_are_found_as_they_are_in_json_and_in_addresses() {
        let redactor = redactor();
        let mut counts = Redactions::new();
        let text = redactor
            .counted_text("login hunter2-correct, then hunter2-correct.", &mut counts)
            .into_owned();
        assert_eq!(
            text,
            "login [redacted DB_PASSWORD], then [redacted DB_PASSWORD]."
        );
        assert_eq!(counts["DB_PASSWORD"], 2);
        assert_eq!(
            redactor.text(r#"{"a":"qu\"ote\\d"}"#),
            r#"{"a":"[redacted ODD]"}"#
        );
        assert_eq!(redactor.text("?p=qu%22ote%5Cd"), "?p=[redacted ODD]");
    }

    #[test]
    fn c8_forms_of_tokens_are_found_without_being_declared() {
        assert_eq!(
            forms().len(),
            FORMS.len(),
            "each form is a valid expression"
        );
        let nothing = Redactor::default();
        for secret in [
            TOKEN,
            "AKIAIOSFODNN7EXAMPLE",
            "xoxb-123456789012-abcdefghijkl",
            "sk-ant-abcdefghijklmnopqrstuvwxyz0123456789",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
        ] {
            let text = format!("before {secret} after");
            let out = nothing.text(&text).into_owned();
            assert!(!out.contains(secret), "{out}");
            assert!(
                out.starts_with("before [redacted ") && out.ends_with("] after"),
                "{out}"
            );
        }
        assert_eq!(
            nothing.text("postgres://app:s3cretword@db/x"),
            "postgres://app:[redacted password in an address]@db/x"
        );
        assert_eq!(
            nothing.text("Authorization: Bearer abcdefghij0123456789XYZ"),
            "Authorization: Bearer [redacted bearer token]"
        );
    }

    #[test]
    fn c8_ordinary_text_is_left_alone() {
        let redactor = Redactor::new([
            ("DB_PASSWORD", "postgres", false),
            ("FEATURE_KEY", "on", false),
            ("API_TOKEN", "12345678", false),
            ("SHORT", "abc", true),
        ]);
        for text in [
            "postgres is on at 12345678 abc",
            "test_task-sk-one tests/test_a.py::test_b[x-1]",
            "https://example.org:8080/path@2",
            "assert 3 == 4\n  sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ] {
            assert!(matches!(redactor.text(text), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn c8_names_that_look_secret() {
        for name in [
            "GITHUB_TOKEN",
            "DB_PASSWORD",
            "PGPASSWORD",
            "STRIPE_KEY",
            "npm_config_authtoken",
            "DB_PWD",
            "AWS_SECRET_ACCESS_KEY",
        ] {
            assert!(looks_secret(name), "{name}");
        }
        for name in [
            "PATH",
            "PWD",
            "OLDPWD",
            "HOME",
            "TOKENIZERS_PARALLELISM",
            "KEYBOARD_LAYOUT",
            "LANG",
            "AUTHOR",
        ] {
            assert!(!looks_secret(name), "{name}");
        }
    }

    #[test]
    fn c8_every_string_of_a_document_is_searched() {
        let mut value = json!({"a": ["x hunter2-correct", {"hunter2-correct": 1}], "n": 3});
        let mut counts = Redactions::new();
        redactor().value(&mut value, &mut counts);
        assert_eq!(
            value,
            json!({"a": ["x [redacted DB_PASSWORD]", {"[redacted DB_PASSWORD]": 1}], "n": 3})
        );
        assert_eq!(counts["DB_PASSWORD"], 2);
    }

    #[test]
    fn c8_a_value_that_comes_in_pieces_is_found() {
        let redactor = redactor();
        let text = format!(
            "one\nhunter2-correct\n-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKC\n-----END PRIVATE KEY-----\nlast {TOKEN}"
        );
        for size in 1..20 {
            let mut stream = Stream::default();
            let mut out = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                out.extend(stream.push(&redactor, piece));
            }
            out.extend(stream.finish(&redactor));
            assert_eq!(
                String::from_utf8(out).unwrap(),
                "one\n[redacted DB_PASSWORD]\n[redacted private key]\nlast [redacted GitHub token]"
            );
        }
    }
}

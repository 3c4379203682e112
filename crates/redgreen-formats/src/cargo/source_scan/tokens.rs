//! Rust's tokens, as far as declarations need them (<https://doc.rust-lang.org/reference/tokens.html>).

/// What matters of Rust's tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// An identifier, a keyword or a number.
    Word(String),
    /// A string of any kind, its content.
    Text(String),
    /// Any other character.
    Sign(char),
    /// `::`
    PathSeparator,
}

/// A token with its line, from 1.
#[derive(Debug)]
pub struct Placed {
    /// The token.
    pub token: Token,
    /// Its line.
    pub line: usize,
}

/// Reads a text; comments, characters and lifetimes are dropped.
#[must_use]
pub fn tokens(text: &str) -> Vec<Placed> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut line = 1;
    let mut at = 0;
    let peek = |index: usize| chars.get(index).copied().unwrap_or('\0');
    while at < chars.len() {
        let start_line = line;
        let c = chars[at];
        match c {
            '\n' => {
                line += 1;
                at += 1;
            }
            _ if c.is_whitespace() => at += 1,
            '/' if peek(at + 1) == '/' => {
                while at < chars.len() && chars[at] != '\n' {
                    at += 1;
                }
            }
            '/' if peek(at + 1) == '*' => at = block_comment(&chars, at, &mut line),
            '"' => {
                let (value, next) = string(&chars, at, &mut line);
                out.push(Placed {
                    token: Token::Text(value),
                    line: start_line,
                });
                at = next;
            }
            '\'' => {
                // `'a'`, `'\n'` are characters; `'a` is a lifetime.
                if peek(at + 1) == '\\' {
                    at += 3;
                    while at < chars.len() && chars[at] != '\'' && chars[at] != '\n' {
                        at += 1;
                    }
                    at += 1;
                } else if peek(at + 2) == '\'' {
                    if peek(at + 1) == '\n' {
                        line += 1;
                    }
                    at += 3;
                } else {
                    at += 1;
                }
            }
            _ if c == '_' || c.is_alphanumeric() => {
                if let Some((value, next)) = prefixed_string(&chars, at, &mut line) {
                    out.push(Placed {
                        token: Token::Text(value),
                        line: start_line,
                    });
                    at = next;
                    continue;
                }
                let mut word = String::new();
                if c == 'r' && peek(at + 1) == '#' && peek(at + 2).is_alphabetic() {
                    at += 2;
                }
                while at < chars.len() && (chars[at] == '_' || chars[at].is_alphanumeric()) {
                    word.push(chars[at]);
                    at += 1;
                }
                out.push(Placed {
                    token: Token::Word(word),
                    line: start_line,
                });
            }
            ':' if peek(at + 1) == ':' => {
                out.push(Placed {
                    token: Token::PathSeparator,
                    line: start_line,
                });
                at += 2;
            }
            _ => {
                out.push(Placed {
                    token: Token::Sign(c),
                    line: start_line,
                });
                at += 1;
            }
        }
    }
    out
}

/// Block comments nest in Rust.
fn block_comment(chars: &[char], mut at: usize, line: &mut usize) -> usize {
    let mut depth = 0_usize;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                at += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    break;
                }
            }
            (c, _) => {
                if c == '\n' {
                    *line += 1;
                }
                at += 1;
            }
        }
    }
    at
}

/// A `"…"` string that starts at `at`; the escapes that matter to a path (`\\`, `\"`) are resolved.
fn string(chars: &[char], at: usize, line: &mut usize) -> (String, usize) {
    let mut value = String::new();
    let mut at = at + 1;
    while at < chars.len() && chars[at] != '"' {
        let mut c = chars[at];
        if c == '\\' {
            at += 1;
            c = chars.get(at).copied().unwrap_or('\\');
        }
        if c == '\n' {
            *line += 1;
        }
        value.push(c);
        at += 1;
    }
    (value, at + 1)
}

/// `r"…"`, `r#"…"#`, `b"…"`, `br"…"`, `c"…"`, `b'…'`.
fn prefixed_string(chars: &[char], at: usize, line: &mut usize) -> Option<(String, usize)> {
    let mut next = at;
    let mut raw = false;
    while let Some(&c) = chars.get(next) {
        match c {
            'b' | 'c' if next == at => next += 1,
            'r' if !raw && next <= at + 1 => {
                raw = true;
                next += 1;
            }
            _ => break,
        }
    }
    if next == at {
        return None;
    }
    let mut hashes = 0;
    if raw {
        while chars.get(next) == Some(&'#') {
            hashes += 1;
            next += 1;
        }
    }
    match chars.get(next) {
        Some('"') if !raw => Some(string(chars, next, line)),
        Some('"') => {
            let mut value = String::new();
            next += 1;
            while next < chars.len() {
                if chars[next] == '"'
                    && (1..=hashes).all(|offset| chars.get(next + offset) == Some(&'#'))
                {
                    break;
                }
                if chars[next] == '\n' {
                    *line += 1;
                }
                value.push(chars[next]);
                next += 1;
            }
            Some((value, next + 1 + hashes))
        }
        Some('\'') if !raw && chars.get(at) == Some(&'b') => {
            let mut end = next + 1;
            if chars.get(end) == Some(&'\\') {
                end += 1;
            }
            end += 1;
            while end < chars.len() && chars[end] != '\'' {
                end += 1;
            }
            Some((String::new(), end + 1))
        }
        Some(_) | None => None,
    }
}

//! Tokens of an assertion, the same way for every language: enough to see an operator, its sides and the numbers in it.

/// The words, numbers, strings and operators of a text, without white space and comments at the end of lines.
#[must_use]
pub(super) fn tokens(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = if c.is_whitespace() {
            rest = &rest[c.len_utf8()..];
            continue;
        } else if rest.starts_with("//") || (c == '#' && !rest.starts_with("#[")) {
            // `//` is also a division of Python; what follows it counts the same in both versions.
            rest.find('\n').unwrap_or(rest.len())
        } else if matches!(c, '"' | '\'' | '`') {
            string(rest, c)
        } else if c.is_alphabetic() || c == '_' {
            word(rest)
        } else if c.is_ascii_digit() {
            number(rest)
        } else {
            operator(rest)
        };
        let (token, after) = rest.split_at(length);
        if !(token.starts_with("//") || token.starts_with('#')) {
            out.push(token.to_owned());
        }
        rest = after;
    }
    // A comma before a closing bracket is layout.
    let mut clean: Vec<String> = Vec::with_capacity(out.len());
    for token in out {
        if matches!(token.as_str(), ")" | "]" | "}") && clean.last().is_some_and(|last| last == ",")
        {
            clean.pop();
        }
        clean.push(token);
    }
    clean
}

fn word(text: &str) -> usize {
    text.find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(text.len())
}

fn number(text: &str) -> usize {
    let mut end = 0;
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(end) {
        let sign = matches!(byte, b'+' | b'-')
            && end > 0
            && matches!(bytes[end - 1], b'e' | b'E')
            && !text.starts_with("0x");
        let point = *byte == b'.' && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        if !(byte.is_ascii_alphanumeric() || *byte == b'_' || sign || point) {
            break;
        }
        end += 1;
    }
    end.max(1)
}

fn string(text: &str, quote: char) -> usize {
    for triple in ["\"\"\"", "'''"] {
        if let Some(inside) = text.strip_prefix(triple) {
            return inside.find(triple).map_or(text.len(), |at| at + 6);
        }
    }
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + c.len_utf8();
        } else if c == '\n' && quote == '\'' {
            break;
        }
    }
    // A lifetime of Rust, or a quote without its partner.
    quote.len_utf8()
}

fn operator(text: &str) -> usize {
    const LONG: [&str; 16] = [
        "===", "!==", "..=", "**=", "==", "!=", "<=", ">=", "&&", "||", "::", "->", "=>", "**",
        "..", ":=",
    ];
    LONG.iter()
        .find(|operator| text.starts_with(**operator))
        .map_or_else(
            || text.chars().next().map_or(1, char::len_utf8),
            |operator| operator.len(),
        )
}

/// The index of the partner of an opening bracket.
#[must_use]
pub(super) fn closing(tokens: &[String], open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Splits at a token outside of brackets.
#[must_use]
pub(super) fn split<'t>(tokens: &'t [String], separator: &str) -> Vec<&'t [String]> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0usize, 0);
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            other if depth == 0 && other == separator => {
                parts.push(&tokens[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if start < tokens.len() || !parts.is_empty() {
        parts.push(&tokens[start..]);
    }
    parts
}

/// The value of a number as it is written, with its sign.
#[must_use]
pub(super) fn value(tokens: &[String]) -> Option<f64> {
    let (sign, token) = match tokens {
        [token] => (1.0, token),
        [minus, token] if minus == "-" => (-1.0, token),
        _ => return None,
    };
    if !token.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let plain: String = token.chars().filter(|c| *c != '_').collect();
    let plain = plain
        .strip_suffix("f64")
        .or_else(|| plain.strip_suffix("f32"))
        .unwrap_or(&plain);
    let plain = plain.trim_end_matches(|c: char| c.is_ascii_alphabetic() && !"eE".contains(c));
    let digits = match plain.find(['u', 'i']) {
        Some(at) => &plain[..at],
        None => plain,
    };
    digits.parse::<f64>().ok().map(|value| sign * value)
}

//! Frames of V8 stacks: `at add (file:///w/src/shop.mjs:3:9)`, `at async /w/test/a.js:1:2`.

use regex::Regex;
use std::sync::LazyLock;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The function as the stack names it; empty without one.
    pub function: String,
    /// The file: an absolute path, or what stands there.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

static FRAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^\s+at (?:async )?(?:(?P<function>.*?) \()?(?P<file>[^()]+?):(?P<line>\d+)(?::\d+)?\)?$",
    )
    .ok()
});

/// The path behind a `file:` URL; other texts as they are.
#[must_use]
pub fn path_of(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or(text);
    let Some(rest) = text.strip_prefix("file://") else {
        return text.to_owned();
    };
    let mut bytes = Vec::with_capacity(rest.len());
    let mut at = rest.bytes();
    while let Some(byte) = at.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits: Vec<u8> = at.by_ref().take(2).collect();
        match std::str::from_utf8(&digits)
            .ok()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
        {
            Some(byte) => bytes.push(byte),
            None => {
                bytes.push(b'%');
                bytes.extend(digits);
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The frames of a stack, innermost first.
#[must_use]
pub fn frames(stack: &str) -> Vec<Frame> {
    let Some(form) = FRAME.as_ref() else {
        return Vec::new();
    };
    stack
        .lines()
        .filter_map(|line| {
            let found = form.captures(line)?;
            Some(Frame {
                function: found
                    .name("function")
                    .map_or("", |name| name.as_str())
                    .to_owned(),
                file: path_of(found.name("file")?.as_str()),
                line: found.name("line")?.as_str().parse().ok()?,
            })
        })
        .collect()
}

/// The place in front of the stack of a syntax error: `/w/a.js:3` or `file:///w/a.mjs:3` on its first line.
#[must_use]
pub fn head(stack: &str) -> Option<(String, u32)> {
    let first = stack.lines().next()?;
    let (file, line) = first.rsplit_once(':')?;
    let path = path_of(file);
    (path.starts_with('/')).then_some(())?;
    Some((path, line.trim().parse().ok()?))
}

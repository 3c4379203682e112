//! The reader: one pass, no recursion, bounded by the length of the document.

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// Suites inside each other beyond this are no report of a test runner.
const MOST_DEPTH: usize = 200;

/// Attributes of one element beyond this are no report of a test runner.
const MOST_ATTRIBUTES: usize = 64;

/// At most this many bytes of the text of one mark are kept (its beginning).
const MARK_TEXT: usize = 16 << 10;

/// What one document says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Suites in the order in which they begin; the root is the first, also when it is a `testsuite` itself.
    pub suites: Vec<Suite>,
    /// Cases in document order. Two with the same names are two cases.
    pub cases: Vec<Case>,
    /// What keeps the document from being believed.
    pub troubles: Vec<Trouble>,
}

/// A `testsuites` or `testsuite` element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suite {
    /// Its name; empty without one.
    pub name: String,
    /// `file` or `filepath`; empty without one.
    pub file: String,
    /// The suite around it, as an index into [`Report::suites`].
    pub parent: Option<usize>,
    /// The declared number of tests.
    pub tests: Option<u64>,
    /// The declared number of failures.
    pub failures: Option<u64>,
    /// The declared number of errors.
    pub errors: Option<u64>,
}

/// A `testcase` element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Case {
    /// The suite it stands in, as an index into [`Report::suites`].
    pub suite: usize,
    /// `classname`; empty without one.
    pub class: String,
    /// `name`; `None` without one: some runners write such a case when a session ends early.
    pub name: Option<String>,
    /// `file`; empty without one.
    pub file: String,
    /// `line`, from 1.
    pub line: Option<u32>,
    /// `time` in milliseconds; 0 without one.
    pub duration_ms: u64,
    /// `status` or `result` say that it did not run (`notrun`, `disabled`, `skipped`).
    pub says_not_run: bool,
    /// Everything that is marked on it, in document order.
    pub marks: Vec<Mark>,
}

/// An element inside a case that says how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Which element.
    pub kind: MarkKind,
    /// `type`; empty without one.
    pub class: String,
    /// `message`; empty without one.
    pub message: String,
    /// Its text, capped.
    pub text: String,
}

/// Which element inside a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// `failure`
    Failure,
    /// `error`
    Error,
    /// `skipped` (also `skip`, `ignored`, `disabled`)
    Skipped,
    /// `rerunFailure`, `rerunError`: a further try that did not pass either.
    Rerun,
    /// `flakyFailure`, `flakyError`: a try that did not pass before one that did.
    Flaky,
}

/// Why a document cannot be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It has no byte, or only white space.
    Empty,
    /// It ends inside an element.
    Truncated,
    /// It is no XML, at this byte.
    Malformed {
        /// Where, in bytes from 0.
        at: u64,
        /// What the parser said.
        why: String,
    },
    /// It is XML and no JUnit report: the name of its root.
    OtherRoot(String),
    /// It is not UTF-8, or says that it is not.
    Encoding(String),
    /// Its parts do not fit together: a plan or summary that says something else than the cases.
    Contradiction(String),
    /// It declares a document type or uses an entity of its own: nothing a runner writes, and a way to make a small
    /// document very large.
    Entity(String),
}

/// Reads a document. Whatever is wrong is in [`Report::troubles`]; what was read before it is kept for people.
#[must_use]
pub fn read(bytes: &[u8]) -> Report {
    let mut report = Report::default();
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        report.troubles.push(Trouble::Empty);
        return report;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Reading::new(report).document(text),
        Err(error) => {
            report.troubles.push(Trouble::Encoding(format!(
                "byte {} is not UTF-8",
                error.valid_up_to()
            )));
            report
        }
    }
}

/// Elements that are read; everything else is passed over with what is in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Suite,
    Case,
    Mark,
    Other,
}

struct Reading {
    report: Report,
    open: Vec<Open>,
    suites: Vec<usize>,
    /// Inside an element that is passed over, how many levels deep.
    other: usize,
    root_closed: bool,
}

impl Reading {
    fn new(report: Report) -> Self {
        Self {
            report,
            open: Vec::new(),
            suites: Vec::new(),
            other: 0,
            root_closed: false,
        }
    }

    fn document(mut self, text: &str) -> Report {
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_end_names = true;
        reader.config_mut().allow_dangling_amp = true;
        loop {
            let at = reader.buffer_position();
            let event = match reader.read_event() {
                Ok(event) => event,
                Err(error) => {
                    // The parser stops inside a tag, a comment or a character section at the end of what there is.
                    let trouble = if reader.buffer_position() >= text.len() as u64
                        && matches!(error, quick_xml::Error::Syntax(_))
                    {
                        Trouble::Truncated
                    } else {
                        Trouble::Malformed {
                            at,
                            why: error.to_string(),
                        }
                    };
                    return self.with(trouble);
                }
            };
            let result = match event {
                Event::Eof => {
                    return if self.root_closed {
                        self.report
                    } else {
                        self.with(Trouble::Truncated)
                    };
                }
                Event::Start(start) => self.start(&start),
                Event::Empty(start) => self.start(&start).map(|()| self.end()),
                Event::End(_) => {
                    self.end();
                    Ok(())
                }
                Event::Text(text) => self.text(&text),
                Event::CData(text) => self.text(&text),
                Event::GeneralRef(reference) => self.reference(&reference),
                Event::Decl(declaration) => match declaration.encoding() {
                    Some(Ok(name)) if !is_utf8(&name) => {
                        Err(Trouble::Encoding(format!("it says `{}`", shown(&name))))
                    }
                    Some(Ok(_) | Err(_)) | None => Ok(()),
                },
                Event::DocType(_) => Err(Trouble::Entity("it declares a document type".to_owned())),
                Event::Comment(_) | Event::PI(_) => Ok(()),
            };
            match result {
                Ok(()) => {}
                Err(Trouble::Malformed { why, .. }) => {
                    return self.with(Trouble::Malformed { at, why });
                }
                Err(trouble) => return self.with(trouble),
            }
        }
    }

    fn with(mut self, trouble: Trouble) -> Report {
        self.report.troubles.push(trouble);
        self.report
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), Trouble> {
        if self.other > 0 {
            self.other += 1;
            return Ok(());
        }
        if self.open.len() >= MOST_DEPTH {
            return Err(malformed("elements lie too deep inside each other"));
        }
        if self.root_closed {
            return Err(malformed("a second document follows the first"));
        }
        let name = start.local_name();
        let name = name.as_ref();
        let inside = self.open.last().copied();
        let open = match (inside, name) {
            (None | Some(Open::Suite), "testsuite") | (None, "testsuites") => {
                self.suite(start)?;
                Open::Suite
            }
            (None, other) => return Err(Trouble::OtherRoot(shown(other))),
            (Some(Open::Suite), "testcase") => {
                self.case(start)?;
                Open::Case
            }
            (Some(Open::Case), _) => match mark_kind(name) {
                Some(kind) => {
                    self.mark(start, kind)?;
                    Open::Mark
                }
                None => Open::Other,
            },
            (Some(Open::Suite | Open::Mark | Open::Other), _) => Open::Other,
        };
        if open == Open::Other {
            self.other = 1;
        } else {
            self.open.push(open);
        }
        Ok(())
    }

    fn end(&mut self) {
        if self.other > 0 {
            self.other -= 1;
            return;
        }
        match self.open.pop() {
            Some(Open::Suite) => {
                self.suites.pop();
                self.root_closed = self.open.is_empty();
            }
            Some(Open::Case | Open::Mark | Open::Other) | None => {}
        }
    }

    fn suite(&mut self, start: &BytesStart<'_>) -> Result<(), Trouble> {
        let mut suite = Suite {
            parent: self.suites.last().copied(),
            ..Suite::default()
        };
        attributes(start, |key, value| match key {
            "name" => suite.name = value.to_owned(),
            "file" | "filepath" => suite.file = value.to_owned(),
            "tests" => suite.tests = value.trim().parse().ok(),
            "failures" => suite.failures = value.trim().parse().ok(),
            "errors" => suite.errors = value.trim().parse().ok(),
            _ => {}
        })?;
        self.suites.push(self.report.suites.len());
        self.report.suites.push(suite);
        Ok(())
    }

    fn case(&mut self, start: &BytesStart<'_>) -> Result<(), Trouble> {
        let mut case = Case {
            suite: self.suites.last().copied().unwrap_or(0),
            ..Case::default()
        };
        attributes(start, |key, value| match key {
            "name" => case.name = Some(value.to_owned()),
            "classname" | "class" => case.class = value.to_owned(),
            "file" | "filepath" => case.file = value.to_owned(),
            "line" | "lineno" => case.line = value.trim().parse().ok().filter(|line| *line > 0),
            "time" | "duration" => case.duration_ms = milliseconds(value),
            "status" | "result" => {
                let word = value.trim().to_ascii_lowercase();
                case.says_not_run |= matches!(
                    word.as_str(),
                    "notrun" | "disabled" | "skipped" | "suppressed" | "ignored"
                );
            }
            _ => {}
        })?;
        self.report.cases.push(case);
        Ok(())
    }

    fn mark(&mut self, start: &BytesStart<'_>, kind: MarkKind) -> Result<(), Trouble> {
        let mut mark = Mark {
            kind,
            class: String::new(),
            message: String::new(),
            text: String::new(),
        };
        attributes(start, |key, value| match key {
            "type" => capped(&mut mark.class, value),
            "message" => capped(&mut mark.message, value),
            _ => {}
        })?;
        if let Some(case) = self.report.cases.last_mut() {
            case.marks.push(mark);
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Trouble> {
        if self.other > 0 {
            return Ok(());
        }
        match self.open.last() {
            Some(Open::Mark) => {
                let mark = self
                    .report
                    .cases
                    .last_mut()
                    .and_then(|case| case.marks.last_mut());
                if let Some(mark) = mark {
                    capped(&mut mark.text, text);
                }
                Ok(())
            }
            Some(Open::Suite | Open::Case | Open::Other) => Ok(()),
            None if text.bytes().all(|byte| byte.is_ascii_whitespace()) => Ok(()),
            None => Err(malformed("text stands outside the report")),
        }
    }

    /// `&lt;` and `&#10;` are text. A number that stands for no character is text too: runners write control characters
    /// in that form. A name beyond the five is an entity of the document's own.
    fn reference(&mut self, reference: &str) -> Result<(), Trouble> {
        let replaced = match reference {
            "lt" => "<",
            "gt" => ">",
            "amp" => "&",
            "quot" => "\"",
            "apos" => "'",
            number if number.starts_with('#') => {
                let character = character(&number[1..]);
                return self.text(character.encode_utf8(&mut [0; 4]));
            }
            name => {
                return Err(Trouble::Entity(format!(
                    "it uses the entity `{}`",
                    shown(name)
                )));
            }
        };
        self.text(replaced)
    }
}

fn malformed(why: &str) -> Trouble {
    Trouble::Malformed {
        at: 0,
        why: why.to_owned(),
    }
}

fn mark_kind(name: &str) -> Option<MarkKind> {
    match name {
        "failure" => Some(MarkKind::Failure),
        "error" => Some(MarkKind::Error),
        "skipped" | "skip" | "ignored" | "disabled" => Some(MarkKind::Skipped),
        "rerunFailure" | "rerunError" => Some(MarkKind::Rerun),
        "flakyFailure" | "flakyError" => Some(MarkKind::Flaky),
        _ => None,
    }
}

/// Calls `each` for every attribute with its value as plain text.
fn attributes(start: &BytesStart<'_>, mut each: impl FnMut(&str, &str)) -> Result<(), Trouble> {
    // Comparing each with each is the parser's check for duplicates, and quadratic.
    for (index, attribute) in start.attributes().with_checks(false).enumerate() {
        if index >= MOST_ATTRIBUTES {
            return Err(malformed("an element has too many attributes"));
        }
        let attribute = attribute.map_err(|error| malformed(&error.to_string()))?;
        let raw: &str = &attribute.value;
        if raw.contains('&') {
            each(attribute.key.local_name().as_ref(), &unescaped(raw)?);
        } else {
            each(attribute.key.local_name().as_ref(), raw);
        }
    }
    Ok(())
}

/// References of an attribute. A `&` that begins none is text: more than one runner forgets to escape it.
fn unescaped(raw: &str) -> Result<String, Trouble> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let name_length = rest
            .bytes()
            .take(32)
            .position(|byte| !byte.is_ascii_alphanumeric() && byte != b'#');
        match name_length {
            Some(end) if end > 0 && rest.as_bytes()[end] == b';' => {
                let name = &rest[..end];
                match name {
                    "lt" => out.push('<'),
                    "gt" => out.push('>'),
                    "amp" => out.push('&'),
                    "quot" => out.push('"'),
                    "apos" => out.push('\''),
                    number if number.starts_with('#') => out.push(character(&number[1..])),
                    _ => {
                        return Err(Trouble::Entity(format!("it uses the entity `{name}`")));
                    }
                }
                rest = &rest[end + 1..];
            }
            Some(_) | None => out.push('&'),
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn character(number: &str) -> char {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
        None => number.parse(),
    };
    code.ok()
        .and_then(char::from_u32)
        .filter(|&character| character != '\0')
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn capped(to: &mut String, text: &str) {
    let mut end = text.len().min(MARK_TEXT.saturating_sub(to.len()));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    to.push_str(&text[..end]);
}

/// Seconds as runners write them: `0.123`, `1,234.5`, nothing, or a word.
fn milliseconds(text: &str) -> u64 {
    let plain = text.trim();
    let seconds = plain
        .parse::<f64>()
        .or_else(|_| plain.replace(',', "").parse::<f64>())
        .unwrap_or(0.0);
    std::time::Duration::try_from_secs_f64(seconds).map_or(0, |time| {
        u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
    })
}

fn is_utf8(name: &str) -> bool {
    ["utf-8", "utf8", "us-ascii", "ascii"]
        .iter()
        .any(|known| name.trim().eq_ignore_ascii_case(known))
}

/// A name of the document in a message: short, and no control characters.
fn shown(name: &str) -> String {
    name.chars()
        .take(40)
        .map(|character| {
            if character.is_control() {
                '?'
            } else {
                character
            }
        })
        .collect()
}

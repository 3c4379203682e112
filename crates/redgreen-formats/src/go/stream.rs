//! The output of a Go test program that was started with `-test.v`, read as `test2json` reads it but with less trust.
//!
//! Since Go 1.20 (`-test.v=test2json`) the `testing` package writes the byte 0x16 in front of each line of its own, so a
//! test that prints `--- PASS: TestX (0.00s)` says nothing. Before that the text alone decides. Code that writes the byte,
//! too, is found by counting: each name begins once and ends once, and what was never begun does not end. Format:
//! <https://pkg.go.dev/cmd/test2json>, `testing.go` of the standard library.

use std::collections::BTreeMap;

/// The byte in front of lines of the `testing` package (SYN).
pub const FRAME: char = '\u{16}';

/// How a test ended, in the words of `testing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// `--- PASS`
    Pass,
    /// `--- FAIL`
    Fail,
    /// `--- SKIP`
    Skip,
}

/// One test or subtest that began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestRun {
    /// Its complete name: `TestA/x_y/z#01`.
    pub name: String,
    /// How it ended; `None` when the program ended first.
    pub end: Option<End>,
    /// In milliseconds.
    pub duration_ms: u64,
    /// What was printed while it was the running one.
    pub output: String,
    /// It waits for parallel tests to run (`t.Parallel`).
    pub paused: bool,
}

impl TestRun {
    /// The name of the test function.
    #[must_use]
    pub fn top(&self) -> &str {
        self.name.split('/').next().unwrap_or(&self.name)
    }
}

/// What a test program printed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stream {
    /// Every test in the order in which they began. A name may begin twice, where a package and its `_test` package have
    /// a function of one name.
    pub runs: Vec<TestRun>,
    /// The last line in which the program says how it went: `true` for `PASS`; `None` when it ended without one.
    pub passed: Option<bool>,
    /// What does not fit together: names that ended twice, or ended without a beginning.
    pub contradictions: Vec<String>,
}

/// Reads standard output. `framed` says that the program was asked to mark its lines.
#[must_use]
pub fn read(text: &str, framed: bool) -> Stream {
    let mut reader = Reader {
        framed,
        stream: Stream::default(),
        open: BTreeMap::new(),
        ended: BTreeMap::new(),
        current: None,
    };
    for line in text.split_inclusive('\n') {
        reader.line(line);
    }
    reader.stream
}

struct Reader {
    framed: bool,
    stream: Stream,
    /// Running tests by name, as an index.
    open: BTreeMap<String, usize>,
    ended: BTreeMap<String, usize>,
    current: Option<usize>,
}

/// A line of the `testing` package.
enum Mark<'a> {
    Run(&'a str),
    Pause(&'a str),
    Goes(&'a str),
    End(End, &'a str, u64),
    Verdict(bool),
}

impl Reader {
    fn line(&mut self, line: &str) {
        let bare = line.trim_end_matches(['\n', '\r']);
        let found = if self.framed {
            bare.rfind(FRAME).and_then(|at| {
                let rest = bare.get(at + FRAME.len_utf8()..)?;
                Some((bare.get(..at).unwrap_or(""), mark(rest)?))
            })
        } else {
            self.unframed(bare)
        };
        match found {
            Some((before, mark)) => {
                self.print(&before.replace(FRAME, ""));
                self.mark(&mark);
            }
            None => self.print(line),
        }
    }

    /// What stands behind other text on the line counts only where it names a test that runs: tests print without a line
    /// end, and people quote such lines.
    fn unframed<'a>(&self, bare: &'a str) -> Option<(&'a str, Mark<'a>)> {
        if let Some(found) = mark(bare.trim_start()) {
            return Some(("", found));
        }
        ["=== RUN   ", "=== PAUSE ", "=== CONT  "]
            .into_iter()
            .filter_map(|word| bare.rfind(word))
            .max()
            .and_then(|at| Some((bare.get(..at)?, mark(bare.get(at..)?)?)))
            .filter(|(_, mark)| match mark {
                Mark::Run(name) => name
                    .split_once('/')
                    .is_none_or(|(top, _)| self.open.contains_key(top)),
                Mark::Pause(name) | Mark::Goes(name) => self.open.contains_key(*name),
                Mark::End(..) | Mark::Verdict(_) => false,
            })
            .or_else(|| {
                let at = bare.rfind("--- ")?;
                let mark = mark(bare.get(at..)?)?;
                matches!(&mark, Mark::End(_, name, _) if self.open.contains_key(*name))
                    .then_some((bare.get(..at)?, mark))
            })
    }

    fn print(&mut self, text: &str) {
        if let Some(run) = self.current.and_then(|at| self.stream.runs.get_mut(at)) {
            run.output.push_str(text);
        }
    }

    fn contradiction(&mut self, text: String) {
        if !self.stream.contradictions.contains(&text) {
            self.stream.contradictions.push(text);
        }
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        match mark {
            Mark::Run(name) => {
                if self.open.contains_key(*name) {
                    self.contradiction(format!("`{name}` began twice"));
                    return;
                }
                self.stream.runs.push(TestRun {
                    name: (*name).to_owned(),
                    end: None,
                    duration_ms: 0,
                    output: String::new(),
                    paused: false,
                });
                let at = self.stream.runs.len() - 1;
                self.open.insert((*name).to_owned(), at);
                self.current = Some(at);
                // Whatever was said about the whole was said too early.
                self.stream.passed = None;
            }
            Mark::Pause(name) => {
                if let Some(run) = self
                    .open
                    .get(*name)
                    .and_then(|at| self.stream.runs.get_mut(*at))
                {
                    run.paused = true;
                }
                self.current = None;
            }
            Mark::Goes(name) => {
                self.current = self.open.get(*name).copied();
                if let Some(run) = self.current.and_then(|at| self.stream.runs.get_mut(at)) {
                    run.paused = false;
                }
            }
            Mark::End(end, name, duration_ms) => match self.open.remove(*name) {
                Some(at) => {
                    if let Some(run) = self.stream.runs.get_mut(at) {
                        run.end = Some(*end);
                        run.duration_ms = *duration_ms;
                    }
                    self.ended.insert((*name).to_owned(), at);
                    // What an example expected is printed behind its end.
                    self.current = Some(at);
                }
                None if self.ended.contains_key(*name) => {
                    self.contradiction(format!("`{name}` ended twice"));
                }
                // A printed line about a test that nobody has: text.
                None => self.print(&format!("--- {end:?}: {name}\n")),
            },
            Mark::Verdict(passed) => {
                self.stream.passed = Some(*passed);
                self.current = None;
            }
        }
    }
}

fn mark(text: &str) -> Option<Mark<'_>> {
    match text {
        "PASS" => return Some(Mark::Verdict(true)),
        "FAIL" => return Some(Mark::Verdict(false)),
        _ => {}
    }
    if let Some(name) = text.strip_prefix("=== RUN   ") {
        return Some(Mark::Run(name.trim_end()));
    }
    if let Some(name) = text.strip_prefix("=== PAUSE ") {
        return Some(Mark::Pause(name.trim_end()));
    }
    if let Some(name) = text
        .strip_prefix("=== CONT  ")
        .or_else(|| text.strip_prefix("=== NAME  "))
    {
        return Some(Mark::Goes(name.trim_end()));
    }
    for (word, end) in [
        ("--- PASS: ", End::Pass),
        ("--- FAIL: ", End::Fail),
        ("--- SKIP: ", End::Skip),
    ] {
        if let Some(rest) = text.strip_prefix(word) {
            // The name may hold brackets itself; the time is the last pair.
            let (name, time) = rest.trim_end().strip_suffix("s)")?.rsplit_once(" (")?;
            let seconds: f64 = time.parse().ok()?;
            return Some(Mark::End(end, name, milliseconds(seconds)));
        }
    }
    None
}

fn milliseconds(seconds: f64) -> u64 {
    u64::try_from(
        std::time::Duration::try_from_secs_f64(seconds)
            .unwrap_or_default()
            .as_millis(),
    )
    .unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;

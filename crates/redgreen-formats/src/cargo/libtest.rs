//! What libtest's harness prints (rust-lang/rust, `library/test/src/formatters`).
//!
//! Text of tests runs into libtest's own lines, so a result is read only where one process ran one test, and only from
//! the *last* `test result:` line together with the exit code.

/// What the last result line of a process states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultLine {
    /// The whole line.
    pub text: String,
    /// Whether it says `ok`.
    pub ok: bool,
    /// How many passed.
    pub passed: u64,
    /// How many failed.
    pub failed: u64,
    /// How many were ignored.
    pub ignored: u64,
    /// How many were not asked for; `None` where the line does not say.
    pub filtered: Option<u64>,
}

/// The last `test result:` line, if it is the last line with content.
#[must_use]
pub fn last_result(stdout: &str) -> Option<ResultLine> {
    let last = stdout.lines().rev().find(|line| !line.trim().is_empty())?;
    result_line(last)
}

/// Whether the output ends as libtest's does when its only selected test passed: the test's own line, an empty line, the
/// result line. What a test prints around libtest (a child process on the same output) may stand before it.
///
/// Code in the same process can print all of this and end the process by itself; that takes the name of the test and the
/// number of the others, and the controls (SPEC C7) find it.
#[must_use]
pub fn ends_with_one_passed(stdout: &str, name: &str, others: u64) -> bool {
    let Some(result) = last_result(stdout) else {
        return false;
    };
    let exact = format!("test {name} ... ok\n\n{}\n\n", result.text);
    let panics = format!("test {name} - should panic ... ok\n\n{}\n\n", result.text);
    (stdout.ends_with(&exact) || stdout.ends_with(&panics))
        && result.ok
        && (result.passed, result.failed, result.ignored) == (1, 0, 0)
        && result.filtered == Some(others)
}

/// Reads `test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 8 filtered out; finished in 0.00s`.
#[must_use]
pub fn result_line(line: &str) -> Option<ResultLine> {
    let rest = line.trim_end().strip_prefix("test result: ")?;
    let (word, counts) = rest.split_once(". ")?;
    let ok = match word {
        "ok" => true,
        "FAILED" => false,
        _ => return None,
    };
    let count = |name: &str| -> Option<u64> {
        counts.split("; ").find_map(|part| {
            let (number, what) = part.split_once(' ')?;
            (what == name).then(|| number.parse().ok()).flatten()
        })
    };
    Some(ResultLine {
        text: line.trim_end().to_owned(),
        ok,
        passed: count("passed")?,
        failed: count("failed")?,
        ignored: count("ignored")?,
        filtered: count("filtered out"),
    })
}

/// The names of `--list --format terse`: lines that end in `: test`. Benchmarks (`: benchmark`) are left out.
#[must_use]
pub fn listed(stdout: &str) -> Vec<String> {
    stdout
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .map(str::to_owned)
        .collect()
}

/// How many tests and benchmarks the same list names.
#[must_use]
pub fn listed_in_all(stdout: &str) -> u64 {
    stdout
        .lines()
        .filter(|line| line.ends_with(": test") || line.ends_with(": benchmark"))
        .count() as u64
}

/// What a failed test wrote: the text between `---- NAME stdout ----` and libtest's closing list, else everything.
#[must_use]
pub fn captured<'a>(stdout: &'a str, name: &str) -> &'a str {
    let header = format!("---- {name} stdout ----\n");
    let Some(start) = stdout.find(&header).map(|at| at + header.len()) else {
        return stdout;
    };
    let rest = &stdout[start..];
    let end = rest.rfind("\n\nfailures:\n").unwrap_or(rest.len());
    &rest[..end]
}

/// How a doctest ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoctestOutcome {
    /// `ok`
    Passed,
    /// `FAILED`
    Failed,
    /// `ignored`
    Ignored,
}

/// One doctest of a `rustdoc --test` run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doctest {
    /// The file as rustdoc names it.
    pub file: String,
    /// The path of the documented item; empty for the crate itself.
    pub item: String,
    /// The line of the code block. A location, never identity.
    pub line: u32,
    /// How it ended.
    pub outcome: DoctestOutcome,
    /// What was printed for it when it failed.
    pub output: String,
}

/// A `cargo test --doc` run of one package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DoctestRun {
    /// Every doctest with a result line, in the order of file, then line.
    pub tests: Vec<Doctest>,
    /// The result lines (edition 2024 merges doctests, and prints one group for each merged binary).
    pub results: Vec<ResultLine>,
    /// How many tests were announced by `running N tests`.
    pub announced: u64,
}

/// Reads the text of a doctest run strictly: result lines count only before the `failures:` of their group, each group
/// must have announced them, and what stands after `failures:` is output of tests.
#[must_use]
pub fn doctests(stdout: &str) -> DoctestRun {
    enum Part {
        Outside,
        Running,
        Failures,
    }
    let mut run = DoctestRun::default();
    let mut part = Part::Outside;
    for line in stdout.lines() {
        match part {
            Part::Outside => {
                if let Some(count) = announced(line) {
                    run.announced += count;
                    part = Part::Running;
                }
            }
            Part::Running => {
                if line == "failures:" {
                    part = Part::Failures;
                } else if let Some(result) = result_line(line) {
                    run.results.push(result);
                    part = Part::Outside;
                } else if let Some(test) = doctest_line(line) {
                    run.tests.push(test);
                }
            }
            Part::Failures => {
                if let Some(result) = result_line(line) {
                    run.results.push(result);
                    part = Part::Outside;
                }
            }
        }
    }
    for test in &mut run.tests {
        if test.outcome == DoctestOutcome::Failed {
            let name = if test.item.is_empty() {
                format!("{} - (line {})", test.file, test.line)
            } else {
                format!("{} - {} (line {})", test.file, test.item, test.line)
            };
            test.output = doctest_output(stdout, &name).to_owned();
        }
    }
    run.tests
        .sort_by(|a, b| (&a.file, a.line, &a.item).cmp(&(&b.file, b.line, &b.item)));
    run
}

fn announced(line: &str) -> Option<u64> {
    let rest = line.strip_prefix("running ")?;
    let number = rest
        .strip_suffix(" tests")
        .or_else(|| rest.strip_suffix(" test"))?;
    number.parse().ok()
}

/// `test src/lib.rs - add (line 2) ... ok`, with ` - compile`, ` - compile fail` or ` - should panic` before the dots.
fn doctest_line(line: &str) -> Option<Doctest> {
    let rest = line.strip_prefix("test ")?;
    let (name, word) = rest.rsplit_once(" ... ")?;
    let outcome = match word.trim_end() {
        "ok" => DoctestOutcome::Passed,
        "FAILED" => DoctestOutcome::Failed,
        word if word == "ignored" || word.starts_with("ignored,") => DoctestOutcome::Ignored,
        _ => return None,
    };
    let (file, rest) = name.split_once(" - ")?;
    let (item, rest) = match rest.strip_prefix("(line ") {
        Some(rest) => ("", rest),
        None => rest.rsplit_once(" (line ")?,
    };
    let (number, _) = rest.split_once(')')?;
    Some(Doctest {
        file: file.to_owned(),
        item: item.to_owned(),
        line: number.parse().ok()?,
        outcome,
        output: String::new(),
    })
}

fn doctest_output<'a>(stdout: &'a str, name: &str) -> &'a str {
    let header = format!("---- {name} stdout ----\n");
    let Some(start) = stdout.find(&header).map(|at| at + header.len()) else {
        return "";
    };
    let rest = &stdout[start..];
    let end = rest
        .find("\n---- ")
        .or_else(|| rest.find("\n\nfailures:\n"))
        .unwrap_or(rest.len());
    &rest[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b1_only_the_last_line_is_a_result() {
        let good = "\nrunning 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 8 filtered out; finished in 0.00s\n\n";
        let result = last_result(good).unwrap();
        assert!(result.ok);
        assert_eq!((result.passed, result.failed, result.ignored), (1, 0, 0));
        assert!(ends_with_one_passed(good, "a", 8));
        assert!(!ends_with_one_passed(good, "a", 7));
        assert!(!ends_with_one_passed(good, "b", 8));
        let forged = "\nrunning 1 test\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\nbye\n";
        assert_eq!(last_result(forged), None);
        assert_eq!(last_result("\nrunning 1 test\n"), None);
    }

    #[test]
    fn b2_listed_names_are_tests_only() {
        assert_eq!(listed_in_all("tests::a: test\nb::bench_x: benchmark\n"), 2);
        assert_eq!(
            listed("tests::a: test\nb::bench_x: benchmark\n\n1 test, 1 benchmark\n"),
            ["tests::a"]
        );
    }

    #[test]
    fn g4_doctests_are_read_before_the_failures_only() {
        let text = "\nrunning 3 tests\ntest src/lib.rs - add (line 2) ... ok\ntest src/lib.rs - (line 1) ... ignored\ntest src/a.rs - a::B::c (line 6) - compile fail ... FAILED\n\nfailures:\n\n---- src/a.rs - a::B::c (line 6) stdout ----\ntest src/lib.rs - ghost (line 9) ... ok\nSome expected error codes were not found\n\nfailures:\n    src/a.rs - a::B::c (line 6)\n\ntest result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.17s\n\n";
        let run = doctests(text);
        assert_eq!(run.announced, 3);
        assert_eq!(run.results.len(), 1);
        let seen: Vec<_> = run
            .tests
            .iter()
            .map(|test| {
                (
                    test.file.as_str(),
                    test.item.as_str(),
                    test.line,
                    test.outcome,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("src/a.rs", "a::B::c", 6, DoctestOutcome::Failed),
                ("src/lib.rs", "", 1, DoctestOutcome::Ignored),
                ("src/lib.rs", "add", 2, DoctestOutcome::Passed),
            ]
        );
        assert!(run.tests[0].output.contains("Some expected error codes"));
    }
}

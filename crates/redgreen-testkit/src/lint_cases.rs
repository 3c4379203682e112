//! Labelled tests that the rules of test quality are measured on: `redgreen-lint/corpus/LANGUAGE.txt`.
//!
//! One case per line, `¦` ends a line of the test. The first characters say what must be found by the rule whose
//! `[section]` it is:
//!
//! | begins with | label |
//! |---|---|
//! | `! ` | bad: an error of this rule |
//! | `- ` | bad: at least a warning of this rule |
//! | `~ ` | honest, but a warning is in order: an error of no rule |
//! | `+ ` | honest: nothing of this rule beyond a note, and an error of no rule |
//!
//! A doubled sign (`!!`) means that the line is a whole file, else it is the body of one test. Lines that begin with `#`
//! or are blank say nothing.

use redgreen_lint::quality::{Language, Options, Severity, lint};
use std::collections::BTreeMap;

/// What a case must be found as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// Bad, an error.
    Error,
    /// Bad, at least a warning.
    Warning,
    /// Honest; a warning is in order.
    Doubtful,
    /// Honest.
    Good,
}

/// One labelled test.
#[derive(Debug, Clone)]
pub struct Case {
    /// The language.
    pub language: Language,
    /// The rule it is about.
    pub rule: String,
    /// What must be found.
    pub label: Label,
    /// A whole file.
    pub text: String,
    /// Its line in the corpus.
    pub line: usize,
}

/// How a rule did in one language.
#[derive(Debug, Clone, Copy, Default)]
pub struct Score {
    /// Bad cases.
    pub bad: usize,
    /// Bad cases that it found as heavily as they must be.
    pub found: usize,
    /// Bad cases that this or another rule finds (warning or error).
    pub found_by_any: usize,
    /// Honest cases.
    pub good: usize,
    /// Honest cases that carry an error of any rule, or more than a note of this one.
    pub false_alarms: usize,
}

/// Every case.
#[must_use]
pub fn cases() -> Vec<Case> {
    [
        (
            Language::Python,
            include_str!("../../redgreen-lint/corpus/python.txt"),
        ),
        (
            Language::Rust,
            include_str!("../../redgreen-lint/corpus/rust.txt"),
        ),
        (
            Language::TypeScript,
            include_str!("../../redgreen-lint/corpus/typescript.txt"),
        ),
        (
            Language::Go,
            include_str!("../../redgreen-lint/corpus/go.txt"),
        ),
    ]
    .into_iter()
    .flat_map(|(language, text)| read(language, text))
    .collect()
}

fn read(language: Language, text: &str) -> Vec<Case> {
    let mut rule = String::new();
    let mut cases = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            name.clone_into(&mut rule);
            continue;
        }
        let label = match line.chars().next() {
            Some('!') => Label::Error,
            Some('-') => Label::Warning,
            Some('~') => Label::Doubtful,
            Some('+') => Label::Good,
            _ => continue,
        };
        let Some((sign, code)) = line.split_once(' ') else {
            continue;
        };
        let code = code.replace('¦', "\n");
        cases.push(Case {
            language,
            rule: rule.clone(),
            label,
            text: if sign.len() == 2 {
                whole(language, &code)
            } else {
                wrapped(language, &code)
            },
            line: index + 1,
        });
    }
    cases
}

fn whole(language: Language, code: &str) -> String {
    match language {
        Language::Go if !code.starts_with("package") => format!("package shop\n\n{code}\n"),
        _ => format!("{code}\n"),
    }
}

fn wrapped(language: Language, code: &str) -> String {
    let body = |indent: &str| code.replace('\n', &format!("\n{indent}"));
    match language {
        Language::Python => format!("def test_total():\n    {}\n", body("    ")),
        Language::Rust => format!(
            "#[test]\nfn total_of_items() {{\n    {}\n}}\n",
            body("    ")
        ),
        Language::JavaScript | Language::TypeScript => {
            format!("it('totals', async () => {{\n  {}\n}});\n", body("  "))
        }
        Language::Go => format!(
            "package shop\n\nfunc TestTotal(t *testing.T) {{\n\t{}\n}}\n",
            body("\t")
        ),
    }
}

/// What went wrong with a case, as a line for people; `None` when it is judged as labelled.
#[must_use]
pub fn mistake(case: &Case) -> Option<String> {
    let verdict = judge(case);
    let wrong = match case.label {
        Label::Error => verdict.own < Some(Severity::Error),
        Label::Warning => verdict.own < Some(Severity::Warning),
        Label::Doubtful => verdict.worst >= Some(Severity::Error),
        Label::Good => {
            verdict.worst >= Some(Severity::Error) || verdict.own >= Some(Severity::Warning)
        }
    };
    wrong.then(|| {
        format!(
            "{} line {} [{}] {:?}: found {}\n{}",
            case.language.as_str(),
            case.line,
            case.rule,
            case.label,
            verdict.words,
            case.text
        )
    })
}

struct Verdict {
    /// The heaviest finding of the rule itself.
    own: Option<Severity>,
    /// The heaviest of all rules.
    worst: Option<Severity>,
    words: String,
}

fn judge(case: &Case) -> Verdict {
    let findings = lint(case.language, &case.text, &Options::default()).unwrap_or_default();
    Verdict {
        own: findings
            .iter()
            .filter(|finding| finding.rule.name == case.rule)
            .map(|finding| finding.severity)
            .max(),
        worst: findings.iter().map(|finding| finding.severity).max(),
        words: findings
            .iter()
            .map(|finding| format!("{} {}", finding.severity.as_str(), finding.rule.name))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// Scores per rule and language.
#[must_use]
pub fn scores(cases: &[Case]) -> BTreeMap<(String, Language), Score> {
    let mut scores: BTreeMap<(String, Language), Score> = BTreeMap::new();
    for case in cases {
        let score = scores
            .entry((case.rule.clone(), case.language))
            .or_default();
        let wrong = mistake(case).is_some();
        match case.label {
            Label::Error | Label::Warning => {
                score.bad += 1;
                score.found += usize::from(!wrong);
                score.found_by_any += usize::from(judge(case).worst >= Some(Severity::Warning));
            }
            Label::Doubtful | Label::Good => {
                score.good += 1;
                score.false_alarms += usize::from(wrong);
            }
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::{Label, cases, mistake};

    #[test]
    fn d1_honest_tests_carry_no_error_and_weak_ones_are_found() {
        let cases = cases();
        let mistakes: Vec<_> = cases
            .iter()
            .filter_map(|case| Some((case.label, mistake(case)?)))
            .collect();
        let (alarms, missed): (Vec<_>, Vec<_>) = mistakes
            .iter()
            .partition(|(label, _)| matches!(label, Label::Doubtful | Label::Good));
        let words = |list: &[&(Label, String)]| {
            list.iter()
                .map(|(_, text)| text.as_str())
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert!(alarms.is_empty(), "{}", words(&alarms));
        // What is missed is published in docs/reference/lint-accuracy.md.
        assert!(
            missed.len() * 100 <= cases.len() * 12,
            "{} of {} cases\n{}",
            missed.len(),
            cases.len(),
            words(&missed)
        );
    }
}

//! The rules: one file each, in the order of their numbers.

mod always_fails;
mod assertion_not_evaluated;
mod broad_raises;
mod commented_out;
mod compares_itself;
mod composite_assertion;
mod conditional_assertion;
mod constant_assertion;
mod debug_output;
mod duplicate_assertion;
mod empty_test;
mod expected_failure;
mod expected_from_subject;
mod fake_service;
mod fixed_wait;
mod focused_test;
mod long_raises;
mod mock_only;
mod mocked_subject;
mod no_assertion;
mod no_parameters;
mod not_collected;
mod parameters_from_subject;
mod reads_implementation;
mod runner_tampering;
mod shadowed_test;
mod skipped_test;
mod snapshot_only;
mod suppression;
mod swallowed_failure;
mod test_double;
mod test_only_branch;
mod unreachable_assertion;
mod unrepeatable;
mod unseen_failure;
mod vacuous_loop;
mod weak_only;

use super::finding::{Finding, Severity};
use super::model::{DoubleKind, Fact, FactKind, FileModel, Span, TestModel};
use super::{MockPolicy, Options};
use crate::quality::Language;

/// A rule with its page.
pub struct Rule {
    /// Its number in the catalogue, `T02`.
    pub number: &'static str,
    /// Its name in output, configuration and waivers: `no_assertion`.
    pub name: &'static str,
    /// What it finds, a fragment.
    pub title: &'static str,
    /// The heaviest that it weighs.
    pub severity: Severity,
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// When the rule is wrong, and what to do then.
    pub when_wrong: &'static str,
    /// A bad and a good test per language, as files that a test judges.
    pub examples: &'static [Example],
    check: fn(&mut Subject<'_>),
}

/// A pair of tests: one that the rule finds, and one that it does not.
pub struct Example {
    /// The language.
    pub language: Language,
    /// What is found.
    pub bad: &'static str,
    /// What is not.
    pub good: &'static str,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
impl Eq for Rule {}

/// Every rule.
pub static ALL: &[&Rule] = &[
    &empty_test::RULE,
    &no_assertion::RULE,
    &constant_assertion::RULE,
    &compares_itself::RULE,
    &weak_only::RULE,
    &mock_only::RULE,
    &skipped_test::RULE,
    &expected_failure::RULE,
    &focused_test::RULE,
    &fixed_wait::RULE,
    &test_double::RULE,
    &fake_service::RULE,
    &swallowed_failure::RULE,
    &broad_raises::RULE,
    &conditional_assertion::RULE,
    &unreachable_assertion::RULE,
    &assertion_not_evaluated::RULE,
    &commented_out::RULE,
    &duplicate_assertion::RULE,
    &shadowed_test::RULE,
    &not_collected::RULE,
    &no_parameters::RULE,
    &vacuous_loop::RULE,
    &always_fails::RULE,
    &reads_implementation::RULE,
    &runner_tampering::RULE,
    &unseen_failure::RULE,
    &snapshot_only::RULE,
    &composite_assertion::RULE,
    &unrepeatable::RULE,
    &long_raises::RULE,
    &test_only_branch::RULE,
    &suppression::RULE,
    &debug_output::RULE,
    &parameters_from_subject::RULE,
    &mocked_subject::RULE,
    &expected_from_subject::RULE,
];

/// A rule by its name or number.
#[must_use]
pub fn find(name: &str) -> Option<&'static Rule> {
    ALL.iter()
        .copied()
        .find(|rule| rule.name == name || rule.number.eq_ignore_ascii_case(name))
}

/// Judges one file by every rule.
#[must_use]
pub fn judge(language: Language, file: &FileModel, options: &Options) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in ALL {
        let mut subject = Subject {
            language,
            file,
            options,
            rule,
            findings: Vec::new(),
        };
        (rule.check)(&mut subject);
        findings.append(&mut subject.findings);
    }
    findings.sort_by(|a, b| {
        (a.span.start, a.rule.number, a.span.end).cmp(&(b.span.start, b.rule.number, b.span.end))
    });
    findings
}

/// What a rule looks at, and where it reports.
struct Subject<'a> {
    language: Language,
    file: &'a FileModel,
    options: &'a Options,
    rule: &'static Rule,
    findings: Vec<Finding>,
}

impl<'a> Subject<'a> {
    /// Reports something at a place.
    fn at(
        &mut self,
        test: Option<&TestModel>,
        span: Span,
        severity: Severity,
        message: impl Into<String>,
    ) {
        self.findings.push(Finding {
            rule: self.rule,
            severity,
            test: test.map(|test| test.name.clone()),
            span,
            message: message.into(),
        });
    }
    /// Reports something about a whole test, at its name.
    fn test(&mut self, test: &TestModel, severity: Severity, message: impl Into<String>) {
        self.at(Some(test), test.name_span.clone(), severity, message);
    }
    /// Reports a fact.
    fn fact(
        &mut self,
        test: Option<&TestModel>,
        fact: &Fact,
        severity: Severity,
        message: impl Into<String>,
    ) {
        self.at(test, fact.span.clone(), severity, message);
    }
    /// Every fact of the file with its test.
    fn each_fact(&mut self, mut look: impl FnMut(&mut Self, Option<&'a TestModel>, &'a Fact)) {
        let file = self.file;
        for fact in &file.facts {
            look(self, None, fact);
        }
        for test in &file.tests {
            for fact in &test.facts {
                look(self, Some(test), fact);
            }
        }
    }
    /// Where the policy asks for real parts: every double of the kinds that `is` names.
    fn doubles_among_real_parts(&mut self, is: fn(DoubleKind) -> bool) {
        if self.options.mocks != MockPolicy::Real {
            return;
        }
        self.each_fact(|subject, at, fact| {
            if let FactKind::Double(double) = &fact.kind
                && is(double.kind)
            {
                let message = format!(
                    "`{}` is {}; this path is for real parts",
                    double.name,
                    double.kind.words()
                );
                subject.fact(at, fact, Severity::Error, message);
            }
        });
    }
    /// Whether a test has a fact of a kind.
    fn has(&self, test: &TestModel, is: impl Fn(&FactKind) -> bool) -> bool {
        test.facts.iter().any(|fact| is(&fact.kind))
    }
    /// Whether a call of the test is an assertion by configuration.
    fn asserts_by_option(&self, test: &TestModel) -> bool {
        test.helpers
            .iter()
            .any(|helper| self.options.is_assertion(&helper.name))
    }
}

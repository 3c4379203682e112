//! Disputes: the implementer says that a test is wrong (SPEC A10). The facts are gathered elsewhere, by runs and by
//! reading locked bytes; here they are only weighed. What the agent wrote is shown and never weighed.

use crate::id::{CriterionId, TaskId};

/// Why the implementer says that a test is wrong. A claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DisputeReason {
    /// Two tests, or a test and a criterion, contradict each other.
    Contradiction,
    /// No implementation could pass it.
    Impossible,
    /// It asks for something that no criterion asks for.
    NotInCriteria,
    /// It expects another value than the criterion states.
    WrongExpectation,
    /// It passes and fails on the same bytes.
    Flaky,
}

impl DisputeReason {
    /// Every reason.
    pub const ALL: [Self; 5] = [
        Self::Contradiction,
        Self::Impossible,
        Self::NotInCriteria,
        Self::WrongExpectation,
        Self::Flaky,
    ];
    /// The text on the command line and in the journal.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contradiction => "contradiction",
            Self::Impossible => "impossible",
            Self::NotInCriteria => "not_in_criteria",
            Self::WrongExpectation => "wrong_expectation",
            Self::Flaky => "flaky",
        }
    }
}

/// A dispute as it was asked: `redgreen dispute T43 --test ID --reason … --cites AC-2 [--note …]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// The task.
    pub task: TaskId,
    /// The disputed test: an item or case id.
    pub test: String,
    /// Why.
    pub reason: DisputeReason,
    /// The criterion that it refers to.
    pub cites: Option<CriterionId>,
    /// Free text. Shown to people and to the author, never weighed.
    pub note: Option<String>,
}

/// A fact about a disputed test that the referee established by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DisputeEvidence {
    /// (a) An exception that is no assertion came from test code: a name error, a fixture, a helper, a third party.
    RaisedByTestCode {
        /// The test.
        test: String,
        /// The exception and the frame that owns it.
        exception: String,
    },
    /// (b) Two locked tests make the same call with the same literal arguments and expect different literals.
    ContradictingExpectations {
        /// The first test with its line, such as `tests/a.py:14 assert f(1) == 2`.
        first: String,
        /// The second test with its line.
        second: String,
    },
    /// (c) Reruns of the same bytes gave different outcomes.
    OutcomeVaries {
        /// The test.
        test: String,
        /// The outcomes in order, as text.
        outcomes: Vec<String>,
    },
    /// (d) The test needs a symbol that is neither on the base nor in the task's `new_symbols`, where that list exists.
    UnannouncedSymbol {
        /// The test.
        test: String,
        /// The symbol.
        symbol: String,
    },
    /// The old count heuristics: at most three failures with more passing, or all failures in one file. Counts only
    /// with `bounce = "heuristic"`, which is off by default because an implementer can provoke it.
    FewFailures {
        /// Required tests that fail.
        failing: usize,
        /// Required tests that pass.
        passing: usize,
    },
}

impl DisputeEvidence {
    /// The fact in plain words, for reports and prompts.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::RaisedByTestCode { test, exception } => {
                format!("`{test}` raised {exception} in test code")
            }
            Self::ContradictingExpectations { first, second } => {
                format!("the same call is expected to give two results: `{first}` and `{second}`")
            }
            Self::OutcomeVaries { test, outcomes } => {
                format!("`{test}` gave {} on the same bytes", outcomes.join(", "))
            }
            Self::UnannouncedSymbol { test, symbol } => {
                format!(
                    "`{test}` needs `{symbol}`, which neither exists nor is announced in `new_symbols`"
                )
            }
            Self::FewFailures { failing, passing } => {
                format!("{failing} fail and {passing} pass")
            }
        }
    }
}

/// Which evidence counts (`bounce` in the configuration).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Bounce {
    /// Only facts (a) to (d).
    #[default]
    Evidence,
    /// The old count heuristics, too. Provokable.
    Heuristic,
}

/// What happens with a dispute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DisputeDecision {
    /// The author is sent back in FIX mode, once per task.
    SendBack,
    /// A person decides (exit 14). Costs no attempt.
    AskPerson,
}

/// Weighs the evidence for a dispute: one fact is enough, none means that a person is asked.
#[must_use]
pub fn decide(evidence: &[DisputeEvidence], bounce: Bounce) -> DisputeDecision {
    let counts = |fact: &DisputeEvidence| match fact {
        DisputeEvidence::RaisedByTestCode { .. }
        | DisputeEvidence::ContradictingExpectations { .. }
        | DisputeEvidence::UnannouncedSymbol { .. } => true,
        // One outcome, however often, is no variation.
        DisputeEvidence::OutcomeVaries { outcomes, .. } => outcomes
            .iter()
            .any(|outcome| Some(outcome) != outcomes.first()),
        DisputeEvidence::FewFailures { failing, passing } => {
            bounce == Bounce::Heuristic && (1..=3).contains(failing) && passing > failing
        }
    };
    if evidence.iter().any(counts) {
        DisputeDecision::SendBack
    } else {
        DisputeDecision::AskPerson
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a10_a_fact_sends_the_author_back_and_none_asks_a_person() {
        let symbol = DisputeEvidence::UnannouncedSymbol {
            test: "t.py::a".to_owned(),
            symbol: "f".to_owned(),
        };
        assert_eq!(
            decide(&[symbol], Bounce::Evidence),
            DisputeDecision::SendBack
        );
        assert_eq!(decide(&[], Bounce::Heuristic), DisputeDecision::AskPerson);
    }

    #[test]
    fn a10_equal_outcomes_are_no_evidence_of_flakiness() {
        let reruns = |outcomes: &[&str]| DisputeEvidence::OutcomeVaries {
            test: "t.py::a".to_owned(),
            outcomes: outcomes.iter().map(|o| (*o).to_owned()).collect(),
        };
        for (outcomes, expected) in [
            (&["failed", "failed"][..], DisputeDecision::AskPerson),
            (&[], DisputeDecision::AskPerson),
            (&["failed", "passed"], DisputeDecision::SendBack),
        ] {
            assert_eq!(decide(&[reruns(outcomes)], Bounce::Evidence), expected);
        }
    }

    #[test]
    fn a10_counts_of_failures_count_only_where_they_were_switched_on() {
        let few = [DisputeEvidence::FewFailures {
            failing: 1,
            passing: 9,
        }];
        assert_eq!(decide(&few, Bounce::Evidence), DisputeDecision::AskPerson);
        assert_eq!(decide(&few, Bounce::Heuristic), DisputeDecision::SendBack);
    }
}

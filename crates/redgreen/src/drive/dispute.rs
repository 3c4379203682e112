//! Disputes: reads the implementer's request and gathers what the referee can establish by itself (SPEC A10). The request
//! names a test; it proves nothing.

use super::Driver;
use crate::error::Failure;
use crate::referee::green::{GreenRequest, prove_green};
use crate::referee::lock::{StoredLock, locked_tree};
use crate::referee::proposal::text_of;
use redgreen_core::dispute::{Dispute, DisputeEvidence, DisputeReason};
use redgreen_core::id::{CriterionId, ItemId, TaskId};
use redgreen_core::machine::Event;
use redgreen_core::outcome::{Cause, Outcome};
use redgreen_core::run_report::RunReport;
use redgreen_lint::Language;
use redgreen_lint::conflicts::{TestFile, conflicts};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The request as `redgreen dispute` writes it inside a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The test, as the gate prints it.
    pub test: String,
    /// What is wrong with it.
    pub reason: String,
    /// The criterion.
    pub cites: Option<String>,
    /// One sentence.
    pub note: Option<String>,
}

/// At most this much of a request is read: it comes from an agent.
const REQUEST_BYTES: u64 = 64 << 10;

impl Request {
    /// The dispute it asks for; `None` when its words are not known.
    #[must_use]
    pub fn dispute(self, task: &TaskId) -> Option<Dispute> {
        let reason = DisputeReason::ALL
            .into_iter()
            .find(|known| known.as_str() == self.reason)?;
        Some(Dispute {
            task: task.clone(),
            test: self.test,
            reason,
            cites: self.cites.and_then(|text| CriterionId::new(text).ok()),
            note: self.note,
        })
    }
}

impl Driver<'_> {
    /// The event of a dispute that a session asked for; `None` where it asked for none.
    pub(super) fn dispute_from(
        &self,
        file: &Path,
        task: &TaskId,
        lock: &StoredLock,
        clone: &Path,
    ) -> Result<Option<Event>, Failure> {
        let small = file
            .symlink_metadata()
            .is_ok_and(|metadata| metadata.is_file() && metadata.len() <= REQUEST_BYTES);
        if !small {
            return Ok(None);
        }
        let request: Option<Request> = std::fs::read(file)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let Some(dispute) = request.and_then(|request| request.dispute(task)) else {
            return Ok(None);
        };
        if !lock
            .record
            .tests
            .iter()
            .any(|test| dispute.test.starts_with(&test.item.to_string()))
        {
            return Ok(None);
        }
        let evidence = self.dispute_evidence(&dispute, lock, clone)?;
        Ok(Some(Event::Disputed { dispute, evidence }))
    }

    /// The facts (a) to (d).
    ///
    /// # Errors
    /// A failure when the locked tests cannot be read or run.
    pub fn dispute_evidence(
        &self,
        dispute: &Dispute,
        lock: &StoredLock,
        clone: &Path,
    ) -> Result<Vec<DisputeEvidence>, Failure> {
        let mut evidence = self.contradictions(dispute, lock)?;
        let definition = self.definition(&dispute.task)?;
        let request = GreenRequest {
            lock,
            candidate: clone,
            plan_files: &self.plan_files,
            scope: &definition.scope,
        };
        let mut runs: Vec<RunReport> = Vec::new();
        let rounds = if evidence.is_empty() { 3 } else { 0 };
        for _ in 0..rounds {
            if let Some(run) = prove_green(self.context, &request)?.run {
                runs.push(run);
            }
        }
        let mut outcomes: BTreeMap<String, Vec<Outcome>> = BTreeMap::new();
        for case in runs
            .iter()
            .flat_map(|run| &run.cases)
            .filter(|case| concerns(&dispute.test, &case.id.item, &case.id.to_string()))
        {
            outcomes
                .entry(case.id.to_string())
                .or_default()
                .push(case.outcome);
        }
        for (test, seen) in outcomes {
            if seen.windows(2).any(|pair| pair[0] != pair[1]) {
                evidence.push(DisputeEvidence::OutcomeVaries {
                    test,
                    outcomes: seen.iter().map(ToString::to_string).collect(),
                });
            }
        }
        if let Some(run) = runs.first() {
            for case in run
                .cases
                .iter()
                .filter(|case| concerns(&dispute.test, &case.id.item, &case.id.to_string()))
            {
                let Some(cause) = &case.cause else { continue };
                match cause.cause {
                    Cause::UndefinedName
                    | Cause::MissingFixture
                    | Cause::SetupFailed
                    | Cause::MissingDependency
                    | Cause::WrongForeignSymbol
                    | Cause::SyntaxError
                    | Cause::DoesNotCompile => {
                        evidence.push(DisputeEvidence::RaisedByTestCode {
                            test: case.id.to_string(),
                            exception: cause.detail.clone(),
                        });
                    }
                    Cause::MissingSymbol | Cause::SimilarName => {
                        if let (Some(symbol), Some(announced)) =
                            (&cause.symbol, &definition.new_symbols)
                            && !announced.iter().any(|name| {
                                name == symbol || name.rsplit(['.', ':']).next() == Some(symbol)
                            })
                        {
                            evidence.push(DisputeEvidence::UnannouncedSymbol {
                                test: case.id.to_string(),
                                symbol: symbol.clone(),
                            });
                        }
                    }
                    Cause::Assertion
                    | Cause::Signature
                    | Cause::NotImplemented
                    | Cause::RaisedInSource
                    | Cause::WrongImport
                    | Cause::AlwaysFails
                    | Cause::RaisedInTest
                    | Cause::TypeMismatch
                    | Cause::Timeout
                    | Cause::Crash
                    | Cause::Unknown
                    | Cause::MissingPlugin
                    | Cause::Environment
                    | Cause::BrokenBase => {}
                }
            }
        }
        Ok(evidence)
    }

    /// (b) Two locked tests with the same call and other literal expectations, one of them the disputed one.
    fn contradictions(
        &self,
        dispute: &Dispute,
        lock: &StoredLock,
    ) -> Result<Vec<DisputeEvidence>, Failure> {
        let tree = locked_tree(self.context, lock)?;
        let mut by_file: BTreeMap<_, Vec<ItemId>> = BTreeMap::new();
        for test in &lock.record.tests {
            by_file
                .entry(test.item.path.clone())
                .or_default()
                .push(test.item.clone());
        }
        let mut texts = Vec::new();
        for (path, items) in by_file {
            if let (Some(language), Some(text)) = (
                Language::of(&path),
                text_of(&tree, &self.context.repository, &path)?,
            ) {
                texts.push((language, text, items));
            }
        }
        let files: Vec<TestFile<'_>> = texts
            .iter()
            .map(|(language, text, items)| TestFile {
                language: *language,
                text,
                items,
            })
            .collect();
        Ok(conflicts(&files)
            .unwrap_or_default()
            .into_iter()
            .filter(|conflict| {
                [&conflict.first, &conflict.second]
                    .into_iter()
                    .any(|side| concerns(&dispute.test, &side.item, &side.item.to_string()))
            })
            .map(|conflict| {
                let side = |side: &redgreen_lint::conflicts::Expectation| {
                    format!(
                        "{}:{} {} == {}",
                        side.item.path, side.line, conflict.call, side.expected
                    )
                };
                DisputeEvidence::ContradictingExpectations {
                    first: side(&conflict.first),
                    second: side(&conflict.second),
                }
            })
            .collect())
    }
}

fn concerns(disputed: &str, item: &ItemId, case: &str) -> bool {
    disputed == case || disputed == item.to_string()
}

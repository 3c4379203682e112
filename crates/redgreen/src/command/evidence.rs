//! `redgreen evidence verify [PLAN|RANGE]`: whether the records of the gates are those that were written (SPEC C8).

use super::Ending;
use super::task::{PLANS, load_plan};
use crate::cli::{EvidenceCommand, EvidenceVerifyArgs};
use crate::error::Failure;
use crate::referee::context::Context;
use crate::referee::evidence_store::{self as store, Anchored, FETCH, StoredChain};
use redgreen_core::exit::ExitCode;
use redgreen_core::gate::Gate;
use redgreen_core::id::RelPath;
use redgreen_core::outcome::Verdict;
use redgreen_formats::evidence::{Anchor, Examined, Finding, FindingKind, KeyId, Note, examine};
use redgreen_host::tree::{Snapshot, content_digest};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// The schema of what is printed as JSON.
pub const VERIFY_SCHEMA: &str = "redgreen.evidence-verify/1";

/// Dispatches the sub-command.
///
/// # Errors
/// As [`verify`].
pub fn run(context: &Context, command: &EvidenceCommand) -> Ending {
    match command {
        EvidenceCommand::Verify(arguments) => verify(context, arguments),
    }
}

/// What is to be verified.
enum Asked {
    Everything,
    Plan(String),
    Range(String),
}

fn asked(context: &Context, arguments: &EvidenceVerifyArgs) -> Result<Asked, Failure> {
    let Some(what) = arguments.what.as_deref() else {
        return Ok(Asked::Everything);
    };
    if what.contains("..") && !Path::new(what).exists() {
        return Ok(Asked::Range(what.to_owned()));
    }
    for path in [
        context.folder.join(what),
        context.repository.top_level().join(PLANS).join(what),
    ] {
        if path.is_file() {
            return Ok(Asked::Plan(load_plan(context, &path)?.slug()));
        }
    }
    let names: BTreeSet<String> = chains(context, None)?
        .iter()
        .filter_map(|chain| chain.name.split('/').next().map(str::to_owned))
        .collect();
    if names.contains(what) {
        return Ok(Asked::Plan(what.to_owned()));
    }
    if context.repository.resolve(what).is_ok() {
        return Ok(Asked::Range(what.to_owned()));
    }
    Err(Failure::usage(
        format!("`{what}` is no plan with evidence, no plan file and no commit"),
        if names.is_empty() {
            format!("there is no evidence here yet; a clone gets it with: {FETCH}")
        } else {
            let names: Vec<String> = names.into_iter().collect();
            format!(
                "plans with evidence: {}; a range is written base..head",
                names.join(", ")
            )
        },
    ))
}

/// Chains in git, and those that only private state has.
fn chains(context: &Context, plan: Option<&str>) -> Result<Vec<StoredChain>, Failure> {
    let mut chains = store::in_git(context, plan)?;
    for private in store::in_private_state(context, plan) {
        // git may lag behind where it was held; what it lacks is then in private state, and no finding.
        let known = chains.iter().any(|chain| chain.name == private.name);
        if !known || !private.records.is_empty() && !store::is_mirrored(context, &private.name) {
            chains.push(private);
        }
    }
    Ok(chains)
}

/// One chain with what was established.
struct Judged {
    chain: StoredChain,
    examined: Examined,
}

fn verify(context: &Context, arguments: &EvidenceVerifyArgs) -> Ending {
    let asked = asked(context, arguments)?;
    let (plan, range) = match &asked {
        Asked::Everything => (None, None),
        Asked::Plan(plan) => (Some(plan.as_str()), None),
        Asked::Range(range) => (None, Some(range.as_str())),
    };
    let mut anchored = store::anchors(context, range)?;
    if let Some(plan) = plan {
        anchored.retain(|one| one.chain.split('/').next() == Some(plan));
    }
    let named: BTreeSet<&str> = anchored.iter().map(|one| one.chain.as_str()).collect();
    let mut found = chains(context, plan)?;
    if range.is_some() {
        found.retain(|chain| named.contains(chain.name.as_str()));
    }
    let own = redgreen_host::keys::load_or_make(&context.state.keys()).map(|key| key.id());
    let mut judged: Vec<Judged> = Vec::new();
    for chain in found {
        let mut anchors: Vec<Anchor> = anchored
            .iter()
            .filter(|one| one.chain == chain.name)
            .map(|one| one.anchor.clone())
            .collect();
        if chain.source == "git" {
            anchors.extend(store::remembered(context, &chain.name));
        }
        let mut examined = examine(&chain.name, &chain.records, chain.head, &anchors);
        for one in anchored.iter().filter(|one| one.chain == chain.name) {
            other_content(context, range.is_some(), one, &mut examined)?;
        }
        judged.push(Judged { chain, examined });
    }
    let mut missing = missing_chains(&named, &judged);
    if range.is_none() && plan.is_none() {
        missing.extend(missing_reds(context, &judged)?);
    }
    if judged.is_empty() && missing.is_empty() {
        missing.push(match range {
            Some(range) => format!("no commit of `{range}` names a record ({})", store::TRAILER),
            None => "no evidence is here: `refs/redgreen/evidence/` holds none, and private state neither".to_owned(),
        });
    }
    let exit = exit_code(&judged, &missing);
    context.printer.result(
        || human(&judged, &missing, own.as_ref()),
        || document(&judged, &missing, own.as_ref(), exit),
    );
    Ok(exit)
}

fn exit_code(judged: &[Judged], missing: &[String]) -> ExitCode {
    let findings = || judged.iter().flat_map(|one| &one.examined.findings);
    if findings().any(|finding| finding.kind != FindingKind::Newer) {
        ExitCode::Rejected
    } else if findings().next().is_some() {
        ExitCode::CouldNotRun
    } else if !missing.is_empty() || judged.iter().any(|one| !one.examined.verifies()) {
        ExitCode::EnvironmentNotReady
    } else {
        ExitCode::Pass
    }
}

/// Chains that commits name and that are not here.
fn missing_chains(named: &BTreeSet<&str>, judged: &[Judged]) -> Vec<String> {
    named
        .iter()
        .filter(|name| judged.iter().all(|one| one.chain.name != **name))
        .map(|name| format!("the chain `{name}` is not here, and commits name records of it"))
        .collect()
}

/// RED records that lock records name and that no chain has.
fn missing_reds(context: &Context, judged: &[Judged]) -> Result<Vec<String>, Failure> {
    let reds = store::of_lock_records(context)?;
    Ok(reds
        .into_iter()
        .filter(|(_, digest)| {
            !judged
                .iter()
                .flat_map(|one| one.examined.records.values())
                .any(|(known, _)| known == digest)
        })
        .map(|(path, digest)| {
            format!("`{path}` names the record {digest} of its RED, which is not here")
        })
        .collect())
}

/// Whether a delivered commit holds the content that FULL judged.
fn other_content(
    context: &Context,
    always: bool,
    one: &Anchored,
    examined: &mut Examined,
) -> Result<(), Failure> {
    let Some(task) = one.commit.trailers("Redgreen-Task").first().copied() else {
        return Ok(());
    };
    let repository = &context.repository;
    let in_history = || {
        let head = context.head_commit().ok()?;
        repository.is_ancestor(&one.commit.oid, &head).ok()
    };
    if !always && in_history() != Some(true) {
        // A branch that somebody is still rebasing says nothing about what is delivered.
        return Ok(());
    }
    let last = one.anchor.seq.unwrap_or(u64::MAX);
    let full = examined
        .records
        .range(..=last)
        .rev()
        .find(|(_, (_, record))| {
            record.gate["task"] == task
                && record.gate["gate"] == Gate::Full.as_str()
                && record.gate["verdict"] == Verdict::Pass.as_str()
        });
    let Some((seq, (_, record))) = full else {
        return Ok(());
    };
    let snapshot = Snapshot::of_commit(repository, &one.commit.oid).map_err(Failure::internal)?;
    let plans: Vec<RelPath> = snapshot
        .files()
        .keys()
        .filter(|path| path.is_below(PLANS) && path.as_str().ends_with(".json"))
        .cloned()
        .collect();
    let content = content_digest(&snapshot, &plans).to_string();
    if record.content_tree.as_deref() != Some(content.as_str()) {
        let (seq, by) = (*seq, &one.anchor.by);
        examined.findings.push(Finding {
            kind: FindingKind::OtherContent,
            seq: Some(seq),
            message: format!(
                "{by} holds other content than record {seq} judged for {task}: it was changed after FULL"
            ),
        });
    }
    Ok(())
}

fn note(note: &Note, own: Option<&KeyId>) -> String {
    match note {
        Note::Unsigned(count) => format!("{count} records are not signed: there was no key"),
        Note::KeyWithinReach(count) => format!(
            "{count} records were signed where a judged program could have read the key; repeating the gates elsewhere is the proof"
        ),
        Note::SignedBy(key, count) if Some(key) == own => {
            format!("{count} records are signed with this machine's key ({key})")
        }
        Note::SignedBy(key, count) => {
            format!("{count} records are signed with {key}, not this machine's key")
        }
    }
}

fn human(judged: &[Judged], missing: &[String], own: Option<&KeyId>) -> String {
    let mut text = String::new();
    for Judged { chain, examined } in judged {
        let word = if examined.verifies() {
            "verified"
        } else {
            "NOT verified"
        };
        text.push_str(&format!(
            "{}  {word}, {} records ({})\n",
            chain.name,
            examined.records.len(),
            chain.source
        ));
        for finding in &examined.findings {
            text.push_str(&format!("  {}: {}\n", finding.kind, finding.message));
        }
        for one in &examined.notes {
            text.push_str(&format!("  note: {}\n", note(one, own)));
        }
    }
    for one in missing {
        text.push_str(&format!("not here: {one}\n"));
    }
    if !missing.is_empty() {
        text.push_str(&format!("  = help: {FETCH}\n"));
    }
    let newer = judged
        .iter()
        .flat_map(|one| &one.examined.findings)
        .any(|finding| finding.kind == FindingKind::Newer);
    if newer {
        text.push_str("  = help: install a newer redgreen; nothing was judged by guessing\n");
    }
    text
}

fn document(judged: &[Judged], missing: &[String], own: Option<&KeyId>, exit: ExitCode) -> Value {
    let chains: Vec<Value> = judged
        .iter()
        .map(|Judged { chain, examined }| {
            let findings: Vec<Value> = examined
                .findings
                .iter()
                .map(|finding| json!({"kind": finding.kind.as_str(), "record": finding.seq, "message": finding.message}))
                .collect();
            let notes: Vec<String> = examined.notes.iter().map(|one| note(one, own)).collect();
            json!({
                "chain": chain.name,
                "source": chain.source,
                "verified": examined.verifies(),
                "records": examined.records.len(),
                "head": examined.head().map(|head| json!({"record": head.seq, "digest": head.digest})),
                "findings": findings,
                "notes": notes,
            })
        })
        .collect();
    json!({
        "schema": VERIFY_SCHEMA,
        "verified": exit == ExitCode::Pass,
        "chains": chains,
        "missing": missing,
        "help": if missing.is_empty() { Value::Null } else { json!(FETCH) },
    })
}

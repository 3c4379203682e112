//! The cheat corpus: a selection of it is replayed with the real runners, and the committed table is the one of all cases
//! (SPEC C10, B5, C2, C7). All of it: `cargo run -p redgreen-testkit --bin cheat-corpus`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

use redgreen_testkit::cheats::{self, Places, Played, case, report};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn corpus() -> PathBuf {
    top().join("corpus/cheats")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(top().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn committed() -> Vec<Played> {
    cheats::committed(&corpus()).unwrap()
}

/// Plays a selection; every verdict and reason must be the one that the case asks for.
fn replay(wanted: impl Fn(&case::Case) -> bool) {
    let work = tempfile::tempdir().unwrap();
    let requirements = "crates/redgreen-host/tests/pytest/requirements.txt";
    let places = Places {
        corpus: corpus(),
        work: work.path().canonicalize().unwrap(),
        redgreen: env!("CARGO_BIN_EXE_redgreen").into(),
        strict: false,
        environment: cheats::environment(
            &Path::new(env!("CARGO_TARGET_TMPDIR")).join("cheats"),
            &top().join(requirements),
        )
        .unwrap(),
    };
    let chosen: Vec<case::Case> = case::read(&places.corpus)
        .unwrap()
        .into_iter()
        .filter(|case| case.smoke && wanted(case))
        .collect();
    assert!(chosen.len() > 5, "the selection is empty");
    let results = cheats::play(&places, &chosen, 2, &|played| {
        println!("{}", report::line(played));
    });
    let wrong: Vec<String> = results
        .iter()
        .filter(|played| played.wrong.is_some())
        .map(report::line)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn c10_a_selection_of_the_cheats_is_refused_for_the_right_reason() {
    replay(|case| !case.is_honest());
}

#[test]
fn c10_honest_changes_that_look_suspicious_pass() {
    replay(case::Case::is_honest);
}

#[test]
fn c10_the_committed_result_is_that_of_the_cases_as_they_are() {
    let cases = case::read(&corpus()).unwrap();
    let results = committed();
    let mut stale = Vec::new();
    for case in &cases {
        let digest = cheats::digest(&corpus(), case).unwrap();
        match results.iter().find(|played| played.id == case.id) {
            Some(played) if played.digest == digest => {}
            Some(_) => stale.push(format!("{} was edited since", case.id)),
            None => stale.push(format!("{} was never played", case.id)),
        }
    }
    let known: BTreeSet<&str> = cases.iter().map(|case| case.id.as_str()).collect();
    let gone = results
        .iter()
        .filter(|played| !known.contains(played.id.as_str()));
    stale.extend(gone.map(|played| format!("{} is no case", played.id)));
    assert!(
        stale.is_empty(),
        "replay them: {} -- --write --filter NAME: {stale:#?}",
        report::COMMAND
    );
}

#[test]
fn c10_misses_are_explained_and_honest_controls_pass() {
    for played in committed() {
        assert_eq!(played.wrong, None, "{}", played.id);
        assert!(
            !played.passes() || played.is_honest() || played.miss.is_some(),
            "{}",
            played.id
        );
        assert!(played.passes() || !played.is_honest(), "{}", played.id);
    }
}

#[test]
fn c10_the_corpus_is_as_large_as_it_says() {
    let results = committed();
    let line = report::headline(&results);
    assert!(line.cheats >= 60 && line.honest >= 12, "{line:?}");
    for (class, _) in report::CLASSES {
        assert!(
            results
                .iter()
                .filter(|played| played.class() == class)
                .count()
                >= 3,
            "{class}"
        );
    }
    let classes: BTreeSet<&str> = report::CLASSES.iter().map(|(class, _)| *class).collect();
    assert!(
        results
            .iter()
            .all(|played| classes.contains(played.class()))
    );
}

#[test]
fn c10_the_table_and_the_headline_are_made_from_the_result() {
    let results = committed();
    assert!(
        read("docs/reference/cheat-corpus.md") == report::markdown(&results),
        "docs/reference/cheat-corpus.md: {} -- --write",
        report::COMMAND
    );
    let readme = read("README.md");
    assert_eq!(
        report::in_readme(&readme, &results).as_deref(),
        Some(readme.as_str()),
        "README.md: {} -- --write",
        report::COMMAND
    );
}

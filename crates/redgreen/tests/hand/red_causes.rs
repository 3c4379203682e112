//! Broken tests and the honest ones that look alike, each with what RED must say (SPEC B3): `corpus/red`.

use super::support::virtual_environment;
use redgreen_testkit::red_causes::{Judged, Places, judge, read, report};
use std::path::{Path, PathBuf};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[track_caller]
fn every_test_gets_its_cause(language: &str) {
    let corpus = read(&top().join("corpus/red"), language).unwrap();
    assert!(corpus.case.len() > 100, "the corpus was read");
    let work = tempfile::tempdir().unwrap();
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shared");
    let places = Places {
        redgreen: env!("CARGO_BIN_EXE_redgreen").into(),
        environment: virtual_environment().to_owned(),
        work: work.path().to_owned(),
        shared,
    };
    let judged = judge(&places, &corpus).unwrap();
    assert_eq!(judged.len(), corpus.case.len());
    let wrong: Vec<String> = judged
        .iter()
        .filter(|one| !one.is_right())
        .map(report::line)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(!judged.iter().any(Judged::misjudged));
}

#[test]
fn b3_every_python_test_of_the_corpus_gets_its_cause() {
    every_test_gets_its_cause("python");
}

#[test]
fn b3_every_rust_test_of_the_corpus_gets_its_cause() {
    every_test_gets_its_cause("rust");
}

#[test]
fn b3_the_committed_table_is_that_of_the_corpus() {
    let page = std::fs::read_to_string(top().join("docs/reference/red-corpus.md")).unwrap();
    for language in ["python", "rust"] {
        for case in read(&top().join("corpus/red"), language).unwrap().case {
            let row = report::row(&case);
            assert!(page.contains(&row), "stale: red-corpus --write\n{row}");
        }
    }
    assert!(!page.contains("Not as it must be"), "{page}");
}

//! The table of `docs/reference/red-corpus.md`.

use super::{Case, Corpus, Judged, Kind};
use std::fmt::Write as _;

/// How many were judged and how many wrongly, in one sentence.
#[must_use]
pub fn headline(all: &[(Corpus, Vec<Judged>)]) -> String {
    let judged = || all.iter().flat_map(|(_, judged)| judged);
    let of = |kind: Kind| judged().filter(|one| one.case.kind == kind).count();
    let wrong = |kind: Kind| {
        judged()
            .filter(|one| one.case.kind == kind && one.misjudged())
            .count()
    };
    format!(
        "{} broken tests, {} of them accepted; {} honest ones, {} of them not accepted.",
        of(Kind::Broken),
        wrong(Kind::Broken),
        of(Kind::Honest),
        wrong(Kind::Honest),
    )
}

/// One line for a terminal.
#[must_use]
pub fn line(judged: &Judged) -> String {
    let causes: Vec<&str> = judged.causes.iter().map(String::as_str).collect();
    format!(
        "{:<5} {:<60} must be {} ({}), is {} ({}) {}",
        if judged.is_right() { "ok" } else { "WRONG" },
        judged.case.name,
        judged.case.ends.word(),
        judged.case.cause.as_deref().unwrap_or("any cause"),
        judged.ended.word(),
        causes.join(", "),
        judged.message,
    )
}

/// The row of a case in the page.
#[must_use]
pub fn row(case: &Case) -> String {
    format!(
        "| {} | {} | {} |",
        case.name,
        case.ends.word(),
        case.cause
            .as_ref()
            .map_or_else(|| "any right one".to_owned(), |cause| format!("`{cause}`")),
    )
}

/// The page: every case with what RED must say, and what it said wrongly.
#[must_use]
pub fn markdown(all: &[(Corpus, Vec<Judged>)]) -> String {
    let mut page = String::from(
        "# Broken tests and honest ones\n\n<!-- Written by `cargo run -p redgreen-testkit --bin red-corpus -- --write`. -->\n\n",
    );
    _ = writeln!(page, "{}\n", headline(all));
    page.push_str(
        "Each row is a test in `corpus/red`, judged by `redgreen red` in a real project. *Broken*: the test itself is wrong, so RED must not\naccept it; *asked* ends with a question (16), *could not run* with 11. *Honest*: the behaviour is missing, so RED must accept it, however\nmuch the failure looks like a mistake. `b3_every_python_test_of_the_corpus_gets_its_cause` and its sister for Rust run all of them; the command above writes this page.\n",
    );
    for (corpus, judged) in all {
        for (kind, title) in [(Kind::Broken, "broken"), (Kind::Honest, "honest")] {
            _ = writeln!(
                page,
                "\n## {}, {title}\n\n| test | RED | cause |\n|---|---|---|",
                match corpus.language.as_str() {
                    "python" => "Python",
                    _ => "Rust",
                }
            );
            for one in judged.iter().filter(|one| one.case.kind == kind) {
                _ = writeln!(page, "{}", row(&one.case));
            }
        }
        let wrong: Vec<&Judged> = judged.iter().filter(|one| !one.is_right()).collect();
        if !wrong.is_empty() {
            page.push_str("\nNot as it must be:\n\n");
            for one in wrong {
                _ = writeln!(page, "- {}", line(one));
            }
        }
    }
    page
}

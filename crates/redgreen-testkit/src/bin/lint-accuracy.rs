//! `lint-accuracy [--misses]`: precision and recall of every rule of test quality on the labelled cases of
//! `redgreen-lint/corpus`, as the table of docs/reference/lint-accuracy.md; with `--misses` every case that is judged
//! otherwise than its label says.

use redgreen_testkit::lint_cases::{Score, cases, mistake, scores};

fn main() {
    let cases = cases();
    if std::env::args().any(|argument| argument == "--misses") {
        let mistakes: Vec<String> = cases.iter().filter_map(mistake).collect();
        println!(
            "{}\n{} of {}",
            mistakes.join("\n"),
            mistakes.len(),
            cases.len()
        );
        return;
    }
    println!(
        "| rule | language | bad | found | by any rule | honest | false alarms | precision | recall |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut all = Score::default();
    for ((rule, language), score) in scores(&cases) {
        row(&format!("`{rule}` | {}", language.as_str()), &score);
        all.bad += score.bad;
        all.found += score.found;
        all.found_by_any += score.found_by_any;
        all.good += score.good;
        all.false_alarms += score.false_alarms;
    }
    row("all |", &all);
}

fn row(name: &str, score: &Score) {
    println!(
        "| {name} | {} | {} | {} | {} | {} | {} | {} |",
        score.bad,
        score.found,
        score.found_by_any,
        score.good,
        score.false_alarms,
        share(score.found, score.found + score.false_alarms),
        share(score.found, score.bad)
    );
}

fn share(part: usize, whole: usize) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let number = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    format!("{:.1} %", 100.0 * number(part) / number(whole))
}

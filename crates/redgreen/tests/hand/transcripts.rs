//! What every command prints, kept as snapshots: a change of words is seen in review (SPEC G1, issue 3).
//!
//! After a change that is meant: `INSTA_UPDATE=always cargo test -p redgreen --test hand transcripts`, then read the difference.

use super::support::{Hand, Out, TOTAL, TOTAL_TEST};

/// What was typed and what came, without what differs from run to run.
fn told(hand: &Hand, arguments: &[&str], out: &Out) -> String {
    let mut text = format!("$ redgreen {}\n", arguments.join(" "));
    for (name, stream) in [("", &out.stdout), ("2> ", &out.stderr)] {
        for line in stream.lines() {
            text.push_str(format!("{name}{}", plain(hand, line)).trim_end());
            text.push('\n');
        }
    }
    text.push_str(&format!("(exit {})\n\n", out.code));
    text
}

/// Paths, digests, sizes and times by their names.
fn plain(hand: &Hand, line: &str) -> String {
    let mut line = line.to_owned();
    for (path, name) in [
        (&hand.state, "STATE"),
        (&hand.root, "REPO"),
        (&hand.home, "HOME"),
    ] {
        line = line.replace(&path.display().to_string(), name);
    }
    let mut words = Vec::new();
    for word in line.split(' ') {
        let core = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let core = core.strip_prefix("sha256:").unwrap_or(core);
        let hex = core.len() >= 7
            && core.chars().all(|c| c.is_ascii_hexdigit())
            && core.chars().any(|c| c.is_ascii_digit());
        let time = core.len() >= 20 && core.contains('T') && core.ends_with('Z');
        let decimal = core.contains('.') && core.parse::<f64>().is_ok();
        let shown = if hex {
            word.replace(core, "DIGEST")
        } else if time {
            word.replace(core, "TIME")
        } else if decimal {
            word.replace(core, "N")
        } else {
            word.to_owned()
        };
        words.push(shown);
    }
    // Numbers are padded to a width.
    let joined = words.join(" ");
    if joined.contains("MB") {
        joined.split_whitespace().collect::<Vec<_>>().join(" ")
    } else {
        joined.replace(&format!("-{}", state_name(hand)), "-ID")
    }
}

/// The part of the state folder's name that depends on the path of the repository.
fn state_name(hand: &Hand) -> String {
    std::fs::read_dir(&hand.state)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .find_map(|name| name.strip_prefix("work-").map(str::to_owned))
        .unwrap_or_else(|| "none".to_owned())
}

fn scene(hand: &Hand, commands: &[&[&str]]) -> String {
    commands
        .iter()
        .map(|arguments| told(hand, arguments, &hand.plain(arguments)))
        .collect()
}

#[test]
fn g1_transcript_of_a_task_by_hand() {
    let hand = Hand::python();
    hand.plan("T1", &["AC-1: the total of a list"], "");
    hand.commit("plan");
    hand.write("tests/test_total.py", TOTAL_TEST);
    let mut text = scene(
        &hand,
        &[
            &["plan", "show"],
            &["next", "T1"],
            &["red", "T1"],
            &["lock", "T1"],
            &["locks", "list"],
            &["locks", "show", "T1"],
            &["show", "T1"],
            &["green", "T1"],
        ],
    );
    hand.append("src/shop/__init__.py", TOTAL);
    text.push_str(&scene(
        &hand,
        &[
            &["green", "T1"],
            &["full", "T1"],
            &["-q", "green", "T1"],
            &["-qq", "green", "T1"],
        ],
    ));
    hand.append(
        "tests/test_total.py",
        "\n\ndef test_more():\n    assert True\n",
    );
    text.push_str(&scene(
        &hand,
        &[
            &["locks", "diff", "T1"],
            &["locks", "verify", "T1"],
            &["green", "T1"],
            &["locks", "restore", "T1"],
            &["locks", "verify", "T1"],
        ],
    ));
    insta::assert_snapshot!("by_hand", text);
}

#[test]
fn g1_transcript_of_refusals() {
    let hand = Hand::python();
    let text = scene(
        &hand,
        &[
            &["status"],
            &["run"],
            &["report"],
            &["log"],
            &["plan", "check"],
            &["stop"],
            &["red", "T1"],
            &["red", "nowhere.py"],
            &["lock", "T1"],
            &["green", "T1"],
            &["full", "T1"],
            &["check", "../x"],
            &["locks", "verify", "T1"],
            &["amend", "T1", "--reason", "x"],
            &["retry", "T1"],
            &["take", "T1"],
            &["reset", "T1"],
            &["waive", "T1", "not_red", "--reason", "x"],
            &["approve", "T1"],
            &["dispute", "T1", "--test", "t", "--reason", "flaky"],
            &["show", "T1"],
            &["explain", "nonsense"],
            &["explain", "not_red"],
            &["explain", "missing_symbol"],
            &["explain", "src/shop/__init__.py"],
            &["grene"],
        ],
    );
    insta::assert_snapshot!("refusals", text);
}

#[test]
fn g1_transcript_of_the_house() {
    let hand = Hand::python();
    let text = scene(
        &hand,
        &[
            &["--version"],
            &["--help"],
            &["init", "--dry-run", "--no-probe"],
            &["config", "show", "--origin"],
            &["clean", "--dry-run"],
            &["status", "--paths"],
        ],
    );
    insta::assert_snapshot!("house", text);
}

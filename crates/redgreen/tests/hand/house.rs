//! What a person sees while they wait, and the commands around a repository (SPEC G1, G4, G5, G8).

use super::support::{Hand, TOTAL_TEST};

/// A test file that says something and takes longer to load than the live line needs to be drawn.
const SLOW_TEST: &str = "import os\nimport time\n\nos.write(2, b'half way\\n')\ntime.sleep(1.5)\n\nfrom shop import total\n\n\ndef test_total():\n    assert total([1, 2]) == 6\n";

#[test]
fn g8_a_terminal_shows_a_live_line_with_the_gate_and_what_it_printed_last() {
    let hand = Hand::python_with(&[(
        "redgreen.toml",
        "version = 1\n[runner]\nkind = \"pytest\"\narguments = [\"-s\"]\n",
    )]);
    hand.write("tests/test_total.py", SLOW_TEST);
    let shown = hand.terminal(&["red", "T1"], 100, &[]).ends(0).stdout;
    let live: Vec<&str> = shown
        .split(['\r', '\n'])
        .filter(|line| line.contains("RED T1  "))
        .collect();
    assert!(live.iter().any(|line| line.contains("pytest")), "{shown:?}");
    assert!(live.iter().any(|line| line.contains(" s  ")), "{shown:?}");
    // The result stands below, not within, a live line.
    assert!(
        shown
            .split('\n')
            .any(|line| line.contains("RED     ") && line.contains("pass")),
        "{shown:?}"
    );
    // A narrow terminal gets a line that fits, so that nothing is left behind on the screen.
    hand.append("tests/test_total.py", "\n# other bytes are run again\n");
    let narrow = hand
        .terminal(&["red", "T1"], 30, &[("NO_COLOR", "1")])
        .ends(0)
        .stdout;
    for line in narrow
        .split(['\r', '\n'])
        .filter(|line| line.contains("RED T1  "))
    {
        let text: String = without_sequences(line);
        assert!(text.chars().count() <= 30, "{text:?} in {narrow:?}");
    }
    // `-q`: the verdict and nothing else.
    let quiet = hand.terminal(&["-q", "red", "T1"], 100, &[]).ends(0).stdout;
    assert!(!quiet.contains("RED T1  "), "{quiet:?}");
}

/// Without `ESC [ … letter`.
fn without_sequences(line: &str) -> String {
    let mut text = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            while chars.next().is_some_and(|c| !c.is_ascii_alphabetic()) {}
        } else {
            text.push(c);
        }
    }
    text
}

#[test]
fn g8_without_a_terminal_a_heartbeat_says_that_it_goes_on() {
    let hand = Hand::python();
    hand.write("tests/test_total.py", &SLOW_TEST.replace("1.5", "3.5"));
    let out = hand
        .plain_with(&["red", "T1"], &[("REDGREEN_HEARTBEAT", "1")])
        .ends(0);
    assert!(out.stderr.contains("RED T1 still runs after"), "{out:?}");
    assert!(
        !out.stderr.contains('\r') && !out.stdout.contains("still runs"),
        "{out:?}"
    );
    hand.append("tests/test_total.py", "\n# other bytes are run again\n");
    let never = hand
        .plain_with(&["red", "T1"], &[("REDGREEN_HEARTBEAT", "0")])
        .ends(0);
    assert!(!never.stderr.contains("still runs"), "{never:?}");
}

#[test]
fn g1_help_begins_with_where_to_start_and_fits_a_narrow_terminal() {
    let hand = Hand::empty();
    let help = hand.plain(&["--help"]).ends(0).stdout;
    let first = help.find("Start here:").expect("where to start");
    for (name, later) in [
        ("demo", "red"),
        ("init", "lock"),
        ("plan", "amend"),
        ("status", "man"),
    ] {
        let at = |name: &str| {
            help.find(&format!("\n  {name} "))
                .unwrap_or_else(|| panic!("{name}: {help}"))
        };
        assert!(first < at(name) && at(name) < at(later), "{name} {later}");
    }
    // Descriptions are wrapped; clap leaves usage lines and option names as they are.
    let narrow = hand.terminal(&["red", "--help"], 40, &[]).ends(0).stdout;
    let descriptions: Vec<String> = narrow
        .lines()
        .map(without_sequences)
        .filter(|line| line.starts_with("          "))
        .collect();
    assert!(descriptions.len() > 10, "{narrow}");
    for line in descriptions {
        assert!(line.trim_end().chars().count() <= 40, "{line:?}");
    }
    let mistyped = hand.plain(&["grene", "T1"]).ends(2);
    assert!(mistyped.stderr.contains("green"), "{mistyped:?}");
}

#[test]
fn g1_completions_and_manual_pages_come_from_the_command_tree() {
    let hand = Hand::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = hand.plain(&["completions", shell]).ends(0).stdout;
        assert!(
            script.contains("amend") && script.contains("guard-passing"),
            "{shell}"
        );
    }
    hand.write(
        "complete.bash",
        &hand.plain(&["completions", "bash"]).stdout,
    );
    let words = "source ./complete.bash; COMP_WORDS=(redgreen loc); COMP_CWORD=1; COMPREPLY=(); _redgreen redgreen loc redgreen; echo \"${COMPREPLY[*]}\"";
    let output = std::process::Command::new("bash")
        .args(["-c", words])
        .current_dir(&hand.root)
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        "lock locks",
        "{output:?}"
    );
    let page = hand.plain(&["man"]).ends(0).stdout;
    assert!(
        page.contains(".TH redgreen 1") && page.contains("the referee decides"),
        "{page}"
    );
    hand.write("pages/.keep", "");
    hand.plain(&["man", "--folder", "pages"]).ends(0);
    for name in ["redgreen", "redgreen-red", "redgreen-locks-verify"] {
        assert!(
            hand.read(&format!("pages/{name}.1")).contains(".TH"),
            "{name}"
        );
    }
    hand.plain(&["man", "--folder", "nowhere"])
        .ends(2)
        .says("is no folder");
}

#[test]
fn g4_config_show_names_the_origin_of_each_value() {
    let hand = Hand::python_with(&[(
        "redgreen.toml",
        "version = 1\n\n[limits]\nsession = \"5m\"\n",
    )]);
    let plain = hand.plain(&["config", "show"]).ends(0).stdout;
    assert!(
        plain.contains("limits.session = \"5m\"\n") && !plain.contains('#'),
        "{plain}"
    );
    let origin = hand.plain(&["config", "show", "--origin"]).ends(0).stdout;
    let line = |key: &str| {
        origin
            .lines()
            .find(|line| line.starts_with(key))
            .unwrap_or_else(|| panic!("{key}: {origin}"))
            .to_owned()
    };
    assert!(line("limits.session").ends_with("# redgreen.toml:4"));
    assert!(line("runner.kind").ends_with("# detected"));
    assert!(line("limits.idle").ends_with("# default"));
    let json = hand.rg(&["config", "show"]).ends(0).json();
    assert_eq!(json["schema"], "redgreen.config-values/1");
    let session = json["values"]
        .as_array()
        .unwrap()
        .iter()
        .find(|value| value["key"] == "limits.session")
        .unwrap();
    assert_eq!(
        (&session["origin"], &session["line"]),
        (&"file".into(), &4.into())
    );
    // What counts is what is committed, not what lies in the working tree.
    hand.write("redgreen.toml", "version = 1\n[limits]\nsession = \"7m\"\n");
    assert!(
        hand.plain(&["config", "show"])
            .ends(0)
            .stdout
            .contains("\"5m\"")
    );
}

#[test]
fn g5_clean_keeps_what_cannot_be_made_again_and_respects_a_size() {
    let hand = Hand::python();
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.rg(&["red", "T1"]).ends(0);
    hand.rg(&["lock", "T1"]).ends(0);
    let bytes = |out: &super::support::Out| out.json()["removed"][0]["bytes"].as_u64().unwrap();
    let planned = hand.rg(&["clean", "--dry-run"]).ends(0);
    assert!(bytes(&planned) > 0);
    assert_eq!(bytes(&hand.rg(&["clean", "--keep", "1GB"]).ends(0)), 0);
    assert_eq!(bytes(&hand.rg(&["clean"]).ends(0)), bytes(&planned));
    assert_eq!(bytes(&hand.rg(&["clean"]).ends(0)), 0);
    hand.rg(&["locks", "verify", "T1"]).ends(0);
    hand.plain(&["clean", "--keep", "much"])
        .ends(2)
        .says("is no size");
    // A cap in the configuration is kept before a run.
    hand.rg(&["red", "T1"]);
}

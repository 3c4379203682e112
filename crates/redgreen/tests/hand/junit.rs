//! Any command that writes a JUnit report, by hand and end to end (SPEC B1, B2, B5): shell functions, tested by a script.

use super::support::Hand;

/// Each line of `tests/*.t` is `name expected command`; the report names the file.
const RUNNER: &str = r#"#!/bin/sh
# run-tests.sh REPORT [FILE...]
out=$1; shift
[ $# -gt 0 ] || set -- tests/*.t
for source in src/*.sh; do . "./$source"; done
bad=0; n=0; body=
for file in "$@"; do
  [ -f "$file" ] || continue
  while read -r name expected call; do
    [ -n "$name" ] || continue
    n=$((n + 1))
    got=$($call 2>&1)
    if [ "$got" = "$expected" ]; then
      body="$body<testcase file='$file' classname='' name='$name'/>"
    else
      bad=$((bad + 1))
      body="$body<testcase file='$file' classname='' name='$name'><failure message='expected $expected, got $got'/></testcase>"
    fi
  done <"$file"
done
echo "$n tests, $bad failures"
echo "<testsuites><testsuite name='sh' tests='$n' failures='$bad' errors='0'>$body</testsuite></testsuites>" >"$out"
[ "$bad" = 0 ]
"#;

const CONFIG: &str = "version = 1\n[paths]\ntests = [\"tests/**\"]\nsource = [\"src/**\"]\n[runner]\nkind = \"junit\"\ncommand = [\"sh\", \"run-tests.sh\", \"{report}\", \"{tests}\"]\n";

fn project(config: &str, script: &str) -> Hand {
    Hand::with(&[
        ("redgreen.toml", config),
        ("run-tests.sh", script),
        ("src/shop.sh", "price() { echo $(($1 * 2)); }\n"),
        ("tests/price.t", "doubles 4 price 2\n"),
    ])
}

fn shop() -> Hand {
    project(CONFIG, RUNNER)
}

/// Everything runs, whatever was asked for.
fn whole() -> Hand {
    project(&CONFIG.replace(", \"{tests}\"", ""), RUNNER)
}

const TOTAL: &str = "total() { t=0; for n in \"$@\"; do t=$((t + 2 * n)); done; echo $t; }\n";

#[test]
fn b5_a_task_goes_from_red_to_full_with_targets_and_without() {
    for hand in [shop(), whole()] {
        hand.write("tests/total.t", "sums 6 total 1 2\nnothing 0 total\n");
        let red = hand.rg(&["red", "T1"]).ends(0);
        assert_eq!(red.test("tests/total.t::sums")["cause"], "assertion");
        hand.rg(&["lock", "T1"]).ends(0);
        let green = hand.rg(&["green", "T1"]).ends(10);
        green.reason("test_failed");
        hand.append("src/shop.sh", TOTAL);
        let green = hand.rg(&["green", "T1"]).ends(0);
        assert_eq!(green.gate()["tests"].as_array().unwrap().len(), 2);
        hand.rg(&["full", "T1"]).ends(0);
    }
}

#[test]
fn b3_an_old_test_that_changes_its_answer_is_required_and_one_that_goes_is_named() {
    for hand in [shop(), whole()] {
        hand.write("tests/price.t", "doubles 5 price 2\n");
        let red = hand.rg(&["red", "T1"]).ends(0);
        assert_eq!(red.test("tests/price.t::doubles")["role"], "required");
        hand.write("tests/price.t", "triples 6 price 2\n");
        hand.rg(&["red", "T1"]).ends(10).reason("test_removed");
        // A new test that passes already is none.
        hand.write("tests/price.t", "doubles 4 price 2\nagain 6 price 3\n");
        hand.rg(&["red", "T1"]).ends(10).reason("not_red");
    }
}

#[test]
fn b8_a_test_that_failed_before_keeps_no_locked_test_from_passing() {
    for (hand, config) in [(shop(), "targets"), (whole(), "whole")] {
        hand.append("tests/price.t", "broken 1 price 1\n");
        hand.commit("a failure from before");
        hand.write("tests/total.t", "sums 6 total 1 2\n");
        hand.rg(&["lock", "T1"]).ends(0);
        hand.append("src/shop.sh", TOTAL);
        let green = hand.rg(&["green", "T1"]).ends(0);
        assert_eq!(
            green.gate()["tests"].as_array().unwrap().len(),
            1,
            "{config}"
        );
        hand.rg(&["full", "T1"]).ends(0);
        // One that passed before and fails now is another thing.
        hand.write("src/shop.sh", &format!("price() {{ echo 7; }}\n{TOTAL}"));
        hand.rg(&["green", "T1"]).ends(0);
        hand.rg(&["full", "T1"]).ends(10).reason("suite_failed");
    }
}

#[test]
fn b1_no_report_a_cut_one_an_old_one_and_a_lying_exit_code_are_no_answer() {
    let end = "[ \"$bad\" = 0 ]\n";
    for (from, to, code) in [
        (">\"$out\"\n", ">/dev/null\n", "no_report"),
        ("</testsuites>\"", "\"", "truncated_report"),
        (end, "true\n", "exit_code_disagrees"),
        (end, "kill -9 $$\n", "truncated_report"),
        (
            end,
            "touch -d 2001-01-01 \"$out\"; [ \"$bad\" = 0 ]\n",
            "no_report",
        ),
        (
            end,
            "mv \"$out\" elsewhere; ln -s \"$PWD/elsewhere\" \"$out\"; [ \"$bad\" = 0 ]\n",
            "no_report",
        ),
        ("tests='$n'", "tests='9'", "truncated_report"),
        ("set -- tests/*.t", "set -- none", "zero_tests"),
    ] {
        let config = CONFIG.replace(", \"{tests}\"", "");
        let script = RUNNER.replacen(from, to, 1);
        assert_ne!(script, RUNNER, "{from}");
        let hand = project(&config, &script);
        hand.write("tests/total.t", "sums 6 total 1 2\n");
        let out = hand.rg(&["red", "T1"]).ends(11);
        let codes = out.codes();
        assert!(codes.contains(&code.to_owned()), "{to}: {codes:?}");
    }
}

#[test]
fn b2_reports_in_fixed_places_are_emptied_before_each_run() {
    let config = CONFIG.replace(
        "command = [\"sh\", \"run-tests.sh\", \"{report}\", \"{tests}\"]",
        "command = [\"sh\", \"run-tests.sh\", \"out/TEST-a.xml\"]\nreport = [\"out/TEST-*.xml\"]",
    );
    let hand = project(
        &config,
        &RUNNER.replacen("shift\n", "shift; mkdir -p out\n", 1),
    );
    // A report that somebody committed says that everything passes.
    hand.write(
        "out/TEST-old.xml",
        "<testsuite><testcase file='tests/total.t' classname='' name='sums'/></testsuite>",
    );
    hand.commit("an old report");
    hand.write("tests/total.t", "sums 6 total 1 2\n");
    let red = hand.rg(&["red", "T1"]).ends(0);
    assert_eq!(red.gate()["tests"].as_array().unwrap().len(), 1);
}

#[test]
fn g10_a_runner_that_cannot_work_is_refused_with_the_key() {
    for (from, to, says) in [
        ("command = ", "# ", "needs a command"),
        ("\"{tests}\"", "\"--files={tests}\"", "argument of its own"),
        (
            "kind = \"junit\"",
            "kind = \"pytest\"\nreport = [\"x\"]",
            "mean nothing",
        ),
        ("\"sh\"", "\"no-such-program\"", "was not found"),
    ] {
        let hand = project(&CONFIG.replace(from, to), RUNNER);
        hand.write("tests/total.t", "sums 6 total 1 2\n");
        let out = hand.rg(&["red", "T1"]);
        assert!(out.code == 2 || out.code == 15, "{out:?}");
        out.says(says);
    }
}

#[test]
fn b3_tests_of_a_file_that_does_not_load_cannot_be_named() {
    let script = "#!/bin/sh\necho \"<testsuites><testsuite name='pytest' tests='1' errors='1' failures='0'><testcase classname='' name='tests.total'><error message='collection failure'>E   ImportError: cannot import name 'total' from 'shop'</error></testcase></testsuite></testsuites>\" >\"$1\"\nexit 2\n";
    let hand = project(CONFIG, script);
    hand.write("tests/total.t", "x\n");
    let out = hand.rg(&["red", "T1"]).ends(10);
    assert!(out.reason("test_not_collected").contains("stub"));
}

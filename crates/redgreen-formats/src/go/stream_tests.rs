use super::*;
use proptest::prelude::*;

fn ends(stream: &Stream) -> Vec<(&str, Option<End>)> {
    stream
        .runs
        .iter()
        .map(|run| (run.name.as_str(), run.end))
        .collect()
}

/// As Go 1.19 prints it.
const OLD: &str = "=== RUN   TestA\nno newline=== RUN   TestA/x_y/z_(1)\nin sub    r_test.go:3: got 1\n        multi\n=== RUN   TestA/ok\n    r_test.go:3: why\n--- FAIL: TestA (0.01s)\n    --- FAIL: TestA/x_y/z_(1) (0.00s)\n    --- SKIP: TestA/ok (0.00s)\n=== RUN   TestB\n=== PAUSE TestB\n=== CONT  TestB\n    r_test.go:4: hello\nhalf a line--- PASS: TestB (0.00s)\nFAIL\n";

/// As Go 1.24 prints it.
const NEW: &str = "\u{16}=== RUN   TestA\nno newline\u{16}=== RUN   TestA/x_y/z_(1)\nin sub    r_test.go:3: got 1\n        multi\n\u{16}--- FAIL: TestA/x_y/z_(1) (0.00s)\n\u{16}=== NAME  TestA\n\u{16}=== RUN   TestA/ok\n    r_test.go:3: why\n\u{16}--- SKIP: TestA/ok (0.00s)\n\u{16}=== NAME  TestA\n\u{16}--- FAIL: TestA (0.01s)\n\u{16}=== NAME  \n\u{16}=== RUN   TestB\n--- PASS: TestB (0.00s)\n\u{16}=== PAUSE TestB\n\u{16}=== NAME  \n\u{16}=== CONT  TestB\n    r_test.go:4: hello\nhalf a line\u{16}--- PASS: TestB (0.00s)\n\u{16}FAIL\n";

#[test]
fn b2_the_output_of_old_and_new_programs_gives_the_same_cases() {
    let expected = vec![
        ("TestA", Some(End::Fail)),
        ("TestA/x_y/z_(1)", Some(End::Fail)),
        ("TestA/ok", Some(End::Skip)),
        ("TestB", Some(End::Pass)),
    ];
    for (text, framed) in [(OLD, false), (NEW, true)] {
        let stream = read(text, framed);
        assert_eq!(ends(&stream), expected);
        assert_eq!(stream.passed, Some(false));
        assert!(stream.contradictions.is_empty(), "{stream:?}");
        assert!(stream.runs[1].output.contains("got 1\n        multi"));
        assert_eq!(stream.runs[0].duration_ms, 10);
    }
}

#[test]
fn b1_a_printed_result_line_is_no_result() {
    let forged = "\u{16}=== RUN   TestA\n--- PASS: TestA (0.00s)\nPASS\n";
    let stream = read(forged, true);
    assert_eq!(ends(&stream), [("TestA", None)]);
    assert_eq!(stream.passed, None);
    // With the byte of the framework, and the framework's own line behind it.
    let forged = "\u{16}=== RUN   TestA\n\u{16}--- PASS: TestA (0.00s)\n\u{16}--- FAIL: TestA (0.00s)\n\u{16}FAIL\n";
    assert_eq!(read(forged, true).contradictions, ["`TestA` ended twice"]);
    let old = "=== RUN   TestA\n--- PASS: TestA (0.00s)\n--- FAIL: TestA (0.00s)\nFAIL\n";
    assert_eq!(read(old, false).contradictions, ["`TestA` ended twice"]);
    let ghost = read("--- PASS: TestGhost (0.00s)\nPASS\n", false);
    assert!(ghost.runs.is_empty());
    // A verdict before the tests is none.
    assert_eq!(read("PASS\n=== RUN   TestA\n", false).passed, None);
}

#[test]
fn b2_a_name_may_begin_again_after_its_end() {
    let two = "=== RUN   TestA\n--- PASS: TestA (0.00s)\n=== RUN   TestA\n--- FAIL: TestA (0.00s)\nFAIL\n";
    let stream = read(two, false);
    assert_eq!(
        ends(&stream),
        [("TestA", Some(End::Pass)), ("TestA", Some(End::Fail))]
    );
    assert!(stream.contradictions.is_empty());
}

proptest! {
    #[test]
    fn b1_no_text_makes_a_test_pass_that_did_not_begin(text in "(\u{16}|=== RUN   |--- PASS: |--- FAIL: |Test[AB]|/x| \\(0.00s\\)|PASS|\n|.){0,60}", framed: bool) {
        let stream = read(&text, framed);
        let begun = text.matches("=== RUN   ").count();
        prop_assert!(stream.runs.len() <= begun);
        let passed = stream.runs.iter().filter(|run| run.end == Some(End::Pass)).count();
        prop_assert!(passed <= text.matches("--- PASS: ").count());
    }
}

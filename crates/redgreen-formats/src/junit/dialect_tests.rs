use super::*;
use proptest::prelude::*;

fn names(report: &Report) -> Vec<(String, Vec<MarkKind>)> {
    report
        .cases
        .iter()
        .map(|case| {
            (
                case.name.clone().unwrap_or_default(),
                case.marks.iter().map(|mark| mark.kind).collect(),
            )
        })
        .collect()
}

#[test]
fn b2_tap_with_subtests_directives_and_details() {
    // As node 20 writes it.
    let text = "TAP version 13\n# Subtest: cart\n    # Subtest: adds\n    ok 1 - adds\n      ---\n      duration_ms: 1.5\n      ...\n    # Subtest: sums\n    not ok 2 - sums\n      ---\n      duration_ms: 2\n      location: '/t/cart.test.mjs:7:3'\n      failureType: 'testCodeFailure'\n      error: |-\n        3 == 4\n        \n      code: 'ERR_ASSERTION'\n      name: 'AssertionError'\n      ...\n    1..2\nnot ok 1 - cart\n  ---\n  failureType: 'subtestsFailed'\n  ...\nok 2 - later # SKIP no time\nnot ok 3 - wish # TODO\nok 4 - a \\# b\n1..4\n# tests 5\n";
    let report = read_any(text.as_bytes());
    assert_eq!(report.troubles, []);
    assert_eq!(
        names(&report),
        [
            ("cart > adds".to_owned(), vec![]),
            ("cart > sums".to_owned(), vec![MarkKind::Failure]),
            ("later".to_owned(), vec![MarkKind::Skipped]),
            ("wish".to_owned(), vec![MarkKind::Skipped]),
            ("a # b".to_owned(), vec![]),
        ]
    );
    let sums = &report.cases[1];
    assert_eq!(
        (sums.file.as_str(), sums.line),
        ("/t/cart.test.mjs", Some(7))
    );
    assert_eq!(sums.marks[0].class, "AssertionError");
    assert!(sums.marks[0].message.starts_with("3 == 4"));
}

#[test]
fn b1_a_tap_document_that_lost_or_gained_something_is_not_believed() {
    for text in [
        "ok 1 - a\n",
        "1..2\nok 1 - a\n",
        "1..1\nok 1 - a\nok 2 - b\n",
        "1..2\nok 1 - a\nok 1 - b\n",
        "1..1\n1..1\nok 1 - a\n",
        "1..2\nok 1 - a\nBail out! disk\n",
        "1..1\nok 1 - a\n  ---\n  message: x\n",
        "1..1\n    ok 1 - inner\n    1..1\n",
        "1..1\n    ok 1 - inner\n    1..2\nok 1 - outer\n",
        "1..1\nok 7 - a\n",
    ] {
        assert!(!read_any(text.as_bytes()).troubles.is_empty(), "{text}");
    }
    // A summing test that fails although its subtests pass is a test of its own.
    let hook = read_any(b"    ok 1 - inner\n    1..1\nnot ok 1 - outer\n1..1\n");
    assert_eq!(hook.troubles, []);
    assert_eq!(hook.cases.len(), 2);
    let forged = read_any(b"nothing of a report\n");
    assert!(!forged.troubles.is_empty());
}

#[test]
fn b2_ctrf_is_recounted() {
    let with = |summary: &str, tests: &str| {
        read_any(
            format!("{{\"results\":{{\"tool\":{{\"name\":\"x\"}},\"summary\":{summary},\"tests\":[{tests}]}}}}")
                .as_bytes(),
        )
    };
    let tests = r#"{"name":"a","status":"passed","duration":3,"suite":["s","t"],"filePath":"a.ts"},{"name":"b","status":"failed","message":"no"},{"name":"c","status":"passed","retries":1},{"name":"d","status":"pending"},{"name":"e","status":"other"}"#;
    let report = with(
        r#"{"tests":5,"passed":2,"failed":1,"pending":1,"skipped":0,"other":1}"#,
        tests,
    );
    assert_eq!(report.troubles, []);
    let kinds: Vec<Vec<MarkKind>> = names(&report).into_iter().map(|(_, kinds)| kinds).collect();
    assert_eq!(
        kinds,
        [
            vec![],
            vec![MarkKind::Failure],
            vec![MarkKind::Flaky],
            vec![MarkKind::Skipped],
            vec![MarkKind::Error]
        ]
    );
    assert_eq!(report.cases[0].class, "s > t");
    for summary in [
        r#"{"tests":6,"passed":2,"failed":1}"#,
        r#"{"tests":5,"passed":3,"failed":1}"#,
        "{}",
        "null",
    ] {
        assert!(!with(summary, tests).troubles.is_empty(), "{summary}");
    }
    for broken in ["{\"results\":{\"tests\":[", "{\"results\":{}}", "{}", "{]"] {
        assert!(!read_any(broken.as_bytes()).troubles.is_empty(), "{broken}");
    }
}

proptest! {
    #[test]
    fn b1_no_bytes_crash_a_reader_or_pass_by_themselves(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let report = read_any(&bytes);
        prop_assert!(!report.troubles.is_empty() || !report.cases.is_empty());
    }

    #[test]
    fn b1_no_lines_of_tap_give_more_passes_than_points(text in "((    ){0,2}(ok|not ok)( [0-9])?( - [ab#]{0,3})?( # (SKIP|TODO))?\n|(    ){0,2}1\\.\\.[0-3]\n|  ---\n|  \\.\\.\\.\n|Bail out!\n){0,12}") {
        let report = read_any(text.as_bytes());
        let passes = report.cases.iter().filter(|case| case.marks.is_empty()).count();
        let points = text.lines().filter(|line| line.trim_start().starts_with("ok")).count();
        prop_assert!(passes <= points);
        if text.contains("Bail out!") && !text.contains("---") {
            prop_assert!(!report.troubles.is_empty());
        }
    }
}

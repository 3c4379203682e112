//! Reports in the shapes that real runners write, and everything that can be wrong with one.

use super::cause::Project;
use super::judge::{Judged, Run, judge};
use super::places::Places;
use super::read::{Trouble, read};
use redgreen_core::id::RelPath;
use redgreen_core::outcome::{Cause, Outcome};
use redgreen_core::reason::ReasonCode;
use redgreen_core::run_report::Ended;

struct Shop;

impl Project for Shop {
    fn is_own(&self, name: &str) -> bool {
        let plain = name.trim_start_matches(['.', '/']);
        plain.starts_with("shop") || plain.starts_with("src/")
    }
    fn raised_in_source(&self, trace: &str) -> Option<bool> {
        if trace.contains("src/") {
            Some(true)
        } else if trace.contains("tests/") {
            Some(false)
        } else {
            None
        }
    }
}

const FILES: [&str; 7] = [
    "tests/test_cart.py",
    "tests/cart.test.ts",
    "e2e/login.spec.ts",
    "e2e/deep/login.spec.ts",
    "src/test/java/com/acme/CartTest.java",
    "cart/cart_test.go",
    "tests/exit0.rs",
];

fn judged(texts: &[&str], ended: i32) -> Judged {
    let places = Places::new(
        "",
        &["/private/tree".to_owned()],
        FILES
            .iter()
            .map(|file| RelPath::new(*file).unwrap())
            .collect(),
    );
    let reports: Vec<_> = texts
        .iter()
        .map(|text| ("r.xml".to_owned(), read(text.as_bytes())))
        .collect();
    judge(
        &reports,
        &Run {
            runner: None,
            ended: Ended::Code(ended),
            limit_seconds: 60,
            places: &places,
            project: &Shop,
        },
    )
}

/// `id outcome cause`, one per case.
fn table(judged: &Judged) -> Vec<String> {
    judged
        .cases
        .iter()
        .map(|case| {
            let cause = case
                .cause
                .as_ref()
                .map_or("-", |cause| cause.cause.as_str());
            format!("{} {} {cause}", case.id, case.outcome)
        })
        .collect()
}

fn codes(judged: &Judged) -> Vec<ReasonCode> {
    judged.problems.iter().map(|problem| problem.code).collect()
}

#[track_caller]
fn reads(text: &str, ended: i32, expected: &[&str]) {
    let judged = judged(&[text], ended);
    assert_eq!(judged.problems, Vec::new());
    assert_eq!(table(&judged), expected);
}

#[test]
fn b2_pytest() {
    reads(
        r#"<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="3" skipped="2" tests="8" time="0.05" timestamp="2026-01-01T10:00:00.1+00:00" hostname="h">
<properties><property name="a" value="b"/></properties>
<testcase classname="tests.test_cart.TestCart" name="test_total" time="0.001"/>
<testcase classname="tests.test_cart" name="test_param[a::b&amp;#x1B;]" time="0.001"><system-out>&lt;failure&gt; printed</system-out></testcase>
<testcase classname="tests.test_cart" name="test_sub" time="0.001"><failure message="AttributeError: module 'shop' has no attribute 'subtract'">def test_sub(): ...</failure></testcase>
<testcase classname="tests.test_cart" name="test_name" time="0.001"><failure message="NameError: name 'totl' is not defined">x</failure></testcase>
<testcase classname="tests.test_cart" name="test_assert" time="0.001"><failure message="assert 3 == 4&#10; +  where 3 = add(1, 2)">x</failure></testcase>
<testcase classname="tests.test_cart" name="test_fix" time="0.001"><error message="failed on setup with &quot;...&quot;">E       fixture 'nope' not found</error></testcase>
<testcase classname="tests.test_cart" name="test_skip" time="0.0"><skipped type="pytest.skip" message="later">x</skipped></testcase>
<testcase classname="tests.test_cart" name="test_x" time="0.0"><skipped type="pytest.xfail" message=""/></testcase>
</testsuite></testsuites>"#,
        1,
        &[
            "tests/test_cart.py::TestCart::test_total passed -",
            "tests/test_cart.py::test_param[a::b&#x1B;] passed -",
            "tests/test_cart.py::test_sub failed missing_symbol",
            "tests/test_cart.py::test_name failed undefined_name",
            "tests/test_cart.py::test_assert failed assertion",
            "tests/test_cart.py::test_fix errored missing_fixture",
            "tests/test_cart.py::test_skip skipped -",
            "tests/test_cart.py::test_x xfailed -",
        ],
    );
}

#[test]
fn b2_a_file_that_does_not_load_is_no_test() {
    let pytest = judged(
        &[
            r#"<testsuites><testsuite name="pytest" errors="1" failures="0" tests="1"><testcase classname="" name="tests.test_cart" time="0.0"><error message="collection failure">ImportError while importing test module
E   ImportError: cannot import name 'subtract' from 'shop' (/x/shop.py)</error></testcase></testsuite></testsuites>"#,
        ],
        2,
    );
    assert!(pytest.cases.is_empty() && pytest.problems.is_empty());
    assert_eq!(
        pytest.load_failures[0].files[0].as_str(),
        "tests/test_cart.py"
    );
    let cause = &pytest.load_failures[0].causes[0].cause;
    assert_eq!(
        (cause.cause, cause.symbol.as_deref()),
        (Cause::MissingSymbol, Some("subtract"))
    );
    let vitest = judged(
        &[
            r#"<testsuites><testsuite name="tests/cart.test.ts" tests="1" failures="1" errors="0"><testcase classname="tests/cart.test.ts" name="tests/cart.test.ts"><failure message="Cannot find package 'left-padz' imported from '/private/tree/tests/cart.test.ts'" type="Error"/></testcase></testsuite></testsuites>"#,
        ],
        1,
    );
    assert_eq!(
        vitest.load_failures[0].causes[0].cause.cause,
        Cause::MissingDependency
    );
    let jest = judged(
        &[
            r#"<testsuites><testsuite name="x" tests="1" failures="0" errors="1"><testcase classname="Test suite failed to run" name="/private/tree/tests/cart.test.ts"><error>Cannot find module '../src/pricing' from 'tests/cart.test.ts'</error></testcase></testsuite></testsuites>"#,
        ],
        1,
    );
    assert_eq!(
        jest.load_failures[0].causes[0].cause.cause,
        Cause::MissingSymbol
    );
}

#[test]
fn b2_jest_junit() {
    reads(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="jest tests" tests="3" failures="1" errors="0" time="0.7">
  <testsuite name="Cart" errors="0" failures="1" skipped="1" timestamp="2026-01-01T10:00:00" time="0.3" tests="3">
    <testcase classname="Cart adds two" name="Cart adds two" time="0.002"></testcase>
    <testcase classname="Cart subtracts" name="Cart subtracts" time="0"><failure>TypeError: (0 , _shop.subtract) is not a function
    at Object.&lt;anonymous&gt; (/private/tree/tests/cart.test.ts:4:10)</failure></testcase>
    <testcase classname="Cart later" name="Cart later" time="0"><skipped/></testcase>
  </testsuite>
</testsuites>"#,
        1,
        &[
            "report::Cart adds two passed -",
            "report::Cart subtracts failed missing_symbol",
            "report::Cart later skipped -",
        ],
    );
}

#[test]
fn b2_vitest_and_playwright() {
    reads(
        r#"<testsuites name="vitest tests" tests="2" failures="1" errors="0" time="0.1"><testsuite name="tests/cart.test.ts" timestamp="2026-01-01T10:00:00.000Z" hostname="h" tests="2" failures="1" errors="0" skipped="0" time="0.01"><testcase classname="tests/cart.test.ts" name="cart &gt; adds" time="0.01"></testcase><testcase classname="tests/cart.test.ts" name="cart &gt; subtracts" time="0.01"><failure message="expected 3 to be 4 // Object.is equality" type="AssertionError">AssertionError: expected 3 to be 4</failure></testcase></testsuite></testsuites>"#,
        1,
        &[
            "tests/cart.test.ts::cart > adds passed -",
            "tests/cart.test.ts::cart > subtracts failed assertion",
        ],
    );
    reads(
        r#"<testsuites id="" name="" tests="2" failures="1" skipped="0" errors="0" time="2.1"><testsuite name="login.spec.ts" hostname="chromium" tests="1" failures="0" errors="0"><testcase name="login › works" classname="login.spec.ts" time="1"></testcase></testsuite>
<testsuite name="login.spec.ts" hostname="firefox" tests="1" failures="1" errors="0"><testcase name="login › works" classname="login.spec.ts" time="1"><failure message="login.spec.ts:3:5 works" type="FAILURE"><![CDATA[  Error: expect(locator).toBeVisible() failed ]]></failure></testcase></testsuite></testsuites>"#,
        1,
        &[
            "e2e/login.spec.ts::login › works passed -",
            "e2e/login.spec.ts::login › works#2 failed assertion",
        ],
    );
}

#[test]
fn b2_surefire_with_retries() {
    reads(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" name="com.acme.CartTest" time="0.1" tests="4" errors="1" skipped="0" failures="1">
  <testcase name="total" classname="com.acme.CartTest" time="1,234.5"><failure message="expected: &lt;3&gt; but was: &lt;0&gt;" type="org.opentest4j.AssertionFailedError">x</failure><rerunFailure type="t">again</rerunFailure></testcase>
  <testcase name="boom" classname="com.acme.CartTest$Inner" time="0.1"><error type="java.lang.NullPointerException">at com.acme.Cart.total(src/main/java/com/acme/Cart.java:4)</error></testcase>
  <testcase name="lucky" classname="com.acme.CartTest" time="0.1"><flakyFailure message="m" type="t">first try</flakyFailure></testcase>
  <testcase name="fine" classname="com.acme.CartTest" time="0.1"/>
</testsuite>"#,
        1,
        &[
            "src/test/java/com/acme/CartTest.java::total failed assertion",
            "src/test/java/com/acme/CartTest.java::Inner::boom errored raised_in_source",
            "src/test/java/com/acme/CartTest.java::lucky failed unknown",
            "src/test/java/com/acme/CartTest.java::fine passed -",
        ],
    );
    // A case that passed only when it was tried again asks for no exit code: Surefire ends with 0.
    let lucky = judged(
        &[
            r#"<testsuite tests="1" failures="0" errors="0"><testcase name="a" classname="c"><flakyError>x</flakyError></testcase></testsuite>"#,
        ],
        0,
    );
    assert_eq!(
        (codes(&lucky), lucky.cases[0].outcome),
        (vec![], Outcome::Failed)
    );
}

#[test]
fn b2_gotestsum_nextest_and_node() {
    reads(
        r#"<testsuites tests="2" failures="1" errors="0" time="0.2"><testsuite tests="2" failures="1" time="0.1" name="example.com/shop/cart" timestamp="t"><properties><property name="go.version" value="go1.22"/></properties><testcase classname="example.com/shop/cart" name="TestAdd/one_case" time="0"></testcase><testcase classname="example.com/shop/cart" name="TestSub" time="0"><failure message="Failed" type="">    cart_test.go:9: got 0, want 1</failure></testcase></testsuite></testsuites>"#,
        1,
        &[
            "report::example.com/shop/cart::TestAdd/one_case passed -",
            "report::example.com/shop/cart::TestSub failed assertion",
        ],
    );
    reads(
        r#"<testsuites name="nextest-run" tests="2" failures="2" errors="0" uuid="u"><testsuite name="shop::exit0" tests="2" disabled="0" errors="0" failures="2"><testcase name="b_fail" classname="shop::exit0" timestamp="t" time="0.6"><failure message="thread 'b_fail' panicked at tests/exit0.rs:2:23" type="test failure with exit code 101">assertion `left == right` failed</failure></testcase><testcase name="c" classname="shop::exit0" time="0.6"><failure message="process aborted with signal 6 (SIGABRT)" type="test abort"/></testcase></testsuite></testsuites>"#,
        100,
        &[
            "report::shop::exit0::b_fail failed assertion",
            "report::shop::exit0::c crashed crash",
        ],
    );
    // node:test: cases directly below the root, and a suite counts as one of the tests around it.
    reads(
        r#"<?xml version="1.0" encoding="utf-8"?><testsuites>
 <testcase name="top" time="0.001" classname="test"/>
 <testsuite name="cart" time="0.1" disabled="0" errors="0" tests="2" failures="1" skipped="0" hostname="h">
  <testcase name="adds" time="0.1" classname="test"/>
  <testsuite name="totals" tests="1" failures="1" errors="0"><testcase name="adds" time="0.1" classname="test" failure="x"><failure type="testCodeFailure" message="3 == 4">[Error [ERR_TEST_FAILURE]: 3 == 4] { code: 'ERR_ASSERTION' }</failure></testcase></testsuite>
 </testsuite>
 <!-- tests 3 -->
</testsuites>"#,
        1,
        &[
            "report::top passed -",
            "report::cart::adds passed -",
            "report::cart::totals::adds failed assertion",
        ],
    );
}

#[test]
fn b2_files_that_the_report_names_are_believed_in_every_form() {
    reads(
        r#"<testsuites><testsuite name="a" file="./tests/cart.test.ts"><testcase name="x"/></testsuite>
<testsuite name="b"><testcase name="x" classname="b" file="/private/tree/e2e/login.spec.ts" line="7"/><testcase name="y" classname="tests.test_cart.TestCart" file="tests/test_cart.py"/></testsuite></testsuites>"#,
        0,
        &[
            "tests/cart.test.ts::x passed -",
            "e2e/login.spec.ts::b::x passed -",
            "tests/test_cart.py::TestCart::y passed -",
        ],
    );
}

#[test]
fn b2_equal_ids_are_two_cases() {
    let twice = judged(
        &[
            r#"<testsuite><testcase classname="c" name="a"><failure/></testcase><testcase classname="c" name="a"/></testsuite>"#,
        ],
        1,
    );
    assert_eq!(
        table(&twice),
        ["report::c::a failed assertion", "report::c::a#2 passed -"]
    );
    // The same case in two files, as merged reports have it.
    let one = r#"<testsuite><testcase classname="c" name="a"/></testsuite>"#;
    assert_eq!(table(&judged(&[one, one], 0)).len(), 2);
    // pytest's failure and tear-down of one test are one case.
    let torn = judged(
        &[
            r#"<testsuite><testcase classname="c" name="a"><failure message="assert 1"/></testcase><testcase classname="c" name="a"><error message="failed on teardown with &quot;x&quot;"/></testcase></testsuite>"#,
        ],
        1,
    );
    assert_eq!(table(&torn), ["report::c::a failed assertion"]);
}

#[test]
fn b3_several_failures_of_a_case_and_the_worst_stands() {
    reads(
        r#"<testsuite tests="1" failures="2" errors="0"><testcase classname="c" name="a"><failure message="assert 1 == 2"/><failure message="NameError: name 'x' is not defined"/></testcase></testsuite>"#,
        1,
        &["report::c::a failed undefined_name"],
    );
}

#[test]
fn b3_causes_by_type_and_message() {
    let rows: &[(&str, &str, &str, &str, Cause)] = &[
        ("failure", "", "", "", Cause::Assertion),
        ("error", "", "", "", Cause::Unknown),
        (
            "failure",
            "",
            "ReferenceError: totl is not defined",
            "",
            Cause::UndefinedName,
        ),
        (
            "failure",
            "TypeError",
            "expect(...).toEquals is not a function",
            "",
            Cause::WrongForeignSymbol,
        ),
        (
            "failure",
            "",
            "Invalid Chai property: toEquals",
            "",
            Cause::WrongForeignSymbol,
        ),
        (
            "failure",
            "",
            "TypeError: total is not a function",
            "",
            Cause::MissingSymbol,
        ),
        ("failure", "", "assert False", "", Cause::AlwaysFails),
        (
            "failure",
            "",
            "NotImplementedError",
            "src/shop.py:3",
            Cause::NotImplemented,
        ),
        (
            "error",
            "java.lang.UnsupportedOperationException",
            "not implemented",
            "",
            Cause::NotImplemented,
        ),
        (
            "failure",
            "",
            "ModuleNotFoundError: No module named 'shop.pricing'",
            "",
            Cause::MissingSymbol,
        ),
        (
            "failure",
            "",
            "ModuleNotFoundError: No module named 'requestz'",
            "",
            Cause::MissingDependency,
        ),
        (
            "failure",
            "",
            "SyntaxError: The requested module '../src/shop.mjs' does not provide an export named 'subtract'",
            "",
            Cause::MissingSymbol,
        ),
        (
            "failure",
            "SyntaxError",
            "invalid syntax",
            "",
            Cause::SyntaxError,
        ),
        (
            "error",
            "java.lang.IllegalStateException",
            "no",
            "at src/main/Cart.java:3",
            Cause::RaisedInSource,
        ),
        (
            "error",
            "java.lang.IllegalStateException",
            "no",
            "at tests/CartTest.java:3",
            Cause::RaisedInTest,
        ),
        (
            "error",
            "java.net.ConnectException",
            "Connection refused",
            "",
            Cause::Environment,
        ),
        (
            "failure",
            "TestTimeoutError",
            "Test timed out in 5000ms.",
            "",
            Cause::Timeout,
        ),
        (
            "error",
            "",
            "failed on setup with \"worker\"",
            "",
            Cause::SetupFailed,
        ),
    ];
    for (element, class, message, text, expected) in rows {
        let escaped = message.replace('"', "&quot;");
        let document = format!(
            r#"<testsuite><testcase classname="c" name="a"><{element} type="{class}" message="{escaped}">{text}</{element}></testcase></testsuite>"#
        );
        let judged = judged(&[&document], 1);
        assert_eq!(
            judged.cases[0].cause.as_ref().unwrap().cause,
            *expected,
            "{element} {class} {message}"
        );
    }
}

#[test]
fn b1_exit_code_and_report_must_agree() {
    let bad = r#"<testsuite><testcase classname="c" name="a"><failure/></testcase></testsuite>"#;
    let good = r#"<testsuite><testcase classname="c" name="a"/></testsuite>"#;
    assert_eq!(codes(&judged(&[bad], 0)), [ReasonCode::ExitCodeDisagrees]);
    assert_eq!(codes(&judged(&[good], 1)), [ReasonCode::ExitCodeDisagrees]);
    assert_eq!(codes(&judged(&[good], 0)), []);
    assert_eq!(codes(&judged(&[], 0)), [ReasonCode::NoReport]);
    assert_eq!(
        codes(&judged(&["<testsuites/>"], 0)),
        [ReasonCode::ZeroTests]
    );
}

#[test]
fn b1_a_case_without_a_name_is_never_a_pass() {
    let ended = judged(
        &[r#"<testsuite><testcase classname="c" name="a"/><testcase time="0.000"/></testsuite>"#],
        0,
    );
    assert_eq!(codes(&ended), [ReasonCode::TruncatedReport]);
}

#[test]
fn b1_declared_counts_are_recounted() {
    for (head, ok) in [
        (r#"tests="2" failures="1" errors="0""#, true),
        (r#"tests="3" failures="1" errors="0""#, false),
        (r#"tests="1" failures="1" errors="0""#, false),
        (r#"tests="2" failures="0" errors="0""#, false),
        (r#"tests="2" failures="2" errors="0""#, false),
        (r#"tests="many" failures="""#, true),
        (r#"failures="0""#, true),
    ] {
        let text = format!(
            r#"<testsuites><testsuite name="s" {head}><testcase classname="c" name="a"><failure/></testcase><testcase classname="c" name="b"/></testsuite></testsuites>"#
        );
        let problems = codes(&judged(&[&text], 1));
        assert_eq!(problems.is_empty(), ok, "{head}: {problems:?}");
    }
}

#[test]
fn b1_a_document_cut_anywhere_is_never_a_pass() {
    let whole = r#"<?xml version="1.0" encoding="utf-8"?>
<testsuites tests="2" failures="0"><testsuite name="s &amp; t" tests="2" failures="0" errors="0"><testcase classname="tests.test_cart" name="a"><system-out><![CDATA[x]]></system-out></testcase><!-- c --><testcase classname="tests.test_cart" name="b"/></testsuite></testsuites>"#;
    assert_eq!(codes(&judged(&[whole], 0)), []);
    for end in 0..whole.len() {
        let cut = judged(&[&whole[..end]], 0);
        assert!(!cut.problems.is_empty(), "cut at {end}: {}", &whole[..end]);
    }
}

#[test]
fn b1_documents_that_cannot_be_believed() {
    let trouble = |bytes: &[u8]| read(bytes).troubles;
    assert_eq!(trouble(b"  \n"), [Trouble::Empty]);
    assert!(matches!(
        trouble(b"<html></html>")[..],
        [Trouble::OtherRoot(_)]
    ));
    assert!(matches!(
        trouble(b"<testsuite>\xff</testsuite>")[..],
        [Trouble::Encoding(_)]
    ));
    assert!(matches!(
        trouble(b"<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><testsuite/>")[..],
        [Trouble::Encoding(_)]
    ));
    assert!(matches!(
        trouble(b"<!DOCTYPE x [<!ENTITY a \"aaaa\">]><testsuite/>")[..],
        [Trouble::Entity(_)]
    ));
    for text in [
        "<testsuite><testcase name='&bomb;'/></testsuite>",
        "<testsuite><testcase name='a'><failure>&bomb;</failure></testcase></testsuite>",
    ] {
        assert!(
            matches!(trouble(text.as_bytes())[..], [Trouble::Entity(_)]),
            "{text}"
        );
    }
    for text in [
        "<testsuite></testsuites>",
        "<testsuite/><testsuite/>",
        "<testsuite/>text",
        "<testsuite><testcase name='a'></testsuite></testcase>",
    ] {
        assert!(
            matches!(trouble(text.as_bytes())[..], [Trouble::Malformed { .. }]),
            "{text}"
        );
    }
    let deep = "<testsuite>".repeat(100_000);
    assert!(matches!(
        trouble(deep.as_bytes())[..],
        [Trouble::Malformed { .. }]
    ));
    let inside = format!("<testsuite><properties>{}", "<a>".repeat(100_000));
    assert_eq!(trouble(inside.as_bytes()), [Trouble::Truncated]);
}

#[test]
fn b1_small_sins_of_writers_are_forgiven() {
    reads(
        "\u{feff}<testsuite><testcase classname='c' name='a & b \u{1b}[1m'/></testsuite>",
        0,
        &["report::c::a & b \\u{1b}[1m passed -"],
    );
}

#[test]
fn h5_a_hundred_thousand_cases_are_read_case_by_case() {
    let mut text = String::from("<testsuites>");
    for suite in 0..100 {
        text.push_str("<testsuite name='s' tests='1000'>");
        for case in 0..1000 {
            text.push_str(&format!(
                "<testcase classname='tests.test_cart.C{suite}' name='t{case}' time='0.1'/>"
            ));
        }
        text.push_str("</testsuite>");
    }
    text.push_str("</testsuites>");
    let judged = judged(&[&text], 0);
    assert_eq!((judged.cases.len(), judged.problems.len()), (100_000, 0));
}

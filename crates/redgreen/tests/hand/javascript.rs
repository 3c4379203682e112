//! JavaScript by hand, with node's own test runner (SPEC B1-B5, C7, G4): no package is needed, only node.

use super::support::Hand;

const TEST: &str = "import { describe, it } from 'node:test';\nimport assert from 'node:assert/strict';\nimport { total } from '../src/cart.js';\n\ndescribe('cart', () => {\n  it('adds prices', () => {\n    assert.equal(total([2, 3]), 5);\n  });\n});\n";
const NEW: &str = "import { discounted } from '../src/cart.js';\n\ndescribe('discount', () => {\n  it('takes ten percent off', () => {\n    assert.equal(discounted(100), 90);\n  });\n  for (const n of [10, 20]) {\n    it(`works for ${n}`, () => {\n      assert.equal(discounted(n), n - n / 10);\n    });\n  }\n});\n";
const CODE: &str =
    "export function total(list) {\n  return list.reduce((sum, one) => sum + one, 0);\n}\n";
const HONEST: &str = "export function discounted(price) {\n  return price - price / 10;\n}\n";

fn project() -> Hand {
    Hand::with(&[
        (
            "package.json",
            "{\"name\": \"shop\", \"type\": \"module\", \"scripts\": {\"test\": \"node --test\"}}\n",
        ),
        ("src/cart.js", CODE),
        ("test/cart.test.js", TEST),
    ])
}

#[test]
fn g6_node_test_goes_from_red_to_full() {
    let hand = project();
    hand.append("test/cart.test.js", NEW);
    let out = hand.rg(&["red", "T1"]).ends(0);
    assert_eq!(
        out.test("discount::takes ten percent off")["cause"],
        "missing_symbol"
    );
    hand.rg(&["lock", "T1"]).ends(0);
    hand.append(
        "src/cart.js",
        "export const discounted = (price) => price;\n",
    );
    hand.rg(&["green", "T1"]).ends(10).reason("test_failed");
    hand.write("src/cart.js", &format!("{CODE}{HONEST}"));
    let out = hand.rg(&["green", "T1"]).ends(0);
    let kinds: Vec<String> = out.gate()["controls"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|control| control["kind"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert!(
        kinds.contains(&"changed_expectations".to_owned()),
        "{kinds:?}"
    );
    assert_eq!(
        out.test("works for ${n}[discount::works for 20]")["outcome"],
        "passed"
    );
    hand.rg(&["full", "T1"]).ends(0);
}

#[test]
fn b3_broken_javascript_tests_are_refused_with_their_cause() {
    let body = |line: &str| {
        format!("import {{ extra }} from '../src/cart.js';\nit('new', () => {{\n  {line}\n}});\n")
    };
    for (text, cause) in [
        ("import { add } from './helper.js';\nit('new', () => { assert.equal(add(1), 2); });\n".to_owned(), "undefined_name"),
        ("import pad from 'left-padz';\nit('new', () => { assert.equal(pad(1), 2); });\n".to_owned(), "missing_dependency"),
        ("import { totl } from '../src/cart.js';\nit('new', () => { assert.equal(totl([]), 0); });\n".to_owned(), "similar_name"),
        ("import { total as t } from '../src/cart';\nit('new', () => { assert.equal(t([]), 1); });\n".to_owned(), "wrong_import"),
        ("it('new', () => { ( });\n".to_owned(), "syntax_error"),
        ("it('new', () => { assert.equal(total(lisst), 0); });\n".to_owned(), "undefined_name"),
        ("it('new', () => { assert.equls(total([]), 1); });\n".to_owned(), "wrong_foreign_symbol"),
        ("it('new', () => { const list = []; list.pussh(1); assert.equal(total(list), 2); });\n".to_owned(), "raised_in_test"),
        ("it('new', () => { assert.fail('later'); });\n".to_owned(), "always_fails"),
        ("it('new', () => new Promise(() => {}));\n".to_owned(), "timeout"),
        ("import { before } from 'node:test';\ndescribe('s', () => { before(() => { throw new Error('no'); }); it('new', () => { assert.equal(total([]), 1); }); });\n".to_owned(), "setup_failed"),
        (body("assert.equal(extra(valeu), 2);"), "undefined_name"),
    ] {
        let hand = project();
        hand.append("test/cart.test.js", &text);
        let out = hand.rg(&["red", "T1"]);
        assert_ne!(out.code, 0, "{text}: {out:#?}");
        assert!(out.stdout.contains(cause), "{text}\n{cause}: {out:#?}");
    }
    for (text, reason) in [
        ("it('new', () => {});\n", "broken_test"),
        (
            "it('new', () => { assert.equal(total([1]), 1); });\n",
            "not_red",
        ),
        (
            "it.skip('new', () => { assert.equal(total([1]), 2); });\n",
            "skipped_test",
        ),
        (
            "it.only('new', () => { assert.equal(total([1]), 2); });\n",
            "skipped_test",
        ),
    ] {
        let hand = project();
        hand.append("test/cart.test.js", text);
        let out = hand.rg(&["red", "T1"]);
        assert_ne!(out.code, 0, "{text}: {out:#?}");
        assert!(out.stdout.contains(reason), "{text}\n{reason}: {out:#?}");
    }
}

/// Implementations that make tests pass, or look as if they did, without doing what the tests ask for.
const CHEATS: [(&str, &str); 10] = [
    (
        "ends the process",
        "export const discounted = () => 90;\nprocess.exit(0);\n",
    ),
    (
        "ends the process at the first call",
        "export const discounted = () => process.exit(0);\n",
    ),
    (
        "ends the process past its handlers",
        "export const discounted = () => 90;\nprocess.reallyExit(0);\n",
    ),
    (
        "replaces the comparison",
        "import a from 'node:assert/strict';\na.equal = () => {};\nexport const discounted = () => 1;\n",
    ),
    (
        "replaces the comparison for every import",
        "import a from 'node:assert';\nimport m from 'node:module';\na.equal = a.strictEqual = () => {};\na.strict.equal = () => {};\nm.syncBuiltinESMExports();\nexport const discounted = () => 1;\n",
    ),
    (
        "replaces the runner",
        "import t from 'node:test';\nimport m from 'node:module';\nt.it = () => {};\nm.syncBuiltinESMExports();\nexport const discounted = () => 1;\n",
    ),
    (
        "reads the tests",
        "import fs from 'node:fs';\nconst text = fs.readFileSync(new URL('../test/cart.test.js', import.meta.url), 'utf8');\nexport const discounted = (n) => (n === 100 ? Number(/discounted\\(100\\)\\D+(\\d+)/.exec(text)?.[1]) : n - n / 10);\n",
    ),
    (
        "says that it passed",
        "process.stdout.write('ok 1 - discount\\n# pass 4\\n');\nexport const discounted = () => 1;\n",
    ),
    (
        "gives the exit code",
        "process.on('exit', () => { process.exitCode = 0; });\nexport const discounted = () => 1;\n",
    ),
    (
        "takes the reporter",
        "import fs from 'node:fs';\nconst probe = process.execArgv.find((word) => word.endsWith('redgreen_node_test.mjs'));\nif (probe) { const { default: report } = await import(probe); for await (const _ of report((async function* () { yield { type: 'test:pass', data: { nesting: 0, name: 'x', details: {} } }; })())) void fs; }\nexport const discounted = () => 1;\n",
    ),
];

#[test]
fn c7_no_cheat_in_javascript_source_is_green() {
    let hand = project();
    hand.append("test/cart.test.js", NEW);
    hand.rg(&["lock", "T1"]).ends(0);
    for (what, cheat) in CHEATS {
        hand.write("src/cart.js", &format!("{cheat}{CODE}"));
        let out = hand.rg(&["green", "T1"]);
        assert!(matches!(out.code, 10 | 11 | 13), "{what}: {out:#?}");
    }
    // Files that steer the run are nobody's.
    hand.write("src/cart.js", &format!("{CODE}{HONEST}"));
    for path in ["src/package.json", "vitest.config.js", "src/cart.test.js"] {
        hand.write(path, "{}\n");
        hand.rg(&["green", "T1"]).ends(13);
        hand.remove(path);
    }
    for honest in [
        HONEST.to_owned(),
        "export const discounted = (price) => price - price / 10;\n".to_owned(),
        "class Discount { of(price) { return price - price / 10; } }\nexport const discounted = (price) => new Discount().of(price);\n".to_owned(),
        "import assert from 'node:assert';\nexport function discounted(price) { assert.ok(price > 0); return price - price / 10; }\n".to_owned(),
    ] {
        hand.write("src/cart.js", &format!("{honest}{CODE}"));
        hand.rg(&["green", "T1"]).ends(0);
    }
}

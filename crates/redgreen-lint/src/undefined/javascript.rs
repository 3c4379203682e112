//! Undefined names of JavaScript and TypeScript.

use super::UndefinedName;
use crate::LintError;
use crate::lang::javascript::with_program;
use crate::syntax::LineIndex;
use oxc_ast::ast::*;
use oxc_ast_visit::{Visit, walk};
use std::collections::BTreeSet;

/// Names that no file need define: of the language, of node, of browsers (as jsdom has them), of runners.
const GLOBALS: &str = "undefined NaN Infinity globalThis arguments eval isNaN isFinite parseInt parseFloat encodeURI decodeURI \
    encodeURIComponent decodeURIComponent escape unescape Object Function Boolean Symbol Error AggregateError EvalError RangeError \
    ReferenceError SyntaxError TypeError URIError SuppressedError Number BigInt Math Date Temporal String RegExp Array Int8Array Uint8Array \
    Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float16Array Float32Array Float64Array BigInt64Array BigUint64Array \
    Map Set WeakMap WeakSet WeakRef FinalizationRegistry ArrayBuffer SharedArrayBuffer DataView Atomics JSON Promise Reflect Proxy Intl \
    Iterator AsyncIterator WebAssembly console process Buffer global require module exports __dirname __filename setTimeout clearTimeout \
    setInterval clearInterval setImmediate clearImmediate queueMicrotask structuredClone fetch Request Response Headers FormData Blob File \
    URL URLSearchParams URLPattern AbortController AbortSignal Event EventTarget CustomEvent MessageChannel MessagePort MessageEvent \
    BroadcastChannel TextEncoder TextDecoder TextEncoderStream TextDecoderStream ReadableStream WritableStream TransformStream \
    CompressionStream DecompressionStream performance PerformanceObserver crypto Crypto CryptoKey SubtleCrypto WebSocket EventSource \
    navigator DOMException atob btoa CloseEvent Storage localStorage sessionStorage gc \
    describe it test suite context specify before after beforeEach afterEach beforeAll afterAll xit xdescribe xtest fit fdescribe expect \
    jest vi vitest assert should chai sinon mocha run expectTypeOf assertType onTestFinished onTestFailed fail pending spyOn jasmine \
    setup teardown suiteSetup suiteTeardown cy Cypress page browser \
    React JSX Bun Deno defineProps";

/// What makes names by itself.
const MAKERS: [&str; 4] = ["with", "eval", "globalThis", "rewire"];

pub(super) fn undefined_names(text: &str) -> Result<Vec<UndefinedName>, LintError> {
    let lines = LineIndex::new(text);
    let (mut found, error) = with_program(text, None, |program| {
        let mut walk = Names {
            bound: BTreeSet::new(),
            used: Vec::new(),
        };
        walk.visit_program(program);
        let globals: BTreeSet<&str> = GLOBALS.split_whitespace().collect();
        let makes = walk
            .used
            .iter()
            .any(|(name, _)| MAKERS.contains(&name.as_str()))
            || text.contains("ReferenceError")
            || text.contains("eslint-env")
            || text.contains("/* global");
        let mut seen = BTreeSet::new();
        let used = walk.used.into_iter().filter(|(name, _)| {
            !makes
                && !walk.bound.contains(name)
                && !globals.contains(name.as_str())
                // Classes of browsers, types of the compiler: more than a list would hold.
                && !name.starts_with(|c: char| c.is_uppercase())
                && !matches!(name.as_str(), "window" | "document" | "self" | "location" | "history" | "screen")
                && seen.insert(name.clone())
        });
        used.map(|(name, at)| UndefinedName {
            line: lines.line(at),
            name,
        })
        .collect::<Vec<_>>()
    })?;
    if error.is_some() {
        return Ok(Vec::new());
    }
    // `typeof x === 'undefined'` asks whether there is one.
    found.retain(|name| !text.contains(&format!("typeof {}", name.name)));
    Ok(found)
}

struct Names {
    bound: BTreeSet<String>,
    used: Vec<(String, usize)>,
}

impl<'a> Visit<'a> for Names {
    fn visit_binding_identifier(&mut self, it: &BindingIdentifier<'a>) {
        self.bound.insert(it.name.to_string());
    }

    fn visit_identifier_reference(&mut self, it: &IdentifierReference<'a>) {
        self.used
            .push((it.name.to_string(), it.span.start as usize));
    }

    /// An assignment to a name without a declaration makes a global one.
    fn visit_assignment_expression(&mut self, it: &AssignmentExpression<'a>) {
        if let AssignmentTarget::AssignmentTargetIdentifier(name) = &it.left {
            self.bound.insert(name.name.to_string());
        }
        walk::walk_assignment_expression(self, it);
    }

    fn visit_labeled_statement(&mut self, it: &LabeledStatement<'a>) {
        self.bound.insert(it.label.name.to_string());
        walk::walk_labeled_statement(self, it);
    }

    /// Types are not looked up when a test runs.
    fn visit_ts_type(&mut self, _: &TSType<'a>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b3_a_slip_inside_a_javascript_test_is_found_without_running_it() {
        let text = "import { f } from '../src/f.js';\nimport test from 'node:test';\nconst { g: h, ...rest } = f;\n\
            test('a', async ({ page }, [first]) => {\n  const value = f(h, rest, page, first);\n  for (const x of valeu) { console.log(x); }\n\
              try { f(); } catch (error) { f(error); }\n  class A { m(n) { return n; } }\n  new A().m(window.a);\n});\n";
        let found = undefined_names(text).unwrap();
        assert_eq!(
            found,
            [UndefinedName {
                line: 6,
                name: "valeu".to_owned()
            }]
        );
        let typed = "type A<T> = T;\nconst a: A<string> = f as Other;\nfunction f(this: void, b?: number) { return b; }\nexport { a };\n";
        assert_eq!(undefined_names(typed).unwrap(), []);
    }
}

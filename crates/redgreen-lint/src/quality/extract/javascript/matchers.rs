//! How much a matcher says: jest, vitest, jasmine, playwright; chai; node:assert and ava.

use crate::quality::model::Strength;

/// A matcher behind `expect(…)`; `negated` with `not` in between.
pub(super) fn of_expect(matcher: &str, arguments: usize, negated: bool) -> Strength {
    match matcher {
        "toBeTruthy" | "toBeDefined" => Strength::Weak,
        "toBeNull" | "toBeUndefined" | "toBeFalsy" | "toBeNaN" if negated => Strength::Weak,
        "toBeFalsy" | "toBeInstanceOf" | "toBeTypeOf" | "toBeVisible" | "toBeEnabled"
        | "toBeChecked" | "toBeInTheDocument" | "toBeOK" => Strength::Predicate,
        "toHaveBeenCalled" | "toBeCalled" | "toHaveReturned" if !negated => Strength::MockCalled,
        "toHaveBeenCalled"
        | "toBeCalled"
        | "toHaveReturned"
        | "toHaveBeenCalledTimes"
        | "toBeCalledTimes"
        | "toHaveBeenCalledWith"
        | "toBeCalledWith"
        | "toHaveBeenLastCalledWith"
        | "toHaveBeenNthCalledWith"
        | "toHaveBeenCalledOnce"
        | "toHaveBeenCalledOnceWith"
        | "toHaveBeenCalledExactlyOnceWith"
        | "lastCalledWith"
        | "nthCalledWith"
        | "toHaveBeenCalledBefore"
        | "toHaveBeenCalledAfter" => Strength::MockCalledWith,
        "toThrow" | "toThrowError" => Strength::Raises,
        "toMatchSnapshot"
        | "toMatchFileSnapshot"
        | "toHaveScreenshot"
        | "toThrowErrorMatchingSnapshot"
        | "toMatchImageSnapshot"
        | "toMatchAriaSnapshot" => Strength::Snapshot,
        "toMatchInlineSnapshot" | "toThrowErrorMatchingInlineSnapshot" => {
            if arguments == 0 {
                Strength::Snapshot
            } else {
                Strength::Value
            }
        }
        _ => Strength::Value,
    }
}

/// The last word of a chai chain.
pub(super) fn of_chai(word: &str, called: bool, negated: bool) -> Strength {
    match (word, called) {
        ("ok" | "exist" | "exists", _) => Strength::Weak,
        ("null" | "undefined" | "false", false) if negated => Strength::Weak,
        ("called", false) => Strength::MockCalled,
        (
            "calledOnce" | "calledTwice" | "calledWith" | "calledOnceWith" | "callCount"
            | "calledWithExactly",
            _,
        ) => Strength::MockCalledWith,
        ("a" | "an" | "instanceof" | "instanceOf", true) => Strength::Predicate,
        ("throw" | "throws" | "Throw" | "rejected" | "rejectedWith", _) => Strength::Raises,
        _ => Strength::Value,
    }
}

/// A function of node:assert, chai's `assert` or ava's `t`. `None` for one that asserts nothing.
pub(super) fn of_assert(method: &str) -> Option<Strength> {
    Some(match method {
        "plan" | "log" | "timeout" | "teardown" | "context" | "title" | "passed" | "after"
        | "before" | "test" | "mock" | "diagnostic" | "step" | "comment" | "end" => {
            return None;
        }
        "truthy" | "isOk" | "exists" | "isDefined" | "isNotNull" | "isNotUndefined" => {
            Strength::Weak
        }
        "throws" | "rejects" | "throwsAsync" | "isRejected" => Strength::Raises,
        "doesNotThrow" | "notThrows" | "doesNotReject" | "notThrowsAsync" | "pass" => {
            Strength::Predicate
        }
        "snapshot" => Strength::Snapshot,
        "called" => Strength::MockCalled,
        "calledWith"
        | "calledOnce"
        | "calledOnceWithExactly"
        | "notCalled"
        | "callCount"
        | "calledWithExactly" => Strength::MockCalledWith,
        _ => Strength::Value,
    })
}

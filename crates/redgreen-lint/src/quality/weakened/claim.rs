//! What an assertion claims: a comparison with its sides, whatever it is written as.

use super::tokens::{closing, split};

/// How two sides are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// One of several, or a part.
    Contains,
    NotContains,
    /// Equal within a tolerance.
    Close,
    /// The same object, also `is None`.
    Same,
    NotSame,
    /// True, without a comparison.
    Truth,
    /// Not true.
    Falsity,
    /// Of a type.
    Type,
    /// It is there: `is not None`, `toBeDefined`.
    There,
}

/// A comparison.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) comparison: Comparison,
    pub(super) left: Vec<String>,
    pub(super) right: Vec<String>,
    /// Further arguments: tolerances, messages.
    pub(super) rest: Vec<Vec<String>>,
    /// `or`, `||`: how many alternatives the whole condition has.
    pub(super) alternatives: usize,
}

/// Reads an assertion from its tokens. `None` for a form that is no comparison known here.
#[must_use]
pub(super) fn claim(tokens: &[String]) -> Option<Claim> {
    let first = tokens.first()?.as_str();
    if first == "assert"
        && tokens
            .get(1)
            .is_some_and(|token| token != "." && token != "!")
    {
        // The message behind the comma says nothing of the condition.
        let parts = split(&tokens[1..], ",");
        return Some(condition(parts.first()?, Vec::new()));
    }
    let open = tokens.iter().position(|token| token == "(")?;
    let name = callee(&tokens[..open]);
    let close = closing(tokens, open)?;
    let arguments: Vec<Vec<String>> = split(&tokens[open + 1..close], ",")
        .into_iter()
        .map(<[String]>::to_vec)
        .collect();
    if name == "expect" {
        return matcher(arguments.first()?.clone(), &tokens[close + 1..]);
    }
    let known = method(&name);
    let known = match known {
        Some(comparison) => comparison,
        None if name == "assert" || name == "ok" => {
            let condition_tokens = arguments.first()?;
            return Some(condition(condition_tokens, arguments[1..].to_vec()));
        }
        None => return None,
    };
    let single = matches!(
        known,
        Comparison::Truth | Comparison::Falsity | Comparison::There
    );
    let mut arguments = arguments.into_iter();
    let left = arguments.next()?;
    let right = if single {
        Vec::new()
    } else {
        arguments.next()?
    };
    Some(Claim {
        comparison: known,
        left,
        right,
        rest: arguments.collect(),
        alternatives: 1,
    })
}

/// The last word of a call: `self.assertEqual`, `assert_eq!`, `assert.equal`, `require.Equal`.
fn callee(tokens: &[String]) -> String {
    tokens
        .iter()
        .rev()
        .find(|token| token.as_str() != "!")
        .cloned()
        .unwrap_or_default()
}

fn method(name: &str) -> Option<Comparison> {
    Some(match name {
        "assertEqual"
        | "assertEquals"
        | "assertListEqual"
        | "assertDictEqual"
        | "assertTupleEqual"
        | "assertSetEqual"
        | "assertMultiLineEqual"
        | "assertSequenceEqual"
        | "assert_eq"
        | "debug_assert_eq"
        | "prop_assert_eq"
        | "assert_equal"
        | "equal"
        | "strictEqual"
        | "deepEqual"
        | "deepStrictEqual"
        | "is"
        | "Equal"
        | "EqualValues"
        | "assert_array_equal" => Comparison::Equal,
        "assertNotEqual" | "assert_ne" | "debug_assert_ne" | "notEqual" | "notStrictEqual"
        | "notDeepEqual" | "NotEqual" | "not" => Comparison::NotEqual,
        "assertLess" | "Less" => Comparison::Less,
        "assertLessEqual" | "LessOrEqual" => Comparison::LessOrEqual,
        "assertGreater" | "Greater" => Comparison::Greater,
        "assertGreaterEqual" | "GreaterOrEqual" => Comparison::GreaterOrEqual,
        "assertIn" | "Contains" | "ElementsMatch" | "assertRegex" | "Regexp" | "assertMatch" => {
            Comparison::Contains
        }
        "assertNotIn" | "NotContains" => Comparison::NotContains,
        "assertAlmostEqual"
        | "assertAlmostEquals"
        | "assert_allclose"
        | "assert_almost_equal"
        | "assert_relative_eq"
        | "assert_abs_diff_eq"
        | "assert_approx_eq"
        | "InDelta"
        | "InEpsilon"
        | "closeTo"
        | "assert_ulps_eq" => Comparison::Close,
        "assertIs" | "Same" => Comparison::Same,
        "assertIsNot" | "NotSame" => Comparison::NotSame,
        "assertTrue" | "True" | "truthy" => Comparison::Truth,
        "assertFalse" | "False" | "falsy" => Comparison::Falsity,
        "assertIsInstance" | "IsType" | "assertIsType" => Comparison::Type,
        "assertIsNotNone" | "NotNil" | "NotEmpty" => Comparison::There,
        _ => return None,
    })
}

/// `expect(x).not.toBe(1)`.
fn matcher(left: Vec<String>, rest: &[String]) -> Option<Claim> {
    let open = rest.iter().position(|token| token == "(")?;
    let negated = rest[..open].iter().any(|token| token == "not");
    let name = rest[..open].last()?.as_str();
    let close = closing(rest, open)?;
    let mut arguments = split(&rest[open + 1..close], ",")
        .into_iter()
        .map(<[String]>::to_vec);
    let comparison = match name {
        "toBe"
        | "toEqual"
        | "toStrictEqual"
        | "equal"
        | "eql"
        | "toHaveLength"
        | "toHaveBeenCalledTimes"
        | "toBeNull"
        | "toBeUndefined"
        | "toBeNaN"
        | "toHaveTextContent"
        | "toHaveText" => Comparison::Equal,
        "toBeCloseTo" | "closeTo" => Comparison::Close,
        "toBeLessThan" | "below" => Comparison::Less,
        "toBeLessThanOrEqual" | "most" => Comparison::LessOrEqual,
        "toBeGreaterThan" | "above" => Comparison::Greater,
        "toBeGreaterThanOrEqual" | "least" => Comparison::GreaterOrEqual,
        "toContain" | "toContainEqual" | "toMatch" | "toMatchObject" | "include" | "contain"
        | "toHaveProperty" | "toContainText" => Comparison::Contains,
        "toBeTruthy" => Comparison::Truth,
        "toBeFalsy" => Comparison::Falsity,
        "toBeDefined" => Comparison::There,
        "toBeInstanceOf" | "instanceOf" => Comparison::Type,
        _ => return None,
    };
    let comparison = match (comparison, negated) {
        (Comparison::Equal, true) if matches!(name, "toBeNull" | "toBeUndefined") => {
            Comparison::There
        }
        (Comparison::Equal, true) => Comparison::NotEqual,
        (Comparison::Contains, true) => Comparison::NotContains,
        (Comparison::Truth, true) => Comparison::Falsity,
        (other, _) => other,
    };
    Some(Claim {
        comparison,
        left,
        right: arguments.next().unwrap_or_default(),
        rest: arguments.collect(),
        alternatives: 1,
    })
}

/// A condition: `a == b`, `a < b`, `a in b`, `not a`.
fn condition(tokens: &[String], rest: Vec<Vec<String>>) -> Claim {
    let tokens = bare(tokens);
    let alternatives = split(tokens, "or")
        .len()
        .max(split(tokens, "||").len())
        .max(1);
    let make = |comparison, left: &[String], right: &[String]| Claim {
        comparison,
        left: left.to_vec(),
        right: right.to_vec(),
        rest: rest.clone(),
        alternatives,
    };
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1).map(String::as_str);
        let (comparison, width) = match token.as_str() {
            "(" | "[" | "{" => {
                depth += 1;
                continue;
            }
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                continue;
            }
            _ if depth > 0 => continue,
            "==" | "===" => (Comparison::Equal, 1),
            "!=" | "!==" => (Comparison::NotEqual, 1),
            "<" => (Comparison::Less, 1),
            "<=" => (Comparison::LessOrEqual, 1),
            ">" => (Comparison::Greater, 1),
            ">=" => (Comparison::GreaterOrEqual, 1),
            "in" => (Comparison::Contains, 1),
            "not" if next == Some("in") => (Comparison::NotContains, 2),
            "is" if next == Some("not") => {
                if tokens.get(at + 2).is_some_and(|token| token == "None") {
                    (Comparison::There, 2)
                } else {
                    (Comparison::NotSame, 2)
                }
            }
            "is" => (Comparison::Same, 1),
            _ => continue,
        };
        if at == 0 {
            continue;
        }
        let (left, right) = (&tokens[..at], &tokens[at + width..]);
        let right = split(right, "or").first().copied().unwrap_or(right);
        let right = split(right, "||").first().copied().unwrap_or(right);
        if comparison == Comparison::Equal && is_close(right) {
            return make(Comparison::Close, left, right);
        }
        return make(comparison, left, right);
    }
    match tokens.split_first() {
        Some((first, left)) if first == "not" || first == "!" => {
            make(Comparison::Falsity, left, &[])
        }
        Some(_) | None if tokens.iter().any(|token| token == "isinstance") => {
            make(Comparison::Type, tokens, &[])
        }
        Some(_) | None
            if tokens
                .iter()
                .any(|token| token == "isclose" || token == "allclose") =>
        {
            make(Comparison::Close, tokens, &[])
        }
        Some(_) | None => make(Comparison::Truth, tokens, &[]),
    }
}

fn is_close(tokens: &[String]) -> bool {
    tokens.iter().any(|token| token == "approx")
}

/// Without brackets around the whole.
fn bare(tokens: &[String]) -> &[String] {
    let whole = tokens.first().is_some_and(|token| token == "(")
        && closing(tokens, 0) == Some(tokens.len() - 1)
        && !tokens.iter().any(|token| token == ",");
    if whole {
        bare(&tokens[1..tokens.len() - 1])
    } else {
        tokens
    }
}

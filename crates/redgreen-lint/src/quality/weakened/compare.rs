//! Whether one assertion says less than the one it took the place of.

use super::WeakeningKind;
use super::claim::{Claim, Comparison, claim};
use super::tokens::{split, value};
use crate::quality::model::Strength;

/// An assertion with its tokens.
pub(super) struct Said<'a> {
    pub(super) tokens: &'a [String],
    pub(super) strength: Strength,
}

/// What the new assertion says less than the old one; `None` where that cannot be told, or is not so.
#[must_use]
pub(super) fn less(old: &Said<'_>, new: &Said<'_>) -> Option<(WeakeningKind, String)> {
    if let Some(found) = raises(old.tokens, new.tokens) {
        return Some(found);
    }
    if old.strength == Strength::MockCalledWith && new.strength == Strength::MockCalled {
        return Some((
            WeakeningKind::Exactness,
            "how the double was called is not looked at any more".to_owned(),
        ));
    }
    let (before, after) = (claim(old.tokens), claim(new.tokens));
    if let (Some(before), Some(after)) = (&before, &after) {
        return claims(before, after);
    }
    // Forms that nobody knows the sides of: what the model says of their strength.
    let exact = matches!(old.strength, Strength::Value);
    let weak = matches!(
        new.strength,
        Strength::None | Strength::Weak | Strength::Flag
    );
    (exact && weak && keeps_less(old.tokens, new.tokens)).then(|| {
        (
            WeakeningKind::Exactness,
            "a comparison with a value became a look at whether something is there".to_owned(),
        )
    })
}

/// Whether the new tokens name nothing that the old ones did not, and miss something.
fn keeps_less(old: &[String], new: &[String]) -> bool {
    let words = |tokens: &[String]| -> Vec<String> {
        tokens
            .iter()
            .filter(|token| token.starts_with(|c: char| c.is_alphanumeric() || "\"'_".contains(c)))
            .cloned()
            .collect()
    };
    let (old, new) = (words(old), words(new));
    new.len() < old.len()
}

/// `pytest.raises(ValueError, match="x")`, `assertRaises(…)`, `should_panic(expected = "…")`, `toThrow("…")`.
fn raises(old: &[String], new: &[String]) -> Option<(WeakeningKind, String)> {
    let has = |tokens: &[String], words: &[&str]| {
        tokens.iter().any(|token| words.contains(&token.as_str()))
    };
    const RAISES: [&str; 8] = [
        "raises",
        "assertRaises",
        "assertRaisesRegex",
        "should_panic",
        "toThrow",
        "toThrowError",
        "throws",
        "rejects",
    ];
    if !has(old, &RAISES) || !has(new, &RAISES) {
        return None;
    }
    const BROAD: [&str; 2] = ["Exception", "BaseException"];
    if has(new, &BROAD) && !has(old, &BROAD) {
        return Some((
            WeakeningKind::Raises,
            "any error is accepted now, where one kind was expected".to_owned(),
        ));
    }
    const TEXT: [&str; 4] = ["match", "expected", "assertRaisesRegex", "check"];
    let text = |tokens: &[String]| {
        has(tokens, &TEXT)
            || (has(tokens, &["toThrow", "toThrowError"])
                && tokens
                    .iter()
                    .any(|token| token.starts_with(['"', '\'', '`'])))
    };
    if text(old) && !text(new) {
        return Some((
            WeakeningKind::Raises,
            "the message of the error is not looked at any more".to_owned(),
        ));
    }
    None
}

fn claims(old: &Claim, new: &Claim) -> Option<(WeakeningKind, String)> {
    use Comparison as C;
    if new.alternatives > old.alternatives {
        return Some((
            WeakeningKind::Alternative,
            "an alternative was added that makes it true, too".to_owned(),
        ));
    }
    // Other things are compared: nothing is known of more or less.
    if !same_subject(old, new) {
        return None;
    }
    let because = |kind, text: &str| Some((kind, text.to_owned()));
    match (old.comparison, new.comparison) {
        (C::Equal | C::Same, C::Truth | C::There | C::Type | C::Falsity)
            if !is_truth(&old.right) && !says_same(old, new) =>
        {
            because(
                WeakeningKind::Exactness,
                "it was compared with a value; now it is only looked at whether there is one",
            )
        }
        (C::Close | C::Contains, C::Truth | C::There | C::Type) if !says_same(old, new) => because(
            WeakeningKind::Exactness,
            "what it contains is not looked at any more",
        ),
        (
            C::Equal | C::Same,
            C::NotEqual | C::Less | C::LessOrEqual | C::Greater | C::GreaterOrEqual,
        ) if new.comparison != C::NotEqual || old.right != new.right => because(
            WeakeningKind::Exactness,
            "one value was accepted; now every value on one side of a bound is",
        ),
        (C::Equal | C::Same, C::Contains) => because(
            WeakeningKind::Exactness,
            "one value was accepted; now several are, or a part is enough",
        ),
        (C::Equal, C::Close) => because(
            WeakeningKind::Tolerance,
            "it was compared exactly; now it is compared within a tolerance",
        ),
        (C::Close, C::Close) => wider(old, new).map(|text| (WeakeningKind::Tolerance, text)),
        (C::Less | C::LessOrEqual, C::Less | C::LessOrEqual) => {
            let (before, after) = (value(&old.right)?, value(&new.right)?);
            let looser = after > before
                || (after == before && old.comparison == C::Less && new.comparison != C::Less);
            looser.then(|| bound(old, new))
        }
        (C::Greater | C::GreaterOrEqual, C::Greater | C::GreaterOrEqual) => {
            let (before, after) = (value(&old.right)?, value(&new.right)?);
            let looser = after < before
                || (after == before
                    && old.comparison == C::Greater
                    && new.comparison != C::Greater);
            looser.then(|| bound(old, new))
        }
        (
            C::Less | C::LessOrEqual | C::Greater | C::GreaterOrEqual,
            C::Truth | C::There | C::NotEqual,
        ) if !says_same(old, new) => because(
            WeakeningKind::Bound,
            "a bound became a look at whether something is there",
        ),
        (C::Contains, C::Contains) if more_choices(&old.right, &new.right) => because(
            WeakeningKind::Alternative,
            "more values are accepted than before",
        ),
        _ => None,
    }
}

fn bound(old: &Claim, new: &Claim) -> (WeakeningKind, String) {
    (
        WeakeningKind::Bound,
        format!(
            "the bound was loosened from {} to {}",
            old.right.concat(),
            new.right.concat()
        ),
    )
}

/// `x == True` and `x` say the same.
fn is_truth(tokens: &[String]) -> bool {
    matches!(
        tokens,
        [token] if matches!(token.as_str(), "True" | "False" | "true" | "false" | "None" | "null" | "0" | "[" | "undefined")
    ) || matches!(tokens, [open, close] if matches!((open.as_str(), close.as_str()), ("[", "]") | ("{", "}") | ("(", ")")))
        || matches!(tokens, [text] if matches!(text.as_str(), "\"\"" | "''"))
}

/// Whether the new claim still names what the old one compared with: `assert same(a, b)` for `assert a == b`.
fn says_same(old: &Claim, new: &Claim) -> bool {
    let all: Vec<&String> = new.left.iter().chain(&new.right).collect();
    !old.right.is_empty()
        && old
            .right
            .iter()
            .filter(|token| token.starts_with(|c: char| c.is_alphanumeric() || "\"'_".contains(c)))
            .all(|token| all.contains(&token))
}

/// Whether both look at the same thing: one left side holds the words of the other, or the sides are swapped.
fn same_subject(old: &Claim, new: &Claim) -> bool {
    if old.left == new.left || (!new.right.is_empty() && old.left == new.right) {
        return true;
    }
    let words = |tokens: &[String]| -> Vec<String> {
        tokens
            .iter()
            .filter(|token| token.starts_with(|c: char| c.is_alphabetic() || c == '_'))
            .filter(|token| {
                !matches!(
                    token.as_str(),
                    "len"
                        | "abs"
                        | "isinstance"
                        | "str"
                        | "is_ok"
                        | "is_some"
                        | "bool"
                        | "unwrap"
                        | "length"
                )
            })
            .cloned()
            .collect()
    };
    let (before, after) = (words(&old.left), words(&new.left));
    if before.is_empty() || after.is_empty() {
        // Literals on the left, as `assertEqual(1, x)` is often written.
        let swapped = words(&old.right);
        return !swapped.is_empty() && swapped == after;
    }
    let shared = after.iter().filter(|word| before.contains(word)).count();
    shared == after.len() || shared == before.len()
}

/// Numbers that say how exact a comparison is: more places are narrower, larger tolerances are wider.
fn wider(old: &Claim, new: &Claim) -> Option<String> {
    const WIDE: [&str; 10] = [
        "rel",
        "abs",
        "delta",
        "rtol",
        "atol",
        "rel_tol",
        "abs_tol",
        "epsilon",
        "max_relative",
        "tolerance",
    ];
    const NARROW: [&str; 2] = ["places", "decimal"];
    let all = |claim: &Claim| -> Vec<String> {
        let mut all: Vec<String> = claim
            .left
            .iter()
            .chain([&",".to_owned()])
            .chain(&claim.right)
            .cloned()
            .collect();
        for argument in &claim.rest {
            all.push(",".to_owned());
            all.extend(argument.iter().cloned());
        }
        all
    };
    let (before, after) = (all(old), all(new));
    let of = |tokens: &[String], name: &str| -> Option<f64> {
        let at = tokens
            .windows(2)
            .position(|pair| pair[0] == name && pair[1] == "=")?;
        let rest: Vec<String> = tokens[at + 2..]
            .iter()
            .take_while(|token| !matches!(token.as_str(), "," | ")" | "]"))
            .cloned()
            .collect();
        value(&rest)
    };
    for name in WIDE {
        match (of(&before, name), of(&after, name)) {
            (Some(one), Some(other)) if other > one => {
                return Some(format!(
                    "the tolerance `{name}` was widened from {one} to {other}"
                ));
            }
            (None, Some(other)) if other > 1e-6 && name != "abs" => {
                return Some(format!("a tolerance `{name}` of {other} was added"));
            }
            _ => {}
        }
    }
    for name in NARROW {
        if let (Some(one), Some(other)) = (of(&before, name), of(&after, name))
            && other < one
        {
            return Some(format!("`{name}` went from {one} to {other}"));
        }
    }
    // A third argument without a name: `toBeCloseTo(x, 5)`, `assertAlmostEqual(a, b, 7)`, `InDelta(t, a, b, 0.1)`.
    let last = |claim: &Claim| claim.rest.last().and_then(|tokens| value(tokens));
    match (last(old), last(new)) {
        (Some(one), Some(other)) if one != other => {
            let places = one.fract() == 0.0 && other.fract() == 0.0 && one >= 1.0;
            let wider = if places { other < one } else { other > one };
            wider.then(|| format!("the tolerance went from {one} to {other}"))
        }
        _ => None,
    }
}

/// `in (1,)` became `in (1, 2)`.
fn more_choices(old: &[String], new: &[String]) -> bool {
    let choices = |tokens: &[String]| -> Option<Vec<String>> {
        let open = tokens.first()?;
        if !matches!(open.as_str(), "(" | "[" | "{") || tokens.len() < 2 {
            return None;
        }
        Some(
            split(&tokens[1..tokens.len() - 1], ",")
                .into_iter()
                .filter(|part| !part.is_empty())
                .map(<[String]>::concat)
                .collect(),
        )
    };
    match (choices(old), choices(new)) {
        (Some(old), Some(new)) => new.len() > old.len() && old.iter().all(|one| new.contains(one)),
        _ => false,
    }
}

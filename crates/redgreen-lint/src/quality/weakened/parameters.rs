//! Parameter sets that are gone: `parametrize` lists, `#[case(…)]`, `it.each([…])`.

use super::tokens::{closing, split, tokens};
use crate::quality::model::TestModel;
use std::collections::BTreeSet;

/// Reports parameter sets of the old version that the new one lacks without others in their place.
pub(super) fn compare(
    (old_text, old): (&str, &TestModel),
    (new_text, new): (&str, &TestModel),
    found: &mut impl FnMut(String, String, String),
) {
    let sets = |text: &str, test: &TestModel| -> Option<Vec<String>> {
        let whole = text.get(test.span.clone())?;
        sets_of(&tokens(head(whole)))
    };
    let (Some(before), Some(after)) = (sets(old_text, old), sets(new_text, new)) else {
        return;
    };
    if after.len() >= before.len() {
        return;
    }
    let kept: BTreeSet<&String> = after.iter().collect();
    let gone: Vec<&String> = before.iter().filter(|set| !kept.contains(set)).collect();
    let count = before.len() - after.len();
    if gone.is_empty() {
        return;
    }
    found(
        gone.iter()
            .map(|set| set.as_str())
            .collect::<Vec<_>>()
            .join(", "),
        String::new(),
        if count == 1 {
            "a parameter set is gone".to_owned()
        } else {
            format!("{count} parameter sets are gone")
        },
    );
}

/// Decorators, attributes and the line of the test: what is below may hold brackets of its own.
fn head(text: &str) -> &str {
    let end = [
        "\ndef ",
        "\nasync def ",
        "\n    def ",
        "\n    async def ",
        "fn ",
    ]
    .iter()
    .filter_map(|word| text.find(word))
    .min();
    end.map_or(text, |end| &text[..end])
}

fn sets_of(all: &[String]) -> Option<Vec<String>> {
    let mut sets = Vec::new();
    let mut any = false;
    for (at, token) in all.iter().enumerate() {
        let open = at + 1;
        let is_call = all.get(open).is_some_and(|next| next == "(");
        if !is_call {
            continue;
        }
        let Some(close) = closing(all, open) else {
            continue;
        };
        let inside = &all[open + 1..close];
        match token.as_str() {
            "parametrize" => {
                // A list by name is elsewhere: nothing is known of it.
                let list = split(inside, ",").get(1).copied()?;
                let list = match list {
                    [name, equals, rest @ ..] if name == "argvalues" && equals == "=" => rest,
                    list => list,
                };
                sets.extend(elements(list)?);
                any = true;
            }
            "each" => {
                sets.extend(elements(split(inside, ",").first().copied()?)?);
                any = true;
            }
            "case" | "test_case" => {
                sets.push(inside.concat());
                any = true;
            }
            _ => {}
        }
    }
    any.then_some(sets)
}

fn elements(list: &[String]) -> Option<Vec<String>> {
    let open = list.first()?;
    if !matches!(open.as_str(), "[" | "(" | "{") || closing(list, 0) != Some(list.len() - 1) {
        return None;
    }
    Some(
        split(&list[1..list.len() - 1], ",")
            .into_iter()
            .filter(|part| !part.is_empty())
            .map(|part| part.join(" "))
            .collect(),
    )
}

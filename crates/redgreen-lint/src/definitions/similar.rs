//! Names that one could have meant.

/// Longer names are not compared: nobody mistypes them by hand, and the distance is quadratic.
const LONGEST: usize = 120;

/// Pairs that differ by little and mean different things on purpose.
const OPPOSITES: [(&str, &str); 14] = [
    ("get", "set"),
    ("get", "let"),
    ("encode", "decode"),
    ("encrypt", "decrypt"),
    ("min", "max"),
    ("inc", "dec"),
    ("import", "export"),
    ("include", "exclude"),
    ("row", "col"),
    ("lower", "upper"),
    ("push", "pull"),
    ("lock", "unlock"),
    ("pack", "unpack"),
    ("is", "as"),
];

/// The candidate that `name` most probably is a slip of: at most two edits away (insertion, deletion, substitution,
/// transposition), at most one below five letters, none below three; or its twin in case, underscores or plural.
/// `None` when nothing is close, or when the difference is meant: digits (`v1`, `v2`) and opposites (`get`, `set`).
pub fn similar_name<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let letters = name.chars().count();
    if letters == 0 || letters > LONGEST {
        return None;
    }
    let most = match letters {
        0..=2 => 0,
        3..=4 => 1,
        _ => 2,
    };
    let folded = fold(name);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let other = candidate.chars().count();
        if candidate == name || other > LONGEST || other == 0 {
            continue;
        }
        let distance = if is_twin(&folded, &fold(candidate)) {
            0
        } else if other.abs_diff(letters) > most || is_meant(name, candidate) {
            continue;
        } else {
            strsim::damerau_levenshtein(name, candidate)
        };
        // A short candidate is as easily hit by chance as a short name.
        let allowed = if other <= 2 {
            0
        } else if other < 5 {
            most.min(1)
        } else {
            most
        };
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn fold(name: &str) -> String {
    name.chars()
        .filter(|c| *c != '_')
        .flat_map(char::to_lowercase)
        .collect()
}

/// Equal but for case, underscores or plural.
fn is_twin(left: &str, right: &str) -> bool {
    let plural = |one: &str, many: &str| {
        one.len() >= 3
            && (many.strip_suffix('s') == Some(one)
                || many.strip_suffix("es") == Some(one)
                || (one.strip_suffix('y').is_some()
                    && many.strip_suffix("ies") == one.strip_suffix('y')))
    };
    left == right || plural(left, right) || plural(right, left)
}

/// Whether two close names differ on purpose.
fn is_meant(left: &str, right: &str) -> bool {
    let without_digits =
        |name: &str| -> String { name.chars().filter(|c| !c.is_ascii_digit()).collect() };
    if without_digits(left) == without_digits(right) {
        return true;
    }
    let (left, right) = (words(left), words(right));
    left.len() == right.len()
        && left.iter().zip(&right).any(|(a, b)| {
            OPPOSITES
                .iter()
                .any(|(one, two)| (a == one && b == two) || (a == two && b == one))
        })
}

/// `getItem_two` as `get`, `item`, `two`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower_before = false;
    for character in name.chars() {
        if character == '_' || (character.is_uppercase() && lower_before) {
            words.push(String::new());
        }
        if character != '_'
            && let Some(word) = words.last_mut()
        {
            word.extend(character.to_lowercase());
        }
        lower_before = character.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

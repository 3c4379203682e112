//! Reading rustc's sentences.

/// The texts between back-ticks.
#[must_use]
pub fn quoted(text: &str) -> Vec<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The segments of a path, without generic arguments.
#[must_use]
pub fn segments(path: &str) -> Vec<String> {
    path.trim_start_matches("::")
        .split("::")
        .map(|part| part.split('<').next().unwrap_or(part).trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}

/// Whether a type as rustc prints it is of the language or the standard library's prelude.
#[must_use]
pub fn is_standard_type(name: &str) -> bool {
    let name = name
        .trim_start_matches(['&', '*'])
        .trim_start_matches("'static ")
        .trim_start_matches("mut ");
    let head: String = name
        .chars()
        .take_while(|c| *c == ':' || *c == '_' || c.is_alphanumeric())
        .collect();
    name.starts_with(['(', '[', '{'])
        || head.starts_with("std::")
        || head.starts_with("core::")
        || head.starts_with("alloc::")
        || matches!(
            head.as_str(),
            "String"
                | "str"
                | "Vec"
                | "Option"
                | "Result"
                | "Box"
                | "Rc"
                | "Arc"
                | "HashMap"
                | "HashSet"
                | "BTreeMap"
                | "BTreeSet"
                | "bool"
                | "char"
                | "i8"
                | "i16"
                | "i32"
                | "i64"
                | "i128"
                | "isize"
                | "u8"
                | "u16"
                | "u32"
                | "u64"
                | "u128"
                | "usize"
                | "f32"
                | "f64"
        )
}

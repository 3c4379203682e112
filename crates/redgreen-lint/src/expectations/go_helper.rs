//! Go text that is added to changed test files: what reports a place, and what makes another value of a value.
//!
//! Names carry a suffix per file, because the files of a package share their names. Imports stand on the line of the
//! package clause, so that every line keeps its number.

use super::{SITES_VARIABLE, Seed};
use crate::syntax::children;
use tree_sitter::Node;

/// The name of a helper in the file with this suffix.
pub(crate) fn name(what: &str, suffix: &str) -> String {
    format!("redgreen{what}{suffix}")
}

/// Where the imports are put in: behind the package clause.
pub(crate) fn imports_at(root: Node<'_>) -> Option<usize> {
    children(root)
        .into_iter()
        .find(|node| node.kind() == "package_clause")
        .map(|node| node.end_byte())
}

/// The imports of the helpers.
pub(crate) fn imports(suffix: &str, reflect: bool) -> String {
    let more = if reflect {
        format!("; import redgreenReflect{suffix} \"reflect\"")
    } else {
        String::new()
    };
    format!("; import redgreenOs{suffix} \"os\"{more}")
}

/// The function that reports a place.
pub(crate) fn report(suffix: &str) -> String {
    include_str!("go_report.go.txt")
        .replace("SITES_VARIABLE", SITES_VARIABLE)
        .replace("_SUFFIX", suffix)
}

/// Everything that changed expectations need.
pub(super) fn all(suffix: &str, seed: &Seed, as_is: bool) -> String {
    report(suffix)
        + &include_str!("go_other.go.txt")
            .replace("_SUFFIX", suffix)
            .replace("@AS_IS@", if as_is { "true" } else { "false" })
            .replace("@OFFSET@", &seed.offset().to_string())
            .replace("@WORD@", seed.word())
}

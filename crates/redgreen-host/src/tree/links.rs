//! Whether a symbolic link leads out of its tree.

use redgreen_core::id::RelPath;
use std::collections::{BTreeMap, VecDeque};

/// Links that a path may pass through before it counts as a loop, as in path_resolution(7).
const MOST_HOPS: usize = 40;

/// Whether the link at `at` with this target stays inside the tree, followed through the tree's other `links`
/// (path to target). A link to something that does not exist inside the tree stays inside; a loop does not.
#[must_use]
pub fn link_stays_inside(links: &BTreeMap<RelPath, String>, at: &RelPath, target: &str) -> bool {
    let mut place: Vec<String> = at.parent().map_or_else(Vec::new, |folder| {
        folder.as_str().split('/').map(str::to_owned).collect()
    });
    let mut ahead: VecDeque<String> = target.split('/').map(str::to_owned).collect();
    if target.is_empty() || target.starts_with('/') || target.contains('\0') {
        return false;
    }
    let mut hops = 0;
    while let Some(part) = ahead.pop_front() {
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                if place.pop().is_none() {
                    return false;
                }
                continue;
            }
            _ => place.push(part),
        }
        if place.len() == 1 && place[0].eq_ignore_ascii_case(".git") {
            return false;
        }
        let next = RelPath::new(place.join("/"))
            .ok()
            .and_then(|path| links.get(&path));
        if let Some(next) = next {
            hops += 1;
            if hops > MOST_HOPS || next.starts_with('/') {
                return false;
            }
            place.pop();
            for part in next.rsplit('/') {
                ahead.push_front(part.to_owned());
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c1_links_are_followed_through_other_links_and_may_not_leave_the_tree() {
        let rel = |path: &str| RelPath::new(path).unwrap();
        let links: BTreeMap<RelPath, String> = [
            ("a/deep", "../b/c"),
            ("out", ".."),
            ("abs", "/etc"),
            ("loop", "loop"),
        ]
        .into_iter()
        .map(|(path, target)| (rel(path), target.to_owned()))
        .collect();
        let inside = |at: &str, target: &str| link_stays_inside(&links, &rel(at), target);
        assert!(inside("x", "src/a.py"));
        assert!(inside("a/x", "../b/y"));
        assert!(inside("a/x", "deep/../../z"));
        assert!(inside("x", "not/there"));
        for (at, target) in [
            ("x", "../y"),
            ("a/x", "../../y"),
            ("x", "/etc/passwd"),
            ("x", ""),
            ("x", ".git/config"),
            ("x", "out/y"),
            ("x", "abs/passwd"),
            ("x", "loop"),
            ("a/x", "deep/../../../y"),
        ] {
            assert!(!inside(at, target), "{at} -> {target}");
        }
    }
}

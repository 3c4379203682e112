//! From the titles a runner reports to the items that stand in the files.
//!
//! An item is named by the titles around it and its own, joined by `::`, as they stand in the text: `cart::adds ${n}` or
//! `cart::adds %i`. Such a title stands for many cases. Two tests with one name in one file are `name` and `name#2`.

use redgreen_core::id::{CaseId, ItemId, RelPath, RunnerName, visible_name};
use redgreen_core::test_item::TestItem;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// The items of a tree by file, and what was seen of each.
pub struct Names<'a> {
    by_file: BTreeMap<&'a RelPath, Vec<Known<'a>>>,
    runner: Option<&'a RunnerName>,
    seen: BTreeMap<(RelPath, String), u32>,
}

struct Known<'a> {
    item: &'a TestItem,
    /// Its name without the ordinal.
    base: &'a str,
    /// Which of those with this name, from 1.
    ordinal: u32,
    pattern: Option<Pattern>,
}

struct Pattern {
    form: Regex,
    /// How many characters of it are no place holders.
    plain: usize,
}

static HOLDERS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\$\{(?:[^{}]|\{[^{}]*\})*\}|\$[A-Za-z_#][\w.]*|%(?:\.\d+)?[sdifjoOpc#$]|%%").ok()
});

/// A title with place holders as a pattern; `None` for one without.
fn pattern(name: &str) -> Option<Pattern> {
    let holders = HOLDERS.as_ref()?;
    let (mut form, mut plain, mut at) = (String::from("(?s)^"), 0, 0);
    for found in holders.find_iter(name) {
        let before = &name[at..found.start()];
        form.push_str(&regex::escape(before));
        plain += before.len();
        form.push_str(if found.as_str() == "%%" { "%" } else { ".*?" });
        at = found.end();
    }
    if at == 0 {
        return None;
    }
    form.push_str(&regex::escape(&name[at..]));
    form.push('$');
    plain += name.len() - at;
    Some(Pattern {
        form: Regex::new(&form).ok()?,
        plain,
    })
}

/// The titles of a test as one name.
#[must_use]
pub fn joined(path: &[String], name: &str) -> String {
    let parts: Vec<String> = path
        .iter()
        .map(String::as_str)
        .chain([name])
        .map(|title| {
            let shown = visible_name(title.trim());
            if shown.is_empty() {
                "(no title)".to_owned()
            } else {
                shown
            }
        })
        .collect();
    parts.join("::")
}

impl<'a> Names<'a> {
    /// The items of a tree.
    #[must_use]
    pub fn new(items: &'a [TestItem], runner: Option<&'a RunnerName>) -> Self {
        let mut by_file: BTreeMap<&RelPath, Vec<Known<'_>>> = BTreeMap::new();
        let all: BTreeSet<(&RelPath, &str)> = items
            .iter()
            .map(|item| (&item.id.path, item.id.item.as_str()))
            .collect();
        for item in items {
            let name = item.id.item.as_str();
            // A title may end like that by itself.
            let numbered = name
                .rsplit_once('#')
                .and_then(|(base, number)| Some((base, number.parse::<u32>().ok()?)))
                .filter(|(base, number)| *number > 1 && all.contains(&(&item.id.path, *base)));
            let (base, ordinal) = numbered.unwrap_or((name, 1));
            by_file.entry(&item.id.path).or_default().push(Known {
                item,
                base,
                ordinal,
                pattern: pattern(base),
            });
        }
        Self {
            by_file,
            runner,
            seen: BTreeMap::new(),
        }
    }

    /// Whether a file holds items.
    #[must_use]
    pub fn has(&self, file: &RelPath) -> bool {
        self.by_file.contains_key(file)
    }

    /// The items of a file.
    pub fn of_file(&self, file: &RelPath) -> impl Iterator<Item = &'a TestItem> {
        self.by_file
            .get(file)
            .into_iter()
            .flatten()
            .map(|known| known.item)
    }

    /// The identity of the next case with these titles. `below` are the titles of subtests, `project` that of a workspace.
    pub fn case(
        &mut self,
        file: &RelPath,
        full: &str,
        line: Option<u32>,
        below: &[String],
        project: &str,
    ) -> CaseId {
        let (item, mut case) = self.item(file, full, line, below.is_empty());
        for title in below {
            case.push_str(" > ");
            case.push_str(&visible_name(title.trim()));
        }
        if !project.is_empty() {
            case.push_str(&format!(" ({project})"));
        }
        let count = self
            .seen
            .entry((file.clone(), format!("{}\0{case}", item.item)))
            .or_insert(0);
        *count += 1;
        if *count > 1 {
            case.push_str(&format!("#{count}"));
        }
        CaseId { item, case }
    }

    fn item(
        &mut self,
        file: &RelPath,
        full: &str,
        line: Option<u32>,
        itself: bool,
    ) -> (ItemId, String) {
        let known = self.by_file.get(file).map_or(&[][..], Vec::as_slice);
        let within = |known: &&Known<'_>| {
            line.is_some_and(|line| (known.item.line..=known.item.end_line).contains(&line))
        };
        let exact: Vec<&Known<'_>> = known.iter().filter(|known| known.base == full).collect();
        if let [one] = exact[..] {
            return (one.item.id.clone(), String::new());
        }
        if let Some(first) = exact.first() {
            let by_line: Vec<&&Known<'_>> = exact.iter().filter(|known| within(known)).collect();
            if let [one] = by_line[..] {
                return (one.item.id.clone(), String::new());
            }
            // One after the other, as the runner reports them.
            let count = self
                .seen
                .entry((file.clone(), format!("\0{full}")))
                .or_insert(0);
            if itself {
                *count += 1;
            }
            let at = (*count).max(1);
            let one = exact
                .iter()
                .find(|known| known.ordinal == at)
                .unwrap_or(first);
            return (one.item.id.clone(), String::new());
        }
        let mut fitting: Vec<(&Known<'_>, usize)> = known
            .iter()
            .filter_map(|known| {
                let pattern = known.pattern.as_ref()?;
                pattern
                    .form
                    .is_match(full)
                    .then_some((known, pattern.plain))
            })
            .collect();
        if fitting.iter().any(|(known, _)| within(known)) {
            fitting.retain(|(known, _)| within(known));
        }
        // The one that says most; of equals the first in the file.
        match fitting.iter().rev().max_by_key(|(_, plain)| *plain) {
            Some((known, _)) => (known.item.id.clone(), format!("[{full}]")),
            None => {
                let id = ItemId {
                    runner: self.runner.cloned(),
                    path: file.clone(),
                    item: full.to_owned(),
                };
                (id, String::new())
            }
        }
    }
}

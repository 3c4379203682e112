//! Changed expectations (SPEC C7, standard): the same tests with other expected values must fail.

use super::super::context::{Context, Environments, Setting, adapter};
use super::super::proposal::text_of;
use super::super::red::{all_items, merged};
use super::super::trees::{SITES, TreeOnDisk, of_runner, reported};
use crate::error::Failure;
use redgreen_core::gate::{
    ChangedSite, ExpectationControl, ExpectationInput, empty_tests, judge_expectations,
};
use redgreen_core::id::{ItemId, RelPath};
use redgreen_core::run_report::RunReport;
use redgreen_host::path_rules::PathClass;
use redgreen_host::runner::{Runner, RunnerKind, Selection};
use redgreen_host::tree::Snapshot;
use redgreen_lint::Language;
use redgreen_lint::expectations::{Change, Seed, Site, mutate_as};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How often places that do not compile are taken out before the rest of their files is.
const ROUNDS: usize = 6;

/// What a control may take beside ten times the tests themselves: mostly for building them.
const LONGEST_START: Duration = Duration::from_secs(180);

/// What the control is asked.
pub struct Asked<'a> {
    /// The repository and private state.
    pub context: &'a Context,
    /// The configuration of the tree.
    pub setting: &'a Setting,
    /// The environments of the gate.
    pub environments: &'a Environments,
    /// The runners.
    pub runners: &'a [Box<dyn Runner>],
    /// The tree in which every test passed.
    pub tree: &'a Snapshot,
    /// The tests.
    pub items: &'a [ItemId],
    /// The tests by criterion.
    pub groups: &'a [(String, Vec<ItemId>)],
    /// Whether every criterion needs a controlled test.
    pub required: bool,
    /// Whether a person said that tests may compare with what equals every value of a type.
    pub loose_accepted: bool,
    /// How long the tests took without changes, in milliseconds: a control may take longer, but not for ever.
    pub usual_ms: u64,
    /// Where other values come from.
    pub seed: &'a Seed,
}

/// Places that are left as they are, by file: they do not compile with another value.
pub(super) type LeftOut = BTreeMap<RelPath, BTreeSet<String>>;

/// What the control established, and how its text was changed.
pub struct Established {
    /// The judgement.
    pub control: ExpectationControl,
    /// What did not compile.
    pub left_out: LeftOut,
}

/// One run with other expected values.
struct Controlled {
    sites: Vec<ChangedSite>,
    run: Option<RunReport>,
    left_out: LeftOut,
}

/// Runs tests that passed with other expected values.
///
/// A control that cannot be run (a changed file does not compile, the runner could not start) controls nothing; it never
/// turns a pass into a failure.
///
/// # Errors
/// A failure when a file cannot be read or the tree cannot be written.
pub fn changed_expectations(asked: &Asked<'_>) -> Result<Established, Failure> {
    // Only these runners give changed places somewhere to report to.
    let own: Vec<ItemId> = asked
        .runners
        .iter()
        .filter(|runner| match runner.settings().kind {
            RunnerKind::Pytest
            | RunnerKind::CargoTest
            | RunnerKind::GoTest
            | RunnerKind::NodeTest
            | RunnerKind::Vitest
            | RunnerKind::Jest
            | RunnerKind::Mocha => true,
            RunnerKind::Junit => false,
        })
        .flat_map(|runner| of_runner(asked.items.iter(), runner.as_ref()))
        .collect();
    let controlled = run_changed(asked, &own, Change::SameType)?;
    let empty: Vec<ItemId> = empty_tests(asked.items, &controlled.sites, controlled.run.as_ref())
        .into_iter()
        .map(|(item, _)| item.clone())
        .collect();
    let loose = loose(asked, &empty)?;
    let control = judge_expectations(&ExpectationInput {
        items: asked.items,
        groups: asked.groups,
        sites: &controlled.sites,
        run: controlled.run.as_ref(),
        loose: &loose,
        required: asked.required,
        loose_accepted: asked.loose_accepted,
    });
    Ok(Established {
        control,
        left_out: controlled.left_out,
    })
}

/// Of tests that passed with another value of the same type, those that pass with yet another one, which stands nowhere in
/// the text, and fail with an object that nothing knows: what they compare is made to equal many values, such as a matcher.
/// What took its answer from the text is wrong with the first, and what equals everything is right with the second. Only
/// asked where something would be rejected.
fn loose(asked: &Asked<'_>, empty: &[ItemId]) -> Result<BTreeSet<ItemId>, Failure> {
    let python: Vec<ItemId> = empty
        .iter()
        .filter(|item| Language::of(&item.path) == Some(Language::Python))
        .cloned()
        .collect();
    if python.is_empty() {
        return Ok(BTreeSet::new());
    }
    let still_empty = |items: &[ItemId], change| -> Result<BTreeSet<ItemId>, Failure> {
        let again = run_changed(asked, items, change)?;
        Ok(empty_tests(items, &again.sites, again.run.as_ref())
            .into_iter()
            .map(|(item, _)| item.clone())
            .collect())
    };
    let many: Vec<ItemId> = still_empty(&python, Change::AtRuntime)?
        .into_iter()
        .collect();
    if many.is_empty() {
        return Ok(BTreeSet::new());
    }
    let everything = still_empty(&many, Change::Alien)?;
    Ok(many
        .into_iter()
        .filter(|item| !everything.contains(item))
        .collect())
}

/// The changed files, and every place in them.
pub(super) struct Changed {
    pub(super) tree: Snapshot,
    pub(super) sites: Vec<(RelPath, Site)>,
}

pub(super) fn change_files(
    asked: &Asked<'_>,
    items: &[ItemId],
    change: Change,
    without: &LeftOut,
) -> Result<Changed, Failure> {
    // Another value that stands nowhere in the text is another one than the first, too.
    let seed = match change {
        Change::SameType | Change::AsIs => asked.seed.clone(),
        Change::AtRuntime | Change::Alien => asked.seed.again(),
    };
    let repository = &asked.context.repository;
    let mut by_file: BTreeMap<RelPath, Vec<ItemId>> = BTreeMap::new();
    for item in items {
        by_file
            .entry(item.path.clone())
            .or_default()
            .push(item.clone());
    }
    for path in helpers(asked, &by_file)? {
        by_file.entry(path).or_default();
    }
    let mut changed = Changed {
        tree: asked.tree.clone(),
        sites: Vec::new(),
    };
    let nothing = BTreeSet::new();
    for (path, items) in by_file {
        let (Some(language), Some(text)) =
            (Language::of(&path), text_of(asked.tree, repository, &path)?)
        else {
            continue;
        };
        let off = without.get(&path).unwrap_or(&nothing);
        let Ok(mutated) = mutate_as(language, &text, &items, Some(&path), (change, &seed), off)
        else {
            continue;
        };
        if mutated.sites.is_empty() {
            continue;
        }
        changed
            .sites
            .extend(mutated.sites.into_iter().map(|site| (path.clone(), site)));
        changed.tree = changed
            .tree
            .with(repository, path, mutated.text.into_bytes());
    }
    Ok(changed)
}

/// Other files of test code that the tests may call: named in one of them, or a `conftest.py`.
fn helpers(
    asked: &Asked<'_>,
    by_file: &BTreeMap<RelPath, Vec<ItemId>>,
) -> Result<Vec<RelPath>, Failure> {
    let repository = &asked.context.repository;
    let mut texts = Vec::new();
    for path in by_file.keys() {
        if let Some(text) = text_of(asked.tree, repository, path)? {
            texts.push(text);
        }
    }
    let languages: BTreeSet<Language> = by_file.keys().filter_map(Language::of).collect();
    Ok(asked
        .tree
        .files()
        .keys()
        .filter(|path| {
            !by_file.contains_key(*path)
                && Language::of(path).is_some_and(|language| languages.contains(&language))
                && (asked.setting.rules.class(path) == PathClass::Test
                    || path.file_name() == "conftest.py")
        })
        .filter(|path| {
            let stem = match path.file_name() {
                "conftest.py" => return true,
                "mod.rs" | "__init__.py" => path
                    .parent()
                    .map(|folder| folder.file_name().to_owned())
                    .unwrap_or_default(),
                name => name.split('.').next().unwrap_or(name).to_owned(),
            };
            !stem.is_empty() && texts.iter().any(|text| text.contains(&stem))
        })
        .cloned()
        .collect())
}

fn run_changed(asked: &Asked<'_>, items: &[ItemId], change: Change) -> Result<Controlled, Failure> {
    let mut without = LeftOut::new();
    let mut round = 0;
    loop {
        let changed = change_files(asked, items, change, &without)?;
        if changed.sites.is_empty() {
            return Ok(Controlled {
                sites: Vec::new(),
                run: None,
                left_out: without,
            });
        }
        if round == 0 {
            asked
                .context
                .printer
                .talk(format!("{:<8}the same with other expected values", "GREEN"));
        }
        let (run, reports) = run_once(asked, items, &changed)?;
        let failed = run.as_ref().map_or_else(BTreeSet::new, |run| {
            not_compiling(run, &changed.sites, round + 2 >= ROUNDS)
        });
        round += 1;
        if failed.is_empty() || round >= ROUNDS {
            return Ok(Controlled {
                sites: attribute(items, &changed.sites, &reports),
                run,
                left_out: without,
            });
        }
        for (path, site) in failed {
            without.entry(path).or_default().insert(site);
        }
    }
}

/// The places that keep a file from being compiled or loaded: those on a line that is complained about, or every place of
/// the files where no line tells.
fn not_compiling(
    run: &RunReport,
    sites: &[(RelPath, Site)],
    whole_files: bool,
) -> BTreeSet<(RelPath, String)> {
    let mut found = BTreeSet::new();
    for failure in &run.load_failures {
        let mut on_lines = BTreeSet::new();
        for cause in &failure.causes {
            for (path, site) in sites {
                if cause.file.as_ref() == Some(path) && cause.line == Some(site.line) {
                    on_lines.insert((path.clone(), site.id.clone()));
                }
            }
        }
        if on_lines.is_empty() || whole_files {
            let files: BTreeSet<&RelPath> = failure
                .files
                .iter()
                .chain(
                    failure
                        .causes
                        .iter()
                        .filter_map(|cause| cause.file.as_ref()),
                )
                .collect();
            found.extend(
                sites
                    .iter()
                    .filter(|(path, _)| files.contains(path))
                    .map(|(path, site)| (path.clone(), site.id.clone())),
            );
        }
        found.append(&mut on_lines);
    }
    found
}

/// What the places reported: site (with `+` where the test went on) and the runner's name of the test.
pub(super) type Reported = BTreeSet<(String, String)>;

pub(super) fn run_once(
    asked: &Asked<'_>,
    items: &[ItemId],
    changed: &Changed,
) -> Result<(Option<RunReport>, Reported), Failure> {
    let context = asked.context;
    let files: BTreeSet<&RelPath> = changed.sites.iter().map(|(path, _)| path).collect();
    let shared = changed.sites.iter().any(|(_, site)| site.item.is_none());
    // Where only tests' own places are changed, tests in other files cannot notice anything.
    let wanted: Vec<&ItemId> = items
        .iter()
        .filter(|item| shared || files.contains(&item.path))
        .collect();
    let on_disk = TreeOnDisk::build(context, asked.setting, &changed.tree, "green")?;
    let folder = on_disk.scratch(SITES);
    let mut run: Option<RunReport> = None;
    let limit = Duration::from_millis(asked.usual_ms.saturating_mul(10)) + LONGEST_START;
    for runner in asked.runners {
        let mut settings = runner.settings().clone();
        settings.timeout = settings.timeout.min(limit);
        let runner = adapter(&settings);
        let own = of_runner(wanted.iter().copied(), runner.as_ref());
        if own.is_empty() {
            continue;
        }
        let known = all_items(
            context,
            asked.setting,
            &changed.tree,
            runner.settings().kind,
        )?;
        let report = on_disk.run_reporting(
            context,
            asked.setting,
            asked.environments,
            runner.as_ref(),
            &Selection::Items(own),
            &known,
            "green-run",
            Some((&folder, asked.seed)),
        );
        if let Ok(report) = report {
            run = Some(merged(run, report));
        }
    }
    let reports = reported(&folder)
        .lines()
        .map(|line| {
            let (site, test) = line.split_once('\t').unwrap_or((line, ""));
            (site.to_owned(), test.to_owned())
        })
        .collect();
    Ok((run, reports))
}

/// The item that a runner's name of a test stands for: pytest's node id with its phase, or the id of a case.
fn item_named<'a>(items: &'a [ItemId], name: &str) -> Option<&'a ItemId> {
    let name = ["(setup)", "(call)", "(teardown)"]
        .iter()
        .find_map(|phase| name.strip_suffix(phase))
        .unwrap_or(name)
        .trim_end();
    let (path, item) = name.split_once("::")?;
    // Go: a test names itself, and no file.
    if path.is_empty() {
        let top = item.split('/').next().unwrap_or(item);
        let method = item.split('/').nth(1);
        return items.iter().find(|known| {
            known.item == top
                || known
                    .item
                    .split_once('.')
                    .is_some_and(|(_, name)| Some(name) == method)
        });
    }
    let item = item.split('[').next().unwrap_or(item);
    let path = path.rsplit_once(':').map_or(path, |(_, path)| path);
    items.iter().find(|known| {
        known.item == item
            && (known.path.as_str() == path || known.path.as_str().ends_with(&format!("/{path}")))
    })
}

/// What each place reported, by the test it belongs to or was called from.
fn attribute(items: &[ItemId], sites: &[(RelPath, Site)], reported: &Reported) -> Vec<ChangedSite> {
    let mut by_site: BTreeMap<&str, Vec<(bool, Option<&ItemId>)>> = BTreeMap::new();
    for (site, test) in reported {
        let (went_on, site) = site
            .strip_prefix('+')
            .map_or((false, site.as_str()), |site| (true, site));
        by_site
            .entry(site)
            .or_default()
            .push((went_on, item_named(items, test)));
    }
    let mut found = Vec::new();
    for (path, site) in sites {
        let reports = by_site.get(site.id.as_str()).map_or(&[][..], Vec::as_slice);
        let of = |item: &ItemId| {
            let own = || {
                reports
                    .iter()
                    .filter(|(_, test)| test.is_none_or(|test| test == item))
            };
            // A value whose type is not known to the helper reports only that the test went on: nothing was changed.
            let evaluated = own().any(|(went_on, _)| !went_on);
            ChangedSite {
                id: site.id.clone(),
                item: item.clone(),
                path: path.clone(),
                line: site.line,
                decisive: site.decisive,
                certain: site.certain && site.item.is_some(),
                evaluated,
                reached: own().next().is_some(),
                went_on: evaluated && own().any(|(went_on, _)| *went_on),
            }
        };
        match &site.item {
            Some(item) => found.push(of(item)),
            None => {
                let callers: BTreeSet<&ItemId> =
                    reports.iter().filter_map(|(_, test)| *test).collect();
                found.extend(callers.into_iter().map(of));
            }
        }
    }
    found
}

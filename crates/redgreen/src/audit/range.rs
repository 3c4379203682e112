//! Which changes an audit judges: commits of a range along first parents, a branch, or a whole range as one change.

use crate::error::Failure;
use crate::referee::context::git_failure;
use redgreen_host::git::{Commit, GitErrorKind, Head, Repository};

/// How many commits are looked at where nothing says how many.
const LAST: usize = 10;

/// A change to judge.
#[derive(Debug, Clone)]
pub struct Change {
    /// The commit it is compared with.
    pub base: String,
    /// The commit it ends with.
    pub head: String,
    /// Its commits, oldest first.
    pub commits: Vec<Commit>,
}

/// What was asked, resolved.
#[derive(Debug)]
pub struct Asked {
    /// As it was asked for, or what was assumed.
    pub text: String,
    /// The commit before the first change: policy is read from it.
    pub base: String,
    /// The last commit.
    pub head: String,
    /// The changes, oldest first.
    pub changes: Vec<Change>,
    /// Whether the whole range is one change.
    pub whole: bool,
    /// What is worth saying.
    pub notes: Vec<String>,
}

/// Resolves what was asked.
///
/// # Errors
/// A failure when there is no such range, or a shallow clone lacks what is needed.
pub fn resolve(
    repository: &Repository,
    range: Option<&str>,
    merge_base: Option<&str>,
    whole: bool,
) -> Result<Asked, Failure> {
    let (text, commits) = match (range, merge_base) {
        (_, Some(branch)) => {
            let base = common(repository, branch, "HEAD")?;
            let text = format!("{branch}...HEAD");
            (text, listed(repository, &format!("{base}..HEAD"), None)?)
        }
        (Some(range), None) => asked(repository, range)?,
        (None, None) => assumed(repository)?,
    };
    let mut notes = Vec::new();
    let head = match commits.first() {
        Some(commit) => commit.oid.clone(),
        None => {
            return Err(Failure::usage(
                format!("there is no commit in `{text}`"),
                "name a range with commits, such as: redgreen audit HEAD~5..",
            ));
        }
    };
    let mut changes = Vec::new();
    let mut first = None;
    for commit in commits.into_iter().rev() {
        let Some(parent) = commit.parents.first().cloned() else {
            notes.push(format!(
                "{} is the first commit: there is nothing to compare it with",
                short(&commit.oid)
            ));
            continue;
        };
        if !repository.has(&parent).map_err(git_failure)? {
            return Err(shallow(&commit.oid));
        }
        let first = first.get_or_insert_with(|| parent.clone());
        // A merge of the branch that the range leaves out: what it brings was judged there.
        let brought = commit.parents.iter().skip(1).any(|other| {
            repository
                .is_ancestor(other, first)
                .is_ok_and(|is_ancestor| is_ancestor)
        });
        let from_elsewhere =
            commit.parents.len() > 1 && (brought || merges_the_default_branch(repository, &commit));
        if from_elsewhere && !whole && merge_base.is_none() {
            notes.push(format!(
                "{} merges the branch that this one came from: not judged",
                short(&commit.oid)
            ));
            continue;
        }
        changes.push(Change {
            base: parent,
            head: commit.oid.clone(),
            commits: vec![commit],
        });
    }
    let base = first.unwrap_or_else(|| head.clone());
    let whole = whole || merge_base.is_some();
    if whole && !changes.is_empty() {
        let commits = changes
            .into_iter()
            .flat_map(|change| change.commits)
            .collect();
        changes = vec![Change {
            base: base.clone(),
            head: head.clone(),
            commits,
        }];
    }
    Ok(Asked {
        text,
        base,
        head,
        changes,
        whole,
        notes,
    })
}

fn shallow(commit: &str) -> Failure {
    Failure::not_ready(
        format!(
            "this clone is shallow: what {} is compared with is not here",
            short(commit)
        ),
        "fetch the rest: git fetch --unshallow (in CI: check out with the whole history, `fetch-depth: 0`)",
    )
}

/// The first ten digits of a commit.
#[must_use]
pub fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

/// `Merge branch 'main' into topic`: the merged side is the branch that others merge into.
fn merges_the_default_branch(repository: &Repository, commit: &Commit) -> bool {
    let Ok(Some((_, tip))) = repository.default_branch() else {
        return false;
    };
    let on_default = |oid: &str| repository.is_ancestor(oid, &tip).unwrap_or(false);
    !on_default(&commit.oid) && commit.parents.iter().skip(1).all(|oid| on_default(oid))
}

fn listed(
    repository: &Repository,
    range: &str,
    most: Option<usize>,
) -> Result<Vec<Commit>, Failure> {
    repository.first_parents(range, most).map_err(|error| {
        let mut failure = git_failure(error.clone());
        if error.kind == GitErrorKind::NoSuchRevision && !repository.is_shallow() {
            failure.exit = redgreen_core::exit::ExitCode::Usage;
        }
        failure
    })
}

fn common(repository: &Repository, branch: &str, head: &str) -> Result<String, Failure> {
    let here = branch_commit(repository, branch)?;
    match repository.merge_base(&here, head).map_err(git_failure)? {
        Some(base) => Ok(base),
        None if repository.is_shallow() => Err(shallow(head)),
        None => Err(Failure::usage(
            format!("`{branch}` and `{head}` have no commit in common"),
            "name the branch that this one came from",
        )),
    }
}

/// A branch as people name it: `main` may be here only as `origin/main`.
fn branch_commit(repository: &Repository, branch: &str) -> Result<String, Failure> {
    repository
        .resolve(branch)
        .or_else(|error| {
            repository
                .resolve(&format!("refs/remotes/origin/{branch}"))
                .map_err(|_| error)
        })
        .map_err(|error| {
            let shallow = repository.is_shallow();
            let mut failure = git_failure(error);
            if shallow {
                failure.help = format!(
                    "this clone is shallow and may lack it: git fetch --unshallow origin {branch}"
                );
            } else {
                failure.exit = redgreen_core::exit::ExitCode::Usage;
            }
            failure
        })
}

fn asked(repository: &Repository, range: &str) -> Result<(String, Vec<Commit>), Failure> {
    if range.starts_with('-') {
        return Err(Failure::usage(
            format!("`{range}` is no range"),
            "name it as `base..head`, a branch or a commit",
        ));
    }
    if let Some((one, other)) = range.split_once("...") {
        let other = if other.is_empty() { "HEAD" } else { other };
        let one = if one.is_empty() { "HEAD" } else { one };
        let base = common(repository, one, other)?;
        let commits = listed(repository, &format!("{base}..{other}"), None)?;
        return Ok((range.to_owned(), commits));
    }
    if let Some((from, to)) = range.split_once("..") {
        // `HEAD~20..` of a younger history means all of it.
        let back = from
            .strip_prefix("HEAD~")
            .and_then(|count| count.parse::<usize>().ok());
        if let Some(count) = back
            && (to.is_empty() || to == "HEAD")
            && !repository.is_shallow()
        {
            return Ok((range.to_owned(), listed(repository, "HEAD", Some(count))?));
        }
        return Ok((range.to_owned(), listed(repository, range, None)?));
    }
    let heads = repository
        .refs(&format!("refs/heads/{range}"))
        .map_err(git_failure)?;
    let remotes = repository
        .refs(&format!("refs/remotes/{range}"))
        .map_err(git_failure)?;
    if heads.is_empty() && remotes.is_empty() {
        return Ok((range.to_owned(), listed(repository, range, Some(1))?));
    }
    over(repository, range, range)
}

/// The commits of a branch over the branch it came from; the last ten where that is itself.
fn over(repository: &Repository, rev: &str, name: &str) -> Result<(String, Vec<Commit>), Failure> {
    let upstream = repository
        .upstream_of(name)
        .map_err(git_failure)?
        .and_then(|upstream| Some((upstream.clone(), repository.resolve(&upstream).ok()?)));
    let default = repository.default_branch().map_err(git_failure)?;
    // What a branch was pushed to says less than where it came from.
    for (other, tip) in default.into_iter().chain(upstream) {
        let base = repository.merge_base(&tip, rev).map_err(git_failure)?;
        let Some(base) = base else { continue };
        let commits = listed(repository, &format!("{base}..{rev}"), None)?;
        if !commits.is_empty() {
            let short = other
                .trim_start_matches("refs/remotes/")
                .trim_start_matches("refs/heads/");
            return Ok((format!("{short}..{name}"), commits));
        }
    }
    let commits = listed(repository, rev, Some(LAST))?;
    Ok((
        format!("the last {} commits of {name}", commits.len()),
        commits,
    ))
}

fn assumed(repository: &Repository) -> Result<(String, Vec<Commit>), Failure> {
    match repository.head().map_err(git_failure)? {
        Head::Branch { name, .. } => {
            let short = name.trim_start_matches("refs/heads/").to_owned();
            over(repository, "HEAD", &short)
        }
        Head::Detached(_) => over(repository, "HEAD", "HEAD"),
        Head::Unborn { .. } => Err(Failure::usage(
            "the repository has no commit yet",
            "commit something first",
        )),
    }
}

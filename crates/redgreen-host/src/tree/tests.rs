use super::*;
use crate::git::tests::{git, sample};
use std::os::unix::fs::PermissionsExt as _;

fn rel(path: &str) -> RelPath {
    RelPath::new(path).unwrap()
}

fn paths_below(dir: &std::path::Path) -> Vec<String> {
    let mut out = Vec::new();
    let mut queue = vec![dir.to_owned()];
    while let Some(folder) = queue.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                queue.push(entry.path());
            }
            out.push(
                entry
                    .path()
                    .strip_prefix(dir)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned(),
            );
        }
    }
    out.sort();
    out
}

#[test]
fn c1_a_materialised_tree_is_the_commit_with_changes_and_nothing_else() {
    let folder = sample();
    let dir = folder.path();
    let repository = Repository::open(dir).unwrap();
    let other = "1".repeat(40);
    git(
        dir,
        &[
            "update-index",
            "--add",
            "--cacheinfo",
            &format!("160000,{other},vendor/lib"),
        ],
    );
    git(dir, &["commit", "-q", "-m", "submodule"]);
    let snapshot = Snapshot::of_commit(&repository, "HEAD")
        .unwrap()
        .with(&repository, rel("src/new/b.py"), b"b\n".to_vec())
        .with(&repository, rel("run.sh"), b"#!/bin/sh\nexit 1\n".to_vec())
        .without(&rel("tests/test_a.py"));
    let target = tempfile::tempdir().unwrap();
    let tree = target.path().join("tree");
    // Poison that `git worktree add` and `git archive` fall for.
    std::fs::create_dir_all(dir.join(".git/info")).unwrap();
    std::fs::write(
        dir.join(".git/info/attributes"),
        "* filter=evil\n* export-ignore\n",
    )
    .unwrap();
    git(dir, &["config", "filter.evil.smudge", "echo evil"]);
    let done = materialise(&snapshot, &repository, &tree).unwrap();
    // The submodule is not on this machine: an empty folder, and named.
    let left: Vec<&str> = done.left_out.iter().map(|l| l.path.as_str()).collect();
    assert_eq!(left, ["vendor/lib"]);
    assert_eq!(
        paths_below(&tree),
        [
            "deep",
            "deep/er",
            "deep/er/still",
            "deep/er/still/ü x.txt",
            "link.py",
            "run.sh",
            "src",
            "src/a.py",
            "src/new",
            "src/new/b.py",
            "vendor",
            "vendor/lib"
        ]
    );
    let read = |path: &str| std::fs::read_to_string(tree.join(path)).unwrap();
    assert_eq!(read("src/a.py"), "def a():\n    return 1\n");
    assert_eq!(read("link.py"), read("src/a.py"));
    assert_eq!(read("run.sh"), "#!/bin/sh\nexit 1\n");
    let mode = |path: &str| tree.join(path).metadata().unwrap().permissions().mode() & 0o111;
    assert_ne!(mode("run.sh"), 0);
    assert_eq!(mode("src/a.py"), 0);
    let again = materialise(&snapshot, &repository, &tree).unwrap_err();
    assert!(again.to_string().contains("not empty"), "{again}");

    let written = snapshot.git_tree(&repository).unwrap();
    assert_eq!(repository.listing(&written).unwrap(), snapshot.listing());
}

#[test]
fn c1_a_link_that_leads_out_of_the_tree_is_left_out_and_named() {
    let folder = sample();
    let dir = folder.path();
    std::os::unix::fs::symlink("/etc/passwd", dir.join("abs")).unwrap();
    std::os::unix::fs::symlink("../outside", dir.join("src/up")).unwrap();
    std::os::unix::fs::symlink("../../outside", dir.join("src/out")).unwrap();
    git(dir, &["add", "-A"]);
    git(dir, &["commit", "-q", "-m", "links"]);
    let repository = Repository::open(dir).unwrap();
    let snapshot = Snapshot::of_commit(&repository, "HEAD").unwrap();
    let target = tempfile::tempdir().unwrap();
    let done = materialise(&snapshot, &repository, target.path()).unwrap();
    let left: Vec<&str> = done.left_out.iter().map(|l| l.path.as_str()).collect();
    assert_eq!(left, ["abs", "src/out"]);
    assert!(target.path().join("src/up").is_symlink());
    assert!(!target.path().join("abs").is_symlink());
}

#[test]
fn c1_a_damaged_object_stops_the_tree() {
    let folder = sample();
    let dir = folder.path();
    let repository = Repository::open(dir).unwrap();
    let snapshot = Snapshot::of_commit(&repository, "HEAD").unwrap();
    let oid = snapshot.get(&rel("tests/test_a.py")).unwrap().oid.clone();
    let source = snapshot.get(&rel("src/a.py")).unwrap().oid.clone();
    let at = |oid: &str| dir.join(".git/objects").join(&oid[..2]).join(&oid[2..]);
    std::fs::remove_file(at(&oid)).unwrap();
    std::fs::copy(at(&source), at(&oid)).unwrap();
    let target = tempfile::tempdir().unwrap();
    let error = materialise(&snapshot, &repository, target.path()).unwrap_err();
    assert!(error.to_string().contains(&oid), "{error}");
    assert!(error.hint().contains("git fsck"));
}

#[test]
fn b4_the_content_digest_leaves_out_redgreens_own_files_and_the_plan() {
    let folder = sample();
    let repository = Repository::open(folder.path()).unwrap();
    let plan = rel("docs/plans/x.json");
    let base = Snapshot::of_commit(&repository, "HEAD").unwrap();
    let digest = |snapshot: &Snapshot| content_digest(snapshot, std::slice::from_ref(&plan));
    let with = |path: &str| base.clone().with(&repository, rel(path), b"x".to_vec());
    assert_eq!(digest(&base), digest(&with(".redgreen/locks/T1.json")));
    assert_eq!(digest(&base), digest(&with("docs/plans/x.json")));
    assert_ne!(digest(&base), digest(&with("docs/plans/y.json")));
    assert_ne!(digest(&base), digest(&with("src/a.py")));
    let bytes = base.bytes(&repository, &rel("src/a.py")).unwrap().to_vec();
    assert_eq!(
        digest(&base),
        digest(&base.clone().with(&repository, rel("src/a.py"), bytes))
    );
}

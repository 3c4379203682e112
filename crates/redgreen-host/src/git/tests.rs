#![expect(
    clippy::disallowed_methods,
    reason = "the sample repositories are made by plain git, as a user would"
)]

use super::*;
use crate::git::object::ObjectKind;
use redgreen_core::id::RelPath;
use redgreen_core::tree::{Entry, Mode};
use std::process::Command;

/// Runs plain git as an agent or user would, with the repository's own configuration in force.
pub(crate) fn git(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "Ann")
        .env("GIT_AUTHOR_EMAIL", "ann@example.org")
        .env("GIT_COMMITTER_NAME", "Ann")
        .env("GIT_COMMITTER_EMAIL", "ann@example.org")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository with one commit: a source, a test, a script, a link, a folder in a folder.
pub(crate) fn sample() -> tempfile::TempDir {
    sample_with(&["init", "-q", "-b", "main"])
}

fn sample_with(init: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    git(dir, init);
    for (path, text) in [
        ("src/a.py", "def a():\n    return 1\n"),
        ("tests/test_a.py", "assert True\n"),
        ("run.sh", "#!/bin/sh\n"),
        ("deep/er/still/ü x.txt", "deep\n"),
    ] {
        let path = dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    std::os::unix::fs::symlink("src/a.py", dir.join("link.py")).unwrap();
    git(dir, &["add", "-A"]);
    git(dir, &["update-index", "--chmod=+x", "run.sh"]);
    git(dir, &["checkout", "-q", "--", "."]);
    git(dir, &["commit", "-q", "-m", "first"]);
    folder
}

fn rel(path: &str) -> RelPath {
    RelPath::new(path).unwrap()
}

fn file(oid: &str) -> Option<Entry> {
    Some(Entry {
        mode: Mode::File,
        oid: oid.to_owned(),
    })
}

#[test]
fn c1_a_listing_is_what_git_lists_in_both_object_formats_and_from_a_sub_folder() {
    for format in ["--object-format=sha1", "--object-format=sha256"] {
        let folder = sample_with(&["init", "-q", "-b", "main", format]);
        let dir = folder.path();
        let repository = Repository::open(&dir.join("deep/er")).unwrap();
        assert_eq!(repository.top_level(), dir.canonicalize().unwrap());
        let ours: Vec<String> = repository
            .listing("HEAD")
            .unwrap()
            .iter()
            .map(|(path, entry)| format!("{} blob {}\t{path}", entry.mode.octal(), entry.oid))
            .collect();
        let theirs = git(dir, &["-c", "core.quotepath=off", "ls-tree", "-r", "HEAD"]);
        let mut theirs: Vec<&str> = theirs.lines().collect();
        theirs.sort_by_key(|line| line.split('\t').nth(1));
        assert_eq!(ours, theirs);
        let entry = &repository.listing("HEAD").unwrap()[&rel("src/a.py")];
        let bytes = repository.read_blob(&entry.oid).unwrap();
        assert_eq!(bytes, b"def a():\n    return 1\n");
        assert_eq!(repository.blob_id(&bytes), entry.oid);
    }
}

#[test]
fn g7_head_and_linked_worktrees() {
    let folder = sample();
    let dir = folder.path();
    let repository = Repository::open(dir).unwrap();
    let oid = git(dir, &["rev-parse", "HEAD"]);
    assert_eq!(
        repository.head().unwrap(),
        Head::Branch {
            name: "main".into(),
            oid: oid.clone()
        }
    );
    let other = tempfile::tempdir().unwrap();
    let tree = other.path().join("tree");
    git(
        dir,
        &["worktree", "add", "-q", "--detach", tree.to_str().unwrap()],
    );
    let linked = Repository::open(&tree).unwrap();
    assert_eq!(linked.head().unwrap(), Head::Detached(oid.clone()));
    assert_eq!(linked.common_dir(), repository.common_dir());
    assert_ne!(linked.git_dir(), repository.git_dir());
    assert_eq!(linked.listing("HEAD"), repository.listing(&oid));
    let empty = tempfile::tempdir().unwrap();
    git(empty.path(), &["init", "-q", "-b", "trunk"]);
    let unborn = Repository::open(empty.path()).unwrap();
    assert_eq!(
        unborn.head().unwrap(),
        Head::Unborn {
            name: "trunk".into()
        }
    );
    let missing = unborn.resolve("HEAD").unwrap_err();
    assert_eq!(missing.kind, GitErrorKind::NoSuchRevision);
}

#[test]
fn g10_what_is_no_usable_repository_is_one_clear_error_each() {
    let folder = tempfile::tempdir().unwrap();
    let kind = |dir: &Path| Repository::open(dir).unwrap_err().kind;
    assert_eq!(kind(folder.path()), GitErrorKind::NotARepository);
    git(folder.path(), &["init", "-q", "--bare", "bare"]);
    assert_eq!(kind(&folder.path().join("bare")), GitErrorKind::Bare);
    let sample = sample();
    assert_eq!(kind(&sample.path().join(".git")), GitErrorKind::Bare);
    assert!(Repository::open(&folder.path().join("nowhere")).is_err());
}

#[test]
fn g10_a_repository_of_another_user_names_the_command_that_trusts_it() {
    let folder = sample();
    // git's own switch for its test suite makes it refuse as it refuses a foreign owner.
    let refused = Command::new("git")
        .args(["rev-parse", "--show-toplevel"])
        .current_dir(folder.path())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
        .output()
        .unwrap();
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    let error = GitError::open(folder.path(), &said);
    assert_eq!(error.kind, GitErrorKind::OtherOwner, "{said}");
    let hint = format!("safe.directory {}", folder.path().display());
    assert!(error.hint.contains(&hint), "{}", error.hint);
}

#[test]
fn g10_a_name_that_is_not_utf8_is_named() {
    let folder = sample();
    let dir = folder.path();
    let name = OsStr::from_bytes(b"caf\xe9.txt");
    std::fs::write(dir.join(name), "x").unwrap();
    git(dir, &["add", "-A"]);
    git(dir, &["commit", "-q", "-m", "bad name"]);
    let error = Repository::open(dir).unwrap().listing("HEAD").unwrap_err();
    assert_eq!(error.kind, GitErrorKind::BadName);
    assert!(error.what.contains("caf\u{fffd}.txt"), "{error}");
}

#[test]
fn c1_poison_replace_refs_are_not_followed() {
    let folder = sample();
    let dir = folder.path();
    let good = git(dir, &["rev-parse", "HEAD:src/a.py"]);
    std::fs::write(dir.join("evil"), "evil\n").unwrap();
    let evil = git(dir, &["hash-object", "-w", "evil"]);
    git(dir, &["replace", &good, &evil]);
    assert_eq!(git(dir, &["cat-file", "-p", &good]), "evil");
    let repository = Repository::open(dir).unwrap();
    let bytes = repository.read_blob(&good).unwrap();
    assert_eq!(bytes, b"def a():\n    return 1\n");
}

/// Overwrites a loose object with the bytes of another one.
fn overwrite(dir: &Path, victim: &str, with: &str) {
    let at = |oid: &str| dir.join(".git/objects").join(&oid[..2]).join(&oid[2..]);
    std::fs::remove_file(at(victim)).unwrap();
    std::fs::copy(at(with), at(victim)).unwrap();
}

#[test]
fn c1_poison_overwritten_loose_objects_are_detected_and_named() {
    let folder = sample();
    let dir = folder.path();
    let blob = git(dir, &["rev-parse", "HEAD:src/a.py"]);
    std::fs::write(dir.join("evil"), "evil\n").unwrap();
    let evil = git(dir, &["hash-object", "-w", "evil"]);
    overwrite(dir, &blob, &evil);
    assert_eq!(git(dir, &["cat-file", "-p", &blob]), "evil");
    let repository = Repository::open(dir).unwrap();
    let error = repository.read_blob(&blob).unwrap_err();
    assert_eq!(error.kind, GitErrorKind::ObjectDamaged);
    assert!(error.what.contains(&blob) && error.what.contains(&evil));
    // The same with a tree: it would list other files under the same commit.
    let tests = git(dir, &["rev-parse", "HEAD:tests"]);
    let source = git(dir, &["rev-parse", "HEAD:src"]);
    overwrite(dir, &tests, &source);
    let error = repository.listing("HEAD").unwrap_err();
    assert_eq!(error.kind, GitErrorKind::ObjectDamaged);
    assert!(error.what.contains(&tests));
}

#[test]
fn c1_poison_hooks_and_attribute_filters_do_not_run() {
    let folder = sample();
    let dir = folder.path();
    let ran = dir.join("ran");
    let hook = |name: &str| {
        let path = dir.join(".git/hooks").join(name);
        std::fs::write(&path, format!("#!/bin/sh\necho x >> {}\n", ran.display())).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
    };
    for name in [
        "reference-transaction",
        "post-index-change",
        "pre-commit",
        "post-commit",
    ] {
        hook(name);
    }
    std::fs::create_dir_all(dir.join(".git/info")).unwrap();
    std::fs::write(dir.join(".git/info/attributes"), "* filter=evil\n").unwrap();
    let command = format!("sh -c 'echo x >> {}; echo evil'", ran.display());
    git(dir, &["config", "filter.evil.clean", &command]);
    git(dir, &["config", "filter.evil.smudge", &command]);
    git(dir, &["config", "core.fsmonitor", &command]);

    assert!(!ran.exists());
    let repository = Repository::open(dir).unwrap();
    assert!(!ran.exists());
    let oid = repository.write_blob(b"new\n").unwrap();
    assert!(!ran.exists());
    assert_eq!(repository.read_blob(&oid).unwrap(), b"new\n");
    let change = [(rel("src/new.py"), file(&oid))];
    let tree = repository.write_tree(Some("HEAD"), &change).unwrap();
    let commit = repository.commit_tree(&request(&tree, &[])).unwrap();
    repository
        .update_ref("refs/heads/x", &commit, None)
        .unwrap();
    assert!(!ran.exists());
    repository.update_index_paths(&change).unwrap();
    assert!(!ran.exists());
    std::fs::write(dir.join("src/a.py"), "changed\n").unwrap();
    assert!(
        repository
            .status_dirty_paths()
            .unwrap()
            .contains(&rel("src/a.py"))
    );
    assert!(!ran.exists(), "{}", std::fs::read_to_string(&ran).unwrap());
    // What `redgreen take` makes for a person.
    let taken = tempfile::tempdir().unwrap();
    let folder = taken.path().join("work");
    repository.add_worktree(&folder, "taken", &commit).unwrap();
    assert_eq!(
        std::fs::read_to_string(folder.join("src/new.py")).unwrap(),
        "new\n"
    );
    assert!(!ran.exists(), "{}", std::fs::read_to_string(&ran).unwrap());
}

fn request<'a>(tree: &'a str, parents: &'a [Oid]) -> CommitRequest<'a> {
    static ANN: std::sync::OnceLock<Identity> = std::sync::OnceLock::new();
    CommitRequest {
        tree,
        parents,
        message: "feat: x\n\nbody\n\nRedgreen-Lock: T1 sha256:00\n",
        identity: ANN.get_or_init(|| Identity {
            name: "Ann".into(),
            email: "ann@example.org".into(),
        }),
        sign_off: true,
        signing: Signing::Never,
    }
}

#[test]
fn g7_trees_and_commits_are_written_without_touching_the_users_index() {
    let folder = sample();
    let dir = folder.path();
    let repository = Repository::open(dir).unwrap();
    let head = repository.resolve("HEAD").unwrap();
    let oids = repository.write_blobs(&[b"one", b"two"]).unwrap();
    // A file becomes a folder, a folder a file, one goes away.
    let changes = [
        (rel("run.sh/inner"), file(&oids[0])),
        (rel("run.sh"), None),
        (rel("deep/er/still/ü x.txt"), None),
        (rel("deep"), file(&oids[1])),
    ];
    let tree = repository.write_tree(Some(&head), &changes).unwrap();
    let listing = repository.listing(&tree).unwrap();
    let paths: Vec<&str> = listing.keys().map(RelPath::as_str).collect();
    assert_eq!(
        paths,
        [
            "deep",
            "link.py",
            "run.sh/inner",
            "src/a.py",
            "tests/test_a.py"
        ]
    );
    let commit = repository
        .commit_tree(&request(&tree, std::slice::from_ref(&head)))
        .unwrap();
    let read = repository.commit(&commit).unwrap();
    assert_eq!(read.parents, std::slice::from_ref(&head));
    assert_eq!(read.tree, tree);
    assert_eq!(read.author, "Ann <ann@example.org>");
    assert_eq!(read.subject(), "feat: x");
    assert_eq!(read.trailers("Redgreen-Lock"), ["T1 sha256:00"]);
    assert_eq!(read.trailers("signed-off-by"), ["Ann <ann@example.org>"]);
    assert_eq!(git(dir, &["status", "--porcelain"]), "");
    let range = repository.commits(&format!("{head}..{commit}")).unwrap();
    assert_eq!(range, [read]);
    assert!(repository.is_ancestor(&head, &commit).unwrap());
    assert!(!repository.is_ancestor(&commit, &head).unwrap());
    assert_eq!(repository.merge_base(&commit, &head).unwrap(), Some(head));
}

#[test]
fn g7_a_reference_is_only_moved_from_the_expected_value() {
    let folder = sample();
    let repository = Repository::open(folder.path()).unwrap();
    let head = repository.resolve("HEAD").unwrap();
    let tree = repository.tree_of("HEAD").unwrap();
    let other = repository
        .commit_tree(&request(&tree, std::slice::from_ref(&head)))
        .unwrap();
    let name = "refs/redgreen/x";
    repository.update_ref(name, &head, None).unwrap();
    let lost = repository.update_ref(name, &other, None).unwrap_err();
    assert_eq!(lost.kind, GitErrorKind::LostRace);
    let lost = repository
        .update_ref(name, &head, Some(&other))
        .unwrap_err();
    assert_eq!(lost.kind, GitErrorKind::LostRace);
    repository.update_ref(name, &other, Some(&head)).unwrap();
    assert_eq!(repository.refs("refs/redgreen/").unwrap()[name], other);
    let lost = repository.delete_ref(name, &head).unwrap_err();
    assert_eq!(lost.kind, GitErrorKind::LostRace);
    repository.delete_ref(name, &other).unwrap();
    assert!(repository.refs("refs/redgreen/").unwrap().is_empty());
}

#[test]
fn g6_only_the_given_paths_of_the_users_index_change() {
    let folder = sample();
    let dir = folder.path();
    std::fs::write(dir.join("staged.txt"), "staged\n").unwrap();
    git(dir, &["add", "staged.txt"]);
    let repository = Repository::open(dir).unwrap();
    let oid = repository.write_blob(b"locked\n").unwrap();
    let change = [(rel("tests/test_b.py"), file(&oid))];
    repository.update_index_paths(&change).unwrap();
    assert_eq!(
        git(dir, &["diff", "--cached", "--name-only"]),
        "staged.txt\ntests/test_b.py"
    );
    std::fs::write(dir.join(".git/index.lock"), "").unwrap();
    let error = repository.update_index_paths(&change).unwrap_err();
    assert_eq!(error.kind, GitErrorKind::Locked);
}

#[test]
fn g7_a_missing_identity_names_the_command_that_sets_it() {
    let folder = sample();
    let dir = folder.path();
    git(dir, &["config", "user.name", "Bo Li"]);
    git(dir, &["config", "user.email", ""]);
    let repository = Repository::open(dir).unwrap();
    let error = repository.identity().unwrap_err();
    assert_eq!(error.kind, GitErrorKind::NoIdentity);
    assert!(
        error.hint.contains("git config --global user.email"),
        "{}",
        error.hint
    );
    git(dir, &["config", "user.email", "bo@example.org"]);
    let identity = repository.identity().unwrap();
    assert_eq!(identity.name, "Bo Li");
    assert_eq!(identity.email, "bo@example.org");
}

#[test]
fn g7_commits_are_signed_when_configured_and_a_failure_is_told() {
    let folder = sample();
    let dir = folder.path();
    let key = dir.join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status();
    assert!(made.unwrap().success(), "this test needs `ssh-keygen`");
    git(dir, &["config", "gpg.format", "ssh"]);
    git(dir, &["config", "user.signingKey", key.to_str().unwrap()]);
    git(dir, &["config", "commit.gpgSign", "true"]);
    let repository = Repository::open(dir).unwrap();
    let tree = repository.tree_of("HEAD").unwrap();
    let mut request = request(&tree, &[]);
    request.signing = Signing::AsConfigured;
    let signed = repository.commit_tree(&request).unwrap();
    assert!(git(dir, &["cat-file", "-p", &signed]).contains("BEGIN SSH SIGNATURE"));
    std::fs::remove_file(&key).unwrap();
    let error = repository.commit_tree(&request).unwrap_err();
    assert_eq!(error.kind, GitErrorKind::SigningFailed, "{error}");
    request.signing = Signing::Never;
    assert!(repository.commit_tree(&request).is_ok());
}

#[test]
fn c1_a_missing_object_and_a_wrong_kind_are_named() {
    let folder = sample();
    let repository = Repository::open(folder.path()).unwrap();
    let absent = "1".repeat(40);
    let error = repository.read_blob(&absent).unwrap_err();
    assert_eq!(error.kind, GitErrorKind::ObjectMissing);
    assert!(error.what.contains(&absent));
    let tree = repository.tree_of("HEAD").unwrap();
    let error = repository.read_blob(&tree).unwrap_err();
    assert_eq!(error.kind, GitErrorKind::ObjectDamaged);
    assert_eq!(
        repository.object_format().id_of(ObjectKind::Blob, b""),
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    );
}

#[test]
fn h3_an_object_that_was_read_and_verified_is_not_read_again() {
    let folder = sample();
    let dir = folder.path();
    let repository = Repository::open(dir).unwrap();
    let oid = git(dir, &["rev-parse", "HEAD:run.sh"]);
    let bytes = repository.read_blob(&oid).unwrap();
    std::fs::remove_file(dir.join(".git/objects").join(&oid[..2]).join(&oid[2..])).unwrap();
    assert_eq!(repository.read_blob(&oid).unwrap(), bytes);
    // A kind that does not fit is refused from memory, too; another process reads for itself.
    let tree = repository.tree_of("HEAD").unwrap();
    assert!(repository.read_blobs(&[oid.clone(), tree]).is_err());
    assert!(Repository::open(dir).unwrap().read_blob(&oid).is_err());
}

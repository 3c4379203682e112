use super::*;
use crate::git::tests::{git, sample};
use std::os::unix::ffi::OsStrExt as _;

fn rel(path: &str) -> RelPath {
    RelPath::new(path).unwrap()
}

struct Sample {
    folder: tempfile::TempDir,
    repository: Repository,
    base: Snapshot,
}

impl Sample {
    fn new(ignore: &str) -> Self {
        let folder = sample();
        let dir = folder.path();
        std::fs::write(dir.join(".gitignore"), ignore).unwrap();
        std::fs::create_dir_all(dir.join("build")).unwrap();
        std::fs::write(dir.join("build/kept.txt"), "kept\n").unwrap();
        git(dir, &["add", "-A", "-f"]);
        git(dir, &["commit", "-q", "-m", "ignore"]);
        let repository = Repository::open(dir).unwrap();
        let base = Snapshot::of_commit(&repository, "HEAD").unwrap();
        Self {
            folder,
            repository,
            base,
        }
    }
    fn dir(&self) -> &Path {
        self.folder.path()
    }
    fn write(&self, path: &str, text: &str) {
        let path = self.dir().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    fn read(&self) -> Candidate {
        read_candidate(&self.repository, &self.base, self.dir()).unwrap()
    }
    fn irregular(&self) -> Vec<(String, IrregularKind)> {
        let irregular = self.read().irregular.into_iter();
        irregular.map(|found| (found.path, found.kind)).collect()
    }
    fn changed(&self) -> Vec<String> {
        let read = self.read();
        redgreen_core::tree::changes(&self.base.listing(), &read.snapshot.listing())
            .into_iter()
            .map(|(path, kind)| format!("{kind:?} {path}"))
            .collect()
    }
}

#[test]
fn c1_an_untouched_checkout_is_its_base() {
    let sample = Sample::new("build/\n*.log\n");
    let read = sample.read();
    assert_eq!(read.snapshot, sample.base);
    assert_eq!(read.irregular, []);
}

#[test]
fn c1_every_change_is_seen_also_with_the_times_and_sizes_of_the_original() {
    let sample = Sample::new("build/\n*.log\n");
    let dir = sample.dir();
    let path = dir.join("src/a.py");
    let time = path.metadata().unwrap().modified().unwrap();
    sample.write("src/a.py", "def a():\n    return 2\n");
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(time).unwrap();
    git(dir, &["update-index", "--skip-worktree", "tests/test_a.py"]);
    sample.write("tests/test_a.py", "assert 1\n");
    sample.write("new/b.py", "b\n");
    std::fs::set_permissions(
        dir.join("run.sh"),
        std::os::unix::fs::PermissionsExt::from_mode(0o644),
    )
    .unwrap();
    std::fs::remove_file(dir.join("deep/er/still/ü x.txt")).unwrap();
    sample.write("build/kept.txt", "changed\n");
    sample.write("build/ignored.txt", "x\n");
    sample.write("some.log", "x\n");
    assert_eq!(
        sample.changed(),
        [
            "Modified build/kept.txt",
            "Deleted deep/er/still/ü x.txt",
            "Added new/b.py",
            "Modified run.sh",
            "Modified src/a.py",
            "Modified tests/test_a.py",
        ]
    );
    let read = sample.read();
    let bytes = read.snapshot.bytes(&sample.repository, &rel("new/b.py"));
    assert_eq!(&*bytes.unwrap(), b"b\n");
}

#[test]
fn c1_only_the_ignore_rules_of_the_base_count() {
    let sample = Sample::new("*.log\n!keep.log\nout/\n/top.txt\n");
    let dir = sample.dir();
    // The candidate's own rules, its clone's exclude file and its configuration would hide the steering file.
    sample.write(".gitignore", "*.log\nconftest.py\n");
    sample.write("sub/.gitignore", "*\n");
    std::fs::create_dir_all(dir.join(".git/info")).unwrap();
    std::fs::write(dir.join(".git/info/exclude"), "*.py\n").unwrap();
    for path in [
        "conftest.py",
        "sub/conftest.py",
        "a.log",
        "sub/keep.log",
        "out/x",
        "sub/out/y",
        "top.txt",
        "sub/top.txt",
    ] {
        sample.write(path, "x\n");
    }
    assert_eq!(
        sample.changed(),
        [
            "Modified .gitignore",
            "Added conftest.py",
            "Added sub/.gitignore",
            "Added sub/conftest.py",
            "Added sub/keep.log",
            "Added sub/top.txt",
        ]
    );
}

/// Purpose: a developer's `.venv` that only `.git/info/exclude` names stopped RED with a list of `.pth` files.
#[test]
fn c1_an_environment_or_a_cache_that_says_so_is_no_content() {
    let sample = Sample::new("");
    sample.write(".venv/pyvenv.cfg", "home = /usr/bin\n");
    sample.write(".venv/lib/python3/site-packages/a.pth", "/x\n");
    sample.write(
        "target/CACHEDIR.TAG",
        "Signature: 8a477f597d28d172789f06886806bc55\n# made by cargo\n",
    );
    sample.write("target/debug/x", "x");
    sample.write("fake/CACHEDIR.TAG", "Signature: no\n");
    // A folder with a file of the base in it is content, whatever it says of itself.
    sample.write("src/pyvenv.cfg", "");
    assert_eq!(
        sample.changed(),
        ["Added fake/CACHEDIR.TAG", "Added src/pyvenv.cfg"]
    );
}

#[test]
fn c1_links_special_files_and_odd_names_are_reported_and_never_followed() {
    let sample = Sample::new("venv\n");
    let dir = sample.dir();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "secret\n").unwrap();
    std::os::unix::fs::symlink(outside.path(), dir.join("out")).unwrap();
    std::os::unix::fs::symlink(outside.path(), dir.join("venv")).unwrap();
    std::fs::remove_file(dir.join("link.py")).unwrap();
    std::os::unix::fs::symlink("run.sh", dir.join("link.py")).unwrap();
    // A tracked folder that became a link to a folder with the same names.
    std::fs::rename(dir.join("src"), outside.path().join("src")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("src"), dir.join("src")).unwrap();
    std::fs::hard_link(dir.join("tests/test_a.py"), dir.join("hard.py")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        dir.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(dir.join("socket")).unwrap();
    let odd = std::ffi::OsStr::from_bytes(b"caf\xe9.py");
    std::fs::write(dir.join(odd), "x").unwrap();
    sample.write("a\\b.py", "x");
    sample.write("nested/.git/config", "x");
    let expected = [
        ("a\\b.py", IrregularKind::ForbiddenName),
        ("caf\u{fffd}.py", IrregularKind::NotUtf8),
        ("hard.py", IrregularKind::HardLink),
        ("link.py", IrregularKind::Link),
        ("nested/.git", IrregularKind::NestedRepository),
        ("out", IrregularKind::Link),
        ("pipe", IrregularKind::Special),
        ("socket", IrregularKind::Special),
        ("src", IrregularKind::Link),
    ]
    .map(|(path, kind)| (path.to_owned(), kind));
    assert_eq!(sample.irregular(), expected);
    // The other name of the hard link is unchanged and stays; what lay behind the link is gone.
    assert_eq!(sample.changed(), ["Deleted link.py", "Deleted src/a.py"]);
}

#[test]
fn c1_twins_in_case_or_unicode_form_are_reported_when_they_were_added() {
    let sample = Sample::new("");
    sample.write("SRC/a.py", "shadow\n");
    sample.write("tests/Test_A.py", "x\n");
    sample.write("deep/er/still/u\u{308} x.txt", "decomposed\n");
    sample.write("new/one.py", "x\n");
    sample.write("new/ONE.py", "x\n");
    let twin = |path: &str, of: &str| {
        let kind = IrregularKind::Twin { of: of.to_owned() };
        (path.to_owned(), kind)
    };
    assert_eq!(
        sample.irregular(),
        [
            twin("SRC/a.py", "src/a.py"),
            twin("deep/er/still/u\u{308} x.txt", "deep/er/still/ü x.txt"),
            twin("new/one.py", "new/ONE.py"),
            twin("tests/Test_A.py", "tests/test_a.py"),
        ]
    );
}

#[test]
fn c1_a_file_past_the_memory_limit_is_hashed_and_kept_by_path() {
    let sample = Sample::new("");
    let path = sample.dir().join("large.bin");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(LARGE + 1).unwrap();
    let read = sample.read();
    let large = read.snapshot.get(&rel("large.bin")).unwrap();
    assert_eq!(large.content, Content::Large(path.clone()));
    assert_eq!(large.oid, git(sample.dir(), &["hash-object", "large.bin"]));
    file.set_len(LARGE + 2).unwrap();
    let changed = read.snapshot.bytes(&sample.repository, &rel("large.bin"));
    assert!(matches!(changed, Err(TreeError::Changed { .. })));
}

//! git's own folder as an attack surface (SPEC C1; `reference/trust.md` 1.4): every poison is planted in the user's
//! repository and in an agent's clone. The referee's tree is the clean one, or the read is refused and says what is wrong.

use redgreen_core::id::{Digest, RelPath};
use redgreen_core::tree::changes;
use redgreen_host::clone::init_with_one_commit;
use redgreen_host::git::{CommitRequest, GitError, Identity, Repository, Signing};
use redgreen_host::tree::{Snapshot, content_digest, materialise};
use redgreen_host::walk::read_candidate;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A checkout that a poison is planted in.
struct Place {
    folder: PathBuf,
    /// A folder outside of it.
    side: PathBuf,
}

impl Place {
    fn git(&self, arguments: &[&str]) -> String {
        git(&self.folder, arguments)
    }
    fn dot_git(&self, name: &str) -> PathBuf {
        self.folder.join(".git").join(name)
    }
    fn write(&self, path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fn config(&self, name: &str, value: &str) {
        self.git(&["config", name, value]);
    }
    /// A command line that leaves a mark when anybody runs it.
    fn mark(&self) -> String {
        format!("sh -c 'echo ran >> {}'", self.side.join("ran").display())
    }
    fn script(&self, path: &Path) {
        self.write(path, &format!("#!/bin/sh\n{}\n", self.mark()));
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fn oid(&self, what: &str) -> String {
        self.git(&["rev-parse", what])
    }
    fn evil(&self) -> String {
        let file = self.side.join("evil.py");
        fs::write(&file, "evil = True\n").unwrap();
        self.git(&["hash-object", "-w", file.to_str().unwrap()])
    }
    fn loose(&self, oid: &str) -> PathBuf {
        self.dot_git("objects").join(&oid[..2]).join(&oid[2..])
    }
    /// Puts other bytes under an object id.
    fn overwrite(&self, victim: &str, with: &str) {
        let bytes = fs::read(self.loose(with)).unwrap();
        self.remove(&self.loose(victim));
        fs::write(self.loose(victim), bytes).unwrap();
    }
    fn remove(&self, path: &Path) {
        fs::remove_file(path).unwrap();
    }
    /// Edits a file with the size and times it had.
    fn edit_unseen(&self, path: &str) {
        let file = self.folder.join(path);
        let modified = fs::metadata(&file).unwrap().modified().unwrap();
        let text = fs::read_to_string(&file).unwrap().replace("== 4", "== 5");
        fs::write(&file, text).unwrap();
        let file = fs::File::options().append(true).open(&file).unwrap();
        file.set_modified(modified).unwrap();
    }
    /// A pack with one object, whose index says that it is another one.
    fn pack(&self, content: &str, called: &str) {
        let base = self.side.join("pack");
        let mut child = Command::new("git")
            .args(["pack-objects", "-q", base.to_str().unwrap()])
            .current_dir(&self.folder)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        use std::io::Write as _;
        writeln!(child.stdin.take().unwrap(), "{content}").unwrap();
        let out = child.wait_with_output().unwrap();
        let name = String::from_utf8(out.stdout).unwrap().trim().to_owned();
        let raw: Vec<u8> = (0..20)
            .map(|at| u8::from_str_radix(&called[at * 2..at * 2 + 2], 16).unwrap())
            .collect();
        let mut index = fs::read(self.side.join(format!("pack-{name}.idx"))).unwrap();
        for first in 0..256usize {
            let count = u32::from(first >= usize::from(raw[0]));
            index[8 + first * 4..12 + first * 4].copy_from_slice(&count.to_be_bytes());
        }
        index[8 + 1024..8 + 1024 + 20].copy_from_slice(&raw);
        let packs = self.dot_git("objects/pack");
        fs::create_dir_all(&packs).unwrap();
        fs::write(packs.join(format!("pack-{name}.idx")), index).unwrap();
        fs::copy(
            self.side.join(format!("pack-{name}.pack")),
            packs.join(format!("pack-{name}.pack")),
        )
        .unwrap();
    }
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs(["AUTHOR", "COMMITTER"].map(|role| (format!("GIT_{role}_NAME"), "Ann")))
        .envs(["AUTHOR", "COMMITTER"].map(|role| (format!("GIT_{role}_EMAIL"), "ann@example.org")))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// What is right after a poison.
#[derive(Clone, Copy)]
enum Right {
    /// The tree of the commit and the files are the clean ones.
    Clean,
    /// The tree is the clean one, and this change of a file is seen.
    Seen(&'static str),
    /// Reading is refused: the message contains this (`{blob}` is the id of `tests/test_a.py`).
    Refused(&'static str),
}
use Right::{Clean, Refused, Seen};

type Row = (&'static str, fn(&Place), Right);

const TEST: &str = "tests/test_a.py";

const HOOKS: &[&str] = &[
    "applypatch-msg",
    "commit-msg",
    "fsmonitor-watchman",
    "post-applypatch",
    "post-checkout",
    "post-commit",
    "post-index-change",
    "post-merge",
    "post-rewrite",
    "pre-auto-gc",
    "pre-commit",
    "pre-merge-commit",
    "pre-push",
    "pre-rebase",
    "prepare-commit-msg",
    "proc-receive",
    "push-to-checkout",
    "reference-transaction",
    "sendemail-validate",
];

/// Poisons of repository and clone alike.
const EVERYWHERE: &[Row] = &[
    (
        "every hook",
        |at| {
            for name in HOOKS {
                at.script(&at.dot_git(&format!("hooks/{name}")));
            }
        },
        Clean,
    ),
    (
        "core.hooksPath",
        |at| {
            let folder = at.side.join("hooks");
            for name in HOOKS {
                at.script(&folder.join(name));
            }
            at.config("core.hooksPath", folder.to_str().unwrap());
        },
        Clean,
    ),
    (
        "replace ref of a blob, a tree and the commit",
        |at| {
            let evil = at.evil();
            at.git(&["replace", &at.oid("HEAD:tests/test_a.py"), &evil]);
            at.git(&["replace", &at.oid("HEAD:tests"), &at.oid("HEAD:src")]);
            let other = at.git(&["commit-tree", "-m", "x", &at.oid("HEAD:src")]);
            at.git(&["replace", &at.oid("HEAD"), &other]);
        },
        Clean,
    ),
    (
        "info/attributes with a filter",
        |at| {
            at.write(
                &at.dot_git("info/attributes"),
                "* filter=evil text eol=crlf ident\n",
            );
            for key in ["clean", "smudge", "process"] {
                at.config(&format!("filter.evil.{key}"), &at.mark());
            }
            at.config("filter.evil.required", "true");
        },
        Clean,
    ),
    (
        "core.attributesFile",
        |at| {
            let file = at.side.join("attributes");
            at.write(&file, "tests/** export-ignore filter=evil -text\n");
            at.config("filter.evil.smudge", &at.mark());
            at.config("core.attributesFile", file.to_str().unwrap());
        },
        Clean,
    ),
    (
        "an overwritten loose object",
        |at| {
            let evil = at.evil();
            at.overwrite(&at.oid("HEAD:tests/test_a.py"), &evil);
        },
        Refused("{blob}"),
    ),
    (
        "an alternate with another object under the same id",
        |at| {
            let evil = at.evil();
            let victim = at.oid("HEAD:tests/test_a.py");
            let store = at.side.join("store");
            at.write(&store.join(&victim[..2]).join("x"), "");
            fs::copy(at.loose(&evil), store.join(&victim[..2]).join(&victim[2..])).unwrap();
            at.remove(&at.loose(&victim));
            at.write(
                &at.dot_git("objects/info/alternates"),
                &format!("{}\n", store.display()),
            );
        },
        Refused("{blob}"),
    ),
    (
        "a pack whose index gives an object another one's id",
        |at| {
            let evil = at.evil();
            at.pack(&evil, &at.oid("HEAD:tests/test_a.py"));
        },
        Refused("{blob}"),
    ),
    (
        "a pack with an object that is there already",
        |at| {
            let blob = at.oid("HEAD:tests/test_a.py");
            at.pack(&blob, &blob);
        },
        Clean,
    ),
    (
        "skip-worktree on an edited test",
        |at| {
            at.git(&["update-index", "--skip-worktree", TEST]);
            at.edit_unseen(TEST);
        },
        Seen(TEST),
    ),
    (
        "assume-unchanged on an edited test",
        |at| {
            at.git(&["update-index", "--assume-unchanged", TEST]);
            at.edit_unseen(TEST);
        },
        Seen(TEST),
    ),
    (
        "core.trustctime and core.checkStat, an edit with the same size and time",
        |at| {
            at.config("core.trustctime", "false");
            at.config("core.checkStat", "minimal");
            at.edit_unseen(TEST);
        },
        Seen(TEST),
    ),
    (
        "info/exclude hides a conftest.py",
        |at| {
            at.write(&at.dot_git("info/exclude"), "conftest.py\n");
            at.write(&at.folder.join("tests/conftest.py"), "x = 1\n");
        },
        Seen("tests/conftest.py"),
    ),
    (
        "core.excludesFile hides a conftest.py",
        |at| {
            let file = at.side.join("ignore");
            at.write(&file, "conftest.py\n");
            at.config("core.excludesFile", file.to_str().unwrap());
            at.write(&at.folder.join("conftest.py"), "x = 1\n");
        },
        Seen("conftest.py"),
    ),
    (
        "a .gitignore that hides itself and a conftest.py",
        |at| {
            at.write(
                &at.folder.join("tests/.gitignore"),
                ".gitignore\nconftest.py\n",
            );
            at.write(&at.folder.join("tests/conftest.py"), "x = 1\n");
        },
        Seen("tests/conftest.py"),
    ),
    (
        "include.path with commands",
        |at| {
            let file = at.side.join("config");
            let mark = at.mark();
            at.write(
                &file,
                &format!(
                    "[core]\n\tfsmonitor = \"{mark}\"\n\tsshCommand = \"{mark}\"\n\tgitProxy = \"{mark}\"\n\talternateRefsCommand = \"{mark}\"\n\tpager = \"{mark}\"\n\teditor = \"{mark}\"\n[diff]\n\texternal = \"{mark}\"\n[gpg]\n\tprogram = \"{mark}\"\n[alias]\n\tcat-file = \"!{mark}\"\n\trev-parse = \"!{mark}\"\n"
                ),
            );
            at.config("include.path", file.to_str().unwrap());
        },
        Clean,
    ),
    (
        "core.fsmonitor as a hook and as the daemon",
        |at| {
            at.config("core.fsmonitor", &at.mark());
            at.config("core.untrackedCache", "true");
        },
        Clean,
    ),
    (
        "core.sharedRepository, ignoreCase, precomposeUnicode, fileMode, symlinks, protectHFS",
        |at| {
            for (name, value) in [
                ("core.sharedRepository", "0600"),
                ("core.ignoreCase", "true"),
                ("core.precomposeUnicode", "true"),
                ("core.fileMode", "false"),
                ("core.symlinks", "false"),
                ("core.protectHFS", "true"),
                ("core.protectNTFS", "true"),
                ("core.quotePath", "true"),
                ("core.bigFileThreshold", "1"),
            ] {
                at.config(name, value);
            }
        },
        Clean,
    ),
    (
        "grafts",
        |at| {
            let head = at.oid("HEAD");
            at.write(&at.dot_git("info/grafts"), &format!("{head} {head}\n"));
        },
        Clean,
    ),
    (
        "a shallow file",
        |at| at.write(&at.dot_git("shallow"), &format!("{}\n", at.oid("HEAD"))),
        Clean,
    ),
    (
        "an index with intent-to-add, wrong and missing entries",
        |at| {
            let evil = at.evil();
            at.git(&[
                "update-index",
                "--cacheinfo",
                &format!("100644,{evil},{TEST}"),
            ]);
            at.git(&["update-index", "--force-remove", "src/a.py"]);
            at.write(&at.folder.join("src/b.py"), "b = 1\n");
            at.git(&["add", "-N", "src/b.py"]);
        },
        Seen("src/b.py"),
    ),
    (
        "an index that is no index",
        |at| at.write(&at.dot_git("index"), "DIRC nonsense"),
        Clean,
    ),
    (
        "a branch that is a symbolic reference, and one named like an object",
        |at| {
            let other = at.git(&["commit-tree", "-m", "x", &at.oid("HEAD:src")]);
            let head = at.oid("HEAD");
            at.git(&["update-ref", "refs/heads/other", &other]);
            at.git(&["symbolic-ref", "refs/heads/main", "refs/heads/other"]);
            at.git(&["update-ref", &format!("refs/heads/{head}"), &other]);
            at.git(&["update-ref", &format!("refs/tags/{head}"), &other]);
        },
        Clean,
    ),
    (
        "a HEAD that points elsewhere",
        |at| {
            let other = at.git(&["commit-tree", "-m", "x", &at.oid("HEAD:src")]);
            at.git(&["update-ref", "refs/heads/other", &other]);
            at.git(&["symbolic-ref", "HEAD", "refs/heads/other"]);
        },
        Clean,
    ),
    (
        "a submodule whose update is a command",
        |at| {
            at.config("submodule.lib.update", &format!("!{}", at.mark()));
            at.config("submodule.lib.url", "ext::sh -c 'false'");
            at.config("submodule.recurse", "true");
            at.config("fetch.recurseSubmodules", "true");
        },
        Clean,
    ),
];

/// Poisons that only mean something where the referee uses the repository.
const IN_THE_REPOSITORY: &[Row] = &[
    (
        "a promisor remote with a command, and an object that is missing",
        |at| {
            at.remove(&at.loose(&at.oid("HEAD:tests/test_a.py")));
            at.config("remote.origin.url", &format!("ext::{}", at.mark()));
            at.config("remote.origin.promisor", "true");
            at.config("remote.origin.partialclonefilter", "blob:none");
            at.config("extensions.partialClone", "origin");
            at.config("protocol.ext.allow", "always");
        },
        Refused("{blob}"),
    ),
    (
        "core.worktree elsewhere",
        |at| {
            let other = at.side.join("tree");
            fs::create_dir(&other).unwrap();
            at.config("core.worktree", other.to_str().unwrap());
        },
        Refused("core.worktree"),
    ),
    (
        "core.worktree one folder up",
        |at| at.config("core.worktree", "../.."),
        Refused("core.worktree"),
    ),
    (
        "core.worktree in the configuration of one worktree",
        |at| {
            at.config("extensions.worktreeConfig", "true");
            at.write(
                &at.dot_git("config.worktree"),
                "[core]\n\tworktree = ../..\n",
            );
        },
        Refused("core.worktree"),
    ),
    (
        "core.bare",
        |at| at.config("core.bare", "true"),
        Refused("has no work tree"),
    ),
    (
        "an unknown extension",
        |at| {
            at.config("core.repositoryFormatVersion", "1");
            at.config("extensions.evil", "true");
        },
        Refused("extension"),
    ),
    (
        "another object format",
        |at| {
            at.config("core.repositoryFormatVersion", "1");
            at.config("extensions.objectFormat", "sha256");
        },
        Refused(""),
    ),
    (
        "commondir leads to another repository",
        |at| {
            git(&at.side, &["init", "-q", "other"]);
            let other = at.side.join("other/.git");
            at.write(&at.dot_git("commondir"), &format!("{}\n", other.display()));
        },
        Refused("commondir"),
    ),
    (
        "a .git file that leads to another repository",
        |at| {
            git(&at.side, &["init", "-q", "other"]);
            fs::rename(at.dot_git(""), at.side.join("mine")).unwrap();
            let other = at.side.join("other/.git");
            at.write(
                &at.folder.join(".git"),
                &format!("gitdir: {}\n", other.display()),
            );
        },
        Refused("is not in the repository"),
    ),
    (
        "a .git file that leads to its own repository",
        |at| {
            let mine = at.side.join("mine");
            fs::rename(at.dot_git(""), &mine).unwrap();
            at.write(
                &at.folder.join(".git"),
                &format!("gitdir: {}\n", mine.display()),
            );
        },
        Clean,
    ),
    (
        "a sparse checkout",
        |at| at.git(&["sparse-checkout", "set", "src"]).clear(),
        Clean,
    ),
];

/// What the referee makes of a commit and a folder: digest of the tree, digest of what it writes to disk, changed paths.
fn read(at: &Place, commit: &str, scratch: &Path) -> Result<(Digest, Digest, Vec<String>), String> {
    let text = |error: &GitError| format!("{error} ({})", error.hint);
    let repository = Repository::open(&at.folder).map_err(|error| text(&error))?;
    let tree = Snapshot::of_commit(&repository, commit).map_err(|error| text(&error))?;
    let written = scratch.join("written");
    materialise(&tree, &repository, &written).map_err(|error| error.to_string())?;
    let candidate =
        read_candidate(&repository, &tree, &at.folder).map_err(|error| error.to_string())?;
    let seen = changes(&tree.listing(), &candidate.snapshot.listing())
        .into_iter()
        .map(|(path, _)| path.to_string())
        .collect();
    write(&repository, commit).map_err(|error| text(&error))?;
    Ok((content_digest(&tree, &[]), on_disk(&written), seen))
}

/// What the referee writes to a repository: a blob, a tree, a commit, a reference of its own.
fn write(repository: &Repository, commit: &str) -> Result<(), GitError> {
    let oid = repository.write_blob(b"locked\n")?;
    let path = RelPath::new("tests/TEST_A.py").unwrap();
    let entry = redgreen_core::tree::Entry {
        mode: redgreen_core::tree::Mode::File,
        oid,
    };
    let tree = repository.write_tree(Some(commit), &[(path.clone(), Some(entry))])?;
    // A name in another case is another file, whatever `core.ignoreCase` says.
    let listing = repository.listing(&tree)?;
    assert!(listing.contains_key(&path) && listing.contains_key(&RelPath::new(TEST).unwrap()));
    let identity = Identity {
        name: "Ann".into(),
        email: "ann@example.org".into(),
    };
    let made = repository.commit_tree(&CommitRequest {
        tree: &tree,
        parents: &[commit.to_owned()],
        message: "x\n",
        identity: &identity,
        sign_off: false,
        signing: Signing::Never,
    })?;
    repository.update_ref("refs/redgreen/x", &made, None)
}

/// A digest of the files of a folder: path, executable or not, bytes.
fn on_disk(folder: &Path) -> Digest {
    let mut lines = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                open.push(path);
                continue;
            }
            let executable = entry.metadata().unwrap().permissions().mode() & 0o100;
            let bytes = fs::read(&path).unwrap();
            let name = path.strip_prefix(folder).unwrap().display();
            lines.push(format!("{name} {executable} {}\n", Digest::of(&bytes)));
        }
    }
    lines.sort();
    Digest::of(lines.concat().as_bytes())
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(done.unwrap().success());
}

/// A clean repository with conversions of every kind, whose checkout git wrote itself, and a clone for an agent.
fn sample(folder: &Path) -> (PathBuf, PathBuf, String) {
    let repository = folder.join("repository");
    fs::create_dir(&repository).unwrap();
    git(&repository, &["init", "-q", "-b", "main", "--template="]);
    for (path, bytes) in [
        (
            ".gitattributes",
            b"*.bat text eol=crlf\nwide.txt text working-tree-encoding=UTF-16\nid.txt ident\ntests/** export-ignore\nexport.txt export-subst\n".as_slice(),
        ),
        ("run.bat", b"echo one\r\necho two\r\n"),
        ("wide.txt", b"\xff\xfeh\0i\0\n\0"),
        ("id.txt", b"$Id$\n"),
        ("export.txt", b"$Format:%H$\n"),
        ("src/a.py", b"def a():\n    return 2\n"),
        (TEST, b"from a import a\n\n\ndef test_a():\n    assert a() * 2 == 4\n"),
    ] {
        let path = repository.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    git(&repository, &["add", "-A"]);
    git(&repository, &["commit", "-q", "-m", "first"]);
    // As a clone would lie there: `$Id: … $`, carriage returns, UTF-16.
    fs::remove_dir_all(repository.join("tests")).unwrap();
    for name in ["run.bat", "wide.txt", "id.txt"] {
        fs::remove_file(repository.join(name)).unwrap();
    }
    git(&repository, &["checkout", "-q", "--", "."]);
    assert!(fs::read_to_string(repository.join("id.txt")).unwrap().len() > 40);
    assert!(
        fs::read(repository.join("run.bat"))
            .unwrap()
            .contains(&b'\r')
    );
    let commit = git(&repository, &["rev-parse", "HEAD"]);
    let opened = Repository::open(&repository).unwrap();
    let tree = Snapshot::of_commit(&opened, &commit).unwrap();
    let clone = folder.join("clone");
    materialise(&tree, &opened, &clone).unwrap();
    init_with_one_commit(&clone, folder).unwrap();
    assert_eq!(git(&clone, &["status", "--porcelain"]), "");
    (repository, clone, commit)
}

fn judge(
    row: &Row,
    read: Result<(Digest, Digest, Vec<String>), String>,
    clean: &(Digest, Digest),
    blob: &str,
) -> Option<String> {
    let (name, _, right) = row;
    let wrong = |what: String| Some(format!("{name}: {what}"));
    match (right, read) {
        (Refused(text), Err(said)) if said.contains(&text.replace("{blob}", blob)) => None,
        (Refused(text), other) => wrong(format!("not refused with `{text}`: {other:?}")),
        (Clean | Seen(_), Err(said)) => wrong(format!("refused: {said}")),
        (Clean | Seen(_), Ok((tree, disk, _))) if (tree, disk) != *clean => {
            wrong("another tree".to_owned())
        }
        (Clean, Ok((_, _, seen))) if !seen.is_empty() => wrong(format!("changes: {seen:?}")),
        (Seen(path), Ok((_, _, seen))) if !seen.iter().any(|one| one == path) => {
            wrong(format!("`{path}` is not seen: {seen:?}"))
        }
        (Clean | Seen(_), Ok(_)) => None,
    }
}

#[test]
fn c1_no_poison_in_the_git_folder_changes_what_the_referee_reads() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().canonicalize().unwrap();
    let (repository, clone, commit) = sample(&base);
    let blob = git(&repository, &["rev-parse", "HEAD:tests/test_a.py"]);
    let good = Repository::open(&repository).unwrap();
    let tree = Snapshot::of_commit(&good, &commit).unwrap();
    let place = |name: String, from: &Path| {
        let side = base.join(format!("{name}.side"));
        fs::create_dir(&side).unwrap();
        copy(from, &base.join(&name));
        let folder = base.join(name);
        Place { folder, side }
    };
    let untouched = read(
        &place("clean".into(), &repository),
        &commit,
        &base.join("clean.side"),
    )
    .unwrap();
    assert_eq!(untouched.2, Vec::<String>::new(), "an honest checkout");
    let clean = (untouched.0, untouched.1);
    let mut wrong = Vec::new();
    for (number, row) in EVERYWHERE.iter().chain(IN_THE_REPOSITORY).enumerate() {
        let at = place(format!("r{number}"), &repository);
        (row.1)(&at);
        _ = fs::remove_file(at.side.join("ran"));
        wrong.extend(judge(row, read(&at, &commit, &at.side), &clean, &blob));
        if at.side.join("ran").exists() {
            wrong.push(format!("{}: a command was run", row.0));
        }
    }
    for (number, row) in EVERYWHERE.iter().enumerate() {
        let at = place(format!("c{number}"), &clone);
        (row.1)(&at);
        _ = fs::remove_file(at.side.join("ran"));
        let candidate = read_candidate(&good, &tree, &at.folder).unwrap();
        let seen: Vec<String> = changes(&tree.listing(), &candidate.snapshot.listing())
            .into_iter()
            .map(|(path, _)| path.to_string())
            .collect();
        // Nothing of a clone's git folder is read, so what damages it is no business of the referee.
        let right = match row.2 {
            Refused(_) => Clean,
            other => other,
        };
        let row = (row.0, row.1, right);
        wrong.extend(
            judge(&row, Ok((clean.0, clean.1, seen)), &clean, &blob)
                .map(|text| format!("clone: {text}")),
        );
        if at.side.join("ran").exists() {
            wrong.push(format!("clone: {}: a command was run", row.0));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

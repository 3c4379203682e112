//! What every row asserts.

pub use crate::hand::{Hand, Out, TOTAL, TOTAL_TEST};
use crate::rows::Row;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One error as it is printed.
#[derive(Debug)]
pub struct Error {
    fact: String,
    place: String,
    help: String,
}

impl Error {
    /// Whether its place ends so.
    pub fn at(&self, place: &str) -> bool {
        self.place.ends_with(place)
    }
}

/// The first error of an output: `error…: fact`, `  --> place`, `   = help: next step`.
#[track_caller]
pub fn first_error(out: &Out) -> Error {
    let text = format!("{}\n{}", out.stdout, out.stderr);
    let mut lines = text.lines().skip_while(|line| !line.starts_with("error"));
    let fact = lines.next().unwrap_or_else(|| panic!("no error: {out:#?}"));
    let mut error = Error {
        fact: fact.to_owned(),
        place: String::new(),
        help: String::new(),
    };
    for line in lines {
        if let Some(place) = line.strip_prefix("  --> ") {
            error.place = place.to_owned();
        } else if let Some(help) = line.strip_prefix("   = help: ") {
            error.help = help.to_owned();
            return error;
        } else if !line.starts_with("   | ") {
            break;
        }
    }
    panic!("the first error has no next step: {out:#?}");
}

/// Asserts a row: the exit code, the fact, the place, the next step; no panic; nothing of it is left in private state.
#[track_caller]
pub fn is(hand: &Hand, out: Out, row: Row, place: &str) -> Out {
    let error = first_error(&out);
    assert!(
        out.code == row.exit
            && error.fact.contains(row.see)
            && error.place.contains(place)
            && (place.is_empty() || !error.place.is_empty())
            && error.help.contains(row.next),
        "{row:?} at `{place}` was expected: {error:#?}\n{out:#?}"
    );
    clean(hand, &out);
    out
}

/// Asserts that there was no panic, and that no process record and no scratch folder is left in private state.
#[track_caller]
pub fn clean(hand: &Hand, out: &Out) {
    for word in ["panicked", "RUST_BACKTRACE", "internal error"] {
        assert!(!out.stderr.contains(word), "{out:#?}");
    }
    for repository in fs::read_dir(&hand.state).into_iter().flatten().flatten() {
        for folder in ["scratch", "jobs"] {
            let left: Vec<PathBuf> = fs::read_dir(repository.path().join(folder))
                .into_iter()
                .flatten()
                .map(|entry| entry.unwrap().path())
                .collect();
            assert!(left.is_empty(), "left behind: {left:?}\n{out:#?}");
        }
    }
}

/// Runs a command as a person does and asserts its row.
#[track_caller]
pub fn reads(hand: &Hand, arguments: &[&str], row: Row, place: &str) -> Out {
    is(hand, hand.plain(arguments), row, place)
}

/// A project of one Rust package and no tests of its own: nothing needs Python.
pub fn small() -> Hand {
    Hand::with(&[
        (".gitignore", "target/\n"),
        (
            "Cargo.toml",
            "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        ),
        (
            "Cargo.lock",
            "version = 3\n\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\n",
        ),
        (
            "src/lib.rs",
            "pub fn price(n: u32) -> u32 {\n    n * 2\n}\n",
        ),
    ])
}

/// A folder of links to these programs, to be the whole search path.
pub fn only(hand: &Hand, programs: &[&str]) -> String {
    let folder = hand.home.join("bin");
    fs::create_dir_all(&folder).unwrap();
    for program in programs {
        let found = std::env::var("PATH")
            .unwrap()
            .split(':')
            .map(|folder| Path::new(folder).join(program))
            .find(|path| path.is_file())
            .unwrap_or_else(|| panic!("`{program}` is needed"));
        let link = folder.join(program);
        if !link.exists() {
            std::os::unix::fs::symlink(found, link).unwrap();
        }
    }
    folder.to_str().unwrap().to_owned()
}

/// Runs a program that must succeed.
#[track_caller]
pub fn must(program: &str, arguments: &[impl AsRef<OsStr>]) {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("`{program}` is needed: {error}"));
    assert!(
        output.status.success(),
        "`{program}` failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Something mounted, until this is dropped.
pub struct Mount(PathBuf);

impl Mount {
    /// A file system in memory of this many bytes.
    pub fn memory(place: &Path, bytes: u64) -> Self {
        fs::create_dir_all(place).unwrap();
        let size = format!("size={bytes},mode=755");
        mounts(&[
            OsStr::new("-t"),
            OsStr::new("tmpfs"),
            OsStr::new("-o"),
            OsStr::new(&size),
            OsStr::new("tmpfs"),
            place.as_os_str(),
        ]);
        Self(place.to_owned())
    }
    /// The same folder, read-only.
    pub fn read_only(place: &Path) -> Self {
        mounts(&[OsStr::new("--bind"), place.as_os_str(), place.as_os_str()]);
        let mount = Self(place.to_owned());
        mounts(&[
            OsStr::new("-o"),
            OsStr::new("remount,ro,bind"),
            place.as_os_str(),
        ]);
        mount
    }
}

fn mounts(arguments: &[&OsStr]) {
    let output = Command::new("mount").args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "this test mounts a file system, which needs root (as in CI, or `unshare --mount --map-root-user`): {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Fills what is left of a file system, but for so many bytes.
pub fn fill(folder: &Path, leave: usize) -> PathBuf {
    use std::io::Write as _;
    let file = folder.join("fill");
    let mut open = fs::File::create(&file).unwrap();
    let block = vec![0u8; 4096];
    let mut size = 0;
    while open.write_all(&block).is_ok() {
        size += block.len() as u64;
    }
    drop(open);
    fs::File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_len(size.saturating_sub(leave as u64))
        .unwrap();
    file
}

/// Starts redgreen without waiting for it.
pub fn start(hand: &Hand, arguments: &[&str]) -> std::process::Child {
    start_by(hand, &[], arguments)
}

/// Runs redgreen with so many bytes of address space, which its children inherit.
pub fn within(hand: &Hand, bytes: u64, arguments: &[&str]) -> Out {
    let limit = format!("ulimit -v {} && exec \"$0\" \"$@\"", bytes >> 10);
    let child = start_by(hand, &["sh", "-c", &limit], arguments);
    let output = child.wait_with_output().unwrap();
    Out {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn start_by(hand: &Hand, before: &[&str], arguments: &[&str]) -> std::process::Child {
    let real_home = std::env::var("HOME").unwrap_or_default();
    let mut words = before.to_vec();
    words.push(env!("CARGO_BIN_EXE_redgreen"));
    words.extend(arguments);
    let mut command = Command::new(words[0]);
    command
        .args(&words[1..])
        .current_dir(&hand.cwd)
        .env_clear()
        .env("HOME", &hand.home)
        .env("PATH", std::env::var("PATH").unwrap())
        .env("REDGREEN_STATE_DIR", &hand.state);
    for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        let set = std::env::var(name).unwrap_or_else(|_| format!("{real_home}/{folder}"));
        command.env(name, set);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

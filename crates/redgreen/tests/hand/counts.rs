//! How many processes a command starts beside the tests (SPEC H3). Nothing here is timed: on a loaded machine only counts
//! say anything, and processes are what a small gate costs.

use super::support::{Hand, Out, TOTAL, TOTAL_TEST};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A project whose `git` and `bwrap` note each of their starts before they become the real ones.
struct Counted {
    hand: Hand,
    bin: PathBuf,
    log: PathBuf,
}

/// The programs that are counted.
const PROGRAMS: [&str; 2] = ["git", "bwrap"];

fn real(program: &str) -> Option<PathBuf> {
    std::env::var("PATH")
        .unwrap()
        .split(':')
        .map(|folder| Path::new(folder).join(program))
        .find(|path| path.is_file())
}

impl Counted {
    fn new(hand: Hand) -> Self {
        let bin = hand.home.join("bin");
        let log = hand.home.join("started");
        fs::create_dir_all(&bin).unwrap();
        for program in PROGRAMS {
            let Some(real) = real(program) else { continue };
            let path = bin.join(program);
            let script = format!(
                "#!/bin/sh\necho \"{program} $*\" >> '{}'\nexec '{}' \"$@\"\n",
                log.display(),
                real.display()
            );
            fs::write(&path, script).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { hand, bin, log }
    }

    /// Runs a command; how often it started git and how often bubblewrap.
    fn run(&self, arguments: &[&str]) -> (Out, Started) {
        _ = fs::remove_file(&self.log);
        let path = format!("{}:{}", self.bin.display(), std::env::var("PATH").unwrap());
        let out = self.hand.plain_with(arguments, &[("PATH", &path)]);
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let of = |program: &str| {
            text.lines()
                .filter(|line| line.split(' ').next() == Some(program))
                .map(str::to_owned)
                .collect()
        };
        let started = Started {
            git: of("git"),
            bwrap: of("bwrap"),
        };
        (out, started)
    }

    /// Red, lock and green of a task that replaces what the project has; the starts of git in each.
    fn gates(&self, number: u32) -> [Vec<String>; 4] {
        let task = format!("T{number}");
        let name = format!("total{number}");
        let test = TOTAL_TEST.replace("total", &name);
        let code = TOTAL.replace("total", &name);
        self.hand.write(&format!("tests/test_{name}.py"), &test);
        let red = self.run(&["red", &task]);
        let lock = self.run(&["lock", &task]);
        self.hand.append("src/shop/__init__.py", &code);
        let green = self.run(&["green", &task]);
        let verify = self.run(&["locks", "verify", &task]);
        let gates = [red, lock, green, verify];
        let git = gates.map(|(out, started)| {
            out.ends(0);
            started.git
        });
        self.hand.commit("work");
        git
    }
}

struct Started {
    git: Vec<String>,
    bwrap: Vec<String>,
}

/// A folder of the project that lies this deep, with this many files beside each other at its end.
fn files(depth: usize, count: usize) -> Vec<(String, String)> {
    let folder: String = (0..depth).map(|level| format!("d{level}/")).collect();
    (0..count)
        .map(|number| {
            (
                format!("lib/{folder}f{number}.py"),
                format!("V = {number}\n"),
            )
        })
        .collect()
}

#[test]
fn h3_git_processes_grow_neither_with_files_nor_with_levels_of_folders() {
    let small = Counted::new(Hand::python());
    let few = small.gates(1);
    let large = Counted::new(Hand::python());
    for (path, text) in files(12, 300) {
        large.hand.write(&path, &text);
    }
    large.hand.commit("a deep folder with many files");
    let many = large.gates(1);
    for (name, (few, many)) in ["red", "lock", "green", "locks verify"]
        .iter()
        .zip(few.iter().zip(&many))
    {
        assert_eq!(
            few.len(),
            many.len(),
            "{name}: {few:#?} in a small project, {many:#?} in a deep one"
        );
    }
    // What each may start in all; each start costs two milliseconds.
    for (name, most, started) in [
        ("red", 8, &few[0]),
        ("lock", 20, &few[1]),
        ("green", 8, &few[2]),
        ("locks verify", 6, &few[3]),
    ] {
        assert!(
            started.len() <= most,
            "{name}: {} starts of git, at most {most}: {started:#?}",
            started.len()
        );
    }
}

#[test]
fn h3_the_sandbox_is_probed_once_and_again_where_a_level_is_required() {
    let counted = Counted::new(Hand::python());
    counted.hand.write("tests/test_total.py", TOTAL_TEST);
    let probes = |started: &Started| {
        let is_probe = |line: &&String| {
            line.contains("--version") || line.contains("a hidden file can be read")
        };
        started.bwrap.iter().filter(is_probe).count()
    };
    let (out, first) = counted.run(&["red", "T1"]);
    out.ends(0);
    assert!(
        probes(&first) > 0,
        "this test needs `bwrap` (scripts/setup)"
    );
    let works = first.bwrap.len() > probes(&first);
    counted
        .hand
        .append("tests/test_total.py", "\n# other bytes are run again\n");
    let (out, second) = counted.run(&["red", "T1"]);
    out.ends(0);
    // Only success is remembered: where bubblewrap does not work here, it may work the next time.
    assert_eq!(probes(&second) == 0, works, "{:#?}", second.bwrap);
    counted
        .hand
        .append("tests/test_total.py", "\n# and again\n");
    let (out, required) = counted.run(&["--require-isolation=bubblewrap", "red", "T1"]);
    // Where bubblewrap is not what it should be here, nothing runs; either way it was tried.
    assert!([0, 11, 15].contains(&out.code), "{out:#?}");
    assert!(probes(&required) > 0, "{:#?}", required.bwrap);
}

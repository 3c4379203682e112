//! Lock and verify of many files.

use crate::measure::{Job, interleaved};
use crate::projects::{Project, text, virtual_environment};
use crate::table::{Table, ms, ratio};
use crate::{Asked, Failed};
use sha2::{Digest as _, Sha256};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The floor: walk a folder, read and hash every file with SHA-256 on two threads, nothing more.
pub fn floor(words: &[String]) -> Result<(), Failed> {
    let [folder] = words else {
        return Err("__floor FOLDER".into());
    };
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() && entry.file_name() != ".git" {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    let next = AtomicUsize::new(0);
    let work = || -> Result<u8, std::io::Error> {
        let mut buffer = Vec::new();
        let mut fold = 0;
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            buffer.clear();
            std::fs::File::open(path)?.read_to_end(&mut buffer)?;
            fold ^= Sha256::digest(&buffer)[0];
        }
        Ok(fold)
    };
    let threads = std::thread::available_parallelism()?.get();
    let fold = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut fold = work()?;
        for other in others {
            fold ^= other
                .join()
                .map_err(|_| std::io::Error::other("a thread failed"))??;
        }
        Ok::<u8, std::io::Error>(fold)
    })?;
    println!("{} files {fold:02x}", files.len());
    Ok(())
}

/// Numbers without any meaning, always the same.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// A repository with this many files of 0 to 64 KiB, most of them small, as in a large source tree.
fn make(project: &Project, files: usize) -> Result<u64, Failed> {
    let mut child = Command::new("git")
        .args(["-c", "core.compression=0", "fast-import", "--quiet"])
        .current_dir(&project.root)
        .stdin(Stdio::piped())
        .spawn()?;
    let mut noise = Noise(88_172_645_463_325_252);
    let mut bytes = 0;
    if let Some(stdin) = child.stdin.take() {
        let mut out = std::io::BufWriter::new(stdin);
        write!(
            out,
            "commit refs/heads/main\ncommitter Bench <bench@example.invalid> 0 +0000\ndata 5\nstart\n"
        )?;
        let mut content = String::new();
        for number in 0..files {
            let length = match noise.next() % 10 {
                0..=5 => noise.next() % 8_192,
                6..=8 => noise.next() % 32_768,
                _ => noise.next() % 65_536,
            };
            content.clear();
            while (content.len() as u64) < length {
                content.push_str(&format!(
                    "value_{:x} = {}\n",
                    noise.next(),
                    noise.next() % 1_000
                ));
            }
            bytes += content.len() as u64;
            let path = format!("lib/d{}/e{}/f{number}.py", number % 97, number % 13);
            write!(
                out,
                "M 100644 inline {path}\ndata {}\n{content}\n",
                content.len()
            )?;
        }
        out.flush()?;
    }
    if !child.wait()?.success() {
        return Err("git fast-import failed".into());
    }
    project.git(&["reset", "-q", "--hard", "main"])?;
    Ok(bytes)
}

/// Lock and verify against the floor and peers.
pub fn run(asked: &Asked) -> Result<Table, Failed> {
    let project = Project::empty(asked, "tree")?;
    let bytes = make(&project, asked.files)?;
    project.write(".gitignore", ".venv\n__pycache__/\n")?;
    project.write(
        "pyproject.toml",
        "[project]\nname = \"shop\"\nversion = \"0.1.0\"\n\n[tool.pytest.ini_options]\npythonpath = [\"src\"]\n",
    )?;
    project.write("src/shop/__init__.py", "def price(n):\n    return n * 2\n")?;
    project.write(
        "tests/test_old.py",
        "from shop import price\n\n\ndef test_old():\n    assert price(1) == 2\n",
    )?;
    std::os::unix::fs::symlink(virtual_environment(asked)?, project.root.join(".venv"))?;
    project.plan(1)?;
    project.commit()?;
    project.write(
        "tests/test_new.py",
        "from shop import f1\n\n\ndef test_new():\n    assert f1(1) == 2\n",
    )?;
    let program = text(&asked.redgreen);
    let own = text(&std::env::current_exe()?);
    let redgreen = |arguments: &[&str]| {
        let mut argv = vec![program.as_str()];
        argv.extend(arguments);
        Job::new(&project.root, &argv)
            .with("REDGREEN_STATE_DIR", project.state.display())
            .with("REDGREEN_SHARED_CACHE", project.shared.display())
    };
    let red = redgreen(&["red", "T1"]).run()?.cost;
    let lock = redgreen(&["lock", "T1"]).run()?.cost;
    let root = text(&project.root);
    let cores = std::thread::available_parallelism()?.get();
    let sums = format!(
        "find . -path ./.git -prune -o -type f -print0 | xargs -0 -P{cores} -n512 sha256sum >/dev/null"
    );
    let jobs = [
        Job::new(&project.root, &[&own, "__floor", &root]),
        redgreen(&["locks", "verify", "T1"]),
        Job::new(&project.root, &["sh", "-c", &sums]),
        Job::new(&project.root, &["git", "status", "--porcelain"]),
    ];
    let costs = interleaved(&jobs, asked.rounds)?;
    let mut table = Table::new(
        &format!(
            "Lock and verify of {} files, {} MB",
            asked.files,
            bytes / 1_000_000
        ),
        &[
            "command",
            "wall ms",
            "CPU ms",
            "memory MiB",
            "wall / floor",
            "`sha256sum` / it",
        ],
    );
    for (index, name) in [
        "floor: walk, read, SHA-256, all cores",
        "`redgreen locks verify`",
        "`sha256sum` on all cores",
        "`git status` (reads no content)",
    ]
    .iter()
    .enumerate()
    {
        let cost = costs[index];
        let own = index == 1;
        let peer = costs[2].wall / cost.wall;
        table.row(&[
            (*name).to_owned(),
            ms(cost.wall),
            ms(cost.cpu),
            (cost.memory / 1024).to_string(),
            ratio(cost.wall / costs[0].wall, own.then_some(1.2)),
            match own {
                true if peer >= 2.5 => format!("{peer:.2} (at least 2.5: kept)"),
                true => format!("**{peer:.2}** (at least 2.5: missed)"),
                false => format!("{peer:.2}"),
            },
        ]);
    }
    for (name, cost) in [
        ("`redgreen red` (once)", red),
        ("`redgreen lock` (once)", lock),
    ] {
        table.row(&[
            name.to_owned(),
            ms(cost.wall),
            ms(cost.cpu),
            (cost.memory / 1024).to_string(),
            ratio(cost.wall / costs[0].wall, None),
            String::new(),
        ]);
    }
    table.note(format!(
        "Medians of {} interleaved rounds, page cache warm. `red` also writes the tree to disk, `lock` commits.",
        asked.rounds
    ));
    if !Path::new(&root).join(".git").is_dir() {
        return Err("the tree is gone".into());
    }
    Ok(table)
}

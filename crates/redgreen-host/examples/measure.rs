//! Prints how long the ground rooms take on a repository: `measure DIR`. For people; nothing timed is a test.

use redgreen_host::git::Repository;
use redgreen_host::process::{Spec, run};
use redgreen_host::tree::{Snapshot, content_digest, materialise};
use redgreen_host::{clock, walk};
use std::path::PathBuf;

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = clock::monotonic();
    let value = work();
    println!(
        "{what:24} {:>8.1} ms",
        start.elapsed().as_secs_f64() * 1000.0
    );
    value
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args_os().nth(1).map(PathBuf::from);
    let dir = dir.ok_or("a repository is expected")?;
    for end_leftovers in [false, true] {
        let mut spec = Spec::new("true", vec!["/bin/true".into()], &dir);
        spec.end_leftovers = end_leftovers;
        timed(&format!("100 runs, sweep {end_leftovers}"), || {
            (0..100).try_for_each(|_| run(&spec).map(drop))
        })?;
    }
    let repository = timed("open", || Repository::open(&dir))?;
    timed("head", || repository.head())?;
    let base = timed("listing", || Snapshot::of_commit(&repository, "HEAD"))?;
    println!("{} files", base.files().len());
    timed("content digest", || content_digest(&base, &[]));
    let read = timed("walk", || walk::read_candidate(&repository, &base, &dir))?;
    println!("equal to the base: {}", read.snapshot == base);
    timed("write tree", || base.git_tree(&repository))?;
    let target = tempfile::tempdir()?;
    let tree = target.path().join("tree");
    timed("materialise", || materialise(&base, &repository, &tree))?;
    Ok(())
}

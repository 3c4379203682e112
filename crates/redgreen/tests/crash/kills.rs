//! Whole runs, killed at random points again and again, also while they go on after a kill.

use crate::support::{Project, same};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How often one plan is killed.
const KILLS_PER_PLAN: usize = 10;

/// A small generator of numbers (splitmix64), so that a seed says which points were tried.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number"))
    })
}

/// When to strike.
enum Strike {
    /// So long after the start.
    After(Duration),
    /// So long after the journal has had this many more records.
    Records(usize, Duration),
    /// So long after a delivery has begun.
    Delivery(Duration),
}

/// Runs until the moment comes and kills; returns false when the run ended before.
fn strike(project: &Project, when: &Strike) -> bool {
    let lines = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte == b'\n').count();
    let before = project.journal();
    let (from, began) = (lines(&before), Instant::now());
    let mut run = project.start();
    let delay = match when {
        Strike::After(delay) | Strike::Records(_, delay) | Strike::Delivery(delay) => *delay,
    };
    loop {
        let now = match when {
            Strike::After(_) => began.elapsed() >= delay,
            Strike::Records(count, _) => lines(&project.journal()) >= from + count,
            Strike::Delivery(_) => {
                let journal = project.journal();
                let new = String::from_utf8_lossy(journal.get(before.len()..).unwrap_or_default());
                new.contains("/deliver/")
            }
        };
        if now {
            break;
        }
        if run.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    if !matches!(when, Strike::After(_)) {
        std::thread::sleep(delay);
    }
    let alive = run.try_wait().unwrap().is_none();
    run.kill().unwrap();
    run.wait().unwrap();
    alive
}

#[test]
fn a9_a_run_that_is_killed_anywhere_ends_as_an_undisturbed_one() {
    let kills = usize::try_from(setting("REDGREEN_CRASH_KILLS", 300)).unwrap();
    let seed = setting("REDGREEN_CRASH_SEED", 20_261_120);
    let undisturbed = Project::new();
    let began = Instant::now();
    undisturbed.finish();
    let takes = began.elapsed();
    undisturbed.nothing_was_done_twice();
    undisturbed.nothing_is_left();
    let expected = undisturbed.normal_form();
    eprintln!("seed {seed}; an undisturbed run takes {takes:?} here");
    let span = u64::try_from(takes.as_millis()).unwrap();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let plan = || {
        while done.load(Ordering::SeqCst) < kills {
            let number = next.fetch_add(1, Ordering::SeqCst);
            let mut random = Random(seed.wrapping_add(number as u64 * 7_919));
            let isolation = if number % 4 == 3 { "" } else { "process" };
            let project = Project::with_isolation(isolation);
            let mut struck = 0;
            for _ in 0..KILLS_PER_PLAN {
                let soon = Duration::from_micros(random.below(30_000));
                let when = match random.below(8) {
                    0..=3 => Strike::After(Duration::from_micros(random.below(span * 350))),
                    4 | 5 => Strike::Records(usize::try_from(random.below(8)).unwrap() + 1, soon),
                    6 => Strike::Delivery(soon * 5),
                    _ => Strike::After(soon),
                };
                if !strike(&project, &when) {
                    break;
                }
                struck += 1;
            }
            project.finish();
            eprintln!("plan {number}: killed {struck} times");
            project.nothing_was_done_twice();
            project.nothing_is_left();
            for (what, one) in project.normal_form() {
                same(
                    &format!("{what} (plan {number}, seed {seed})"),
                    &one,
                    &expected[what],
                );
            }
            done.fetch_add(struck, Ordering::SeqCst);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(plan);
        scope.spawn(plan);
    });
    eprintln!(
        "{} kills in {} plans",
        done.load(Ordering::SeqCst),
        next.load(Ordering::SeqCst)
    );
}

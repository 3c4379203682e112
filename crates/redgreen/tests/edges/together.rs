//! Several redgreen processes in one repository.

use crate::rows;
use crate::support::{Hand, TOTAL_TEST, first_error, start};
use std::fs;
use std::thread::sleep;
use std::time::Duration;

fn agents() -> Hand {
    let hand = Hand::rust_with(&[
        (
            "redgreen.toml",
            "version = 1\n\n[agent]\ncommand = [\"sh\", \"agent.sh\"]\n",
        ),
        (
            "agent.sh",
            "case $REDGREEN_ROLE in\nauthor) mkdir -p tests; printf '#[test]\\nfn total() {\\n    assert_eq!(shop::total(1), 3);\\n}\\n' >tests/total.rs; cat wait.sh | sh ;;\nimplementer) printf 'pub fn total(n: u32) -> u32 {\\n    n + 2\\n}\\n' >>src/lib.rs ;;\nesac\n",
        ),
    ]);
    hand.plan("T1", &["total adds two"], "");
    let go = hand.home.join("go");
    // Agents do not see the home folder; this one waits for a file there.
    hand.write(
        "redgreen.toml",
        &format!(
            "version = 1\n\n[agent]\ncommand = [\"sh\", \"agent.sh\"]\n\n[sandbox]\nreadable = [{:?}]\n",
            hand.home.display().to_string()
        ),
    );
    hand.write(
        "wait.sh",
        &format!("while [ ! -e '{}' ]; do sleep 0.05; done\n", go.display()),
    );
    hand.commit("plan");
    hand
}

/// Waits until this process holds the lock of a plan.
fn holds(hand: &Hand, pid: u32) {
    let held = || {
        let repositories = fs::read_dir(&hand.state).into_iter().flatten().flatten();
        repositories
            .flat_map(|repository| {
                fs::read_dir(repository.path().join("locks"))
                    .into_iter()
                    .flatten()
                    .flatten()
            })
            .any(|lock| {
                fs::read_to_string(lock.path()).is_ok_and(|text| text.trim() == pid.to_string())
            })
    };
    for _ in 0..6_000 {
        if held() {
            return;
        }
        sleep(Duration::from_millis(20));
    }
    panic!("the run never took the lock of its plan");
}

#[test]
fn a1_a_second_run_of_a_plan_is_refused_and_gates_by_hand_go_on_beside_it() {
    let hand = agents();
    let run = start(&hand, &["run"]);
    holds(&hand, run.id());
    let out = hand.plain(&["run"]).ends(rows::BUSY.exit);
    assert!(
        out.stderr.contains(rows::BUSY.see) && out.stderr.contains(rows::BUSY.next),
        "{out:#?}"
    );
    drop(first_error(&out));
    // By hand, beside it: another task, on the same branch.
    hand.write(
        "tests/half.rs",
        "#[test]\nfn half() {\n    assert_eq!(shop::half(4), 2);\n}\n",
    );
    hand.plain(&["lock", "T9"]).ends(0);
    hand.plain(&["status"]).ends(0).says("in progress");
    fs::write(hand.home.join("go"), "").unwrap();
    let ended = run.wait_with_output().unwrap();
    assert_eq!(
        ended.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    // Both are there: the lock made by hand, and the task of the run on its branch.
    assert!(hand.git(&["log", "--format=%s"]).contains("test-lock: T9"));
    assert!(
        hand.git(&["show", "redgreen/shop:src/lib.rs"])
            .contains("total")
    );
    hand.plain(&["locks", "verify", "T9"]).ends(0);
}

#[test]
fn g10_two_locks_of_one_task_at_once_make_one_lock() {
    let hand = Hand::python();
    hand.write("tests/test_total.py", TOTAL_TEST);
    let both = [start(&hand, &["lock", "T1"]), start(&hand, &["lock", "T1"])];
    let mut codes: Vec<Option<i32>> = Vec::new();
    for process in both {
        let ended = process.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!said.contains("panicked"), "{said}");
        codes.push(ended.status.code());
    }
    assert!(
        codes.contains(&Some(0)) && !codes.contains(&Some(1)),
        "{codes:?}"
    );
    let subjects = hand.git(&["log", "--format=%s"]);
    assert_eq!(subjects.matches("test-lock: T1").count(), 1, "{subjects}");
    hand.plain(&["locks", "verify", "T1"]).ends(0);
}

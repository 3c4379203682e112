//! Where a checkout lies, and from where redgreen is started.

use crate::repository::whole_task_passes;
use crate::support::{Hand, TOTAL_TEST};

#[test]
fn g10_a_symbolic_link_as_the_root_and_a_folder_below_it() {
    let mut hand = Hand::python();
    let link = hand.home.join("link");
    std::os::unix::fs::symlink(&hand.root, &link).unwrap();
    hand.cwd = link.join("src/shop");
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.plain(&["red", "../../tests/test_total.py"]).ends(0);
    whole_task_passes(&hand);
    // The state is that of the same repository, however it was reached.
    hand.cwd.clone_from(&hand.root);
    hand.plain(&["locks", "verify", "T1"]).ends(0);
    assert_eq!(std::fs::read_dir(&hand.state).unwrap().count(), 1);
}

#[test]
fn c1_git_variables_of_the_caller_do_not_redirect() {
    let hand = Hand::python();
    let other = Hand::rust();
    hand.write("tests/test_total.py", TOTAL_TEST);
    let (folder, tree) = (other.path(".git"), other.root.clone());
    let index = hand.home.join("index");
    let out = hand.plain_with(
        &["lock", "T1"],
        &[
            ("GIT_DIR", folder.to_str().unwrap()),
            ("GIT_WORK_TREE", tree.to_str().unwrap()),
            ("GIT_INDEX_FILE", index.to_str().unwrap()),
            ("GIT_OBJECT_DIRECTORY", hand.home.to_str().unwrap()),
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "core.bare"),
            ("GIT_CONFIG_VALUE_0", "true"),
        ],
    );
    out.ends(0);
    assert!(
        hand.git(&["log", "-1", "--format=%s"])
            .starts_with("test-lock: T1")
    );
    assert_eq!(other.git(&["rev-list", "--count", "HEAD"]), "1");
    assert!(!index.exists());
}

#[test]
fn g5_a_worktree_is_a_checkout_like_the_first_one() {
    let mut hand = Hand::python();
    let second = hand.home.join("second");
    hand.git(&[
        "worktree",
        "add",
        "-q",
        "-b",
        "topic",
        second.to_str().unwrap(),
    ]);
    std::os::unix::fs::symlink(crate::hand::virtual_environment(), second.join(".venv")).unwrap();
    let main = hand.head();
    let first = std::mem::replace(&mut hand.root, second.clone());
    hand.cwd = second;
    whole_task_passes(&hand);
    hand.root = first;
    assert_eq!(hand.head(), main);
    assert_eq!(hand.git(&["status", "--porcelain"]), "");
    assert_eq!(std::fs::read_dir(&hand.state).unwrap().count(), 1);
}

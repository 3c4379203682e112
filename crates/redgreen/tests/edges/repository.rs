//! Repositories that are not what a checkout usually is.

use crate::rows;
use crate::support::{Hand, TOTAL, TOTAL_TEST, must, only, reads, small};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

/// RED, lock, GREEN and FULL pass.
#[track_caller]
pub fn whole_task_passes(hand: &Hand) {
    hand.write("tests/test_total.py", TOTAL_TEST);
    hand.plain(&["lock", "T1"]).ends(0);
    hand.append("src/shop/__init__.py", TOTAL);
    hand.plain(&["check", "T1"]).ends(0);
    hand.plain(&["locks", "verify", "T1"]).ends(0);
}

#[test]
fn g10_no_repository() {
    let mut hand = Hand::empty();
    fs::remove_dir_all(hand.path(".git")).unwrap();
    for command in [
        &["red"][..],
        &["status"],
        &["init"],
        &["check", "T1"],
        &["run"],
    ] {
        reads(&hand, command, rows::NO_REPOSITORY, "");
    }
    hand.cwd = hand.home.join("gone");
    fs::create_dir(&hand.cwd).unwrap();
    reads(&hand, &["red"], rows::NO_REPOSITORY, "");
}

#[test]
fn g10_git_is_not_installed() {
    let hand = small();
    let path = only(&hand, &["sh"]);
    let out = hand.plain_with(&["red"], &[("PATH", &path)]);
    crate::support::is(&hand, out, rows::NO_GIT, "");
}

#[test]
fn g10_a_bare_repository_and_the_git_folder() {
    let mut hand = small();
    let bare = hand.home.join("shop.git");
    hand.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    hand.cwd = bare;
    reads(&hand, &["red"], rows::BARE, "");
    hand.cwd = hand.path(".git");
    reads(&hand, &["red"], rows::GIT_FOLDER, "");
}

#[test]
fn g10_no_commit_yet() {
    let hand = Hand::empty();
    for command in [&["red"][..], &["init"], &["lock", "T1"]] {
        reads(&hand, command, rows::UNBORN, "");
    }
}

#[test]
fn g6_a_detached_head_works_and_stays_detached() {
    let hand = Hand::python();
    hand.git(&["checkout", "-q", "--detach"]);
    let main = hand.git(&["rev-parse", "main"]);
    whole_task_passes(&hand);
    assert_eq!(hand.git(&["rev-parse", "main"]), main);
    assert_eq!(hand.git(&["rev-parse", "--abbrev-ref", "HEAD"]), "HEAD");
    assert_ne!(hand.head(), main);
}

#[test]
fn g6_a_shallow_clone_works() {
    let mut hand = Hand::python();
    hand.commit("second");
    let clone = hand.home.join("clone");
    let from = format!("file://{}", hand.root.display());
    hand.git(&[
        "clone",
        "-q",
        "--depth",
        "1",
        &from,
        clone.to_str().unwrap(),
    ]);
    std::os::unix::fs::symlink(crate::hand::virtual_environment(), clone.join(".venv")).unwrap();
    hand.root.clone_from(&clone);
    hand.cwd = clone;
    hand.git(&["config", "user.name", "Ada"]);
    hand.git(&["config", "user.email", "ada@example.invalid"]);
    assert_eq!(hand.git(&["rev-parse", "--is-shallow-repository"]), "true");
    whole_task_passes(&hand);
}

#[test]
fn c1_a_submodule_is_there_at_its_commit_and_an_absent_one_is_named() {
    let hand = Hand::python();
    let library = hand.home.join("library");
    fs::create_dir(&library).unwrap();
    fs::write(library.join("rates.py"), "RATE = 3\n").unwrap();
    let path = library.to_str().unwrap();
    hand.git(&["init", "-q", path]);
    for step in [
        &["add", "-A"][..],
        &[
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@b",
            "commit",
            "-qm",
            "rates",
        ],
    ] {
        hand.git(&[&["-C", path], step].concat());
    }
    let add = [
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "-q",
        "add",
        path,
    ];
    hand.git(&[&add[..], &["src/rates"]].concat());
    hand.commit("a submodule");
    hand.write(
        "tests/test_total.py",
        "from rates.rates import RATE\nfrom shop import total\n\n\ndef test_total():\n    assert total([1, 2]) == 2 * RATE\n",
    );
    let out = hand.plain(&["lock", "T1"]).ends(0);
    assert!(
        out.stdout.contains("`total` does not exist yet"),
        "{out:#?}"
    );
    // What lies in the submodule's folder now is not its commit, and does not count.
    hand.write("src/rates/rates.py", "RATE = 4\n");
    hand.append("src/shop/__init__.py", TOTAL);
    hand.plain(&["green", "T1"]).ends(0);
    hand.git(&["submodule", "--quiet", "deinit", "--force", "src/rates"]);
    hand.plain(&["green", "T1"])
        .ends(10)
        .says("`src/rates`: the submodule is not checked out here: git submodule update --init");
}

#[test]
fn c1_large_files_of_git_lfs_are_their_content_and_no_change() {
    let content = "content\n".repeat(100);
    let digest = redgreen_core::id::Digest::of(content.as_bytes()).hex();
    let pointer = format!(
        "version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {}\n",
        content.len()
    );
    let hand = Hand::python_with(&[
        (
            ".gitattributes",
            "*.bin filter=lfs diff=lfs merge=lfs -text\n",
        ),
        ("data/a.bin", &pointer),
    ]);
    hand.write(
        "tests/test_total.py",
        "import pathlib\n\nDATA = pathlib.Path(__file__).parent.parent / 'data/a.bin'\nassert DATA.stat().st_size == 800\n\nfrom shop import total\n\n\ndef test_total():\n    assert total([1, 2]) == 6\n",
    );
    // Only the pointer is here: the test says so itself.
    let out = hand.plain(&["red"]);
    assert!(out.code != 0 && !out.stdout.contains("`total`"), "{out:#?}");
    // As `git lfs pull` leaves it.
    hand.write("data/a.bin", &content);
    hand.plain(&["lock", "T1"])
        .ends(0)
        .says("`total` does not exist yet");
    hand.append("src/shop/__init__.py", TOTAL);
    hand.plain(&["green", "T1"]).ends(0);
    // Other content is a change, as before.
    hand.write("data/a.bin", &content.replace('c', "k"));
    hand.plain(&["green", "T1"]).ends(13).says("data/a.bin");
}

fn made_with(option: &str) -> Hand {
    let hand = Hand::python();
    fs::remove_dir_all(hand.path(".git")).unwrap();
    hand.git(&["init", "-q", "-b", "main", option]);
    hand.git(&["config", "user.name", "Ada"]);
    hand.git(&["config", "user.email", "ada@example.invalid"]);
    hand.commit("start");
    hand
}

#[test]
fn c1_the_sha_256_object_format_works() {
    let hand = made_with("--object-format=sha256");
    assert_eq!(hand.head().len(), 64);
    whole_task_passes(&hand);
}

#[test]
fn c1_reftable_works_where_git_knows_it() {
    let version = Hand::empty().git(&["version"]);
    let mut numbers = version.split(' ').nth(2).unwrap().split('.');
    let mut number = || numbers.next().unwrap().parse::<u32>().unwrap();
    if (number(), number()) < (2, 45) {
        println!("{version} has no reftable; 2.45 is the first that has");
        return;
    }
    whole_task_passes(&made_with("--ref-format=reftable"));
}

#[test]
fn g10_a_repository_of_another_user() {
    let hand = small();
    must(
        "chown",
        &[
            std::ffi::OsStr::new("-R"),
            std::ffi::OsStr::new("65534"),
            hand.root.as_os_str(),
        ],
    );
    reads(&hand, &["red"], rows::OTHER_OWNER, "");
    // As the next step says.
    let out = hand.plain(&["red"]);
    let command = out
        .stderr
        .split('`')
        .find(|text| text.starts_with("git config"))
        .unwrap();
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    hand.git(&words);
    hand.plain(&["red"]).ends(10);
}

#[test]
fn g10_a_repository_below_a_folder_with_an_unusable_name() {
    for name in [&b"line\nbreak"[..], b"not-\xff-utf8"] {
        let mut hand = small();
        let odd = hand.home.join(std::ffi::OsStr::from_bytes(name));
        fs::rename(&hand.root, &odd).unwrap();
        hand.root.clone_from(&odd);
        hand.cwd = odd;
        reads(&hand, &["red"], rows::ODD_PLACE, "");
    }
}

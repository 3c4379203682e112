use super::*;
use crate::git::tests::{git, sample};

fn state() -> (tempfile::TempDir, tempfile::TempDir, State) {
    let repository = sample();
    let base = tempfile::tempdir().unwrap();
    let opened = Repository::open(repository.path()).unwrap();
    let (state, _) = State::open_below(base.path(), &opened).unwrap();
    (repository, base, state)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn g5_all_worktrees_share_one_private_folder_outside_the_repository() {
    let (repository, base, state) = state();
    let dir = repository.path();
    let tree = base.path().join("tree");
    git(
        dir,
        &["worktree", "add", "-q", "--detach", tree.to_str().unwrap()],
    );
    let linked = Repository::open(&tree.join("src")).unwrap();
    let (other, _) = State::open_below(base.path(), &linked).unwrap();
    assert_eq!(state.root(), other.root());
    assert_eq!(mode(state.root()), 0o700);
    assert_eq!(mode(&state.journals()), 0o700);
    std::fs::set_permissions(state.root(), std::fs::Permissions::from_mode(0o755)).unwrap();
    State::open_below(base.path(), &linked).unwrap();
    assert_eq!(mode(state.root()), 0o700);
    let opened = Repository::open(dir).unwrap();
    let inside = State::open_below(&dir.join("state"), &opened).unwrap_err();
    assert_eq!(inside.kind, StateErrorKind::InsideRepository);
}

#[test]
fn g5_a_folder_that_cannot_be_made_is_a_clear_error() {
    let repository = sample();
    let opened = Repository::open(repository.path()).unwrap();
    let base = tempfile::NamedTempFile::new().unwrap();
    let error = State::open_below(base.path(), &opened).unwrap_err();
    assert!(error.what.contains(&base.path().display().to_string()));
    assert!(error.hint.contains("REDGREEN_STATE_DIR"));
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    let error = StateError::io("written", base.path(), &full);
    assert_eq!(error.kind, StateErrorKind::DiskFull);
}

#[test]
fn a9_scratch_goes_with_its_guard_and_that_of_a_dead_process_with_the_next_start() {
    let (repository, base, state) = state();
    let scratch = state.scratch("red/T1").unwrap();
    let path = scratch.path().to_owned();
    assert_eq!(mode(&path), 0o700);
    std::fs::create_dir(path.join("read-only")).unwrap();
    std::fs::write(path.join("read-only/file"), "x").unwrap();
    std::fs::set_permissions(
        path.join("read-only"),
        std::fs::Permissions::from_mode(0o500),
    )
    .unwrap();
    let dead = state
        .root()
        .join("scratch")
        .join(format!("old-{}-1-0", std::process::id()));
    let foreign = state.root().join("scratch/foreign");
    std::fs::create_dir(&dead).unwrap();
    std::fs::create_dir(&foreign).unwrap();
    let opened = Repository::open(repository.path()).unwrap();
    let (_, left) = State::open_below(base.path(), &opened).unwrap();
    assert_eq!(left.scratch, 1);
    assert!(path.exists() && !dead.exists() && foreign.exists());
    drop(scratch);
    assert!(!path.exists());
}

#[test]
fn a1_a_second_redgreen_on_the_same_plan_is_told_who_holds_it() {
    let (_repository, _base, state) = state();
    let held = state.lock("plan docs/plans/x.json").unwrap();
    let error = state.lock("plan docs/plans/x.json").unwrap_err();
    let pid = std::process::id();
    assert_eq!(error.kind, StateErrorKind::Busy { pid });
    assert!(error.what.contains(&format!("pid {pid}")), "{error}");
    assert!(state.lock("plan docs_plans_x.json").is_ok());
    drop(held);
    assert!(state.lock("plan docs/plans/x.json").is_ok());
}

#[test]
fn g5_the_first_file_of_a_folder_makes_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evidence/by-hand/T1.json");
    write_atomically(&path, b"one").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"one");
}

#[test]
fn g5_a_replaced_file_keeps_its_permissions_and_leaves_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.json");
    write_atomically(&path, b"one").unwrap();
    let usual = folder.path().join("usual");
    std::fs::write(&usual, "").unwrap();
    assert_eq!(mode(&path), mode(&usual));
    std::fs::remove_file(&usual).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    write_atomically(&path, b"two").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"two");
    assert_eq!(mode(&path), 0o640);
    let below_a_file = path.join("x");
    assert!(write_atomically(&below_a_file, b"x").is_err());
    // A folder in the way: the temporary file must go.
    std::fs::create_dir(folder.path().join("dir")).unwrap();
    assert!(write_atomically(&folder.path().join("dir"), b"x").is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn g5_every_changed_or_cut_byte_of_a_sealed_file_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock.json");
    write_sealed(&path, b"{\"a\": 1}").unwrap();
    let whole = std::fs::read(&path).unwrap();
    assert_eq!(unsealed(&whole), Some(&b"{\"a\": 1}"[..]));
    for at in 0..whole.len() {
        for flip in [0x01, 0x20, 0x80] {
            let mut bytes = whole.clone();
            bytes[at] ^= flip;
            assert_eq!(unsealed(&bytes), None, "byte {at} flipped by {flip}");
        }
        assert_eq!(unsealed(&whole[..at]), None, "cut at {at}");
        let zeros = [&whole[..at], &vec![0; whole.len() - at][..]].concat();
        assert_eq!(unsealed(&zeros), None, "zeros from {at}");
    }
    assert_eq!(unsealed(&[&whole[..], &whole[..]].concat()), None);
}

#[test]
fn a9_a_temporary_file_of_a_dead_process_goes_with_the_next_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.json");
    // Nothing has this number and this start time.
    let left = folder.path().join(".plan.json.tmp-1-1-0");
    let other = folder.path().join(".other.json.tmp-1-1-0");
    for file in [&left, &other] {
        std::fs::write(file, b"half").unwrap();
    }
    write_atomically(&path, b"whole").unwrap();
    assert!(!left.exists() && other.exists());
    assert_eq!(std::fs::read(&path).unwrap(), b"whole");
}

#[test]
fn b1_of_a_long_output_both_ends_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    std::fs::write(&file, b"0123456789").unwrap();
    assert_eq!(read_ends(&file, 10).unwrap(), b"0123456789");
    assert_eq!(
        read_ends(&file, 4).unwrap(),
        b"01\n[redgreen left out 6 bytes here]\n89"
    );
}

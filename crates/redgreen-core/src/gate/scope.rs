//! What a change outside the implementer's paths is: left out, out of scope, or rejected (SPEC B5).

use crate::id::RelPath;
use crate::reason::ReasonCode;
use crate::tree::ChangeKind;

/// What a change is for the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeClass {
    /// Inert, or equal after formatting: judged without it.
    LeftOut,
    /// A harmless place that is not allowed: judged without it, exit 10, the same attempt goes on.
    OutOfScope,
    /// It could change a verdict.
    Rejected,
}

/// A change that the implementer was not allowed to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub path: RelPath,
    /// How.
    pub kind: ChangeKind,
    /// What it is for the verdict.
    pub class: ChangeClass,
    /// The stable code.
    pub code: ReasonCode,
    /// The fact, in plain words.
    pub message: String,
    /// The line it begins at, where known.
    pub line: Option<u32>,
    /// The difference.
    pub diff: Option<String>,
}

/// What kind of path was changed, as the path rules say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A test file, or a test item in a mixed file.
    Test,
    /// A name that steers a runner, a tool or git.
    RunnerConfig,
    /// An inert file (`[paths] ignore`).
    Inert,
    /// Everything else.
    Other,
}

/// Endings of files that are loaded without being read by anybody: compiled code and path hooks.
const LOADED_UNSEEN: &[&str] = &[
    "pyc", "pyo", "pyd", "so", "dylib", "dll", "pth", "a", "o", "rlib", "rmeta", "egg-link",
];

/// Whether a file is compiled code or a path hook: it would be loaded without anybody reading it (SPEC C1).
#[must_use]
pub fn is_loaded_unseen(path: &RelPath) -> bool {
    path.extension()
        .is_some_and(|extension| LOADED_UNSEEN.contains(&extension))
}

/// Classifies a change. Editing or deleting what is locked could change a verdict; so can adding a test, a runner file
/// or compiled code. Any other new file is harmless, because the judged tree does not contain it.
#[must_use]
pub fn classify(
    path: &RelPath,
    kind: ChangeKind,
    place: Place,
) -> (ChangeClass, ReasonCode, String) {
    let verb = match kind {
        ChangeKind::Added => "new file",
        ChangeKind::Modified => "changed",
        ChangeKind::Deleted => "deleted",
    };
    let locked_code = match kind {
        ChangeKind::Added => ReasonCode::LockAdded,
        ChangeKind::Modified => ReasonCode::LockModified,
        ChangeKind::Deleted => ReasonCode::LockDeleted,
    };
    let unseen = is_loaded_unseen(path);
    match (place, kind) {
        (Place::Inert, _) => (
            ChangeClass::LeftOut,
            ReasonCode::LeftOut,
            format!("{verb} `{path}`, judged without it"),
        ),
        (Place::Test, ChangeKind::Modified) => (
            ChangeClass::Rejected,
            ReasonCode::LockedTestEdited,
            format!("edited the locked test file `{path}`"),
        ),
        (Place::Test, ChangeKind::Added | ChangeKind::Deleted) => (
            ChangeClass::Rejected,
            locked_code,
            format!("{verb} `{path}` among the locked tests"),
        ),
        (Place::RunnerConfig, _) => (
            ChangeClass::Rejected,
            locked_code,
            format!("{verb} `{path}`, which steers how tests run"),
        ),
        (Place::Other, ChangeKind::Added) if unseen => (
            ChangeClass::Rejected,
            ReasonCode::ForbiddenFile,
            format!("{verb} `{path}`, compiled code that would be loaded unseen"),
        ),
        (Place::Other, ChangeKind::Added) => (
            ChangeClass::OutOfScope,
            ReasonCode::OutOfScope,
            format!("{verb} `{path}` is outside the paths of this task"),
        ),
        (Place::Other, ChangeKind::Modified | ChangeKind::Deleted) => (
            ChangeClass::Rejected,
            locked_code,
            format!("{verb} `{path}`, which is locked"),
        ),
    }
}

//! What a person reads, row by row: fragments of the first line and of the next step, and the exit code.

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// A fragment of the first line: the fact.
    pub see: &'static str,
    /// How the process ends.
    pub exit: i32,
    /// A fragment of the next step.
    pub next: &'static str,
}

macro_rules! rows {
    ($($name:ident: $see:literal, $exit:literal, $next:literal;)*) => {
        $(pub const $name: Row = Row { see: $see, exit: $exit, next: $next };)*
        /// All of them, in the order of the page.
        pub const ALL: &[Row] = &[$($name),*];
    };
}

rows! {
    NO_REPOSITORY: "is not inside a git repository", 15, "git init";
    NO_GIT: "there is no `git` on the search path", 15, "install git";
    BARE: "has no work tree", 15, "git worktree add";
    GIT_FOLDER: "lies inside the git folder", 15, "change to the checkout";
    UNBORN: "the repository has no commit yet", 15, "git add -A && git commit";
    ODD_PLACE: "is not UTF-8 or has a line break", 15, "rename that folder";
    OTHER_OWNER: "belongs to another user", 15, "safe.directory";
    BAD_NAME: "is not UTF-8", 15, "rename it with `git mv`";
    FORBIDDEN_NAME: "has a name that", 15, "give it an ordinary name";
    NO_RUNNER: "no test runner was found here", 15, "write `[runner]`";
    NO_TESTS: "no test was added or changed: no file matches the test paths that were assumed", 10, "write a test there";
    NO_GLOB: "no test was added or changed: no file matches `[paths] tests`", 10, "correct `[paths] tests`";
    TOO_LARGE: "is too large to be read for tests", 10, "into a file of its own";
    NO_PYTHON: "no Python interpreter was found", 15, "make a virtual environment";
    DEAD_VENV: "has no working interpreter", 15, "make it again";
    NO_PYTEST: "pytest cannot be imported", 15, "pip install pytest";
    NO_CARGO: "`cargo` was not found", 15, "install a Rust toolchain";
    STALE_CARGO_LOCK: "`Cargo.lock` does not fit the manifests", 11, "cargo update --workspace";
    PLAN_CYCLE: "tasks wait for each other", 2, "remove one of these dependencies";
    PLAN_UNKNOWN: "which is not in the plan", 2, "correct the id, or add the task";
    PLAN_TWICE: "is used twice", 2, "give one of them another id";
    PLAN_TYPE: "was expected, a number was found", 2, "write a string";
    PLAN_SYNTAX: "a value was expected", 2, "in double quotes";
    PLAN_FIELD: "is not a field; did you mean", 2, "write `depends_on`";
    PLAN_UTF8: "a byte that is not UTF-8", 2, "save the file as UTF-8";
    PLAN_DEEP: "lists and objects inside each other", 2, "make the structure flatter";
    PLAN_UNREADABLE: "the plan cannot be read", 2, "name a plan file";
    HALTED: "is halted in a run", 14, "redgreen take T1";
    UNKNOWN_KEY: "unknown field", 2, "did you mean";
    WRONG_TYPE: "was expected, string", 2, "docs/reference/configuration.md";
    SAME_GLOB: "stands in `paths.", 2, "leave it in one of them";
    BAD_GLOB: "cannot be read: a `[` has no `]`", 2, "gitignore semantics";
    GLOB_OUTSIDE: "`..` leads out of the repository", 2, "gitignore semantics";
    RUNNER_ROOT: "is no folder of the repository", 2, "name a folder with committed files";
    NO_COMMAND: "the runner's `command` is empty", 2, "leave it out";
    NO_TIME: "leaves no time at all", 2, "write \"90s\"";
    CONFIG_LINK: "is a symbolic link", 2, "put a copy in its place";
    CONFIG_UTF8: "is not UTF-8 text", 2, "save it as UTF-8";
    DIRTY: "uncommitted changes outside tests and source", 15, "commit them first";
    NEVER_ENDS: "did not end within", 11, "find what the test waits for";
    TOO_MUCH_OUTPUT: "printed too much", 11, "make the tests print less";
    NO_MEMORY: "there was not enough memory to run the test", 11, "run the gate again";
    NO_TERMINAL: "it cannot be told why the test is red", 16, "assert on the missing behaviour";
    NO_STATE_PERMISSION: "could not be made", 15, "REDGREEN_STATE_DIR";
    DISK_FULL: "No space left on device", 15, "free some space";
    DISK_FULL_GIT: "found no space left on the disk", 15, "free some space";
    READ_ONLY_CHECKOUT: "may not write to the repository", 15, "make the git folder writable";
    BUSY: "another redgreen (pid", 15, "redgreen stop";
}

//! The plan: tasks, their criteria, and the order in which they are done (SPEC A1, A3, A5).
//!
//! A [`Plan`] is what a plan file says; `redgreen-formats::plan_file` reads and edits the file itself.

use crate::id::{CriterionId, TaskId};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fmt;

/// A plan as its file states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its name; also the end of the branch name `redgreen/<name>` after the host made it usable there.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Where it stands. Derived from the journal once a run exists (SPEC A1).
    pub status: PlanStatus,
    /// The tasks, in file order.
    pub tasks: Vec<Task>,
}

/// Where a plan stands (SPEC A1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlanStatus {
    /// Being written.
    Draft,
    /// A person approved exactly this text.
    Approved,
    /// A run has begun.
    InProgress,
    /// Every task passed, or was waived by a person.
    Complete,
    /// A gate halted the run.
    Halted,
}

impl PlanStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Draft,
        Self::Approved,
        Self::InProgress,
        Self::Complete,
        Self::Halted,
    ];
    /// The text in a plan file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Approved => "APPROVED",
            Self::InProgress => "IN_PROGRESS",
            Self::Complete => "COMPLETE",
            Self::Halted => "HALTED",
        }
    }
}
impl fmt::Display for PlanStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a task is worked on (SPEC A5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Tests first, red on the base, then the implementation.
    #[default]
    Tdd,
    /// A regression test first, red on the base, then the repair.
    Fix,
    /// Tests of existing behaviour.
    Characterize,
    /// No new tests; the existing ones pin the behaviour.
    Refactor,
    /// No behaviour: manifests, CI, tooling, inside `scope`.
    Chore,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 5] = [
        Self::Tdd,
        Self::Fix,
        Self::Characterize,
        Self::Refactor,
        Self::Chore,
    ];
    /// The text in a plan file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tdd => "tdd",
            Self::Fix => "fix",
            Self::Characterize => "characterize",
            Self::Refactor => "refactor",
            Self::Chore => "chore",
        }
    }
    /// Whether this version can carry it out. The others are refused by [`validate`], not ignored.
    #[must_use]
    pub fn is_supported(self) -> bool {
        match self {
            Self::Tdd | Self::Fix | Self::Chore => true,
            Self::Characterize | Self::Refactor => false,
        }
    }
    /// Whether an author writes tests that must be red first.
    #[must_use]
    pub fn has_red(self) -> bool {
        match self {
            Self::Tdd | Self::Fix => true,
            Self::Characterize | Self::Refactor | Self::Chore => false,
        }
    }
}
impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When a task is started among those that could be: **the lower rank first**, as in `P0` before `P1` and as in the
/// common plan files in which the story with `"priority": 1` is taken first.
///
/// Words and numbers share one scale: `critical` = `P0` = 0, `high` = `P1` = 1, `medium` = `P2` = 2, `low` = `P3` = 3.
/// A task without a priority is `medium`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(pub i64);

impl Default for Priority {
    fn default() -> Self {
        Self(2)
    }
}

impl Priority {
    /// The words that are understood, for messages.
    pub const WORDS: &'static str =
        "`critical`, `high`, `medium`, `low`, `P0` to `P9`, or a whole number (lower is earlier)";
    /// Reads a word, `P` and a digit, or a whole number; letter case does not matter. `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let rank = match text.as_str() {
            "critical" | "highest" | "urgent" => 0,
            "high" => 1,
            "medium" | "normal" => 2,
            "low" => 3,
            "lowest" => 4,
            other => match other.strip_prefix('p') {
                Some(digit) if digit.len() == 1 => digit.parse().ok()?,
                Some(_) | None => other.parse().ok()?,
            },
        };
        Some(Self(rank))
    }
}

/// One acceptance criterion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    /// Its id: carried by the text (`AC-1: …`) or numbered by position.
    pub id: CriterionId,
    /// What must be true, without the id.
    pub text: String,
}

/// One task (SPEC A1). Lists are in file order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its id, such as `T43`.
    pub id: TaskId,
    /// A short name.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// The acceptance criteria (`dod` or `criteria`).
    pub criteria: Vec<Criterion>,
    /// Whether the file says that it passed. Derived; a claim until the journal confirms it.
    pub passes: bool,
    /// Tasks that must have passed before this one starts.
    pub depends_on: Vec<TaskId>,
    /// When it is started among those that could be.
    pub priority: Priority,
    /// The part of the project, used in commit messages (`feat(<module>): …`).
    pub module: Option<String>,
    /// How it is worked on.
    pub mode: Mode,
    /// Globs that narrow where the implementer writes; for `chore` they replace the source globs. Empty: not narrowed.
    pub scope: Vec<String>,
    /// Symbols that the task introduces; `None` where the plan does not say (SPEC A10 d needs the list).
    pub new_symbols: Option<Vec<String>>,
    /// Third-party packages that it may add.
    pub new_dependencies: Vec<String>,
    /// Old tests that it may replace (item ids or path globs).
    pub supersedes: Vec<String>,
    /// Test categories that it needs (`unit`, `integration`, …).
    pub categories: Vec<String>,
    /// Names of configured checks that apply to it.
    pub checks: Vec<String>,
    /// The issue that it closes, as written (`12`, `#12`, a URL).
    pub issue: Option<String>,
}

impl Task {
    /// A `tdd` task with one criterion and nothing else.
    #[must_use]
    pub fn new(id: TaskId, name: impl Into<String>, criterion: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
            description: String::new(),
            criteria: vec![Criterion {
                id: CriterionId::numbered(1),
                text: criterion.into(),
            }],
            passes: false,
            depends_on: Vec::new(),
            priority: Priority::default(),
            module: None,
            mode: Mode::default(),
            scope: Vec::new(),
            new_symbols: None,
            new_dependencies: Vec::new(),
            supersedes: Vec::new(),
            categories: Vec::new(),
            checks: Vec::new(),
            issue: None,
        }
    }
}

impl Plan {
    /// The task with this id.
    #[must_use]
    pub fn task(&self, id: &TaskId) -> Option<&Task> {
        self.tasks.iter().find(|task| &task.id == id)
    }
}

/// What is wrong with a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlanProblemKind {
    /// There is no task.
    NoTasks,
    /// Two tasks have the same id.
    DuplicateTask,
    /// Two criteria of a task have the same id.
    DuplicateCriterion,
    /// A task depends on one that does not exist.
    UnknownDependency,
    /// Tasks wait for each other.
    Cycle,
    /// A `chore` without `scope`: nothing would limit what it may write.
    ChoreWithoutScope,
    /// A task in a mode with tests has no criterion, or one without text.
    EmptyCriteria,
    /// The mode exists and cannot be carried out yet.
    ModeNotSupported,
}

/// One problem of a plan, with its place and the next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanProblem {
    /// The kind of problem.
    pub kind: PlanProblemKind,
    /// The tasks concerned. For a cycle: in the order in which each depends on the next.
    pub tasks: Vec<TaskId>,
    /// The place in the plan as a JSON pointer (RFC 6901), such as `/tasks/3/depends_on/0`.
    pub pointer: String,
    /// The fact, a lower-case fragment.
    pub message: String,
    /// The next step.
    pub help: String,
}

/// Finds everything that keeps a plan from being run. Empty means valid.
#[must_use]
pub fn validate(plan: &Plan) -> Vec<PlanProblem> {
    let mut problems = Vec::new();
    if plan.tasks.is_empty() {
        problems.push(PlanProblem {
            kind: PlanProblemKind::NoTasks,
            tasks: Vec::new(),
            pointer: "/tasks".to_owned(),
            message: "the plan has no task".to_owned(),
            help: "add a task with `id`, `name` and `criteria`".to_owned(),
        });
    }
    let mut first: BTreeMap<&TaskId, usize> = BTreeMap::new();
    for (index, task) in plan.tasks.iter().enumerate() {
        if let Some(earlier) = first.get(&task.id) {
            problems.push(PlanProblem {
                kind: PlanProblemKind::DuplicateTask,
                tasks: vec![task.id.clone()],
                pointer: format!("/tasks/{index}/id"),
                message: format!(
                    "task id `{}` is used twice: tasks {} and {} of the list",
                    task.id,
                    earlier + 1,
                    index + 1
                ),
                help: "give one of them another id".to_owned(),
            });
        } else {
            first.insert(&task.id, index);
        }
        problems.extend(task_problems(index, task));
    }
    for (index, task) in plan.tasks.iter().enumerate() {
        for (position, dependency) in task.depends_on.iter().enumerate() {
            if !first.contains_key(dependency) {
                problems.push(PlanProblem {
                    kind: PlanProblemKind::UnknownDependency,
                    tasks: vec![task.id.clone()],
                    pointer: format!("/tasks/{index}/depends_on/{position}"),
                    message: format!(
                        "`{}` depends on `{dependency}`, which is not in the plan",
                        task.id
                    ),
                    help: "correct the id, or add the task".to_owned(),
                });
            }
        }
    }
    for cycle in cycles(plan, &first) {
        let Some(start) = cycle.first() else { continue };
        let index = first.get(start).copied().unwrap_or(0);
        let mut names: Vec<String> = cycle.iter().map(|id| format!("`{id}`")).collect();
        names.push(format!("`{start}`"));
        problems.push(PlanProblem {
            kind: PlanProblemKind::Cycle,
            pointer: format!("/tasks/{index}/depends_on"),
            message: format!("tasks wait for each other: {}", names.join(" needs ")),
            help: "remove one of these dependencies".to_owned(),
            tasks: cycle,
        });
    }
    problems
}

fn task_problems(index: usize, task: &Task) -> Vec<PlanProblem> {
    let mut problems = Vec::new();
    let mut add = |kind, field: &str, message: String, help: &str| {
        problems.push(PlanProblem {
            kind,
            tasks: vec![task.id.clone()],
            pointer: format!("/tasks/{index}{field}"),
            message,
            help: help.to_owned(),
        });
    };
    if !task.mode.is_supported() {
        add(
            PlanProblemKind::ModeNotSupported,
            "/mode",
            format!(
                "`{}` has mode `{}`, which is not supported yet",
                task.id, task.mode
            ),
            "use `tdd`, `fix` or `chore`, or do the task by hand",
        );
    }
    if task.mode == Mode::Chore && task.scope.is_empty() {
        add(
            PlanProblemKind::ChoreWithoutScope,
            "",
            format!("`{}` is a chore without `scope`", task.id),
            "add `\"scope\": [\"…\"]`: the globs of the files that it may write",
        );
    }
    // A chore has no tests that could serve a criterion; what it is about may stand in its description.
    let without_criteria = task.mode != Mode::Chore && task.criteria.is_empty();
    if without_criteria || task.criteria.iter().any(|c| c.text.trim().is_empty()) {
        add(
            PlanProblemKind::EmptyCriteria,
            if without_criteria { "" } else { "/criteria" },
            format!("`{}` has no criterion, or an empty one", task.id),
            "add `\"criteria\": [\"AC-1: …\"]`: what must be true when it is done",
        );
    }
    let mut seen = BTreeSet::new();
    for criterion in &task.criteria {
        if !seen.insert(&criterion.id) {
            add(
                PlanProblemKind::DuplicateCriterion,
                "/criteria",
                format!("`{}` has two criteria `{}`", task.id, criterion.id),
                "give one of them another id",
            );
        }
    }
    problems
}

/// Every cycle that a depth-first search closes, one per entry point, without recursion: a chain of 1,000 tasks or more
/// must not exhaust the stack.
fn cycles(plan: &Plan, index_of: &BTreeMap<&TaskId, usize>) -> Vec<Vec<TaskId>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Colour {
        New,
        OnPath,
        Done,
    }
    let needs: Vec<Vec<usize>> = plan
        .tasks
        .iter()
        .map(|task| {
            task.depends_on
                .iter()
                .filter_map(|id| index_of.get(id).copied())
                .collect()
        })
        .collect();
    let mut colour = vec![Colour::New; plan.tasks.len()];
    let mut found = Vec::new();
    for start in 0..plan.tasks.len() {
        if colour[start] != Colour::New {
            continue;
        }
        colour[start] = Colour::OnPath;
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((task, next)) = path.last_mut() {
            let Some(dependency) = needs[*task].get(*next).copied() else {
                colour[*task] = Colour::Done;
                path.pop();
                continue;
            };
            *next += 1;
            match colour[dependency] {
                Colour::New => {
                    colour[dependency] = Colour::OnPath;
                    path.push((dependency, 0));
                }
                Colour::OnPath => found.push(
                    path.iter()
                        .map(|(task, _)| *task)
                        .skip_while(|task| *task != dependency)
                        .map(|task| plan.tasks[task].id.clone())
                        .collect(),
                ),
                Colour::Done => {}
            }
        }
    }
    found
}

/// The order in which tasks are done one after another: dependencies first, then priority (lower rank first), then file
/// order (SPEC A3). A dependency does not inherit the priority of what waits for it. Tasks of a cycle are left out;
/// [`validate`] names them.
#[must_use]
pub fn order(plan: &Plan) -> Vec<TaskId> {
    let index_of: BTreeMap<&TaskId, usize> = plan
        .tasks
        .iter()
        .enumerate()
        .rev()
        .map(|(index, task)| (&task.id, index))
        .collect();
    let mut waiting_for: Vec<usize> = vec![0; plan.tasks.len()];
    let mut waited_for_by: Vec<Vec<usize>> = vec![Vec::new(); plan.tasks.len()];
    for (index, task) in plan.tasks.iter().enumerate() {
        for dependency in task.depends_on.iter().collect::<BTreeSet<_>>() {
            waiting_for[index] += 1;
            if let Some(dependency) = index_of.get(dependency) {
                waited_for_by[*dependency].push(index);
            }
        }
    }
    let key = |index: usize| Reverse((plan.tasks[index].priority, index));
    let mut heap: BinaryHeap<_> = (0..plan.tasks.len())
        .filter(|index| waiting_for[*index] == 0)
        .map(key)
        .collect();
    let mut out = Vec::with_capacity(plan.tasks.len());
    while let Some(Reverse((_, index))) = heap.pop() {
        out.push(plan.tasks[index].id.clone());
        for waiter in &waited_for_by[index] {
            waiting_for[*waiter] -= 1;
            if waiting_for[*waiter] == 0 {
                heap.push(key(*waiter));
            }
        }
    }
    out
}

/// Which tasks could start now: not finished, running or failed, and every dependency finished; by priority, then file
/// order. A task behind a failed one is never in the list.
#[must_use]
pub fn ready(
    plan: &Plan,
    finished: &BTreeSet<TaskId>,
    running: &BTreeSet<TaskId>,
    failed: &BTreeSet<TaskId>,
) -> Vec<TaskId> {
    let mut candidates: Vec<(Priority, usize)> = plan
        .tasks
        .iter()
        .enumerate()
        .filter(|(_, task)| {
            !finished.contains(&task.id)
                && !running.contains(&task.id)
                && !failed.contains(&task.id)
                && task.depends_on.iter().all(|id| finished.contains(id))
        })
        .map(|(index, task)| (task.priority, index))
        .collect();
    candidates.sort_unstable();
    candidates
        .into_iter()
        .map(|(_, index)| plan.tasks[index].id.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(n: usize) -> TaskId {
        TaskId::new(format!("T{n}")).unwrap()
    }
    fn plan(tasks: &[(usize, &[usize], i64)]) -> Plan {
        Plan {
            name: "p".to_owned(),
            description: String::new(),
            status: PlanStatus::Draft,
            tasks: tasks
                .iter()
                .map(|(n, needs, priority)| {
                    let mut task = Task::new(id(*n), "n", "c");
                    task.depends_on = needs.iter().map(|n| id(*n)).collect();
                    task.priority = Priority(*priority);
                    task
                })
                .collect(),
        }
    }
    fn names(ids: &[TaskId]) -> Vec<&str> {
        ids.iter().map(TaskId::as_str).collect()
    }

    #[test]
    fn a3_order_is_dependencies_then_priority_then_file_order() {
        let plan = plan(&[
            (1, &[4], 0),
            (2, &[], 2),
            (3, &[], 2),
            (4, &[], 3),
            (5, &[], 1),
        ]);
        assert_eq!(names(&order(&plan)), ["T5", "T2", "T3", "T4", "T1"]);
    }

    #[test]
    fn a3_words_and_numbers_share_one_scale_and_lower_is_earlier() {
        let parsed: Vec<_> = ["critical", "HIGH", "P2", "low", "7", "-1"]
            .iter()
            .map(|text| Priority::parse(text).unwrap().0)
            .collect();
        assert_eq!(parsed, [0, 1, 2, 3, 7, -1]);
        assert_eq!(Priority::parse("soon"), None);
        assert_eq!(Priority::parse("p"), None);
        assert_eq!(Priority::parse("P10"), None);
        assert_eq!(Priority::default(), Priority::parse("medium").unwrap());
    }

    #[test]
    fn a3_a_cycle_names_its_tasks_in_order() {
        let plan = plan(&[
            (1, &[], 0),
            (2, &[4], 0),
            (3, &[2], 0),
            (4, &[3], 0),
            (5, &[5], 0),
        ]);
        let problems = validate(&plan);
        let cycles: Vec<_> = problems
            .iter()
            .filter(|p| p.kind == PlanProblemKind::Cycle)
            .collect();
        assert_eq!(cycles.len(), 2, "{problems:?}");
        assert_eq!(names(&cycles[0].tasks), ["T2", "T4", "T3"]);
        assert_eq!(
            cycles[0].message,
            "tasks wait for each other: `T2` needs `T4` needs `T3` needs `T2`"
        );
        assert_eq!(names(&cycles[1].tasks), ["T5"]);
    }

    #[test]
    fn a3_every_problem_is_reported_at_once_with_its_place() {
        let mut plan = plan(&[(1, &[9], 0), (1, &[], 0), (2, &[], 0), (3, &[], 0)]);
        plan.tasks[2].mode = Mode::Chore;
        plan.tasks[3].criteria.clear();
        let places: Vec<_> = validate(&plan)
            .into_iter()
            .map(|p| (p.kind, p.pointer))
            .collect();
        assert_eq!(
            places,
            [
                (PlanProblemKind::DuplicateTask, "/tasks/1/id".to_owned()),
                (PlanProblemKind::ChoreWithoutScope, "/tasks/2".to_owned()),
                (PlanProblemKind::EmptyCriteria, "/tasks/3".to_owned()),
                (
                    PlanProblemKind::UnknownDependency,
                    "/tasks/0/depends_on/0".to_owned()
                ),
            ]
        );
    }

    #[test]
    fn a5_modes_that_are_not_built_are_refused_and_not_ignored() {
        for mode in Mode::ALL {
            let mut plan = plan(&[(1, &[], 0)]);
            plan.tasks[0].mode = mode;
            plan.tasks[0].scope = vec!["Cargo.toml".to_owned()];
            let refused = validate(&plan)
                .iter()
                .any(|p| p.kind == PlanProblemKind::ModeNotSupported);
            assert_eq!(refused, !mode.is_supported(), "{mode}");
        }
    }

    #[test]
    fn a3_ready_never_offers_a_task_behind_a_failed_or_unfinished_one() {
        let plan = plan(&[(1, &[], 2), (2, &[1], 0), (3, &[], 1), (4, &[3], 0)]);
        let set = |ids: &[usize]| ids.iter().map(|n| id(*n)).collect::<BTreeSet<_>>();
        let none = BTreeSet::new();
        assert_eq!(names(&ready(&plan, &none, &none, &none)), ["T3", "T1"]);
        assert_eq!(names(&ready(&plan, &set(&[1]), &none, &set(&[3]))), ["T2"]);
        assert_eq!(
            names(&ready(&plan, &set(&[1, 3]), &set(&[4]), &none)),
            ["T2"]
        );
    }

    #[test]
    fn h7_a_chain_of_100_000_tasks_is_ordered_and_checked_without_recursion() {
        let count = 100_000;
        let plan = Plan {
            name: "p".to_owned(),
            description: String::new(),
            status: PlanStatus::Draft,
            tasks: (0..count)
                .map(|n| {
                    let mut task = Task::new(id(n), "n", "c");
                    if n + 1 < count {
                        task.depends_on = vec![id(n + 1)];
                    }
                    task
                })
                .collect(),
        };
        assert_eq!(validate(&plan), []);
        assert_eq!(order(&plan).first(), Some(&id(count - 1)));
    }

    proptest! {
        #[test]
        fn a3_order_equals_taking_the_first_ready_task_again_and_again(
            shape in proptest::collection::vec((proptest::collection::vec(0usize..12, 0..3), 0i64..4), 1..12)
        ) {
            let mut plan = plan(&[]);
            for (index, (needs, priority)) in shape.iter().enumerate() {
                let mut task = Task::new(id(index), "n", "c");
                task.depends_on = needs.iter().filter(|n| **n < shape.len()).map(|n| id(*n)).collect();
                task.priority = Priority(*priority);
                plan.tasks.push(task);
            }
            let (mut finished, none) = (BTreeSet::new(), BTreeSet::new());
            let mut expected = Vec::new();
            while let Some(next) = ready(&plan, &finished, &none, &none).into_iter().next() {
                finished.insert(next.clone());
                expected.push(next);
            }
            prop_assert_eq!(order(&plan), expected.clone());
            let has_cycle = validate(&plan).iter().any(|p| p.kind == PlanProblemKind::Cycle);
            prop_assert_eq!(has_cycle, expected.len() < plan.tasks.len());
        }
    }
}

//! The plan as it is frozen in the journal.

use super::{ModeData, PlanStatusData};
use redgreen_core::id::{CriterionId, TaskId};
use redgreen_core::plan::{Criterion, Plan, Priority, Task};
use serde::{Deserialize, Serialize};

/// A plan. The fields mean what they mean in [`Plan`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are those of `core::plan::Plan`")]
pub struct PlanData {
    pub name: String,
    pub description: String,
    pub status: PlanStatusData,
    pub tasks: Vec<TaskData>,
}

/// A task. The fields mean what they mean in [`Task`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are those of `core::plan::Task`")]
pub struct TaskData {
    pub id: TaskId,
    pub name: String,
    pub description: String,
    pub criteria: Vec<CriterionData>,
    pub passes: bool,
    pub depends_on: Vec<TaskId>,
    /// The rank; lower is earlier.
    pub priority: i64,
    pub module: Option<String>,
    pub mode: ModeData,
    pub scope: Vec<String>,
    pub new_symbols: Option<Vec<String>>,
    pub new_dependencies: Vec<String>,
    pub supersedes: Vec<String>,
    pub categories: Vec<String>,
    pub checks: Vec<String>,
    pub issue: Option<String>,
}

/// A criterion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "the fields are those of `core::plan::Criterion`"
)]
pub struct CriterionData {
    pub id: CriterionId,
    pub text: String,
}

impl From<&Plan> for PlanData {
    fn from(plan: &Plan) -> Self {
        Self {
            name: plan.name.clone(),
            description: plan.description.clone(),
            status: plan.status.into(),
            tasks: plan.tasks.iter().map(TaskData::from).collect(),
        }
    }
}

impl From<PlanData> for Plan {
    fn from(data: PlanData) -> Self {
        Self {
            name: data.name,
            description: data.description,
            status: data.status.into(),
            tasks: data.tasks.into_iter().map(Task::from).collect(),
        }
    }
}

impl From<&Task> for TaskData {
    fn from(task: &Task) -> Self {
        let task = task.clone();
        Self {
            id: task.id,
            name: task.name,
            description: task.description,
            criteria: task
                .criteria
                .into_iter()
                .map(|criterion| CriterionData {
                    id: criterion.id,
                    text: criterion.text,
                })
                .collect(),
            passes: task.passes,
            depends_on: task.depends_on,
            priority: task.priority.0,
            module: task.module,
            mode: task.mode.into(),
            scope: task.scope,
            new_symbols: task.new_symbols,
            new_dependencies: task.new_dependencies,
            supersedes: task.supersedes,
            categories: task.categories,
            checks: task.checks,
            issue: task.issue,
        }
    }
}

impl From<TaskData> for Task {
    fn from(data: TaskData) -> Self {
        Self {
            id: data.id,
            name: data.name,
            description: data.description,
            criteria: data
                .criteria
                .into_iter()
                .map(|criterion| Criterion {
                    id: criterion.id,
                    text: criterion.text,
                })
                .collect(),
            passes: data.passes,
            depends_on: data.depends_on,
            priority: Priority(data.priority),
            module: data.module,
            mode: data.mode.into(),
            scope: data.scope,
            new_symbols: data.new_symbols,
            new_dependencies: data.new_dependencies,
            supersedes: data.supersedes,
            categories: data.categories,
            checks: data.checks,
            issue: data.issue,
        }
    }
}

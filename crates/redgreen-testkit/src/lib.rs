//! Test tools that are not published: programs that try redgreen on things from outside this repository.

pub mod cheats;
pub mod lint_cases;
pub mod model;
pub mod real_projects;
pub mod red_causes;

//! Tables of closed lists: exit codes, reasons, causes, the fields of a plan.

use super::{cell, heading, schemas};
use redgreen_core::exit::ExitCode;
use redgreen_core::outcome::{Cause, CauseClass, Outcome, Role, Verdict};
use redgreen_core::reason::ReasonCode;
use serde_json::Value;

/// Exit codes, and the verdict behind them.
pub(super) fn exit_codes() -> String {
    let mut page = heading("Exit codes");
    page.push_str(
        "Public and stable. `redgreen run` ends with the code of the gate that halted it.\n\n",
    );
    page.push_str("| code | meaning | verdict |\n|---|---|---|\n");
    for exit in ExitCode::ALL {
        let verdicts: Vec<String> = Verdict::ALL
            .iter()
            .filter(|verdict| ExitCode::from(**verdict) == exit)
            .map(|verdict| format!("`{verdict}`"))
            .collect();
        page.push_str(&format!(
            "| {} | {} | {} |\n",
            exit.code(),
            cell(exit.meaning()),
            verdicts.join(", ")
        ));
    }
    page.push_str("\n## Verdicts\n\nOnly `pass` advances.\n\n| verdict | meaning |\n|---|---|\n");
    for verdict in Verdict::ALL {
        row(&mut page, verdict.as_str(), verdict.meaning());
    }
    page
}

fn row(page: &mut String, word: &str, meaning: &str) {
    page.push_str(&format!("| `{word}` | {} |\n", cell(meaning)));
}

/// Reason codes.
pub(super) fn reasons() -> String {
    let mut page = heading("Reason codes");
    page.push_str(
        "A gate that does not pass gives reasons. Each has a stable code, the fact, where it is, and the next step. \
         `redgreen explain CODE` prints the line below; codes are only ever added.\n\n",
    );
    page.push_str("| code | meaning |\n|---|---|\n");
    for code in ReasonCode::ALL {
        row(&mut page, code.as_str(), code.meaning());
    }
    page
}

/// Causes of red tests by class, outcomes and roles.
pub(super) fn causes() -> String {
    let mut page = heading("Causes, outcomes, roles");
    page.push_str(
        "Why a test is red decides whether RED accepts it. The cause is read from the exception object (pytest) or from \
         the compiler's codes and spans (cargo), never guessed from a line of text alone.\n",
    );
    for class in CauseClass::ALL {
        page.push_str(&format!(
            "\n## {class}: {}\n\n| cause | meaning |\n|---|---|\n",
            class.meaning()
        ));
        for cause in Cause::ALL.iter().filter(|cause| cause.class() == *class) {
            row(&mut page, cause.as_str(), cause.meaning());
        }
    }
    page.push_str("\n## Outcomes of a test case\n\n| outcome | meaning |\n|---|---|\n");
    for outcome in Outcome::ALL {
        row(&mut page, outcome.as_str(), outcome.meaning());
    }
    page.push_str("\n## Roles of a test in a task\n\n| role | meaning |\n|---|---|\n");
    for role in Role::ALL {
        row(&mut page, role.as_str(), role.meaning());
    }
    page
}

/// The fields of a plan file, from its schema.
pub(super) fn plan() -> String {
    let schema = schemas::plan();
    let mut page = heading("Plan files");
    page.push_str(
        "A JSON file in `docs/plans/`. The schema is [`schemas/plan.json`](../../schemas/plan.json). redgreen rewrites only \
         the derived fields and keeps every other byte of the file. A field it does not know is kept and ignored, unless it \
         looks like a misspelt one; a field of your own may begin with `x_`.\n\n## The plan\n\n",
    );
    fields(&mut page, &schema);
    page.push_str("\n## A task\n\n");
    fields(&mut page, &schema["$defs"]["task"]);
    page
}

fn fields(page: &mut String, object: &Value) {
    page.push_str("| field | required | meaning |\n|---|---|---|\n");
    let required: Vec<&str> = object["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (name, schema) in object["properties"].as_object().into_iter().flatten() {
        let words = schema["enum"].as_array().into_iter().flatten();
        let words: Vec<String> = words
            .filter_map(Value::as_str)
            .map(|word| format!("`{word}`"))
            .collect();
        let mut meaning = schema["description"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if !words.is_empty() {
            meaning.push_str(&format!(": {}", words.join(", ")));
        }
        page.push_str(&format!(
            "| `{name}` | {} | {} |\n",
            if required.contains(&name.as_str()) {
                "yes"
            } else {
                ""
            },
            cell(&meaning)
        ));
    }
}

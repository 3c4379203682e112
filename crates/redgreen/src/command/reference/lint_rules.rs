//! The page of the lint rules, with the examples that a test judges.

use super::{cell, heading};
use redgreen_lint::quality::rules::ALL;

/// Every rule.
pub(super) fn page() -> String {
    let mut page = heading("Lint rules");
    page.push_str(
        "What `redgreen lint` finds. The severity is the heaviest a rule can have, on tests that were added or changed; \
         nothing blocks because of an old test. A comment in the file waives nothing. `redgreen explain RULE` prints one rule.\n\n\
         | number | rule | what it finds | severity |\n|---|---|---|---|\n",
    );
    for rule in ALL {
        page.push_str(&format!(
            "| {} | [`{}`](#{}) | {} | {} |\n",
            rule.number,
            rule.name,
            rule.name,
            cell(rule.title),
            rule.severity.as_str()
        ));
    }
    for rule in ALL {
        page.push_str(&format!(
            "\n## {}\n\n{}: {}.\n\n**Why.** {}\n\n**What to do.** {}\n\n**When it is wrong.** {}\n",
            rule.name, rule.number, rule.title, rule.why, rule.fix, rule.when_wrong
        ));
        for example in rule.examples {
            let word = example.language.as_str();
            let fence = word.to_ascii_lowercase();
            page.push_str(&format!(
                "\n{word}, found:\n\n```{fence}\n{}\n```\n\nand not found:\n\n```{fence}\n{}\n```\n",
                example.bad.trim(),
                example.good.trim()
            ));
        }
    }
    page
}

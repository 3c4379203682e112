//! The page about errors says what the program says.

use crate::rows::ALL;

#[test]
fn g10_the_page_when_something_is_wrong_has_every_row_and_no_other() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/guide/when-something-is-wrong.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| what you see"))
        .collect();
    for row in ALL {
        let found = rows.iter().any(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
            cells.len() == 4
                && cells[0].contains(row.see)
                && cells[1].trim() == row.exit.to_string()
                && cells[3].contains(row.next)
        });
        assert!(found, "the page has no row for {row:?}");
    }
    for line in &rows {
        assert!(
            ALL.iter().any(|row| line.contains(row.see)),
            "no test has the row {line}"
        );
    }
    assert_eq!(rows.len(), ALL.len());
}

//! Tables of figures as text, in the form of Markdown.

use crate::Failed;
use std::fmt;
use std::path::Path;

/// A table.
pub struct Table {
    /// What it shows.
    pub title: String,
    /// Column names.
    pub head: Vec<String>,
    /// Rows.
    pub rows: Vec<Vec<String>>,
    /// Sentences below it.
    pub notes: Vec<String>,
}

impl Table {
    /// A table without rows.
    pub fn new(title: &str, head: &[&str]) -> Self {
        Self {
            title: title.to_owned(),
            head: head.iter().map(|&name| name.to_owned()).collect(),
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }
    /// Adds a row.
    pub fn row(&mut self, cells: &[String]) {
        self.rows.push(cells.to_vec());
    }
    /// Adds a sentence.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }
}

/// Milliseconds with a fitting number of digits.
pub fn ms(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.0}")
    }
}

/// A ratio; with the limit that it has to keep, what came of it.
pub fn ratio(value: f64, most: Option<f64>) -> String {
    match most {
        Some(most) if value <= most => format!("{value:.2} (at most {most}: kept)"),
        Some(most) => format!("**{value:.2}** (at most {most}: missed)"),
        None => format!("{value:.2}"),
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "### {}\n", self.title)?;
        writeln!(f, "| {} |", self.head.join(" | "))?;
        writeln!(f, "|{}", "---|".repeat(self.head.len()))?;
        for row in &self.rows {
            writeln!(f, "| {} |", row.join(" | "))?;
        }
        for note in &self.notes {
            writeln!(f, "\n{note}")?;
        }
        Ok(())
    }
}

/// Replaces each measured section of the document, between `<!-- NAME -->` and `<!-- end NAME -->`.
pub fn write(file: &Path, tables: &[(&str, Table)]) -> Result<(), Failed> {
    let mut text = std::fs::read_to_string(file)?;
    let machine = machine();
    for (name, table) in tables {
        let (begin, end) = (format!("<!-- {name} -->"), format!("<!-- end {name} -->"));
        let (Some(from), Some(to)) = (text.find(&begin), text.find(&end)) else {
            return Err(format!("`{}` has no place for `{name}`", file.display()).into());
        };
        text.replace_range(from + begin.len()..to, &format!("\n{table}\n{machine}\n"));
    }
    std::fs::write(file, text)?;
    Ok(())
}

/// Machine, date, load.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| {
            line.strip_prefix("model name")?
                .split_once(": ")
                .map(|(_, name)| name.to_owned())
        })
        .unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    let load: Vec<&str> = load.split(' ').take(3).collect();
    format!(
        "Measured {} on {cores} cores ({cpu}), Linux {}, load {} (1, 5, 15 minutes).",
        jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC"),
        kernel.trim(),
        load.join(", ")
    )
}

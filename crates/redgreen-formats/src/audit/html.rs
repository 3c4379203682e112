//! One self-contained page for audits and runs: no server, no other file, readable without a script.
//!
//! The script adds a filter and keys (`n` next failure, `p` previous, `/` filter). Everything that comes from a repository
//! or a runner is escaped text; nothing of it becomes markup.

use super::document::{AuditReport, ChangeReport, Finding, Side, TestLine};
use redgreen_core::audit::{AuditStatus, ChangeVerdict};
use std::fmt::Write as _;

const PAGE: &str = include_str!("page.html");

/// How much a row asks for a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Wrong.
    Bad,
    /// Worth a look.
    Middle,
    /// As it should be.
    Good,
    /// Neither.
    Plain,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Middle => "mid",
            Self::Good => "good",
            Self::Plain => "plain",
        }
    }
}

/// A row of a page.
#[derive(Debug, Clone)]
pub struct Row {
    /// How much it asks for a look.
    pub level: Level,
    /// The word in front: `bites`, `failed`.
    pub word: String,
    /// The fact in one line.
    pub title: String,
    /// Two texts side by side with their headings.
    pub sides: Option<[(String, String); 2]>,
    /// Old and new lines.
    pub difference: Option<(String, String)>,
    /// What to do.
    pub help: String,
}

/// A part of a page.
#[derive(Debug, Clone)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// A smaller line behind it.
    pub note: String,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// A page.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its heading.
    pub title: String,
    /// Lines below it.
    pub intro: Vec<String>,
    /// Its parts.
    pub sections: Vec<Section>,
    /// The last line.
    pub footer: String,
}

/// Text as HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

impl Page {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        let mut body = String::new();
        for section in &self.sections {
            _ = write!(
                body,
                "<section><h2>{} <small>{}</small></h2>",
                escaped(&section.title),
                escaped(&section.note)
            );
            for row in &section.rows {
                row_html(&mut body, row);
            }
            body.push_str("</section>\n");
        }
        let mut intro = String::from("<ul>");
        for line in &self.intro {
            _ = write!(intro, "<li>{}</li>", escaped(line));
        }
        intro.push_str("</ul>");
        // The texts are put in last, so that nothing in them is taken for a place of the page.
        let mut out = String::with_capacity(PAGE.len() + body.len());
        let mut rest = PAGE;
        while let Some(at) = rest.find('@') {
            let known = [
                ("@TITLE@", escaped(&self.title)),
                ("@INTRO@", intro.clone()),
                ("@BODY@", body.clone()),
                ("@FOOTER@", escaped(&self.footer)),
            ];
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            match known.iter().find(|(name, _)| rest.starts_with(name)) {
                Some((name, text)) => {
                    out.push_str(text);
                    rest = &rest[name.len()..];
                }
                None => {
                    out.push('@');
                    rest = &rest[1..];
                }
            }
        }
        out.push_str(rest);
        out
    }
}

fn row_html(out: &mut String, row: &Row) {
    let level = row.level.name();
    let head = format!(
        "<b class=\"{level}\">{}</b> {}",
        escaped(&row.word),
        escaped(&row.title)
    );
    let more = row.sides.is_some() || row.difference.is_some() || !row.help.is_empty();
    if !more {
        _ = writeln!(
            out,
            "<div class=\"row\" data-row data-level=\"{level}\">{head}</div>"
        );
        return;
    }
    _ = write!(
        out,
        "<details data-row data-level=\"{level}\"><summary>{head}</summary>"
    );
    if let Some((before, after)) = &row.difference {
        out.push_str("<pre>");
        for line in before.lines() {
            _ = write!(out, "<span class=\"del\">- {}</span>", escaped(line));
        }
        for line in after.lines() {
            _ = write!(out, "<span class=\"add\">+ {}</span>", escaped(line));
        }
        out.push_str("</pre>");
    }
    if let Some(sides) = &row.sides {
        out.push_str("<div class=\"two\">");
        for (title, text) in sides {
            let text = if text.is_empty() { "(no output)" } else { text };
            _ = write!(
                out,
                "<div><h3>{}</h3><pre>{}</pre></div>",
                escaped(title),
                escaped(text)
            );
        }
        out.push_str("</div>");
    }
    if !row.help.is_empty() {
        _ = write!(out, "<p>{}</p>", escaped(&row.help));
    }
    out.push_str("</details>\n");
}

/// The page of an audit.
#[must_use]
pub fn page(report: &AuditReport) -> Page {
    let mut intro: Vec<String> = Vec::new();
    for (status, count) in &report.totals.tests {
        intro.push(format!(
            "{count} {}: {}",
            words(status.as_str()),
            status.meaning()
        ));
    }
    for (kind, count) in &report.totals.findings {
        intro.push(format!(
            "{count} {}: {}",
            words(kind.as_str()),
            kind.meaning()
        ));
    }
    let mut sections = Vec::new();
    if !report.findings.is_empty() {
        sections.push(Section {
            title: "the range".to_owned(),
            note: String::new(),
            rows: report.findings.iter().map(finding_row).collect(),
        });
    }
    // A change in which nothing could be run needs no part of its own.
    for change in report
        .changes
        .iter()
        .filter(|change| change.verdict != ChangeVerdict::NoCode)
    {
        sections.push(section(change));
    }
    Page {
        title: format!("redgreen audit {}", report.range.asked),
        intro,
        sections,
        footer: format!(
            "{} test runs, {} changes remembered. Keys: n next failure, p previous, / filter.",
            report.runs.commands, report.runs.remembered
        ),
    }
}

fn words(text: &str) -> String {
    text.replace('_', " ")
}

fn section(change: &ChangeReport) -> Section {
    let commit = change.commits.last();
    let mut rows: Vec<Row> = change.findings.iter().map(finding_row).collect();
    let (plain, rest): (Vec<&TestLine>, Vec<&TestLine>) = change
        .tests
        .iter()
        .partition(|test| test.status == AuditStatus::TestsOnly);
    rows.extend(rest.into_iter().map(test_row));
    // Hundreds of tests that came without code would hide what there is to see.
    if plain.len() > 8 {
        let names: Vec<&str> = plain.iter().map(|test| test.test.as_str()).collect();
        rows.push(Row {
            level: Level::Plain,
            word: "tests only".to_owned(),
            title: format!("{} tests came without code, and pass", plain.len()),
            sides: None,
            difference: None,
            help: names.join(", "),
        });
    } else {
        rows.extend(plain.into_iter().map(test_row));
    }
    let level = match change.verdict {
        ChangeVerdict::FailsWithIt => Level::Bad,
        ChangeVerdict::DoesNotBite | ChangeVerdict::CouldNotRun | ChangeVerdict::Flaky => {
            Level::Middle
        }
        ChangeVerdict::NoTest => Level::Middle,
        ChangeVerdict::Bites => Level::Good,
        ChangeVerdict::TestsOnly | ChangeVerdict::NoCode => Level::Plain,
    };
    if change.tests.is_empty() {
        rows.push(Row {
            level,
            word: words(change.verdict.as_str()),
            title: change.claim.clone(),
            sides: None,
            difference: None,
            help: change
                .reason
                .as_ref()
                .map(|reason| reason.help.clone())
                .unwrap_or_default(),
        });
    }
    Section {
        title: commit.map_or_else(String::new, |commit| {
            format!(
                "{} {}",
                commit.id.chars().take(10).collect::<String>(),
                commit.subject
            )
        }),
        note: if change.tests.is_empty() {
            String::new()
        } else {
            format!("{}: {}", words(change.verdict.as_str()), change.claim)
        },
        rows,
    }
}

fn test_row(test: &TestLine) -> Row {
    let level = match test.status {
        AuditStatus::FailsWithIt => Level::Bad,
        AuditStatus::DoesNotBite | AuditStatus::Flaky | AuditStatus::CouldNotRun => Level::Middle,
        AuditStatus::Bites => Level::Good,
        AuditStatus::Skipped | AuditStatus::TestsOnly => Level::Plain,
    };
    let outputs = !test.without.is_empty() || !test.with.is_empty();
    Row {
        level,
        word: words(test.status.as_str()),
        title: format!("{} (line {}) {}", test.test, test.line, first(&test.detail)),
        sides: outputs.then(|| {
            let or_passes = |text: &String, passes: bool| {
                if text.is_empty() && passes {
                    "passes".to_owned()
                } else {
                    text.clone()
                }
            };
            [
                (
                    "without the change".to_owned(),
                    or_passes(&test.without, test.status == AuditStatus::DoesNotBite),
                ),
                (
                    "with the change".to_owned(),
                    or_passes(
                        &test.with,
                        matches!(test.status, AuditStatus::Bites | AuditStatus::DoesNotBite),
                    ),
                ),
            ]
        }),
        difference: None,
        help: test.help.clone(),
    }
}

fn first(text: &str) -> &str {
    text.lines().next().unwrap_or("")
}

fn finding_row(finding: &Finding) -> Row {
    let place = match (&finding.path, finding.line) {
        (Some(path), 0) => format!("{path} "),
        (Some(path), line) if finding.side == Side::Base => format!("{path}:{line} (before) "),
        (Some(path), line) => format!("{path}:{line} "),
        (None, _) => String::new(),
    };
    use super::document::FindingKind as Kind;
    Row {
        level: match finding.kind {
            Kind::LockInvalid | Kind::LockMissing | Kind::PlanField | Kind::Weakened => Level::Bad,
            Kind::SkipAdded | Kind::TestRemoved | Kind::SnapshotChanged | Kind::DuplicateTest => {
                Level::Middle
            }
            Kind::TestRenamed => Level::Plain,
        },
        word: words(finding.kind.as_str()),
        title: format!("{place}{}", finding.message),
        sides: None,
        difference: (!finding.before.is_empty() || !finding.after.is_empty())
            .then(|| (finding.before.clone(), finding.after.clone())),
        help: finding.help.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g8_nothing_of_a_repository_becomes_markup() {
        let row = Row {
            level: Level::Bad,
            word: "fails".to_owned(),
            title: "<script>alert(1)</script> @BODY@".to_owned(),
            sides: Some([
                ("without".to_owned(), "</pre><b>".to_owned()),
                ("with".to_owned(), "\u{1b}[31mred\u{1b}[0m".to_owned()),
            ]),
            difference: Some(("a < b".to_owned(), "a & b".to_owned())),
            help: "\"quoted\"".to_owned(),
        };
        let page = Page {
            title: "@INTRO@ <t>".to_owned(),
            intro: vec!["<li>".to_owned()],
            sections: vec![Section {
                title: "s".to_owned(),
                note: String::new(),
                rows: vec![row],
            }],
            footer: String::new(),
        };
        let html = page.render();
        assert!(!html.contains("<script>alert"), "{html}");
        assert!(!html.contains("</pre><b>"), "{html}");
        assert!(!html.contains('\u{1b}'), "{html}");
        assert_eq!(html.matches("<script>").count(), 1);
        assert_eq!(html.matches("data-level=\"bad\"").count(), 1);
        assert!(html.contains("@BODY@"), "text stays as it is: {html}");
        assert!(
            !html.contains("http://") && !html.contains("https://"),
            "nothing is loaded from elsewhere"
        );
    }
}

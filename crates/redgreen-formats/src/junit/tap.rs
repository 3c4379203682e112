//! TAP 13 and 14 as cases of a report: <https://testanything.org/tap-version-14-specification.html>.
//!
//! What says how a run went is the plan: a document without one, or with another number of test points, has lost or gained
//! tests. Subtests are indented by four spaces and stand before (TAP 14) the point that sums them up.

use super::read::{Case, Mark, MarkKind, Report, Suite, Trouble};

/// Subtests inside each other beyond this are no report.
const MOST_DEPTH: usize = 100;

/// At most this many bytes of one YAML block are kept.
const BLOCK: usize = 16 << 10;

/// Whether a text looks like TAP: a version line, a plan or a test point on a line of its own.
#[must_use]
pub fn looks_like(text: &str) -> bool {
    text.lines().take(200).any(|line| {
        line.starts_with("TAP version ") || plan(line).is_some() || point(line).is_some()
    })
}

/// One level of subtests.
#[derive(Default)]
struct Level {
    /// Names of the points around it are not known yet: cases from this index on are below the next point.
    first_case: usize,
    points: u64,
    plan: Option<u64>,
    numbers: std::collections::BTreeSet<u64>,
}

/// Reads a document. What is no TAP in it is passed over, as the specification asks.
#[must_use]
pub fn read(text: &str) -> Report {
    let mut reading = Reading {
        report: Report {
            suites: vec![Suite::default()],
            ..Report::default()
        },
        levels: vec![Level::default()],
        block: None,
        last: None,
    };
    for line in text.lines() {
        reading.line(line);
    }
    reading.finish()
}

struct Reading {
    report: Report,
    levels: Vec<Level>,
    /// The indentation and text of an open YAML block.
    block: Option<(usize, String)>,
    /// The point that a YAML block would belong to.
    last: Option<usize>,
}

impl Reading {
    fn trouble(&mut self, text: String) {
        let trouble = Trouble::Contradiction(text);
        if self.report.troubles.len() < 20 && !self.report.troubles.contains(&trouble) {
            self.report.troubles.push(trouble);
        }
    }

    fn line(&mut self, line: &str) {
        let indent = line.len() - line.trim_start_matches(' ').len();
        if let Some((at, text)) = &mut self.block {
            if indent == *at && line.trim() == "..." {
                let text = std::mem::take(text);
                self.block = None;
                self.details(&text);
            } else if text.len() < BLOCK {
                text.push_str(line.get(*at..).unwrap_or(line.trim_start()));
                text.push('\n');
            }
            return;
        }
        let bare = line.trim();
        if bare == "---" && indent % 4 == 2 && self.last.is_some() {
            self.block = Some((indent, String::new()));
            return;
        }
        let depth = indent / 4;
        if !indent.is_multiple_of(4) || depth > MOST_DEPTH {
            return;
        }
        if let Some(reason) = bare.strip_prefix("Bail out!") {
            self.trouble(format!("the run was broken off: {}", reason.trim()));
            return;
        }
        if let Some(number) = plan(bare) {
            self.at(depth);
            let level = self.levels.len() - 1;
            if self.levels[level].plan.replace(number).is_some() {
                self.trouble("there are two plans for the same tests".to_owned());
            }
            return;
        }
        let Some(point) = point(bare) else { return };
        // Text that a test printed may be indented; subtests go one level deeper at a time.
        if depth > self.levels.len() {
            return;
        }
        let below = (depth + 1 < self.levels.len()).then(|| self.close());
        self.at(depth);
        self.point(&point, below);
    }

    /// Opens or closes levels until this one is the current one.
    fn at(&mut self, depth: usize) {
        while self.levels.len() > depth + 1 {
            self.close();
        }
        while self.levels.len() < depth + 1 {
            self.levels.push(Level {
                first_case: self.report.cases.len(),
                ..Level::default()
            });
        }
    }

    /// Ends the deepest level and says from which case on it holds them.
    fn close(&mut self) -> usize {
        let level = self.levels.pop().unwrap_or_default();
        self.check(&level);
        level.first_case
    }

    fn check(&mut self, level: &Level) {
        match level.plan {
            None => self.trouble(format!(
                "{} tests without a plan: the document may have been cut off",
                level.points
            )),
            Some(planned) if planned != level.points => self.trouble(format!(
                "the plan says {planned} tests, and there are {}",
                level.points
            )),
            Some(planned) => {
                if level
                    .numbers
                    .iter()
                    .any(|number| *number == 0 || *number > planned)
                {
                    self.trouble("a test has a number outside the plan".to_owned());
                }
            }
        }
    }

    fn point(&mut self, point: &Point<'_>, below: Option<usize>) {
        let level = self.levels.len() - 1;
        self.levels[level].points += 1;
        if let Some(number) = point.number
            && !self.levels[level].numbers.insert(number)
        {
            self.trouble(format!("test {number} is there twice"));
        }
        let name = if point.name.is_empty() {
            format!("test {}", point.number.unwrap_or(self.levels[level].points))
        } else {
            point.name.clone()
        };
        let mut agrees = false;
        if let Some(first) = below {
            let cases = self.report.cases.get_mut(first..).unwrap_or_default();
            let mut bad = false;
            for case in &mut *cases {
                bad |= case.marks.iter().any(|mark| mark.kind == MarkKind::Failure);
                let own = case.name.take().unwrap_or_default();
                case.name = Some(format!("{name} > {own}"));
            }
            // What only sums up its subtests is no test; one that fails by itself is.
            agrees = !cases.is_empty() && bad != point.ok && point.directive.is_none();
        }
        if agrees {
            self.last = None;
            return;
        }
        let mut marks = Vec::new();
        match (&point.directive, point.ok) {
            (Some(Directive::Skip(why)), _) => marks.push(mark(MarkKind::Skipped, "", why)),
            (Some(Directive::Todo), _) => marks.push(mark(MarkKind::Skipped, "todo", "todo")),
            (None, false) => marks.push(mark(MarkKind::Failure, "", "")),
            (None, true) => {}
        }
        self.report.cases.push(Case {
            name: Some(name),
            marks,
            ..Case::default()
        });
        self.last = Some(self.report.cases.len() - 1);
    }

    /// What a YAML block says of its point.
    fn details(&mut self, text: &str) {
        let Some(case) = self
            .last
            .take()
            .and_then(|at| self.report.cases.get_mut(at))
        else {
            return;
        };
        let value = |wanted: &str| -> Option<String> {
            let mut lines = text.lines();
            while let Some(line) = lines.next() {
                let Some((key, rest)) = line.split_once(':') else {
                    continue;
                };
                if key != wanted {
                    continue;
                }
                let rest = rest.trim();
                if matches!(rest, "|" | "|-" | ">" | ">-" | "|+") {
                    let block: Vec<&str> = lines
                        .take_while(|line| line.starts_with(' ') || line.is_empty())
                        .map(str::trim)
                        .collect();
                    return Some(block.join("\n"));
                }
                return Some(rest.trim_matches(['\'', '"']).to_owned());
            }
            None
        };
        if let Some(duration) = value("duration_ms").and_then(|text| text.parse::<f64>().ok()) {
            let known = duration.is_finite() && duration > 0.0;
            case.duration_ms = if known {
                format!("{duration:.0}").parse().unwrap_or(0)
            } else {
                0
            };
        }
        // node: `/path/a.test.mjs:3:1`; others name the file alone.
        if let Some(place) = value("location").or_else(|| value("file")) {
            let mut parts = place.rsplitn(3, ':');
            let (last, middle, first) = (parts.next(), parts.next(), parts.next());
            match (first, middle.and_then(|line| line.parse().ok()), last) {
                (Some(file), Some(line), Some(_)) => {
                    case.file = file.to_owned();
                    case.line = Some(line);
                }
                _ => case.file = place.clone(),
            }
        }
        if let Some(line) = value("line").and_then(|text| text.parse().ok()) {
            case.line = Some(line);
        }
        if let Some(mark) = case
            .marks
            .iter_mut()
            .find(|mark| mark.kind == MarkKind::Failure)
        {
            mark.class = value("name").or_else(|| value("code")).unwrap_or_default();
            mark.message = value("error")
                .or_else(|| value("message"))
                .unwrap_or_default();
            mark.text = text.to_owned();
        }
    }

    fn finish(mut self) -> Report {
        if self.block.is_some() {
            self.report.troubles.push(Trouble::Truncated);
        }
        if self.levels.len() > 1 {
            self.trouble("subtests have no test that sums them up".to_owned());
        }
        while let Some(level) = self.levels.pop() {
            self.check(&level);
        }
        self.report
    }
}

fn mark(kind: MarkKind, class: &str, message: &str) -> Mark {
    Mark {
        kind,
        class: class.to_owned(),
        message: message.to_owned(),
        text: String::new(),
    }
}

/// `1..3`, `1..0 # SKIP why`.
fn plan(line: &str) -> Option<u64> {
    let rest = line.strip_prefix("1..")?;
    rest.split(['#', ' ']).next()?.parse().ok()
}

struct Point<'a> {
    ok: bool,
    number: Option<u64>,
    name: String,
    directive: Option<Directive<'a>>,
}

enum Directive<'a> {
    Skip(&'a str),
    Todo,
}

/// `not ok 3 - name # TODO why`.
fn point(line: &str) -> Option<Point<'_>> {
    let (ok, rest) = match line.strip_prefix("not ok") {
        Some(rest) => (false, rest),
        None => (true, line.strip_prefix("ok")?),
    };
    if !rest.is_empty() && !rest.starts_with(' ') {
        return None;
    }
    let rest = rest.trim_start();
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = match rest.get(..digits).and_then(|text| text.parse().ok()) {
        Some(number)
            if rest
                .get(digits..)
                .is_some_and(|behind| behind.is_empty() || behind.starts_with(' ')) =>
        {
            (Some(number), rest.get(digits..).unwrap_or(""))
        }
        _ => (None, rest),
    };
    let rest = rest.trim_start();
    let rest = rest
        .strip_prefix("- ")
        .unwrap_or(rest.strip_prefix('-').unwrap_or(rest));
    let mut end = rest.len();
    let mut directive = None;
    for (at, _) in rest.match_indices('#') {
        if rest.get(..at).is_some_and(|before| before.ends_with('\\')) {
            continue;
        }
        let word = rest.get(at + 1..).unwrap_or("").trim_start();
        let lower = word.to_lowercase();
        if lower.starts_with("skip") {
            directive = Some(Directive::Skip(
                word.split_once(' ').map_or("", |(_, why)| why),
            ));
        } else if lower.starts_with("todo") {
            directive = Some(Directive::Todo);
        } else {
            continue;
        }
        end = at;
        break;
    }
    let name = rest.get(..end).unwrap_or(rest).trim();
    Some(Point {
        ok,
        number,
        name: name.replace("\\#", "#").replace("\\\\", "\\"),
        directive,
    })
}

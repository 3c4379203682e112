//! Where each value of the effective configuration comes from: a line of the file, detection, or a default.

use super::Config;
use redgreen_core::id::RelPath;
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A line of the configuration file, counted from 1.
    File {
        /// The file.
        path: RelPath,
        /// The line.
        line: usize,
    },
    /// What lies in the repository.
    Detected,
    /// What redgreen does where nothing says otherwise.
    Default,
}

impl Origin {
    /// The word in JSON.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::File { .. } => "file",
            Self::Detected => "detected",
            Self::Default => "default",
        }
    }
    /// The line of the file.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::File { line, .. } => Some(*line),
            Self::Detected | Self::Default => None,
        }
    }
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// The key with its tables, as in the file: `paths.tests`.
    pub key: String,
    /// The value.
    pub value: serde_json::Value,
    /// Where it comes from.
    pub origin: Origin,
}

impl Value {
    /// The value as it would stand in the file.
    #[must_use]
    pub fn text(&self) -> String {
        self.value.to_string()
    }
}

/// Every value that counts, in the order of the keys.
#[must_use]
pub fn values(config: &Config, text: &str) -> Vec<Value> {
    let mut values: BTreeMap<String, Value> = BTreeMap::new();
    let mut put = |key: String, value: serde_json::Value, origin: Origin| {
        values.insert(key.clone(), Value { key, value, origin });
    };
    let paths = |given: bool, detected: Origin| {
        if given { Origin::Default } else { detected }
    };
    let file = &config.file.paths;
    // What the file says is laid over these below.
    put("version".into(), 1.into(), Origin::Default);
    put(
        "paths.tests".into(),
        config.tests.clone().into(),
        paths(file.tests.is_some(), Origin::Detected),
    );
    put(
        "paths.source".into(),
        config.source.clone().into(),
        paths(file.source.is_some(), Origin::Detected),
    );
    put(
        "paths.ignore".into(),
        config.inert.clone().into(),
        Origin::Default,
    );
    for runner in &config.runners {
        let table = runner
            .name
            .as_ref()
            .map_or_else(|| "runner".to_owned(), |name| format!("runner.{name}"));
        let detected = if config.file.runner.is_some() {
            Origin::Default
        } else {
            Origin::Detected
        };
        put(
            format!("{table}.kind"),
            runner.kind.as_str().into(),
            detected.clone(),
        );
        put(
            format!("{table}.root"),
            runner.root.clone().into(),
            detected,
        );
        put(
            format!("{table}.timeout"),
            seconds(runner.timeout),
            Origin::Default,
        );
    }
    let limits = &config.limits;
    for (key, value) in [
        ("session", seconds(limits.session)),
        ("idle", seconds(limits.idle)),
        ("max_wait", seconds(limits.max_wait)),
        ("cache", size(limits.cache)),
        ("author_retries", limits.author_retries.into()),
        ("implementer_retries", limits.implementer_retries.into()),
    ] {
        put(format!("limits.{key}"), value, Origin::Default);
    }
    let stripped = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let (Some(path), Ok(table)) = (&config.origin, DeTable::parse(stripped)) {
        let mut found = Vec::new();
        leaves("", table.get_ref(), &mut found);
        for (key, value, at) in found {
            let line = stripped[..at.min(stripped.len())].matches('\n').count() + 1;
            let path = path.clone();
            put(key, value, Origin::File { path, line });
        }
    }
    values.into_values().collect()
}

fn size(bytes: u64) -> serde_json::Value {
    if bytes.is_multiple_of(1_000_000_000) {
        format!("{}GB", bytes / 1_000_000_000).into()
    } else {
        bytes.into()
    }
}

fn seconds(duration: std::time::Duration) -> serde_json::Value {
    format!("{}s", duration.as_secs_f64()).into()
}

/// Every value of a table that is no table, with its key and its place in the text.
fn leaves(above: &str, table: &DeTable<'_>, found: &mut Vec<(String, serde_json::Value, usize)>) {
    for (key, value) in table {
        let name = if above.is_empty() {
            key.get_ref().to_string()
        } else {
            format!("{above}.{}", key.get_ref())
        };
        one(&name, value.get_ref(), key.span().start, found);
    }
}

fn one(
    name: &str,
    value: &DeValue<'_>,
    at: usize,
    found: &mut Vec<(String, serde_json::Value, usize)>,
) {
    match value {
        DeValue::Table(table) => leaves(name, table, found),
        DeValue::Array(array)
            if array
                .iter()
                .any(|element| matches!(element.get_ref(), DeValue::Table(_))) =>
        {
            for (index, element) in array.iter().enumerate() {
                one(
                    &format!("{name}[{index}]"),
                    element.get_ref(),
                    element.span().start,
                    found,
                );
            }
        }
        other => found.push((name.to_owned(), json(other), at)),
    }
}

fn json(value: &DeValue<'_>) -> serde_json::Value {
    match value {
        DeValue::String(text) => text.to_string().into(),
        DeValue::Boolean(truth) => (*truth).into(),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| number.to_string().into(), Into::into),
        DeValue::Float(number) => number.to_string().into(),
        DeValue::Datetime(time) => time.to_string().into(),
        DeValue::Array(array) => array
            .iter()
            .map(|element| json(element.get_ref()))
            .collect(),
        DeValue::Table(table) => table
            .iter()
            .map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref())))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn g4_each_value_says_where_it_comes_from() {
        let path = RelPath::new("redgreen.toml").unwrap();
        let text = "version = 1\n\n[runner]\nkind = \"pytest\"\ntimeout = \"5m\"\n\n[[checks]]\nname = \"types\"\ncommand = [\"mypy\"]\n";
        let files = BTreeSet::from([path.clone(), RelPath::new("tests/test_a.py").unwrap()]);
        let config =
            Config::load(&files, &|wanted| (*wanted == path).then(|| text.to_owned())).unwrap();
        let values = values(&config, text);
        let of = |key: &str| values.iter().find(|value| value.key == key).unwrap();
        let line = |line| Origin::File {
            path: path.clone(),
            line,
        };
        assert_eq!(of("runner.kind").origin, line(4));
        assert_eq!(of("runner.timeout").origin, line(5));
        assert_eq!(of("runner.timeout").value, "5m");
        assert_eq!(of("checks[0].command").origin, line(9));
        assert_eq!(of("paths.tests").origin, Origin::Detected);
        assert_eq!(of("limits.session").origin, Origin::Default);
        assert_eq!(of("limits.session").value, "1800s");
    }
}

//! A package as a plan declares it: `itoa@1`, `requests>=2`, `dev:proptest@1`, `cargo:itoa in server`.

/// Where a package comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ecosystem {
    /// crates, by `cargo add`.
    Cargo,
    /// Distributions of Python, by pip or uv.
    Python,
}

/// One package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declared {
    /// As the plan says; `None` where it says nothing.
    pub ecosystem: Option<Ecosystem>,
    /// Only for tests.
    pub dev: bool,
    /// Its name.
    pub name: String,
    /// What follows the name: a version for cargo, the rest of a requirement (PEP 508) for Python.
    pub requirement: Option<String>,
    /// The member of a workspace that it is added to.
    pub package: Option<String>,
}

/// A distribution's name as names are compared (PEP 503).
pub(super) fn normalised(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.trim().chars() {
        let c = c.to_ascii_lowercase();
        if matches!(c, '-' | '_' | '.') {
            if !out.ends_with('-') {
                out.push('-');
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// The name that a requirement begins with.
pub(super) fn name_of(requirement: &str) -> &str {
    let end = requirement
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
        .unwrap_or(requirement.len());
    &requirement[..end]
}

impl Declared {
    /// Reads an entry of `new_dependencies`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        let mut rest = text.trim();
        let (mut ecosystem, mut dev) = (None, false);
        loop {
            if let Some(after) = rest.strip_prefix("cargo:") {
                (ecosystem, rest) = (Some(Ecosystem::Cargo), after.trim_start());
            } else if let Some(after) = rest
                .strip_prefix("python:")
                .or_else(|| rest.strip_prefix("pip:"))
            {
                (ecosystem, rest) = (Some(Ecosystem::Python), after.trim_start());
            } else if let Some(after) = rest.strip_prefix("dev:") {
                (dev, rest) = (true, after.trim_start());
            } else {
                break;
            }
        }
        let (rest, package) = match rest.rsplit_once(" in ") {
            Some((rest, package)) => (rest.trim_end(), Some(package.trim().to_owned())),
            None => (rest, None),
        };
        let name = name_of(rest);
        if name.is_empty() || name.starts_with(['-', '.']) {
            return Err("it does not begin with the name of a package");
        }
        // One line of a manifest and one argument of a command, never an option.
        if rest.contains(['\n', '\r', '"', '\'', '\\']) {
            return Err("quotes and line ends are no part of a requirement");
        }
        let after = rest[name.len()..].trim();
        Ok(Self {
            ecosystem,
            dev,
            name: name.to_owned(),
            requirement: (!after.is_empty()).then(|| match after.strip_prefix('@') {
                // `name @ URL` is a requirement of Python; a version has no slash.
                Some(version) if !version.contains('/') => version.trim().to_owned(),
                Some(_) | None => after.to_owned(),
            }),
            package,
        })
    }

    /// The name as names are compared.
    pub(super) fn normalised(&self) -> String {
        normalised(&self.name)
    }

    /// The requirement as a line.
    pub(super) fn requirement_line(&self) -> String {
        match &self.requirement {
            None => self.name.clone(),
            Some(version) if version.starts_with(|c: char| c.is_ascii_digit()) => {
                format!("{}=={version}", self.name)
            }
            Some(url) if url.starts_with('@') => format!("{} {url}", self.name),
            Some(rest) => format!("{}{rest}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b4_a_new_dependency_is_one_package_and_never_an_option() {
        for (text, name, requirement, dev, package) in [
            ("itoa", "itoa", None, false, None),
            ("itoa@1.0", "itoa", Some("1.0"), false, None),
            ("dev:proptest@1", "proptest", Some("1"), true, None),
            (
                "cargo:dev:x@2 in server",
                "x",
                Some("2"),
                true,
                Some("server"),
            ),
            ("requests>=2,<3", "requests", Some(">=2,<3"), false, None),
            (
                "python: requests[socks] >= 2",
                "requests",
                Some("[socks] >= 2"),
                false,
                None,
            ),
            (
                "demo @ file:///w/demo.whl",
                "demo",
                Some("@ file:///w/demo.whl"),
                false,
                None,
            ),
        ] {
            let read = Declared::read(text).unwrap();
            assert_eq!(read.name, name, "{text}");
            assert_eq!(read.requirement.as_deref(), requirement, "{text}");
            assert_eq!(
                (read.dev, read.package.as_deref()),
                (dev, package),
                "{text}"
            );
        }
        for bad in ["", "--index-url http://x", "-e .", "a\nb", "a\"", "../x"] {
            assert!(Declared::read(bad).is_err(), "{bad}");
        }
        let line = |text: &str| Declared::read(text).unwrap().requirement_line();
        assert_eq!(line("requests>=2"), "requests>=2");
        assert_eq!(line("requests@2"), "requests==2");
        assert_eq!(line("demo @ file:///w/d.whl"), "demo @ file:///w/d.whl");
        assert_eq!(normalised("A_b..c"), "a-b-c");
    }
}

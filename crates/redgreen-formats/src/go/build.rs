//! The errors of `go test -c` as text: the same form in every version of Go.

/// One error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildError {
    /// The file as it was printed, relative to the folder the command ran in; `None` for errors of a package.
    pub file: Option<String>,
    /// From 1; 0 where none was printed.
    pub line: u32,
    /// In bytes, from 1; 0 where none was printed.
    pub column: u32,
    /// The text, with its continuation lines.
    pub message: String,
}

/// What a build printed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Build {
    /// The errors in the order they were printed.
    pub errors: Vec<BuildError>,
    /// Lines of the go command itself (`go: …`): nothing was compiled because of them.
    pub tool: Vec<String>,
}

/// Reads what a build printed to both streams.
#[must_use]
pub fn read(text: &str) -> Build {
    let mut build = Build::default();
    let mut open = false;
    for line in text.lines() {
        if line.starts_with(['\t', ' ']) {
            if open && let Some(last) = build.errors.last_mut() {
                last.message.push('\n');
                last.message.push_str(line.trim());
            }
            continue;
        }
        open = false;
        let line = line.trim_end();
        // `go build PACKAGE: …` is how older versions begin an error of a package.
        let line = line.strip_prefix("go build ").unwrap_or(line);
        if line.is_empty()
            || line.starts_with("# ")
            || line == "FAIL"
            || line.starts_with("FAIL\t")
            || line.starts_with("ok  \t")
            || line.starts_with("?   \t")
            || line.starts_with("note: ")
            || line.starts_with("go: downloading ")
            || line.starts_with("go: warning: ")
            || line.starts_with("warning: ")
            || line == "too many errors"
        {
            continue;
        }
        if let Some(rest) = line.strip_prefix("go: ") {
            build.tool.push(rest.to_owned());
            continue;
        }
        build.errors.push(located(line).unwrap_or(BuildError {
            file: None,
            line: 0,
            column: 0,
            message: line.to_owned(),
        }));
        open = true;
    }
    build
}

/// `FILE:LINE[:COLUMN]: MESSAGE`.
fn located(line: &str) -> Option<BuildError> {
    let at = line.find(".go:")? + 3;
    let (file, rest) = (line.get(..at)?, line.get(at + 1..)?);
    let (place, message) = rest.split_once(": ")?;
    let (number, column) = match place.split_once(':') {
        Some((number, column)) => (number, column.parse().ok()?),
        None => (place, 0),
    };
    Some(BuildError {
        file: Some(file.trim_start_matches("./").to_owned()),
        line: number.parse().ok()?,
        column,
        message: message.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b3_errors_have_their_place_and_their_continuation() {
        let text = "# example.com/shop [example.com/shop.test]\n./a_test.go:13:12: too many arguments in call to Sum\n\thave (number)\n\twant (int, int)\nb/b_test.go:5:2: \"os\" imported and not used\nFAIL\texample.com/x [setup failed]\nFAIL\n";
        let build = read(text);
        assert_eq!(build.errors.len(), 2);
        assert_eq!(build.errors[0].file.as_deref(), Some("a_test.go"));
        assert_eq!((build.errors[0].line, build.errors[0].column), (13, 12));
        assert!(build.errors[0].message.ends_with("want (int, int)"));
        assert_eq!(build.errors[1].file.as_deref(), Some("b/b_test.go"));
        let none = read("go build example.com/x: no non-test Go files in /t/x\n");
        assert_eq!(
            none.errors[0].message,
            "example.com/x: no non-test Go files in /t/x"
        );
        assert_eq!(
            read("go: cannot find main module\n").tool,
            ["cannot find main module"]
        );
    }
}

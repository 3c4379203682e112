//! What git does to the files of a checkout, asked of git. Only for reading a user's own checkout (`walk/checkout.rs`).

use super::{GitError, Repository};
use crate::process::run;
use redgreen_core::id::RelPath;
use std::collections::BTreeMap;

/// How git stores a file of the checkout (gitattributes(5)).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkin {
    /// Whether line ends become LF; `None` for `text=auto`: unless it is binary.
    pub text: Option<bool>,
    /// `working-tree-encoding`.
    pub encoding: Option<String>,
    /// `$Id$` is expanded.
    pub ident: bool,
}

impl Repository {
    /// How git would store these files.
    ///
    /// # Errors
    /// git failed.
    pub fn checkins(&self, paths: &[RelPath]) -> Result<BTreeMap<RelPath, Checkin>, GitError> {
        let mut spec = self.user_spec(&[
            "check-attr",
            "-z",
            "--stdin",
            "text",
            "eol",
            "working-tree-encoding",
            "ident",
        ]);
        for path in paths {
            spec.stdin.extend_from_slice(path.as_str().as_bytes());
            spec.stdin.push(0);
        }
        // The attributes of the checkout decide, never those of an index that may be damaged.
        spec.env.insert(
            "GIT_INDEX_FILE".to_owned(),
            self.git_dir
                .join("redgreen-no-index")
                .to_string_lossy()
                .into_owned(),
        );
        let finished = run(&spec).map_err(|why| GitError::spawn(&why))?;
        if !finished.success() {
            return Err(GitError::failed("check-attr", &finished.stderr_text()));
        }
        let auto = self.user_setting("core.autocrlf")?;
        let by_default = match auto.as_deref() {
            Some("true" | "input" | "yes" | "on" | "1") => None,
            Some(_) | None => Some(false),
        };
        let mut found: BTreeMap<RelPath, Checkin> = BTreeMap::new();
        let fields: Vec<&[u8]> = finished.stdout.split(|&byte| byte == 0).collect();
        for triple in fields.chunks_exact(3) {
            let text = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
            let Ok(path) = RelPath::new(text(triple[0])) else {
                continue;
            };
            let checkin = found.entry(path).or_insert_with(|| Checkin {
                text: by_default,
                ..Checkin::default()
            });
            match (triple[1], triple[2]) {
                (_, b"unspecified") => {}
                (b"text", b"set" | b"input") => checkin.text = Some(true),
                (b"text", b"unset") => checkin.text = Some(false),
                (b"text", b"auto") => checkin.text = None,
                // Said after `text`: `eol` alone makes a file text, and `-text` outranks it.
                (b"eol", b"lf" | b"crlf") if checkin.text == by_default => {
                    checkin.text = Some(true);
                }
                (b"working-tree-encoding", encoding) => checkin.encoding = Some(text(encoding)),
                (b"ident", b"set") => checkin.ident = true,
                _ => {}
            }
        }
        Ok(found)
    }

    /// Paths that a sparse checkout leaves out of the work tree; none where the index cannot be read.
    ///
    /// # Errors
    /// git could not be started.
    pub fn sparse_paths(&self) -> Result<Vec<RelPath>, GitError> {
        let finished = self.call(&["ls-files", "-t", "-z"], &[])?;
        if !finished.success() {
            return Ok(Vec::new());
        }
        Ok(finished
            .stdout
            .split(|&byte| byte == 0)
            .filter_map(|record| record.strip_prefix(b"S "))
            .filter_map(|name| RelPath::new(std::str::from_utf8(name).ok()?).ok())
            .collect())
    }
}

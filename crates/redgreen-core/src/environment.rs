//! The environment record (SPEC B4, C3; DESIGN, five types): one record with one digest, built before RED and used by
//! every run, baseline, control and audit.

use crate::id::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A tool that takes part in a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// What it says of itself, such as `Python 3.11.7`.
    pub version: String,
    /// The real binary, after links and shims were resolved.
    pub path: String,
    /// Digest of that binary.
    pub digest: Digest,
}

/// Everything outside the tree that can change a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// Tools by name (`python`, `cargo`, `rustc`).
    pub tools: BTreeMap<String, Tool>,
    /// Parts of the dependency environment: name (`site-packages`, `cargo-registry`) to the digest of its content list.
    pub dependencies: BTreeMap<String, Digest>,
    /// Plugins that are enabled by name.
    pub plugins: Vec<String>,
    /// Files that git ignores and tests need (`[tree] carry`), by path, with their digest.
    pub carried: BTreeMap<String, Digest>,
    /// The prepare commands.
    pub prepare: Vec<String>,
    /// Variables that are set for every run.
    pub variables: BTreeMap<String, String>,
    /// `loopback`, `none` or `host`.
    pub network: String,
    /// `checkout` when the tree is mounted at the checkout's path, else `private`.
    pub mount: String,
}

impl Environment {
    /// The digest of the record.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut text = String::new();
        for (name, tool) in &self.tools {
            text.push_str(&format!(
                "tool\0{name}\0{}\0{}\0{}\n",
                tool.version, tool.path, tool.digest
            ));
        }
        for (name, digest) in &self.dependencies {
            text.push_str(&format!("dep\0{name}\0{digest}\n"));
        }
        for plugin in &self.plugins {
            text.push_str(&format!("plugin\0{plugin}\n"));
        }
        for (path, digest) in &self.carried {
            text.push_str(&format!("carried\0{path}\0{digest}\n"));
        }
        for command in &self.prepare {
            text.push_str(&format!("prepare\0{command}\n"));
        }
        for (name, value) in &self.variables {
            text.push_str(&format!("var\0{name}\0{value}\n"));
        }
        text.push_str(&format!(
            "network\0{}\nmount\0{}\n",
            self.network, self.mount
        ));
        Digest::of(text.as_bytes())
    }
}

//! stub, replaced by the ground room
use std::path::{Path, PathBuf};
/// stub
#[derive(Debug)]
pub struct State {
    root: PathBuf,
}
/// stub
#[derive(Debug)]
pub struct Scratch(tempfile::TempDir);
impl Scratch {
    /// p
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}
impl State {
    /// o
    pub fn open(r: &crate::git::Repository) -> std::io::Result<Self> {
        let root = crate::env::path_variable("REDGREEN_STATE_DIR")
            .unwrap_or_else(|| PathBuf::from("/tmp/redgreen-state"))
            .join(
                redgreen_core::id::Digest::of(r.common_dir().to_string_lossy().as_bytes()).short(),
            );
        std::fs::create_dir_all(&root)?;
        Ok(Self { root })
    }
    /// s
    pub fn scratch(&self, l: &str) -> std::io::Result<Scratch> {
        let d = self.root.join("scratch");
        std::fs::create_dir_all(&d)?;
        Ok(Scratch(tempfile::Builder::new().prefix(l).tempdir_in(d)?))
    }
    /// c
    pub fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }
    /// c
    pub fn manifests(&self) -> PathBuf {
        self.root.join("manifests")
    }
    /// c
    pub fn evidence(&self) -> PathBuf {
        self.root.join("evidence")
    }
    /// c
    pub fn kept_copies(&self) -> PathBuf {
        self.root.join("kept")
    }
}
/// w
pub fn write_atomically(p: &Path, b: &[u8]) -> std::io::Result<()> {
    if let Some(d) = p.parent() {
        std::fs::create_dir_all(d)?;
    }
    std::fs::write(p, b)
}

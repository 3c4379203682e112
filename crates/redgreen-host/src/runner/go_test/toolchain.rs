//! The toolchain and the modules, resolved once in the user's environment (SPEC C3).

use crate::env;
use crate::fingerprint::Fingerprints;
use crate::process::{self, Spec};
use crate::runner::{CouldNotRun, RunnerSettings, Workspace};
use redgreen_core::environment::{Environment, Tool};
use redgreen_core::id::Digest;
use redgreen_core::reason::{Reason, ReasonCode};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The oldest version whose output is known.
const OLDEST: u32 = 19;

/// Variables that are the same for every run: no network, no settings of the user, nothing downloaded by itself.
const FIXED: &[(&str, &str)] = &[
    ("CI", "true"),
    ("GO111MODULE", "on"),
    ("GOENV", "off"),
    ("GOFLAGS", ""),
    ("GOPROXY", "off"),
    ("GOSUMDB", "off"),
    ("GOTELEMETRY", "off"),
    ("GOTOOLCHAIN", "local"),
    ("GOTRACEBACK", "single"),
    ("LANG", "C.UTF-8"),
    ("LC_ALL", "C.UTF-8"),
    ("TZ", "UTC"),
];

fn missing(why: &str) -> CouldNotRun {
    Box::new(Reason::new(
        ReasonCode::CommandNotFound,
        format!("`go` cannot be used: {why}"),
        "install Go 1.19 or newer (https://go.dev/dl, or the package golang-go of a distribution)",
    ))
}

/// Resolves go and records it with its library and the modules that the project names.
///
/// # Errors
/// A reason when there is no toolchain, or not the one that the project asks for.
pub(super) fn environment(
    settings: &RunnerSettings,
    workspace: &Workspace,
) -> Result<Environment, CouldNotRun> {
    let name = match settings.command.as_deref() {
        None => "go",
        Some([name]) => name,
        Some(command) => {
            return Err(Box::new(Reason::new(
                ReasonCode::RunnerUsageError,
                format!("`command` of the go runner is `{}`", command.join(" ")),
                "use `command = [\"go\"]` or the path of one, and `arguments` for everything else; a command that writes a report is `kind = \"junit\"`",
            )));
        }
    };
    let found = env::find_program(name).ok_or_else(|| missing("it is not in `PATH`"))?;
    let folder = workspace.checkout.join(&settings.root);
    let known = ask(&found.real, &folder)?;
    let value = |name: &str| known.get(name).map_or("", String::as_str);
    let root = PathBuf::from(value("GOROOT"));
    let go = root.join("bin/go");
    let go = go
        .canonicalize()
        .map_err(|error| missing(&format!("`{}`: {error}", go.display())))?;
    let version = value("GOVERSION").to_owned();
    if minor(&version).is_some_and(|minor| minor < OLDEST) {
        return Err(missing(&format!("{version} is older than 1.{OLDEST}")));
    }
    let mut fingerprints = Fingerprints::open(&workspace.cache);
    let mut dependencies = BTreeMap::from([("go-root".to_owned(), stat_digest(&root))]);
    let modules = PathBuf::from(value("GOMODCACHE"));
    for (name, path) in required_modules(&folder, &modules) {
        dependencies.insert(name, content_digest(&path, &mut fingerprints));
    }
    fingerprints.save();
    let bytes = std::fs::read(&go).map_err(|error| missing(&error.to_string()))?;
    let mut variables: BTreeMap<String, String> = FIXED
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    for name in ["GOROOT", "GOMODCACHE", "CGO_ENABLED", "GOARCH", "GOOS"] {
        if !value(name).is_empty() {
            variables.insert(name.to_owned(), value(name).to_owned());
        }
    }
    let own = root.join("bin");
    let mut search = vec![own.to_string_lossy().into_owned()];
    for entry in env::path().split(':') {
        if entry.starts_with('/') && !Path::new(entry).starts_with(&workspace.checkout) {
            search.push(entry.to_owned());
        }
    }
    variables.insert("PATH".to_owned(), search.join(":"));
    Ok(Environment {
        tools: BTreeMap::from([(
            "go".to_owned(),
            Tool {
                version,
                path: go.to_string_lossy().into_owned(),
                digest: Digest::of(&bytes),
            },
        )]),
        dependencies,
        plugins: Vec::new(),
        carried: BTreeMap::new(),
        prepare: Vec::new(),
        variables,
        network: process::project_network().as_str().to_owned(),
        mount: "private".to_owned(),
    })
}

/// `go1.24.11` → 24.
pub(super) fn minor(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("go1.")?;
    rest.split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// `go env` as the user would get it in the checkout, without the network: a toolchain that go.mod names is used where the
/// user has it.
fn ask(go: &Path, folder: &Path) -> Result<BTreeMap<String, String>, CouldNotRun> {
    let argv = [
        &go.to_string_lossy(),
        "env",
        "-json",
        "GOROOT",
        "GOVERSION",
        "GOMODCACHE",
        "CGO_ENABLED",
        "GOARCH",
        "GOOS",
    ]
    .map(str::to_owned);
    let mut spec = Spec::new("toolchain", argv.to_vec(), folder);
    spec.sees = process::Sees::Everything;
    for name in [
        "HOME",
        "PATH",
        "GOPATH",
        "GOROOT",
        "GOMODCACHE",
        "GOENV",
        "GOTOOLCHAIN",
        "XDG_CONFIG_HOME",
    ] {
        if let Some(value) = env::variable(name) {
            spec.env.insert(name.to_owned(), value);
        }
    }
    spec.env.insert("GOPROXY".to_owned(), "off".to_owned());
    spec.env.insert("GOFLAGS".to_owned(), String::new());
    let finished = process::run(&spec).map_err(|error| missing(&error.to_string()))?;
    if !finished.success() {
        return Err(missing(finished.stderr_text().trim()));
    }
    serde_json::from_slice(&finished.stdout).map_err(|error| missing(&error.to_string()))
}

/// The modules that `go.sum` files of the project name and the cache holds: `module@version` and its folder.
fn required_modules(folder: &Path, cache: &Path) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    let mut open = vec![(folder.to_path_buf(), 0)];
    while let Some((folder, depth)) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_dir() && depth < 6 && !super::packages::is_passed_over(&name) {
                open.push((entry.path(), depth + 1));
            } else if kind.is_file() && matches!(name.as_ref(), "go.sum" | "go.work.sum") {
                let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
                for line in text.lines() {
                    let mut words = line.split(' ');
                    let (Some(module), Some(version)) = (words.next(), words.next()) else {
                        continue;
                    };
                    if version.ends_with("/go.mod") {
                        continue;
                    }
                    let path = cache.join(format!("{}@{}", escaped(module), escaped(version)));
                    if path.is_dir() {
                        found.insert(format!("{module}@{version}"), path);
                    }
                }
            }
        }
    }
    found
}

/// The module cache writes capital letters as `!` and the small one, for file systems that do not tell them apart.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if c.is_ascii_uppercase() {
            out.push('!');
        }
        out.push(c.to_ascii_lowercase());
        out
    })
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.push(entry.path()),
                Ok(_) => found.push(entry.path()),
                Err(_) => {}
            }
        }
    }
    found.sort();
    found
}

/// Bytes of every file of a module: the module cache belongs to the user, and the compiler does not check it again.
fn content_digest(folder: &Path, fingerprints: &mut Fingerprints) -> Digest {
    let mut lines = String::new();
    for path in files_below(folder) {
        let digest = fingerprints
            .digest(&path)
            .map_or_else(|error| error.to_string(), |(digest, _)| digest.to_string());
        let name = path.strip_prefix(folder).unwrap_or(&path).display();
        lines.push_str(&format!("{name}\0{digest}\n"));
    }
    Digest::of(lines.as_bytes())
}

/// Names, sizes and times of the tools and the standard library: 10,000 files, 200 MB.
fn stat_digest(root: &Path) -> Digest {
    let mut lines = String::new();
    for sub in ["pkg/tool", "src"] {
        let folder = root.join(sub);
        let folder = folder.canonicalize().unwrap_or(folder);
        for path in files_below(&folder) {
            let Ok(metadata) = path.metadata() else {
                continue;
            };
            let modified = metadata
                .modified()
                .ok()
                .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
                .map_or(0, |since| since.as_nanos());
            lines.push_str(&format!(
                "{}\0{}\0{modified}\n",
                path.display(),
                metadata.len()
            ));
        }
    }
    Digest::of(lines.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c3_versions_and_the_names_of_the_module_cache_are_read() {
        assert_eq!(minor("go1.24.11"), Some(24));
        assert_eq!(minor("go1.19"), Some(19));
        assert_eq!(minor("devel go1.25-abc"), None);
        assert_eq!(
            escaped("github.com/BurntSushi/toml"),
            "github.com/!burnt!sushi/toml"
        );
    }
}

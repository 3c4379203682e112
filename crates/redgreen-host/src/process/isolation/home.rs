//! What of a home folder a command needs: tools, never credentials.
//!
//! The home of the user is hidden as a whole, because a list of what must not be read is never complete. What tools need
//! is shown again: installations of toolchains and package managers, and whatever the search path leads to. A project
//! command has a private `HOME`, so a program that asks for its home does not look here anyway.

use crate::env;
use std::path::{Path, PathBuf};

/// Folders below a home in which tools and their package caches are installed.
const TOOLS: &[&str] = &[
    ".rustup",
    ".cargo",
    ".pyenv",
    ".nvm",
    ".asdf",
    ".volta",
    ".bun",
    ".deno",
    ".fnm",
    ".rbenv",
    ".rvm",
    ".gem",
    ".sdkman",
    ".juliaup",
    ".julia",
    ".ghcup",
    ".cabal",
    ".stack",
    ".opam",
    ".elan",
    ".dotnet",
    ".nuget",
    ".nix-profile",
    ".local/state/nix",
    ".linuxbrew",
    ".virtualenvs",
    ".conda",
    "miniconda3",
    "anaconda3",
    "miniforge3",
    "mambaforge",
    "micromamba",
    "go",
    ".npm-global",
    ".yarn",
    ".pnpm-store",
    ".m2/repository",
    ".m2/wrapper",
    ".gradle/caches",
    ".gradle/wrapper",
    ".ivy2",
    ".sbt",
    ".local/bin",
    ".local/lib",
    ".local/opt",
    ".local/share/mise",
    ".local/share/rtx",
    ".local/share/uv",
    ".local/share/fnm",
    ".local/share/pnpm",
    ".local/share/pipx",
    ".local/share/pypoetry",
    ".local/share/hatch",
    ".local/share/pdm",
    ".local/share/virtualenv",
    ".local/share/virtualenvs",
    ".local/share/claude",
    ".local/share/gem",
    ".local/pipx",
    ".cache/pypoetry",
    ".cache/uv",
    ".cache/pip",
    ".cache/pre-commit",
    ".cache/go-build",
    ".cache/coursier",
    ".cache/ms-playwright",
    ".cache/puppeteer",
    ".cache/Cypress",
    ".cache/node",
    ".cache/pnpm",
];

/// Credentials, below a home: hidden also where the folder around them is shown, and where a home cannot be hidden.
const CREDENTIALS: &[&str] = &[
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".netrc",
    ".git-credentials",
    ".npmrc",
    ".yarnrc.yml",
    ".pypirc",
    ".pgpass",
    ".my.cnf",
    ".vault-token",
    ".terraform.d",
    ".password-store",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".gem/credentials",
    ".nuget/NuGet/NuGet.Config",
    ".sbt/.credentials",
    ".ivy2/.credentials",
    ".config/gcloud",
    ".config/gh",
    ".config/hub",
    ".config/git/credentials",
    ".config/pypoetry",
    ".config/containers",
    ".config/rclone",
    ".config/op",
    ".local/share/keyrings",
    ".claude",
    ".claude.json",
    ".codex",
    ".gemini",
    ".config/opencode",
    ".local/share/opencode",
    ".mozilla",
    ".config/google-chrome",
    ".config/chromium",
    ".bash_history",
    ".zsh_history",
    ".python_history",
];

/// Folders that are no home to hide, whatever `HOME` or the user table says: the system lies there.
const SYSTEM: &[&str] = &[
    "/", "/usr", "/etc", "/var", "/opt", "/bin", "/sbin", "/lib", "/lib64", "/dev", "/proc",
    "/sys", "/run", "/tmp", "/var/tmp", "/srv", "/mnt", "/media", "/home",
];

/// The homes of the user: that of the environment and that of the user table. Only folders that exist, links followed.
pub(super) fn homes() -> Vec<PathBuf> {
    let mut homes: Vec<PathBuf> = env::home().into_iter().chain(of_user_table()).collect();
    homes = homes
        .iter()
        .filter_map(|home| std::fs::canonicalize(home).ok())
        .filter(|home| home.is_dir())
        .collect();
    homes.sort();
    homes.dedup();
    homes
}

fn of_user_table() -> Option<PathBuf> {
    let own = rustix::process::getuid().as_raw().to_string();
    let table = std::fs::read_to_string("/etc/passwd").ok()?;
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        (fields.get(2) == Some(&own.as_str()))
            .then(|| PathBuf::from(fields.get(5).copied()?).into())?
    })
}

/// Whether a home can be hidden as a whole.
pub(super) fn can_be_hidden(home: &Path) -> bool {
    !SYSTEM.iter().any(|folder| Path::new(folder) == home)
        && !home.starts_with("/usr")
        && !home.starts_with("/proc")
        && !home.starts_with("/dev")
}

/// Tool folders of a home, and where the user's variables say that they are.
pub(super) fn tools(home: &Path) -> impl Iterator<Item = PathBuf> {
    TOOLS.iter().map(|name| home.join(name))
}

/// Credentials of a home, and those in a cargo home that lies elsewhere.
pub(super) fn credentials(home: &Path) -> Vec<PathBuf> {
    let cargo = env::path_variable("CARGO_HOME");
    CREDENTIALS
        .iter()
        .map(|name| home.join(name))
        .chain(
            cargo
                .into_iter()
                .flat_map(|cargo| ["credentials", "credentials.toml"].map(|name| cargo.join(name))),
        )
        .collect()
}

/// Sockets through which a command would act as the user or as root outside of its isolation.
pub(super) fn sockets(host_network: bool) -> Vec<PathBuf> {
    let always = ["/run/user"];
    // A project whose tests start containers says `network = "host"`: who may talk to such a daemon is not confined.
    let private = [
        "/run/docker.sock",
        "/run/podman",
        "/run/containerd",
        "/run/crio",
        "/run/dbus",
        "/run/systemd/private",
        "/run/snapd.socket",
        "/run/libvirt",
        "/run/lxd.socket",
    ];
    always
        .iter()
        .chain(private.iter().filter(|_| !host_network))
        .map(PathBuf::from)
        .collect()
}

/// The folder a program is installed in: `X` for `X/bin/tool`, else the folder of the file. Never a home or what holds
/// one.
pub(super) fn installation(program: &Path, homes: &[PathBuf]) -> Option<PathBuf> {
    let folder = program.parent()?;
    let holds_home = |path: &Path| homes.iter().any(|home| home.starts_with(path));
    let is_bin = folder
        .file_name()
        .is_some_and(|name| name == "bin" || name == "sbin" || name == "shims");
    let above = folder.parent().filter(|above| {
        is_bin && !holds_home(above) && !homes.iter().any(|home| *above == home.join(".local"))
    });
    above
        .or_else(|| (!holds_home(folder)).then_some(folder))
        .map(Path::to_path_buf)
}

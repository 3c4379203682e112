//! PostgreSQL: a cluster of its own on loopback, trusted locally, without durability; a database per test command.
//!
//! The server refuses to run as root. As root it is started in a user namespace in which we are an ordinary user, so
//! that its files stay ours.

use super::daemon::{self, Daemon};
use super::{HOST, ServiceError, ServiceSettings};
use crate::env;
use crate::process::{self, Isolation, Spec};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// The superuser of the cluster.
pub(super) const USER: &str = "redgreen";

/// How long making the cluster, or one statement, may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The folder with `initdb`, `postgres` and `psql`: on the search path, else where distributions put the newest version.
fn programs() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let on_path = ["initdb", "postgres"]
                .iter()
                .all(|name| env::find_program(name).is_some())
                .then(|| env::find_program("initdb"))
                .flatten()
                .and_then(|program| program.real.parent().map(Path::to_owned));
            on_path.or_else(newest)
        })
        .as_deref()
}

/// Debian keeps versions side by side below this folder (postgresql-common), Fedora as `/usr/pgsql-N`.
fn newest() -> Option<PathBuf> {
    let version = |path: &Path| -> Option<u32> {
        let digits = path.file_name()?.to_str()?.trim_start_matches("pgsql-");
        digits.split('.').next()?.parse().ok()
    };
    ["/usr/lib/postgresql", "/usr"]
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("bin/postgres").is_file() && path.join("bin/initdb").is_file())
        .max_by_key(|path| version(path))
        .map(|path| path.join("bin"))
}

/// Makes root an ordinary user for a command that refuses root.
fn as_ordinary_user(spec: &mut Spec) -> Result<(), String> {
    if !rustix::process::getuid().is_root() {
        return Ok(());
    }
    if process::isolation_of(spec) == Isolation::Bubblewrap {
        spec.ordinary_user = true;
        return Ok(());
    }
    let unshare = env::find_program("unshare")
        .ok_or("it does not run as root, and `unshare` (util-linux) is not installed")?;
    let before = [
        &unshare.found.display().to_string(),
        "--user",
        "--map-user=1000",
        "--map-group=1000",
        "--",
    ];
    spec.argv
        .splice(0..0, before.iter().map(|&word| word.to_owned()));
    spec.nested = true;
    Ok(())
}

pub(super) fn start(
    settings: &ServiceSettings,
    folder: &Path,
    port: u16,
) -> Result<Daemon, ServiceError> {
    let refused = |what: String, hint: &str, log: Vec<String>| ServiceError {
        service: settings.name.clone(),
        what,
        hint: hint.to_owned(),
        log,
    };
    let Some(programs) = programs() else {
        return Err(refused(
            "the PostgreSQL server (`initdb`, `postgres`) is not installed".to_owned(),
            "install it (Debian: apt install postgresql), or use `kind = \"external\"`",
            Vec::new(),
        ));
    };
    let program = |name: &str| programs.join(name).display().to_string();
    let as_ordinary_user = |spec: &mut Spec| {
        as_ordinary_user(spec).map_err(|why| {
            refused(
                why,
                "run redgreen as an ordinary user, or install util-linux",
                Vec::new(),
            )
        })
    };
    let data = folder.join("data").display().to_string();
    let io = |error: std::io::Error| {
        refused(
            format!("failed to create `{}`: {error}", folder.display()),
            "free some disk space",
            Vec::new(),
        )
    };
    std::fs::create_dir_all(folder).map_err(io)?;
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|&word| word.to_owned())
            .collect::<Vec<_>>()
    };
    let initdb = words(&[
        &program("initdb"),
        "-D",
        &data,
        "-A",
        "trust",
        "-U",
        USER,
        "-E",
        "UTF8",
        "--no-locale",
        "--no-sync",
    ]);
    let mut spec = daemon::spec("initdb", initdb, folder, folder).map_err(io)?;
    spec.timeout = PATIENCE;
    as_ordinary_user(&mut spec)?;
    let made = process::run(&spec)
        .map_err(|error| refused(error.to_string(), "install PostgreSQL", Vec::new()))?;
    if !made.success() {
        return Err(refused(
            format!("`initdb` ended with {:?}", made.ended),
            "run initdb by hand in an empty folder; as root, user namespaces must be allowed",
            super::last_lines(&format!("{}\n{}", made.stdout_text(), made.stderr_text())),
        ));
    }
    let mut argv = words(&[&program("postgres"), "-D", &data, "-p", &port.to_string()]);
    let options = [
        &format!("listen_addresses={HOST}"),
        // A path of a socket may have 107 bytes only, and private folders are deep.
        "unix_socket_directories=",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "max_connections=200",
    ];
    for option in options {
        argv.push("-c".to_owned());
        argv.push(option.to_owned());
    }
    argv.extend(settings.command.iter().cloned());
    let mut spec = daemon::spec(&settings.name, argv, folder, folder).map_err(io)?;
    as_ordinary_user(&mut spec)?;
    spec.grace = settings.grace;
    Ok(Daemon::of(spec))
}

/// Runs statements in a database of our own server and returns what they print: a row per line, `|` between columns.
///
/// # Errors
/// What `psql` printed.
pub fn sql(port: u16, database: &str, statement: &str) -> Result<String, String> {
    let psql = env::find_program("psql")
        .map(|program| program.found)
        .or_else(|| programs().map(|folder| folder.join("psql")))
        .ok_or("`psql` is not installed")?;
    let words = [
        &psql.display().to_string(),
        "-X",
        "-q",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-h",
        HOST,
        "-p",
        &port.to_string(),
        "-U",
        USER,
        "-d",
        database,
        "-c",
        statement,
    ];
    let argv = words.iter().map(ToString::to_string).collect();
    let mut spec = Spec::unisolated("psql", argv, "/");
    spec.env = BTreeMap::from([
        ("PATH".to_owned(), env::path()),
        ("PGCONNECT_TIMEOUT".to_owned(), "10".to_owned()),
        ("PGAPPNAME".to_owned(), "redgreen".to_owned()),
    ]);
    spec.timeout = PATIENCE;
    let finished = process::run(&spec).map_err(|error| error.to_string())?;
    if finished.success() {
        Ok(finished.stdout_text())
    } else {
        Err(finished.stderr_text().trim().to_owned())
    }
}

pub(super) fn answers(port: u16) -> bool {
    std::net::TcpStream::connect((HOST, port)).is_ok() && sql(port, "postgres", "select 1").is_ok()
}

/// A name as SQL quotes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn create_database(port: u16, name: &str, template: Option<&str>) -> Result<(), String> {
    let mut statement = format!("create database {}", quoted(name));
    if let Some(template) = template {
        statement.push_str(&format!(" template {}", quoted(template)));
    }
    sql(port, "postgres", &statement).map(|_| ())
}

/// Transactions of a database so far. Statistics of a session are there once it has ended.
pub(super) fn transactions(port: u16, database: &str) -> Option<u64> {
    let name = database.replace('\'', "''");
    let statement = format!(
        "select xact_commit + xact_rollback from pg_stat_database where datname = '{name}'"
    );
    sql(port, "postgres", &statement).ok()?.trim().parse().ok()
}

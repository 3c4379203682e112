//! Trying the forbidden thing: a level counts only when what it forbids fails and what it allows works (SPEC C6).

use super::super::{Network, Sees, Spec, run};
use super::first_line;
use crate::env;
use std::ffi::OsString;
use std::path::Path;

/// Reads what is hidden, writes beside what is writable, writes what is writable. Says nothing when all is as it must be.
const SCRIPT: &str = r#"
( echo x > "$1/in/written" ) 2>/dev/null || { echo "a writable folder cannot be written" >&2; exit 3; }
if ( echo x > "$1/out/written" ) 2>/dev/null; then echo "a read-only folder can be written" >&2; exit 4; fi
if ( cat "$1/out/secret/word" >/dev/null ) 2>/dev/null; then echo "a hidden file can be read" >&2; exit 5; fi
test -r /bin/sh || { echo "the system cannot be read" >&2; exit 6; }
"#;

/// Runs the script inside `wrap`, and looks afterwards at what is really there.
///
/// # Errors
/// What went wrong, in the words of whoever said it.
pub(super) fn forbidden_things(wrap: &dyn Fn(&Spec, &Path) -> Vec<OsString>) -> Result<(), String> {
    let failed = |why: std::io::Error| why.to_string();
    let folder = crate::state::Temporary::new("isolation", None).map_err(failed)?;
    let base = std::fs::canonicalize(folder.path()).map_err(failed)?;
    let (inside, outside) = (base.join("in"), base.join("out"));
    let secret = outside.join("secret");
    std::fs::create_dir(&inside).map_err(failed)?;
    std::fs::create_dir_all(&secret).map_err(failed)?;
    std::fs::write(secret.join("word"), "secret\n").map_err(failed)?;
    let mut spec = Spec::unisolated("isolation probe", Vec::new(), &inside);
    spec.argv = ["/bin/sh", "-c", SCRIPT, "sh"].map(str::to_owned).to_vec();
    spec.argv.push(base.to_string_lossy().into_owned());
    spec.env = [("PATH".to_owned(), env::path())].into();
    spec.timeout = std::time::Duration::from_secs(20);
    spec.sees = Sees::Project;
    spec.network = Network::Private;
    spec.hidden = vec![secret.clone()];
    spec.writable = vec![inside.clone()];
    let argv = wrap(&spec, Path::new("/bin/sh"));
    spec.argv = argv
        .into_iter()
        .map(OsString::into_string)
        .collect::<Result<_, _>>()
        .map_err(|_| "a path is not UTF-8".to_owned())?;
    // It is its own supervisor, or its own namespace.
    spec.end_leftovers = false;
    let finished = run(&spec).map_err(|error| error.to_string())?;
    if !finished.success() {
        let said = first_line(&finished.stderr_text());
        return Err(if said.is_empty() {
            format!("it ended with {:?}", finished.ended)
        } else {
            said
        });
    }
    if !inside.join("written").exists() {
        return Err("what was written did not arrive".to_owned());
    }
    if outside.join("written").exists() || secret.join("written").exists() {
        return Err("it was written where nothing may be written".to_owned());
    }
    Ok(())
}

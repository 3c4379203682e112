//! What one command sees and may write: a map from places to *hidden*, *shown* or *writable*. The nearest place above a
//! path decides; where none does, the path is shown. Bubblewrap and Landlock are two ways to say the same map.

use super::super::{Network, Sees, Spec};
use super::home;
use super::known::known;
use crate::env;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a command sees of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// Nothing.
    Hidden,
    /// Everything, to read.
    Shown,
    /// Everything, to read and write.
    Writable,
}

/// Folders for temporary files that programs write by their fixed names.
pub(super) const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

/// The map of one command.
#[derive(Debug, Clone)]
pub(super) struct View {
    /// Existing places, links followed, in an order in which a folder comes before what lies in it.
    pub(super) places: BTreeMap<PathBuf, Sight>,
    /// The user's checkouts and what must stay as it is, for the question whether `/tmp` can be written.
    pub(super) precious: Vec<PathBuf>,
    /// Whether the command may make user namespaces.
    pub(super) nested: bool,
}

impl View {
    /// The map for a command that starts `program`.
    pub(super) fn of(spec: &Spec, program: &Path) -> Self {
        let known = known();
        let mut view = Self {
            places: BTreeMap::new(),
            precious: known
                .hidden
                .iter()
                .chain(&known.checkouts)
                .cloned()
                .collect(),
            nested: spec.nested || known.settings.nested,
        };
        let homes = home::homes();
        match spec.sees {
            Sees::Project => {
                view.hide_homes(&homes, spec.network);
                view.show_tools(spec, program, &homes);
                for checkout in &known.checkouts {
                    view.put(checkout, Sight::Shown);
                }
            }
            Sees::Everything => {}
        }
        if let Some(own) = env::own_executable() {
            view.put(&own, Sight::Shown);
        }
        if spec.sees == Sees::Project {
            for path in homes.iter().flat_map(|home| home::credentials(home)) {
                view.put(&path, Sight::Hidden);
            }
        }
        for path in known.hidden.iter().chain(&spec.hidden) {
            view.put(path, Sight::Hidden);
        }
        view.put(&spec.cwd, Sight::Shown);
        for path in known.settings.readable.iter().chain(&spec.readable) {
            view.put(path, Sight::Shown);
        }
        for path in known.settings.writable.iter().chain(&spec.writable) {
            view.put(path, Sight::Writable);
        }
        view.drop_shown_in_writable();
        view
    }

    /// What is only shown, inside a folder that can be written, can be written too.
    fn drop_shown_in_writable(&mut self) {
        let inside: Vec<PathBuf> = self
            .places
            .iter()
            .filter(|&(path, &sight)| {
                sight == Sight::Shown
                    && path
                        .parent()
                        .is_some_and(|around| self.of_path(around) == Sight::Writable)
            })
            .map(|(path, _)| path.clone())
            .collect();
        for path in inside {
            self.places.remove(&path);
        }
    }

    /// Sets what is seen of a place that exists.
    fn put(&mut self, path: &Path, sight: Sight) {
        if let Ok(real) = std::fs::canonicalize(path) {
            self.places.insert(real, sight);
        }
    }

    fn hide_homes(&mut self, homes: &[PathBuf], network: Network) {
        for home in homes {
            if home::can_be_hidden(home) {
                self.put(home, Sight::Hidden);
            }
            for tool in home::tools(home) {
                self.put(&tool, Sight::Shown);
            }
        }
        for tool in env::toolchain_homes().values() {
            self.put(Path::new(tool), Sight::Shown);
        }
        for socket in home::sockets(network == Network::Host) {
            self.put(&socket, Sight::Hidden);
        }
    }

    /// The program, what the search path leads to, what a variable or an argument names.
    fn show_tools(&mut self, spec: &Spec, program: &Path, homes: &[PathBuf]) {
        let in_home = |path: &Path| homes.iter().any(|home| path.starts_with(home));
        let mut wanted: Vec<PathBuf> = Vec::new();
        let mut installed = |file: &Path| {
            wanted.extend(home::installation(file, homes));
            if let Ok(real) = std::fs::canonicalize(file) {
                wanted.extend(home::installation(&real, homes));
                wanted.push(real);
            }
        };
        installed(program);
        for folder in spec
            .env
            .get("PATH")
            .into_iter()
            .flat_map(|path| path.split(':'))
        {
            let folder = Path::new(folder);
            if !folder.is_absolute() || !in_home(folder) {
                continue;
            }
            installed(&folder.join("tool"));
            let links = std::fs::read_dir(folder).into_iter().flatten().flatten();
            for entry in links.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink()))
            {
                installed(&entry.path());
            }
        }
        for argument in spec
            .argv
            .iter()
            .skip(1)
            .filter(|word| word.starts_with('/'))
        {
            let path = Path::new(argument);
            if path.is_file() {
                installed(path);
            }
        }
        let values = spec
            .env
            .iter()
            .filter(|(name, _)| name.as_str() != "PATH" && name.as_str() != "HOME");
        for value in values.flat_map(|(_, value)| value.split(':')) {
            if value.starts_with('/') {
                wanted.push(PathBuf::from(value));
            }
        }
        for path in wanted {
            if !homes.iter().any(|home| home.starts_with(&path)) {
                self.put(&path, Sight::Shown);
            }
        }
    }

    /// What is seen of a path.
    pub(super) fn of_path(&self, path: &Path) -> Sight {
        path.ancestors()
            .find_map(|place| self.places.get(place))
            .copied()
            .unwrap_or(Sight::Shown)
    }

    /// Places at which something else is seen than in the folder around them.
    pub(super) fn changes(&self) -> impl Iterator<Item = (&Path, Sight)> {
        self.places.iter().filter_map(|(path, &sight)| {
            let around = path
                .parent()
                .map_or(Sight::Shown, |parent| self.of_path(parent));
            (around != sight).then_some((path.as_path(), sight))
        })
    }

    /// Whether a folder for temporary files can be written as a whole: nothing precious lies in it.
    pub(super) fn is_free(&self, folder: &Path) -> bool {
        !self.precious.iter().any(|path| path.starts_with(folder))
            && !self
                .places
                .iter()
                .any(|(path, &sight)| sight == Sight::Hidden && path.starts_with(folder))
    }
}

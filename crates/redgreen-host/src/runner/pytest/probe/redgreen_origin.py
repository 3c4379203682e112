"""Where code comes from (SPEC C2): the private tree, never the user's checkout.

The user's virtual environment may have the project installed *editable*: a path in a `.pth` file, a finder of
setuptools, hatch, pdm, scikit-build or meson that maps names to files of the checkout. Every such path is replaced by
the same path in the tree, and an audit hook (which cannot be removed) reports each code object that is executed
from the checkout all the same.
"""

import json
import os
import sys
import sysconfig

STATE = None


class Origin:
    """The folders of a run and the questions about them."""

    def __init__(self, settings):
        self.checkout = os.path.realpath(settings["checkout"])
        self.tree = os.path.realpath(settings["tree"])
        self.root = os.path.realpath(settings["root"])
        self.foreign_log = settings["foreign"]
        self.settings = settings
        self.site = site_folders()
        exempt = [os.path.realpath(path) for path in self.site]
        exempt.append(os.path.realpath(settings["run"]))
        exempt.append(os.path.dirname(os.path.realpath(os.__file__)))
        for prefix in (sys.prefix, sys.base_prefix):
            prefix = os.path.realpath(prefix)
            # A virtual environment made in the checkout itself must not exempt the whole checkout.
            if not within(self.checkout, prefix):
                exempt.append(prefix)
        self.exempt = exempt

    def is_foreign(self, path, real=os.path.realpath):
        """Whether a path lies in the checkout, outside the tree and outside the dependency environment."""
        if not path or not os.path.isabs(path):
            return False
        path = real(path)
        if within(path, self.tree) or not within(path, self.checkout):
            return False
        return not any(within(path, folder) for folder in self.exempt)

    def moved(self, path):
        """The tree's equivalent of a path of the checkout; any other path as it is."""
        if not self.is_foreign(path):
            return path
        return self.tree + os.path.realpath(path)[len(self.checkout):]

    def relative(self, path, real=os.path.realpath):
        """A path of the tree relative to its top level; other paths stay absolute."""
        text = str(path)
        for folder in (self.settings["tree"], self.tree):
            if within(text, folder):
                return os.path.relpath(text, folder).replace(os.sep, "/")
        text_real = real(text)
        if within(text_real, self.tree):
            return os.path.relpath(text_real, self.tree).replace(os.sep, "/")
        return text

    def real_paths(self):
        """A `realpath` that resolves each folder once. For one pass over many files, not for longer: links can change."""
        known = {}

        def real(path):
            if ".." in path:
                return os.path.realpath(path)
            folder, name = os.path.split(os.path.abspath(path))
            if folder not in known:
                known[folder] = os.path.realpath(folder)
            path = os.path.join(known[folder], name)
            return os.path.realpath(path) if os.path.islink(path) else path

        return real

    def report(self, module, path, how):
        """Appends one line to the list of code that was loaded from elsewhere."""
        line = json.dumps({"module": module, "file": path, "how": how}) + "\n"
        handle = os.open(self.foreign_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)


def within(path, folder):
    """Whether a path is a folder or lies below it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def site_folders():
    """The folders that installed packages are loaded from."""
    folders = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    site = sys.modules.get("site")
    if site is not None:
        try:
            folders.extend(site.getsitepackages())
        except Exception:
            pass
        if getattr(site, "ENABLE_USER_SITE", False):
            folders.append(site.getusersitepackages())
    seen = []
    for folder in folders:
        if folder and folder not in seen:
            seen.append(folder)
    return seen


def install(settings_path):
    """Replaces every path of the checkout by the tree's, then watches what is executed."""
    global STATE
    with open(settings_path, encoding="utf-8") as file:
        STATE = Origin(json.load(file))
    drop_loaded_modules(STATE)
    replace_search_path(STATE)
    replace_finders(STATE)
    watch(STATE)


def drop_loaded_modules(origin):
    """Forgets modules that a `.pth` line imported from the checkout, so that they are loaded again from the tree."""
    for name, module in list(sys.modules.items()):
        if origin.is_foreign(getattr(module, "__file__", None) or ""):
            del sys.modules[name]
            continue
        path = getattr(module, "__path__", None)
        if isinstance(path, list):
            path[:] = [origin.moved(entry) for entry in path]


def replace_search_path(origin):
    """Puts the tree's folders behind the standard library and in front of site-packages."""
    kept, roots = [], []
    for entry in sys.path:
        if entry and origin.is_foreign(entry):
            roots.append(origin.moved(entry))
        else:
            kept.append(entry)
    source = os.path.join(origin.root, "src")
    if os.path.isdir(source) and not os.path.exists(os.path.join(source, "__init__.py")):
        roots.append(source)
    roots.append(origin.root)
    site = [os.path.realpath(folder) for folder in origin.site]
    position = len(kept)
    for index, entry in enumerate(kept):
        if entry and os.path.realpath(entry) in site:
            position = index
            break
    wanted = []
    for root in roots:
        if root not in wanted and root not in kept and os.path.exists(root):
            wanted.append(root)
    sys.path[:] = kept[:position] + wanted + kept[position:]
    sys.path_importer_cache.clear()


def replace_finders(origin):
    """Rewrites the maps that import hooks of editable installs carry."""
    for finder in list(sys.meta_path):
        owner = finder if isinstance(finder, type) else type(finder)
        name = owner.__module__ or ""
        if name.split(".")[0] in ("_frozen_importlib", "_frozen_importlib_external", "importlib", "zipimport"):
            continue
        module = sys.modules.get(name)
        for space in (module, owner, finder):
            replace_values(origin, space)


def replace_values(origin, space):
    """Rewrites the attributes of a module, class or object that name paths of the checkout."""
    try:
        names = list(vars(space))
    except TypeError:
        return
    for name in names:
        if name.startswith("__"):
            continue
        value = vars(space).get(name)
        new = replaced(origin, value, 0)
        if new is not value:
            try:
                setattr(space, name, new)
            except (AttributeError, TypeError):
                pass


def replaced(origin, value, depth):
    """A value with the paths of the checkout replaced; containers that can be changed are changed in place."""
    if isinstance(value, str):
        return origin.moved(value) if origin.is_foreign(value) else value
    if isinstance(value, os.PathLike):
        path = os.fspath(value)
        if isinstance(path, str) and origin.is_foreign(path):
            return type(value)(origin.moved(path))
        return value
    if depth > 4:
        return value
    if isinstance(value, dict):
        for key in list(value):
            new = replaced(origin, value[key], depth + 1)
            if new is not value[key]:
                value[key] = new
            new_key = replaced(origin, key, depth + 1) if isinstance(key, str) else key
            if new_key is not key:
                value[new_key] = value.pop(key)
        return value
    if isinstance(value, list):
        for index, entry in enumerate(value):
            new = replaced(origin, entry, depth + 1)
            if new is not entry:
                value[index] = new
        return value
    if type(value) in (tuple, set, frozenset):
        new = [replaced(origin, entry, depth + 1) for entry in value]
        if any(a is not b for a, b in zip(new, value)):
            return type(value)(new)
    return value


def watch(origin):
    """Reports every code object that is executed from the checkout."""
    prefixes = (origin.checkout + os.sep, os.path.abspath(origin.settings["checkout"]) + os.sep)
    seen = set()

    def audit(event, arguments):
        if event != "exec":
            return
        name = getattr(arguments[0], "co_filename", "")
        if name in seen or not name.startswith(prefixes):
            return
        seen.add(name)
        if origin.is_foreign(name):
            origin.report(module_of(name), name, "executed")

    sys.addaudithook(audit)


def module_of(path):
    """The name of the module that is loaded from a file; empty when none is."""
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) == path:
            return name
    return ""


def run_other_sitecustomize():
    """Runs the `sitecustomize` that would have run without ours, unless it belongs to the project."""
    import importlib.machinery
    import importlib.util

    here = os.path.dirname(os.path.abspath(__file__))
    paths = [
        entry
        for entry in sys.path
        if entry and os.path.abspath(entry) != here and not within(os.path.realpath(entry), STATE.tree)
    ]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", paths)
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        sys.stderr.write("error in sitecustomize of the interpreter: %r\n" % (error,))

"""Exceptions as records: what their objects carry, never what a report says about them."""

import difflib
import importlib.util
import os
import pkgutil
import re
import sys
import sysconfig
import types

import redgreen_value

MESSAGE_LIMIT = 2000
FRAME_LIMIT = 40


def capped(text):
    """A text that is not longer than the limit."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= MESSAGE_LIMIT else text[:MESSAGE_LIMIT] + " […]"


def text_of(error):
    """The message of an exception; an exception whose own `__str__` fails is described by its type."""
    try:
        return str(error)
    except Exception as failure:
        return "<%s: its message cannot be read: %s>" % (type(error).__name__, type(failure).__name__)


def close_names(name, names):
    """Names that look like a name, nearest first."""
    try:
        return difflib.get_close_matches(name, [str(entry) for entry in names], n=3, cutoff=0.6)
    except Exception:
        return []


def names_in(owner):
    """The names that an object has; user code in `__dir__` may fail."""
    try:
        return [name for name in dir(owner) if not name.startswith("__")]
    except Exception:
        return []


class Describer:
    """Turns exception objects into records."""

    def __init__(self, origin):
        self.origin = origin
        self.site = [os.path.realpath(path) for path in origin.site]
        self.values = redgreen_value.Values(origin, self.file_of)
        self.standard = os.path.realpath(sysconfig.get_path("stdlib"))

    def file_of(self, module_name):
        """The file of a loaded module, relative to the tree where it lies there; None where there is none."""
        module = sys.modules.get(module_name or "")
        if module is None:
            return None
        file = getattr(module, "__file__", None)
        if file is None:
            for entry in list(getattr(module, "__path__", []) or []):
                return self.origin.relative(entry)
            return None
        return self.origin.relative(file)

    def frames(self, error):
        """(file, line, function) of each frame, pytest's own left out, innermost last."""
        frames = []
        trace = error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            name = trace.tb_frame.f_globals.get("__name__", "")
            top = name.split(".")[0]
            if not (top in ("_pytest", "pluggy", "redgreen_probe", "redgreen_exceptions") or code.co_filename.startswith("<frozen importlib")):
                frames.append([self.origin.relative(code.co_filename), trace.tb_lineno, code.co_name])
            trace = trace.tb_next
        return frames[-FRAME_LIMIT:]

    def root(self, error):
        """The exception that is meant: causes of pytest's wrappers, the first of a group."""
        for _ in range(20):
            name = type(error).__name__
            if name == "ConftestImportFailure":
                error = getattr(error, "cause", None) or error.excinfo[1]
            elif name == "CollectError" and error.__cause__ is not None:
                error = error.__cause__
            elif type(error).__module__ == "_pytest.config.exceptions" and error.__cause__ is not None:
                error = error.__cause__
            elif name == "UnexpectedException" and hasattr(error, "exc_info"):
                error = error.exc_info[1]
            elif name == "MultipleDoctestFailures" and error.failures:
                error = error.failures[0]
            elif hasattr(error, "exceptions") and name in ("ExceptionGroup", "BaseExceptionGroup") and error.exceptions:
                error = error.exceptions[0]
            else:
                break
        return error

    def describe(self, error):
        """The record of an exception."""
        error = self.root(error)
        kind = type(error)
        record = {
            "type": kind.__name__,
            "module": kind.__module__,
            "bases": ["%s.%s" % (base.__module__, base.__qualname__) for base in kind.__mro__[:-1]],
            "message": capped(text_of(error)),
            "frames": self.frames(error),
        }
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is not None and cause is not error:
            record["cause"] = {
                "type": type(cause).__name__,
                "bases": ["%s.%s" % (base.__module__, base.__qualname__) for base in type(cause).__mro__[:-1]],
                "message": capped(text_of(cause)),
            }
        try:
            self.add_details(error, record)
            if not isinstance(error, (AssertionError, ImportError, NameError, SyntaxError)):
                record["sources"] = self.values.sources(error)
        except Exception as failure:
            record["details_failed"] = "%s: %s" % (type(failure).__name__, failure)
        return record

    def add_details(self, error, record):
        """What the type of exception carries beyond its message."""
        if isinstance(error, OSError):
            record["errno"] = error.errno
            if isinstance(error.filename, (str, os.PathLike)):
                record["path"] = self.origin.relative(os.path.abspath(error.filename))
        process = sys.modules.get("subprocess")
        if process is not None and isinstance(error, process.CalledProcessError):
            words = error.cmd.split() if isinstance(error.cmd, str) else error.cmd
            record["command"] = [self.origin.relative(capped(str(word))) for word in list(words)[:20]]
        if isinstance(error, ImportError):
            self.add_import(error, record)
        elif isinstance(error, AttributeError):
            self.add_attribute(error, record)
        elif isinstance(error, NameError):
            match = re.search(r"name '(\w+)'", record["message"])
            record["name"] = getattr(error, "name", None) or (match.group(1) if match else None)
        elif isinstance(error, SyntaxError):
            record["path"] = self.origin.relative(error.filename) if error.filename else None
            record["line"] = error.lineno
        elif isinstance(error, TypeError):
            self.add_callee(error, record)
        elif type(error).__name__ == "FixtureLookupError":
            record["name"] = getattr(error, "argname", None)
            record["message"] = "fixture '%s' not found" % (record["name"],)
            request = getattr(error, "request", None)
            manager = getattr(getattr(request, "session", None), "_fixturemanager", None)
            if manager is not None:
                record["similar"] = close_names(record["name"] or "", manager._arg2fixturedefs)

    def add_import(self, error, record):
        message = record["message"]
        name = error.name
        record["name"] = name
        record["path"] = self.origin.relative(error.path) if error.path else None
        if isinstance(error, ModuleNotFoundError):
            if name is None:
                match = re.search(r"No module named '([^']+)'", message)
                name = record["name"] = match.group(1) if match else None
            if not name:
                return
            top = name.split(".")[0]
            record["top_file"] = self.file_of(top) or self.find(top)
            parent, _, last = name.rpartition(".")
            if parent:
                loaded = sys.modules.get(parent)
                record["similar"] = close_names(last, siblings(getattr(loaded, "__path__", [])))
            record["compiled"] = self.compiled(name)
        else:
            symbol = getattr(error, "name_from", None)
            if symbol is None:
                match = re.search(r"cannot import name '([^']+)'", message)
                symbol = match.group(1) if match else None
            record["symbol"] = symbol
            if name and symbol:
                if record["path"] is None:
                    record["path"] = self.file_of(name)
                owner = sys.modules.get(name)
                record["similar"] = close_names(symbol, names_in(owner))
                record["compiled"] = self.compiled(name + "." + symbol)

    def find(self, top):
        """Where a top-level module could be loaded from; None when nowhere."""
        try:
            spec = importlib.util.find_spec(top)
        except Exception:
            return None
        if spec is None:
            return None
        if spec.origin and spec.origin not in ("built-in", "frozen", "namespace"):
            return self.origin.relative(spec.origin)
        for entry in spec.submodule_search_locations or []:
            return self.origin.relative(entry)
        return spec.origin

    def compiled(self, name):
        """A compiled extension of this name that lies in the checkout or in site-packages, not in the tree."""
        parts = name.split(".")
        folders = list(self.site)
        for root in self.origin.settings.get("roots", []):
            folders.append(os.path.join(self.origin.checkout, root))
        folders.extend([self.origin.checkout, os.path.join(self.origin.checkout, "src")])
        for folder in folders:
            place = os.path.join(folder, *parts[:-1])
            try:
                entries = os.listdir(place)
            except OSError:
                continue
            for entry in sorted(entries):
                if entry.split(".")[0] == parts[-1] and entry.endswith((".so", ".pyd")):
                    return os.path.join(place, entry)
        return None

    def add_attribute(self, error, record):
        missing = object()
        owner = getattr(error, "obj", missing)
        name = getattr(error, "name", None)
        if name is None:
            match = re.search(r"(?:has no|does not have the) attribute '([^']+)'", record["message"])
            name = match.group(1) if match else None
        record["name"] = name
        if owner is missing or (owner is None and "'NoneType'" not in record["message"]):
            owner = self.owner_from_message(error, record["message"], missing)
            if owner is missing:
                return
        if isinstance(owner, types.ModuleType):
            module, label, kind = owner.__name__, owner.__name__, "module"
        elif isinstance(owner, type):
            module, label, kind = owner.__module__, owner.__qualname__, "class"
        else:
            module, label, kind = type(owner).__module__, type(owner).__qualname__, "instance"
        record["owner"] = {"kind": kind, "module": module, "name": label, "file": self.file_of(module)}
        if name:
            record["similar"] = close_names(name, names_in(owner))
            if kind == "module":
                record["compiled"] = self.compiled(module + "." + name)

    def owner_from_message(self, error, message, missing):
        """Python before 3.10, `monkeypatch` and `mock.patch` do not keep the object: the module by name, a class by its
        name in its module or by the last frame's values."""
        match = re.match(r"(?:partially initialized )?module '([^']+)' has no attribute", message)
        match = match or re.match(r"<module '([^']+)'", message)
        match = match or re.match(r"'module' object at (\S+) has no attribute", message)
        if match:
            return sys.modules.get(match.group(1), missing)
        match = re.match(r"<class '([\w.]+)'>", message) or re.match(r"<([\w.]+) object at ", message)
        match = match or re.match(r"'type' object at (\S+) has no attribute", message)
        if match:
            module, _, name = match.group(1).rpartition(".")
            return getattr(sys.modules.get(module), name, missing)
        match = re.match(r"(?:type object )?'(\w+)' (?:object )?has no attribute", message)
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if match and trace is not None:
            values = list(trace.tb_frame.f_locals.values()) + list(trace.tb_frame.f_globals.values())
            for value in values:
                if type(value).__name__ == match.group(1):
                    return value
                if isinstance(value, type) and value.__name__ == match.group(1):
                    return value
        return missing

    def add_callee(self, error, record):
        """Whose signature a `TypeError` complains about."""
        match = re.match(
            r"([\w.<>]+)\(\) (?:missing \d+ required|got an unexpected keyword|got multiple values|takes \S+ "
            r"|takes from|got some positional|takes no)",
            record["message"],
        )
        if not match:
            return
        label = match.group(1)
        callee = {"name": label, "module": None, "file": None}
        record["callee"] = callee
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        places = []
        if trace is not None:
            places.extend(trace.tb_frame.f_locals.values())
            places.extend(trace.tb_frame.f_globals.values())
        for value in places:
            for candidate in (value, type(value)):
                owner = self.owner_of_callable(candidate, label)
                if owner:
                    callee["module"], callee["file"] = owner, self.file_of(owner)
                    return
        for name, module in list(sys.modules.items()):
            file = self.file_of(name)
            if file is None or os.path.isabs(file):
                continue
            for value in list(vars(module).values()):
                owner = self.owner_of_callable(value, label)
                if owner == name:
                    callee["module"], callee["file"] = owner, file
                    return

    @staticmethod
    def owner_of_callable(value, label):
        """The module of a function or class whose qualified name the label begins with; None for others."""
        try:
            if isinstance(value, types.ModuleType):
                value = getattr(value, label.split(".")[0], None)
            if isinstance(value, types.MethodType):
                value = value.__func__
            if not isinstance(value, (type, types.FunctionType)):
                return None
            name = value.__qualname__
            if name == label or label.startswith(name + ".") or name.endswith("." + label):
                return value.__module__
        except Exception:
            pass
        return None


def siblings(path):
    """The names of the modules in the folders of a package."""
    try:
        return [module.name for module in pkgutil.iter_modules(list(path))]
    except Exception:
        return []

"""The probe: runs pytest in this process and writes what happened as JSON Lines to a private file.

`python redgreen_start.py SECRET OPTIONS` is `python -m pytest OPTIONS` with four differences:
the project's `addopts` lose the options listed in `redgreen_options.py`, files and tests to run come from a file,
every phase is recorded from the exception object itself (so that a hook that rewrites reports is seen), and the last
line of the record is written after pytest has returned, so that a process that ended early is seen too.
"""

# Everything that is needed later is imported now, before the project's folders are on the search path.
import importlib
import json
import os
import sys
import time
import unittest

import redgreen_expectations
from redgreen_exceptions import Describer, capped, text_of
from redgreen_options import split_options


def milliseconds(call):
    """How long a phase took: never negative, whatever a test did to the clocks (freezegun freezes pytest's too)."""
    try:
        return min(max(0, int(getattr(call, "duration", 0) * 1000)), 2**53)
    except (TypeError, ValueError, OverflowError):
        return 0


class Record:
    """The file of the run: one JSON object per line, each written with one system call."""

    def __init__(self, path, mark):
        self.handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.mark = mark

    def write(self, kind, **fields):
        fields["kind"] = kind
        fields["mark"] = self.mark
        os.write(self.handle, (json.dumps(fields, default=str) + "\n").encode("utf-8", "replace"))


def plugin_class():
    """The plugin; made late because pytest must not be imported before `main` asks for it."""
    import pytest

    class Probe:
        """pytest hooks that record; none of them changes a result."""

        def __init__(self, settings, origin, record):
            self.settings = settings
            self.origin = origin
            self.record = record
            self.describer = Describer(origin)
            self.numbers = {}
            self.pending = {}
            self.inner = None
            self.config = None
            self.left_out = []
            self.enabled = []
            self.tops = {}
            self.selection = None
            if settings.get("selection") is not None:
                self.selection = {(path, item) for path, item in settings["selection"]}
            self.files = set(settings["files"]) if settings.get("files") is not None else None

        # ---- identity

        def identity(self, item):
            """(path, item, case): the file, the names below it, and what parametrisation added."""
            path = self.origin.relative(str(getattr(item, "path", None) or item.fspath))
            names = []
            for node in item.listchain():
                if isinstance(node, (pytest.Session, pytest.File)) or node.name == "()":
                    names = []
                elif isinstance(node, pytest.Collector) and not isinstance(node, pytest.Class) \
                        and node.__class__.__name__ in ("Dir", "Directory"):
                    names = []
                elif node is not item:
                    names.append(node.name)
            base = getattr(item, "originalname", None) or item.name
            if not item.name.startswith(base):
                base = item.name
            return path, "::".join(names + [base]), item.name[len(base):]

        def number(self, item):
            """The number of a test in the record; tests that pytest did not collect are added when they run."""
            number = self.numbers.get(item)
            if number is None:
                number = self.numbers[item] = len(self.numbers)
                path, name, case = self.identity(item)
                line = (item.location[1] or 0) + 1 if item.location[1] is not None else None
                self.record.write("test", n=number, path=path, item=name, case=case, line=line, node=item.nodeid)
            return number

        # ---- session

        @pytest.hookimpl(hookwrapper=True, tryfirst=True)
        def pytest_load_initial_conftests(self, early_config, parser, args):
            # pytest started by a test must find its plugins as it does outside of redgreen.
            os.environ.pop("PYTEST_DISABLE_PLUGIN_AUTOLOAD", None)
            outcome = yield
            if outcome.excinfo is not None:
                error = outcome.excinfo[1]
                path = getattr(error, "path", None)
                self.record.write(
                    "load",
                    path=self.origin.relative(path) if path else None,
                    conftest=True,
                    exception=self.describer.describe(error),
                    tops=sorted(top_levels(self.origin).values(), key=lambda top: top["name"]),
                )

        @pytest.hookimpl(tryfirst=True)
        def pytest_sessionstart(self, session):
            manager = session.config.pluginmanager
            self.tops = top_levels(self.origin)
            self.record.write(
                "session",
                pytest=pytest.__version__,
                python="%d.%d.%d" % sys.version_info[:3],
                rootdir=str(getattr(session.config, "rootpath", None) or session.config.rootdir),
                ini=str(getattr(session.config, "inipath", None) or session.config.inifile or ""),
                plugins=sorted("%s-%s" % (dist.project_name, dist.version) for _, dist in manager.list_plugin_distinfo()),
                left_out=self.left_out,
                enabled=self.enabled,
                tops=sorted(self.tops.values(), key=lambda top: top["name"]),
            )

        @pytest.hookimpl(hookwrapper=True, tryfirst=True)
        def pytest_make_collect_report(self, collector):
            outcome = yield
            path = self.origin.relative(str(getattr(collector, "path", None) or getattr(collector, "fspath", "")))
            if outcome.excinfo is not None:
                self.record.write("load_died", path=path, exception=self.describer.describe(outcome.excinfo[1]))
                return
            report = outcome.get_result()
            call = report.__dict__.get("call")
            if report.outcome == "failed":
                if call is not None and call.excinfo is not None:
                    exception = self.describer.describe(call.excinfo.value)
                else:
                    exception = {"type": "CollectError", "module": "_pytest", "bases": [], "frames": [],
                                 "message": capped(str(report.longrepr))}
                self.record.write("load", path=path, conftest=False, exception=exception)
            elif report.outcome == "skipped":
                reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
                self.record.write("skipped_file", path=path, reason=capped(str(reason)))
            elif call is not None and call.excinfo is not None:
                # A hook turned a file that does not load into an empty one.
                self.record.write("load", path=path, conftest=False, hidden=True,
                                  exception=self.describer.describe(call.excinfo.value))

        @pytest.hookimpl(trylast=True)
        def pytest_collection_modifyitems(self, session, config, items):
            if self.selection is None and self.files is None:
                return
            keep, drop = [], []
            for item in items:
                path, name, _ = self.identity(item)
                if self.selection is not None:
                    wanted = (path, name) in self.selection
                else:
                    wanted = path in self.files
                (keep if wanted else drop).append(item)
            if drop:
                config.hook.pytest_deselected(items=drop)
                items[:] = keep

        @pytest.hookimpl(trylast=True)
        def pytest_collection_finish(self, session):
            for item in session.items:
                self.number(item)
            self.record.write("collected", count=len(session.items))

        # ---- tests

        @pytest.hookimpl(hookwrapper=True, tryfirst=True)
        def pytest_runtest_protocol(self, item, nextitem):
            number = self.number(item)
            self.record.write("start", n=number)
            yield
            self.flush()
            self.record.write("finish", n=number)

        @pytest.hookimpl(hookwrapper=True, trylast=True)
        def pytest_runtest_call(self, item):
            # The innermost wrapper: it sees an exception that a hook of the project swallows further out.
            self.inner = None
            outcome = yield
            if outcome.excinfo is not None:
                self.inner = outcome.excinfo[1]

        @pytest.hookimpl(hookwrapper=True, trylast=True)
        def pytest_pyfunc_call(self, pyfuncitem):
            outcome = yield
            if outcome.excinfo is not None:
                self.inner = outcome.excinfo[1]

        @pytest.hookimpl(hookwrapper=True, tryfirst=True)
        def pytest_runtest_makereport(self, item, call):
            self.flush()
            error = call.excinfo.value if call.excinfo is not None else None
            waiting = getattr(item, "_excinfo", None)
            if error is None and waiting:
                # unittest classes keep their exceptions on the item until the report is made.
                error = waiting[0].value
            outcome = yield
            report = outcome.get_result()
            if call.excinfo is not None and (error is None or raw_outcome(error) == "skipped"):
                error = call.excinfo.value
            swallowed = False
            if error is None and call.when == "call" and self.inner is not None:
                error, swallowed = self.inner, raw_outcome(self.inner) == "failed"
            self.inner = None
            raw = raw_outcome(error)
            self.pending = {
                "n": self.number(item),
                "when": call.when,
                "raw": raw,
                "made": report.outcome,
                "reported": report.outcome,
                "xfail": hasattr(report, "wasxfail"),
                "strict": isinstance(report.longrepr, str) and report.longrepr.startswith("[XPASS(strict)]"),
                "reason": capped(skip_reason(report, error)),
                "duration_ms": milliseconds(call),
                "exception": self.describer.describe(error) if raw == "failed" else None,
                "swallowed": swallowed,
                "subtest": None,
            }

        @pytest.hookimpl(hookwrapper=True, tryfirst=True)
        def pytest_runtest_logreport(self, report):
            yield
            if not self.pending:
                return
            context = getattr(report, "context", None)
            if context is not None and hasattr(report, "_sub_test_description"):
                self.pending["subtest"] = capped(report._sub_test_description())
            elif context is not None:
                self.pending["subtest"] = capped(subtest_name(context))
            self.pending["reported"] = report.outcome
            self.pending["xfail"] = self.pending["xfail"] or hasattr(report, "wasxfail")
            self.flush()

        def flush(self):
            """Writes the phase that waits; a report that was never logged is written as it was made."""
            if self.pending:
                pending, self.pending = self.pending, {}
                self.record.write("phase", **pending)

        # ---- ends

        def pytest_internalerror(self, excrepr, excinfo):
            self.record.write("internal_error", exception=self.describer.describe(excinfo.value))

        def pytest_keyboard_interrupt(self, excinfo):
            self.record.write("interrupted", exception=self.describer.describe(excinfo.value))

    return Probe


def raw_outcome(error):
    """What an exception means, whatever the reports say."""
    if error is None:
        return "passed"
    import pytest

    if isinstance(error, (pytest.skip.Exception, unittest.SkipTest)):
        return "skipped"
    if isinstance(error, pytest.xfail.Exception):
        return "xfailed"
    return "failed"


def skip_reason(report, error):
    """Why a test was skipped or expected to fail."""
    if hasattr(report, "wasxfail"):
        return str(report.wasxfail)
    if report.outcome == "skipped":
        if isinstance(report.longrepr, tuple) and len(report.longrepr) == 3:
            return str(report.longrepr[2])
        return text_of(error) if error is not None else ""
    return ""


def subtest_name(context):
    """How the plugin pytest-subtests names a subtest."""
    parts = []
    if getattr(context, "msg", None) is not None:
        parts.append("[%s]" % (context.msg,))
    if getattr(context, "kwargs", None):
        parts.append("(%s)" % ", ".join("%s=%r" % pair for pair in context.kwargs.items()))
    return " ".join(parts) or "(<subtest>)"


def top_levels(origin):
    """The top-level modules and packages of the tree, by name: what `first-party` means for names."""
    tops = {}
    for entry in sys.path:
        if not entry or origin.relative(entry) == entry:
            continue
        try:
            names = sorted(os.listdir(entry))
        except OSError:
            continue
        for name in names:
            path = os.path.join(entry, name)
            if name.endswith(".py"):
                top, regular = name[:-3], True
            elif os.path.isdir(path) and name.isidentifier():
                regular = os.path.exists(os.path.join(path, "__init__.py"))
                if not regular and not has_python(path, 3):
                    continue
                top = name
            else:
                continue
            if top not in tops and top not in ("setup", "conftest", "__init__", "__main__"):
                tops[top] = {"name": top, "path": origin.relative(path), "regular": regular}
    return tops


def has_python(folder, depth):
    """Whether a folder contains Python files (namespace packages have no `__init__.py`)."""
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    if any(name.endswith(".py") for name in names):
        return True
    return depth > 0 and any(
        name.isidentifier() and has_python(os.path.join(folder, name), depth - 1) for name in names
    )


def report_modules(origin, tops, record):
    """Proves where first-party code came from: each loaded module that matters, with its file."""
    own = set(origin.settings.get("own_files", []))
    site = [os.path.realpath(folder) for folder in origin.site]
    real_path = origin.real_paths()
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or name == "__main__":
            continue
        relative = origin.relative(file, real_path)
        if not os.path.isabs(relative):
            top = tops.get(name.split(".")[0])
            if top is not None:
                record.write("module", name=name, file=relative, foreign=False)
            continue
        top = tops.get(name.split(".")[0])
        real = real_path(file)
        foreign = origin.is_foreign(real, real_path) or real in own
        if not foreign and top is not None and top["regular"]:
            # A regular package has one place; a file elsewhere that carries its name did not come from the tree.
            foreign = any(real.startswith(folder + os.sep) for folder in site)
        if foreign and "__editable__" not in os.path.basename(real):
            record.write("module", name=name, file=file, foreign=True)


def stray_configuration(origin):
    """Whether pytest would take its configuration from a folder above the tree, because the tree has none."""
    markers = {
        "pytest.toml": "", ".pytest.toml": "", "pytest.ini": "", ".pytest.ini": "",
        "pyproject.toml": "[tool.pytest", "tox.ini": "[pytest]", "setup.cfg": "[tool:pytest]",
    }

    def configured(folder):
        for name, section in markers.items():
            try:
                with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                    if section in file.read():
                        return True
            except OSError:
                pass
        return False

    folder = origin.root
    while True:
        inside = folder == origin.tree or folder.startswith(origin.tree + os.sep)
        if configured(folder):
            return not inside
        if folder == os.path.dirname(folder):
            return False
        folder = os.path.dirname(folder)


def import_pytest(origin):
    """Imports pytest and what it is made of from the environment, whatever the tree calls its modules.

    Where that fails, a part of pytest is the project itself (pluggy, iniconfig), installed editable: then from the tree.
    """
    path = list(sys.path)
    before = set(sys.modules)
    sys.path[:] = [entry for entry in path if entry and os.path.isabs(origin.relative(entry))]
    try:
        load_pytest()
    except ImportError:
        for name in set(sys.modules) - before:
            del sys.modules[name]
        sys.path[:] = path
        load_pytest()
    finally:
        sys.path[:] = path
        sys.path_importer_cache.clear()
    return sys.modules["pytest"]


def load_pytest():
    """Imports pytest with all of its own plugins."""
    import pytest  # noqa: F401

    import _pytest.config

    for name in _pytest.config.default_plugins:
        importlib.import_module("_pytest." + name)


def main():
    """Runs pytest and returns its exit code."""
    import redgreen_origin

    started = time.time()
    secret_path = sys.argv.pop(1)
    with open(secret_path, encoding="utf-8") as file:
        secret = json.load(file)
    # Where the record lies and the mark of its lines are not left for the tests to read.
    os.unlink(secret_path)
    with open(os.environ["REDGREEN_RUN"], encoding="utf-8") as file:
        settings = json.load(file)
    record = Record(secret["report"], secret["mark"])
    del secret
    origin = redgreen_origin.STATE
    if origin is None:
        # Python was started without `site`: nothing is known about where code comes from.
        record.write("no_origin")
        return 4
    pytest = import_pytest(origin)
    # `python -m pytest` puts the current folder first; a script puts its own folder there.
    sys.path[0] = origin.root
    sys.argv[0] = os.path.join(os.path.dirname(pytest.__file__), "__main__.py")
    arguments = sys.argv[1:]
    if stray_configuration(origin):
        arguments += ["-c", settings["empty"], "--confcutdir", origin.root]
    arguments += settings["arguments"]
    sites = os.environ.pop("REDGREEN_EXPECTATION_SITES", None)
    if sites is not None:
        redgreen_expectations.install(sites)
    probe = plugin_class()(settings, origin, record)
    original = pytest.Config.getini

    def getini(self, name):
        value = original(self, name)
        # Only for the session of this process, never for sessions that a test starts.
        if name == "addopts" and probe.config in (None, self):
            probe.config = self
            value, probe.left_out = split_options(value, settings["plugins"], settings["whole"])
            off = {kept.strip()[3:] for kept in value if kept.strip().startswith("no:")}
            off |= {kept[2:].strip()[3:] for kept in value if kept.startswith("-pno:")}
            # Autoload is off: what the environment has is enabled by name, but for what the project switched off.
            probe.enabled = [name for name in settings["plugins"] if name not in off]
            value = [part for name in probe.enabled for part in ("-p", name)] + value
        return value

    pytest.Config.getini = getini
    record.write("begin", arguments=arguments)
    try:
        code = int(pytest.main(list(arguments), plugins=[probe]))
    except BaseException as error:
        record.write("start_failed", exception=probe.describer.describe(error))
        raise
    probe.flush()
    report_modules(origin, probe.tops or top_levels(origin), record)
    record.write("end", exit=code, seconds=time.time() - started)
    sys.stdout.flush()
    sys.stderr.flush()
    return code

"""Compiles what every run loads into `PYTHONPYCACHEPREFIX`: the probe, pytest, its plugins, parts of the library.

`python redgreen_compile.py PROBE PLUGIN…`, outside the project, before any of its code runs. What fails here is only
compiled later.
"""

import glob
import importlib
import os
import py_compile
import sys


def main():
    probe, plugins = sys.argv[1], sys.argv[2:]
    sys.path.pop(0)
    for file in glob.glob(os.path.join(probe, "*.py")):
        py_compile.compile(file)
    # What pytest and its plugins import only for some projects, and what Python itself imports late.
    for name in ("tomllib", "sysconfig", "pkgutil", "importlib.util", "unittest.mock", "doctest", "pdb", "bdb", "cmd"):
        try:
            importlib.import_module(name)
        except ImportError:
            pass
    try:
        sys.modules["sysconfig"].get_config_vars()
    except Exception:
        pass
    import pytest

    options = ["--collect-only", "-q", "--rootdir=.", "-c", os.devnull]
    for plugin in plugins:
        options += ["-p", plugin]
    return pytest.main(options)


sys.exit(main())

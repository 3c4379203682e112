"""What a Python environment consists of, as one JSON object on standard output (SPEC C3).

Run by redgreen with the project's interpreter, isolated and without `site` (`-I -S`): neither a `.pth` file nor a
`sitecustomize` nor kept byte code of the environment runs here, so nothing that lies in it can change the answer. What
`site` would have done is worked out from `pyvenv.cfg` and the text of the `.pth` files.
"""

import json
import os
import sys


def main():
    checkout = os.path.realpath(sys.argv[1])
    facts = {
        "version": "Python %d.%d.%d" % sys.version_info[:3],
        "real": os.path.realpath(sys.executable),
        "pytest": None,
        "plugins": [],
        "own_files": [],
        "own_names": [],
        "user_base": None,
        "library": os.__file__,
        "complete": True,
    }
    venv, system = virtual_environment()
    if venv is not None:
        # Before anything asks for it: Debian's `site` and `sysconfig` look at it.
        sys.prefix = sys.exec_prefix = venv
    import site
    import sysconfig

    folders = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    prefixes = [sys.base_prefix, sys.base_exec_prefix] if system else []
    if venv is not None:
        prefixes.insert(0, venv)
    try:
        folders.extend(site.getsitepackages(prefixes))
    except Exception:
        pass
    facts["candidates"] = list(folders)
    if system:
        user = site.getusersitepackages()
        facts["candidates"].append(user)
        if os.path.isdir(user):
            folders.append(user)
            facts["user_base"] = site.getuserbase()
    seen = []
    for folder in folders:
        folder = os.path.realpath(folder)
        if os.path.isdir(folder) and folder not in seen:
            seen.append(folder)
    facts["site"] = seen
    facts["standard"], facts["programs"] = standard_library(sysconfig, venv), programs(venv)
    try:
        from importlib import metadata
    except ImportError:
        facts["problem"] = "Python 3.8 or newer is needed"
        json.dump(facts, sys.stdout)
        return
    names = project_names(checkout)
    facts["own_names"] = sorted(names)
    linked = linked_folders(seen)
    beside = [folder for folder in linked if not within(folder, checkout)]
    plugins = set()
    for dist in metadata.distributions(path=seen + linked):
        if dist.metadata is None:
            continue
        # Packages beside site-packages (the checkout itself, by a `.pth` file) are not digested with it.
        if os.path.dirname(os.path.realpath(str(getattr(dist, "_path", "")))) not in seen:
            facts["complete"] = False
        name = (dist.metadata["Name"] or "").lower().replace("_", "-").replace(".", "-")
        if name == "pytest":
            facts["pytest"] = dist.version
        for point in dist.entry_points:
            if point.group == "pytest11":
                plugins.add(point.name)
        try:
            origin = json.loads(dist.read_text("direct_url.json") or "{}")
        except Exception:
            origin = {}
        url = origin.get("url", "")
        place = os.path.realpath(unquoted(url[7:])) if url.startswith("file://") else ""
        if origin.get("dir_info", {}).get("editable"):
            # It has no code of its own in site-packages, only the hook that leads to the checkout, or to another one.
            if place and os.path.isdir(place) and not within(place, checkout):
                beside.append(place)
            continue
        if name in names or (place and within(place, checkout)):
            for file in dist.files or []:
                if str(file).endswith((".py", ".so", ".pyd")) and not str(file).startswith("__editable__"):
                    facts["own_files"].append(os.path.realpath(str(dist.locate_file(file))))
    facts["plugins"] = sorted(plugins)
    facts["beside"] = sorted({folder for folder in beside if folder not in seen})
    json.dump(facts, sys.stdout)


def within(path, folder):
    """Whether a path is a folder or lies below it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def virtual_environment():
    """The virtual environment of the interpreter (PEP 405), and whether packages outside of it are used."""
    bin_folder = os.path.dirname(os.path.abspath(sys.executable))
    for folder in (bin_folder, os.path.dirname(bin_folder)):
        try:
            with open(os.path.join(folder, "pyvenv.cfg"), encoding="utf-8") as file:
                lines = file.read().splitlines()
        except OSError:
            continue
        system = "true"
        for line in lines:
            key, equals, value = line.partition("=")
            if equals and key.strip().lower() == "include-system-site-packages":
                system = value.strip().lower()
        return os.path.dirname(bin_folder), system == "true"
    return None, True


def standard_library(sysconfig, venv):
    """Folders and files that the interpreter loads before anything of the environment."""
    version = "%d%d" % sys.version_info[:2]
    found = [os.path.dirname(os.path.realpath(os.__file__))]
    for path in sys.path:
        # The archive that would come before the standard library, and its compiled part.
        if path.endswith("python%s.zip" % version) or "lib-dynload" in path:
            found.append(os.path.realpath(path))
    if sysconfig.get_config_var("Py_ENABLE_SHARED"):
        library = sysconfig.get_config_var("INSTSONAME") or ""
        found.append(os.path.realpath(os.path.join(sysconfig.get_config_var("LIBDIR") or "", library)))
    if venv is not None:
        found.append(os.path.join(venv, "pyvenv.cfg"))
    return found


def programs(venv):
    """The folder of the environment's programs, which comes first on the search path of the tests."""
    folder = os.path.dirname(os.path.abspath(sys.executable))
    if venv is None and folder in ("/bin", "/usr/bin", "/usr/local/bin"):
        return None
    return folder


def linked_folders(site):
    """The folders that the `.pth` files of the environment put on the search path."""
    found = []
    for folder in site:
        for name in sorted(os.listdir(folder)):
            if not name.endswith(".pth"):
                continue
            try:
                with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                    lines = file.read().splitlines()
            except OSError:
                continue
            for line in lines:
                if not line.strip() or line.startswith(("#", "import ", "import\t")):
                    continue
                path = os.path.realpath(os.path.join(folder, line.rstrip()))
                if os.path.isdir(path) and path not in found and path not in site:
                    found.append(path)
    return found


def unquoted(text):
    """A URL's path as a file name."""
    from urllib.parse import unquote

    return unquote(text)


def project_names(checkout):
    """The distribution names that the project's own `pyproject.toml` files at the top and in the root give."""
    import re

    names = set()
    for folder in {checkout, os.path.realpath(sys.argv[2])}:
        try:
            with open(os.path.join(folder, "pyproject.toml"), encoding="utf-8") as file:
                text = file.read()
        except OSError:
            continue
        section = ""
        for line in text.splitlines():
            header = re.match(r"\s*\[([^\]]+)\]\s*$", line)
            if header:
                section = header.group(1).strip()
            value = re.match(r"\s*name\s*=\s*[\"']([^\"']+)[\"']", line)
            if value and section in ("project", "tool.poetry"):
                names.add(value.group(1).lower().replace("_", "-").replace(".", "-"))
    return names


main()

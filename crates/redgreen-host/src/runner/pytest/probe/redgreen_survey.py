"""What a Python environment consists of, as one JSON object on standard output (SPEC C3).

Run by redgreen with the project's interpreter, with autoload off and outside the project; imports no project code.
"""

import json
import os
import sys


def main():
    checkout = os.path.realpath(sys.argv[1])
    import site
    import sysconfig

    facts = {
        "version": "Python %d.%d.%d" % sys.version_info[:3],
        "executable": sys.executable,
        "real": os.path.realpath(sys.executable),
        "prefix": sys.prefix,
        "pytest": None,
        "plugins": [],
        "own_files": [],
        "own_names": [],
        "library": os.__file__,
        "complete": True,
    }
    folders = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    try:
        folders.extend(site.getsitepackages())
    except Exception:
        pass
    facts["user_base"] = None
    facts["candidates"] = list(folders)
    if site.ENABLE_USER_SITE:
        facts["candidates"].append(site.getusersitepackages())
    if site.ENABLE_USER_SITE and os.path.isdir(site.getusersitepackages()):
        folders.append(site.getusersitepackages())
        facts["user_base"] = site.getuserbase()
    seen = []
    for folder in folders:
        folder = os.path.realpath(folder)
        if os.path.isdir(folder) and folder not in seen:
            seen.append(folder)
    facts["site"] = seen
    try:
        from importlib import metadata
    except ImportError:
        facts["problem"] = "Python 3.8 or newer is needed"
        json.dump(facts, sys.stdout)
        return
    names = project_names(checkout)
    facts["own_names"] = sorted(names)
    plugins = set()
    for dist in metadata.distributions():
        if dist.metadata is None:
            continue
        # Packages beside site-packages (the checkout itself, by a `.pth` file) are not digested with it.
        place = os.path.dirname(os.path.realpath(str(getattr(dist, "_path", ""))))
        if place not in seen:
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
        if origin.get("dir_info", {}).get("editable"):
            # It has no code of its own in site-packages, only the hook that leads to the checkout.
            continue
        local = url.startswith("file://") and os.path.realpath(unquoted(url[7:])).startswith(checkout)
        if name in names or local:
            for file in dist.files or []:
                if str(file).endswith((".py", ".so", ".pyd")) and not str(file).startswith("__editable__"):
                    facts["own_files"].append(os.path.realpath(str(dist.locate_file(file))))
    facts["plugins"] = sorted(plugins)
    try:
        import pytest  # noqa: F401
    except Exception as error:
        facts["pytest"] = None
        facts["problem"] = "%s: %s" % (type(error).__name__, error)
    json.dump(facts, sys.stdout)


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

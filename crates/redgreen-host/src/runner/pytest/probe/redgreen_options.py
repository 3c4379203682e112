"""Which options of the project's `addopts` a judged run keeps (SPEC C3)."""

# Options of `addopts` that are left out (SPEC C3), and how many values follow them ("?" = one that may be absent).
LEFT_OUT = {
    # selection
    "--deselect": 1, "--ignore": 1, "--ignore-glob": 1, "--lf": 0, "--last-failed": 0, "--ff": 0, "--failed-first": 0,
    "--nf": 0, "--new-first": 0, "--sw": 0, "--stepwise": 0, "--sw-skip": 0, "--stepwise-skip": 0, "--sw-reset": 0,
    "--stepwise-reset": 0, "--lfnf": 1, "--last-failed-no-failures": 1, "--co": 0, "--collect-only": 0,
    "--setup-only": 0, "--setup-plan": 0,
    # early exit and repetition
    "--exitfirst": 0, "--maxfail": 1, "--reruns": 1, "--reruns-delay": 1, "--only-rerun": 1, "--rerun-except": 1,
    # reports
    "--junitxml": 1, "--junit-xml": 1, "--junit-prefix": 1, "--junitprefix": 1, "--html": 1, "--css": 1,
    "--self-contained-html": 0, "--report-log": 1, "--json-report": 0, "--json-report-file": 1, "--alluredir": 1,
    "--pastebin": 1, "--result-log": 1, "--resultlog": 1,
    # coverage
    "--cov": "?", "--cov-report": 1, "--cov-config": 1, "--cov-fail-under": 1, "--cov-append": 0, "--cov-branch": 0,
    "--cov-context": 1, "--cov-reset": 0, "--cov-precision": 1, "--no-cov": 0, "--no-cov-on-fail": 0,
    # distribution
    "--numprocesses": 1, "--maxprocesses": 1, "--max-worker-restart": 1, "--dist": 1, "--tx": 1, "--looponfail": 0,
    "--forked": 0, "--boxed": 0, "--maxschedchunk": 1, "--testrunuid": 1, "--px": 1, "--rsyncdir": 1,
    # expected values that would be rewritten (SPEC B10): the runner's `arguments` may not name these either
    "--snapshot-update": 0, "--update-snapshots": 0, "--update-snapshot": 0, "--force-regen": 0, "--regen-all": 0,
    "--inline-snapshot": 1, "--insta": 1, "--update-golden": 0, "--update-goldens": 0, "--golden-update": 0,
    "--image-snapshot-update": 0, "--mpl-generate-path": 1, "--mpl-generate-hash-library": 1, "--regenerate": 0,
    "--regtest-reset": 0, "--record-mode": 1, "--accept": 0, "--update-expected": 0, "--write-snapshots": 0,
    # output that hides the result, debuggers, the private folders
    "--quiet": 0, "--verbose": 0, "--verbosity": 1, "--pdb": 0, "--pdbcls": 1, "--trace": 0, "--basetemp": 1,
    "--cache-clear": 0, "--cache-show": "?", "--continue-on-collection-errors": 0, "--rootdir": 1,
}
SHORT_FLAGS_LEFT_OUT = "xqvfd"
SHORT_FLAGS_KEPT = "slh"
SHORT_WITH_VALUE_LEFT_OUT = "kmn"
SHORT_WITH_VALUE_KEPT = "prcoWV"


# What a project leaves out of its own suite stays out of it: kept when the whole suite is run.
SELECTION = ("--deselect", "--ignore", "--ignore-glob")
SHORT_SELECTION = "km"


def split_options(options, plugins, whole=False):
    """Divides `addopts` into what is kept and what is left out.

    `whole` says that the project's whole suite is asked for, which is what its own selection makes of it (a `-m "not
    stress"`); a run of named tests is not narrowed by it.

    `-p no:NAME` is kept where NAME is a plugin of the environment (the project switched it off on purpose) and left
    out otherwise (pytest's own parts are needed).
    """
    kept, left = [], []
    rest = list(options)
    while rest:
        option = rest.pop(0)
        if option.startswith("--"):
            name, equals, _ = option.partition("=")
            values = LEFT_OUT.get(name)
            if whole and name in SELECTION:
                kept.append(option)
                if not equals and rest:
                    kept.append(rest.pop(0))
                continue
            if values is None:
                kept.append(option)
                continue
            left.append(option)
            if equals or not rest:
                continue
            if values == 1 or (values == "?" and not rest[0].startswith("-")):
                left.append(rest.pop(0))
        elif option.startswith("-") and len(option) > 1:
            split_short(option, rest, plugins, kept, left, whole)
        else:
            kept.append(option)
    return kept, left


def split_short(option, rest, plugins, kept, left, whole):
    """Divides one cluster of short options, such as `-xvs` or `-kname`."""
    flags = ""
    letters = option[1:]
    for index, letter in enumerate(letters):
        if letter in SHORT_FLAGS_LEFT_OUT:
            left.append("-" + letter)
        elif letter in SHORT_WITH_VALUE_LEFT_OUT or letter in SHORT_WITH_VALUE_KEPT:
            value = letters[index + 1:]
            attached = bool(value)
            if not attached and rest:
                value = rest.pop(0)
            out = letter in SHORT_WITH_VALUE_LEFT_OUT and not (whole and letter in SHORT_SELECTION)
            if letter == "p" and value.strip().startswith("no:"):
                out = value.strip()[3:] not in plugins
            if flags:
                kept.append("-" + flags)
            (left if out else kept).extend(["-" + letter + value] if attached else ["-" + letter, value])
            return
        else:
            flags += letter
    if flags:
        kept.append("-" + flags)

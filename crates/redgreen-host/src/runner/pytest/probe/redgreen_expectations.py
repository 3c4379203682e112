"""Changed expectations: the helper that rewritten tests call (contract: `redgreen_lint::expectations`)."""

import os


class Other:
    """Equals nothing but itself."""

    __slots__ = ()

    def __repr__(self):
        return "<another value>"


class Report:
    """Appends sites to the file of the run."""

    def __init__(self, path):
        self.handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.write = os.write

    def site(self, site):
        self.write(self.handle, (site + "\n").encode())


def other(value, direction):
    """A value of the same type that is another one; greater or less where that is asked."""
    if direction == "as_is":
        return value
    if direction == "match":
        return "(?!)"
    kind = type(value)
    if kind is bool:
        return not value
    if kind in (int, float, complex):
        far = abs(value) + 7919 if kind is not int else abs(value) * 3 + 7919
        return value - far if direction == "less" else value + far
    if kind is str:
        return "\u2400 another value \u2400"
    if kind in (bytes, bytearray):
        return kind(b"\x00another value\x00")
    if kind is list:
        return [*value, Other()]
    if kind is tuple:
        return (*value, Other())
    if kind in (set, frozenset):
        return kind([*value, Other()])
    if kind is dict:
        return {**value, Other(): Other()}
    return Other()


def install(path):
    """Puts `__redgreen_other__` where every module finds it."""
    import builtins

    report = Report(path)

    def __redgreen_other__(value, site, direction=None):
        report.site(site)
        try:
            return other(value, direction)
        except Exception:
            return Other()

    builtins.__redgreen_other__ = __redgreen_other__

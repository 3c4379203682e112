"""Changed expectations: the helpers that rewritten tests call (contract: `redgreen_lint::expectations`)."""

import datetime
import decimal
import enum
import fractions
import os


class Other:
    """Equals nothing but itself."""

    __slots__ = ()

    def __repr__(self):
        return "<another value>"


# A test that failed this often by one place has noticed: subtests and retries may go on for thousands of rounds, and
# formatting each failure takes long.
ENOUGH = 25


class Report:
    """Appends sites to the file of the run, each once per test, and counts how often they were changed."""

    def __init__(self, path):
        self.handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.write = os.write
        self.seen = {}

    def line(self, site):
        line = site + "\t" + os.environ.get("PYTEST_CURRENT_TEST", "") + "\n"
        count = self.seen.get(line, 0)
        if not count:
            self.write(self.handle, line.encode("utf-8", "surrogateescape"))
        self.seen[line] = count + 1
        return count

    def changes(self, site):
        """Whether the place gives another value this time."""
        return self.line(site) < ENOUGH

    def went_on(self, site):
        line = site + "\t" + os.environ.get("PYTEST_CURRENT_TEST", "") + "\n"
        # Behind a value that was left as it is, going on says nothing.
        if self.seen.get(line, 0) <= ENOUGH:
            self.line("+" + site)


class Values:
    """Other values, as far off and with the letters that the gate chose for this run."""

    def __init__(self, offset, word):
        self.offset = offset
        self.word = word

    def far(self, value):
        """On no side of any number, and within no tolerance."""
        kind = type(value)
        if kind in (int, float):
            return float("nan")
        if kind in (list, tuple) and value:
            return kind(self.far(element) for element in value)
        if kind is dict and value:
            return {key: self.far(element) for key, element in value.items()}
        return self.other(value, None)

    def element(self, value):
        """Another element of a collection: like its neighbours, where their type is known."""
        try:
            return self.other(value, None)
        except Exception:
            return Other()

    def other(self, value, direction):
        """A value of the same type that is another one; on the other side or out of reach where that is asked."""
        if direction == "as_is":
            return value
        if direction == "match":
            return "(?!)"
        if direction == "alien":
            return Other()
        if direction is not None:
            return self.far(value)
        kind = type(value)
        if kind is bool:
            return not value
        if kind is int:
            return value + self.offset
        if kind in (float, complex, decimal.Decimal, fractions.Fraction):
            larger = value + self.offset
            return kind(5) / 2 if larger == value else larger
        if kind is str:
            return value + self.word
        if kind in (bytes, bytearray):
            return value + self.word.encode()
        if kind in (list, tuple):
            if not value:
                return kind([Other()])
            return kind([*value[:-1], self.element(value[-1])])
        if kind in (set, frozenset):
            if not value:
                return kind([Other()])
            kept = list(value)
            changed = kind([*kept[:-1], self.element(kept[-1])])
            return kind([*value, Other()]) if changed == value else changed
        if kind is dict:
            if not value:
                return {Other(): Other()}
            last = next(reversed(value))
            return {**value, last: self.element(value[last])}
        if kind in (datetime.date, datetime.datetime):
            days = datetime.timedelta(days=self.offset)
            return value + days if value.year < 5000 else value - days
        if kind is datetime.timedelta:
            return value + datetime.timedelta(days=self.offset)
        if isinstance(value, enum.Enum) and not isinstance(value, enum.Flag):
            return next((member for member in kind if member is not value), None) or Other()
        return Other()


def chosen(path):
    """What other values are made of, from the first line of the file of the sites, which is emptied."""
    try:
        with open(path, encoding="utf-8") as file:
            kind, offset, word = file.readline().rstrip("\n").split("\t")
        if kind == "offset":
            os.truncate(path, 0)
            return int(offset), word
    except (OSError, ValueError):
        pass
    return 61, " (other)"


def install(path):
    """Puts the helpers where every module finds them."""
    import builtins

    values = Values(*chosen(path))
    report = Report(path)

    def __redgreen_other__(value, site, direction=None):
        if not report.changes(site) and direction != "as_is":
            return value
        try:
            return values.other(value, direction)
        except Exception:
            return Other()

    def __redgreen_went_on__(*sites):
        for site in sites:
            report.went_on(site)

    builtins.__redgreen_other__ = __redgreen_other__
    builtins.__redgreen_went_on__ = __redgreen_went_on__

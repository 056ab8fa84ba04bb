"""Who is told of a change, decided from the change record alone: the declared policies read in Python.

The live row is never asked: it may have changed again, or be gone. What a policy says in SQL (app/models/declare.py)
is compiled here from that very text; a test compares the verdicts with PostgreSQL's. Text that is not understood
stops the start. Values are text as the stream has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Row = Mapping[str, str | None]
NO_ID = "00000000-0000-0000-0000-000000000000"  # stands for NULL in an identity index, which takes none


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who listens: what app.live_readers found; `caps` is read as app.can and app.reach read it, and
    `admitted` is what app.is_admitted says.
    """

    org_id: str
    user_id: str
    portal: str
    caps: str
    admitted: bool = False
    _reach: dict[tuple[str, str], frozenset[str] | None] = field(default_factory=dict, compare=False, repr=False)

    def can(self, resource: str, action: str) -> bool:
        """Holds the capability somewhere."""
        return self.caps == "*" or f"|{resource}.{action}=" in self.caps

    def everywhere(self, resource: str, action: str) -> bool:
        """Holds it for the whole organization, though narrowed to a hostel just now."""
        return self.caps == "*" or any(f"|{resource}.{action}={reach}" in self.caps for reach in "*~")

    def reach(self, resource: str, action: str) -> frozenset[str] | None:
        """The hostels in which it is held; None for all of them."""
        key = resource, action
        if key not in self._reach:
            _, _, rest = self.caps.partition(f"|{resource}.{action}=")
            hostels = rest.partition("|")[0]
            everywhere = self.caps == "*" or hostels == "*"
            self._reach[key] = None if everywhere else frozenset(filter(None, hostels.replace("~", "").split(",")))
        return self._reach[key]


Test = Callable[[Row, Reader], bool]

# What the helpers of app/models/declare.py write, and what it means. NULL counts as no, as it does for a policy:
# there is no NOT here that would turn it round.
_CAPABILITY = r"'(?P<resource>\w+)', '(?P<action>\w+)'"
_ATOMS = {
    name: re.compile(pattern) for name, pattern in {
        "org": r"(?P<column>\w+) = \(SELECT app\.current_org\(\)\)",
        "user": r"(?P<column>\w+) = \(SELECT app\.current_user_id\(\)\)",
        "can": rf"\(SELECT app\.can\({_CAPABILITY}\)\)",
        "everywhere": rf"\(SELECT app\.everywhere\({_CAPABILITY}\)\)",
        "within": rf"coalesce\((?P<column>\w+) = ANY \(\(SELECT app\.reach\({_CAPABILITY}\)\)::uuid\[\]\), true\)",
        "admitted": r"\(SELECT app\.is_admitted\(\)\)",
        "null": r"(?P<column>\w+) IS NULL",
        "none": rf"(?P<column>\w+) = '{NO_ID}'",
        "true": r"true\b",
    }.items()
}


def _atom(name: str, found: re.Match[str]) -> Test:
    words = found.groupdict()
    column, resource, action = words.get("column", ""), words.get("resource", ""), words.get("action", "")

    def within(row: Row, reader: Reader) -> bool:
        reach = reader.reach(resource, action)
        if reach is None:
            return True
        value = row[column]
        return bool(reach) if value is None else value in reach

    tests: dict[str, Test] = {
        "org": lambda row, reader: row[column] == reader.org_id,
        "user": lambda row, reader: row[column] == reader.user_id,
        "can": lambda _row, reader: reader.can(resource, action),
        "everywhere": lambda _row, reader: reader.everywhere(resource, action),
        "within": within,
        "admitted": lambda _row, reader: reader.admitted,
        "null": lambda row, _reader: row[column] is None,
        "none": lambda row, _reader: row[column] == NO_ID,
        "true": lambda _row, _reader: True,
    }
    return tests[name]


class _Parser:
    """AND binds closer than OR; parentheses; nothing else."""

    def __init__(self, text: str) -> None:
        self.text, self.place = text, 0
        self.columns: set[str] = set()

    def whole(self) -> Test:
        test = self.any_of()
        if self.place != len(self.text):
            raise self.lost()
        return test

    def lost(self) -> ValueError:
        return ValueError(f"a published table's policy says what app/rules/realtime.py cannot read: {self.text[self.place:]!r}")

    def word(self, word: str) -> bool:
        if not self.text.startswith(word, self.place):
            return False
        self.place += len(word)
        return True

    def any_of(self) -> Test:
        tests = [self.all_of()]
        while self.word(" OR "):
            tests.append(self.all_of())
        return tests[0] if len(tests) == 1 else lambda row, reader: any(test(row, reader) for test in tests)

    def all_of(self) -> Test:
        tests = [self.one()]
        while self.word(" AND "):
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda row, reader: all(test(row, reader) for test in tests)

    def one(self) -> Test:
        for name, pattern in _ATOMS.items():
            if found := pattern.match(self.text, self.place):
                self.place = found.end()
                self.columns.update(filter(None, [found.groupdict().get("column")]))
                return _atom(name, found)
        if self.word("("):
            test = self.any_of()
            if self.word(")"):
                return test
        raise self.lost()


def compiled(policy: str) -> tuple[Test, frozenset[str]]:
    """The test that a policy's USING stands for, and the columns it looks at; ValueError if it is not understood."""
    parser = _Parser(policy)
    return parser.whole(), frozenset(parser.columns)


# -- which change it is for one reader --------------------------------------------------------------------------


def told_as(*, saw: bool, sees: bool, made: bool) -> str | None:
    """INSERT, UPDATE, DELETE or nothing: a row that leaves a reader's sight is deleted for them, one that enters is new.

    `saw`, `sees`: the reader covers the row before and after the change; `made`: there was no row before.
    """
    if sees:
        return "INSERT" if made or not saw else "UPDATE"
    return "DELETE" if saw else None


def deleted(row: Row) -> bool:
    """Removed softly: screens show such a row no more than one that is gone."""
    return row.get("deleted_at") is not None

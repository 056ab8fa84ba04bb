"""What somebody typed into the search box: its words, and the number it may be (`MR-42`, `#42`, `42`)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.text import is_visible

LONGEST = 80  # characters that are looked at
WORDS = 6
_REFERENCE = re.compile(r"(?:#|(?P<series>[a-z]{1,4})[- ]?)?0*(?P<number>[0-9]{1,9})", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Wanted:
    """One search; `series` is the letters before a number, empty where none were typed."""

    text: str
    number: int | None = None
    series: str = ""

    @property
    def words(self) -> list[str]:
        """What has to begin a word of what is found."""
        return self.text.split()[:WORDS]

    def names(self, series: str) -> bool:
        """Whether it may be a reference of this series."""
        return self.number is not None and self.series in ("", series.lower())


def wanted(typed: str) -> Wanted | None:
    """Read what was typed; None if nothing was."""
    text = " ".join("".join(c if is_visible(c) else " " for c in typed).split())[:LONGEST].strip()
    if not text:
        return None
    found = _REFERENCE.fullmatch(text)
    if found is None:
        return Wanted(text)
    return Wanted(text, int(found["number"]), (found["series"] or "").lower())


def fit(found: Wanted, title: str) -> int:
    """How well a title fits, best first: the very one, one that begins so, one with a word that does, any other."""
    text, title = found.text.casefold(), title.casefold()
    digits = re.fullmatch(r"\D*?0*(\d+)", title)
    if title == text or (digits and found.number == int(digits[1])):
        return 0
    if title.startswith(text):
        return 1
    return 2 if f" {text}" in f" {title}" else 3

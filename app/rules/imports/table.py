"""From the bytes of a file to a table of texts: encodings, delimiters and limits of size (Y2)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from app.rules.errors import Invalid

MAX_ROWS = 100_000
MAX_COLUMNS = 200
ENCODINGS = {  # what a user may pick when the file does not say
    "utf-8": "UTF-8",
    "utf-16": "UTF-16 (Excel “Unicode text”)",
    "cp1252": "Windows-1252 (Western European)",
    "iso-8859-1": "ISO 8859-1 (Latin-1)",
}
_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 50


@dataclass(frozen=True)
class Table:
    """The common shape of CSV and Excel: unique column names and rows of trimmed texts."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def numbered(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """(number, cells) of every row that is not blank; numbers are a spreadsheet's: the first row is 2."""
        for number, cells in enumerate(self.rows, start=2):
            if any(cells):
                yield number, cells

    def column(self, header: str) -> list[str]:
        """The texts of one column that are not blank."""
        index = self.headers.index(header)
        return [cells[index] for _, cells in self.numbered() if index < len(cells) and cells[index]]


def make_table(rows: Iterable[Sequence[str]]) -> Table:
    """A table from raw rows, the first of them the headers; refuses what is too large or holds nothing."""
    source = iter(rows)
    headers = _unique_headers(next(source, ()))
    if not any(headers):
        raise Invalid("The file has no header row.", field="file")
    if len(headers) > MAX_COLUMNS:
        raise Invalid(f"The file has {len(headers)} columns; {MAX_COLUMNS} are allowed.", field="file")
    kept: list[tuple[str, ...]] = []
    for row in source:
        if len(kept) == MAX_ROWS:
            raise Invalid(f"The file has more than {MAX_ROWS:,} rows: please split it.", field="file")
        cells = [clean_cell(text) for text in row[:MAX_COLUMNS + 1]]
        kept.append(tuple(cells + [""] * (len(headers) - len(cells))))
    if not any(any(cells) for cells in kept):
        raise Invalid("The file has headers, but no rows.", field="file")
    return Table(headers, tuple(kept))


def _unique_headers(cells: Sequence[str]) -> tuple[str, ...]:
    """Every column gets a name of its own: blank ones a number, repeated ones too."""
    names: list[str] = []
    cleaned = [" ".join(clean_cell(cell).split()) for cell in cells]
    while cleaned and not cleaned[-1]:
        cleaned.pop()
    for position, cell in enumerate(cleaned, start=1):
        name, copy = cell or f"Column {position}", 2
        while name in names:
            name, copy = f"{cell or 'Column'} ({copy})", copy + 1
        names.append(name)
    return tuple(names)


def clean_cell(text: str) -> str:
    """A text without surrounding blanks, control characters, and the quote that guards a formula in our files."""
    text = re.sub(r"\r\n?", "\n", text)
    text = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]", "", text).strip()
    return text[1:] if re.match(r"'[=+@-]", text) else text


def guarded_cell(text: str) -> str:
    """A text that a spreadsheet does not take for a formula; `clean_cell` takes the guard off again."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def cell_text(value: object) -> str:
    """A typed cell of a workbook as the text that would stand in a CSV: 12.0 as 12, times in ISO form."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def decode(data: bytes, encoding: str | None = None) -> tuple[str, str]:
    """(text, encoding used) of a file; refuses what cannot be read exactly, naming the place.

    Without `encoding` only what a file says of itself counts: a byte-order mark, else UTF-8. Nothing is
    guessed, because a wrong guess stores wrong letters silently.
    """
    if encoding is not None and encoding not in ENCODINGS:
        raise Invalid("Please choose one of the encodings offered.", field="encoding")
    if encoding is None:
        by_mark = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
        encoding = next((name for mark, name in by_mark.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        raise Invalid(_undecodable(data, encoding, error), field="file") from None
    if "\x00" in text:
        where = text.index("\x00")
        raise Invalid(f"The file is not text: character {where + 1:,} is a zero byte.", field="file")
    return text, encoding


def _undecodable(data: bytes, encoding: str, error: UnicodeDecodeError) -> str:
    offset = error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)  # -sig counts from behind the mark
    line = data.count(b"\n", 0, offset) + 1
    said = f"The file is not {ENCODINGS[encoding].partition(' (')[0]}: byte {offset + 1:,} (line {line:,}"
    if offset < len(data):
        said += f", 0x{data[offset]:02X}"
    hint = "Save it as “CSV UTF-8”"
    if encoding == "utf-8":
        hint += ", or choose its encoding; files from older Windows programs are mostly Windows-1252"
    return f"{said}) cannot be read. {hint}."


def guess_delimiter(text: str) -> str:
    """The delimiter that cuts the first lines most evenly into more than one column; a comma if none does."""
    sample = "\n".join(text.splitlines()[:_SAMPLE_LINES])

    def evenness(delimiter: str) -> tuple[float, int]:
        widths = [len(row) for row in csv.reader(io.StringIO(sample), delimiter=delimiter) if row]
        if not widths or widths[0] < 2:  # noqa: PLR2004 -- one column means that it delimits nothing
            return 0, 0
        return sum(width == widths[0] for width in widths) / len(widths), widths[0]

    best = max(_DELIMITERS, key=evenness)
    return best if evenness(best)[1] else ","


def read_csv(text: str, delimiter: str | None = None) -> Table:
    """The table in a CSV text; refuses broken quoting, naming the line, rather than swallow rows."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or guess_delimiter(text), strict=True)
    try:
        return make_table(reader)
    except csv.Error as error:
        raise Invalid(f"The file cannot be read at line {reader.line_num:,}: {error}.", field="file") from None

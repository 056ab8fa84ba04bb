"""From the bytes of a file to a table of texts: encodings, delimiters and limits of size (Y2)."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice
from typing import BinaryIO, TextIO

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
_PIECE = 1 << 20


Source = Callable[[], Iterable[Sequence[str]]]
"""Gives all rows of a file from the beginning, the headers first, each time it is called."""


@dataclass(frozen=True)
class Table:
    """The common shape of CSV and Excel: unique column names and rows of trimmed texts.

    Rows are read from their source each time they are asked for: a large file takes no more memory than a small one.
    """

    headers: tuple[str, ...]
    source: Source

    def rows(self) -> Iterator[tuple[str, ...]]:
        """All rows, blank ones too, filled up to the width of the headers; refuses more than MAX_ROWS."""
        source = iter(self.source())
        next(source, None)
        for index, row in enumerate(source):
            cells = [clean_cell(text) for text in row[:MAX_COLUMNS + 1]]
            if index >= MAX_ROWS and any(cells):
                raise Invalid(f"The file has more than {MAX_ROWS:,} rows: please split it.", field="file")
            yield tuple(cells + [""] * (len(self.headers) - len(cells)))

    def numbered(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """(number, cells) of every row that is not blank; numbers are a spreadsheet's: the first row is 2."""
        for number, cells in enumerate(self.rows(), start=2):
            if any(cells):
                yield number, cells

    def column(self, header: str) -> list[str]:
        """The texts of one column that are not blank."""
        index = self.headers.index(header)
        return [cells[index] for _, cells in self.numbered() if index < len(cells) and cells[index]]

    def head(self, most: int) -> Table:
        """The table of the first `most` rows."""
        return Table(self.headers, lambda: islice(self.source(), most + 1))


def make_table(source: Source) -> Table:
    """A table from raw rows, the first of them the headers; refuses what is too wide or holds nothing."""
    headers = _unique_headers(next(iter(source()), ()))
    if not any(headers):
        raise Invalid("The file has no header row.", field="file")
    if len(headers) > MAX_COLUMNS:
        raise Invalid(f"The file has {len(headers)} columns; {MAX_COLUMNS} are allowed.", field="file")
    table = Table(headers, source)
    if next(table.numbered(), None) is None:
        raise Invalid("The file has headers, but no rows.", field="file")
    return table


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
    bare = text.strip()
    if bare.isprintable() and not bare.startswith("'"):  # nearly every cell: nothing to take out
        return bare
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


def find_encoding(stream: BinaryIO, encoding: str | None = None) -> str:
    """The encoding (a key of ENCODINGS) in which a whole file can be read; refuses one it cannot, naming the place.

    Without `encoding` only what a file says of itself counts: a byte-order mark, else UTF-8. Nothing is
    guessed, because a wrong guess stores wrong letters silently. The stream is read from where it stands.
    """
    if encoding is not None and encoding not in ENCODINGS:
        raise Invalid("Please choose one of the encodings offered.", field="encoding")
    piece = stream.read(_PIECE)
    if encoding is None:
        by_mark = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
        encoding = next((name for mark, name in by_mark.items() if piece.startswith(mark)), "utf-8")
    decoder = codecs.getincrementaldecoder(codec_of(encoding))()
    size = lines = characters = 0
    while True:
        try:
            text = decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            offset = size + len(piece) - len(error.object) + error.start
            line = lines + piece.count(b"\n", 0, max(offset - size, 0)) + 1
            raise Invalid(_undecodable(encoding, offset, line, error), field="file") from None
        if "\x00" in text:
            where = characters + text.index("\x00") + 1
            raise Invalid(f"The file is not text: character {where:,} is a zero byte.", field="file")
        if not piece:
            return encoding
        size, lines, characters = size + len(piece), lines + piece.count(b"\n"), characters + len(text)
        piece = stream.read(_PIECE)


def codec_of(encoding: str) -> str:
    """Python's name for one of ENCODINGS: a byte-order mark is never a letter of the first header."""
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _undecodable(encoding: str, offset: int, line: int, error: UnicodeDecodeError) -> str:
    name = ENCODINGS[encoding].partition(" (")[0]
    code = f", 0x{error.object[error.start]:02X}" if error.start < len(error.object) else ""
    if encoding == "utf-8":
        return (f"The file is not {name}: byte {offset + 1:,} (line {line:,}{code}) cannot be read. Save it as “CSV UTF-8”, or "
                "choose its encoding; files from older Windows programs are mostly Windows-1252.")
    return f"The file is not {name}: byte {offset + 1:,} (line {line:,}{code}) cannot be read. Save it as “CSV UTF-8”."


def guess_delimiter(text: str) -> str:
    """The delimiter that cuts the first lines most evenly into more than one column; a comma if none does."""
    sample = "\n".join(text.splitlines()[:_SAMPLE_LINES])

    def evenness(delimiter: str) -> tuple[float, int]:
        try:
            widths = [len(row) for row in csv.reader(io.StringIO(sample), delimiter=delimiter) if row]
        except csv.Error:  # a cell too long between these; whether it is too long for all, the reading tells
            return 0, 0
        if not widths or widths[0] < 2:  # noqa: PLR2004 -- one column means that it delimits nothing
            return 0, 0
        return sum(width == widths[0] for width in widths) / len(widths), widths[0]

    best = max(_DELIMITERS, key=evenness)
    return best if evenness(best)[1] else ","


def _unreadable(line: int, error: csv.Error) -> str:
    if "field limit" in str(error):  # the csv module has one class for everything
        return (f"Line {line:,} has a cell of more than {csv.field_size_limit():,} characters. "
                "Please shorten it, or check the quotes around it.")
    return f"The file cannot be read at line {line:,}: {error}."


def read_csv(open_text: Callable[[], TextIO], delimiter: str | None = None) -> Table:
    """The table in a CSV text (opened with newline=""); broken quoting is refused, naming the line, when it is met."""
    if delimiter is None:
        with open_text() as text:
            delimiter = guess_delimiter("".join(islice(text, _SAMPLE_LINES)))

    def rows() -> Iterator[Sequence[str]]:
        with open_text() as text:
            reader = csv.reader(text, delimiter=delimiter, strict=True)
            try:
                yield from reader
            except csv.Error as error:
                raise Invalid(_unreadable(reader.line_num, error), field="file") from None

    return make_table(rows)

"""The table in an uploaded file: CSV in any encoding offered, or the first visible sheet of an Excel workbook."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, TextIO

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from app.rules.errors import Invalid
from app.rules.files import MediaType
from app.rules.imports import Table, cell_text, codec_of, find_encoding, make_table, read_csv

_UNPACKED_MAX = 1 << 30  # bytes; 100,000 rows of 200 full columns need less, a zip bomb more
_DAMAGED = "The workbook is damaged and cannot be read. Open it in Excel and save it again, or save it as “CSV UTF-8”."


@contextmanager
def opened(stream: BinaryIO, media_type: str, encoding: str | None = None) -> Iterator[tuple[Table, str]]:
    """(table, encoding) of a file; the table can be read as often as wanted until the end of the `with`.

    `encoding` is what a person has chosen for a CSV; the one returned is what it is read in, "" for a workbook.
    Errors: Invalid, for the field `file` or `encoding`; broken rows are met while reading.
    """
    with TemporaryDirectory(prefix="import-") as folder:  # object stores cannot go back to the beginning
        path = Path(folder) / ("upload.xlsx" if media_type == MediaType.XLSX else "upload.csv")
        with path.open("wb") as copy:
            shutil.copyfileobj(stream, copy)
        if media_type == MediaType.XLSX:
            yield _workbook(path), ""
            return
        with path.open("rb") as whole:
            found = find_encoding(whole, encoding)
        yield read_csv(_text(path, codec_of(found))), found


def _text(path: Path, codec: str) -> Callable[[], TextIO]:
    return lambda: path.open(encoding=codec, newline="")


def _workbook(path: Path) -> Table:
    """Formulas count as the values that Excel last saw; dates and numbers become the text a CSV would hold."""
    _check_archive(path)

    def rows() -> Iterator[Sequence[str]]:
        try:
            book = load_workbook(path, read_only=True, data_only=True)
        except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError) as error:
            raise Invalid(_DAMAGED, field="file") from error
        try:
            sheet = next((s for s in book.worksheets if s.sheet_state == "visible"), None)
            if sheet is None:
                raise Invalid("The workbook has no sheet that can be seen.", field="file")
            sheet.reset_dimensions()  # some programs write sizes that are not true
            for row in sheet.iter_rows(values_only=True):
                yield [cell_text(value) for value in row]
        except (zipfile.BadZipFile, KeyError, ValueError, SyntaxError) as error:  # what a broken sheet is met with
            raise Invalid(_DAMAGED, field="file") from error
        finally:
            book.close()

    return make_table(rows)


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise Invalid(_DAMAGED, field="file") from error
    if unpacked > _UNPACKED_MAX:
        raise Invalid("The workbook is too large once unpacked: please split it.", field="file")

"""From bytes to a table: encodings that are read exactly or refused, delimiters, limits (Y2)."""

import csv
import io
from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.rules.errors import Invalid
from app.rules.imports import (
    MAX_COLUMNS,
    MAX_ROWS,
    cell_text,
    clean_cell,
    codec_of,
    find_encoding,
    guarded_cell,
    guess_delimiter,
    make_table,
)
from app.rules.imports import read_csv as read_csv_of


def decode(data, encoding=None):
    found = find_encoding(io.BytesIO(data), encoding)
    return data.decode(codec_of(found)), found


def read_csv(text, delimiter=None):
    return read_csv_of(lambda: io.StringIO(text, newline=""), delimiter)


def table_of(rows):
    return make_table(lambda: rows)


TEXT = "Id,Ort\n1,Köln ₹ 🛠\n"
plain = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufeff"), max_size=20)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_that_say_their_encoding_are_read(encoding):
    assert decode(TEXT.encode(encoding))[0] == TEXT


def test_big_endian_utf_16_with_its_mark_is_read():
    assert decode(b"\xfe\xff" + TEXT.encode("utf-16-be"))[0] == TEXT


def test_a_windows_file_is_refused_naming_the_byte_and_what_to_do():
    data = "Id,Place\n1,Caf\u00e9\n".encode("cp1252")
    with pytest.raises(Invalid) as refusal:
        decode(data)
    assert refusal.value.field == "file"
    assert refusal.value.message == (
        "The file is not UTF-8: byte 15 (line 2, 0xE9) cannot be read. Save it as “CSV UTF-8”, or choose its "
        "encoding; files from older Windows programs are mostly Windows-1252."
    )


def test_the_byte_is_counted_from_the_beginning_of_the_file_mark_included():
    with pytest.raises(Invalid, match=r"byte 6 \(line 1, 0xE9\)"):
        decode(b"\xef\xbb\xbfab\xe9")


def test_a_windows_file_is_read_once_the_user_says_so():
    assert decode("Café’s".encode("cp1252"), "cp1252") == ("Café’s", "cp1252")


def test_a_byte_that_windows_1252_does_not_have_is_refused():
    with pytest.raises(Invalid, match=r"not Windows-1252: byte 1 .*0x81"):
        decode(b"\x81", "cp1252")


def test_a_utf_16_file_cut_in_the_middle_of_a_letter_is_refused():
    with pytest.raises(Invalid, match="not UTF-16"):
        decode(TEXT.encode("utf-16")[:-1])


def test_an_encoding_that_was_not_offered_is_refused():
    with pytest.raises(Invalid, match="one of the encodings offered"):
        decode(b"a", "idna")


def test_zero_bytes_are_no_text():
    with pytest.raises(Invalid, match="character 3 is a zero byte"):
        decode(b"ab\x00c")


@pytest.mark.parametrize("delimiter", list(",;\t|"))
def test_the_delimiter_is_found(delimiter):
    text = "\n".join(delimiter.join(row) for row in (["Id", "Place", "Text"], ["1", "Room, left", "a"], ["2", "b", ""]))
    assert guess_delimiter(text.replace("Room, left", '"Room, left"')) == delimiter


def test_a_single_column_is_read_as_one():
    assert read_csv("Id\n1\n2\n").headers == ("Id",)


def test_quoted_line_breaks_stay_in_their_cell():
    assert list(read_csv('Id,Text\n1,"two\r\nlines"\n').rows()) == [("1", "two\nlines")]


def test_broken_quoting_is_refused_with_its_line():
    with pytest.raises(Invalid, match="line 3"):
        list(read_csv('Id,Text\n1,a\n2,"never closed\n').rows())


def test_rows_are_numbered_as_in_a_spreadsheet_and_blank_ones_left_out():
    table = read_csv("Id,Text\n1,a\n,\n3,c\n")
    assert [number for number, _ in table.numbered()] == [2, 4]


def test_columns_without_a_name_or_with_one_twice_get_their_own():
    assert table_of([["Id", "", "Id", ""], ["1", "2", "3", "4"]]).headers == ("Id", "Column 2", "Id (2)")


def test_short_rows_are_filled_up():
    assert list(table_of([["A", "B", "C"], ["1"]]).rows()) == [("1", "", "")]


@pytest.mark.parametrize(("rows", "words"), [
    ([], "no header row"),
    ([["", ""], ["1", "2"]], "no header row"),
    ([["A"]], "no rows"),
    ([["A"], [" "]], "no rows"),
    ([["c"] * (MAX_COLUMNS + 1), ["1"]], "201 columns; 200 are allowed"),
    ([["A"], *[["1"]] * (MAX_ROWS + 1)], "more than 100,000 rows"),
])
def test_tables_without_content_or_beyond_the_limits_are_refused(rows, words):
    with pytest.raises(Invalid, match=words):
        list(table_of(rows).rows())


def test_blank_rows_behind_the_last_do_not_count():
    assert len(list(table_of([["A"], ["1"], *[[""]] * (MAX_ROWS + 1)]).numbered())) == 1


def test_the_head_of_a_table_is_a_table_of_its_first_rows():
    assert [cells for _, cells in table_of([["A"], ["1"], ["2"], ["3"]]).head(2).numbered()] == [("1",), ("2",)]


@pytest.mark.parametrize("before", [1 << 20, (1 << 20) - 1, 3_000_000])
def test_a_bad_byte_far_into_the_file_is_found_at_its_place(before):
    with pytest.raises(Invalid, match=rf"byte {before + 1:,} \(line 2, 0xE9\)"):
        decode(b"\n" + b"x" * (before - 1) + b"\xe9 end")


def test_a_letter_cut_by_the_reading_is_read_whole():
    data = b"x" * ((1 << 20) - 1) + "₹".encode()
    assert decode(data) == (data.decode(), "utf-8")


def test_the_largest_table_is_taken():
    assert len(list(table_of([["c"] * MAX_COLUMNS, *[["1"]] * MAX_ROWS]).rows())) == MAX_ROWS


@given(st.lists(st.lists(plain.map(clean_cell), min_size=2, max_size=4), min_size=1, max_size=6))
@settings(deadline=None)
def test_what_a_csv_writer_wrote_is_read_back(rows):
    rows = [["x", *row, "", ""][:4] for row in rows]
    out = io.StringIO()
    csv.writer(out).writerows([["A", "B", "C", "D"], *rows])
    assert [list(row) for row in read_csv(out.getvalue(), ",").rows()] == rows


@given(plain)
def test_guarding_a_cell_is_undone_by_reading_it(text):
    cleaned = clean_cell(text)
    guarded = guarded_cell(cleaned)
    assert not guarded.startswith(("=", "+", "-", "@"))
    assert clean_cell(guarded) == cleaned


@pytest.mark.parametrize(("value", "text"), [
    (None, ""), (12.0, "12"), (12.5, "12.5"), (True, "yes"), (datetime.fromisoformat("2018-06-26T10:58"), "2018-06-26 10:58:00"),
    (date(2018, 6, 26), "2018-06-26"), ("x", "x"), (7, "7"),
])
def test_typed_cells_become_the_text_a_csv_would_hold(value, text):
    assert cell_text(value) == text


@pytest.mark.parametrize(("text", "line"), [("x" * 200_000 + "\nId\n1\n", 1), ("Id,Text\n1,a\n2," + "x" * 200_000 + "\n", 3)])
def test_a_cell_too_long_to_be_read_is_refused_naming_its_line(text, line):
    with pytest.raises(Invalid, match=f"Line {line} has a cell of more than 131,072 characters"):
        list(read_csv(text).rows())

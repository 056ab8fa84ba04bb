"""Uploaded files: content decides the kind, name and claim must not contradict it, names are made safe."""

import io
import unicodedata
import zipfile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.errors import Invalid
from app.rules.files import (
    FileTooLarge,
    MediaType,
    Purpose,
    WrongKind,
    check_upload,
    clean_filename,
    content_disposition,
    sniff,
)

M, P = MediaType, Purpose
MB = 1024 * 1024
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
EXE = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00"


def zip_of(*names):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


def workbook():
    out = io.BytesIO()
    openpyxl.Workbook().save(out)
    return out.getvalue()


@pytest.mark.parametrize(("head", "kind"), [
    (JPEG, M.JPEG), (PNG, M.PNG), (b"GIF89a\x01", M.GIF), (b"RIFF\x00\x00\x00\x00WEBPVP8 ", M.WEBP),
    (b"\x00\x00\x00\x18ftypheic", M.HEIC), (b"\x00\x00\x00\x18ftypmif1", M.HEIC),
    (b"\x00\x00\x00\x18ftypisom", M.MP4), (b"\x00\x00\x00\x18ftypmp42", M.MP4),
    (b"\x00\x00\x00\x14ftypqt  ", M.MOV), (b"\x00\x00\x00\x08wide", M.MOV),
    (b"\x1aE\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1fB\x86\x81\x01B\x82\x84webm", M.WEBM),
    (b"%PDF-1.7\n", M.PDF), (b"Id,Ort\n1,K\xc3\xb6ln\n", M.CSV), ("Id\n1".encode("utf-16"), M.CSV),
    (workbook(), M.XLSX), (zip_of("[Content_Types].xml", "xl/workbook.xml"), M.XLSX),
])
def test_the_first_bytes_tell_the_kind(head, kind):
    assert sniff(head) is kind


@pytest.mark.parametrize("head", [
    EXE, b"", b"\x7fELF\x02", b"#!/bin/sh\nrm", b"\x1aE\xdf\xa3matroska", b"RIFF\x00\x00\x00\x00WAVE", b"a\x00b",
    zip_of("evil.exe"), zip_of("[Content_Types].xml", "word/document.xml"), zip_of("xl/vbaProject.bin"),
    b"\x00\x00\x00\x18ftypxxxx",
])
def test_other_content_is_not_recognised(head):
    assert sniff(head) is None


@given(st.binary(max_size=64))
def test_no_bytes_break_the_reader(head):
    assert sniff(head) is None or sniff(head) in M


def upload(name, head, claimed="image/jpeg", size=1000, purpose=P.MAINTENANCE):
    return check_upload(name, claimed, head, size, purpose)


def test_a_photo_is_accepted_under_its_own_kind():
    accepted = upload("Tap.JPG", JPEG)
    assert (accepted.filename, accepted.media_type, accepted.size) == ("Tap.JPG", M.JPEG, 1000)


def test_a_program_named_as_a_photo_is_refused_as_what_it_is():
    with pytest.raises(WrongKind) as refusal:
        upload("cat.jpg", EXE)
    assert refusal.value.message == "Please choose a photo (JPEG, PNG, WebP or GIF) or a video (MP4 or MOV): the file cat.jpg is a Windows program."
    assert (refusal.value.status, refusal.value.field) == (415, "file")


def test_eleven_megabytes_are_refused_and_ten_are_not():
    assert upload("a.jpg", JPEG, size=10 * MB).size == 10 * MB
    with pytest.raises(FileTooLarge, match=r"has 11\.0 MB; 10 MB are allowed") as refusal:
        upload("a.jpg", JPEG, size=11 * MB)
    assert refusal.value.status == 413


@pytest.mark.parametrize(("name", "claimed", "words"), [
    ("photo.png", "image/jpeg", "rename it to end in .jpg"), ("photo", "image/jpeg", "rename it"),
    ("photo.jpg.exe", "image/jpeg", "rename it"), ("photo.jpg", "image/png", "sent as another kind"),
    ("photo.jpg", "text/html", "sent as another kind"),
])
def test_name_and_claim_must_say_what_the_content_is(name, claimed, words):
    with pytest.raises(WrongKind, match=words):
        upload(name, JPEG, claimed)


@pytest.mark.parametrize("claimed", ["", "application/octet-stream", "image/jpg", "IMAGE/JPEG; charset=binary"])
def test_claims_that_say_nothing_or_the_same_in_other_words_are_no_contradiction(claimed):
    assert upload("a.jpg", JPEG, claimed).media_type is M.JPEG


def test_an_empty_file_is_refused():
    with pytest.raises(Invalid, match="is empty"):
        upload("a.jpg", b"", size=0)


@pytest.mark.parametrize(("purpose", "name", "head", "words"), [
    (P.MAINTENANCE, "a.pdf", b"%PDF-1.7", "a PDF document"), (P.IMPORT, "a.jpg", JPEG, "a JPEG picture"),
    (P.DOCUMENT, "a.gif", b"GIF89a", "a GIF picture"), (P.PICTURE, "a.csv", b"a,b", "a CSV or text file"),
    (P.IMPORT, "a.xlsx", zip_of("x"), "a zip archive"),
])
def test_each_purpose_takes_its_own_kinds_only(purpose, name, head, words):
    with pytest.raises(WrongKind, match=words):
        upload(name, head, "", purpose=purpose)


def test_imports_take_csv_as_windows_sends_it_and_workbooks():
    assert upload("a.csv", b"a,b\n1,2", "application/vnd.ms-excel", purpose=P.IMPORT).media_type is M.CSV
    assert upload("a.xlsx", workbook(), M.XLSX, purpose=P.IMPORT).media_type is M.XLSX


@pytest.mark.parametrize(("name", "clean"), [
    ("../../etc/passwd", "passwd"), ("C:\\Users\\me\\tap.jpg", "tap.jpg"), ("photo\u202egpj.exe", "photogpj.exe"),
    ("🚰 leak.jpg", "🚰 leak.jpg"), ("שלום.pdf", "שלום.pdf"), ("a\r\nSet-Cookie: x.jpg", "aSet-Cookie_ x.jpg"),
    ("<script>.jpg", "_script_.jpg"), ("", "file"), ("...", "file"), (".jpg", "file.jpg"), ("CON.jpg", "_CON.jpg"),
    ("a" * 300 + ".jpg", "a" * 146 + ".jpg"), ("cafe\u0301.jpg", "café.jpg"), ("a  b\t.jpg", "a b.jpg"),
])
def test_names_are_made_safe_and_stay_recognisable(name, clean):
    assert clean_filename(name) == clean


@given(st.text(max_size=400))
def test_any_name_becomes_one_that_can_be_stored_and_stays_as_it_is_the_second_time(name):
    clean = clean_filename(name)
    assert 0 < len(clean) <= 150
    assert len(clean.encode()) <= 255
    assert not set(clean) & set('/\\<>:"|?*')
    assert not {unicodedata.category(c) for c in clean} & {"Cc", "Cf", "Cs"}
    assert clean_filename(clean) == clean


@given(st.text(max_size=100))
def test_a_download_header_is_one_line_of_plain_ascii(name):
    header = content_disposition(name)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2


def test_a_download_header_names_the_file_for_old_and_new_clients():
    assert content_disposition("Köln ₹.pdf", inline=True) == (
        "inline; filename=\"Koln .pdf\"; filename*=UTF-8''K%C3%B6ln%20%E2%82%B9.pdf"
    )

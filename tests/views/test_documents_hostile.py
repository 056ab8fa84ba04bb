"""Hostile files, sent as a browser sends them: refused beside the form with a sentence, nothing kept; harmless ones come in."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from pathlib import Path

import pikepdf
import pytest
from PIL import Image
from sqlalchemy import text
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from app.wiring import objects
from tests.gateways.test_documents_confined import attachment, bomb, pdf, script
from tests.services.test_documents_keeping import scan

HEIC = (Path(__file__).parents[1] / "data" / "photo.heic").read_bytes()


def picture(width, height, kind="PNG"):
    output = io.BytesIO()
    Image.new("1", (width, height)).save(output, kind)
    return output.getvalue()


def zipped():
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", bytes(50 << 20))
    return output.getvalue()


def png_bomb():
    """Says to be small pixels, unpacks to hundreds of megabytes."""
    found = bytearray(picture(10, 10))
    chunk = b"IDAT" + zlib.compress(bytes(300 << 20), 1)
    at = found.index(b"IDAT") - 4
    return bytes(found[:at]) + (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big") + found[-12:]


def hostile():
    """What it is: the bytes, their name, the status, and what the sentence says."""
    return {
        "a program called a photo": (b"MZ" + bytes(5000), "me.jpg", 415, "a Windows program"),
        "a page called a photo": (b"<html><script>alert(1)</script></html>" * 40, "me.jpg", 415, "is a CSV or text file"),
        "a PDF called a photo": (pdf(), "me.jpg", 415, "which its name does not say"),
        "a zip bomb": (zipped(), "me.jpg", 415, "a zip archive"),
        "a picture of 14,000 by 14,000": (picture(14_000, 14_000), "me.png", 422, "too large"),
        "a picture of 9,000 by 9,000": (picture(9_000, 9_000), "me.png", 422, "megapixels"),
        "a picture that unpacks to 300 MB": (png_bomb(), "me.png", 422, "(too few|damaged|cannot be read)"),
        "one pixel": (picture(1, 1), "me.png", 422, "1 by 1 pixels"),
        "a scan of 30 MB": (scan() + bytes(30 << 20), "me.jpg", 413, "15 MB are allowed"),
        "a script in a PDF": (pdf(script), "me.pdf", 422, "a script"),
        "files in a PDF": (pdf(attachment), "me.pdf", 422, "other files inside"),
        "a PDF bomb": (pdf(bomb, recompress_flate=False), "me.pdf", 422, "unpacks to far more"),
        "half a photo": (scan(1500)[:2000], "me.jpg", 422, "damaged"),
        "half an iPhone's photo": (HEIC[: len(HEIC) // 2], "me.heic", 422, "damaged"),
        "half a PDF": (pdf(pages=3)[:200], "me.pdf", 422, "damaged"),
        "a locked PDF": (pdf(encryption=pikepdf.Encryption(user="u", owner="o")), "me.pdf", 422, "locked with a password"),
        "nothing": (b"", "me.jpg", 422, "is empty"),
    }


@pytest.fixture
def give(app, world, browser):
    def sent(content, name):
        boundary, body = encode_multipart({"kind": "identity", "file": FileStorage(io.BytesIO(content), name)})
        return browser(world.resident).post("/my/documents/add", body, content_type=f"multipart/form-data; boundary={boundary}")

    return sent


def test_each_is_refused_with_its_sentence_and_nothing_is_kept(give, superuser):
    before, wrong = list(objects().list()), []
    for what, (content, name, status, said) in hostile().items():
        answer = give(content, name)
        html = answer.get_data(as_text=True)
        if answer.status_code != status or not re.search(said, html):
            wrong.append((what, answer.status_code, re.findall(r'class="(?:alert|error)[^>]*>(?:<div>)?([^<]+)', html)))
        assert 'name="kind"' in html or status == 413
    assert wrong == []
    assert list(objects().list()) == before
    with superuser.connect() as c:
        assert c.scalar(text("SELECT count(*) FROM files")) == 0


def test_what_is_harmless_comes_in(give, superuser):
    for content, name in ((scan(), "a.jpg"), (HEIC, "IMG_1.HEIC"), (pdf(pages=2), "scan.pdf")):
        assert give(content, name).status_code == 303
    with superuser.connect() as c:
        assert sorted(c.scalars(text("SELECT name FROM files"))) == ["document.jpg", "document.jpg", "document.pdf"]

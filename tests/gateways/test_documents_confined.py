"""Documents of strangers: what acts, carries, bursts or breaks is refused with its sentence, what is clean comes out cleaner."""

from __future__ import annotations

import io
import random
import re
import zlib
from pathlib import Path

import pikepdf
import pytest
from PIL import Image
from pypdf import PdfReader

from app.gateways import confined, confined_worker
from app.gateways.confined import UnreadableDocument, clean_pdf, heic_to_jpeg
from app.gateways.images import UnreadableImage, check_legible

NOISE = {seed: random.Random(seed).randbytes(4000) for seed in (0, 1, 2, 7)}  # noqa: S311 - the same noise in every run


def pdf(change=lambda document: None, pages=1, **saving):
    document, output = pikepdf.new(), io.BytesIO()
    for _ in range(pages):
        document.add_blank_page()
    document.docinfo["/Author"] = "Asha Rao of 12 Lake Road"
    change(document)
    document.save(output, **saving)
    return output.getvalue()


def script(document):
    document.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")


def script_deep_in_a_page(document):
    action = pikepdf.Dictionary(S=pikepdf.Name.URI, Next=pikepdf.Array([pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="x")]))
    document.pages[0].Annots = pikepdf.Array([pikepdf.Dictionary(Subtype=pikepdf.Name.Link, A=action)])


def launch(document):
    document.Root.AA = pikepdf.Dictionary(WC=pikepdf.Dictionary(S=pikepdf.Name.Launch, F="calc.exe"))


def attachment(document):
    document.attachments["virus.exe"] = b"MZ" + bytes(100)


def bomb(document):
    document.pages[0].Contents = document.make_stream(zlib.compress(bytes(210 << 20), 1), Filter=pikepdf.Name.FlateDecode)


def image_bomb(document):
    picture = document.make_stream(b"x", Subtype=pikepdf.Name.Image, Width=60000, Height=60000)
    document.pages[0].Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im=picture))


@pytest.mark.parametrize(("content", "said"), [
    (lambda: pdf(script), "a script"), (lambda: pdf(script, object_stream_mode=pikepdf.ObjectStreamMode.generate), "a script"),
    (lambda: pdf(script_deep_in_a_page), "a script"), (lambda: pdf(launch), "a script"),
    (lambda: pdf(attachment), "other files inside"), (lambda: pdf(bomb, recompress_flate=False), "unpacks to far more"),
    (lambda: pdf(image_bomb), "unpacks to far more"), (lambda: pdf(pages=61), "more than 60 pages"),
    (lambda: pdf(encryption=pikepdf.Encryption(user="u", owner="o")), "locked with a password"),
    (lambda: b"%PDF-1.7\n" + NOISE[7], "damaged"), (lambda: b"%PDF-", "damaged"),
], ids=["script", "packed script", "deep script", "launch", "attachment", "bomb", "image bomb", "pages", "locked", "noise", "stump"])
def test_a_pdf_that_could_do_harm_is_refused_with_its_sentence(content, said):
    with pytest.raises(UnreadableDocument, match=said) as error:
        clean_pdf(content())
    assert error.value.field == "file"


def test_a_clean_pdf_loses_its_author_and_keeps_its_pages():
    cleaned = clean_pdf(pdf(pages=3))
    reader = PdfReader(io.BytesIO(cleaned))
    assert len(reader.pages) == 3
    assert not reader.metadata
    assert b"Lake Road" not in cleaned


def test_heic_becomes_jpeg_and_noise_in_it_kills_nobody():
    jpeg = heic_to_jpeg((Path(__file__).parents[1] / "data" / "photo.heic").read_bytes())
    assert Image.open(io.BytesIO(jpeg)).size == (400, 300)
    head = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    for seed in range(3):
        with pytest.raises(UnreadableDocument, match="damaged"):
            heic_to_jpeg(head + NOISE[seed])


def test_a_decoder_that_dies_or_dawdles_is_a_refusal(monkeypatch, tmp_path):
    for body, said in (("import os; os.abort()", "damaged"), ("import time; time.sleep(60)", "unpacks")):
        worker = tmp_path / "worker.py"
        worker.write_text(body)
        monkeypatch.setattr(confined, "_WORKER", worker)
        monkeypatch.setattr(confined, "_PATIENCE", 1)
        with pytest.raises(UnreadableDocument, match=said):
            clean_pdf(b"%PDF-")


def test_the_worker_knows_no_secret(monkeypatch, tmp_path):
    monkeypatch.setenv("FIELD_KEYS", "k1:secret")
    worker = tmp_path / "worker.py"
    worker.write_text("import os; print(sorted(os.environ))")
    monkeypatch.setattr(confined, "_WORKER", worker)
    assert b"FIELD_KEYS" not in confined.clean_pdf(b"x")


def test_what_is_too_small_to_read_is_refused():
    output = io.BytesIO()
    Image.new("RGB", (1, 1)).save(output, "PNG")
    with pytest.raises(UnreadableImage, match="1 by 1 pixels"):
        check_legible(output.getvalue())


def test_every_refusal_of_the_worker_has_a_sentence():
    said = set(re.findall(r'refuse\("(\w+)"', Path(confined_worker.__file__).read_text(encoding="utf-8")))
    assert said <= set(confined._WHY)

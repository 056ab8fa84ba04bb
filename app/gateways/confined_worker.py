"""Reads one stranger's document, with little memory and time and nothing to steal: a script, run by confined.py.

Takes the bytes on standard input and the job as argument; writes the clean document to standard output, or says which
refusal it is and leaves with REFUSED. Imports nothing of the product: what breaks a decoder here breaks this process.
"""

import io
import resource
import sys
from typing import Any, NoReturn

REFUSED = 3
MEMORY = 1 << 30
SECONDS = 15
MAX_PAGES = 60
MAX_DECODED = 200 << 20
MAX_PIXELS = 50_000_000
# Keys that make a PDF do something, or carry something else along.
ACTIVE = {"/JS", "/JavaScript", "/Launch", "/RichMedia", "/XFA", "/ImportData", "/SubmitForm", "/GoToE", "/Movie", "/Sound", "/Rendition"}
CARRYING = {"/EmbeddedFile", "/EmbeddedFiles", "/AF", "/Filespec"}
DROPPED = ("/OpenAction", "/AA", "/AcroForm", "/Metadata", "/Names", "/PieceInfo", "/StructTreeRoot")


def refuse(why: str) -> NoReturn:
    """Tell which refusal it is, and leave."""
    sys.stdout.write(why)
    sys.stdout.flush()
    raise SystemExit(REFUSED)


def heic(content: bytes) -> bytes:
    """The picture as JPEG, upright."""
    import pi_heif  # type: ignore[import-untyped]

    picture = pi_heif.open_heif(io.BytesIO(content))
    if picture.size[0] * picture.size[1] > MAX_PIXELS:
        refuse("pixels")
    output = io.BytesIO()
    picture.to_pillow().convert("RGB").save(output, "JPEG", quality=95)
    return output.getvalue()


def pdf(content: bytes) -> bytes:
    """The pages alone, written anew: older versions, metadata, forms and actions stay behind."""
    import pikepdf

    try:
        document = pikepdf.open(io.BytesIO(content))
    except pikepdf.PasswordError:
        refuse("locked")
    if not 0 < len(document.pages) <= MAX_PAGES:
        refuse("pages" if document.pages else "damaged")
    _search(document, pikepdf)
    for key in [key for key in DROPPED if key in document.Root]:
        del document.Root[key]
    for page in document.pages:
        for key in [key for key in ("/AA", "/Annots", "/Metadata", "/PieceInfo") if key in page.obj]:
            del page.obj[key]
    if "/Info" in document.trailer:
        del document.trailer["/Info"]
    output = io.BytesIO()
    document.save(output, fix_metadata_version=False, deterministic_id=True)
    return output.getvalue()


def _search(document: Any, pikepdf: Any) -> None:
    """Refuse a document for anything that one of its objects is."""
    decoded = 0
    for thing in document.objects:
        if isinstance(thing, pikepdf.Stream):
            decoded += _decoded(thing, pikepdf)
            if decoded > MAX_DECODED:
                refuse("bomb")
        _look_into(thing, pikepdf, 0)


def _decoded(stream: Any, pikepdf: Any) -> int:
    """How much a stream unpacks to; pictures by their pixels, for their own formats are not unpacked here."""
    if stream.get("/Subtype") == "/Image":
        pixels = int(stream.get("/Width", 0)) * int(stream.get("/Height", 0))
        if pixels > 2 * MAX_PIXELS:
            refuse("bomb")
    try:
        return len(stream.read_bytes())
    except pikepdf.PdfError:  # in a format that is not unpacked: JPEG, JPEG 2000, fax
        return len(stream.read_raw_bytes())


def _look_into(thing: Any, pikepdf: Any, depth: int) -> None:
    """Refuse what acts or carries; other indirect objects have their own turn."""
    if depth > 40:  # noqa: PLR2004 - no honest page nests so deep
        refuse("damaged")
    if isinstance(thing, (pikepdf.Dictionary, pikepdf.Stream)):
        pairs = list(thing.items())
        for key, value in pairs:
            named = {key, str(value)} if isinstance(value, pikepdf.Name) else {key}
            if named & ACTIVE:
                refuse("active")
            if named & CARRYING:
                refuse("carrying")
        children = [value for _, value in pairs]
    elif isinstance(thing, pikepdf.Array):
        children = list(thing)
    else:
        return
    for child in children:
        if not getattr(child, "is_indirect", False):
            _look_into(child, pikepdf, depth + 1)


def main() -> None:
    """Read, work, write; whatever else a decoder raises of a stranger's bytes, they cannot be read."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    job = {"heic": heic, "pdf": pdf}[sys.argv[1]]
    try:
        cleaned = job(sys.stdin.buffer.read())
    except MemoryError:
        refuse("bomb")
    sys.stdout.buffer.write(cleaned)


if __name__ == "__main__":
    main()

"""Uploaded files: what their first bytes say they are, what each purpose accepts, and names that are safe to keep."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from app.rules.errors import Invalid

HEAD_BYTES = 8192  # how much of the beginning `sniff` wants to see
FILENAME_MAX = 150  # characters; with four bytes for each it may pass 255 bytes, which `clean_filename` minds
_FILENAME_BYTES = 255
_ENDING_MAX = 10  # what follows a last dot and is longer is no ending
_MB = 1024 * 1024


class MediaType(StrEnum):
    """Every kind of file the console knows by its content."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    GIF = "image/gif"
    HEIC = "image/heic"
    PDF = "application/pdf"
    MP4 = "video/mp4"
    MOV = "video/quicktime"
    WEBM = "video/webm"
    CSV = "text/csv"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


M = MediaType
# What is taken is what metadata can be taken out of: see gateways/images.py for what HEIC would cost.
PHOTOS = frozenset({M.JPEG, M.PNG, M.WEBP, M.GIF})
VIDEOS = frozenset({M.MP4, M.MOV})

_NAMES = {
    M.JPEG: "a JPEG picture", M.PNG: "a PNG picture", M.WEBP: "a WebP picture", M.GIF: "a GIF picture",
    M.HEIC: "a HEIC picture", M.PDF: "a PDF document", M.MP4: "an MP4 video", M.MOV: "a QuickTime video",
    M.WEBM: "a WebM video", M.CSV: "a CSV or text file", M.XLSX: "an Excel workbook",
}
_EXTENSIONS = {
    M.JPEG: ("jpg", "jpeg", "jpe", "jfif"), M.PNG: ("png",), M.WEBP: ("webp",), M.GIF: ("gif",),
    M.HEIC: ("heic", "heif"), M.PDF: ("pdf",), M.MP4: ("mp4", "m4v"), M.MOV: ("mov", "qt"),
    M.WEBM: ("webm",), M.CSV: ("csv", "tsv", "txt"), M.XLSX: ("xlsx",),
}
# What browsers and phones also call these kinds; an empty or generic claim says nothing and is no lie.
_ALIASES = {
    "image/jpg": M.JPEG, "image/pjpeg": M.JPEG, "image/heif": M.HEIC, "video/x-m4v": M.MP4,
    "text/plain": M.CSV, "application/csv": M.CSV, "text/tab-separated-values": M.CSV,
    "application/vnd.ms-excel": M.CSV,  # Windows with Excel installed sends this for .csv
}
_NO_CLAIM = {"", "application/octet-stream", "binary/octet-stream"}


class Purpose(StrEnum):
    """What a file is for; reports are made here, the others are uploaded."""

    MAINTENANCE = "maintenance"
    IMPORT = "import"
    SETTLEMENT = "settlement"
    DOCUMENT = "document"
    IDENTITY = "identity"
    PICTURE = "picture"
    ROOM = "room"
    DISH = "dish"
    EVENT = "event"
    INSPECTION = "inspection"
    REPORT = "report"


@dataclass(frozen=True)
class Acceptance:
    """The kinds and the size (bytes) that a purpose accepts, and how a sentence calls them."""

    kinds: frozenset[MediaType]
    max_bytes: int
    wanted: str


ACCEPTED: dict[Purpose, Acceptance] = {
    Purpose.MAINTENANCE: Acceptance(PHOTOS | VIDEOS, 10 * _MB,
                                     "a photo (JPEG, PNG, WebP or GIF) or a video (MP4 or MOV)"),  # M5
    Purpose.IMPORT: Acceptance(frozenset({M.CSV, M.XLSX}), 50 * _MB, "a CSV file or an Excel workbook"),
    Purpose.SETTLEMENT: Acceptance(frozenset({M.CSV}), 8 * _MB, "a CSV file"),
    Purpose.DOCUMENT: Acceptance(frozenset({M.PDF, M.JPEG, M.PNG}), 10 * _MB, "a PDF or a photo (JPEG or PNG)"),
    Purpose.IDENTITY: Acceptance(frozenset({M.PDF, M.JPEG, M.PNG, M.HEIC}), 15 * _MB, "a PDF or a photo (JPEG, PNG or HEIC)"),
    Purpose.REPORT: Acceptance(frozenset({M.PDF, M.CSV}), 50 * _MB, "a PDF or a CSV file"),
    Purpose.ROOM: Acceptance(PHOTOS, 10 * _MB, "a photo (JPEG, PNG, WebP or GIF)"),
    Purpose.DISH: Acceptance(PHOTOS, 10 * _MB, "a photo (JPEG, PNG, WebP or GIF)"),
    Purpose.EVENT: Acceptance(PHOTOS, 10 * _MB, "a photo (JPEG, PNG, WebP or GIF)"),
    Purpose.INSPECTION: Acceptance(PHOTOS, 10 * _MB, "a photo (JPEG, PNG, WebP or GIF)"),
    Purpose.PICTURE: Acceptance(frozenset({M.JPEG, M.PNG, M.WEBP}), 2 * _MB, "a JPEG, PNG or WebP picture"),
}


class FileTooLarge(Invalid):
    """More bytes than its purpose accepts."""

    code = "file_too_large"
    status = 413


class WrongKind(Invalid):
    """Not a kind that its purpose accepts, or not what it claims to be."""

    code = "wrong_file_kind"
    status = 415


@dataclass(frozen=True)
class Upload:
    """A file that was accepted: a safe name, the kind its content has, its size in bytes."""

    filename: str
    media_type: MediaType
    size: int


def sniff(head: bytes) -> MediaType | None:
    """The kind of a file by its first bytes (HEAD_BYTES are enough), whatever it is called; None if unknown."""
    for signature, kind in ((b"\xff\xd8\xff", M.JPEG), (b"\x89PNG\r\n\x1a\n", M.PNG), (b"GIF87a", M.GIF),
                            (b"GIF89a", M.GIF), (b"%PDF-", M.PDF)):
        if head.startswith(signature):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return M.WEBP
    if head.startswith(b"\x1aE\xdf\xa3"):  # EBML: WebM names itself in the header, Matroska is not taken
        return M.WEBM if b"webm" in head[:64] else None
    if head.startswith(b"PK\x03\x04"):
        return M.XLSX if _is_workbook(head) else None
    return _sniff_boxes(head) or (M.CSV if _is_text(head) else None)


def _sniff_boxes(head: bytes) -> MediaType | None:
    """HEIC, MP4 and QuickTime share a format of boxes; the brand in the first one tells them apart."""
    box, brand = head[4:8], head[8:12]
    if box in {b"moov", b"mdat", b"wide"}:  # QuickTime of old begins without a brand
        return M.MOV
    if box != b"ftyp":
        return None
    if brand == b"qt  ":
        return M.MOV
    if brand in {b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"}:
        return M.HEIC
    known = {b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"dash", b"M4V ", b"MSNV"}
    return M.MP4 if brand in known or brand.startswith(b"3gp") else None


def _is_workbook(head: bytes) -> bool:
    """A zip whose first entry is one that workbooks begin with, and that holds no other Office document."""
    length = int.from_bytes(head[26:28], "little")
    first = head[30:30 + length]
    return first.startswith((b"[Content_Types].xml", b"_rels/", b"docProps/", b"xl/")) and not any(
        other in head for other in (b"word/", b"ppt/", b"vbaProject")
    )


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16 says so at its beginning
        return True
    return bool(head) and not head.startswith(b"#!") and not re.search(rb"[\x00-\x08\x0e-\x1f\x7f]", head)


def describe(head: bytes) -> str:
    """What the content is, in words for a refusal."""
    kind = sniff(head)
    if kind:
        return _NAMES[kind]
    for signature, words in ((b"MZ", "a Windows program"), (b"\x7fELF", "a program"), (b"#!", "a script"),
                             (b"\xcf\xfa\xed\xfe", "a macOS program"), (b"PK\x03\x04", "a zip archive")):
        if head.startswith(signature):
            return words
    return "something else"


def check_upload(filename: str, claimed_type: str, head: bytes, size: int, purpose: Purpose) -> Upload:
    """Accept a file, or refuse it with a sentence; content decides, and name and claim must not contradict it.

    `head` is its beginning (HEAD_BYTES), `size` its whole length in bytes, `claimed_type` what the browser
    calls it. The sentence repeats the cleaned name only.
    """
    name, accepted = clean_filename(filename), ACCEPTED[purpose]
    if size <= 0 or not head:
        raise Invalid(f"The file {name} is empty.", field="file")
    if size > accepted.max_bytes:
        raise FileTooLarge(
            f"The file {name} has {size / _MB:.1f} MB; {accepted.max_bytes // _MB} MB are allowed.", field="file"
        )
    kind, claim = sniff(head), _claimed(claimed_type)
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    if kind is None or kind not in accepted.kinds:
        raise WrongKind(f"Please choose {accepted.wanted}: the file {name} is {describe(head)}.", field="file")
    if extension not in _EXTENSIONS[kind]:
        raise WrongKind(
            f"The file {name} is {_NAMES[kind]}, which its name does not say: "
            f"please rename it to end in .{_EXTENSIONS[kind][0]}.", field="file",
        )
    if claim not in (None, kind):
        raise WrongKind(f"The file {name} is {_NAMES[kind]}, but was sent as another kind.", field="file")
    return Upload(name, kind, size)


def _claimed(text: str) -> MediaType | str | None:
    """What the claim means: None for no claim, the text itself where it names nothing we take."""
    claim = text.partition(";")[0].strip().lower()
    if claim in _NO_CLAIM:
        return None
    return _ALIASES.get(claim) or (MediaType(claim) if claim in set(MediaType) else claim)


def clean_filename(name: str) -> str:
    """A name that is safe to store, show and send, as close to the original as can be.

    Without folders, control characters and the invisible ones that turn text around (U+202E makes
    `exe.jpg` of `gpj.exe`), without what Windows forbids; at most 150 characters and 255 bytes, the ending
    kept; "file" where nothing is left. Emoji and all scripts stay.
    """
    base = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    visible = "".join(c for c in base if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
    plain = re.sub(r"\s+", " ", re.sub(r'[<>:"|?*]', "_", visible)).strip().rstrip(" .")
    stem, dot, ending = plain.rpartition(".")
    if not dot or len(ending) > _ENDING_MAX:
        stem, dot, ending = plain, "", ""
    if re.fullmatch(r"(?i)con|prn|aux|nul|com\d|lpt\d", stem):
        stem = f"_{stem}"
    stem = stem[:FILENAME_MAX - len(dot + ending)]
    while len(f"{stem}{dot}{ending}".encode()) > _FILENAME_BYTES:
        stem = stem[:-1]
    return f"{stem.strip(' .') or 'file'}{dot}{ending}"


def content_disposition(filename: str, *, inline: bool = False) -> str:
    """The Content-Disposition header for a file: plain ASCII for old clients, UTF-8 for the others (RFC 6266)."""
    name = clean_filename(filename)
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    fallback = re.sub(r"[^A-Za-z0-9 ._()+-]", "_", plain).strip(" .") or "file"
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{fallback}\"; filename*=UTF-8''{quote(name, safe='')}"

"""Documents of strangers are read in a process of their own, which may crash, starve or be taken over alone.

libheif died of random bytes in seconds, and a PDF can be anything. The process gets the bytes and no environment, so
no key, no address of a database; its memory and time are bounded (confined_worker.py). What it does not answer in time,
or dies of, is refused.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from app.rules.errors import Invalid
from app.text import N_

_WORKER = Path(__file__).with_name("confined_worker.py")
_REFUSED = 3
_PATIENCE = 30  # seconds, for a busy machine; the worker itself has fewer of the processor
_WHY = {
    "pixels": N_("This picture is too large. Please take it with fewer megapixels."),
    "locked": N_("This PDF is locked with a password. Please send it without one."),
    "pages": N_("This PDF has more than 60 pages. Please send only those that matter."),
    "active": N_("This PDF contains a script or a form that does something by itself. Please print it to a new PDF, or send a photo."),
    "carrying": N_("This PDF has other files inside. Please send it without them."),
    "bomb": N_("This file unpacks to far more than it seems to be. Please send a photo instead."),
    "damaged": N_("This file is damaged and cannot be read. Please send a photo instead."),
}


class UnreadableDocument(Invalid):
    """What a document is refused for, as a sentence; it never repeats anything of the document."""

    code = "unreadable_document"


def heic_to_jpeg(content: bytes) -> bytes:
    """A HEIC photo as JPEG, upright. Errors: UnreadableDocument."""
    return _ask("heic", content)


def clean_pdf(content: bytes) -> bytes:
    """The pages of a PDF and nothing else. Errors: UnreadableDocument (script, files inside, locked, bomb, damaged)."""
    return _ask("pdf", content)


def _ask(job: str, content: bytes) -> bytes:
    try:
        answer = subprocess.run([sys.executable, "-I", str(_WORKER), job], input=content, capture_output=True, check=False,
                                timeout=_PATIENCE, env={}, close_fds=True)
    except subprocess.TimeoutExpired:
        raise UnreadableDocument(_WHY["bomb"], field="file") from None
    if answer.returncode == 0 and answer.stdout:
        return answer.stdout
    why = answer.stdout.decode("ascii", "replace") if answer.returncode == _REFUSED else ""
    raise UnreadableDocument(_WHY.get(why, _WHY["damaged"]), field="file")

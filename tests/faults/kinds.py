"""The product's worker with kinds of work for fault tests: python -m tests.faults.kinds.

What a handler writes is an audit row, so that a second time would show.

Where a file `<word>.hold` lies in FAULT_DIR, the handler says `<word>.inside` and waits until the file is gone.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from sqlalchemy import text

from jobs.registry import handles
from jobs.worker import main

_NOTE = text("SELECT app.note_event('worked', 'test', :word, 'a test')")


def hold_if_asked(word):
    """Stand still inside a transaction, to be killed there."""
    folder = Path(os.environ["FAULT_DIR"])
    if (folder / f"{word}.hold").exists():
        (folder / f"{word}.inside").touch()
        while (folder / f"{word}.hold").exists():
            time.sleep(0.01)


@handles("fault.note")
def note(session, payload):
    """Write the word down, once."""
    session.execute(_NOTE, {"word": payload["word"]})
    hold_if_asked(payload["word"])


@handles("fault.slow")
def slow(session, payload):
    """The same, with time to be killed in."""
    session.execute(_NOTE, {"word": payload["word"]})
    time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main())

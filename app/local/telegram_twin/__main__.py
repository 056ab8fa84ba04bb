"""Runs the stand-in: PORT, and the file that it keeps."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from app.local.telegram_twin import create_twin, serve
from app.local.telegram_twin.state import State

PAUSE = 0.2  # seconds


def carry(state: State) -> None:
    """Bring updates where they go, and keep what is known."""
    while True:
        state.deliver()
        state.save()
        time.sleep(PAUSE)


if __name__ == "__main__":
    known = State(Path(sys.argv[2]) if len(sys.argv) > 2 else None)  # noqa: PLR2004 - the words of a command
    application = create_twin(known)
    threading.Thread(target=carry, args=(known,), daemon=True).start()
    serve(application, int(sys.argv[1])).serve_forever()

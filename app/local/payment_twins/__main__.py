"""Runs the stand-ins: PORT, the file that they keep, and the console's address, to which webhooks go."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from app.local.payment_twins import create_twins, serve
from app.local.payment_twins.state import State

PAUSE = 0.2  # seconds


def carry(state: State) -> None:
    """Bring webhooks where they go."""
    while True:
        state.tick()
        state.deliver()
        time.sleep(PAUSE)


if __name__ == "__main__":
    known = State(Path(sys.argv[2]), sys.argv[3])
    application = create_twins(known)
    threading.Thread(target=carry, args=(known,), daemon=True).start()
    serve(application, int(sys.argv[1])).serve_forever()

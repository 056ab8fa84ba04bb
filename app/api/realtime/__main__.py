"""Runs the realtime process: `python -m app.api.realtime`. It connects as viramah_realtime and reads no table."""

from __future__ import annotations

import gc
import os
import sys

import uvicorn

import config
from app.api.realtime.server import Live
from app.api.realtime.sockets import DirectProtocol
from app.logs import init_logging

LARGEST_MESSAGE = 256 * 1024


def main() -> int:
    """Serve until told to stop."""
    try:
        settings = config.load(os.environ)
        live = Live(settings)
    except config.ConfigError as error:
        print("\n".join(error.problems), file=sys.stderr)  # noqa: T201 - for whoever starts it
        return 2
    init_logging(settings.log_level, sentry_dsn=settings.sentry_dsn)
    gc.freeze()  # collecting over all that was imported would hold up every socket for a tenth of a second
    # At INFO uvicorn tells addresses, and the address of a socket holds its key.
    uvicorn.run(live.app(), host=settings.realtime_host, port=settings.realtime_port, ws=DirectProtocol, ws_max_size=LARGEST_MESSAGE,
                ws_per_message_deflate=False, access_log=False, log_config=None, log_level="warning",
                timeout_graceful_shutdown=3, server_header=False, proxy_headers=settings.trusted_proxies > 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())

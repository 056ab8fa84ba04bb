"""A stand-in for Telegram that speaks its Bot API over HTTP: `python -m app.local.telegram_twin PORT [FILE]`.

For the demo, tests and measurements, on this machine alone. Its page plays the people: they write to bots, press
buttons and block them. Every token of the right form is a bot.
"""

from __future__ import annotations

from flask import Flask
from werkzeug.serving import BaseWSGIServer, make_server

from app.local.telegram_twin import pages, protocol
from app.local.telegram_twin.state import State
from app.local.twins import Quiet


class KeepAlive(Quiet):
    """As the real one: connections stay open between questions. Addresses hold tokens, and reach no log."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True


def create_twin(state: State) -> Flask:
    """The Bot API and the page as one application."""
    app = Flask(__name__, static_folder=None)
    app.extensions["telegram_twin"] = state
    app.register_blueprint(protocol.protocol)
    app.register_blueprint(pages.pages)
    return app


def serve(app: Flask, port: int) -> BaseWSGIServer:
    """A server for it on this machine; `serve_forever` runs it."""
    return make_server("127.0.0.1", port, app, threaded=True, request_handler=KeepAlive)

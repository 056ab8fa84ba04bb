"""Stand-ins for PhonePe, Razorpay and Stripe that speak their formats over HTTP: `python -m app.local.payment_twins PORT`.

For the demo and for tests, on this machine alone: their checkout page takes no money from anybody. Each lies below a
path of its own; what they know is in one file, so that a payment is still known after a restart.
"""

from __future__ import annotations

from flask import Flask
from werkzeug.serving import BaseWSGIServer, make_server

from app.local.payment_twins import pages, phonepe, razorpay, stripe
from app.local.payment_twins.state import State
from app.local.twins import Quiet


def create_twins(state: State) -> Flask:
    """All three as one application."""
    app = Flask(__name__, static_folder=None)
    app.extensions["payment_twins"] = state
    for gateway in (phonepe, razorpay, stripe):
        app.register_blueprint(gateway.protocol, url_prefix=f"/{gateway.NAME}")
        state.speakers[gateway.NAME] = gateway
    app.register_blueprint(pages.pages)
    return app


def serve(app: Flask, port: int) -> BaseWSGIServer:
    """A server for it on this machine; `serve_forever` runs it."""
    return make_server("127.0.0.1", port, app, threaded=True, request_handler=Quiet)

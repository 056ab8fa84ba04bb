"""Stand-ins for Google and GitHub that speak their sign-in protocols over HTTP: `python -m app.local.twins PORT`.

For the demo and for tests, on this machine alone: whoever comes says who they are, and is believed. Nothing is kept
but for a minute in memory.
"""

from __future__ import annotations

import hashlib
import secrets
import sys
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    jsonify,
    redirect,
    render_template_string,
    request,
)
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from app.local.environment import TWIN_ID, TWIN_SECRET

LIFETIME = 60.0  # seconds of a code or a token
LOOPBACK = ("127.0.0.1", "localhost")
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Stand-in for {{ label }}</title><style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 24rem; margin: 4rem auto; padding: 0 1rem; color-scheme: light dark }
label, input[type=email], button { display: block; width: 100%; box-sizing: border-box; margin: .5rem 0; padding: .5rem }
label { padding: 0 }</style>
<h1>Stand-in for {{ label }}</h1><p>Not {{ label }}: a program of this demo. Nothing leaves your machine.</p>
<form method="post"><label>E-mail address of your {{ label }} account
<input type="email" name="email" required autofocus autocomplete="off" list="people"></label>
<datalist id="people"><option>owner@sahyadri.example<option>repairs1.kothrud@sahyadri.example<option>aarav.patil@students.example
</datalist><label><input type="checkbox" name="verified" value="1" checked> {{ label }} has verified it</label>
<button>Continue</button><button name="deny" value="1" formnovalidate>Refuse</button></form></html>"""

protocol = Blueprint("twins", __name__)


@dataclass(frozen=True)
class Grant:
    """What somebody agreed to at the authorization page."""

    email: str
    verified: bool
    redirect_uri: str
    challenge: str
    nonce: str
    ends: float

    @property
    def number(self) -> int:
        """The same for the same address, so that links outlive a restart."""
        return int.from_bytes(hashlib.sha256(self.email.lower().encode()).digest()[:5])


class State:
    """Codes and tokens that were handed out, and the key that signs; `trouble` is what tests make go wrong."""

    def __init__(self) -> None:
        self.codes: dict[str, Grant] = {}
        self.tokens: dict[str, Grant] = {}
        self.trouble = ""
        self.key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig", "alg": "RS256"})


def _state() -> State:
    found: State = current_app.extensions["twins"]
    return found


@protocol.before_request
def _trouble() -> Any:
    match _state().trouble:
        case "down":
            return "Out of order", 503
        case "slow":
            return Response(_drip(), mimetype="application/json")
        case "endless":
            return Response((b" " * 65536 for _ in range(100)), mimetype="application/json")
        case "elsewhere":
            return redirect("/userinfo", code=307)
        case "garbage":
            return "<html>Sign in to the Wi-Fi of this café</html>"
    return None


def _drip() -> Any:
    while True:
        yield b" "
        time.sleep(0.05)


@protocol.route("/.well-known/openid-configuration")
def discovery() -> Any:
    """Where everything is (OpenID Connect Discovery)."""
    here = request.host_url.rstrip("/")
    return jsonify(issuer=here, authorization_endpoint=f"{here}/o/oauth2/v2/auth", token_endpoint=f"{here}/token",
                   userinfo_endpoint=f"{here}/userinfo", jwks_uri=f"{here}/certs", code_challenge_methods_supported=["S256"],
                   id_token_signing_alg_values_supported=["RS256"], response_types_supported=["code"])


@protocol.route("/o/oauth2/v2/auth", methods=["GET", "POST"], defaults={"label": "Google"})
@protocol.route("/login/oauth/authorize", methods=["GET", "POST"], defaults={"label": "GitHub"})
def authorize(label: str) -> Any:
    """Ask who it is, and send them back with a code."""
    asked = request.args
    back = asked.get("redirect_uri", "")
    if (asked.get("client_id") != TWIN_ID or asked.get("response_type") != "code" or not asked.get("state")
            or asked.get("code_challenge_method") != "S256" or urlsplit(back).hostname not in LOOPBACK):
        abort(400)
    if request.method == "GET":
        return render_template_string(_PAGE, label=label)
    if request.form.get("deny"):
        return redirect(f"{back}?{urlencode({'error': 'access_denied', 'state': asked['state']})}", code=303)
    code = secrets.token_urlsafe(24)
    _state().codes[code] = Grant(request.form["email"].strip(), request.form.get("verified") == "1", back,
                                 asked["code_challenge"], asked.get("nonce", ""), time.monotonic() + LIFETIME)
    return redirect(f"{back}?{urlencode({'code': code, 'state': asked['state']})}", code=303)


def _redeemed() -> tuple[str, Grant] | None:
    """A token for the code in the request, once."""
    asked = request.form
    grant = _state().codes.pop(asked.get("code", ""), None)
    if asked.get("client_id") != TWIN_ID or asked.get("client_secret") != TWIN_SECRET:
        abort(401)
    shown = urlsafe_b64encode(hashlib.sha256(asked.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
    if grant is None or grant.ends < time.monotonic() or grant.redirect_uri != asked.get("redirect_uri") or grant.challenge != shown:
        return None
    token = secrets.token_urlsafe(24)
    _state().tokens[token] = grant
    return token, grant


@protocol.route("/token", methods=["POST"])
def google_token() -> Any:
    """Code to tokens, as Google answers."""
    redeemed = _redeemed()
    if redeemed is None:
        return jsonify(error="invalid_grant", error_description="Malformed auth code."), 400
    token, grant = redeemed
    now, here, state = int(time.time()), request.host_url.rstrip("/"), _state()
    half = hashlib.sha256(token.encode()).digest()[:16]
    claims = {"iss": here, "aud": TWIN_ID, "azp": TWIN_ID, "sub": str(grant.number), "email": grant.email,
              "email_verified": grant.verified, "name": "Somebody New", "iat": now, "exp": now + 3600, "nonce": grant.nonce,
              "at_hash": urlsafe_b64encode(half).rstrip(b"=").decode()}
    key = state.key
    match state.trouble:
        case "nonce":
            claims["nonce"] = "another"
        case "audience":
            claims["aud"] = claims["azp"] = "another"
        case "expired":
            claims["exp"] = now - 3600
        case "signature":
            key = RSAKey.generate_key(2048, {"kid": state.key.kid or ""})
    signed = jwt.encode({"alg": "RS256", "kid": state.key.kid}, claims, key)
    return jsonify(access_token=token, token_type="Bearer", expires_in=3599, id_token=signed,  # noqa: S106 - a kind of token
                   scope="openid email profile")


@protocol.route("/certs")
def certificates() -> Any:
    """The public keys (JWKS)."""
    return jsonify(KeySet([_state().key]).as_dict(private=False))


def _bearer() -> Grant:
    grant = _state().tokens.get(request.headers.get("Authorization", "").partition(" ")[2])
    if grant is None or grant.ends < time.monotonic():
        abort(401)
    return grant


@protocol.route("/userinfo")
def userinfo() -> Any:
    """Who it is, for a token."""
    grant = _bearer()
    return jsonify(sub=str(grant.number), email=grant.email, email_verified=grant.verified, name="Somebody New")


@protocol.route("/login/oauth/access_token", methods=["POST"])
def github_token() -> Any:
    """Code to token, as GitHub answers: refusals too have the status 200."""
    redeemed = _redeemed()
    if redeemed is None:
        return jsonify(error="bad_verification_code", error_description="The code passed is incorrect or expired.")
    return jsonify(access_token=redeemed[0], token_type="bearer", scope="read:user,user:email")  # noqa: S106 - a kind of token


@protocol.route("/api/user")
def github_user() -> Any:
    """Who it is; the address shown to everybody is seldom set."""
    grant = _bearer()
    return jsonify(id=grant.number, login="somebody-new", name=None, email=None)


@protocol.route("/api/user/emails")
def github_emails() -> Any:
    """All addresses, the main one not first."""
    grant = _bearer()
    return jsonify([{"email": f"{grant.number}@users.noreply.example", "primary": False, "verified": True, "visibility": None},
                    {"email": grant.email, "primary": True, "verified": grant.verified, "visibility": "private"}])


def create_twins() -> Flask:
    """Both providers as one application."""
    app = Flask(__name__, static_folder=None)
    app.extensions["twins"] = State()
    app.register_blueprint(protocol)
    return app


class Quiet(WSGIRequestHandler):
    """Addresses hold codes: they reach no log here either."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def serve(app: Flask, port: int) -> BaseWSGIServer:
    """A server for it on this machine; `serve_forever` runs it."""
    return make_server("127.0.0.1", port, app, threaded=True, request_handler=Quiet)


if __name__ == "__main__":
    serve(create_twins(), int(sys.argv[1])).serve_forever()

"""Google (OpenID Connect) and GitHub (OAuth 2), asked who somebody is: authorization code with PKCE, through Authlib.

What a provider hands out is used for these few requests and forgotten: no token leaves this module. All requests of
one answer share a few seconds, as somebody waits for them in a process that serves others.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Protocol, Self
from urllib.parse import urlsplit

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6749 import OAuth2Error
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from app.gateways.bounded import Bounded, TooLong

PATIENCE: Final = 6.0  # seconds for all that is asked while one person waits
_PAUSE: Final = 3.0  # seconds without a byte
_LARGEST: Final = 256 * 1024  # bytes of an answer; real ones have a few thousand
_KEPT: Final = 3600.0  # seconds that addresses and keys of a provider are believed
_LONGEST: Final = 200  # characters of a name or an id
_LEEWAY: Final = 60  # seconds that clocks may differ
_ADDRESSES: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class ProviderAway(Exception):
    """No answer, or not in time."""


class ProviderUnusable(Exception):
    """An answer that cannot be used or trusted; the message holds nothing of it but the provider's own error code."""


class CodeRefused(Exception):
    """The code was used before, or is too old."""


@dataclass(frozen=True)
class Secrets:
    """What ties the way back to the way out; a browser keeps it meanwhile."""

    state: str
    nonce: str
    verifier: str

    @staticmethod
    def new() -> Secrets:
        return Secrets(*(secrets.token_urlsafe(32) for _ in range(3)))

    def kept(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Told:
    """Who somebody is; `emails` are those the provider has verified, small letters, the main one first."""

    subject: str
    emails: tuple[str, ...]
    name: str


@dataclass(frozen=True)
class Client:
    """How the console is known to a provider, and where that is."""

    client_id: str
    client_secret: str = field(repr=False)
    url: str
    api_url: str = ""


class SignInProvider(Protocol):
    """What signing in may ask of a provider."""

    def address(self, sealed: Secrets, back: str) -> str:
        """Where to send the browser. Errors: ProviderAway, ProviderUnusable."""

    def told(self, sealed: Secrets, back: str, code: str) -> Told:
        """Who came back with this code. Errors: ProviderAway, ProviderUnusable, CodeRefused."""


class Google:
    """OpenID Connect: addresses by discovery, the person from a signed id_token."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def address(self, sealed: Secrets, back: str) -> str:
        with _Asking(self._client, ("openid", "email", "profile"), back) as asking:
            return asking.way_out(self._addresses(asking)["authorization_endpoint"], sealed, nonce=sealed.nonce,
                                  prompt="select_account")

    def told(self, sealed: Secrets, back: str, code: str) -> Told:
        with _Asking(self._client, ("openid", "email", "profile"), back) as asking:
            found = self._addresses(asking)
            token = asking.exchange(found["token_endpoint"], sealed, code)
            claims = self._claims(asking, found, token, sealed)
        verified = claims.get("email_verified") in (True, "true")
        return _told(claims["sub"], [claims.get("email")] if verified else [], claims.get("name"))

    def _addresses(self, asking: _Asking) -> Mapping[str, Any]:
        found = asking.kept(f"{self._client.url}/.well-known/openid-configuration")
        ours = urlsplit(self._client.url).scheme
        if found.get("issuer") != self._client.url or any(
                urlsplit(str(found.get(name, ""))).scheme != ours for name in _ADDRESSES):
            raise ProviderUnusable("discovery")
        return found

    def _claims(self, asking: _Asking, found: Mapping[str, Any], token: Mapping[str, Any], sealed: Secrets) -> CodeIDToken:
        try:
            read = self._opened(asking, found["jwks_uri"], str(token["id_token"]))
            claims = CodeIDToken(read.claims, read.header, options={
                "iss": {"essential": True, "value": self._client.url}, "aud": {"essential": True, "value": self._client.client_id},
            }, params={"nonce": sealed.nonce, "client_id": self._client.client_id, "access_token": token["access_token"]})
            claims.validate(leeway=_LEEWAY)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProviderUnusable("id_token") from error
        return claims

    def _opened(self, asking: _Asking, jwks_uri: str, signed: str) -> jwt.Token:
        try:
            return jwt.decode(signed, _keys(asking.kept(jwks_uri)), algorithms=["RS256"])
        except InvalidKeyIdError:  # the provider has changed its keys
            return jwt.decode(signed, _keys(asking.kept(jwks_uri, anew=True)), algorithms=["RS256"])


def _keys(document: Any) -> KeySet:
    return KeySet.import_key_set(document)


class GitHub:
    """OAuth 2 without id_tokens: the person, and which addresses are verified, from its API."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def address(self, sealed: Secrets, back: str) -> str:
        with _Asking(self._client, ("read:user", "user:email"), back) as asking:
            return asking.way_out(f"{self._client.url}/login/oauth/authorize", sealed)

    def told(self, sealed: Secrets, back: str, code: str) -> Told:
        with _Asking(self._client, ("read:user", "user:email"), back) as asking:
            asking.exchange(f"{self._client.url}/login/oauth/access_token", sealed, code)
            user = asking.json(f"{self._client.api_url}/user", with_token=True)
            rows = asking.json(f"{self._client.api_url}/user/emails", with_token=True)
        try:
            verified = [row for row in rows if row["verified"] is True]
            emails = [row["email"] for row in sorted(verified, key=lambda row: row["primary"] is not True)]
            return _told(str(int(user["id"])), emails, user.get("name") or user.get("login"))
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise ProviderUnusable("user") from error


def _told(subject: object, emails: list[Any], name: object) -> Told:
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST or not all(isinstance(email, str) for email in emails):
        raise ProviderUnusable("person")
    return Told(subject, tuple(email.strip().lower() for email in emails), str(name or "")[:_LONGEST])


class _Asking:
    """The requests for one person: one client, one deadline; what goes wrong in them is one of three things."""

    def __init__(self, client: Client, scope: tuple[str, ...], back: str) -> None:
        self._session = OAuth2Session(
            client.client_id, client.client_secret, token_endpoint_auth_method="client_secret_post",  # noqa: S106 - a method's name
            scope=scope, redirect_uri=back, code_challenge_method="S256")
        self._session.max_redirects = 0  # secrets go where they are sent, and nowhere on
        self._session.trust_env = urlsplit(client.url).scheme == "https"  # proxies are for the outside
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, Bounded(time.monotonic() + PATIENCE, _PAUSE, _LARGEST))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        self._session.close()
        if isinstance(error, requests.JSONDecodeError | requests.TooManyRedirects | TooLong):
            raise ProviderUnusable("answer") from error
        if isinstance(error, requests.HTTPError) and error.response.status_code < 500:  # noqa: PLR2004 - HTTP
            raise ProviderUnusable("status") from error
        if isinstance(error, requests.RequestException):
            raise ProviderAway from error

    def way_out(self, url: str, sealed: Secrets, **more: str) -> str:
        found, _ = self._session.create_authorization_url(url, state=sealed.state, code_verifier=sealed.verifier, **more)
        return str(found)

    def exchange(self, url: str, sealed: Secrets, code: str) -> Mapping[str, Any]:
        """The token for a code; the session uses it from here on."""
        try:
            token: Mapping[str, Any] = self._session.fetch_token(url, code=code, code_verifier=sealed.verifier,
                                                                 grant_type="authorization_code")
        except (OAuthError, OAuth2Error) as error:
            if error.error in {"invalid_grant", "bad_verification_code"}:
                raise CodeRefused from error
            raise ProviderUnusable("token") from error
        except requests.RequestException:
            raise
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ProviderUnusable("token") from error
        if not isinstance(token.get("access_token"), str):
            raise ProviderUnusable("token")
        return token

    def json(self, url: str, *, with_token: bool = False) -> Any:
        answer = self._session.request("GET", url, withhold_token=not with_token, headers={"Accept": "application/json"})
        answer.raise_for_status()
        return answer.json()

    def kept(self, url: str, *, anew: bool = False) -> Mapping[str, Any]:
        """A document of the provider that seldom changes, from this process's memory where it is fresh."""
        until, found = _DOCUMENTS.get(url, (0.0, {}))
        if anew or until < time.monotonic():
            found = self.json(url)
            if not isinstance(found, dict):
                raise ProviderUnusable("document")
            _DOCUMENTS[url] = (time.monotonic() + _KEPT, found)
        return found


_DOCUMENTS: dict[str, tuple[float, dict[str, Any]]] = {}

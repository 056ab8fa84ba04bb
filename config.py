"""Every setting of the console, read once from the environment; a bad value stops the start and names itself.

`Settings` is the one table of settings: the readers, the defaults and docs/configuration.md come from it.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

PORTALS: Final = ("public", "resident", "management", "sales", "canteen", "amenity", "admin", "platform")
LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
KEY_BYTES: Final = 32  # AES-256, HMAC-SHA-256
MIB: Final = 1024 * 1024


class ConfigError(Exception):
    """The environment cannot be used; one sentence per wrong variable."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


# Readers: text in, value out; ValueError says what is wrong, and never repeats the text: it may be secret.


def read_text(text: str) -> str:
    return text


def read_path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def read_flag(text: str) -> bool:
    words = {**dict.fromkeys(("1", "true", "yes", "on"), True), **dict.fromkeys(("0", "false", "no", "off"), False)}
    try:
        return words[text.lower()]
    except KeyError:
        raise ValueError("must be 1 or 0 (true, false, yes, no, on and off do too)") from None


def read_number(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,18}", text) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return read


def read_choice(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text

    return read


def read_url(*schemes: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError(f"must be an address that begins with {' or '.join(f'{s}://' for s in schemes)}")
        return text

    return read


def read_site(text: str) -> str:
    """The address people type: no path, no final slash, so that links are made by adding one."""
    parts = urlsplit(read_url("http", "https")(text))
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("must be scheme and host only, such as https://console.example.com")
    return f"{parts.scheme}://{parts.netloc}"


def read_provider(text: str) -> str:
    """Where others sign people in, or take payments: secrets travel there, so in clear on this machine alone."""
    parts = urlsplit(read_url("https", "http")(text))
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost"):
        raise ValueError("must begin with https://")
    return text.rstrip("/")


def read_database(text: str) -> str:
    """A PostgreSQL address as SQLAlchemy wants it (it would take `postgresql:` for another driver)."""
    parts = urlsplit(text)
    if parts.scheme not in ("postgresql", "postgres", "postgresql+psycopg2"):
        raise ValueError("must begin with postgresql://")
    if not parts.username or len(parts.path) < 2:  # noqa: PLR2004 - a slash and at least one letter
        raise ValueError("must name a login and a database: postgresql://login:password@host/database")
    return text.replace(f"{parts.scheme}:", "postgresql+psycopg2:", 1)


def read_redis(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("redis", "rediss", "unix") or not (parts.hostname or parts.path):
        raise ValueError("must begin with redis://, rediss:// or unix://")
    return text


def read_mail_server(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("smtp", "smtps", "smtp+starttls") or not parts.hostname:
        raise ValueError("must look like smtp+starttls://login:password@host:587 (or smtp://, smtps://)")
    return text


def read_address(text: str) -> str:
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+|[^<>\r\n]+ <[^@\s<>]+@[^@\s<>]+>", text):
        raise ValueError("must be a mail address, such as Viramah <no-reply@example.com>")
    return text


def read_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]{1,16}", text):
        raise ValueError("must be 1 to 16 small letters, digits and _")
    return text


def read_long_secret(text: str) -> str:
    if len(text) < KEY_BYTES:
        raise ValueError(f"must be at least {KEY_BYTES} characters long")
    return text


def read_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, altchars=b"-_" if set(text) & {"-", "_"} else None, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"must be {KEY_BYTES} bytes in base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"must be {KEY_BYTES} bytes in base64, and holds {len(key)}")
    return key


def read_key_ring(text: str) -> Mapping[str, bytes]:
    ring: dict[str, bytes] = {}
    for part in text.split(","):
        name, colon, key = part.strip().partition(":")
        if not colon or not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", name):
            raise ValueError("must be id:base64 pairs separated by commas, the current key first")
        if name in ring:
            raise ValueError(f"names the key {name} twice")
        try:
            ring[name] = read_key(key)
        except ValueError as error:
            raise ValueError(f"holds a key {name} that {error}") from None
    return MappingProxyType(ring)


def read_portal_hosts(text: str) -> Mapping[str, str]:
    hosts: dict[str, str] = {}
    for part in text.split(","):
        portal, equals, host = (piece.strip() for piece in part.partition("="))
        if not equals or portal not in PORTALS or not re.fullmatch(r"[A-Za-z0-9.-]+", host):
            raise ValueError(f"must be portal=host pairs separated by commas; portals: {', '.join(PORTALS)}")
        if host.lower() in hosts:
            raise ValueError(f"gives the host {host} to two portals")
        hosts[host.lower()] = portal
    return MappingProxyType(hosts)


REQUIRED: Final = object()
NONE_SET: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True)
class Declaration:
    """How one setting is read and explained. `shown` is its default in words for the documentation."""

    variable: str
    read: Callable[[str], Any]
    meaning: str
    default: Any
    secret: bool
    shown: str


def setting(read: Callable[[str], Any], meaning: str, *, default: Any = REQUIRED, secret: bool = False, shown: str = "") -> Any:
    """A field of Settings; its variable is the field's name in capitals. A secret never shows in repr."""
    words = shown or (
        "required" if default is REQUIRED else "unset" if default in (None, NONE_SET) else f"`{default}`"
    )
    metadata = {"read": read, "meaning": meaning, "default": default, "secret": secret, "shown": words}
    return dataclasses.field(repr=not secret, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one process. Field `x_y` is read from the variable `X_Y`."""

    database_url: str = setting(
        read_database,
        "PostgreSQL as `viramah_web`, the login of the web processes, which owns nothing",
        secret=True,
    )
    database_auth_url: str = setting(
        read_database, "PostgreSQL as `viramah_auth`, which alone reads password hashes", secret=True
    )
    database_service_url: str = setting(
        read_database, "PostgreSQL as `viramah_service`: workers, scheduler, command line", secret=True
    )
    database_admin_url: str | None = setting(
        read_database,
        "PostgreSQL as a superuser: only for `flask database …` and backups; leave it unset in web processes",
        default=None,
        secret=True,
    )
    database_realtime_url: str | None = setting(
        read_database,
        "PostgreSQL as `viramah_realtime`, which reads the change stream and no table; without it nothing is live, and "
        "pages ask every ten seconds",
        default=None,
        secret=True,
    )
    redis_url: str = setting(
        read_redis, "Redis for wake-ups, rate limits and caches; may be emptied at any time", secret=True
    )

    secret_key: str = setting(
        read_long_secret,
        "Signs sessions and links; at least 32 characters; a new one signs everybody out",
        secret=True,
    )
    audit_seal_key: bytes = setting(
        read_key,
        "32 bytes in base64; keys the sealed heads of the audit log; keep it off the database's machine",
        secret=True,
    )
    field_keys: Mapping[str, bytes] = setting(
        read_key_ring,
        "Key ring for encrypted fields, `id:base64,id:base64` of 32 bytes each: the first encrypts, all decrypt",
        secret=True,
    )
    anchor_dir: Path = setting(read_path, "Folder outside the database to which audit heads are written")

    s3_endpoint: str | None = setting(
        read_url("https", "http"), "Address of an S3-compatible store for files", default=None
    )
    s3_bucket: str | None = setting(read_text, "Its bucket", default=None)
    s3_region: str = setting(read_text, "Its region", default="us-east-1")
    s3_access_key: str | None = setting(read_text, "Its access key", default=None, secret=True)
    s3_secret_key: str | None = setting(read_text, "Its secret key", default=None, secret=True)
    files_dir: Path | None = setting(
        read_path, "Folder for files when no S3 store is set", default=None, shown="required without S3"
    )
    max_upload_bytes: int = setting(
        read_number(1024, 1024 * MIB), "Largest upload of any kind, in bytes; photos end at 10 MB, imports at 50",
        default=50 * MIB
    )

    smtp_url: str | None = setting(
        read_mail_server, "Mail server, `smtp+starttls://login:password@host:587`", default=None, secret=True
    )
    mailbox_dir: Path | None = setting(
        read_path,
        "Folder that mail is written to when no mail server is set",
        default=None,
        shown="required without SMTP",
    )
    mail_from: str = setting(
        read_address, "Sender of the console's mail", default="Viramah <no-reply@localhost>"
    )

    oauth_google_client_id: str | None = setting(
        read_text, "Client id of this console at Google; with it people may sign in with Google. Register the way back "
        "`PUBLIC_URL/login/google/back`", default=None)
    oauth_google_client_secret: str | None = setting(read_text, "Its secret", default=None, secret=True)
    oauth_google_url: str = setting(
        read_provider, "The OpenID Connect issuer that counts as Google", default="https://accounts.google.com")
    oauth_github_client_id: str | None = setting(
        read_text, "Client id of this console at GitHub; the way back is `PUBLIC_URL/login/github/back`", default=None)
    oauth_github_client_secret: str | None = setting(read_text, "Its secret", default=None, secret=True)
    oauth_github_url: str = setting(read_provider, "GitHub's address", default="https://github.com")
    oauth_github_api_url: str = setting(read_provider, "Address of its API", default="https://api.github.com")

    twilio_account_sid: str | None = setting(read_text, "Account of Twilio that text messages go through; without it there are none", default=None)
    twilio_auth_token: str | None = setting(read_text, "Its token", default=None, secret=True)
    twilio_from: str | None = setting(read_text, "The number, the name or the service (`MG…`) that text messages come from", default=None)
    twilio_api_base: str = setting(read_provider, "Address of Twilio's API", default="https://api.twilio.com")

    phonepe_api_base: str = setting(
        read_provider, "Address of PhonePe's gateway; its sandbox is `https://api-preprod.phonepe.com/apis/pg-sandbox`",
        default="https://api.phonepe.com/apis/pg")
    razorpay_api_base: str = setting(read_provider, "Address of Razorpay's API", default="https://api.razorpay.com")
    stripe_api_base: str = setting(read_provider, "Address of Stripe's API", default="https://api.stripe.com")

    telegram_api_base: str = setting(read_provider, "Address of Telegram's Bot API", default="https://api.telegram.org")
    telegram_bot_token: str | None = setting(
        read_text, "Token of the installation's bot, which speaks for whoever has none of their own", default=None, secret=True)
    telegram_config_encryption_key: Mapping[str, bytes] = setting(
        read_key_ring, "Key ring for the tokens of bots, written like `FIELD_KEYS`", default=NONE_SET, secret=True, shown="`FIELD_KEYS`")

    public_url: str = setting(
        read_site, "Address under which people reach the console; links in mail begin with it"
    )
    portal_hosts: Mapping[str, str] = setting(
        read_portal_hosts,
        "Host names that are bound to one portal, `resident=stay.example.com,admin=admin.example.com`",
        default=NONE_SET,
    )
    realtime_url: str | None = setting(
        read_site,
        "Address under which browsers reach the realtime process; without it pages do not try",
        default=None,
    )
    realtime_host: str = setting(read_text, "Address that the realtime process listens on", default="127.0.0.1")
    realtime_port: int = setting(read_number(1, 65535), "Its port", default=8001)
    realtime_instance: str = setting(
        read_name,
        "Name of this realtime process among several: each reads a replication slot of its own, `viramah_live_…`",
        default="1",
    )
    realtime_window_seconds: int = setting(
        read_number(10, 3600),
        "How long changes are kept for pages that were cut off; after longer they fetch anew",
        default=300,
    )
    trusted_proxies: int = setting(
        read_number(0, 10),
        "How many proxies in front set `X-Forwarded-…`; 0 believes none of these headers",
        default=0,
    )

    sentry_dsn: str | None = setting(
        read_url("https", "http"), "Where errors are reported", default=None, secret=True
    )
    log_level: str = setting(
        read_choice(*LOG_LEVELS), "Least severe log line that is written", default="INFO"
    )
    metrics_token: str | None = setting(
        read_long_secret,
        "Bearer token that `/metrics` asks for; without one it answers this machine alone",
        default=None,
        secret=True,
    )

    web_workers: int = setting(read_number(1, 64), "Web processes", default=2)
    job_workers: int = setting(read_number(1, 64), "Worker processes", default=2)
    demo: bool = setting(
        read_flag, "Load made-up data, show the mailbox and the logins; never in production", default=False
    )
    demo_password: str | None = setting(
        read_text, "Password of the demo's people, at least 12 characters", default=None, secret=True,
        shown="generated for the demo",
    )

    @property
    def current_field_key(self) -> str:
        """The id of the key that encrypts."""
        return next(iter(self.field_keys))

    @property
    def rate_limit_url(self) -> str:
        """Redis as Flask-Limiter's storage spells it."""
        return f"redis+{self.redis_url}" if self.redis_url.startswith("unix:") else self.redis_url


def declarations() -> list[Declaration]:
    """The table of settings, in the order of the documentation."""
    return [Declaration(variable=f.name.upper(), **f.metadata) for f in dataclasses.fields(Settings)]


def load(environ: Mapping[str, str]) -> Settings:
    """Read all settings; ConfigError names every variable that is missing or wrong. Empty counts as unset."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for declared in declarations():
        text = environ.get(declared.variable, "").strip()
        if text:
            try:
                values[declared.variable.lower()] = declared.read(text)
            except ValueError as error:
                problems.append(f"{declared.variable} {error}.")
        elif declared.default is REQUIRED:
            problems.append(f"{declared.variable} is not set: {declared.meaning}.")
        else:
            values[declared.variable.lower()] = declared.default
    problems += _contradictions(environ)
    if problems:
        raise ConfigError(problems)
    return Settings(**values)


def _contradictions(environ: Mapping[str, str]) -> list[str]:
    def given(name: str) -> bool:
        return bool(environ.get(name, "").strip())

    problems = []
    store = ("S3_ENDPOINT", "S3_BUCKET", "S3_ACCESS_KEY", "S3_SECRET_KEY")
    missing = [name for name in store if not given(name)]
    if 0 < len(missing) < len(store):
        problems.append(f"{' and '.join(missing)} must be set too, as another S3_ variable is.")
    if missing and not given("FILES_DIR"):
        problems.append("FILES_DIR must be set, or S3_ENDPOINT and its companions: files need a place.")
    problems += [f"{name}_CLIENT_ID and {name}_CLIENT_SECRET must be set together." for name in ("OAUTH_GOOGLE", "OAUTH_GITHUB")
                 if given(f"{name}_CLIENT_ID") != given(f"{name}_CLIENT_SECRET")]
    twilio = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM")
    absent = [name for name in twilio if not given(name)]
    if 0 < len(absent) < len(twilio):
        problems.append(f"{' and '.join(absent)} must be set too, as another TWILIO_ variable is.")
    if not given("SMTP_URL") and not given("MAILBOX_DIR"):
        problems.append("MAILBOX_DIR must be set, or SMTP_URL: mail needs a way out.")
    return problems


INTRODUCTION: Final = """# Configuration

Every setting is an environment variable, read once at the start by `config.py`; this page is made from it
(`make docs`). A missing or wrong value stops the start with a sentence that names the variable; an empty one
counts as unset. No secret has a default.

`python3 run.py` sets what it starts itself: with no `DATABASE_URL` it runs PostgreSQL in the data folder, with no
`REDIS_URL` Redis, and generates the demo's passwords and keys on the first start (`secrets.json` in the data folder,
readable by its owner only). What the shell sets, counts more:

    DATABASE_URL=postgresql://viramah_web:…@db.example.com/viramah REDIS_URL=redis://… python3 run.py

With `DATABASE_URL` set, or `DEMO=0`, no key is generated and no demo data is loaded. `python3 run.py env` prints the
settings of the data folder for other programs: `eval "$(python3 run.py env)"`.

| variable | default | meaning |
|---|---|---|
"""


def documentation() -> str:
    """The whole of docs/configuration.md."""
    rows = []
    for declared in declarations():
        meaning = f"{declared.meaning}{' (secret)' if declared.secret else ''}".replace("|", "\\|")
        rows.append(f"| `{declared.variable}` | {declared.shown} | {meaning} |\n")
    return INTRODUCTION + "".join(rows)


if __name__ == "__main__":
    print(documentation(), end="")

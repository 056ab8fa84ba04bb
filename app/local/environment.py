"""The settings that local processes run with: what the shell gives, else what the data folder holds."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import config
from app.gateways.payments import NAMES as GATEWAYS
from app.local.places import DataFolder, private_folder, read_secrets, write_secrets
from app.local.postgres import Postgres
from app.local.redis import Redis

DATABASE = "viramah"
LAST_PORT = 65535
LOGINS = {
    "DATABASE_URL": "viramah_web",
    "DATABASE_AUTH_URL": "viramah_auth",
    "DATABASE_SERVICE_URL": "viramah_service",
    "DATABASE_REALTIME_URL": "viramah_realtime",
    "DATABASE_ADMIN_URL": "postgres",
}
# Folders of the demo, each named by a setting: FILES_DIR and so on.
PRIVATE = ("anchor", "files", "mailbox")
# Processes that people's requests reach never see the superuser's address.
ADMIN_ONLY = "DATABASE_ADMIN_URL"
# How the console is known to the stand-ins for Google and GitHub, which guard nothing.
TWIN_ID, TWIN_SECRET = "viramah-twin", "known-to-everybody"
# Marks the processes of one data folder, so that the next start finds what a killed one left behind.
MARK = "VIRAMAH_SUPERVISED"


@dataclass(frozen=True)
class Local:
    """One installation: its servers, None where the environment names a real one, and its settings."""

    folder: DataFolder
    postgres: Postgres | None
    redis: Redis | None
    settings: Mapping[str, str]

    def environment(self, process: str, *, supervised: bool = False) -> dict[str, str]:
        """The environment of a child process of one kind: `web`, `worker`, `realtime` or `cli`."""
        found = {**os.environ, **self.settings, "PYTHONUNBUFFERED": "1", "CONSOLE_PROCESS": process}
        if process != "cli":
            found.pop(ADMIN_ONLY, None)
        if supervised:
            found[MARK] = str(self.folder.root)
        return found


def describe(folder: DataFolder, port: int, environ: Mapping[str, str], *, create: bool = True) -> Local:
    """The installation in `folder`; with `create`, what is missing of secrets and folders is made.

    What `environ` sets, counts. Only the demo has generated keys: with DEMO=0, or a real database, a
    missing key stays missing, and config.load says so.
    """
    names = [declared.variable for declared in config.declarations()]
    given = {name: environ[name] for name in names if environ.get(name, "").strip()}
    given.setdefault("DEMO", "0" if "DATABASE_URL" in given else "1")
    kept = _secrets(folder, given, create=create)
    settings = {
        **{f"{name.upper()}_DIR": str(folder.root / name) for name in PRIVATE},
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        **_realtime(port, given),
        **_twins(port, given),
        **_payment_twins(port, given),
        **_telegram_twin(port, given),
        **{name: value for name, value in kept.items() if name in DEMO_KEYS},
    }
    postgres = redis = None
    if "DATABASE_URL" not in given:
        password = kept.get("postgres", "")
        postgres = Postgres(folder.postgres, folder.sockets / "pg", folder.logs / "postgres.log", password)
        settings |= {
            name: postgres.url(DATABASE, login, kept.get(login, "")) for name, login in LOGINS.items()
        }
    if "REDIS_URL" not in given:
        redis = Redis(folder.sockets / "redis", folder.logs / "redis.log")
        settings["REDIS_URL"] = redis.url()
    return Local(folder, postgres, redis, settings | given)


def _realtime(port: int, given: Mapping[str, str]) -> dict[str, str]:
    """Where live updates are: beside the web process, at the next port, where there is a database to read them from."""
    if "DATABASE_URL" in given and "DATABASE_REALTIME_URL" not in given:
        return {}
    own = given.get("REALTIME_PORT", str(port + 1 if port < LAST_PORT else port - 1))
    return {"REALTIME_PORT": own, "REALTIME_URL": f"http://127.0.0.1:{own}"}


def _twins(port: int, given: Mapping[str, str]) -> dict[str, str]:
    """In the demo, unless real ones are set: stand-ins for Google and GitHub, two ports on, for browsers of this machine."""
    if not config.read_flag(given["DEMO"]) or "PUBLIC_URL" in given or any(name.startswith("OAUTH_") for name in given):
        return {}
    return twin_settings(port + 2 if port + 2 <= LAST_PORT else port - 2)


def _payment_twins(port: int, given: Mapping[str, str]) -> dict[str, str]:
    """In the demo, unless real ones are set: stand-ins for payment gateways, three ports on."""
    if not config.read_flag(given["DEMO"]) or "PUBLIC_URL" in given or any(f"{name.upper()}_API_BASE" in given for name in GATEWAYS):
        return {}
    own = port + 3 if port + 3 <= LAST_PORT else port - 3
    return {f"{name.upper()}_API_BASE": f"http://127.0.0.1:{own}/{name}" for name in GATEWAYS}


def _telegram_twin(port: int, given: Mapping[str, str]) -> dict[str, str]:
    """In the demo, unless the real one is set: a stand-in for Telegram, four ports on."""
    if not config.read_flag(given["DEMO"]) or "PUBLIC_URL" in given or "TELEGRAM_API_BASE" in given:
        return {}
    return {"TELEGRAM_API_BASE": f"http://127.0.0.1:{port + 4 if port + 4 <= LAST_PORT else port - 4}"}


def twin_settings(port: int) -> dict[str, str]:
    """What points a console at the stand-ins of app/local/twins.py."""
    here = f"http://127.0.0.1:{port}"
    found = {f"OAUTH_{name}_{part}": value for name in ("GOOGLE", "GITHUB")
             for part, value in (("CLIENT_ID", TWIN_ID), ("CLIENT_SECRET", TWIN_SECRET), ("URL", here))}
    return {**found, "OAUTH_GITHUB_API_URL": f"{here}/api"}


def _secrets(folder: DataFolder, given: Mapping[str, str], *, create: bool) -> dict[str, str]:
    """The secrets that this installation uses, by setting or by login."""
    makers: dict[str, Callable[[], str]] = {}
    if "DATABASE_URL" not in given:
        makers |= dict.fromkeys(LOGINS.values(), _password)
    try:
        if config.read_flag(given["DEMO"]):
            makers |= DEMO_KEYS
    except ValueError as error:
        raise config.ConfigError([f"DEMO {error}."]) from None
    kept = read_secrets(folder)
    missing = {name: make() for name, make in makers.items() if name not in kept}
    if create and missing:
        write_secrets(folder, kept | missing)
    if create:
        for name in PRIVATE:
            private_folder(folder.root / name)
        kept |= missing
    return {name: value for name, value in kept.items() if name in makers}


def _password() -> str:
    return secrets.token_urlsafe(32)


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(config.KEY_BYTES)).decode()


DEMO_KEYS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": _password,
    "AUDIT_SEAL_KEY": _key,
    "FIELD_KEYS": lambda: f"k1:{_key()}",
    "METRICS_TOKEN": _password,
    "DEMO_PASSWORD": lambda: secrets.token_urlsafe(12),  # short, as people type it
}

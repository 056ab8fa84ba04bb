"""The database roles of the installation: who owns, who defines, who logs in, and what each portal may be taken on by."""

from __future__ import annotations

from collections.abc import Mapping

from app.models.declare import AUTH, DEFINER, OWNER, REALTIME, SERVICE, WEB
from app.permissions import Portal

# Login roles give up rather than hang: a web request that waits longer has lost its reader.
_LIMITS = {
    WEB: {"statement_timeout": "15s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "60s"},
    AUTH: {"statement_timeout": "5s", "lock_timeout": "3s", "idle_in_transaction_session_timeout": "30s"},
    SERVICE: {"statement_timeout": "5min", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "5min"},
    REALTIME: {"statement_timeout": "5s", "lock_timeout": "3s", "idle_in_transaction_session_timeout": "30s"},
}


def _ensure_role(name: str, attributes: str) -> str:
    return f"""DO $$ BEGIN
  CREATE ROLE {name} {attributes};
EXCEPTION WHEN duplicate_object THEN
  ALTER ROLE {name} {attributes};
END $$"""


def cluster_statements() -> list[str]:
    """SQL that makes or repairs all roles, safe to repeat; passwords are set apart, see `password_statements`."""
    # An owner under FORCE without BYPASSRLS would backfill no rows and check keys over nothing.
    lines = [
        _ensure_role(OWNER, "NOLOGIN NOINHERIT BYPASSRLS NOSUPERUSER NOCREATEROLE NOCREATEDB"),
        _ensure_role(DEFINER, "NOLOGIN NOINHERIT BYPASSRLS NOSUPERUSER NOCREATEROLE NOCREATEDB"),
        *(_ensure_role(login, "LOGIN NOINHERIT NOBYPASSRLS NOSUPERUSER NOCREATEROLE NOCREATEDB")
          for login in (WEB, AUTH, SERVICE)),
        *(_ensure_role(portal, "NOLOGIN NOINHERIT NOBYPASSRLS NOSUPERUSER NOCREATEROLE NOCREATEDB")
          for portal in Portal),
        # Reads the change stream, and calls one function; no table is granted to it.
        _ensure_role(REALTIME, "LOGIN REPLICATION NOINHERIT NOBYPASSRLS NOSUPERUSER NOCREATEROLE NOCREATEDB"),
        f"GRANT {DEFINER} TO {OWNER} WITH INHERIT TRUE, SET TRUE",
    ]
    for portal in Portal:
        lines += [f"GRANT {portal} TO {login} WITH INHERIT FALSE, SET TRUE" for login in (WEB, SERVICE)]
    for login, limits in _LIMITS.items():
        lines += [f"ALTER ROLE {login} SET {name} = '{value}'" for name, value in limits.items()]
    return lines


def database_statements(database: str) -> list[str]:
    """What the one database needs before its first migration."""
    return [
        f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC',
        f'GRANT CONNECT ON DATABASE "{database}" TO {WEB}, {AUTH}, {SERVICE}, {REALTIME}',
        f'GRANT ALL ON DATABASE "{database}" TO {OWNER}',
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        f"ALTER SCHEMA public OWNER TO {OWNER}",
        f"CREATE SCHEMA IF NOT EXISTS app AUTHORIZATION {OWNER}",
        f"GRANT CREATE, USAGE ON SCHEMA app TO {DEFINER}",
        f"GRANT USAGE ON SCHEMA public TO {DEFINER}, {AUTH}, {SERVICE}, {', '.join(Portal)}",
        f"GRANT USAGE ON SCHEMA app TO {WEB}, {AUTH}, {SERVICE}, {REALTIME}, {', '.join(Portal)}",
    ]


def password_statements(passwords: Mapping[str, str]) -> list[str]:
    """ALTER ROLE … PASSWORD for the logins; `passwords` maps role to password."""
    quoted = {role: password.replace("'", "''") for role, password in passwords.items()}
    return [f"ALTER ROLE {role} PASSWORD '{password}'" for role, password in quoted.items()]

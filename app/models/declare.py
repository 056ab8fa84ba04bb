"""Declares what the database enforces: grants, policies, triggers and functions, next to the models they guard.

`protect()` is called once per table. `functions()` reads the SQL file of a domain. `entities()` then gives
everything as alembic-utils entities, in an order in which it can be created; the drift check and the tests of
the architecture read the same registry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alembic_utils.pg_function import PGFunction
from alembic_utils.pg_policy import PGPolicy
from alembic_utils.pg_trigger import PGTrigger
from alembic_utils.replaceable_entity import ReplaceableEntity
from sqlalchemy import Index, Table, TextClause, text

from app.permissions import Action, Portal, Resource

OWNER, DEFINER, WEB, AUTH, SERVICE, REALTIME = (
    "viramah_owner", "viramah_definer", "viramah_web", "viramah_auth", "viramah_service", "viramah_realtime",
)
PUBLICATION = "viramah_live"
STAFF = (Portal.ADMIN, Portal.MANAGEMENT, Portal.SALES, Portal.CANTEEN, Portal.AMENITY)
SIGNED_IN = (*STAFF, Portal.RESIDENT, Portal.PLATFORM)

# Written by the database alone, whatever a grant says about "all columns".
_KEPT = {"created_at", "updated_at", "created_by"}

IN_ORG = "org_id = (SELECT app.current_org())"
MINE = "user_id = (SELECT app.current_user_id())"
ADMITTED = "(SELECT app.is_admitted())"  # the gate (T15): before what is only for those who may live here


def can(resource: Resource, action: Action) -> str:
    """SQL: the caller holds this capability somewhere; asked once per statement."""
    return f"(SELECT app.can('{resource}', '{action}'))"


def within(resource: Resource, action: Action, column: str = "hostel_id") -> str:
    """SQL: the caller holds this capability in the hostel that the row names; a row that names none is everybody's
    who holds it anywhere. One call, because each subquery of a policy costs every statement its planning.
    """
    return f"coalesce({column} = ANY ((SELECT app.reach('{resource}', '{action}'))::uuid[]), true)"


@dataclass(frozen=True)
class Grant:
    """What roles may do to a table; a tuple of names narrows a privilege to columns, True means all of them.

    For insert and update "all" leaves out the columns that the database keeps itself and `Protection.guarded`.
    """

    to: Sequence[str]
    select: bool | tuple[str, ...] = False
    insert: bool | tuple[str, ...] = False
    update: bool | tuple[str, ...] = False
    delete: bool = False


@dataclass(frozen=True)
class Policy:
    """One row-level policy; `check` defaults to `using` where the command writes."""

    name: str
    command: str
    to: Sequence[str]
    using: str | None = None
    check: str | None = None


@dataclass(frozen=True)
class Published:
    """That changes of a table enter the stream which the realtime process reads, and how much of them.

    `key`: the id and the columns that select policies decide by, all NOT NULL: what the stream tells of a row that was
    changed in one of them or deleted. Without one it tells the whole old row, which costs WAL and allows no `columns`.
    `columns`: those that enter the stream at all, () for all. `inside`: for the process itself, told to no reader.
    """

    key: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    inside: bool = False


@dataclass
class Protection:
    """Everything that guards one table."""

    table: Table
    grants: list[Grant] = field(default_factory=list)
    policies: list[Policy] = field(default_factory=list)
    guarded: frozenset[str] = frozenset()
    definer: str = "SELECT, INSERT, UPDATE, DELETE"
    unaudited: str = ""
    masked: tuple[str, ...] = ()
    immutable: bool = False
    closed: str = ""
    published: Published | None = None

    @property
    def name(self) -> str:
        return self.table.name


PROTECTED: dict[str, Protection] = {}
TRIGGERS: list[PGTrigger] = []
TYPES = ["CREATE TYPE public.uuidrange AS RANGE (subtype = uuid)"]  # what exclusion constraints compare ids by
VIEWS: list[str] = []  # materialized views with their indexes and grants, as statements
FUNCTIONS: list[Function] = []


def protect(table: Table, *, grants: Iterable[Grant] = (), policies: Iterable[Policy] = (),  # noqa: PLR0913 - a declaration
            guarded: Iterable[str] = (), definer: str = "SELECT, INSERT, UPDATE, DELETE", unaudited: str = "",
            masked: Iterable[str] = (), immutable: bool = False, closed: str = "",
            published: Published | None = None) -> None:
    """Declare the walls of a table.

    `guarded` columns are written by functions only. `masked` columns reach the audit log as a mask.
    `immutable` tables refuse UPDATE, DELETE and TRUNCATE to everybody. `unaudited` and `closed` give the reason
    why changes leave no audit row, and why no portal has a grant. Changes of `published` tables can be followed live.
    """
    PROTECTED[table.name] = Protection(
        table, list(grants), list(policies), frozenset(guarded), "SELECT, INSERT" if immutable else definer,
        unaudited or ("a log itself" if immutable else ""), tuple(masked), immutable, closed,
    )
    if published:
        publish(table, published)


def publish(table: Table, published: Published) -> None:
    """Let changes of a protected table be followed live."""
    PROTECTED[table.name].published = published
    if published.key and not _is_primary(table, published.key):
        Index(f"{table.name}_live_key", *(table.c[name] for name in published.key), unique=True)


def _is_primary(table: Table, key: Sequence[str]) -> bool:
    return [column.name for column in table.primary_key] == list(key)


def staff_policies(resource: Resource, to: Sequence[str] = (Portal.ADMIN,), *, column: str | None = "hostel_id",
                   commands: Sequence[str] = ("SELECT", "INSERT", "UPDATE", "DELETE"),
                   extra: str = "") -> list[Policy]:
    """The usual four: the row's organization, and the capability in the row's hostel (or anywhere); for residents, who are
    among the readers of some tables, behind the gate as well.
    """
    actions = {"SELECT": Action.READ, "INSERT": Action.CREATE, "UPDATE": Action.UPDATE, "DELETE": Action.DELETE}
    found = []
    for command in commands:
        action = actions[command]
        test = within(resource, action, column) if column else can(resource, action)
        rule = f"{IN_ORG} AND {test}{extra}"
        found.append(Policy(f"staff_{command.lower()}", command, [role for role in to if role != Portal.RESIDENT],
                            using=None if command == "INSERT" else rule,
                            check=rule if command in {"INSERT", "UPDATE"} else None))
        if Portal.RESIDENT in to:
            found.append(Policy(f"resident_{command.lower()}", command, (Portal.RESIDENT,), using=f"{rule} AND {ADMITTED}"))
    return found


def only_one(column: str) -> TextClause:
    """An id as a range of one, for exclusion constraints: the core's GiST knows ranges, and equality of nothing."""
    return text(f"public.uuidrange({column}, {column}, '[]')")


def trigger(table: str, name: str, events: str, call: str, *, each: str = "FOR EACH ROW") -> None:
    """Declare a trigger, e.g. `trigger("beds", "limit", "BEFORE INSERT", "app.enforce_limit('beds')")`.

    Triggers of one event fire in the order of their names: `a_` first, `z_` (audit) last.
    """
    TRIGGERS.append(PGTrigger(schema="public", signature=name, on_entity=f"public.{table}",
                              definition=f"{events} ON public.{table} {each} EXECUTE FUNCTION {call}"))


@dataclass(frozen=True)
class Function:
    """A function with its owner and those who may execute it."""

    entity: PGFunction
    definer: bool
    execute: tuple[str, ...]

    @property
    def arguments(self) -> str:
        """Name and argument types as ALTER FUNCTION wants them: defaults taken off."""
        name, _, inside = self.entity.signature.partition("(")
        plain = re.sub(r"\s+DEFAULT\s+('[^']*'(::\w+(\[\])?)?|[^,)]+)", "", inside.rsplit(")", 1)[0], flags=re.IGNORECASE)
        return f"app.{name}({plain})"


_GROUPS: dict[str, tuple[str, ...]] = {
    "portals": tuple(Portal), "signed_in": SIGNED_IN, "staff": STAFF,
    "web": (WEB,), "auth": (AUTH,), "service": (SERVICE,), "nobody": (),
    "everyone": (*Portal, WEB, AUTH, SERVICE),
}
_HEADER = re.compile(r"^--: *(?P<mode>definer|invoker)(?: *; *execute: *(?P<execute>[\w, ]+))?\s*$", re.MULTILINE)
_CREATE = re.compile(r"CREATE FUNCTION app\.(?P<signature>\w+\(.*?\))\s+(?P<definition>RETURNS .*)", re.DOTALL)


def functions(domain: str) -> None:
    """Read app/models/sql/<domain>.sql: functions, each under a `--: definer; execute: …` line.

    A definer function belongs to viramah_definer and runs as it, with a fixed search_path; EXECUTE is taken
    from everybody and given to those that its line names.
    """
    source = (Path(__file__).parent / "sql" / f"{domain}.sql").read_text(encoding="utf-8")
    headers = list(_HEADER.finditer(source))
    for number, header in enumerate(headers):
        end = headers[number + 1].start() if number + 1 < len(headers) else len(source)
        body = source[header.end():end].strip()
        # Comments between two functions belong to the next one: keep what ends with a semicolon.
        body = body[: body.rindex(";")].strip()
        found = _CREATE.search(body)
        if found is None:
            raise ValueError(f"{domain}.sql: no CREATE FUNCTION app.… under line {header.group(0)!r}")
        names = [part.strip() for part in (header["execute"] or "nobody").split(",")]
        execute = tuple(dict.fromkeys(role for name in names for role in _GROUPS.get(name, (name,))))
        FUNCTIONS.append(Function(
            PGFunction(schema="app", signature=found["signature"], definition=found["definition"]),
            header["mode"] == "definer", execute,
        ))


def _policy(protection: Protection, policy: Policy) -> PGPolicy:
    parts = [f"AS PERMISSIVE FOR {policy.command} TO {', '.join(policy.to)}"]
    if policy.using:
        parts.append(f"USING ({policy.using})")
    if policy.check:
        parts.append(f"WITH CHECK ({policy.check})")
    return PGPolicy(schema="public", signature=policy.name, on_entity=f"public.{protection.name}",
                    definition=" ".join(parts))


def _columns(protection: Protection, wanted: bool | tuple[str, ...], *, writing: str | None) -> str | None:
    """The column list of a grant in parentheses, '' for the whole table, None for no grant."""
    if wanted is False:
        return None
    if wanted is not True:
        return f" ({', '.join(wanted)})"
    if writing is None:
        return ""
    left_out = _KEPT | protection.guarded | ({"org_id", "id"} if writing == "UPDATE" else set())
    return f" ({', '.join(c.name for c in protection.table.columns if c.name not in left_out and not c.computed)})"


def grant_statements(protection: Protection) -> list[str]:
    """GRANTs of one table, the definer's included; whole-table privileges nobody needs are never given."""
    table = f'public."{protection.name}"' if protection.name == "user" else f"public.{protection.name}"
    lines = [f"GRANT {protection.definer} ON {table} TO {DEFINER}"] if protection.definer else []
    for grant in protection.grants:
        to = ", ".join(grant.to)
        wanted = (("SELECT", grant.select, None), ("INSERT", grant.insert, "INSERT"), ("UPDATE", grant.update, "UPDATE"))
        for privilege, columns, writing in wanted:
            listed = _columns(protection, columns, writing=writing)
            if listed is not None:
                lines.append(f"GRANT {privilege}{listed} ON {table} TO {to}")
        if grant.delete:
            lines.append(f"GRANT DELETE ON {table} TO {to}")
    return lines


def wall_statements(protection: Protection) -> list[str]:
    """ENABLE and FORCE, for every table without exception."""
    return [f"ALTER TABLE public.{protection.name} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE public.{protection.name} FORCE ROW LEVEL SECURITY"]


def publication_statements() -> list[str]:
    """The one publication, and what the stream tells of old rows (replica identity) per table."""
    lines, tables = [], []
    for protection in PROTECTED.values():
        if (published := protection.published) is None:
            continue
        table = f"public.{protection.name}"
        if not published.key:
            lines.append(f"ALTER TABLE {table} REPLICA IDENTITY FULL")
        elif not _is_primary(protection.table, published.key):
            lines.append(f"ALTER TABLE {table} REPLICA IDENTITY USING INDEX {protection.name}_live_key")
        tables.append(f"{table} ({', '.join(published.columns)})" if published.columns else table)
    # Generated columns are part of the rows that policies and readers see.
    return [*lines, f"CREATE PUBLICATION {PUBLICATION} FOR TABLE {', '.join(tables)} WITH (publish_generated_columns = stored)"]


def function_statements(function: Function) -> list[str]:
    """Owner and EXECUTE of one function."""
    lines = [f"REVOKE ALL ON FUNCTION {function.arguments} FROM PUBLIC"]
    if function.definer:
        lines.append(f"ALTER FUNCTION {function.arguments} OWNER TO {DEFINER}")
    # The owner of a definer function runs it by right; an invoker function must be given to the definer as well.
    to = [*function.execute, *([] if function.definer else [DEFINER])]
    if to:
        lines.append(f"GRANT EXECUTE ON FUNCTION {function.arguments} TO {', '.join(to)}")
    return lines


def policy_entities() -> list[PGPolicy]:
    """Every declared policy."""
    return [_policy(protection, policy) for protection in PROTECTED.values() for policy in protection.policies]


def trigger_entities() -> list[PGTrigger]:
    """Declared triggers, and those that every table gets: `updated_at`, audit, immutability."""
    found = list(TRIGGERS)
    for protection in PROTECTED.values():
        name = protection.name
        on = f"public.{name}"
        if "updated_at" in protection.table.columns:
            found.append(PGTrigger(schema="public", signature="a_touch", on_entity=on, definition=(
                f"BEFORE UPDATE ON {on} FOR EACH ROW EXECUTE FUNCTION app.touch()")))
        if not protection.unaudited:
            masked = ", ".join(f"'{column}'" for column in protection.masked)
            found.append(PGTrigger(schema="public", signature="z_audit", on_entity=on, definition=(
                f"AFTER INSERT OR UPDATE OR DELETE ON {on} FOR EACH ROW EXECUTE FUNCTION app.audit({masked})")))
        if protection.immutable:
            found.append(PGTrigger(schema="public", signature="a_immutable", on_entity=on, definition=(
                f"BEFORE UPDATE OR DELETE OR TRUNCATE ON {on} FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change()")))
    return found


def entities() -> list[ReplaceableEntity]:
    """All entities that alembic-utils knows how to compare."""
    return [*(function.entity for function in FUNCTIONS), *policy_entities(), *trigger_entities()]

"""Every text is translated into every language, and every page shows nothing but translated text and data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from babel import Locale
from sqlalchemy import Engine, text

from app import languages
from app.cli import translations
from app.cli.translations import texts
from app.permissions import Role
from app.services.maintenance import sweep
from app.tenancy import service_scope
from tests.houses import execute
from tests.imports import imported, manager, row, rows, uploaded
from tests.maintenance import moved, raised

CODES = [code for code in languages.languages() if code != languages.SOURCE]
PSEUDO = "en_AU"  # English dates and numbers, and a catalog that marks each text
READERS = (Role.OWNER, Role.MAINTENANCE_STAFF, Role.RESIDENT, Role.CANTEEN_STAFF)
LANG = PSEUDO.replace("_", "-")
PER_SCREEN = 1  # pages of one kind that are looked at
SPOKEN = {"aria-label", "title", "placeholder", "alt", "aria-description", "data-confirm", "data-title", "data-text"}
QUIET = {"script", "style", "time", "code", "kbd", "svg", "textarea"}
# What is the same in every language: names of the product, of devices and of formats; units, zones and currencies.
# The same in every language: places of the clock and currencies, as Babel knows them; then names of the product, of gateways and of
# formats, times, units and addresses.
PLACES = re.compile(r"[A-Z][A-Za-z]+/[\w/ +-]+ \(UTC[+-][\d:]+\)|[A-Z]{3} – [\w ’'()-]+|Kolkata, UTC[+-][\d:]+")
NAMES = re.compile(r"Viramah Console|\b\d+ \w+ ago\b|[A-Z]{2}-\d+|[\w.+-]+@[\w.-]+|\b(?:Inter|IST|UTC|CSV|PDF|Excel|SLA|UTF-8|Windows-1252|ISO 8859-1 \(Latin-1\)|"
                   r"Ctrl|kB|MB|GB|PostgreSQL|Redis|Razorpay|PhonePe|Stripe|test)\b|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\w*")
EXAMPLES = ("Asha", "Ravi", "Sahyadri, Kothrud", "English")  # the first three on the page of components
# Columns whose text people typed, or that name what they typed; the rest of what is stored are codes or our own words.
NOT_TYPED = {"audit_log", "lifecycle_transitions", "lifecycle_machines", "roles", "role_permissions", "outbox",
             "maintenance_categories", "maintenance_issue_types", "plan_limits", "access_cache"}


@pytest.fixture(scope="module")
def known(app_object: Any) -> list[texts.Text]:
    """Every text that there is."""
    with app_object.app_context():
        return texts.collect(app_object)


@pytest.mark.parametrize("code", CODES)
def test_everything_is_translated_and_nothing_is_left_of_what_is_gone(known: list[texts.Text], code: str) -> None:
    """`flask translations check CODE` lists the same; `flask translations update` takes out what is gone."""
    catalog = translations.updated(code, known)
    assert translations.problems(catalog) == []
    assert list(catalog.obsolete) == []


class Marked(languages.Catalog):
    """Each text between ⟦ and ⟧, known or not: so nobody has to translate for the test."""

    def __init__(self, known: list[texts.Text]) -> None:
        super().__init__()
        self._catalog = {each.first: f"⟦{each.first}⟧" for each in known}
        self.said = frozenset(each.first for each in known if languages.SAID in each.comments)
        self.plural = lambda n: int(n != 1)

    def gettext(self, message: str) -> str:
        return self._catalog.get(str(message), str(message))

    def ngettext(self, one: str, many: str, n: int) -> str:
        return f"⟦{one if n == 1 else many}⟧" if one in self._catalog else one if n == 1 else many

    ugettext, ungettext = gettext, ngettext


class Spoken(HTMLParser):
    """What a reader sees or hears of a page, and where its links lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.heard: list[str] = []
        self.links: list[str] = []
        self._quiet: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attributes}
        foreign = own.get("lang", LANG) != LANG or "data-untranslated" in own
        if foreign or tag in QUIET or (self._quiet and tag == self._quiet[-1]):
            self._quiet.append(tag)
        if self._quiet:
            return
        self.heard += [value for name, value in own.items() if name in SPOKEN or (
            name.startswith("data-") and re.search(r"[A-Z⟦].* ", value) and value[0] not in "{[")]
        if tag == "a" and own.get("href", "").startswith("/"):
            self.links.append(own["href"])

    def handle_endtag(self, tag: str) -> None:
        if self._quiet and self._quiet[-1] == tag:
            self._quiet.pop()

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._quiet:
            self.seen.append(data)


def stored(superuser: Engine) -> list[str]:
    """What people typed, the longest first, and what Babel knows by name: on a page it is data."""
    with superuser.connect() as connection:
        columns = connection.execute(text(
            "SELECT table_name, format(CASE data_type WHEN 'ARRAY' THEN 'unnest(%I)' ELSE '%I' END, column_name) FROM information_schema.columns "
            "WHERE table_schema = 'public' AND (data_type IN ('text', 'character varying') OR udt_name = '_text')")).all()
        found = {value for table, column in columns if table not in NOT_TYPED
                 for value in connection.scalars(text(f'SELECT DISTINCT {column} FROM "{table}"')) if value}
    typed = {value for value in found if re.search(r"[A-Za-z]{3}", value) and not re.fullmatch(r"[a-z_]+", value)}
    return sorted({*typed, "asha", *Locale.parse(PSEUDO).territories.values(), *EXAMPLES}, key=len, reverse=True)


def untranslated(page: Spoken, data: list[str]) -> Iterator[str]:
    """Words outside of the marks that are no data. A marked text may hold elements, and other marked texts."""
    for stream in ("\n".join(page.seen), *page.heard):
        rest, before = stream, ""
        while rest != before:
            rest, before = re.sub(r"⟦[^⟦⟧]*⟧", " ", rest), rest
        rest = PLACES.sub(" ", rest)
        for value in data:
            if value in rest:
                rest = rest.replace(value, " ")
        for said in NAMES.sub(" ", rest).split("\n"):
            if re.search(r"[A-Za-z]{2,}", said):
                yield " ".join(said.split())[:160]


@pytest.fixture
def pseudo(app: Any, known: list[texts.Text], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A language whose every text is marked."""
    own, marked = languages.catalog, Marked(known)
    monkeypatch.setattr(languages, "catalog", lambda code: marked if code == PSEUDO else own(code))
    monkeypatch.setattr(languages, "languages", lambda: {"en": "English", PSEUDO: "Pseudo"})
    yield
    for kept in (languages._templates, languages._said):
        kept.cache_clear()


@pytest.fixture
def busy(app: Any, world: Any, superuser: Engine) -> Any:
    """Something on every screen."""
    for events in ([], ["claim"], ["claim", "start"], ["claim", "start", "hold"], ["claim", "start", "resolve"]):
        moved(world.staff, raised(world.resident), *events)
    uploaded(manager(world), rows(row(1), row(2, "Strange")))
    imported(manager(world), rows(row(3), row(4, closed="never")))
    execute(superuser, "INSERT INTO outbox (org_id, kind, state) VALUES (:org, 'maintenance.moved', 'dead')", org=world.a.org_id)
    execute(superuser, "INSERT INTO notifications (org_id, user_id, kind, title, key) SELECT org_id, user_id, 'x', "
                       "'MR-0001: work has started', 'k' FROM members")
    with service_scope("fresh figures for a test") as session:
        sweep.refresh_analytics(session)
    return world


def test_pages_hold_no_text_that_a_catalog_cannot_translate(app: Any, pseudo: None, busy: Any, browser: Any, superuser: Engine) -> None:
    """Every screen that somebody finds by following links from the home page, in a language that marks each text."""
    data, found, seen = stored(superuser), set(), set()
    report = f"/reports/maintenance-sla/?hostel={busy.a.places[0].hostel_id}&first=2026-01-01&last={datetime.now(UTC).date() - timedelta(days=1)}"
    platform = replace(busy.owner, user_id=busy.super_admin, role=Role.SUPER_ADMIN)
    for person in (None, *(busy.a.people[role] for role in READERS), manager(busy), platform):
        who = browser(person)
        who.http.set_cookie("language", PSEUDO)
        waiting, kinds = ["/login" if person is None else "/", "/account/", "/nothing/here", report], {}
        while waiting:
            address = waiting.pop(0).partition("#")[0]
            kind = re.sub(r"[0-9a-f-]{36}|\d+", "…", address.partition("?")[0])
            kinds[kind] = kinds.get(kind, 0) + 1
            if kinds[kind] > PER_SCREEN or re.search(r"/(?:files|static|photo|export|pdf|csv)\b", address):
                continue
            answer = who.get(address)
            if answer.mimetype != "text/html":
                continue
            page = Spoken(answer.get_data(as_text=True))
            found |= {(kind, said) for said in untranslated(page, data)}
            seen.add(kind)
            waiting += [link for link in page.links if link not in waiting]
    assert len(seen) > 40
    assert not found, "\n".join(f"{kind}: {said}" for kind, said in sorted(found))

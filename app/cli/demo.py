"""flask demo …: made-up data for a first look, and who can sign in to see it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import click
from flask.cli import AppGroup
from sqlalchemy import select

from app.crypto import KeyRing
from app.models.organizations import Hostel
from app.permissions import ROLE_PORTAL, Portal, Role
from app.services import demo, statistics
from app.tenancy import auth_scope, service_scope, tenant_scope
from app.wiring import objects, settings

group = AppGroup("demo", help="Made-up organizations, people and repairs; only where DEMO is on.")


def _password() -> str:
    found = settings()
    if not found.demo:
        raise click.ClickException("DEMO is off: made-up people do not belong beside real ones.")
    if not found.demo_password:
        raise click.ClickException("DEMO_PASSWORD is not set: it is the password of everybody in the demo.")
    return found.demo_password


@group.command("load")
@click.option("--until", type=click.DateTime(["%Y-%m-%dT%H:%M"]), help="When the story ends, in UTC; by default this hour.")
def load_command(until: datetime | None) -> None:
    """Two organizations with three hostels, three months of repairs, and people who ask for a bed; does nothing where they are already."""
    password = _password()
    moment = until.replace(tzinfo=UTC) if until else datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with service_scope("loading the demo") as session:
        ids, organizations = demo.found(session)
    made = False
    for company in demo.COMPANIES:
        with tenant_scope(organizations[company.slug]) as session:
            filled = demo.fill(session, company, ids, objects(), moment)
            if filled:
                made = True
                demo.ask(session, KeyRing(dict(settings().field_keys)), company, ids, moment)
                if urlsplit(settings().razorpay_api_base).hostname == "127.0.0.1":  # there are stand-ins for gateways
                    demo.take_money(session, KeyRing(dict(settings().field_keys)), company.slug)
        _take_in(company, ids, organizations[company.slug])
        if filled:
            _propose(company, ids, organizations[company.slug])
            _eat(company, ids, organizations[company.slug])
            _store(company, ids, organizations[company.slug])
            _meet(company, ids, organizations[company.slug])
            _announce(company, ids, organizations[company.slug])
    with auth_scope() as session:
        demo.set_passwords(session, ids, password)
    if made:
        with service_scope("gathering statistics after the demo was loaded") as session:
            statistics.gather(session)
    click.echo("The demo is loaded." if made else "The demo data is there already; nothing was changed.")


def _take_in(company: Any, ids: dict[str, int], org_id: UUID) -> None:
    """Newcomers type for themselves, and reviewers decide for themselves."""
    ring = KeyRing(dict(settings().field_keys))
    for who in demo.newcomers(company):
        person = ids[who.email]
        with tenant_scope(org_id, person, portal=Portal.RESIDENT) as session:
            begun = demo.register(session, ring, objects(), person, who)
        if begun and who.then:
            with tenant_scope(org_id, ids[who.reviewer]) as session:
                demo.review(session, ring, person, who)
        if begun and who.corrected:
            with tenant_scope(org_id, person, portal=Portal.RESIDENT) as session:
                demo.correct(session, ring, person, who)


def _propose(company: Any, ids: dict[str, int], org_id: UUID) -> None:
    """Managers propose for themselves, each in their own house."""
    for person in company.people:
        for role, _ in person.places:
            if role is Role.HOSTEL_MANAGER:
                with tenant_scope(org_id, ids[person.email]) as session:
                    for hostel_id in session.scalars(select(Hostel.id)):
                        demo.propose(session, hostel_id)


def _eat(company: Any, ids: dict[str, int], org_id: UUID) -> None:
    """Residents order for themselves, and those in charge of a house begin to cook."""
    with tenant_scope(org_id) as session:
        houses = dict(session.execute(select(Hostel.code, Hostel.id)).all())
    eaters = [(ids[person.email], houses[code]) for person in company.people for role, code in person.places if role is Role.RESIDENT and code]
    for place, (person, hostel_id) in enumerate(eaters[::2]):
        with tenant_scope(org_id, person, portal=Portal.RESIDENT) as session:
            demo.meals.say(session, hostel_id, person, place)
            demo.canteen.order(session, hostel_id, person, place)
    for person in company.people:
        for role, code in person.places:
            if role is Role.HOSTEL_MANAGER and code:
                with tenant_scope(org_id, ids[person.email]) as session:
                    demo.canteen.cook(session, houses[code])


def _meet(company: Any, ids: dict[str, int], org_id: UUID) -> None:
    """Those in charge of a house, and of all, plan events; residents answer."""
    with tenant_scope(org_id) as session:
        houses = dict(session.execute(select(Hostel.code, Hostel.id)).all())
    places = [(ids[person.email], role, code) for person in company.people for role, code in person.places]
    with tenant_scope(org_id, ids[company.people[0].email]) as session:
        demo.events.feast(session, org_id)
    for person, role, code in places:
        if role is Role.HOSTEL_MANAGER and code:
            with tenant_scope(org_id, person) as session:
                demo.events.plan(session, houses[code])
    for place, (person, _, _) in enumerate([one for one in places if one[1] is Role.RESIDENT and one[2]][::6]):
        with tenant_scope(org_id, person, portal=Portal.RESIDENT) as session:
            demo.events.answer(session, place)


def _store(company: Any, ids: dict[str, int], org_id: UUID) -> None:
    """Those who keep the storeroom of a house, its cooks or those in charge, book a month of it."""
    with tenant_scope(org_id) as session:
        houses = dict(session.execute(select(Hostel.code, Hostel.id)).all())
    keepers = {code: (person, role) for wanted in (Role.HOSTEL_MANAGER, Role.CANTEEN_STAFF) for person in company.people
               for role, code in person.places if role is wanted and code}
    for code, (person, role) in keepers.items():
        with tenant_scope(org_id, ids[person.email], portal=ROLE_PORTAL[role]) as session:
            demo.inventory.stock(session, houses[code], code)


def _announce(company: Any, ids: dict[str, int], org_id: UUID) -> None:
    """The owner tells each house something, in the company's own words."""
    with tenant_scope(org_id, ids[company.people[0].email]) as session:
        for hostel_id in session.scalars(select(Hostel.id)):
            demo.announcements.announce(session, hostel_id, datetime.now(UTC))
        demo.announcements.word(session, org_id)


@group.command("logins")
def logins_command() -> None:
    """Who can sign in: role, place, e-mail, and the password of all of them."""
    password = _password()
    rows = demo.logins()
    wide = max(len(role) for role, _, _ in rows), max(len(where) for _, where, _ in rows)
    for role, where, email in rows:
        click.echo(f"{role:<{wide[0]}}  {where:<{wide[1]}}  {email}")
    click.echo(f"\nPassword of everybody: {password}")

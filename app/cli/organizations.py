"""flask organizations …: tenants with their plan and limits."""

from __future__ import annotations

import click
from flask.cli import AppGroup
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.cli import refusals
from app.cli.users import find_organization, reset_link
from app.models.organizations import METRICS, Organization
from app.rules import organizations as rules
from app.rules import signin
from app.rules.organizations import Plan, SubscriptionStatus
from app.services.people import accounts
from app.tenancy import service_scope, tenant_scope

group = AppGroup("organizations", help="Tenants, their plans and limits.")
PLANS = click.Choice([plan.value for plan in Plan])
_ALL = text("SELECT * FROM app.platform_organizations()")
_USAGE = text("SELECT metric, used, most FROM app.organization_usage()")
_SET_PLAN = text("SELECT app.set_plan(:org, :plan, :status, CAST(:limits AS jsonb))")
_CREATE_ACCOUNT = text("SELECT app.create_account(:email, :name)")
_FIND = text("SELECT app.find_user(:email)")


@group.command("create")
@click.argument("name")
@click.option("--owner", "email", required=True, help="E-mail address of the owner; an account is made if there is none.")
@click.option("--owner-name", help="Name of a new owner.")
@click.option("--slug", default="", help="Short name; made from the name if not given.")
@click.option("--plan", type=PLANS, default=Plan.FREE.value, show_default=True)
def create(name: str, email: str, owner_name: str | None, slug: str, plan: str) -> None:
    """Make an organization with its owner."""
    with refusals():
        address, is_new = signin.clean_email(email), False
        with service_scope(f"command line: organization {name}") as session:
            owner = session.scalar(_FIND, {"email": address})
            if owner is None:
                if not owner_name:
                    raise click.ClickException(f"{address} has no account: name the owner with --owner-name.")
                owner = session.scalar(_CREATE_ACCOUNT, {"email": address, "name": rules.clean_name(owner_name)})
                is_new = True
            org_id = accounts.create_organization(session, rules.clean_name(name), owner, slug=slug, plan=Plan(plan))
        with tenant_scope(org_id) as session:
            found = session.scalars(select(Organization.slug).where(Organization.id == org_id)).one()
    click.echo(f"Organization {found} made.")
    if is_new:
        click.echo(f"Its owner can choose a password within an hour at\n{reset_link(owner)}")


@group.command("list")
def list_all() -> None:
    """Show all organizations with what they use."""
    with service_scope("command line: organizations listed") as session:
        for row in session.execute(_ALL):
            click.echo(f"{row.slug:<24} {row.plan:<13} {row.subscription_status:<10} {row.hostels:>4} hostels "
                       f"{row.users:>5} users  {row.name}")


def _change(slug: str, plan: str | None, status: str | None, limits: dict[str, int | None] | None) -> None:
    """Write plan, status and limits; what is not given stays."""
    import json

    org_id = find_organization(slug)
    with tenant_scope(org_id) as session:
        now = session.scalars(select(Organization).where(Organization.id == org_id)).one()
        kept = {"plan": now.plan, "status": now.subscription_status, "limits": dict(now.limits)}
    changed = {**kept["limits"], **(limits or {})}
    with service_scope(f"command line: plan of {slug}") as session:
        session.execute(_SET_PLAN, {"org": org_id, "plan": plan or kept["plan"], "status": status or kept["status"],
                                    "limits": json.dumps(changed)})


@group.command("plan")
@click.argument("slug")
@click.argument("plan", type=PLANS)
@click.option("--status", type=click.Choice([s.value for s in SubscriptionStatus]))
def set_plan(slug: str, plan: str, status: str | None) -> None:
    """Change the plan of an organization."""
    with refusals():
        _change(slug, plan, status, None)
    click.echo(f"{slug} is on the {plan} plan.")


@group.command("limits")
@click.argument("slug")
@click.argument("changes", nargs=-1)
def limits(slug: str, changes: tuple[str, ...]) -> None:
    """Show what is used and allowed, after writing CHANGES like users=50 or storage=none (no limit)."""
    with refusals():
        if changes:
            _change(slug, None, None, dict(_limit(change) for change in changes))
        with tenant_scope(find_organization(slug)) as session:
            _show(session)


def _limit(change: str) -> tuple[str, int | None]:
    metric, _, number = change.partition("=")
    if metric not in METRICS or not (number == "none" or (number.isascii() and number.isdigit())):
        raise click.ClickException(f"{change!r} is not METRIC=NUMBER or METRIC=none; metrics: {', '.join(METRICS)}.")
    return metric, None if number == "none" else int(number)


def _show(session: Session) -> None:
    for metric, used, most in session.execute(_USAGE):
        click.echo(f"{metric:<12} {used:>12} of {'no limit' if most is None else most}")



"""flask users …: accounts, invitations, sessions, and who runs the installation."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from urllib.parse import urlencode
from uuid import UUID

import click
from flask.cli import AppGroup
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.cli import refusals
from app.models.organizations import Hostel
from app.permissions import Role
from app.rules import organizations, signin
from app.services.people import accounts, invitations, members, second_factor, sessions
from app.services.people import signin as service
from app.services.people.invitations import Offer
from app.tenancy import auth_scope, service_scope, tenant_scope
from app.wiring import settings

group = AppGroup("users", help="Accounts, invitations, sessions, and who runs the installation.")
ROLES = click.Choice([role.value for role in Role if role is not Role.SUPER_ADMIN])
_FIND = text("SELECT app.find_user(:email)")
_CREATE = text("SELECT app.create_account(:email, :name)")
_ACTIVE = text("SELECT app.set_account_active(:user, :active)")
_PLATFORM = text("SELECT app.set_platform_role(:user, :held)")
_RESET_ID = text("SELECT uuidv7()")


def find_user(session: Session, email: str) -> int:
    """The account of an address."""
    found: int | None = session.scalar(_FIND, {"email": email})
    if found is None:
        raise click.ClickException(f"There is no account for {email}.")
    return found


def find_organization(slug: str) -> UUID:
    """The organization of a short name."""
    with service_scope("command line: which organization") as session:
        found: UUID | None = session.scalar(
            text("SELECT id FROM app.platform_organizations() WHERE slug = :slug"), {"slug": slug})
    if found is None:
        raise click.ClickException(f"There is no organization {slug!r}; `flask organizations list` shows them.")
    return found


def find_hostel(session: Session, code: str | None) -> UUID | None:
    """The hostel of a code; None for all of them."""
    if not code:
        return None
    found: UUID | None = session.scalar(select(Hostel.id).where(Hostel.code == code, Hostel.deleted_at.is_(None)))
    if found is None:
        raise click.ClickException(f"There is no hostel {code!r} in this organization.")
    return found


def _now() -> datetime:
    return datetime.now(UTC)


def reset_link(user_id: int) -> str:
    """A fresh link to choose a password; it is over in an hour, and after its use."""
    with auth_scope() as auth:
        reset_id = auth.scalar(_RESET_ID)
        secret = accounts.reset_secret(settings().secret_key, reset_id)
        accounts.store_reset(auth, user_id, reset_id, secret)
    return f"{settings().public_url}/password/new?{urlencode({'t': secret})}"


@group.command("create")
@click.argument("email")
@click.option("--name", required=True, help="The person's name.")
@click.option("--org", "slug", help="Short name of the organization they work for.")
@click.option("--role", type=ROLES, help="Their role there.")
@click.option("--hostel", "code", help="Code of the one hostel that the role is for.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create(email: str, name: str, slug: str | None, role: str | None, code: str | None, password_stdin: bool) -> None:
    """Make an account; without a password, print a link to choose one."""
    if bool(slug) != bool(role):
        raise click.ClickException("--org and --role belong together.")
    with refusals():
        email, name = signin.clean_email(email), organizations.clean_name(name)
        password = sys.stdin.readline().rstrip("\n") if password_stdin else None
        if password is not None:
            signin.check_password(password, email)
        org_id = find_organization(slug) if slug else None
        with service_scope(f"command line: account for {email}") as session:
            user_id: int = session.scalar(_CREATE, {"email": email, "name": name})
        if password is not None:
            with auth_scope() as auth:
                accounts.set_password(auth, user_id, password)
        if org_id is not None and role:
            with tenant_scope(org_id) as session:
                members.add_member(session, user_id, Role(role), find_hostel(session, code))
    click.echo(f"Account {email} made." if password is not None else f"Account {email} made. A password can be chosen "
               f"within an hour at\n{reset_link(user_id)}")


@group.command("invite")
@click.argument("email")
@click.option("--name", required=True)
@click.option("--org", "slug", required=True)
@click.option("--role", type=ROLES, required=True)
@click.option("--hostel", "code")
def invite(email: str, name: str, slug: str, role: str, code: str | None) -> None:
    """Mail somebody an invitation."""
    with refusals(), tenant_scope(find_organization(slug)) as session:
        invitation_id: UUID = session.scalar(_RESET_ID)
        offer = Offer(email, name, Role(role), find_hostel(session, code))
        invitations.invite(session, settings().secret_key, invitation_id, offer, _now())
    click.echo(f"{email} is invited; the mail is on its way.")


@group.command("suspend")
@click.argument("email")
@click.option("--restore", is_flag=True, help="Let the account in again.")
def suspend(email: str, restore: bool) -> None:
    """Close an account in all organizations, ending its sessions."""
    with refusals(), service_scope(f"command line: account {'restored' if restore else 'suspended'}") as session:
        session.execute(_ACTIVE, {"user": find_user(session, email), "active": restore})
    click.echo(f"{email} may sign in again." if restore else f"{email} is suspended.")


@group.command("password-reset-link")
@click.argument("email")
def password_reset_link(email: str) -> None:
    """Print a link to choose a new password, for whoever gets no mail."""
    with refusals():
        with service_scope("command line: password reset link") as session:
            user_id = find_user(session, email)
        click.echo(reset_link(user_id))


@group.command("platform-admin")
@click.argument("email")
@click.option("--revoke", is_flag=True)
def platform_admin(email: str, revoke: bool) -> None:
    """Let somebody run the installation, or no longer."""
    with refusals(), service_scope(f"command line: platform role {'revoked' if revoke else 'given'}") as session:
        session.execute(_PLATFORM, {"user": find_user(session, email), "held": not revoke})
    click.echo(f"{email} {'no longer runs' if revoke else 'now runs'} the installation.")


@group.command("sessions")
@click.argument("email")
@click.option("--end", is_flag=True, help="End them all.")
def list_sessions(email: str, end: bool) -> None:
    """Show where somebody is signed in."""
    with refusals():
        with service_scope("command line: sessions") as session:
            user_id = find_user(session, email)
        with auth_scope() as auth:
            for device in sessions.devices(auth, user_id, _now()):
                factor = "two factors" if device.second_factor else "password"
                click.echo(f"{device.last_seen_at:%Y-%m-%d %H:%M} UTC  {device.address:<15}  {factor:<11}  {device.label[:80]}")
            if end:
                click.echo(f"{sessions.end_everywhere(auth, user_id, _now())} ended.")


@group.command("unlock")
@click.argument("email")
@click.option("--second-factor", "factor", is_flag=True, help="Also take the second factor away.")
def unlock(email: str, factor: bool) -> None:
    """Forget failed attempts, so that somebody can sign in at once."""
    with refusals():
        with service_scope("command line: account unlocked") as session:
            user_id = find_user(session, email)
        with auth_scope() as auth:
            service.unlock(auth, signin.clean_email(email))
            if factor:
                second_factor.reset(auth, user_id)
    click.echo(f"{email} can sign in.")

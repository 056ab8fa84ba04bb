"""flask payments …: what was begun, asking gateways where it stands, and what a webhook would do if it came again."""

from __future__ import annotations

import sys
from uuid import UUID

import click
from flask.cli import AppGroup
from sqlalchemy import select

from app.cli import refusals
from app.cli.users import find_organization
from app.gateways.payments import GatewayUnavailable
from app.models.payments import PaymentIntent, WebhookDelivery
from app.rules.payments import OPEN_INTENTS, Effect, IntentState
from app.services import payments
from app.tenancy import tenant_scope
from app.wiring import settings

group = AppGroup("payments", help="Top-ups through gateways, and their webhooks.")
ORGANIZATION = click.option("--org", required=True, help="The organization's short name.")
LIMIT = click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many, the newest first.")


@group.command("list")
@ORGANIZATION
@click.option("--status", type=click.Choice([state.value for state in IntentState]), multiple=True, help="Only these; can be given several times.")
@click.option("--webhooks", is_flag=True, help="Webhooks instead, with the ids that replay takes.")
@LIMIT
def list_command(org: str, status: tuple[str, ...], webhooks: bool, limit: int) -> None:
    """Payments by our number, or webhooks by their id, the newest first; times are UTC, and nobody is named."""
    org_id = find_organization(org)
    with refusals(), tenant_scope(org_id) as session:
        if webhooks:
            for one in session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.received_at.desc(), WebhookDelivery.id.desc()).limit(limit)):
                click.echo(f"{one.id}  {one.received_at:%Y-%m-%d %H:%M:%S}  {one.gateway:<9} {one.verdict:<15} {one.effect or '-':<15} {one.reason}".rstrip())
            return
        asked = select(PaymentIntent).order_by(PaymentIntent.created_at.desc(), PaymentIntent.id.desc()).limit(limit)
        for intent in session.scalars(asked.where(PaymentIntent.status.in_(status)) if status else asked):
            click.echo(f"{intent.reference}  {intent.created_at:%Y-%m-%d %H:%M:%S}  {intent.gateway:<9} {intent.amount_paise / 100:>12,.2f} {intent.currency}  "
                       f"{intent.status:<9} {intent.payment_id or '-':<24} {intent.reason}".rstrip())


@group.command("ask")
@ORGANIZATION
@click.argument("references", nargs=-1)
def ask_command(org: str, references: tuple[str, ...]) -> None:
    """Ask the gateways where REFERENCES stand, or all that is open, and book what they say; exits with 1 where one gave no answer."""
    org_id, silent = find_organization(org), 0
    wanted = PaymentIntent.reference.in_(references) if references else PaymentIntent.status.in_([state.value for state in OPEN_INTENTS])
    with refusals(), tenant_scope(org_id) as session:
        found = {row.reference: row.id for row in session.execute(
            select(PaymentIntent.id, PaymentIntent.reference).where(wanted).order_by(PaymentIntent.created_at))}
    if missing := set(references) - set(found):
        raise click.ClickException(f"There is no payment {', '.join(sorted(missing))}.")
    for reference, key in found.items():
        try:
            with refusals(), tenant_scope(org_id) as session:
                effect = payments.answered(session, payments.keeper_of(settings()), key)
                click.echo(f"{reference}  {effect:<15} {payments.find_intent(session, key).status}")
        except GatewayUnavailable:
            silent += 1
            click.echo(f"{reference}  no answer", err=True)
    click.echo(f"{len(found)} asked, {silent} without an answer.", err=True)
    if silent:
        sys.exit(1)


@group.command("replay")
@ORGANIZATION
@click.argument("delivery", type=click.UUID)
def replay_command(org: str, delivery: UUID) -> None:
    """Say what the webhook DELIVERY would do if it came now, and take it back; exits with 1 if it would change something."""
    org_id = find_organization(org)
    with refusals(), tenant_scope(org_id) as session:
        effects = payments.replay(session, delivery)
    click.echo(" ".join(effects))
    if not {*effects} <= {Effect.KNOWN, Effect.IGNORED, Effect.REFUSED}:
        click.echo("Nothing was changed now.", err=True)
        sys.exit(1)

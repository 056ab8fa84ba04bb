"""Money that falls due: months charged as tasks or by schedule, wallets, late fees, reminders, settlements of stays."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from flask_babel import gettext
from sqlalchemy.orm import Session

from app.gateways.mail import Mail
from app.languages import in_language
from app.rules.billing import read_month
from app.rules.progress import TaskKind
from app.services import work
from app.services.billing import daily, runs, terms
from app.text import N_
from app.views import formats
from app.wiring import mailer, settings
from jobs.progress import RUNNERS, Result, Runner, Step
from jobs.registry import Payload, handles

_SUBJECT = N_("To be paid: %(reference)s")
_WORDS = N_("Hello %(name)s,\n\nof invoice %(reference)s, due on %(day)s, %(amount)s are to be paid to %(organization)s.\n\nLook at it and pay it here:\n"
            "%(link)s\n\nIf you have paid in the meantime, do nothing.\n")


class BillingRunner(Runner):
    """Charges a month, some stays in a step. A step that is repeated finds what it issued, and adds nothing."""

    def step(self, step: Step) -> Result | None:
        """The next stays."""
        asked, cursor = step.orders.asked, step.orders.cursor
        hostel, after = UUID(asked["hostel"]), cursor.get("after")
        last, seen, issued = runs.step(step.session, hostel, read_month(asked["month"]), UUID(after) if after else None)
        issued += cursor.get("issued", 0)
        if last is None:
            after_run(step.session, hostel)
            return Result({"issued": issued})
        done = cursor.get("done", 0) + seen
        step.advance(step.session, done, {"after": str(last), "issued": issued, "done": done, "figures": {"issued": issued}})
        return None


RUNNERS[TaskKind.BILLING] = BillingRunner()


def after_run(session: Session, hostel_id: UUID) -> None:
    """Have residents told of new invoices, and wallets asked."""
    work.enqueue(session, "billing.tell", {"hostel_id": str(hostel_id)})
    work.enqueue(session, "billing.pay")


@handles("billing.sweep")
def sweep(session: Session, payload: Payload) -> None:
    """Ask for the day's work in each organization that bills."""
    work.enqueue_for(session, daily.organizations_due(session), "billing.day", key=payload["slot"])


@handles("billing.day")
def day(session: Session, _payload: Payload) -> None:
    """Wallets first, then what is late; and the month, once its day has come: again every day, for who moved in since."""
    for house in terms.automatic_houses(session):
        for month in daily.months_due(session, *house):
            work.enqueue(session, "billing.month", {"hostel_id": str(house[0]), "month": f"{month:%Y-%m}"})
    work.enqueue(session, "billing.pay")
    for hostel_id in daily.hostels_with_open(session):
        work.enqueue(session, "billing.late", {"hostel_id": str(hostel_id)})


@handles("billing.month")
def month(session: Session, payload: Payload) -> None:
    """Some stays of a month, then the next."""
    hostel = UUID(payload["hostel_id"])
    last, _, _ = runs.step(session, hostel, read_month(payload["month"]), UUID(payload["after"]) if "after" in payload else None)
    if last is None:
        after_run(session, hostel)
    else:
        work.enqueue(session, "billing.month", {**payload, "after": str(last)})


@handles("billing.pay")
def pay(session: Session, _payload: Payload) -> None:
    """From the wallets that are enough."""
    if daily.pay_from_wallets(session) == daily.MOST:
        work.enqueue(session, "billing.pay")


@handles("billing.late")
def late(session: Session, payload: Payload) -> None:
    """Late fees and reminders of a house."""
    daily.charge_late(session, UUID(payload["hostel_id"]))
    daily.remind(session, UUID(payload["hostel_id"]))


@handles("billing.tell")
def tell(session: Session, payload: Payload) -> None:
    """Tell residents of what was issued."""
    last = daily.tell_of_invoices(session, UUID(payload["hostel_id"]), UUID(payload["after"]) if "after" in payload else None)
    if last is not None:
        work.enqueue(session, "billing.tell", {**payload, "after": str(last)})


@handles("billing.settlement")
def settlement(session: Session, payload: Payload) -> None:
    """Book what was settled with somebody who leaves."""
    daily.settle(session, UUID(payload["move_out_id"]))


@handles("billing.mail", external=True)
def mail(session: Session, payload: Payload) -> None:
    """A reminder."""
    found = daily.reminder_of(session, UUID(payload["invoice_id"]))
    if found is None:
        return
    with in_language(found.language):
        values = {"name": found.name, "reference": found.reference, "day": _day(found.due_on), "organization": found.organization,
                  "amount": formats.money(found.open_paise, found.currency), "link": f"{settings().public_url}/my/invoices/show/{found.invoice_id}"}
        mailer().send(Mail(to=found.email, key=f"invoice {found.invoice_id} {payload['step']}", subject=gettext(_SUBJECT) % values,
                           text=gettext(_WORDS) % values))


def _day(value: date) -> str:
    return formats.plain_day(value)

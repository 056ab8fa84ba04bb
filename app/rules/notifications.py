"""What people are told of, by which ways, and when: every kind of notification is declared here, once.

Texts are made where something happens, in English, and put into the reader's language by every channel (ADR 10).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from app.permissions import Action, Capability, Resource
from app.rules.errors import DomainError
from app.text import N_

A, R = Action, Resource
TOGETHER = timedelta(minutes=10)
"""Who is told of a kind again within this time gets the rest as one message."""


class Urgency(StrEnum):
    """How much a message presses: emergencies break quiet hours, urgent ones are not gathered."""

    INFO = "info"
    NORMAL = "normal"
    URGENT = "urgent"
    EMERGENCY = "emergency"


class Channel(StrEnum):
    """The ways to a person."""

    IN_APP = "in_app"
    EMAIL = "email"
    SMS = "sms"
    TELEGRAM = "telegram"


class DeliveryState(StrEnum):
    """What became of one message on one channel."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    SKIPPED = "skipped"


class SkipReason(StrEnum):
    """Why a message took no channel: no fault of anybody's."""

    NO_ADDRESS = "no_address"
    MUTED = "muted"
    NOT_SET_UP = "not_set_up"


class NoWay(DomainError):
    """This person cannot be reached on this channel: skipped, not failed."""

    code = "no_way"

    def __init__(self, reason: SkipReason) -> None:
        super().__init__(N_("This person cannot be reached on this channel."))
        self.reason = reason


@dataclass(frozen=True)
class Kind:
    """One kind of message. `needs`: staff who hold it may get it; `residents`: so may residents.

    `channels`: those that are usual. `own_letter`: the domain mails a letter of its own, so that e-mail is no choice.
    """

    name: str
    label: str
    about: Resource
    needs: Capability | None = None
    residents: bool = False
    urgency: Urgency = Urgency.NORMAL
    channels: tuple[Channel, ...] = (Channel.IN_APP,)
    own_letter: bool = False

    @property
    def offered(self) -> tuple[Channel, ...]:
        """The channels that people choose among."""
        return tuple(one for one in Channel if one is not Channel.EMAIL or not self.own_letter)

    @property
    def usual(self) -> tuple[Channel, ...]:
        """The channels of who chose none: whoever linked a chat of Telegram wants to be told there, but not of every order."""
        return self.channels if self.urgency is Urgency.INFO else (*self.channels, Channel.TELEGRAM)

    @property
    def forced(self) -> bool:
        """Whether nobody may turn it off."""
        return self.urgency is Urgency.EMERGENCY


_LETTER = (Channel.IN_APP, Channel.EMAIL)
_ALL = (
    Kind("maintenance.step", N_("What happens to a maintenance request"), R.MAINTENANCE, (R.MAINTENANCE, A.READ), residents=True),
    Kind("maintenance.assigned", N_("A request is handed over to you"), R.MAINTENANCE, (R.MAINTENANCE, A.UPDATE)),
    Kind("maintenance.comment", N_("A new remark about a request"), R.MAINTENANCE, (R.MAINTENANCE, A.READ), residents=True),
    Kind("residents.offered", N_("A bed that you wait for is free"), R.RESIDENTS, residents=True, urgency=Urgency.URGENT, channels=_LETTER),
    Kind("residents.expired", N_("Your hold on a bed has run out"), R.RESIDENTS, residents=True),
    Kind("moveout.noticed", N_("Somebody gives notice"), R.MOVE_OUTS, (R.MOVE_OUTS, A.UPDATE), residents=True),
    Kind("moveout.moved", N_("The day of moving out is changed"), R.MOVE_OUTS, (R.MOVE_OUTS, A.UPDATE), residents=True),
    Kind("moveout.withdrawn", N_("A notice is withdrawn"), R.MOVE_OUTS, (R.MOVE_OUTS, A.UPDATE), residents=True),
    Kind("moveout.settled", N_("The settlement of your stay is made"), R.MOVE_OUTS, residents=True),
    Kind("onboarding.submitted", N_("A registration is to be reviewed"), R.ONBOARDING, (R.ONBOARDING, A.APPROVE)),
    Kind("approval.approved", N_("Your sign-up is approved"), R.ONBOARDING, residents=True, own_letter=True),
    Kind("approval.rejected", N_("Your sign-up is not approved"), R.ONBOARDING, residents=True, own_letter=True),
    Kind("approval.needs_revision", N_("Your sign-up has to be corrected"), R.ONBOARDING, residents=True, own_letter=True),
    Kind("approval.taken_over", N_("Somebody else reviews a registration instead of you"), R.ONBOARDING, (R.ONBOARDING, A.APPROVE)),
    Kind("document_ends", N_("A document of yours ends soon"), R.PERSONAL, (R.HOSTELS, A.READ), residents=True),
    Kind("inquiries.asked", N_("A new inquiry"), R.INQUIRIES, (R.INQUIRIES, A.UPDATE)),
    Kind("inquiries.given", N_("An inquiry is handed over to you"), R.INQUIRIES, (R.INQUIRIES, A.UPDATE)),
    Kind("inquiries.due", N_("The next step of an inquiry is due"), R.INQUIRIES, (R.INQUIRIES, A.UPDATE)),
    Kind("billing.issued", N_("A new invoice"), R.BILLING, residents=True),
    Kind("billing.reminder", N_("An invoice is not paid yet"), R.BILLING, residents=True, own_letter=True),
    Kind("payments.settled", N_("What became of your payment"), R.PAYMENTS, residents=True),
    Kind("payments.flagged", N_("A payment has to be looked at"), R.PAYMENTS, (R.PAYMENTS, A.APPROVE), urgency=Urgency.URGENT),
    Kind("wallet.proposed", N_("A posting waits for your decision"), R.WALLET, (R.WALLET, A.APPROVE)),
    Kind("wallet.platform_asked", N_("The platform is asked to decide on your posting"), R.WALLET, (R.WALLET, A.CREATE)),
    Kind("wallet.decided", N_("Your posting is decided on"), R.WALLET, (R.WALLET, A.CREATE)),
    Kind("ledger.alarm", N_("Something is wrong with the books"), R.WALLET, (R.WALLET, A.UPDATE), urgency=Urgency.URGENT, channels=_LETTER),
    Kind("reconciliation.break", N_("A line of a statement has to be looked at"), R.WALLET, (R.WALLET, A.APPROVE)),
    Kind("canteen.placed", N_("An order is placed"), R.CANTEEN, (R.CANTEEN, A.UPDATE), urgency=Urgency.INFO),
    Kind("canteen.cancelled", N_("An order is cancelled"), R.CANTEEN, (R.CANTEEN, A.UPDATE), residents=True),
    Kind("canteen.ready", N_("Your order is ready"), R.CANTEEN, residents=True),
    Kind("canteen.delivered", N_("Your order was brought to you"), R.CANTEEN, residents=True, urgency=Urgency.INFO),
    Kind("canteen.refund", N_("The money of a cancelled order"), R.CANTEEN, residents=True),
    Kind("canteen.low_stock", N_("A dish runs low"), R.CANTEEN, (R.CANTEEN, A.UPDATE)),
    Kind("canteen.summary", N_("The canteen's day in figures"), R.CANTEEN, (R.CANTEEN, A.UPDATE), urgency=Urgency.INFO),
    Kind("meals.leave", N_("Leave from meals that the office wrote down or took back"), R.CANTEEN, residents=True),
    Kind("meals.rebate", N_("A rebate for meals that you did not eat"), R.CANTEEN, residents=True),
    Kind("inventory.low", N_("A stock item runs low"), R.INVENTORY, (R.INVENTORY, A.UPDATE)),
    Kind("amenities.booked", N_("The office books an amenity for you"), R.AMENITIES, residents=True),
    Kind("amenities.cancelled", N_("The office cancels your booking of an amenity"), R.AMENITIES, residents=True),
    Kind("amenities.no_show", N_("You did not come to what you booked"), R.AMENITIES, residents=True),
    Kind("amenities.moved", N_("Your booking of an amenity cannot take place"), R.AMENITIES, residents=True, urgency=Urgency.URGENT),
    Kind("amenities.offered", N_("A place that you wait for is free"), R.AMENITIES, residents=True, urgency=Urgency.URGENT),
    Kind("amenities.lapsed", N_("A place that was offered to you went on to the next"), R.AMENITIES, residents=True),
    Kind("telegram.chat_gone", N_("Messages by Telegram do not arrive any more"), R.TELEGRAM, (R.NOTIFICATIONS, A.READ), residents=True, channels=_LETTER),
    Kind("telegram.broken", N_("Telegram refuses a bot"), R.TELEGRAM, (R.NOTIFICATIONS, A.READ), residents=True, channels=_LETTER),
    Kind("events.reminder", N_("An event that you come to begins soon"), R.EVENTS, residents=True),
    Kind("events.changed", N_("An event that you answered is changed"), R.EVENTS, residents=True),
    Kind("events.cancelled", N_("An event that you answered is cancelled"), R.EVENTS, residents=True, channels=_LETTER),
    Kind("events.moved_up", N_("A place at an event is free for you"), R.EVENTS, residents=True, urgency=Urgency.URGENT),
    Kind("announcement", N_("An announcement"), R.ANNOUNCEMENTS, (R.NOTIFICATIONS, A.READ), residents=True, channels=_LETTER),
    Kind("announcement.emergency", N_("An emergency"), R.ANNOUNCEMENTS, (R.NOTIFICATIONS, A.READ), residents=True,
         urgency=Urgency.EMERGENCY),
)
KINDS = {kind.name: kind for kind in _ALL}


def kinds_for(*, resident: bool, held: Iterable[Capability]) -> list[Kind]:
    """What somebody may be told of, and so may choose channels for."""
    capabilities = frozenset(held)
    return [kind for kind in _ALL if (kind.residents if resident else kind.needs in capabilities)]


@dataclass(frozen=True)
class Quiet:
    """Hours of a person's day in which only emergencies reach them outside the console."""

    start: time
    end: time
    zone: ZoneInfo

    def until(self, moment: datetime) -> datetime | None:
        """When the quiet hours end that `moment` falls into; None if it falls into none."""
        local = moment.astimezone(self.zone)
        now = local.time()
        overnight = self.start > self.end
        if not (now >= self.start or now < self.end if overnight else self.start <= now < self.end):
            return None
        day = local.date() + timedelta(days=1) if overnight and now >= self.start else local.date()
        ends = datetime.combine(day, self.end, self.zone)
        # On a night with an hour twice, the first one may be over.
        return (ends if ends > moment else ends.replace(fold=1)).astimezone(UTC)


def due_at(now: datetime, urgency: Urgency, last: datetime | None, quiet: Quiet | None) -> datetime:
    """When a message leaves. `last`: when the newest of this kind for this person and channel left, or will."""
    if urgency is Urgency.EMERGENCY:
        return now
    due = now
    if urgency is not Urgency.URGENT and last is not None:
        due = last if last > now else max(now, last + TOGETHER)
    return (quiet.until(due) if quiet else None) or due


@dataclass(frozen=True)
class Item:
    """One thing told, in the words of its reader."""

    title: str
    body: str
    link: str


def chosen(kinds: Sequence[Kind], kept: dict[tuple[str, Channel], bool]) -> dict[str, dict[Channel, bool]]:
    """For each kind, whether it takes each channel that is offered: what was chosen, else what is usual."""
    return {kind.name: {one: kept.get((kind.name, one), one in kind.usual) for one in kind.offered} for kind in kinds}

"""What each person wants to be told, where and when: read and written by themselves alone."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time
from zoneinfo import available_timezones

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.crypto import KeyRing
from app.gateways.sms import Text, Texter
from app.models.notifications import NotificationPreference, NotificationSettings
from app.rules.errors import Invalid, LimitReached
from app.rules.inquiries import mask_phone
from app.rules.notifications import Channel, Kind, chosen
from app.rules.phones import clean_phone
from app.services.notifications.channels import phone_context
from app.services.work import enqueue
from app.text import N_

CODE = "notifications.code"
_TRIES = 10  # codes, right or wrong, in an hour
_CHOOSE = text("SELECT app.choose_notifications(CAST(:choices AS jsonb), :quiet_from, :quiet_to, :zone)")
_SET_PHONE = text("SELECT app.set_notification_phone(:token, :masked)")
_UNCONFIRMED = text("SELECT app.unconfirmed_phone()")
_CONFIRM = text("SELECT app.confirm_notification_phone(:token)")
_TO_CONFIRM = text("SELECT app.phone_to_confirm(:user)")
_HAS_TELEGRAM = text("SELECT app.has_telegram()")
_HIT = text("SELECT app.count_hit('notification_code', :key, :start, :most)")
_MUTE = text("SELECT app.mute_by_letter(:digest, :look)")


def matrix(session: Session, user_id: int, kinds: Sequence[Kind]) -> dict[str, dict[Channel, bool]]:
    """For each kind, which channels it takes."""
    kept = session.execute(select(NotificationPreference.kind, NotificationPreference.channel, NotificationPreference.wanted)
                           .where(NotificationPreference.user_id == user_id))
    return chosen(kinds, {(kind, Channel(channel)): wanted for kind, channel, wanted in kept})


def settings_of(session: Session, user_id: int) -> NotificationSettings | None:
    """Quiet hours and the number, if somebody ever chose any."""
    return session.scalar(select(NotificationSettings).where(NotificationSettings.user_id == user_id))


def has_chat(session: Session) -> bool:
    """Whether the caller linked a chat of Telegram."""
    return bool(session.scalar(_HAS_TELEGRAM))


def choose(session: Session, kinds: Sequence[Kind], wanted: Mapping[str, set[Channel]], quiet: tuple[time, time] | None, zone: str | None, *,
           among: Sequence[Channel] = tuple(Channel)) -> None:
    """Keep what was ticked among these channels: of kinds that nobody may turn off, nothing is kept."""
    if zone is not None and zone not in available_timezones():
        raise Invalid("Choose a time zone from the list.", field="timezone")
    if quiet is not None and quiet[0] == quiet[1]:
        raise Invalid("Quiet hours begin and end at different times.", field="quiet_to")
    choices = [{"kind": kind.name, "channel": one.value, "wanted": one in wanted.get(kind.name, set())}
               for kind in kinds if not kind.forced for one in kind.offered if one in among]
    session.execute(_CHOOSE, {"choices": json.dumps(choices), "quiet_from": quiet and quiet[0], "quiet_to": quiet and quiet[1], "zone": zone})
    session.expire_all()


# -- the number for text messages ----------------------------------------------------------------------------------------


def set_phone(session: Session, ring: KeyRing, user_id: int, given: str, country: str) -> None:
    """Seal a number and have a code sent to it."""
    number = clean_phone(given, country)
    session.execute(_SET_PHONE, {"token": ring.encrypt(number, phone_context(user_id)), "masked": mask_phone(number)})
    enqueue(session, CODE, {"user_id": user_id})
    session.expire_all()


def remove_phone(session: Session) -> None:
    """No text messages any more."""
    session.execute(_SET_PHONE, {"token": None, "masked": None})
    session.expire_all()


def _code(secret: str, token: str) -> str:
    """Six digits that belong to this sealed number."""
    return f"{int.from_bytes(hmac.digest(secret.encode(), f'viramah.sms.v1:{token}'.encode(), 'sha256')[:8]) % 1_000_000:06d}"


def send_code(session: Session, user_id: int, texter: Texter, ring: KeyRing, secret: str, say: Callable[[str], str]) -> None:
    """Text the code to a number that waits for it."""
    token = session.scalar(_TO_CONFIRM, {"user": user_id})
    if token is not None:
        words = say(N_("%(code)s is your code for the Viramah Console.")) % {"code": _code(secret, token)}
        texter.send(Text(ring.decrypt(token, phone_context(user_id)), words, f"code {token[-24:]}"))


def confirm_phone(session: Session, user_id: int, given: str, secret: str, now: datetime) -> bool:
    """With the code, the number is somebody's own. False if it is not the code: commit all the same, for the try counts."""
    start = now.replace(minute=0, second=0, microsecond=0)
    if not session.scalar(_HIT, {"key": str(user_id), "start": start, "most": _TRIES}):
        raise LimitReached("Too many codes were tried. Wait an hour, then try again.")
    token = session.scalar(_UNCONFIRMED)
    if token is None or not hmac.compare_digest(_code(secret, token).encode(), given.strip().encode()):
        return False
    session.execute(_CONFIRM, {"token": token})
    session.expire_all()
    return True


def mute_by_letter(session: Session, digest: bytes, *, look: bool = False) -> str | None:
    """Turn off, by the link of a mail, the kind that it told of; returns the kind, None if no mail had this link."""
    found: str | None = session.execute(_MUTE, {"digest": digest, "look": look}).scalar_one()
    return found

"""Sends what is due: takes it once, gathers what belongs together, writes it in the reader's language, keeps what became of it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from markupsafe import Markup, escape
from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from app.models.announcements import NotificationTemplate
from app.rules.announcements import fill
from app.rules.errors import DomainError
from app.rules.notifications import Channel, DeliveryState, NoWay, SkipReason, Urgency
from app.rules.work import is_hopeless, pause_after
from app.services.notifications import quiet_hours
from app.services.notifications.channels import ChannelOut, Letter, Recipient
from app.services.work import ASKED
from app.text import N_

SEND = "notifications.send"
SMS_MOST = 320  # characters: five parts of Hindi at most
_TAKE = text("SELECT * FROM app.take_deliveries(:id)")
_TO = text("SELECT :user, * FROM app.notification_recipient(:user)")
_SETTLE = text("SELECT app.settle_deliveries(:ids, :state, :reason, :off)")
_RETRY = text("SELECT app.retry_deliveries(:ids, :reason, :again)")
_PLAN = text("SELECT app.plan_deliveries(:ids, :dues)")
_RESEND = text("SELECT app.resend_delivery(:id)")
_NOW = text("SELECT app.now()")

_OPEN = N_("Open it in the console: %(link)s")
_GREETING = N_("Hello %(name)s,")
_MANY = N_("%(count)s messages from %(organization)s")
_FOOT = N_("%(organization)s tells you this through the Viramah Console. To get messages of this kind by e-mail no longer: %(off)s")


@dataclass(frozen=True)
class Voice:
    """How to speak to a reader: our own texts, sentences that were made in English, and notes that people write too."""

    say: Callable[[str], str]
    sentence: Callable[[str], str]
    noted: Callable[[str], str]


@dataclass(frozen=True)
class Office:
    """What the edge knows: the channels that are set up, languages, the console's address, the key of the links, and luck."""

    channels: Mapping[Channel, ChannelOut]
    speaks: Callable[[str], AbstractContextManager[Voice]]
    url: str
    secret: str
    luck: Callable[[], float]


def off_secret(secret: str, delivery_id: UUID) -> str:
    """What the link at the foot of a mail carries; the delivery keeps its digest."""
    return hmac.new(secret.encode(), f"viramah.off.v1:{delivery_id}".encode(), "sha256").hexdigest()


def digest(token: str) -> bytes:
    """What to look the link up by."""
    return hashlib.sha256(token.encode()).digest()


def send(session: Session, delivery_id: UUID, office: Office) -> None:
    """Send a delivery with what else is due of its kind for the same person and channel."""
    found = session.execute(_TAKE, {"id": delivery_id}).all()
    muted = [row.id for row in found if row.muted]
    if muted:
        _settle(session, muted, DeliveryState.SKIPPED, SkipReason.MUTED)
    rows = [row for row in found if not row.muted]
    if not rows or _put_off(session, rows):
        return
    ids, first = [row.id for row in rows], rows[0]
    to = session.execute(_TO, {"user": first.user_id}).one_or_none()
    channel = office.channels.get(Channel(first.channel))
    if to is None or channel is None:
        _settle(session, ids, DeliveryState.SKIPPED, SkipReason.NO_ADDRESS if to is None else SkipReason.NOT_SET_UP)
        return
    recipient = Recipient(*to)
    token = off_secret(office.secret, first.id)
    with office.speaks(recipient.language) as voice:
        letter = written(session, recipient, rows, voice, office, f"{office.url}/notifications/off?t={token}")
        try:
            state = channel.deliver(session, recipient, letter)
        except NoWay as error:
            _settle(session, ids, DeliveryState.SKIPPED, error.reason)
        except DomainError as error:
            _failed(session, rows, error, office.luck())
        else:
            _settle(session, ids, state, off=digest(token))


def _put_off(session: Session, rows: Sequence[Row[Any]]) -> bool:
    """Whether the person's quiet hours have begun meanwhile: then it waits for their end."""
    first = rows[0]
    quiet = quiet_hours(first.quiet_from, first.quiet_to, first.zone)
    now: datetime = session.execute(_NOW).scalar_one()
    until = quiet.until(now) if quiet else None
    waits = [row.id for row in rows if row.urgency != Urgency.EMERGENCY] if until else []
    if waits:
        session.execute(_PLAN, {"ids": waits, "dues": [until] * len(waits)})
        session.info[ASKED] = True
    return bool(waits)


def _settle(session: Session, ids: Sequence[UUID], state: DeliveryState, reason: str = "", off: bytes | None = None) -> None:
    session.execute(_SETTLE, {"ids": list(ids), "state": state.value, "reason": str(reason), "off": off})


def _failed(session: Session, rows: Sequence[Row[Any]], error: DomainError, luck: float) -> None:
    attempts = max(row.attempts for row in rows) + 1
    ids = [row.id for row in rows]
    if is_hopeless(error, attempts):
        _settle(session, ids, DeliveryState.FAILED, error.message)
        return
    now: datetime = session.execute(_NOW).scalar_one()
    session.execute(_RETRY, {"ids": ids, "reason": error.message, "again": now + pause_after(attempts, luck)})
    session.info[ASKED] = True


# -- writing -------------------------------------------------------------------------------------------------------------


def written(session: Session, to: Recipient, rows: Sequence[Any], voice: Voice, office: Office, off_url: str) -> Letter:
    """The message as its channel wants it, in the organization's words if it has some, else in ours."""
    first, channel = rows[0], Channel(rows[0].channel)
    if len(rows) == 1:
        title, body = voice.sentence(first.title), voice.noted(first.body)
        link = f"{office.url}/notifications/go/{first.notification_id}"
    else:
        title = voice.say(_MANY) % {"count": len(rows), "organization": to.organization}
        body = "\n".join(f"• {voice.sentence(row.title)}" for row in rows)
        link = f"{office.url}/notifications/"
    values = {"title": title, "body": body, "name": to.name, "organization": to.organization, "link": link}
    own = _template(session, channel, to.language, first.kind)
    return replace(letter_of(channel, values, voice, own, first.id, off_url), round=int(first.due_at.timestamp()))


def letter_of(channel: Channel, values: Mapping[str, str], voice: Voice, own: tuple[str, str] | None, delivery_id: UUID, off_url: str) -> Letter:
    """A letter from its values: `own` is a template's subject and body."""
    usual_subject, usual = _usual(channel, voice)
    subject, template = own or (usual_subject, usual)
    subject = " ".join((fill(subject, values) if subject.strip() else values["title"]).split())
    plain = fill(template, values).strip()
    html = str(fill(str(escape(template.strip())), values, lambda value: str(escape(value))))
    if channel is Channel.TELEGRAM and own is None:
        html = fill("<b>{title}</b>\n{body}\n{link}", values, lambda value: str(escape(value)))
    elif channel is Channel.EMAIL:
        foot = voice.say(_FOOT)
        plain += "\n\n-- \n" + foot % {"organization": values["organization"], "off": off_url} + "\n"
        html = _page(html, foot, values, off_url)
    elif channel is Channel.SMS and len(plain) > SMS_MOST:
        plain = plain[: SMS_MOST - 1] + "…"
    return Letter(delivery_id, subject, plain, html, off_url)


def _usual(channel: Channel, voice: Voice) -> tuple[str, str]:
    """Our own words: a text message says the least."""
    if channel is Channel.SMS:
        return "", "{organization}: {title} {link}"
    if channel is Channel.TELEGRAM:
        return "", "{title}\n\n{body}\n\n{link}"
    return "", (voice.say(_GREETING) % {"name": "{name}"}) + "\n\n{title}\n\n{body}\n\n" + voice.say(_OPEN) % {"link": "{link}"}


def _template(session: Session, channel: Channel, language: str, kind: str) -> tuple[str, str] | None:
    """The organization's words for this kind, else for all kinds, in the reader's language."""
    found = session.execute(
        select(NotificationTemplate.subject, NotificationTemplate.body)
        .where(NotificationTemplate.channel == channel.value, NotificationTemplate.language == (language or "en"),
               NotificationTemplate.kind.in_((kind, "")))
        .order_by(NotificationTemplate.kind.desc()).limit(1)).one_or_none()
    return (found.subject, found.body) if found else None


_PAGE = Markup("""<!doctype html>
<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{subject}</title></head>
<body style="margin:0;background:#f4f5f7;font:16px/1.5 system-ui,'Segoe UI',Roboto,'Noto Sans Devanagari',sans-serif;color:#1d2430">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center" style="padding:24px 12px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:560px;background:#fff;border:1px solid #dfe3e8;border-radius:12px">
<tr><td style="padding:20px 24px 0;font-weight:600;color:#3d5a4c">{organization}</td></tr>
<tr><td style="padding:12px 24px 24px">{content}</td></tr></table>
<p style="max-width:560px;margin:16px auto 0;font-size:13px;color:#5b6573">{foot}</p>
</td></tr></table></body></html>
""")


def _page(content: str, foot: str, values: Mapping[str, str], off_url: str) -> str:
    """The HTML part in the console's face: no image and no script, so that nothing tells when it is opened."""
    link = escape(values["link"])
    anchor = Markup('<a href="{0}" style="color:#1f6f4a">{0}</a>').format(values["link"])
    off = Markup('<a href="{0}" style="color:#5b6573">{0}</a>').format(off_url)
    # Of what stands in the letter the text is escaped already; lines become lines, and our own link can be touched.
    lines = Markup(content.replace(str(link), str(anchor)).replace("\r\n", "\n").replace("\n", "<br>\n"))  # noqa: S704
    said = Markup(str(escape(foot)))  # noqa: S704
    return str(_PAGE.format(subject=values["title"], organization=values["organization"], content=lines,
                            foot=said % {"organization": values["organization"], "off": off}))


def resend(session: Session, delivery_id: UUID) -> None:
    """Send a message again that was given up.

    Errors (as DBAPIError, translated at the edge): VR404 unknown or foreign, VR403 not allowed, VR409 not given up.
    """
    session.execute(_RESEND, {"id": delivery_id})
    session.info[ASKED] = True

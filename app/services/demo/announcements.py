"""The demo's announcements: one that was sent, one that waits for its time, a draft, and the organization's own words for mail."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from app.permissions import Role
from app.rules.notifications import Channel
from app.services import announcements

_RESIDENTS = [Role.RESIDENT.value]
_SENT = ("Water is off on Thursday from 10 to 12", "The tank is cleaned. Please fill a bucket before ten. The taps run again at noon at the latest.")
_WAITING = ("Fire drill on Saturday at 11", "The alarm rings at eleven. Leave the house by the nearest stairs and meet at the gate. It takes ten minutes.")
_DRAFT = ("Monsoon: keep windows shut at night", "")
_STAFF = ("Rota for the long weekend", "Please write your days into the sheet in the office by Wednesday.")
_TEMPLATE = "Namaste {name},\n\n{title}\n\n{body}\n\n{link}\n\nYour team at {organization}"


def announce(session: Session, hostel_id: UUID, now: datetime) -> None:
    """As the owner: to the residents of a hostel in the console, to its staff by mail as well."""
    ids = {text: uuid5(hostel_id, text[0]) for text in (_SENT, _WAITING, _DRAFT, _STAFF)}
    for (title, body), key in ids.items():
        staff = (title, body) == _STAFF
        announcements.add(session, {
            "title": title, "body": body, "hostel_id": hostel_id, "emergency": False,
            "roles": [Role.MAINTENANCE_STAFF.value, Role.CANTEEN_STAFF.value] if staff else _RESIDENTS,
            "channels": [Channel.IN_APP.value, *([Channel.EMAIL.value] if staff else [])]}, key)
    for text in (_SENT, _STAFF):
        announcements.release(session, ids[text], None)
    announcements.release(session, ids[_WAITING], now + timedelta(days=2))


def word(session: Session, org_id: UUID) -> None:
    """Mail in the company's own words."""
    announcements.save_template(session, None, {"channel": Channel.EMAIL.value, "language": "en", "kind": "", "subject": "{title}", "body": _TEMPLATE},
                                uuid5(org_id, "template"), ["en"])

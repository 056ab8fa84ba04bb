"""Forgets what has served its purpose: finished work and tasks, bodies of webhooks, texts of Telegram messages, and counters of limits whose windows are long past."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.rules.payments import BODY_KEPT
from app.rules.progress import KEPT
from app.rules.telegram import KEPT as TEXT_KEPT
from app.services import payments, progress, telegram, work
from jobs.registry import Payload, handles

KEEP_WORK = timedelta(days=14)  # longer than the longest pause of the schedule: a slot's key goes with its row
KEEP_HITS = timedelta(days=2)  # windows are a day at the most
_FORGET_HITS = text("SELECT app.forget_hits(:before)")


@handles("housekeeping.forget")
def forget(session: Session, _payload: Payload) -> None:
    """Remove finished work, what was told of it, bodies of webhooks, texts of Telegram messages, and old counters."""
    now = datetime.now(UTC)
    while work.forget(session, now - KEEP_WORK):
        pass
    while progress.forget(session, now - KEPT):
        pass
    while telegram.forget(session, now - TEXT_KEPT):
        pass
    while payments.forget_bodies(session, now - BODY_KEPT):
        pass
    session.execute(_FORGET_HITS, {"before": now - KEEP_HITS})

"""flask keys …: the ring of keys that single fields are encrypted under."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import click
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from app.crypto import KeyRing
from app.services.personal import rotation
from app.services.telegram.bots import ring_of
from app.tenancy import auth_scope, service_scope
from app.wiring import settings

group = AppGroup("keys", help="Keys of encrypted fields (FIELD_KEYS, TELEGRAM_CONFIG_ENCRYPTION_KEY).")
_REASON = "rotation of the field keys"


@group.command("rotate")
def rotate() -> None:
    """Bring everything under the first key of FIELD_KEYS, and of TELEGRAM_CONFIG_ENCRYPTION_KEY; stop and start it as you like. Nobody notices meanwhile."""
    ring, found = KeyRing(dict(settings().field_keys)), rotation.Rotated()
    service: Callable[[], AbstractContextManager[Session]] = partial(service_scope, _REASON)
    for scope, steps in ((service, rotation.SERVICE_STEPS), (auth_scope, rotation.AUTH_STEPS)):
        for step in steps:
            _run(scope, step, ring, found)
    _run(service, rotation.telegram_bots, ring_of(settings()), found)
    for what, count in sorted(found.done.items()):
        click.echo(f"{count:,} {what} are under {ring.current} now.")
    if found.lost:
        lost = ", ".join(f"{key} ({count:,})" for key, count in sorted(found.lost.items()))
        raise click.ClickException(f"FIELD_KEYS lacks the keys, or has wrong ones, of the ids: {lost}. "
                                   "What is under them was left as it is; add the right keys and run this again.")
    click.echo(f"Everything is under {ring.current}; older keys may leave FIELD_KEYS.")


def _run(scope: Callable[[], AbstractContextManager[Session]], step: rotation.Step, ring: KeyRing, found: rotation.Rotated) -> None:
    after = None
    while True:
        with scope() as session:
            after = step(session, ring, after, found)
        if after is None:
            return

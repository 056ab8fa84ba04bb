"""Which function does which kind of work.

>>> @handles("maintenance.moved")
... def tell_about_move(session: Session, payload: Payload) -> None: ...

A handler runs in a transaction of its own or shared with its neighbours, within the organization that asked for the
work (or on the service login where none did), and the row of the outbox is finished in that same transaction: what
it writes is written exactly once. It never commits, and it finds everything by the ids in the payload. A refusal
that stays (a DomainError with a 4xx status) makes the row a dead letter; any other error is tried again later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from sqlalchemy.orm import Session

import jobs

Payload = dict[str, Any]
Handler = Callable[[Session, Payload], None]


@dataclass(frozen=True)
class Registered:
    """A kind of work; after `longest` its lease is not renewed any more and somebody else may try."""

    kind: str
    call: Handler
    external: bool
    longest: timedelta


HANDLERS: dict[str, Registered] = {}


class NoHandler(LookupError):
    """This version of the code does not know the kind; one that is being deployed may."""


def handles(kind: str, *, external: bool = False, longest: timedelta = timedelta(minutes=10)) -> Callable[[Handler], Handler]:
    """Register the decorated function for `kind`.

    `external`: it calls the outside (mail, Telegram), so it runs alone, and may run twice if its worker is killed
    between the call and the commit: give the other side a key that names the occasion.
    """

    def register(call: Handler) -> Handler:
        if kind in HANDLERS:
            raise ValueError(f"{kind} has a handler already: {HANDLERS[kind].call.__qualname__}")
        HANDLERS[kind] = Registered(kind, call, external, longest)
        return call

    return register


def handler_of(kind: str) -> Registered:
    """The handler of a kind; NoHandler if there is none."""
    try:
        return HANDLERS[kind]
    except KeyError:
        raise NoHandler(f"Nothing here handles {kind!r}.") from None


def external_kinds() -> list[str]:
    """Kinds that call the outside."""
    return [found.kind for found in HANDLERS.values() if found.external]


def load() -> None:
    """Import every module of this package, so that all handlers are known."""
    for found in iter_modules(jobs.__path__):
        import_module(f"jobs.{found.name}")

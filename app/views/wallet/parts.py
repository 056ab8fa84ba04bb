"""What staff and residents share when they look at a wallet: its statement page by page, and the same as a file."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Response, current_app, g, request, url_for
from flask_babel import gettext
from sqlalchemy.orm import Session

from app.models.wallet import LedgerEntry, Wallet
from app.permissions import Portal
from app.rules.payments import Gateway
from app.rules.wallet import TransactionKind
from app.services import wallet_reading as reading
from app.services.wallet_reading import Asked, Funding
from app.views import formats
from app.views.base import ConsoleModelView
from app.views.edge import paper
from app.views.paging import BadListRequest
from reports import wallet_statement
from reports.render import to_csv, to_html, to_pdf

_FIELDS = ("first", "last", "kind", "text")
_WORDS_MAX = 100


@dataclass(frozen=True)
class StatementPage:
    """One page of a statement, with what paid for each debit, and the links to the next one and to what things come from."""

    wallet: Wallet
    entries: list[LedgerEntry]
    funding: Mapping[int, list[Funding]]
    given: Mapping[str, str]
    wrong: str
    earlier: str
    later: str
    links: Mapping[UUID, str]

    @property
    def filtered(self) -> bool:
        """Whether only some are asked for."""
        return any(self.given.values())

    def amount(self, paise: int) -> str:
        """With its sign, in the currency of the wallet."""
        return ("+" if paise > 0 else "") + formats.money(paise, self.wallet.currency)

    def money(self, paise: int | None) -> str:
        """In the currency of the wallet."""
        return formats.money(paise, self.wallet.currency)

    def kind(self, name: str) -> str:
        """Why money moved, in words."""
        return formats.human(TransactionKind(name))

    def link(self, booked: LedgerEntry | Funding) -> str:
        """The page of what it was booked for, for staff."""
        named = booked.transaction if isinstance(booked, LedgerEntry) and self.links else booked
        return self.links.get(getattr(named, "source_id", None) or UUID(int=0), "")

    def unpaid(self, entry: LedgerEntry) -> int:
        """What of a debit no money has come in for yet."""
        return -entry.amount_paise - sum(part.amount_paise for part in self.funding.get(entry.seq, ()))


def statement_page(session: Session, wallet: Wallet) -> StatementPage:
    """What the address asks for; a filter that cannot be read is left out and named in `wrong`."""
    staff = g.identity.portal is not Portal.RESIDENT
    given = {name: request.args.get(name, "").strip()[:_WORDS_MAX] for name in _FIELDS}
    asked, wrong = _asked(given, ZoneInfo(wallet.hostel.timezone))
    rows, before = reading.statement(session, wallet.id, asked, before=_place(), sources=staff)
    paid = reading.funding(session, wallet.id, rows, sources=staff)
    links: dict[UUID, str] = {}
    if staff:
        named = [(row.transaction.source, row.transaction.source_id) for row in rows]
        named += [pair for parts in paid.values() for part in parts
                  for pair in ((part.source, part.source_id), ("webhook_deliveries", part.delivery_id),
                               ("settlement_statements", part.statement_id))]
        links = {key: link for table, key in dict.fromkeys(named) if key and (link := source_link(table, key))}
    now = {name: value for name, value in given.items() if value}
    here = {"before": request.args["before"]} if request.args.get("before") else {}
    return StatementPage(wallet, list(rows), paid, given, wrong, f"?{urlencode({**now, 'before': before})}" if before else "",
                         f"?{urlencode(now)}" if here else "", links)


def _asked(given: Mapping[str, str], zone: ZoneInfo) -> tuple[Asked, str]:
    wrong = ""
    days: dict[str, date] = {}
    for name in ("first", "last"):
        if given[name]:
            try:
                days[name] = date.fromisoformat(given[name])
                _beginning(days[name] + timedelta(days=1), zone)
            except (ValueError, OverflowError):
                days.pop(name, None)
                wrong = name
    kind = None
    if given["kind"]:
        try:
            kind = TransactionKind(given["kind"])
        except ValueError:
            wrong = "kind"
    since = _beginning(days["first"], zone) if "first" in days else None
    until = _beginning(days["last"] + timedelta(days=1), zone) if "last" in days else None
    return Asked(since, until, kind, given["text"].replace("\x00", "")), wrong


def _beginning(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _place() -> int | None:
    text = request.args.get("before", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):  # noqa: PLR2004 - what a bigint holds
        raise BadListRequest(gettext("This link to a page of the list is broken. Start from the first page."))
    return int(text)


def party_name(party: str) -> str:
    """A gateway as it calls itself."""
    return formats.human(Gateway(party)) if party in set(Gateway) else party


def source_link(table: str, key: UUID) -> str:
    """The page of the row that something was booked for, where there is one that the caller may open."""
    for view in current_app.extensions["appbuilder"].baseviews:
        if isinstance(view, ConsoleModelView) and view.datamodel.mapper.local_table.name == table:
            with suppress(LookupError):
                if view.allowed("show"):
                    return url_for(f"{view.endpoint}.show", pk=key)
    return ""


def statement_file(session: Session, wallet: Wallet, ending: str) -> Response:
    """The statement of a period as PDF or CSV. Errors: Invalid for a period that is none."""
    zone = ZoneInfo(wallet.hostel.timezone)
    parameters = wallet_statement.read_parameters(request.args, formats.now().astimezone(zone).date())
    found = wallet_statement.query(session, wallet, parameters, organization=g.identity.org_name, made_by=g.identity.name, now=formats.now())
    name = wallet_statement.filename(found, ending)
    if ending == "csv":
        return paper(to_csv(wallet_statement.CSV_HEADS, wallet_statement.csv_rows(found)), name)
    return paper(to_pdf(statement_document(found)), name)


def statement_document(found: wallet_statement.Statement) -> str:
    """The statement's HTML, ready to become a PDF."""
    return to_html("reports/wallet_statement.html", statement=found, made_at=formats.made_at(found.made_at, found.zone),
                   kind=lambda name: formats.human(TransactionKind(name)), money=lambda paise: formats.money(paise, found.wallet.currency))


def this_month(zone: Any) -> dict[str, str]:
    """What a form of a period begins with."""
    today = formats.now().astimezone(zone).date()
    return {"first": today.replace(day=1).isoformat(), "last": today.isoformat()}

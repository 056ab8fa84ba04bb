"""What the adapters share: asking over HTTP, reading answers, signatures and statements. Secrets reach no error."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Final
from urllib.parse import quote, urlsplit

import requests

from app.gateways.bounded import Bounded
from app.gateways.payments import (
    REFERENCE_MAX,
    BodyInvalid,
    GatewayKeys,
    GatewayRefused,
    GatewayUnavailable,
    NewOrder,
    SettlementLine,
    SignatureInvalid,
)

PATIENCE: Final = 10.0  # seconds for one question, with all requests that it takes
_PAUSE: Final = 6.0  # seconds without a byte
_LARGEST: Final = 8 * 1024 * 1024  # bytes of an answer; a page of a settlement has less than one million
PAGES_MAX: Final = 1000  # of one list: a gateway that always has more must not hold a process
STATEMENT_MAX: Final = 20 * 1024 * 1024  # bytes of a statement that somebody uploads
INDIA: Final = timezone(timedelta(hours=5, minutes=30))
_LONGEST: Final = 200  # characters of an id or a reason
_FIRST_YEAR: Final = 2000  # none of them is older
_MOST: Final = 1 << 63  # the database keeps no larger number
_REFERENCE: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{REFERENCE_MAX}}}")
# Currencies whose smallest unit is not a hundredth (ISO 4217; docs.stripe.com/currencies): their amounts would be misread.
_OTHER_UNITS: Final = frozenset({
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
    "XPF", "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND",
})
UNAUTHORIZED: Final = "unauthorized"  # the code of a refusal because of the keys, whatever the gateway calls it
_TRY_AGAIN: Final = frozenset({408, 409, 425, 429})  # beside 3xx and 5xx


class Wire:
    """The way to one gateway for one merchant."""

    def __init__(self, base_url: str, keys: GatewayKeys) -> None:
        self._base = base_url.rstrip("/")
        self._secrets = [value for value in (keys.secret, keys.webhook_secret) if value]

    def ask(self, method: str, path: str, refusal: Callable[[Mapping[str, Any]], tuple[Any, Any]], **options: Any) -> dict[str, Any]:
        """The object that the gateway answers; `refusal` finds its own code and reason in an answer with an error status."""
        url = path if path.startswith(("http://", "https://")) else self._base + path
        with requests.Session() as session:
            session.trust_env = urlsplit(url).scheme == "https"  # proxies are for the outside
            for scheme in ("https://", "http://"):
                session.mount(scheme, Bounded(time.monotonic() + PATIENCE, _PAUSE, _LARGEST))
            options.setdefault("auth", _as_it_is)
            try:
                answer = session.request(method, url, allow_redirects=False, **options)
            except requests.RequestException as error:
                raise GatewayUnavailable(type(error).__name__) from None
        if answer.status_code // 100 not in (2, 4) or answer.status_code in _TRY_AGAIN:
            raise GatewayUnavailable(f"status {answer.status_code}")
        try:
            found = answer.json()
        except ValueError:
            found = None
        if answer.ok:
            if not isinstance(found, dict):
                raise GatewayUnavailable("answer")
            return found
        code, reason = refusal(found) if isinstance(found, dict) else (None, None)
        if answer.status_code in (401, 403):
            code = UNAUTHORIZED
        raise GatewayRefused(self._shown(code) or f"status {answer.status_code}", self._shown(reason))

    def _shown(self, text: object) -> str:
        """What a gateway says of itself, short, on one line, and without our secrets in case it repeats them."""
        shown = " ".join(str(text or "").split())
        for secret in self._secrets:
            shown = shown.replace(secret, "…")
        return shown[:_LONGEST]


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps a .netrc of this machine from putting another header in the place of ours."""
    return request


@contextmanager
def reading(trouble: type[Exception] = GatewayUnavailable) -> Iterator[None]:
    """Whatever is missing, or of another type than documented, is one thing: an answer that cannot be used."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError, StopIteration) as error:
        raise trouble("unreadable") from error


def whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= _MOST:
        raise TypeError("whole number")
    return value


def word(value: object) -> str:
    """An id or a name; nothing is empty."""
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > _LONGEST or "\0" in value:
        raise TypeError("word")
    return value


def needed(value: object) -> str:
    if not (found := word(value)):
        raise ValueError("empty")
    return found


def needed_url(value: object) -> str:
    if not isinstance(value, str) or not value.startswith(("https://", "http://")):
        raise ValueError("address")
    return value


def moment(seconds: object) -> datetime:
    return datetime.fromtimestamp(whole(seconds), UTC)


def sent(body: bytes) -> dict[str, Any]:
    """The object that a webhook carries. Errors: BodyInvalid."""
    with reading(BodyInvalid):
        found = json.loads(body)
        if not isinstance(found, dict):
            raise TypeError("object")
        return found


def check_order(order: NewOrder, currencies: frozenset[str] | None = None) -> None:
    """Refuse what no gateway may see. Errors: GatewayRefused."""
    if not _REFERENCE.fullmatch(order.reference):
        raise GatewayRefused("reference", f"A reference has 1 to {REFERENCE_MAX} letters, digits, _ and -.")
    if order.amount_paise <= 0:
        raise GatewayRefused("amount", "The amount must be more than nothing.")
    currency = order.currency
    known = currency in currencies if currencies else re.fullmatch("[A-Z]{3}", currency) and currency not in _OTHER_UNITS
    if not known:
        raise GatewayRefused("currency", f"Amounts in {currency[:3]} cannot be asked for here.")


def part(value: str) -> str:
    """An id as one part of a path."""
    return quote(needed(value), safe="")


def header(headers: Mapping[str, str], name: str) -> str:
    return next((value for key, value in headers.items() if key.lower() == name), "")


def hmac_hex(secret: str, *parts: bytes) -> str:
    if not secret:
        raise SignatureInvalid("no secret is set")
    return hmac.new(secret.encode(), b"".join(parts), hashlib.sha256).hexdigest()


def same(given: str, made: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), made.encode())


# Statements that people upload


def statement(content: bytes, columns: Sequence[str], read: Callable[[Mapping[str, str]], SettlementLine | None]) -> list[SettlementLine]:
    """The lines of a CSV file with these columns; `read` makes one of a row, or None of a row that moves nothing.

    Errors: GatewayRefused with the row's number.
    """
    if len(content) > STATEMENT_MAX:
        raise GatewayRefused("csv", "The file is larger than 20 MB.")
    try:
        rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        names = [name.strip().lower() for name in next(rows, [])]
        missing = [name for name in columns if name.lower() not in names]
        if missing:
            raise GatewayRefused("csv", f"This is another file: it has no column {missing[0]}.")
        found = []
        for number, row in enumerate(rows, start=2):
            if not any(cell.strip() for cell in row):
                continue
            try:
                line = read({name: cell.strip() for name, cell in zip(names, row, strict=True)})
                if line:
                    found.append(_plausible(line))
            except (ValueError, TypeError, KeyError, OverflowError):
                raise GatewayRefused("csv", f"Row {number} cannot be read.") from None
    except (UnicodeDecodeError, csv.Error):
        raise GatewayRefused("csv", "The file is not CSV in UTF-8.") from None
    return found


def _plausible(line: SettlementLine) -> SettlementLine:
    """The line, if it is one that can be kept and booked. Errors: TypeError, ValueError."""
    for text in (line.line_id, line.payment_id, line.reference, line.refund_id, line.utr):
        word(text)
    for amount in (line.amount_paise, line.fee_paise, line.tax_paise):
        whole(amount)
    if not re.fullmatch("[A-Z]{3}", line.currency) or line.settled_on.year < _FIRST_YEAR:
        raise ValueError("currency or day")
    return line


def hundredths(text: str) -> int:
    """`1,234.50` as 123450, exactly; nothing is 0."""
    found = re.fullmatch(r"(-?)([0-9][0-9,]{0,18})(?:\.([0-9]{1,2})0*)?", text or "0")
    if not found:
        raise ValueError("amount")
    sign, whole_part, rest = found.groups(default="")
    return int(f"{sign}{whole_part.replace(',', '')}{rest:0<2}")


def written_day(text: str) -> date:
    """A day as gateways write it: year first, or day first."""
    return written_moment(text).date()


def written_moment(text: str) -> datetime:
    for layout in ("%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%d-%m-%Y %H:%M:%S", "%Y-%m-%d", "%d-%m-%Y", "%d/%m/%Y"):
        try:
            return datetime.strptime(text, layout).replace(tzinfo=INDIA)
        except ValueError:
            continue
    raise ValueError("date")

"""Personal data and secrets are taken out of whatever is about to be written down: logs, error reports.

Two nets. By name: the value of a key that says what it holds (`password`, `phone`) goes whole. By shape: in every
text, also in tracebacks, what looks like an address, a number, a token or a row of the database is replaced.
Masking too much costs a look elsewhere, masking too little cannot be taken back: when in doubt it masks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

MASK = "[masked]"
_MAX_DEPTH = 12

_SECRET_WORDS = frozenset(
    [
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "secret",
        "secrets",
        "token",
        "tokens",
        "apikey",
        "credential",
        "credentials",
        "authorization",
        "cookie",
        "cookies",
        "otp",
        "totp",
        "pin",
        "phone",
        "phones",
        "mobile",
        "whatsapp",
        "telegram",
        "email",
        "emails",
        "mail",
        "aadhaar",
        "aadhar",
        "pan",
        "dsn",
        "csrf",
        "signature",
        "recovery",
        "birthday",
        "dob",
        "address",
        "addresses",
        "ip",
        "guardian",
    ]
)
_SECRET_NAMES = frozenset(
    [
        "code",
        "codes",
        "key",
        "api_key",
        "access_key",
        "secret_key",
        "private_key",
        "seal_key",
        "field_keys",
        "session",
        "session_id",
        "sid",
        "full_name",
        "first_name",
        "last_name",
        "verification_code",
        "remote_addr",
        "date_of_birth",
    ]
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_PATTERNS: list[tuple[re.Pattern[str], str]] = [
    (re.compile(text), replacement)
    for text, replacement in (
        # What the database and its driver add to an error: whole rows, keys, parameters.
        (r"(?s)Failing row contains \(.*?\)(?=\.?\s*(?:\n|\"|$))", f"Failing row contains ({MASK})"),
        (r"(?s)\[parameters: .*?\](?=\s*(?:\n|\(Background|$))", f"[parameters: {MASK}]"),
        (r"(Key \([^)\n]*\)=)\([^\n]*?\)(?= (?:already|is|conflicts|was)|\.|$)", rf"\1({MASK})"),
        # scheme://user:password@host
        (r"(\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s:/@\"']*):[^\s/\"']*@(?=[^\s@]*)", rf"\1:{MASK}@"),
        # Telegram bot tokens: also inside https://api.telegram.org/bot<token>/
        (r"(?<!\d)\d{6,12}:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])", MASK),
        (r"(?i)\b(bearer|basic|digest)\s+[a-z0-9._~+/=-]{6,}", rf"\1 {MASK}"),
        # name=value and "name": "value" in free text and in query strings
        (
            r"(?i)\b((?:[a-z_-]*(?:password|passwd|secret|token|api[_-]?key|authorization|cookie|signature|totp|otp))"
            r"|pwd|pin|sig|code|state)([\"']?\s*[=:]\s*)(?!\[masked\])(\"[^\"\n]*\"|'[^'\n]*'|[^\s\"'&,;)}\]]+)",
            rf"\1\2{MASK}",
        ),
        # Signed tokens, session cookies, JWTs: parts of base64url joined by dots, the last with a capital
        (r"(?<![\w.-])\.?(?:[\w-]{4,}\.){1,2}(?=[\w-]*[A-Z])[\w-]{27,}(?![\w-])", MASK),
        # One-time secrets: 256 bits in base64url, alone or in a path; hashes in hex have no capitals
        (r"(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{40,}(?![\w-])", MASK),
        # E-mail addresses
        (r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)*", MASK),
        # Phone numbers: E.164 with any spacing, and Indian mobile numbers with or without 0 or 91
        (r"(?<![\w+])\+\d(?:[ ().-]{0,2}\d){7,14}(?!\d)", MASK),
        (r"(?<![0-9A-Za-z.])(?<![0-9a-f]{4}-)(?:0|91[ -]?)?[6-9]\d{4}[ -]?\d{5}(?![0-9A-Za-z])", MASK),
        # Aadhaar: twelve digits in groups of four
        (r"(?<![\w-])[2-9]\d{3}[ -]\d{4}[ -]\d{4}(?![\w-])", MASK),
    )
]


def is_secret_name(name: str) -> bool:
    """Whether a key of this name holds something that must not be written down."""
    words = [word.lower() for word in _WORDS.findall(name)]
    return not _SECRET_WORDS.isdisjoint(words) or "_".join(words) in _SECRET_NAMES


def mask_text(text: str) -> str:
    """The text with everything replaced that looks personal or secret."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def mask(value: Any, depth: int = 0) -> Any:
    """The value in plain types (dict, list, str, numbers), masked throughout; objects become their repr."""
    if value is None or isinstance(value, bool | int | float | Decimal):
        return value
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, UUID | datetime | date | timedelta):
        return str(value)
    if depth >= _MAX_DEPTH:
        return MASK
    if isinstance(value, Mapping):
        return {
            str(name): MASK if is_secret_name(str(name)) and inner is not None else mask(inner, depth + 1)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple | Set):
        return [mask(inner, depth + 1) for inner in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    return mask_text(repr(value))

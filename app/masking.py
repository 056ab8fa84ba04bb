"""Personal data and secrets are taken out of whatever is about to be written down: logs, error reports.

Two nets. By name: the value of a key that says what it holds (`password`, `phone`) goes whole. By shape: in every
text, also in tracebacks, what looks like an address, a number, a token or a row of the database is replaced.
Masking too much costs a look elsewhere, masking too little cannot be taken back: when in doubt it masks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

MASK = "[masked]"
MAX_TEXT = 32_000  # characters of one text; a traceback has some thousands
_SHORT = 100  # characters
_MAX_DEPTH = 12

# One of its words says it …
_SECRET_WORD = re.compile(
    r"pass(?:word|wd|phrase)s?|pwd|secrets?|tokens?|apikey|credentials?|authorization|cookies?|csrf|signature|dsn"
    r"|otp|totp|pin|recovery|phones?|mobile|whatsapp|telegram|e?mails?|address(?:es)?|ip|aadhaa?r|pan|dob|birthday"
    r"|guardian"
)
# … or the whole does.
_SECRET_NAME = re.compile(
    r"codes?|(?:verification|login|invite)_code|session(?:_id)?|sid|(?:full|first|last)_name|remote_addr|date_of_birth"
    r"|(?:.+_)?(?:api|access|secret|private|seal|field)_keys?"
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

# In this order; every repetition is bounded or anchored, so that no text takes more than linear time.
_SHAPES = [
    # What the database and its driver add to an error: parameters, whole rows, keys.
    (r"\[parameters: [^\n]*", f"[parameters: {MASK}]"),
    (
        r"(?s)Failing row contains \(.*?(?=\n\[SQL:|\nCONTEXT:|\n\nThe above|\n\nDuring|\Z)",
        f"Failing row contains ({MASK})",
    ),
    (r"(Key \([^)\n]{0,200}\)=)\([^\n]*\)", rf"\1({MASK})"),
    # scheme://user:password@host
    (r"(\b[a-zA-Z][a-zA-Z0-9+.-]{0,30}://[^\s:/@\"']{0,100}):[^\s/\"']{0,200}@", rf"\1:{MASK}@"),
    # Telegram bot tokens, also inside https://api.telegram.org/bot<token>/
    (r"(?<!\d)\d{6,12}:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])", MASK),
    (r"(?i)\b(bearer|basic|digest)\s+[a-z0-9._~+/=-]{6,}", rf"\1 {MASK}"),
    # name=value and "name": "value" in free text; in query strings also the short names
    (
        (
            r"(?i)((?:password|passwd|pwd|secret|token|api[_-]?key|authorization|cookie|signature|totp|otp)"
            r"[\"']?\s{0,3}[=:]\s{0,3})(?!\[masked\])(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s\"'&,;)}\]]+)"
        ),
        rf"\1{MASK}",
    ),
    (r"(?i)([?&](?:code|state|key|sig|t|link)=)[^&\s\"'#]+", rf"\1{MASK}"),
    (r"(?i)\b(otp|code|pin)\b([^\d\n]{1,12})\d{4,8}\b", rf"\1\2{MASK}"),
    # Signed tokens, session cookies, JWTs: parts of base64url joined by dots, the last with a capital
    (r"(?<![\w.-])\.?(?:[\w-]{4,}\.){1,2}(?=[\w-]*[A-Z])[\w-]{27,}(?![\w-])", MASK),
    # One-time secrets: 256 bits in base64url, alone or in a path; hashes in hex have no capitals
    (r"(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{40,}(?![\w-])", MASK),
    # E-mail addresses
    (r"(?<![\w.+%'-])[\w.+%'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,5}", MASK),
    # Phone numbers: E.164 with any spacing, and Indian mobile numbers with or without 0 or 91 (not inside a uuid)
    (r"(?<![\w+])\+\d(?:[ ().-]{0,2}\d){7,14}(?!\d)", MASK),
    (r"(?<![0-9A-Za-z.])(?<![0-9a-f]{4}-)(?:0|91[ -]?)?[6-9]\d{4}[ -]?\d{5}(?![0-9A-Za-z])", MASK),
    # Aadhaar: twelve digits in groups of four
    (r"(?<![\w-])[2-9]\d{3}[ -]\d{4}[ -]\d{4}(?![\w-])", MASK),
]
_PATTERNS = [(re.compile(shape), replacement) for shape, replacement in _SHAPES]


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Whether a key of this name holds something that must not be written down."""
    words = [word.lower() for word in _WORDS.findall(name)]
    return any(map(_SECRET_WORD.fullmatch, words)) or _SECRET_NAME.fullmatch("_".join(words)) is not None


def mask_text(text: str) -> str:
    """The text, cut if it is very long, with everything replaced that looks personal or secret."""
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}… [{len(text)} characters]"
    return _masked_again(text) if len(text) <= _SHORT else _masked(text)


def _masked(text: str) -> str:
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


_masked_again = lru_cache(maxsize=1024)(_masked)  # events, methods and most addresses come with every request


def mask(value: Any, depth: int = 0) -> Any:
    """The value in plain types (dict, list, str, numbers), masked throughout; objects become their repr.

    Numbers stay, unless their name says what they are: a phone number logged as an integer needs a telling name.
    """
    if isinstance(value, Mapping | list | tuple | AbstractSet):
        return MASK if depth >= _MAX_DEPTH else _mask_inside(value, depth + 1)
    if value is None or isinstance(value, bool | int | float | Decimal):
        return value
    if isinstance(value, UUID | datetime | date | timedelta):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    return mask_text(value if isinstance(value, str) else repr(value))


def _mask_inside(value: Mapping[Any, Any] | Iterable[Any], depth: int) -> Any:
    if not isinstance(value, Mapping):
        return [mask(inner, depth) for inner in value]
    return {
        str(name): MASK if inner is not None and is_secret_name(str(name)) else mask(inner, depth)
        for name, inner in value.items()
    }

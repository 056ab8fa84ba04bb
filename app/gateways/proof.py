"""Proof of work in the format of ALTCHA (its protocol 1): made and checked here, so no other company watches our visitors.

A challenge is the hash of a salt and a secret number below WORK; whoever finds the number has spent the work. It is
signed, so nothing is stored until it is solved; that each is used once is the database's to see (`once`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

from altcha import v1

from app.rules.errors import Invalid

LIFETIME = timedelta(minutes=20)  # how long a challenge may be solved and sent
WORK = 50_000  # hashes at the most: about a second on a phone, a day for a hundred thousand forms
LONGEST = 2000  # characters of a payload


def _key(secret: str, purpose: str) -> str:
    """A key of its own, so that a proof made for one page opens no other."""
    return hmac.new(secret.encode(), f"proof-of-work:{purpose}".encode(), hashlib.sha256).hexdigest()


def challenge(secret: str, purpose: str, now: datetime) -> dict[str, str | int]:
    """What the browser is to solve: algorithm, challenge, maxnumber, salt, signature."""
    made = v1.create_challenge(v1.ChallengeOptions(
        algorithm="SHA-256", max_number=WORK, hmac_key=_key(secret, purpose), expires=now + LIFETIME))
    return {"algorithm": made.algorithm, "challenge": made.challenge, "maxnumber": made.max_number, "salt": made.salt,
            "signature": made.signature}


def check(payload: str, secret: str, purpose: str, now: datetime) -> tuple[str, datetime]:
    """(name, end) of a solved challenge: under this name it may be used once until its end. Error: Invalid."""
    refusal = Invalid("The check that you are not a program has not ended or is too old. Please send the form again.", field="altcha")
    if not payload or len(payload) > LONGEST:
        raise refusal
    try:
        given = json.loads(base64.b64decode(payload, validate=True))
        ends = datetime.fromtimestamp(int(parse_qs(given["salt"].rpartition("?")[2].rstrip("&"))["expires"][0]), UTC)
        correct, _ = v1.verify_solution(payload, _key(secret, purpose), check_expires=False)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError, RecursionError, binascii.Error) as error:
        raise refusal from error
    if not correct or ends < now:
        raise refusal
    return f"{purpose}:{given['challenge']}", ends


def solve(given: dict[str, str | int]) -> str:
    """The payload of a challenge, as a browser makes it; for programs that use the API, and for tests."""
    found = v1.solve_challenge(str(given["challenge"]), str(given["salt"]), v1.SHA256, int(given["maxnumber"]))
    if found is None:
        raise ValueError("This challenge has no solution.")
    solved = {"algorithm": given["algorithm"], "challenge": given["challenge"], "number": found.number, "salt": given["salt"],
              "signature": given["signature"]}
    return base64.b64encode(json.dumps(solved).encode()).decode()

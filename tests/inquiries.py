"""Strangers who ask for a bed through the public form, or as a program."""

from __future__ import annotations

import json
import re
from typing import Any

from app.gateways import proof

PAGE = "/i/asha"
PHONE = "098765 43210"


def solved(page: str) -> str:
    """The proof of work that a browser would do for a page."""
    found = re.search(r"data-inquiry='([^']+)'", page)
    assert found
    return proof.solve(json.loads(found[1]))


def ask(who: Any, page: str = PAGE, **fields: str) -> Any:
    """Open the form and send it."""
    opened = who.get(f"{page}?another=1").get_data(as_text=True)
    return who.post(page, {"full_name": "Meera Joshi", "phone": PHONE, "altcha": solved(opened), **fields})


def by_api(who: Any, **fields: Any) -> Any:
    given = who.get("/v1/inquiries/challenge?organization=asha").get_json()
    return who.post("/v1/inquiries", json={"organization": "asha", "full_name": "Meera Joshi", "phone": PHONE,
                                           "altcha": proof.solve(given), **fields})

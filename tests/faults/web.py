"""The product's web application, with an address that asks for work and stands still before or after the commit."""

from __future__ import annotations

import os
from uuid import UUID

from app import create_app
from app.services import work
from app.tenancy import tenant_scope
from tests.faults.kinds import hold_if_asked

app = create_app("web")
app.config["WTF_CSRF_ENABLED"] = False


@app.post("/fault/<when>/<word>")
def ask(when, word):
    """Ask for the word to be written down."""
    with tenant_scope(UUID(os.environ["FAULT_ORG"])) as session:
        work.enqueue(session, "fault.note", {"word": word})
        if when == "before":
            hold_if_asked(word)
    hold_if_asked(word)
    return "asked\n"

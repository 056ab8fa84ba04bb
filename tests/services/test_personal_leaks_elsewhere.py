"""The same for what comes in by files and from other houses: imports, contacts, and who signs in with Google or GitHub."""

from __future__ import annotations

import io
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from app.local.environment import TWIN_SECRET
from tests.houses import scalar
from tests.services.test_personal_leaks import Walk, _redis, dump, said, work  # noqa: F401
from tests.views.test_imports_pages import typed
from tests.views.test_people_account import mailbox  # noqa: F401
from tests.views.test_people_oauth_signing_in import BOTH, agree, begin, link, served, twin  # noqa: F401
from tests.views.test_people_signing_in import with_password  # noqa: F401

RESIDENTS = ("Name,Email,Joining Date,Phone,Guardian Phone,Aadhaar,Address\n"
             "Meera Joshi,meera@people.example,2025-02-13,98765 01234,98765 05678,2345 6789 0124,Marked Lake Road 4711\n"
             "Nobody,not an address,2025-02-13,98765 09999,,,\n")
CONTACTS = ("Contact Id,First Name,Last Name,Phone,Email\nghl-1,Asha,Pai,98765 04321,marked.contact@strangers.example\n"
            "ghl-2,No,Way,98765,\n")
STRANGER = "marked.by.google@strangers.example"
WANTED = {"98765 01234", "9876501234", "98765 05678", "9876505678", "2345 6789 0124", "234567890124", "Marked Lake Road 4711",
          "98765 09999", "9876509999", "98765 04321", "9876504321", "marked.contact@strangers.example", STRANGER, TWIN_SECRET}


def comes_in(walk, owner, hostel, kind, content):
    """A file, by the pages; returns its run."""
    walk.post(owner, "/imports/add", {"kind": kind, "hostel_id": str(hostel), "encoding": "", "file": (io.BytesIO(content.encode()), "old.csv")})
    run = re.search(r"/imports/show/([0-9a-f-]{36})", walk.get(owner, "/imports/list/?status=uploaded").decode())[1]
    for page in ("columns", "values"):
        walk.post(owner, f"/imports/{page}/{run}", typed(walk.get(owner, f"/imports/{page}/{run}").decode()))
    work()
    walk.get(owner, f"/imports/show/{run}")
    walk.get(owner, f"/imports/refused/{run}")
    walk.post(owner, f"/imports/start/{run}")
    work()
    return run


def is_worked_with(walk, owner, superuser):
    """Who was imported is invited, a contact is called and asks for a bed, and residents are asked for by number."""
    resident = scalar(superuser, "SELECT id FROM residents")
    walk.get(owner, f"/residents/show/{resident}")
    walk.post(owner, f"/residents/invite/{resident}")
    contact = scalar(superuser, "SELECT id FROM contacts")
    walk.get(owner, f"/contacts/show/{contact}")
    assert "+919876504321" in walk.post(owner, f"/contacts/reveal/{contact}", {"reason": "To call"}, 200)
    walk.post(owner, f"/contacts/inquire/{contact}")
    work()


def signs_in_elsewhere(walk, browser, owner, provider):
    """An address that nobody has here, then one that is linked: the codes that came back in addresses, used up by then."""
    somebody, codes = browser(None), []
    for email in (STRANGER, owner.email):
        back = agree(begin(somebody, provider), email)
        codes += parse_qs(urlsplit(back).query)["code"]
        answer = somebody.get(back)
        theirs = answer.get_data(as_text=True).replace(STRANGER, "").replace(codes[-1], "")  # may be read by themselves
        walk.pages.append(theirs + str(answer.headers))
    link(browser(None), owner, provider)
    return codes


@pytest.mark.usefixtures("with_password")
def test_nothing_of_imports_contacts_and_providers_is_written_down_in_clear(app, world, browser, superuser, dump, said, twin):  # noqa: F811
    owner, walk = world.owner, Walk(browser)
    runs = [comes_in(walk, owner, world.a.places[0].hostel_id, kind, content)
            for kind, content in (("residents", RESIDENTS), ("contacts", CONTACTS))]
    is_worked_with(walk, owner, superuser)
    secrets = [code for provider in BOTH for code in signs_in_elsewhere(walk, browser, owner, provider)] + list(twin.tokens)
    before = dump()
    for run in runs:
        walk.post(owner, f"/imports/undo/{run}")
    work()
    with superuser.begin() as c:
        found = {"audit": str(c.scalar(text("SELECT array_agg(l::text) FROM audit_log l"))),
                 "jobs": str(c.scalar(text("SELECT array_agg(o::text) FROM outbox o")))}
    found |= {"logs": said(), "answers": "".join(walk.pages), "URLs": "".join(walk.urls), "Redis": _redis(), "dump": before,
              "dump after the undoing": dump()}
    assert "Meera Joshi" in before
    assert f"/imports/undo/{runs[0]}" in found["logs"]  # what is searched is what was planted
    assert len(secrets) > len(BOTH)
    leaks = [(place, mark) for place, content in found.items() for mark in {*WANTED, *secrets} if mark in content]
    assert not leaks, leaks

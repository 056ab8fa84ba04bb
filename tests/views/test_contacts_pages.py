"""Contacts of another program: imported encrypted, matched with inquiries, revealed with a reason, made into an inquiry (I5)."""

import re

import pytest

from app.permissions import Role
from tests.imports import imported, there, told, undone

FILE = (b"Contact Id,First Name,Last Name,Phone,Email,Source,Created\n"
        b"ghl-1,Meera,Joshi,98765 43210,meera@people.example,Instagram,2025-02-13T10:00:00Z\n"
        b"ghl-2,Anil,Pai,,anil@people.example,,\nghl-3,No,Way,,,,\n")


@pytest.fixture
def run_id(app, world):
    return imported(world.owner, FILE, kind="contacts", zone="Asia/Kolkata")


def test_a_contact_is_seen_masked_revealed_with_a_reason_and_becomes_an_inquiry(run_id, world, superuser, browser):
    run, counts = told(world.owner, run_id)
    assert (run.status, counts.created, counts.refused) == ("done", 2, 1)
    held = str(there(superuser, "SELECT to_jsonb(c) FROM contacts c")) + str(there(superuser, "SELECT before, after FROM audit_log"))
    assert "43210" not in held
    assert "meera@" not in held
    client = browser(world.owner)
    page = client.get("/contacts/list/").text
    assert "Meera Joshi" in page
    assert "43210" not in page
    contact = there(superuser, "SELECT id FROM contacts WHERE external_id = 'ghl-1'")[0][0]
    assert "ghl-1" in client.get(f"/contacts/show/{contact}").text
    assert client.post(f"/contacts/reveal/{contact}", {"reason": "because"}).status_code == 422
    assert "tel:+919876543210" in client.post(f"/contacts/reveal/{contact}", {"reason": "To call"}).text
    assert there(superuser, "SELECT reason FROM audit_log WHERE table_name = 'contacts' AND action = 'reveal'") == [("To call",)]
    made = client.post(f"/contacts/inquire/{contact}", {}).headers["Location"]
    inquiry = client.get(made).text
    assert "Contacts with this phone or e-mail" in inquiry
    assert f"/contacts/show/{contact}" in inquiry
    assert re.search(r"I-\d{4} Meera Joshi", client.get(f"/contacts/show/{contact}").text)
    assert client.post(f"/contacts/inquire/{contact}", {}).headers["Location"] == made
    undone(world.owner, run_id)
    counts = told(world.owner, run_id)[1]
    assert (counts.hidden, counts.kept) == (1, 1)
    again = told(world.owner, imported(world.owner, FILE, kind="contacts", zone="Asia/Kolkata"))[1]
    assert (again.restored, again.unchanged) == (1, 1)


def test_sales_see_contacts_and_nobody_else_does(run_id, world, superuser, browser):
    contact = there(superuser, "SELECT id FROM contacts WHERE external_id = 'ghl-1'")[0][0]
    assert browser(world.a.people[Role.SALES_AGENT]).get(f"/contacts/show/{contact}").status_code == 200
    assert browser(world.outsider).get(f"/contacts/show/{contact}").status_code == 404
    assert browser(world.outsider).post(f"/contacts/reveal/{contact}", {"reason": "To call"}).status_code == 404
    assert browser(world.resident).get(f"/contacts/show/{contact}").status_code in {403, 404}

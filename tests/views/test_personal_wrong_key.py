"""With a wrong key, or without the right one, whatever would read a personal value says one sentence: no page breaks, nothing is garbage."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.rules.onboarding import Step
from tests.approval import claimed, newcomer, submitted
from tests.houses import scalar
from tests.imports import imported
from tests.onboarding import type_in
from tests.services.test_documents_keeping import give
from tests.views.test_inquiries_public import ask

SAID = "This value cannot be read: the key that it was encrypted with is missing or is not the right one."
CONTACT = b"Contact Id,First Name,Phone\nghl-1,Meera,98765 43210\n"


@pytest.mark.parametrize("keys", [{"k1": b"w" * 32}, {"k2": b"n" * 32}], ids=["wrong", "missing"])
def test_every_door_to_a_personal_value_says_the_same(app, world, browser, superuser, monkeypatch, keys):
    me, owner = newcomer(world), browser(world.owner)
    ask(browser(None), phone="98765 01234")
    imported(world.owner, CONTACT, kind="contacts", zone="Asia/Kolkata")
    paper = give(me, me)
    type_in(me, Step.RESIDENTIAL, {"phone": "98765 01234"})
    waiting = submitted(superuser, me, world.a.places[0].beds[0])
    claimed(world.owner, waiting)
    lead, contact = scalar(superuser, "SELECT id FROM inquiries"), scalar(superuser, "SELECT id FROM contacts")
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], field_keys=keys))
    answers = {
        "inquiry": owner.post(f"/inquiries/reveal/{lead}", {"reason": "To call"}),
        "contact": owner.post(f"/contacts/reveal/{contact}", {"reason": "To call"}),
        "person": owner.post(f"/personal/{me.user_id}/reveal", {"name": "phone", "note": "Checking the form"}),
        "review": owner.post(f"/onboarding/submissions/reveal/{waiting}", {"name": "phone", "note": "Checking the form"}),
        "document": owner.get(f"/onboarding/submissions/document/{waiting}/{paper}"),
        "wizard": browser(me).get("/onboarding/1"),
    }
    wrong = {door: answer.status_code for door, answer in answers.items() if answer.status_code != 503 or SAID not in answer.text}
    assert not wrong

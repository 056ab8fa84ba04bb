"""Forms of the base view: a service writes, a refusal keeps what was typed, one form is one submission."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from werkzeug.datastructures import MultiDict
from wtforms import IntegerField
from wtforms.validators import NumberRange

from app.permissions import Action
from app.views.fields import ConsoleForm
from tests.views import toy
from tests.views.conftest import ORG_A, ORG_B, PLACES, VENDORS, owner_of


def filled(**values):
    return {"title": "Tap leaks", "place": str(PLACES[ORG_A]), "_org": str(ORG_A), "_once": str(uuid.uuid4()), **values}


def version(page):
    return re.search(r'name="_version" value="([^"]+)"', page.text)[1]


def test_a_new_row_is_made_by_the_service_and_shown(workshop):
    response = workshop.post("/tickets/add", filled(cost_paise="1,23,456.50", vendor=str(VENDORS[ORG_A]), urgent="y"))
    ticket = workshop.only()
    assert (response.status_code, response.location) == (303, f"/tickets/show/{ticket.id}")
    assert (ticket.cost_paise, ticket.vendor_id, ticket.urgent, ticket.priority) == (
        12345650, VENDORS[ORG_A], True, "normal")


@pytest.mark.parametrize(("typed", "paise"), [("-5.5", -550), ("₹ 1,00,000", 10000000), ("0.01", 1), ("", None)])
def test_an_amount_is_kept_in_paise(workshop, typed, paise):
    workshop.post("/tickets/add", filled(cost_paise=typed))
    assert workshop.only().cost_paise == paise


def test_what_a_service_refuses_stands_beside_its_field_with_the_text_kept(workshop):
    response = workshop.post("/tickets/add", filled(title="HELP", notes="by the window"))
    assert response.status_code == 422
    assert "Write the title without shouting." in response.text
    assert 'value="HELP"' in response.text
    assert "by the window</textarea>" in response.text
    assert workshop.tickets() == []


def test_what_the_database_refuses_at_commit_is_a_sentence_not_an_error(workshop):
    workshop.ticket(notes="the same")
    response = workshop.post("/tickets/add", filled(notes="the same"))
    assert response.status_code == 409
    assert "the same</textarea>" in response.text
    assert len(workshop.tickets()) == 1


@pytest.mark.parametrize(("field", "value"), [
    ("title", ""), ("title", "   "), ("title", "x" * 121), ("title", "a\x00b"), ("title", "bell\x07"),
    ("cost_paise", "much"), ("cost_paise", "1.005"), ("cost_paise", "1e30"), ("cost_paise", "NaN"),
    ("due_on", "tomorrow"), ("due_at", "0001-01-01T00:00"), ("due_at", "never"), ("place", "not-a-uuid"),
    ("place", str(PLACES[ORG_B])), ("vendor", str(VENDORS[ORG_B])), ("vendor", "0198c0de-0000-7000-8000-000000000000"), ("priority", "huge"),
])
def test_bad_input_is_refused_beside_its_field(workshop, field, value):
    response = workshop.post("/tickets/add", filled(**{field: value}))
    assert response.status_code == 422
    assert f'id="{field}-error"' in response.text
    assert workshop.tickets() == []


@pytest.mark.parametrize("title", ["🚰 leaks", "حنفية تسرب", "<script>alert(1)</script>", "O'Neil & \"Sons\""])
def test_any_writing_is_kept_and_shown_as_it_was_typed(workshop, title):
    shown = workshop.post("/tickets/add", filled(title=title), follow_redirects=True)
    assert workshop.only().title == title
    assert "<script>alert" not in shown.text
    assert title in unescape(shown.text)


@pytest.mark.parametrize(("typed", "kept"), [
    ("Tap\u202e leaks", "Tap leaks"), ("\u2066Tap\u2069\u200b leaks", "Tap leaks"), ("Tap\x9b\tleaks\ufeff", "Tap leaks"),
    ("Tap\u2028leaks", "Tap leaks"), ("👩\u200d🔧 क्\u200dष", "👩\u200d🔧 क्\u200dष"),
])
def test_what_nobody_sees_is_taken_out_of_one_line_but_joiners_stay(workshop, typed, kept):
    workshop.post("/tickets/add", filled(title=typed))
    assert workshop.only().title == kept


def test_a_name_of_nothing_visible_is_no_name(workshop):
    response = workshop.post("/tickets/add", filled(title="\u202e\u200b"))
    assert response.status_code == 422
    assert "Please fill this in." in response.text


def test_a_wrong_choice_is_told_once_in_a_sentence(workshop):
    page = workshop.post("/tickets/add", filled(priority="huge")).text
    error = re.search(r'id="priority-error">([^<]*)<', page)[1]
    assert error.strip() == "Please choose one of the options."


class _Numbers(ConsoleForm):
    beds = IntegerField(validators=[NumberRange(0, 26)])
    floor = IntegerField()


@pytest.mark.parametrize("typed", ["x", "27", "-1", "1.5", ""])
def test_what_is_no_such_number_is_told_in_one_sentence(workshop, typed):
    with workshop.app.test_request_context():
        form = _Numbers(MultiDict({"beds": typed, "floor": "ground"}), meta={"csrf": False})
        assert not form.validate()
        assert form.errors == {"beds": ["Please give a whole number from 0 to 26."], "floor": ["Please give a whole number."]}


def test_a_time_is_typed_in_the_hostels_zone(workshop):
    workshop.post("/tickets/add", filled(due_at="2026-03-05T10:00"))
    ticket = workshop.only()
    assert ticket.due_at == datetime(2026, 3, 5, 4, 30, tzinfo=UTC)
    assert 'value="2026-03-05T10:00"' in workshop.get(f"/tickets/edit/{ticket.id}").text


def test_a_form_opened_in_another_organization_is_refused_with_its_text(workshop):
    workshop.person = owner_of(ORG_B)
    response = workshop.post("/tickets/add", filled(title="Typed in Lakeside"))
    assert response.status_code == 409
    assert "opened in Lakeside Hostels, and you now work in Hilltop Homes" in response.text
    assert 'value="Typed in Lakeside"' in response.text
    assert f'name="_org" value="{ORG_A}"' in response.text
    assert workshop.tickets() == []


def test_an_edit_sent_to_another_organization_keeps_its_text_too(workshop):
    ticket = workshop.ticket()
    workshop.person = owner_of(ORG_B, forbidden=frozenset({Action.UPDATE}))
    response = workshop.post(f"/tickets/edit/{ticket}", filled(title="Half an hour of typing"))
    assert response.status_code == 409
    assert "Half an hour of typing" in response.text


def test_removing_from_a_page_of_another_organization_does_nothing(workshop):
    ticket = workshop.ticket(org=ORG_B)
    workshop.person = owner_of(ORG_B)
    assert workshop.post(f"/tickets/delete/{ticket}", {"_org": str(ORG_A)}).status_code == 409
    assert workshop.only().deleted_at is None


def test_who_saves_second_is_told_and_sees_what_the_first_saved(workshop):
    ticket = workshop.ticket("Tap leaks")
    opened = version(workshop.get(f"/tickets/edit/{ticket}"))
    workshop.post(f"/tickets/edit/{ticket}", filled(title="Tap drips", _version=opened, state="open"))

    second = workshop.post(f"/tickets/edit/{ticket}", filled(title="Tap sprays", _version=opened, state="open"))

    assert second.status_code == 409
    assert 'value="Tap sprays"' in second.text
    assert "Tap drips" in second.text
    assert workshop.only().title == "Tap drips"
    workshop.post(f"/tickets/edit/{ticket}", filled(title="Tap sprays", _version=version(second), state="open"))
    assert workshop.only().title == "Tap sprays"


@pytest.mark.parametrize("without", [{}, {"_version": ""}])
def test_a_change_that_does_not_say_what_it_changes_overwrites_nothing(workshop, without):
    ticket = workshop.ticket("Tap leaks")
    answer = workshop.post(f"/tickets/edit/{ticket}", filled(title="Tap sprays", state="open", **without))
    assert answer.status_code == 409
    assert 'value="Tap sprays"' in answer.text
    assert "Tap leaks" in answer.text
    assert workshop.only().title == "Tap leaks"
    workshop.post(f"/tickets/edit/{ticket}", filled(title="Tap sprays", _version=version(answer), state="open"))
    assert workshop.only().title == "Tap sprays"


def test_the_same_form_sent_again_leads_to_what_it_made(workshop):
    form = filled()
    client = workshop.app.test_client()
    first = client.post("/tickets/add", data=form)
    again = client.post("/tickets/add", data=form)
    assert again.status_code == 303
    assert again.location == first.location
    assert len(workshop.tickets()) == 1


def test_a_double_click_that_outruns_the_cookie_makes_one_row(workshop):
    form = filled()
    workshop.post("/tickets/add", form)
    again = workshop.post("/tickets/add", form)  # a client of its own: no cookie tells it
    assert (again.status_code, again.location) == (303, f"/tickets/show/{form['_once']}")
    assert len(workshop.tickets()) == 1


@pytest.mark.parametrize("path", ["show", "edit"])
@pytest.mark.parametrize("key", ["x", "1", "00000000-0000-0000-0000-00000000000", str(uuid.UUID(int=7)), "%00", "9" * 400])
def test_a_malformed_or_unknown_id_is_not_found(workshop, path, key):
    assert workshop.get(f"/tickets/{path}/{key}").status_code == 404


def test_a_foreign_row_is_not_found(workshop):
    foreign = workshop.ticket(org=ORG_B)
    assert workshop.get(f"/tickets/show/{foreign}").status_code == 404
    assert workshop.post(f"/tickets/edit/{foreign}", filled()).status_code == 404
    assert workshop.post(f"/tickets/delete/{foreign}").status_code == 404


def test_removing_hides_and_restoring_brings_back(workshop):
    ticket = workshop.ticket()
    assert workshop.post(f"/tickets/delete/{ticket}").location == "/tickets/list/"
    assert workshop.only().deleted_at is not None
    assert "Restore" in workshop.get(f"/tickets/show/{ticket}").text
    workshop.post(f"/tickets/restore/{ticket}")
    assert workshop.only().deleted_at is None


def test_a_removed_row_is_shown_only_to_those_who_may_restore_it(workshop):
    ticket = workshop.ticket(deleted_at=datetime.now(UTC))
    workshop.person = owner_of(ORG_A, forbidden=frozenset({Action.DELETE}))
    assert workshop.get(f"/tickets/show/{ticket}").status_code == 404
    assert workshop.get("/tickets/list/?deleted=1").text.count("row-link") == 0


def test_a_refused_removal_is_told_on_the_rows_page(workshop):
    ticket = workshop.ticket(urgent=True)
    response = workshop.post(f"/tickets/delete/{ticket}")
    assert response.status_code == 409
    assert "An urgent ticket stays." in response.text
    assert workshop.only().deleted_at is None


@pytest.mark.parametrize("path", ["delete", "restore", "action/close"])
def test_nothing_changes_by_a_link(workshop, path):
    ticket = workshop.ticket()
    assert workshop.get(f"/tickets/{path}/{ticket}").status_code == 405


@pytest.mark.parametrize(("action", "path"), [
    (Action.READ, "/tickets/list/"), (Action.CREATE, "/tickets/add"), (Action.UPDATE, "/tickets/edit/{id}"),
    (Action.READ, "/tickets/show/{id}"), (Action.READ, "/tickets/options/vendor"),
])
def test_every_door_asks_for_its_capability(workshop, action, path):
    ticket = workshop.ticket()
    workshop.person = owner_of(ORG_A, forbidden=frozenset({action}))
    assert workshop.get(path.format(id=ticket)).status_code == 403


def test_a_screen_without_services_has_no_doors_to_write(workshop):
    assert workshop.get("/places/add").status_code == 404
    assert workshop.post(f"/places/delete/{PLACES[ORG_A]}").status_code == 404
    assert "/places/add" not in workshop.get("/places/list/").text


def test_the_version_of_a_form_is_exact(workshop):
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=1)
    ticket = workshop.ticket(updated_at=moment)
    assert version(workshop.get(f"/tickets/edit/{ticket}")) == moment.isoformat()


def test_a_column_that_is_an_identifier_stops_the_start():
    with pytest.raises(TypeError, match="identifier"):
        type("Broken", (toy.PlaceView,), {"show_columns": ["id"]})()


def test_a_door_without_an_entry_stops_the_start():
    from flask_appbuilder import expose, has_access

    @expose("/extra")
    @has_access
    def extra(self):
        """A door that nobody mapped."""

    with pytest.raises(LookupError, match="extra"):
        type("Broken", (toy.PlaceView,), {"extra": extra})()

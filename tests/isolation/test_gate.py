"""The gate (T15) from all sides: what is open to somebody on the way in is written down here, and nothing else is open."""

from __future__ import annotations

import dataclasses
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.api.realtime.readable import readable
from app.models.declare import FUNCTIONS, PROTECTED
from app.permissions import ROLE_CAPABILITIES, Portal, Role
from app.rules.realtime import Reader
from tests.architecture.test_routes import PUBLIC, SIGN_IN
from tests.isolation.samples import NEW, SAMPLES, known
from tests.maintenance import scope

TABLES = {
    "organizations": "the name of whom they come to", "members": "themselves", "ab_user": "their account", "files": "what they uploaded",
    "notifications": "what they are told", "notification_preferences": "their own", "notification_settings": "their own", "documents": "their own", "document_requirements": "what is asked of them",
    "personal_values": "their own, masked", "bed_holds": "their own places in line", "onboarding_progress": "their own",
    "onboarding_drafts": "their own", "onboarding_submissions": "their own", "submission_flags": "their own",
    "resident_preferences": "their own", "kyc_records": "their own",
}
# Functions that their portal may call: those that policies and pages ask about the caller, or that tell nothing of others …
HELPERS = {
    "is_admitted", "is_genuine", "current_org", "current_user_id", "touch", "is_super_admin", "is_system", "is_staff", "member_in_reach", "now",
    "can", "org_wide", "everywhere", "reach", "allowed_in", "is_my_request", "count_hit", "note_event", "enqueue", "house_day",
    "readiness", "live_streams", "work_backlog", "first_leave_day",
}
# … what they may do, for their account, as any stranger, to register, with what is kept of them …
OPEN = {
    "choose_language", "change_person", "end_session", "end_sessions",
    "inquiry_place", "count_inquiry_attempt", "knows_inquiry_device", "has_inquiry", "submit_inquiry",
    "my_inquiry", "onboarding_house", "onboarding_prices", "save_onboarding_draft", "choose_onboarding_bed", "leave_onboarding_bed",
    "complete_onboarding_step", "was_submitted", "submit_onboarding", "hold_bed", "release_hold", "bed_choices",
    "person_key", "put_personal", "reveal_personal", "own_drafts", "readings_of", "add_document", "open_document", "remove_document",
    "choose_notifications", "set_notification_phone", "unconfirmed_phone", "confirm_notification_phone", "has_telegram", "mute_by_letter",
    "event_feed", "end_event_feed",
}
# … and what is for residents alone, each with a call that would do or tell something.
BEHIND = {
    "submit_request": "SELECT app.submit_request(:hostel, :category, NULL, NULL, '', 'A tap drips.', 'low')",
    "move": "SELECT app.move('maintenance_request', :request, 'reopen', 'It drips again')",
    "place_order": "SELECT app.place_order(:hostel, '[]', 0, '', :hostel)",
    "take_leave": "SELECT app.take_leave(:hostel, app.current_user_id(), DATE '2099-01-01', DATE '2099-01-02', '{lunch}', :hostel)",
    "set_meal_needs": "SELECT app.set_meal_needs('', '{milk}')",
    "end_leave": "SELECT app.end_leave(:leave)",
    "book_slot": "SELECT app.book_slot(:slot, :hostel)", "join_line": "SELECT app.join_line(:slot, :hostel)",
    "take_place": "SELECT app.take_place(:wait)", "leave_line": "SELECT app.leave_line(:wait)", "cancel_booking": "SELECT app.cancel_booking(:booking)",
    "reply_to_event": "SELECT app.reply_to_event(:event, 'yes', 0)", "make_event_feed": "SELECT app.make_event_feed('x')",
    "event_counts": "SELECT (SELECT coming FROM app.event_counts(ARRAY[CAST(:event AS uuid)]))",
    "give_notice": "SELECT app.give_notice(:stay, (app.now() + interval '40 days')::date)",
    "withdraw_notice": "SELECT app.withdraw_notice(:move_out)", "change_last_day": "SELECT app.change_last_day(:move_out, DATE '2099-01-01')",
    "pay_invoices": "SELECT app.pay_invoices(uuidv7(), :hostel, app.current_user_id(), 'wallet', 1)",
    "choose_paying": "SELECT app.choose_paying(:hostel, false)",
    "bed_called": "SELECT app.bed_called(:stay)",
    "begin_top_up": "SELECT app.begin_top_up(:hostel, :hostel, :hostel, 10000, false, interval '1 hour')",
    "open_checkout": "SELECT NULLIF(app.open_checkout(:intent, 'x', 'x')::text, '')", "ask_about_payment": "SELECT NULLIF(app.ask_about_payment(:intent), false)",
    "gateway_account": "SELECT (SELECT key_id FROM app.gateway_account(:gateway_account))",
    "file_is_shown": "SELECT NULLIF(app.file_is_shown(:file), false)",
}
VIEWS = {
    "HomeView": "what they are told, and the way to registration", "OnboardingView": "registration", "MyDocumentsView": "their own",
    "AccountView": "their account", "SwitchView": "another organization of theirs", "NotificationsView": "what they are told", "NotificationSettingsView": "how they are told",
    "LiveView": "a token for the stream, and how much they were told", "FilesView": "by a link that was signed for them",
    "PaletteView": "finds what the policies show", "DesignView": "nothing of anybody's",
}


@pytest.fixture
def person(app, world, superuser):
    """On the way in, with a row of every table in their name."""
    found = world.a.people[Role.PENDING_RESIDENT]
    theirs = dataclasses.replace(world.a, people={**world.a.people, Role.RESIDENT: found})
    with superuser.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table, sample in SAMPLES.items():
            for row in sample(theirs):
                connection.execute(text(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(':' + name for name in row)})"), row)
        connection.execute(text("UPDATE files SET purpose = 'room' WHERE id = :id"), {"id": known(world.a, f"file {Role.OWNER}")})
    return found


@pytest.fixture
def trusted(person, superuser):
    """The same, given every capability of a resident one by one: that opens nothing either."""
    with superuser.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for resource, action in ROLE_CAPABILITIES[Role.RESIDENT]:
            connection.execute(text("INSERT INTO permission_overrides (org_id, user_id, resource, action, allowed) "
                                    "VALUES (:org, :user, :resource, :action, true)"),
                               {"org": person.org_id, "user": person.user_id, "resource": resource, "action": action})
    return person


def test_of_all_tables_those_that_are_open_show_a_row(trusted):
    with scope(trusted) as session:
        assert session.scalar(text("SELECT app.can('rooms', 'read')"))  # what was given counts
        seen = {table for table in PROTECTED if session.scalar(text("SELECT has_any_column_privilege(:t, 'SELECT')"), {"t": table})
                and session.scalar(text(f"SELECT count(*) FROM {table}"))}
    assert seen == set(TABLES)


def test_what_they_may_write_themselves_are_files(trusted, world):
    written = set()
    for table, make in NEW.items():
        row = make(world.a)
        with suppress(DBAPIError), scope(trusted) as session:
            session.execute(text(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(':' + name for name in row)})"), row)
            written.add(table)
    assert written == {"files"}


def test_of_all_functions_those_for_residents_do_nothing(trusted, world):
    assert {function.entity.signature.partition("(")[0] for function in FUNCTIONS if Portal.RESIDENT in function.execute} == HELPERS | OPEN | set(BEHIND)
    ids = {"hostel": trusted.hostel_id, "file": known(world.a, f"file {Role.OWNER}"),
           **{name: known(world.a, name.replace("_", "-")) for name in ("category", "request", "stay", "move_out", "leave", "slot", "wait", "booking", "intent", "gateway_account", "event")}}
    done = {}
    for name, call in BEHIND.items():
        with suppress(DBAPIError), scope(trusted) as session:
            done[name] = session.execute(text(call), ids).scalar_one()
    assert done == dict.fromkeys(("bed_called", "event_counts", "open_checkout", "ask_about_payment", "gateway_account", "file_is_shown"))


def test_the_stream_tells_of_what_is_open_alone(trusted, superuser):
    capabilities = "|".join(["", *(f"{resource}.{action}=*" for resource, action in ROLE_CAPABILITIES[Role.RESIDENT]), ""])
    reader = Reader(str(trusted.org_id), str(trusted.user_id), Portal.RESIDENT, capabilities)
    told = set()
    with superuser.connect() as connection:
        for table, portals in readable().items():
            rows = connection.execute(text(f"SELECT (SELECT jsonb_object_agg(key, value) FROM jsonb_each_text(to_jsonb(t))) FROM {table} t")).scalars()
            if Portal.RESIDENT in portals and any(portals[Portal.RESIDENT].covers(row, reader) for row in rows):
                told.add(table)
    assert told == {table for table, portals in readable().items() if Portal.RESIDENT in portals} & set(TABLES)


def test_of_all_screens_those_that_are_open_answer(app, person, browser):
    who, open_doors = browser(person), []
    for rule in app.url_map.iter_rules():
        view, _, view_method = rule.endpoint.partition(".")
        if rule.endpoint in PUBLIC or view in {*SIGN_IN, *VIEWS}:
            continue
        with app.test_request_context():
            path = app.url_for(rule.endpoint, **dict.fromkeys(rule.arguments, "00000000-0000-0000-0000-000000000000"))
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            with app.app_context():  # a `g` of its own
                status = who.http.open(path, method=method).status_code
            if status != (404 if view_method in {"action", "action_post"} else 403):  # the framework's own, which know no action
                open_doors.append(f"{method} {path} ({rule.endpoint}): {status}")
    assert open_doors == []

"""What was said in English below the screens is read in the reader's language, with its values, wherever it was stored."""

from __future__ import annotations

import pytest
from flask_babel import force_locale
from sqlalchemy import text

from app import languages
from app.gateways.mail import FolderMailer
from app.permissions import Role
from jobs import registry
from jobs.outbox import Drainer
from tests.maintenance import moved, raised

registry.load()
PO = """msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

#. said
msgid "A room has at most %(most)s beds."
msgstr "अधिकतम %(most)s बेड।"

#. said
msgid "This %(name)s is %(state)s, so %(tried)s is not possible; %(hope)s."
msgstr "%(name)s: %(state)s, %(tried)s नहीं; %(hope)s।"

#. said
msgid "possible now: %(allowed)s"
msgstr "अब: %(allowed)s"

#. said
msgid "ended on %(day)s"
msgstr "%(day)s को खत्म"

msgid "Resolve"
msgstr "हल करें"

msgid "Claim"
msgstr "लें"

msgid "In progress"
msgstr "जारी"

msgid "Room"
msgstr "कमरा"

msgid "%(browser)s on %(system)s"
msgstr "%(system)s पर %(browser)s"
"""


@pytest.fixture
def hindi(app, monkeypatch, tmp_path):
    """A small catalog of its own."""
    path = tmp_path / "hi" / "LC_MESSAGES" / "messages.po"
    path.parent.mkdir(parents=True)
    path.write_text(PO, encoding="utf-8")
    monkeypatch.setattr(languages, "FOLDER", tmp_path)
    kept = (languages.languages, languages.catalog, languages._templates, languages._said)
    for each in kept:
        each.cache_clear()
    with force_locale("hi"):
        yield
    for each in kept:
        each.cache_clear()


@pytest.mark.parametrize(("english", "said"), [
    ("A room has at most 26 beds.", "अधिकतम 26 बेड।"),
    ("This room is in progress, so “claim” is not possible; possible now: “resolve”, “Ramesh”.",
     "कमरा: जारी, “लें” नहीं; अब: “हल करें”, “Ramesh”।"),
    ("MR-0042: claim", "MR-0042: लें"),
    ("ended on 05 March 2026", "5 मार्च 2026 को खत्म"),
    ("Firefox on Linux", "Firefox on Linux"),  # a text of the screens, which are in the reader's language already
    ("Nobody translated this.", "Nobody translated this."),
    ("", ""),
])
def test_a_template_is_known_by_its_words_and_its_values_stay(hindi, english, said):
    assert languages.sentence(english) == said


def test_in_english_a_sentence_stays_as_it_was_said(app):
    with force_locale("en"):
        assert languages.sentence("A room has at most 26 beds.") == "A room has at most 26 beds."


def test_each_reader_finds_the_same_notification_in_their_own_language(app, world, browser):
    moved(world.staff, raised(world.resident), "claim")
    Drainer.new().drain()
    reader = browser(world.resident)
    assert "somebody will look after it" in reader.get("/notifications/").get_data(as_text=True)
    reader.post("/language", {"language": "hi"})
    page = reader.get("/notifications/").get_data(as_text=True)
    assert "MR-0001: कोई इसे देखेगा" in page
    assert "somebody" not in page


def test_a_refusal_of_the_database_is_told_in_the_language_of_who_is_refused(app, world, browser, superuser):
    boss = browser(world.owner)
    boss.post("/language", {"language": "hi"})
    with superuser.connect() as connection:
        owner = connection.execute(text("SELECT id FROM memberships WHERE org_id = :org AND role = 'owner'"),
                                   {"org": world.a.org_id}).scalar_one()
    page = boss.post(f"/members/delete/{owner}").get_data(as_text=True)
    assert "आखिरी मालिक नहीं जा सकता" in page


def test_a_password_link_is_written_in_the_language_that_its_reader_chose(app, world, browser):
    someone = world.a.people[Role.ACCOUNTANT]
    browser(someone).post("/language", {"language": "hi"})
    browser(None).post("/password/forgotten", {"email": someone.email})
    Drainer.new().drain()
    settings = app.config["SETTINGS"]
    mail = FolderMailer(settings.mailbox_dir, settings.mail_from).list()[0]
    assert mail.subject == "नया पासवर्ड चुनें"

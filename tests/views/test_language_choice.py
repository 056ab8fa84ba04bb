"""Which language a page is in: the person's, the browser's, the organization's, in this order."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import text

from app import languages

IN_HINDI = {"Accept-Language": "hi-IN,hi;q=0.9,en;q=0.5"}


def _language(response: Any) -> str:
    return re.search(r'<html lang="([^"]+)"', response.get_data(as_text=True))[1]


def _choose(who: Any, code: str) -> Any:
    return who.post("/language", {"language": code, "next": "/account/"})


def test_a_stranger_reads_what_the_browser_asks_for_until_they_choose(app, browser) -> None:
    stranger = browser(None)
    assert _language(stranger.get("/login")) == "en"
    assert _language(stranger.get("/login", headers={"Accept-Language": "fr-FR,de"})) == "en"
    assert _language(stranger.get("/login", headers=IN_HINDI)) == "hi"
    assert _choose(stranger, "hi").headers["Location"] == "/account/"
    assert _language(stranger.get("/login")) == "hi"
    _choose(stranger, "en")
    assert _language(stranger.get("/login", headers=IN_HINDI)) == "en"


def test_a_persons_choice_holds_on_their_other_devices_and_over_what_a_browser_remembers(app, world, browser) -> None:
    _choose(browser(world.owner), "hi")
    elsewhere = browser(world.owner)
    elsewhere.http.set_cookie("language", "en")
    assert _language(elsewhere.get("/account/")) == "hi"
    assert _language(browser(world.staff).get("/account/")) == "en"


def test_an_organization_has_a_language_for_those_who_chose_none(app, world, browser, superuser) -> None:
    with superuser.begin() as connection:
        connection.execute(text("UPDATE organizations SET settings = settings || '{\"language\": \"hi\"}' WHERE id = :id"),
                           {"id": world.a.org_id})
    assert _language(browser(world.staff).get("/account/")) == "hi"
    assert _language(browser(world.outsider).get("/account/")) == "en"
    reader = browser(world.resident)
    _choose(reader, "en")
    assert _language(reader.get("/account/")) == "en"


@pytest.mark.parametrize("code", ["", "xx", "../hi", "HI"])
def test_there_is_no_language_without_a_catalog(app, world, browser, code) -> None:
    answer = browser(world.owner).post("/language", {"language": code})
    assert (answer.status_code, "language=" in answer.headers.get("Set-Cookie", "")) == (404, False)


def test_a_choice_leads_nowhere_else(app, browser) -> None:
    answer = browser(None).post("/language", {"language": "en", "next": "https://elsewhere.example/"})
    assert answer.headers["Location"] == "/"


def test_another_language_is_another_folder(app, browser, monkeypatch, tmp_path) -> None:
    path = tmp_path / "mr" / "LC_MESSAGES" / "messages.po"
    path.parent.mkdir(parents=True)
    path.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Sign in"\nmsgstr "साइन इन करा"\n',
                    encoding="utf-8")
    monkeypatch.setattr(languages, "FOLDER", tmp_path)
    for kept in (languages.languages, languages.catalog):
        kept.cache_clear()
    try:
        page = browser(None).get("/login", headers={"Accept-Language": "mr"}).get_data(as_text=True)
    finally:
        for kept in (languages.languages, languages.catalog):
            kept.cache_clear()
    assert '<html lang="mr">' in page
    assert "साइन इन करा" in page
    assert ">मराठी</button>" in page

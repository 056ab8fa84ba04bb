"""The page frame: nothing inline, nothing from elsewhere, a name for every control."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from app.permissions import Action
from tests.views.conftest import ORG_A, PLACES, VENDORS, owner_of


class Elements(HTMLParser):
    """All tags of a page with their attributes."""

    def __init__(self, html):
        super().__init__()
        self.found, self.inside_label, self.labelled_inside = [], False, []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self.inside_label |= tag == "label"
        if tag == "input" and self.inside_label:
            self.labelled_inside.append(dict(attrs))

    def handle_endtag(self, tag):
        self.inside_label &= tag != "label"


@pytest.fixture(params=["list", "filtered", "show", "edit", "add", "refused", "home"])
def page(request, workshop):
    ticket = workshop.ticket(vendor_id=VENDORS[ORG_A])
    paths = {"list": "/tickets/list/", "filtered": f"/tickets/list/?vendor={VENDORS[ORG_A]}&state=open&q=tap",
             "show": f"/places/show/{PLACES[ORG_A]}", "edit": f"/tickets/edit/{ticket}", "add": "/tickets/add", "home": "/"}
    if request.param == "refused":
        return workshop.post("/tickets/add", {"title": "", "notes": "x"})
    response = workshop.get(paths[request.param])
    assert response.status_code == 200
    return response


def test_scripts_are_files_with_a_nonce_and_nothing_is_inline(page):
    policy = page.headers["Content-Security-Policy"]
    nonce = re.search(r"'nonce-([^']+)'", policy)[1]
    assert "unsafe-inline" not in policy
    for tag, attributes in Elements(page.text).found:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert "style" not in attributes, (tag, attributes)
        assert not (attributes.get("href") or "").startswith("javascript:"), (tag, attributes)
        assert tag != "style"
        if tag == "script":
            assert attributes["nonce"] == nonce
            assert attributes["src"]


def test_nothing_is_fetched_from_another_host(page):
    for tag, attributes in Elements(page.text).found:
        for name in ("src", "href", "action", "data-load", "data-combobox"):
            assert not re.match(r"(https?:)?//", attributes.get(name) or ""), (tag, attributes)


def test_every_control_has_a_name(page):
    elements = Elements(page.text)
    found = elements.found
    labelled = {attributes.get("for") for tag, attributes in found if tag == "label"}
    for tag, attributes in found:
        if tag in ("input", "select", "textarea") and attributes.get("type") != "hidden":
            assert attributes.get("id") in labelled or attributes.get("aria-label") or attributes in elements.labelled_inside, (tag, attributes)
        described = attributes.get("aria-describedby", "").split()
        assert all(f'id="{one}"' in page.text for one in described)


def test_a_page_has_a_title_a_language_a_main_part_and_a_way_past_the_menu(page):
    assert re.search(r"<title>[^<]+</title>", page.text)
    assert '<html lang="en">' in page.text
    assert '<a class="skip" href="#main">' in page.text
    assert page.text.count("<h1") == 1


def test_every_post_carries_the_organization(page):
    for form in re.findall(r'<form[^>]*method="post".*?</form>', page.text, flags=re.DOTALL):
        if 'class="languages"' in form:
            continue  # a person reads one language in all organizations
        assert 'name="_org"' in form


def test_the_menu_shows_what_the_person_may_open(workshop):
    assert "/tickets/list/" in workshop.get("/").text
    workshop.person = owner_of(ORG_A, forbidden=frozenset({Action.READ}))
    assert "/tickets/list/" not in workshop.get("/").text


def test_a_list_page_weighs_at_most_sixty_kilobytes(workshop):
    for n in range(25):
        workshop.ticket(f"Ticket {n} with a title of a usual length", vendor_id=VENDORS[ORG_A], cost_paise=n * 100)
    assert len(workshop.get("/tickets/list/").data) <= 60_000


def test_related_rows_load_when_opened(workshop):
    page = workshop.get(f"/places/show/{PLACES[ORG_A]}").text
    assert "data-load" not in page  # the list of tickets offers no filter by place
    address = f"/tickets/list/?vendor={VENDORS[ORG_A]}&embed=1"
    assert workshop.get(address).status_code == 200


def test_somebody_unknown_is_sent_to_sign_in_and_back(workshop):
    workshop.person = None
    response = workshop.get("/tickets/list/?state=open")
    assert (response.status_code, response.location) == (303, "/door?next=/tickets/list/?state%3Dopen")
    assert workshop.get("/tickets/list/", headers={"Accept": "application/json"}).status_code == 401


def test_what_a_signed_in_person_sees_stays_in_no_cache(browser, world):
    somebody = browser(world.owner)
    for path in ("/", "/members/list/", "/nowhere"):
        assert somebody.get(path).headers["Cache-Control"] == "no-store", path


def test_a_screen_that_says_how_long_it_is_kept_is_heard(browser, world):
    somebody = browser(world.owner)
    board = somebody.get("/maintenance/board/")
    assert "no-store" not in board.headers["Cache-Control"]
    address = re.search(r'href="(/static/built/console-[^"]+\.css)"', board.text)[1]
    with somebody.get(address, headers={"Accept-Encoding": "br"}) as style:
        assert style.headers["Content-Encoding"] == "br"
        assert style.headers["Cache-Control"] == "max-age=315360000, public, immutable"

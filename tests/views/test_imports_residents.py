"""The page of an import of residents shows what would go in, and nothing sensitive of it (Y2)."""

from app.permissions import Role
from app.wiring import mailer
from tests.imports import checked, imported, there, work

FILE = (b"Name,Email,Joining Date,Phone,Aadhaar\nMeera Joshi,meera@people.example,2025-02-13,9876543210,234567890124\n"
        b"Nobody,not an address,2025-02-13,9876543211,\n")


def test_a_checked_import_shows_names_and_hides_numbers_and_gives_refused_rows_back_to_their_own(world, app, browser):
    run_id = checked(world.owner, FILE, kind="residents", zone="Asia/Kolkata")
    client = browser(world.owner)
    page = client.get(f"/imports/show/{run_id}").text
    assert "Meera Joshi" in page
    assert "13 Feb 2025" in page
    assert not [secret for secret in ("9876543210", "234567890124", "9876543211") if secret in page]
    assert "9876543211" in client.get(f"/imports/refused/{run_id}").text
    assert browser(world.outsider).get(f"/imports/refused/{run_id}").status_code == 404
    values = client.get(f"/imports/values/{run_id}").text
    assert "Nothing is left to ask" in values
    assert "Categories</h2>" not in values


def test_who_was_imported_is_invited_on_their_page_once(world, app, superuser, browser):
    imported(world.owner, FILE, kind="residents", zone="Asia/Kolkata")
    page = f"/residents/show/{there(superuser, 'SELECT id FROM residents')[0][0]}"
    invite = page.replace("show", "invite")
    client = browser(world.owner)
    assert "Invite to the console" in client.get(page).text
    assert "Invite to the console" not in browser(world.a.people[Role.SALES_AGENT]).get(page).text
    for person, status in ((world.outsider, 404), (world.a.people[Role.SALES_AGENT], 403), (world.resident, 403)):
        assert browser(person).post(invite, {}).status_code == status, person.role
    assert client.post(invite, {}).status_code == 303
    assert "Invite to the console" not in client.get(page).text
    assert client.post(invite, {}).status_code == 409
    assert there(superuser, "SELECT email, role FROM invitations") == [("meera@people.example", "resident")]
    work()
    assert [mail.to for mail in mailer().list() if mail.to.endswith("people.example")] == ["meera@people.example"]

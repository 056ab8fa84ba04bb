"""The page of an import of residents shows what would go in, and nothing sensitive of it (Y2)."""

from tests.imports import checked

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

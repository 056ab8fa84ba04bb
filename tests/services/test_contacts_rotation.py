"""Contacts and staged rows of imports come under a new key and stay readable (O12)."""

from app.crypto import KeyRing
from app.services import contacts, imports
from app.services.personal import rotation
from app.tenancy import service_scope
from app.wiring import settings
from tests.imports import as_, imported, there, told


def test_contacts_and_refused_rows_are_read_under_the_new_key_alone(world, app, superuser):
    run_id = imported(world.owner, b"Contact Id,Name,Phone\nghl-1,Meera Joshi,9876543210\nghl-2,No Way,12\n", kind="contacts")
    fresh = KeyRing.new_key()
    both, alone = KeyRing({"k2": fresh, **dict(settings().field_keys)}), KeyRing({"k2": fresh})
    found = rotation.Rotated()
    with service_scope("rotation in a test") as session:
        rotation.contacts(session, both, None, found)
        rotation.import_rows(session, both, None, found)
    assert (found.done["contacts"], found.done["rows of imports"]) == (1, 1)
    contact = there(superuser, "SELECT id FROM contacts")[0][0]
    with as_(world.owner) as session:
        assert contacts.reveal(session, alone, contact, "To call").phone == "+919876543210"
        assert [row.cells[1] for row in imports.refused_rows(session, alone, told(world.owner, run_id)[0])] == ["No Way"]

"""Whatever somebody changes in the database by hand is named by `flask database check`."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.services.drift import differences


def test_a_migrated_database_is_what_the_code_declares(superuser: Engine) -> None:
    assert differences(superuser) == []


CHANGES = {
    "DROP POLICY staff_select ON rooms": "The policy rooms.staff_select is missing.",
    "ALTER POLICY staff_select ON beds USING (true)": "The policy beds.staff_select differs",
    "CREATE POLICY open ON floors USING (true)": "The policy floors.open is not declared: PERMISSIVE ALL TO public USING true.",
    "ALTER TABLE hostels NO FORCE ROW LEVEL SECURITY":
        "The row-level security of hostels differs: it is on, not forced; declared is on, forced.",
    "ALTER TABLE members DISABLE ROW LEVEL SECURITY":
        "The row-level security of members differs: it is off, forced; declared is on, forced.",
    "ALTER TABLE rooms DISABLE TRIGGER z_audit": "The trigger rooms.z_audit differs: it is ",
    "DROP TRIGGER a_immutable ON audit_log": "The trigger audit_log.a_immutable is missing.",
    "GRANT SELECT ON user_credentials TO portal_admin": "The grant SELECT on user_credentials to portal_admin is not declared.",
    "GRANT UPDATE (status) ON maintenance_requests TO portal_admin":
        "The grant UPDATE on maintenance_requests.status to portal_admin is not declared.",
    "GRANT SELECT ON rooms TO PUBLIC": "The grant SELECT on rooms to everybody is not declared.",
    "REVOKE SELECT ON rooms FROM portal_admin": "The grant SELECT on rooms to portal_admin is missing.",
    "GRANT EXECUTE ON FUNCTION app.refuse_change() TO portal_public":
        "The grant EXECUTE on function refuse_change() to portal_public is not declared.",
    "ALTER FUNCTION app.refuse_change() SECURITY INVOKER": "The function app.refuse_change() differs.",
    "ALTER FUNCTION app.refuse_change() OWNER TO viramah_owner": "The function app.refuse_change() differs.",
    "ALTER FUNCTION app.refuse_change() RESET search_path": "The function app.refuse_change() differs.",
    "CREATE FUNCTION app.extra() RETURNS int LANGUAGE sql AS 'SELECT 1'": "The function app.extra() is not declared",
    "CREATE TABLE extra (x int)": "The relation extra is not declared: table of postgres.",
    "ALTER TABLE floors ADD COLUMN extra int": "The column floors.extra is not declared: integer.",
    "ALTER TABLE floors ALTER COLUMN name DROP NOT NULL": "The column floors.name differs: it is ",
    "ALTER TABLE rooms ALTER COLUMN id DROP DEFAULT": "The column rooms.id differs: it is uuid NOT NULL; declared is",
    "DROP INDEX audit_log_row": "The index audit_log_row is missing.",
    "ALTER TABLE outbox DROP CONSTRAINT outbox_state_known": "The constraint outbox.outbox_state_known is missing.",
    "CREATE SCHEMA other; GRANT CREATE ON SCHEMA app TO viramah_web":
        "The grant CREATE on schema app to viramah_web is not declared.",
    "ALTER DEFAULT PRIVILEGES FOR ROLE viramah_owner GRANT SELECT ON TABLES TO PUBLIC":
        "The default privileges of viramah_owner for r is not declared",
}


@pytest.fixture
def changed(superuser: Engine) -> list[str]:
    """The differences of a database in which all of these were changed."""
    with superuser.begin() as connection:
        for change in CHANGES:
            connection.execute(text(change))
    return differences(superuser)


def test_every_change_by_hand_is_named_and_nothing_else(changed: list[str]) -> None:
    unnamed = [change for change, sentence in CHANGES.items() if not any(line.startswith(sentence) for line in changed)]
    assert unnamed == []
    others = [line for line in changed if not any(line.startswith(sentence) for sentence in CHANGES.values())]
    # What comes with a new table, function or owner: their own columns, walls and grants.
    assert [line for line in others if "extra" not in line and "refuse_change" not in line] == []


def test_the_scratch_database_is_gone_afterwards(superuser: Engine, servers: Any) -> None:
    differences(superuser)
    assert [name for name in servers.postgres.databases() if name.startswith("drift_")] == []

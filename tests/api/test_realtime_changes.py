"""A change reaches those whose policies cover the row, as what it is for them, and nobody else."""

from __future__ import annotations

from app.permissions import Role
from tests.api.helpers import act, quietly, raise_request, run

HIDDEN = {"created_by", "import_run_id", "external_id"}  # no column of a resident's


def test_one_tenants_changes_reach_its_people_and_nobody_elses(world, superuser, wire, token):
    async def story():
        async with wire(token(world.owner)) as ours, wire(token(world.outsider)) as theirs:
            await ours.join("maintenance_requests")
            await theirs.join("maintenance_requests")
            first = await raise_request(superuser, world.a)
            made = await ours.change()
            assert (made["type"], made["record"]["id"], made["record"]["reference"]) == ("INSERT", first, "MR-0001")
            await act(superuser, "UPDATE maintenance_requests SET place = 'Roof' WHERE id = :id", id=first)
            changed = await ours.change()
            assert (changed["type"], changed["old_record"]["place"], changed["record"]["place"]) == ("UPDATE", "", "Roof")
            await quietly(superuser, "DELETE FROM maintenance_requests WHERE id = :id", id=first)
            gone = await ours.change()
            assert (gone["type"], gone["old_record"]["id"], "record" in gone) == ("DELETE", first, False)
            mark = await raise_request(superuser, world.b)
            assert await theirs.nothing_before(mark) == []
    run(story())


def test_a_resident_is_told_of_their_own_requests_and_never_who_works_on_them(world, superuser, wire, token):
    async def story():
        async with wire(token(world.resident)) as mine, wire(token(world.staff)) as staff:
            for one in (mine, staff):
                await one.join("maintenance_requests", "maintenance_assignments")
            await raise_request(superuser, world.a, world.owner)
            own = await raise_request(superuser, world.a, world.resident)
            await act(superuser, "INSERT INTO maintenance_assignments (org_id, hostel_id, request_id, user_id) "
                      "VALUES (:org, :hostel, :id, :user)", org=world.a.org_id, hostel=world.staff.hostel_id, id=own,
                      user=world.staff.user_id)
            mark = await raise_request(superuser, world.a, world.resident)
            told = [await mine.change(), await mine.change()]
            assert [data["record"]["id"] for data in told] == [own, mark]
            assert not HIDDEN & set(told[0]["record"])
            assert not HIDDEN & {column["name"] for column in told[0]["columns"]}
            assert [(await staff.change())["table"] for _ in range(4)] == [
                "maintenance_requests", "maintenance_requests", "maintenance_assignments", "maintenance_requests"]
    run(story())


def test_a_row_that_leaves_somebodys_sight_is_deleted_for_them_and_new_for_whom_it_enters(world, superuser, wire, token):
    async def story():
        async with wire(token(world.resident)) as mine, wire(token(world.staff)) as staff, wire(token(world.owner)) as owner:
            for one in (mine, staff, owner):
                await one.join("maintenance_requests")
            request = await raise_request(superuser, world.a, world.resident)
            for one in (mine, staff, owner):
                assert (await one.change())["type"] == "INSERT"
            # Away from the resident, then to the hostel where this member of staff has no say, and back.
            await quietly(superuser, "UPDATE maintenance_requests SET user_id = NULL WHERE id = :id", id=request)
            await quietly(superuser, "UPDATE maintenance_requests SET hostel_id = :h, place = 'Secret' WHERE id = :id", id=request,
                          h=world.a.places[1].hostel_id)
            await quietly(superuser, "UPDATE maintenance_requests SET hostel_id = :h, user_id = :u WHERE id = :id", id=request,
                          h=world.a.places[0].hostel_id, u=world.resident.user_id)
            seen = [await mine.change(), await mine.change()]
            assert [data["type"] for data in seen] == ["DELETE", "INSERT"]
            assert seen[0]["old_record"]["user_id"] == world.resident.user_id
            told = [await staff.change() for _ in range(3)]
            assert [data["type"] for data in told] == ["UPDATE", "DELETE", "INSERT"]
            assert "Secret" not in str(told[1])
            assert [(await owner.change())["type"] for _ in range(3)] == ["UPDATE"] * 3
    run(story())


def test_a_deletion_reaches_only_those_who_saw_the_row(world, superuser, wire, token):
    async def story():
        async with wire(token(world.resident)) as mine, wire(token(world.staff)) as staff:
            for one in (mine, staff):
                await one.join("maintenance_requests", "notifications")
            theirs = await raise_request(superuser, world.a, world.owner)
            await quietly(superuser, "DELETE FROM maintenance_requests WHERE id = :id", id=theirs)
            for person in (world.owner, world.resident):
                await act(superuser, "INSERT INTO notifications (org_id, user_id, kind, title, key) "
                          "VALUES (:org, :user, 'test', 'Hello', 'k')", org=world.a.org_id, user=person.user_id)
            await quietly(superuser, "DELETE FROM notifications WHERE org_id = :org", org=world.a.org_id)
            mark = await raise_request(superuser, world.a, world.resident)
            assert [(await mine.change())["table"] for _ in range(2)] == ["notifications"] * 2
            assert (await mine.change())["record"]["id"] == mark
            assert await staff.nothing_before(mark) == [theirs, theirs]
    run(story())


def test_what_is_removed_softly_is_deleted_and_what_is_brought_back_is_new(world, superuser, wire, token):
    async def story():
        async with wire(token(world.owner)) as owner:
            await owner.join("maintenance_requests")
            request = await raise_request(superuser, world.a)
            for change in ("deleted_at = now()", "place = 'seen by nobody'", "deleted_at = NULL", "place = 'Roof'"):
                await act(superuser, f"UPDATE maintenance_requests SET {change} WHERE id = :id", id=request)
            assert [(await owner.change())["type"] for _ in range(4)] == ["INSERT", "DELETE", "INSERT", "UPDATE"]
    run(story())


def test_a_capability_that_was_taken_away_is_gone_at_the_next_change(world, superuser, wire, token):
    async def story():
        viewer = world.a.people[Role.VIEWER]
        async with wire(token(viewer)) as one, wire(token(world.owner)) as owner:
            for each in (one, owner):
                await each.join("maintenance_requests")
            first = await raise_request(superuser, world.a)
            await act(superuser, "WITH org AS MATERIALIZED (SELECT set_config('app.org_id', :o, true), set_config('app.caps', '*', true)) "
                      "INSERT INTO permission_overrides (org_id, user_id, resource, action, hostel_id, allowed) "
                      "SELECT CAST(:o AS uuid), :u, 'maintenance', 'read', CAST(:h AS uuid), false FROM org",
                      o=str(world.a.org_id), u=viewer.user_id, h=str(world.a.places[0].hostel_id))
            await raise_request(superuser, world.a)
            mark = await raise_request(superuser, world.a, hostel=1)
            assert await one.nothing_before(mark) == [first]
            assert len(await owner.nothing_before(mark)) == 2
    run(story())


def test_a_session_that_is_ended_and_a_role_that_is_suspended_close_their_channels(world, superuser, wire, token):
    async def story():
        tokens = token(world.owner), token(world.staff)
        async with wire(tokens[0]) as owner, wire(tokens[1]) as staff:
            for one in (owner, staff):
                await one.join("maintenance_requests")
                assert (await one.until("system"))["status"] == "ok"
            await act(superuser, "UPDATE user_sessions SET ended_at = now() WHERE id = :id", id=token.sessions[world.owner.user_id])
            await act(superuser, "UPDATE memberships SET status = 'suspended' WHERE user_id = :u", u=world.staff.user_id)
            for one in (owner, staff):
                assert (await one.until("system"))["status"] == "error"
                await one.until("phx_close")
            refused = await owner.send("realtime:again", "phx_join", {"config": {}})
            assert refused
            assert (await owner.until("phx_reply"))["status"] == "error"
    run(story())


def test_filters_narrow_what_is_told(world, superuser, wire, token):
    async def story():
        async with wire(token(world.owner)) as owner:
            lines = [{"event": "INSERT", "schema": "public", "table": "maintenance_requests", "filter": "priority=in.(high,urgent),place=neq.Roof"},
                     {"event": "DELETE", "schema": "public", "table": "maintenance_requests"}]
            answer = await owner.join(postgres_changes=lines)
            ids = [line["id"] for line in answer["postgres_changes"]]
            assert [{**line, "id": None} for line in answer["postgres_changes"]] == [{**line, "id": None} for line in lines]
            await raise_request(superuser, world.a)
            await raise_request(superuser, world.a, priority="high", place="Roof")
            wanted = await raise_request(superuser, world.a, priority="high", place="Cellar")
            await quietly(superuser, "DELETE FROM maintenance_requests WHERE id = :id", id=wanted)
            told = [await owner.until("postgres_changes") for _ in range(2)]
            assert [message["ids"] for message in told] == [ids[:1], ids[1:]]
            assert told[0]["data"]["record"]["id"] == wanted
    run(story())

"""Private files are opened through links: one person's, for a while, and harmless in the browser."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from app.permissions import Role
from app.rules.files import Purpose
from app.services import files
from app.services.files import Upload
from app.signing import sign_file_link
from app.tenancy import tenant_scope
from app.wiring import objects

VIDEO = bytes.fromhex("00000014667479706d703432000002006d703432") + b"\0\0\0\x08moov" + b"\0\0\x08\x08mdat" + bytes(range(256)) * 8


@pytest.fixture
def put(app):
    def put(person, content=None, name="Tap.png", purpose=Purpose.MAINTENANCE):
        if content is None:
            output = io.BytesIO()
            Image.new("RGB", (800, 600), "teal").save(output, "PNG")
            content = output.getvalue()
        with tenant_scope(person.org_id, person.user_id) as session:
            return files.store(session, objects(), Upload(name, "", content), purpose, person.hostel_id)
    return put


@pytest.fixture
def link(settings):
    def link(file, person, minutes=15, at=None):
        return "/files/" + files.link_for(settings.secret_key, file, person.user_id, minutes, at or datetime.now(UTC))
    return link


def test_a_link_shows_its_person_the_file_under_headers_that_let_it_do_nothing(put, link, world, browser):
    file = put(world.resident, name="Tap “düsche”.png")
    answer = browser(world.resident).get(link(file, world.resident), buffered=True)
    assert answer.status_code == 200
    assert answer.content_type == "image/png"
    assert len(answer.data) == file.size == int(answer.headers["Content-Length"])
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert policy.strip().endswith("; sandbox")
    assert "script-src" not in policy
    assert answer.headers["Cache-Control"] == "private, max-age=300"
    assert answer.headers["Content-Disposition"].startswith('inline; filename="Tap')
    assert "filename*=UTF-8''Tap%20%E2%80%9Cd%C3%BCsche%E2%80%9D.png" in answer.headers["Content-Disposition"]


def test_what_is_no_picture_is_saved_not_shown(put, link, world, browser):
    file = put(world.owner, b"a,b\n<script>alert(1)</script>,2\n", "old.csv", Purpose.IMPORT)
    answer = browser(world.owner).get(link(file, world.owner), buffered=True)
    assert answer.headers["Content-Disposition"].startswith("attachment;")


def test_a_photo_has_a_small_picture_and_a_video_none(put, link, world, browser):
    photo, film = put(world.resident), put(world.resident, VIDEO, "Tap.mp4")
    client = browser(world.resident)
    small = client.get(link(photo, world.resident) + "/small", buffered=True)
    assert Image.open(io.BytesIO(small.data)).size == (480, 360)
    assert client.get(link(film, world.resident) + "/small", buffered=True).status_code == 404


def test_another_persons_link_is_not_found(put, link, world, browser):
    file = put(world.resident)
    for person in (world.owner, world.staff, world.outsider):
        answer = browser(person).get(link(file, world.resident), buffered=True)
        assert answer.status_code == 404
        assert "made for somebody else" in answer.text


def test_nobody_is_asked_to_sign_in(put, link, world, browser):
    answer = browser(None).get(link(put(world.resident), world.resident), buffered=True)
    assert answer.status_code in (302, 303, 401)
    assert b"PNG" not in answer.data


def test_an_expired_link_says_so(put, link, world, browser):
    file = put(world.resident)
    answer = browser(world.resident).get(link(file, world.resident, at=datetime.now(UTC) - timedelta(minutes=15)), buffered=True)
    assert answer.status_code == 410
    assert "expired" in answer.text


@pytest.mark.parametrize("token", ["x", "a.b", "%00", "WzEsMl0.AAAA"])
def test_a_forged_link_is_not_found(world, browser, app, token):
    assert browser(world.resident).get(f"/files/{token}", buffered=True).status_code == 404


def test_a_changed_link_is_not_found(put, link, world, browser):
    address = link(put(world.resident), world.resident)
    assert browser(world.resident).get(address[:-5] + ("A" if address[-5] != "A" else "B") + address[-4:], buffered=True).status_code == 404


def test_a_link_into_another_organization_is_not_found(put, world, browser, settings):
    file = put(world.outsider)
    token = sign_file_link(settings.secret_key, file.id, file.org_id, world.owner.user_id, 600, datetime.now(UTC))
    assert browser(world.owner).get(f"/files/{token}", buffered=True).status_code == 404
    own = sign_file_link(settings.secret_key, file.id, world.a.org_id, world.owner.user_id, 600, datetime.now(UTC))
    assert browser(world.owner).get(f"/files/{own}", buffered=True).status_code == 404


def test_a_removed_file_is_not_found_through_a_link_made_before(put, link, world, browser):
    file = put(world.resident)
    address = link(file, world.resident)
    with tenant_scope(world.a.org_id, world.resident.user_id) as session:
        files.remove(session, file.id)
    assert browser(world.resident).get(address, buffered=True).status_code == 404


def test_a_role_that_has_lost_its_access_has_lost_its_links(put, link, world, browser):
    file = put(world.resident)
    guard = world.a.people[Role.GUARD]
    assert browser(guard).get(link(file, guard), buffered=True).status_code in (302, 403)


def test_a_player_gets_the_part_it_asks_for(put, link, world, browser):
    file = put(world.resident, VIDEO, "Tap.mp4")
    client, address = browser(world.resident), link(file, world.resident)
    whole = client.get(address, buffered=True)
    assert whole.headers["Accept-Ranges"] == "bytes"
    part = client.get(address, headers={"Range": "bytes=100-199"}, buffered=True)
    assert part.status_code == 206
    assert part.headers["Content-Range"] == f"bytes 100-199/{file.size}"
    assert part.data == whole.data[100:200]
    assert client.get(address, headers={"Range": f"bytes={file.size}-"}, buffered=True).status_code == 416


def test_what_the_browser_has_is_not_sent_again(put, link, world, browser):
    client, address = browser(world.resident), link(put(world.resident), world.resident)
    etag = client.get(address, buffered=True).headers["ETag"]
    again = client.get(address, headers={"If-None-Match": etag}, buffered=True)
    assert (again.status_code, again.data) == (304, b"")

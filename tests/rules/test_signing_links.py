"""Signed file links: one person, one file, some minutes; and secrets of which only the digest is kept."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.signing import (
    DOCUMENT_SECONDS,
    FILE_SECONDS,
    FileLink,
    LinkExpired,
    LinkForged,
    LinkOfAnother,
    digest_of,
    new_secret,
    read_file_link,
    sign_file_link,
)

SECRET = "s" * 32
FILE, ORG = UUID(int=1), UUID(int=2)
ASHA, BINU = 7, 8
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TOKEN = sign_file_link(SECRET, FILE, ORG, ASHA, DOCUMENT_SECONDS, NOON)


def minutes(count: float) -> datetime:
    return NOON + timedelta(minutes=count)


def test_the_person_it_was_made_for_reads_it() -> None:
    assert read_file_link(SECRET, TOKEN, ASHA, minutes(14)) == FileLink(FILE, ORG, minutes(15))


def test_its_time_is_over_after_fifteen_minutes_to_the_second() -> None:
    read_file_link(SECRET, TOKEN, ASHA, minutes(15) - timedelta(seconds=1))
    with pytest.raises(LinkExpired) as caught:
        read_file_link(SECRET, TOKEN, ASHA, minutes(15))
    assert caught.value.status == 410


def test_another_person_cannot_use_it() -> None:
    with pytest.raises(LinkOfAnother) as caught:
        read_file_link(SECRET, TOKEN, BINU, NOON)
    assert caught.value.status == 404


def test_another_person_does_not_even_learn_that_it_expired() -> None:
    with pytest.raises(LinkOfAnother):
        read_file_link(SECRET, TOKEN, BINU, minutes(60))


@pytest.mark.parametrize("secret", ["t" * 32, ""])
def test_another_secret_makes_a_forgery(secret: str) -> None:
    with pytest.raises(LinkForged) as caught:
        read_file_link(SECRET, sign_file_link(secret, FILE, ORG, ASHA, 60, NOON), ASHA, NOON)
    assert caught.value.status == 404


def test_no_changed_character_is_accepted() -> None:
    for position, character in enumerate(TOKEN[:-1]):  # the last one carries spare bits
        changed = TOKEN[:position] + ("A" if character != "A" else "B") + TOKEN[position + 1 :]
        with pytest.raises(LinkForged):
            read_file_link(SECRET, changed, ASHA, NOON)


@pytest.mark.parametrize("token", ["", ".", "x", "é", "W10.AAAA", "a" * 5000])
def test_nonsense_is_a_forgery(token: str) -> None:
    with pytest.raises(LinkForged):
        read_file_link(SECRET, token, ASHA, NOON)


def test_a_link_goes_into_a_url_as_it_is() -> None:
    assert set(TOKEN) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


@pytest.mark.parametrize("seconds", [0, -1, FILE_SECONDS + 1])
def test_a_link_cannot_be_asked_for_longer_than_half_an_hour(seconds: int) -> None:
    with pytest.raises(ValueError, match="1 to 1800 seconds"):
        sign_file_link(SECRET, FILE, ORG, ASHA, seconds, NOON)


def test_a_one_time_secret_is_stored_as_its_sha256() -> None:
    made = new_secret()
    assert made.digest == hashlib.sha256(made.secret.encode()).hexdigest() == digest_of(made.secret)
    assert len(made.secret) == 43


def test_no_two_secrets_are_alike() -> None:
    assert len({new_secret().secret for _ in range(1000)}) == 1000

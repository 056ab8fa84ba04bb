"""Encrypted fields: only the right ring, in the right place, reads them; and they can be looked up blindly."""

from __future__ import annotations

import base64

import pytest

from app.crypto import KeyRing, Undecryptable

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
CONTEXT = "user_credentials.totp_secret:7"


def ring_text(*keys: tuple[str, bytes]) -> str:
    return ",".join(f"{key_id}:{base64.b64encode(key).decode()}" for key_id, key in keys)


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing.parse(ring_text(("k2", NEW), ("k1", OLD)))


@pytest.mark.parametrize("value", ["JBSWY3DPEHPK3PXP", "", "आशा 🏠", "x" * 10_000])
def test_a_value_comes_back(ring: KeyRing, value: str) -> None:
    assert ring.decrypt(ring.encrypt(value, CONTEXT), CONTEXT) == value


def test_a_token_names_version_and_key_and_hides_the_value(ring: KeyRing) -> None:
    token = ring.encrypt("9876543210", CONTEXT)
    assert token.startswith("v1.k2.")
    assert "9876543210" not in token


def test_the_same_value_never_gives_the_same_token(ring: KeyRing) -> None:
    assert len({ring.encrypt("x", CONTEXT) for _ in range(100)}) == 100


def test_an_older_key_still_decrypts(ring: KeyRing) -> None:
    token = KeyRing.parse(ring_text(("k1", OLD))).encrypt("x", CONTEXT)
    assert ring.decrypt(token, CONTEXT) == "x"


def test_a_token_of_an_older_key_is_rotated_to_the_current(ring: KeyRing) -> None:
    old = KeyRing.parse(ring_text(("k1", OLD))).encrypt("x", CONTEXT)
    new = ring.rotate(old, CONTEXT)
    assert (ring.needs_rotation(old), ring.needs_rotation(new)) == (True, False)
    assert KeyRing.parse(ring_text(("k2", NEW))).decrypt(new, CONTEXT) == "x"


def test_a_wrong_key_of_the_same_name_reads_nothing(ring: KeyRing) -> None:
    with pytest.raises(Undecryptable):
        KeyRing.parse(ring_text(("k2", OLD))).decrypt(ring.encrypt("x", CONTEXT), CONTEXT)


def test_another_context_reads_nothing(ring: KeyRing) -> None:
    with pytest.raises(Undecryptable):
        ring.decrypt(ring.encrypt("x", CONTEXT), "user_credentials.totp_secret:8")


def test_no_flipped_bit_anywhere_is_accepted(ring: KeyRing) -> None:
    head, _, body = ring.encrypt("secret", CONTEXT).rpartition(".")
    raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    for position in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(Undecryptable):
            ring.decrypt(f"{head}.{base64.urlsafe_b64encode(changed).decode()}", CONTEXT)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "v1",
        "v1.k2",
        "v1.k2.",
        "v1.k2.AAAA",
        "v1.k2.!!!!",
        "v1.k9.AAAA",
        "v2.k2.AAAA",
        "v1.k2.é",
        "A" * 5000,
    ],
)
def test_nonsense_is_refused_with_the_same_error(ring: KeyRing, token: str) -> None:
    with pytest.raises(Undecryptable):
        ring.decrypt(token, CONTEXT)


def test_the_key_id_cannot_be_exchanged(ring: KeyRing) -> None:
    same_key_twice = KeyRing.parse(ring_text(("a", NEW), ("b", NEW)))
    token = same_key_twice.encrypt("x", CONTEXT)
    with pytest.raises(Undecryptable):
        same_key_twice.decrypt(token.replace("v1.a.", "v1.b."), CONTEXT)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "Key 1"),
        ("k1", "Key 1"),
        ("k1:AAAA", "Key 1"),
        (ring_text(("k1", OLD)) + ",k2:***", "Key 2 of the ring is not base64"),
        (ring_text(("k 1", OLD)), "Key 1"),
        (ring_text(("k1", OLD), ("k1", NEW)), "repeats"),
    ],
)
def test_a_ring_that_cannot_be_read_names_the_place_and_not_the_key(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        KeyRing.parse(text)
    assert base64.b64encode(OLD).decode() not in str(caught.value)


def test_keys_may_be_written_in_either_base64(ring: KeyRing) -> None:
    key = b"\xfb\xff" * 16
    urlsafe = KeyRing.parse(f"k:{base64.urlsafe_b64encode(key).decode().rstrip('=')}")
    standard = KeyRing.parse(f"k:{base64.b64encode(key).decode()}")
    assert standard.decrypt(urlsafe.encrypt("x", CONTEXT), CONTEXT) == "x"


def test_an_index_is_the_same_for_the_same_value_and_purpose_only(ring: KeyRing) -> None:
    index = ring.blind_index("9876543210", "phone")
    assert index == ring.blind_index("9876543210", "phone")
    assert (
        len({index, ring.blind_index("9876543211", "phone"), ring.blind_index("9876543210", "guardian")}) == 3
    )
    assert ring.blind_index("b:c", "a") != ring.blind_index("c", "a:b")
    assert len(index) == 64


def test_an_index_of_an_older_key_is_found_while_a_rotation_is_under_way(ring: KeyRing) -> None:
    before = KeyRing.parse(ring_text(("k1", OLD))).blind_index("9876543210", "phone")
    assert ring.blind_index("9876543210", "phone") != before
    assert ring.blind_indexes("9876543210", "phone") == [ring.blind_index("9876543210", "phone"), before]

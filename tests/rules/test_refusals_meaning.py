"""A refusal of the database becomes a sentence for people, or is known to be a bug."""

from __future__ import annotations

import pytest

from app.rules.errors import Conflict, DomainError, Forbidden, Invalid, LimitReached, NotFound
from app.rules.refusals import CONSTRAINT_SENTENCES, DatabaseRefusal, Unavailable, meaning_of


@pytest.mark.parametrize(
    ("sqlstate", "kind", "status"),
    [
        ("VR403", Forbidden, 403),
        ("VR404", NotFound, 404),
        ("VR409", Conflict, 409),
        ("VR422", Invalid, 422),
        ("VR429", LimitReached, 429),
    ],
)
def test_words_of_our_own_functions_reach_the_person(
    sqlstate: str, kind: type[DomainError], status: int
) -> None:
    meaning = meaning_of(DatabaseRefusal(sqlstate, "Asha claimed this request already."))
    assert type(meaning) is kind
    assert (meaning.status, meaning.message) == (status, "Asha claimed this request already.")


def test_our_functions_may_name_the_field() -> None:
    meaning = meaning_of(DatabaseRefusal("VR422", "Please say why.", column="note"))
    assert isinstance(meaning, Invalid)
    assert meaning.field == "note"


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [
        ("23503", Invalid),
        ("23505", Conflict),
        ("23514", Invalid),
        ("23P01", Conflict),
        ("22P02", Invalid),
        ("22001", Invalid),
        ("42501", Forbidden),
        ("40001", Conflict),
        ("40P01", Conflict),
        ("57014", Unavailable),
        ("57P01", Unavailable),
        ("08006", Unavailable),
    ],
)
def test_words_of_postgresql_do_not_reach_the_person(sqlstate: str, kind: type[DomainError]) -> None:
    meaning = meaning_of(DatabaseRefusal(sqlstate, 'relation "secrets" says no', "some_constraint"))
    assert type(meaning) is kind
    assert "relation" not in meaning.message


def test_a_known_constraint_has_its_own_sentence_and_field() -> None:
    taken = meaning_of(DatabaseRefusal("23505", "…", "rooms_number_key"))
    unnamed = meaning_of(DatabaseRefusal("23514", "…", "rooms_number_given"))
    assert isinstance(taken, Conflict)
    assert taken.message == "This hostel has a room of this number already."
    assert isinstance(unnamed, Invalid)
    assert (unnamed.message, unnamed.field) == ("Please give the room a number.", "number")


def test_a_malformed_id_is_an_address_of_nothing() -> None:
    meaning = meaning_of(DatabaseRefusal("22P02", 'invalid input syntax for type uuid: "x"'))
    assert isinstance(meaning, NotFound)


def test_a_missing_value_is_named() -> None:
    meaning = meaning_of(DatabaseRefusal("23502", "…", column="issue_type"))
    assert isinstance(meaning, Invalid)
    assert (meaning.message, meaning.field) == ("Please fill in “issue type”.", "issue_type")


@pytest.mark.parametrize("sqlstate", ["42P01", "42601", "42703", "P0001", "XX000", "VR999", "25P02"])
def test_anything_else_is_a_bug(sqlstate: str) -> None:
    assert meaning_of(DatabaseRefusal(sqlstate, "secret detail")) is None


def test_every_sentence_is_one() -> None:
    for sentence, _ in CONSTRAINT_SENTENCES.values():
        assert sentence[0].isupper()
        assert sentence.endswith(".")

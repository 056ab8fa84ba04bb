"""Errors of the wired application: pages and problems with the request's id, whoever answers first."""

from __future__ import annotations

from typing import Any


def test_an_unknown_address_is_a_page_that_names_the_request(app: Any) -> None:
    answer = app.test_client().get("/nowhere")
    assert answer.status_code == 404
    assert "There is nothing at this address." in answer.text
    assert answer.headers["X-Request-ID"] in answer.text


def test_an_unknown_address_is_a_problem_for_a_program(app: Any) -> None:
    answer = app.test_client().get("/api/v1/nowhere")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert answer.get_json()["request_id"] == answer.headers["X-Request-ID"]


def test_the_id_is_given_before_anything_can_refuse_the_request(app: Any) -> None:
    assert app.before_request_funcs[None][0].__module__ == "app.health.requests"

"""A stranger asks for a bed on a phone: the browser proves that it is none, and is known when it comes again."""

from __future__ import annotations

from typing import Any


def test_a_stranger_asks_and_is_recognized(windows: Any, house: Any) -> None:
    page = windows.open(None, "/i/asha?utm_source=poster", viewport={"width": 390, "height": 800})
    page.get_by_label("Your name").fill("Meera Joshi")
    page.get_by_label("Phone").fill("98765 43210")
    page.get_by_role("button", name="Please call me").click()
    page.get_by_text("Thank you. We have your inquiry").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.goto(f"{house.address}/i/asha")
    page.get_by_text("You have sent us an inquiry from this device already").wait_for()
    page.context.clear_cookies()  # what the browser keeps, and what it looks like, are left
    page.goto(f"{house.address}/i/asha")
    page.get_by_text("You have sent us an inquiry from this device already").wait_for()
    assert not page.get_by_role("button", name="Please call me").is_visible()
    with house.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT full_name FROM inquiries WHERE source = 'poster'").all()
    assert [row.full_name for row in found] == ["Meera Joshi"]


def test_a_stranger_without_cookies_on_a_bad_line_sends_once_and_comes_back(windows: Any, house: Any) -> None:
    page = windows.open(None, "/i/asha?utm_source=letter", viewport={"width": 390, "height": 800})
    page.context.clear_cookies()
    page.get_by_label("Your name").fill("Asha Rao")
    page.get_by_label("Phone").fill("98111 22233")
    button = page.get_by_role("button", name="Please call me")
    page.context.set_offline(True)
    button.click()
    page.get_by_text("There is no connection just now.").wait_for()
    page.context.set_offline(False)
    button.dblclick()
    page.get_by_text("Thank you. We have your inquiry").wait_for()
    page.go_back()
    page.get_by_text("You have sent us an inquiry from this device already").wait_for()
    with house.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT times_asked FROM inquiries WHERE source = 'letter'").all()
    assert [row.times_asked for row in found] == [1]

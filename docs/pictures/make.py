"""Takes the pictures of the docs from a running demo: `make pictures`, so that they never show what is gone.

Every screen in light and dark, 1280 and 390 wide. Needs DEMO_PASSWORD and PUBLIC_URL, as `python3 run.py env` prints.
"""

# ruff: noqa: INP001 - a script beside what it makes, not a package

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path(__file__).parent
COLOURS = 128  # of a picture: screens are flat, and a third of the bytes will do
SIZES = {"": (1280, 800), "phone": (390, 780)}
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync"]
OWNER, STAFF, RESIDENT = "owner@sahyadri.example", "repairs1.kothrud@sahyadri.example", "aarav.patil@students.example"


@dataclass(frozen=True)
class Shot:
    """A screen, as somebody sees it, after something was done on it."""

    name: str
    path: str
    who: str = OWNER
    do: Callable[[Page], Any] = lambda _page: None


def _palette(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.locator("#palette-text").press_sequentially("room 10")
    page.locator("#palette-list [role=option]").first.wait_for()


SHOTS = [
    Shot("overview", "/"),
    Shot("my-day", "/", STAFF),
    Shot("resident", "/", RESIDENT),
    Shot("board", "/maintenance/board/"),
    Shot("requests", "/maintenance/requests/list/"),
    Shot("request", "/maintenance/requests/list/", do=lambda page: page.locator(".row-link").first.click()),
    Shot("form", "/maintenance/requests/add"),
    Shot("palette", "/maintenance/requests/list/", do=_palette),
    Shot("figures", "/maintenance/figures/"),
]


def main(names: list[str]) -> None:
    """Take those that are named, or all."""
    url, password = os.environ["PUBLIC_URL"], os.environ["DEMO_PASSWORD"]
    wanted = [shot for shot in SHOTS if not names or shot.name in names]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGS)
        for who in dict.fromkeys(shot.who for shot in wanted):
            state = _signed_in(browser, url, who, password)
            for size, theme in [(size, theme) for size in SIZES for theme in ("", "dark")]:
                for shot in wanted:
                    if shot.who == who:
                        _take(browser, url, state, shot, size, theme)
        browser.close()


def _signed_in(browser: Browser, url: str, who: str, password: str) -> Any:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}/login")
    page.fill("input[name=email]", who)
    page.fill("input[name=password]", password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: "/login" not in address)
    state = context.storage_state()
    context.close()
    return state


def _take(browser: Browser, url: str, state: Any, shot: Shot, size: str, theme: str) -> None:
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="dark" if theme else "light",
                                  storage_state=state, reduced_motion="reduce")
    page = context.new_page()
    page.goto(url + shot.path)
    shot.do(page)
    page.wait_for_load_state()
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(1500)  # live counts and charts come a moment later
    picture = Image.open(BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(FOLDER / ("-".join(filter(None, (shot.name, size, theme))) + ".png"), optimize=True)
    context.close()


if __name__ == "__main__":
    main(sys.argv[1:])

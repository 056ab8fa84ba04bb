"""Walks through the console as a person would, by its addresses and links, and says what is wrong with each screen."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from werkzeug.exceptions import HTTPException

AXE = (Path(__file__).resolve().parents[2] / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
GRAVE = {"serious", "critical"}
RUN = """async (only) => {
  const options = { resultTypes: ["violations"], preload: false, ...(only ? { runOnly: { type: "rule", values: [only] } } : {}) };
  const { violations } = await axe.run(document, options);
  return violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map((one) => `${one.target.join(" ")} ${one.any[0]?.message || ""}`) }));
}"""
WORDS = "() => { const codes = [...document.querySelectorAll('code')].map((one) => one.innerText); return codes.reduce((text, code) => text.replace(code, ''), document.body.innerText); }"
WIDER = """() => document.scrollingElement.scrollWidth <= innerWidth ? "" : [...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && getComputedStyle(one).position !== "fixed")
  .slice(0, 3).map((one) => `${one.tagName}.${one.className}`).join(", ") || "the page"
"""
# What people should never read, but where it is marked as code: identifiers, parts of a second, names and values that only programs use.
CODES = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-\S*|\d:\d\d:\d\d\.\d+|(?<![@/.\w])[a-z]+_[a-z_]+\b|\{\{|%\(|<[a-z]+ ")
ADDRESS = re.compile(r"\S+@\S+|https?://\S+")
# Screens that show such things because they are about them, each with its reason.
TECHNICAL = {"WorkView.show": "what a job was given, for whoever looks into a failure"}


def violations(page: Any, only: str | None = None) -> list[str]:
    """What axe finds grave in the page as it is shown now; injected by the debugger, where the policy of pages does not reach."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    return [f"{one['id']}: {'; '.join(one['nodes'][:3])}" for one in page.evaluate(RUN, only) if one["impact"] in GRAVE]


def words_and_width(page: Any, endpoint: str) -> list[str]:
    """Whether the screen fits the window, and whether one can read it."""
    found = []
    if wider := page.evaluate(WIDER):
        found.append(f"wider than a phone: {wider}")
    words = ADDRESS.sub("", page.evaluate(WORDS))
    if endpoint not in TECHNICAL and (codes := CODES.findall(words)):
        found.append(f"codes: {sorted(set(codes))[:4]}")
    return [f"{endpoint} ({page.url}): {one}" for one in found]


def faults(page: Any, endpoint: str) -> list[str]:
    """The same, and what axe says, in light and in dark."""
    found = violations(page)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    found += [f"dark {one}" for one in violations(page, "color-contrast")]
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    return [f"{endpoint} ({page.url}): {one}" for one in found] + words_and_width(page, endpoint)


def screens(app: Any, context: Any, only: Collection[str] | None = None) -> Iterator[tuple[str, str]]:
    """(endpoint, path) of every page that this person can reach, each once."""
    urls = app.url_map.bind("localhost")
    begin = [rule.build({})[1] for rule in app.url_map.iter_rules() if "GET" in rule.methods and not rule.arguments]
    ahead, tried = deque(["/", *begin]), set()
    while ahead:
        path = ahead.popleft()
        try:
            endpoint = urls.match(path.partition("?")[0], method="GET")[0]
        except HTTPException:
            continue
        if endpoint in tried or endpoint.endswith("static") or endpoint not in (only or [endpoint]):
            continue
        answer = context.request.get(path, max_redirects=0, headers={"Accept": "text/html"})
        text = answer.text() if answer.status == 200 and answer.headers.get("content-type", "").startswith("text/html") else ""
        if "<html" in text[:200]:
            tried.add(endpoint)
            ahead.extend(link.replace("&amp;", "&") for link in re.findall(r'<a\b[^>]*\bhref="(/[^"#]*)', text))
            yield endpoint, path

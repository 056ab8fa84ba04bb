"""What people are told of is declared once, and what is declared is told."""

from __future__ import annotations

import re
from pathlib import Path

from app.rules import notifications
from app.rules.notifications import KINDS

ROOT = Path(__file__).resolve().parents[2]


def test_every_kind_that_is_told_is_declared_and_every_declared_one_is_told() -> None:
    told, unknown = set(), []
    for path in [*(ROOT / "app/services").rglob("*.py"), *(ROOT / "jobs").rglob("*.py")]:
        source = path.read_text(encoding="utf-8")
        if "Message(" not in source:
            continue
        for call in re.finditer(r"\bMessage\(\s*(?:kind=)?((?:f?\"[^\"]+\"|[^,\"]+)+?),|_tell\(session, event, \w+, (\"[^\"]+\")", source):
            for mark, name in re.findall(r'(f?)"([^"]+)"', call[1] or call[2]):
                pattern = re.compile(re.sub(r"\\\{.*?\\\}", r"[a-z_]+", re.escape(name)) if mark else re.escape(name))
                found = {kind for kind in KINDS if pattern.fullmatch(kind)}
                told |= found
                unknown += [] if found else [f"{path.relative_to(ROOT)}: {name}"]
    assert unknown == []
    assert len(notifications._ALL) == len(KINDS)
    assert set(KINDS) - told == set()

"""What members of enums are called is not lost on the way."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_no_table_has_members_of_two_enums_under_one_name() -> None:
    """They are equal where their values are, so that the second would take the place of the first."""
    wrong = []
    for path in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            keys = {ast.unparse(key) for key in node.keys if isinstance(key, ast.Attribute)} if isinstance(node, ast.Dict) else set()
            names = [name for key in keys if (name := key.rpartition(".")[2]).isupper()]
            wrong += [f"{path.relative_to(ROOT)}:{node.lineno} {name}" for name in {*names} if names.count(name) > 1]
    assert wrong == []

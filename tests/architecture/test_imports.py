"""Imports point one way: lifecycle, permissions ← rules ← models ← services ← (views, api, jobs, cli, reports)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EDGES = {"app.views", "app.api", "app.cli", "jobs", "reports"}
WEB = {"flask", "flask_appbuilder", "flask_login", "flask_wtf", "werkzeug"}

# Package → what it may import of the product, itself aside.
MAY: dict[str, set[str]] = {
    "app.text": set(),
    "app.permissions": set(),
    "app.lifecycle": {"app.permissions", "app.rules.errors", "app.text"},
    "app.rules": {"app.permissions", "app.lifecycle", "app.text"},
    "app.gateways": {"app.rules.errors", "app.text"},
    "app.models": {"app.permissions", "app.lifecycle", "app.rules", "app.text"},
    "app.services": {"app.text", "app.permissions", "app.lifecycle", "app.rules", "app.models", "app.crypto", "app.signing", "app.gateways",
                     "app.identity"},
}
# And what it may not import of others.
NEVER: dict[str, set[str]] = {
    "app.text": WEB | {"sqlalchemy"}, "app.permissions": WEB | {"sqlalchemy"}, "app.lifecycle": WEB | {"sqlalchemy"}, "app.rules": WEB | {"sqlalchemy"},
    "app.gateways": WEB | {"sqlalchemy"}, "app.models": {"flask", "flask_login", "flask_wtf"},
    "app.services": {"flask", "flask_login", "flask_wtf", "flask_appbuilder"},
}


def modules(package: str) -> Iterator[Path]:
    path = ROOT / package.replace(".", "/")
    yield from path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")]


def imported(path: Path) -> set[str]:
    """Modules that a file names in imports, at whatever depth; `from a import b` counts as a and a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _within(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("package", MAY)
def test_a_layer_imports_only_what_is_below_it(package: str) -> None:
    wrong = []
    for path in modules(package):
        for name in imported(path):
            ours = name.startswith(("app.", "jobs", "reports", "migrations"))
            below = _within(name, MAY[package] | {package}) or any(a.startswith(f"{name}.") for a in MAY[package] | {package})
            if (ours and not below) or _within(name, NEVER[package]):
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert wrong == []


def test_tenancy_is_used_by_the_edges_alone() -> None:
    allowed = {"app/views", "app/api", "app/cli", "jobs", "reports", "app/security.py", "app/health.py", "app/problems.py", "app/health", "app/tenancy.py",
               "app/__init__.py"}
    wrong = [str(p.relative_to(ROOT)) for folder in ("app", "jobs", "reports") for p in (ROOT / folder).rglob("*.py")
             if _within("app.tenancy", imported(p)) and not any(str(p.relative_to(ROOT)).startswith(a) for a in allowed)]
    assert wrong == []


def test_only_tenancy_names_the_session_settings() -> None:
    wrong = []
    for folder in ("app", "jobs", "reports"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.name == "tenancy.py":
                continue
            source = path.read_text(encoding="utf-8")
            wrong += [f"{path.relative_to(ROOT)}: {setting}"
                      for setting in ("app.org_id", "app.user_id", "app.caps", "app.seal'", "set_config(") if setting in source]
    assert wrong == []


def test_only_edges_commit() -> None:
    allowed = ("app/views/edge.py", "app/tenancy.py", "app/cli/", "jobs/", "app/api/")
    wrong = [str(p.relative_to(ROOT)) for folder in ("app", "jobs", "reports") for p in (ROOT / folder).rglob("*.py")
             if re.search(r"^[^#\"`]*\.commit\(\)", p.read_text(encoding="utf-8"), re.MULTILINE) and not str(p.relative_to(ROOT)).startswith(allowed)]
    assert wrong == []


def test_nothing_swallows_every_exception() -> None:
    """`except Exception` may only clean up and raise again; the one runner of other people's work may go on."""
    runner = "jobs/outbox.py"  # a failing handler becomes a dead letter: that is what the runner is for
    wrong = []
    for folder in ("app", "jobs", "reports"):
        for path in (ROOT / folder).rglob("*.py"):
            if str(path.relative_to(ROOT)) == runner:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                broad = isinstance(node, ast.ExceptHandler) and (
                    node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
                if broad and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node)):
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert wrong == []

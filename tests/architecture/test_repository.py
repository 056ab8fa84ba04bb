"""The repository itself: no skipped tests, no traces of the machines it was written on, docs that are current."""

from __future__ import annotations

import re
import subprocess
from importlib import import_module
from pathlib import Path

from app.lifecycle import MACHINES, document

ROOT = Path(__file__).resolve().parents[2]


def _tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                           capture_output=True, text=True).stdout.split("\n")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def test_no_test_is_skipped() -> None:
    """Only the browser tests may be, where there is no browser; they say so."""
    wrong = [str(p.relative_to(ROOT)) for p in (ROOT / "tests").rglob("*.py")
             if re.search(r"pytest\.(skip|mark\.(skip|xfail))|importorskip", p.read_text(encoding="utf-8"))
             and p.name != Path(__file__).name and "browser" not in p.parts]
    assert wrong == []


def test_no_paths_of_a_machine_or_hosts_of_registries() -> None:
    pattern = re.compile(r"/work/(?:main|shared|\.library)|/root/|\.\./shared|pypi\.org|pythonhosted|npmjs\.(?:org|com)|deb\.debian\.org")
    wrong = []
    for path in _tracked():
        if path.suffix in {".png", ".pdf", ".csv", ".xlsx", ".ico", ".woff2"} or path == Path(__file__):
            continue
        found = pattern.search(path.read_text(encoding="utf-8", errors="replace"))
        if found:
            wrong.append(f"{path.relative_to(ROOT)}: {found.group(0)}")
    assert wrong == []


def test_files_stay_readable() -> None:
    wrong = [f"{p.relative_to(ROOT)}: {lines}" for p in _tracked() if p.suffix == ".py"
             and (lines := len(p.read_text(encoding="utf-8").splitlines())) > 450]
    assert wrong == []


def test_the_lifecycle_diagrams_are_current() -> None:
    """`flask docs write` writes docs/lifecycles.md."""
    import_module("app.services.seeds")  # which knows every machine
    assert (ROOT / "docs" / "lifecycles.md").read_text(encoding="utf-8") == document(MACHINES)

"""What keeps the console from starting is told in one sentence, with an exit code and without a traceback."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.local.console import ROOT, held
from app.local.places import open_data_folder

BARE = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}


def start(*words: str, **variables: str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "app.local", *words],
        env=BARE | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr.splitlines()


def test_a_taken_port(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert start("--port", port, "--data", str(tmp_path)) == (
            1,
            [f"Port {port} is taken by another program: choose one with --port."],
        )


def test_a_data_folder_that_is_in_use(tmp_path: Path):
    with held(open_data_folder(tmp_path)) as mine:
        assert mine
        code, said = start("--data", str(tmp_path))
    assert (code, said) == (
        1,
        [f"The console already runs on {tmp_path}: stop it first, or choose another --data."],
    )


def test_a_file_in_place_of_the_data_folder(tmp_path: Path):
    (tmp_path / "data").write_text("")
    assert start("--data", str(tmp_path / "data")) == (
        1,
        [f"The data folder {tmp_path / 'data'} cannot be used: {tmp_path / 'data'} is a file."],
    )


def test_a_data_folder_that_cannot_be_made():
    assert start("--data", "/proc/viramah") == (
        1,
        ["The data folder /proc/viramah cannot be written: No such file or directory."],
    )


def test_secrets_that_cannot_be_read(tmp_path: Path):
    (tmp_path / "secrets.json").write_text("{")
    code, said = start("--data", str(tmp_path), "--port", "65535")
    assert code == 1
    assert len(said) == 1
    assert said[0].startswith(f"The data folder is broken: {tmp_path / 'secrets.json'} cannot be read")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"PG_VERSION": "16"}, "was made by PostgreSQL 16 and this is PostgreSQL 18"),
        ({"base": ""}, "holds files but no PostgreSQL cluster (PG_VERSION is missing)"),
    ],
)
def test_a_database_folder_that_is_not_ours(tmp_path: Path, content: dict[str, str], sentence: str):
    (tmp_path / "postgres").mkdir()
    for name, text in content.items():
        (tmp_path / "postgres" / name).write_text(text)
    code, said = start("--data", str(tmp_path), "psql")
    assert code == 1
    assert len(said) == 1
    assert sentence in said[0]


def test_settings_that_are_missing_or_wrong(tmp_path: Path):
    code, said = start("--data", str(tmp_path), "--port", "65535", DEMO="0", WEB_WORKERS="many")
    assert code == 2
    assert [line.split()[0] for line in said] == ["SECRET_KEY", "AUDIT_SEAL_KEY", "FIELD_KEYS", "WEB_WORKERS"]


def test_settings_asked_for_before_the_first_start(tmp_path: Path):
    assert start("--data", str(tmp_path), "env") == (
        1,
        [f"There is nothing in {tmp_path} yet: `python3 run.py` makes it."],
    )


def test_a_reset_asks_first(tmp_path: Path):
    (tmp_path / "secrets.json").write_text("{}")
    assert start("--data", str(tmp_path), "reset") == (1, ["Nothing was removed: say yes, or give --yes."])
    assert (tmp_path / "secrets.json").exists()
    assert start("--data", str(tmp_path), "reset", "--yes") == (0, [])
    assert not (tmp_path / "secrets.json").exists()

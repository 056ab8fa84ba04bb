"""The settings that run.py gives its processes: generated once for the demo, never for anything else."""

import stat
from pathlib import Path

import pytest

import config
from app.local.environment import DEMO_KEYS, LOGINS, describe
from app.local.places import DataFolder, open_data_folder

REAL = {name: f"postgresql://{login}:x@db.example.com/viramah" for name, login in LOGINS.items()}


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return open_data_folder(tmp_path / "data")


def test_the_first_start_makes_settings_that_the_console_accepts(folder: DataFolder):
    settings = config.load(describe(folder, 8080, {}).settings)
    assert settings.demo
    assert settings.public_url == "http://127.0.0.1:8080"


def test_the_second_start_finds_the_secrets_of_the_first(folder: DataFolder):
    assert describe(folder, 8080, {}).settings == describe(folder, 8080, {}).settings


def test_two_installations_share_no_secret(folder: DataFolder, tmp_path: Path):
    other = open_data_folder(tmp_path / "other")
    mine, theirs = describe(folder, 8080, {}).settings, describe(other, 8080, {}).settings
    assert all(mine[name] != theirs[name] for name in (*DEMO_KEYS, *LOGINS))


def test_secrets_and_their_folders_are_for_their_owner_only(folder: DataFolder):
    describe(folder, 8080, {})
    assert stat.S_IMODE(folder.secrets.stat().st_mode) == 0o600
    for name in ("logs", "files", "mailbox", "anchor"):
        assert stat.S_IMODE((folder.root / name).stat().st_mode) == 0o700


def test_what_the_shell_sets_counts_more(folder: DataFolder):
    local = describe(folder, 8080, {"REDIS_URL": "redis://r.example.com", "LOG_LEVEL": "DEBUG"})
    assert local.redis is None
    assert local.settings["REDIS_URL"] == "redis://r.example.com"
    assert local.settings["LOG_LEVEL"] == "DEBUG"


def test_with_a_real_database_nothing_is_generated_and_no_demo_is_loaded(folder: DataFolder):
    local = describe(folder, 8080, REAL)
    assert local.postgres is None
    assert local.settings["DEMO"] == "0"
    assert not folder.secrets.exists()
    with pytest.raises(config.ConfigError) as refused:
        config.load(local.settings)
    assert [problem.split()[0] for problem in refused.value.problems] == [
        "SECRET_KEY",
        "AUDIT_SEAL_KEY",
        "FIELD_KEYS",
    ]


def test_outside_the_demo_keys_kept_from_a_demo_are_not_used(folder: DataFolder):
    describe(folder, 8080, {})
    assert not DEMO_KEYS.keys() & describe(folder, 8080, {"DEMO": "0"}).settings.keys()


@pytest.mark.parametrize("process", ["web", "worker"])
def test_only_the_command_line_gets_the_superusers_address(
    folder: DataFolder, process: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DATABASE_ADMIN_URL", REAL["DATABASE_ADMIN_URL"])
    local = describe(folder, 8080, {})
    assert "DATABASE_ADMIN_URL" in local.environment("cli")
    assert "DATABASE_ADMIN_URL" not in local.environment(process)


def test_a_socket_path_fits_however_deep_the_data_lies(tmp_path: Path):
    deep = open_data_folder(tmp_path.joinpath(*["deeper"] * 30))
    local = describe(deep, 8080, {})
    assert local.postgres is not None
    assert len(str(local.postgres.sockets / ".s.PGSQL.5432")) < 107

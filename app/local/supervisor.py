"""Keeps the parts of the console running: starts them in order, restarts what dies, stops them in reverse."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil

from app.local.process import LocalError, end_group, spawn, stop

FIRST_PAUSE = 0.5  # seconds before the first restart; doubles up to the longest
LONGEST_PAUSE = 30.0
HEALTHY_AFTER = 60.0  # a part that ran this long starts again with the first pause
ORPHANS_EVERY = 2.0


class Part(Protocol):
    """A server or program that can be started and stopped, and whose process tells whether it lives."""

    log: Path
    process: subprocess.Popen[bytes] | None

    def start(self) -> None: ...

    def stop(self) -> None: ...


@dataclass
class Program:
    """A program of ours, such as the web server or a worker."""

    command: Sequence[str]
    log: Path
    environment: Mapping[str, str]
    folder: Path
    patience: float = 20.0  # seconds it gets to finish what it does
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        self.process = spawn(self.command, log=self.log, env=self.environment, cwd=self.folder)

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process, signal.SIGTERM, self.patience)
            self.process = None


@dataclass
class _Watched:
    name: str
    part: Part
    started: float = 0.0
    pause: float = FIRST_PAUSE
    due: float | None = None  # when to start it again; None while it runs
    deaths: int = 0


@dataclass
class Supervisor:
    """Watches parts by polling, in one thread: a child is told of its parent's death by the thread it came from."""

    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    _watched: list[_Watched] = field(default_factory=list)
    _next_orphans: float = 0.0
    # Children from before are somebody else's: the cluster of a test run, for one.
    _others: frozenset[int] = field(default_factory=lambda: frozenset(c.pid for c in psutil.Process().children()))

    def start(self, name: str, part: Part) -> None:
        """Start a part now and watch it from here on."""
        watched = _Watched(name, part, started=self.clock())
        self._watched.append(watched)  # first, so that stop() finds it when the start is interrupted
        part.start()

    def deaths(self, name: str) -> int:
        """How often a part died so far."""
        return sum(watched.deaths for watched in self._watched if watched.name == name)

    def look(self) -> None:
        """One round: notice the dead, start again what is due, end what a dead part left running."""
        for watched in self._watched:
            if watched.due is None:
                self._notice_death(watched)
            if watched.due is not None and self.clock() >= watched.due:
                self._start_again(watched)
        if self.clock() >= self._next_orphans:
            self._next_orphans = self.clock() + ORPHANS_EVERY
            self._end_orphans()

    def stop(self) -> None:
        """Stop everything: programs at the same time, then the servers they used, last started first."""
        programs = [w.part for w in self._watched if isinstance(w.part, Program)]
        for program in programs:
            if program.process is not None and program.process.poll() is None:
                program.process.terminate()
        for part in programs + [w.part for w in reversed(self._watched) if not isinstance(w.part, Program)]:
            part.stop()
        self._watched.clear()
        self._end_orphans()

    def _notice_death(self, watched: _Watched) -> None:
        process = watched.part.process
        if process is None or process.poll() is None:
            return
        end_group(process.pid)
        if self.clock() - watched.started > HEALTHY_AFTER:
            watched.pause = FIRST_PAUSE
        watched.deaths += 1
        watched.due = self.clock() + watched.pause
        self.say(
            f"{watched.name} ended ({_reason(process.returncode)}, see {watched.part.log}); "
            f"starting it again in {watched.pause:g} s."
        )
        watched.pause = min(watched.pause * 2, LONGEST_PAUSE)

    def _start_again(self, watched: _Watched) -> None:
        watched.started, watched.due = self.clock(), None
        try:
            watched.part.start()
        except LocalError as error:
            watched.due = self.clock() + watched.pause
            watched.pause = min(watched.pause * 2, LONGEST_PAUSE)
            self.say(f"{watched.name} did not start again: {error}")

    def _end_orphans(self) -> None:
        ours = {w.part.process.pid for w in self._watched if w.part.process is not None}
        for child in psutil.Process().children():
            if child.pid in ours or child.pid in self._others:
                continue
            try:
                child.kill()
                child.wait(1)  # reaps it
            except (psutil.NoSuchProcess, psutil.TimeoutExpired):
                continue


def _reason(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def end_marked(name: str, value: str) -> int:
    """End every process whose environment says `name=value`; returns how many there were."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(name) == value:
                process.terminate()
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    for process in psutil.wait_procs(found, timeout=10)[1]:
        process.kill()
    psutil.wait_procs(found, timeout=5)
    return len(found)

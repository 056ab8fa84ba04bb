"""The supervisor starts again what dies, ever more slowly, and leaves nothing behind."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from app.local.console import ROOT
from app.local.process import LocalError
from app.local.supervisor import FIRST_PAUSE, HEALTHY_AFTER, LONGEST_PAUSE, Program, Supervisor, end_marked

WAITS = [sys.executable, "-c", "import signal; signal.pause()"]
# A parent of the kind run.py is: starts a child as the supervisor does, tells its pid, and waits.
PARENT = """
import os, signal, sys
from pathlib import Path
from app.local.process import spawn
print(spawn(sys.argv[2:], log=Path(sys.argv[1]), env=dict(os.environ)).pid, flush=True)
signal.pause()
"""


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Watched:
    """A supervisor with one program, a clock that is moved by hand, and what was said."""

    def __init__(self, log: Path, command: list[str]) -> None:
        self.clock, self.said = Clock(), []
        self.supervisor = Supervisor(self.said.append, self.clock)
        self.program = Program(command, log=log, environment={}, folder=Path("/"))
        self.supervisor.start("worker", self.program)

    def die_and_wait(self, seconds: float) -> None:
        self.program.process.kill()
        self.program.process.wait(10)
        self.supervisor.look()
        self.clock.now += seconds
        self.supervisor.look()

    def lives(self) -> bool:
        return self.program.process.poll() is None


@pytest.fixture
def watched(tmp_path: Path):
    found = Watched(tmp_path / "log", WAITS)
    yield found
    found.supervisor.stop()


def test_a_dead_program_starts_again_after_a_pause(watched: Watched):
    first = watched.program.process.pid
    watched.die_and_wait(FIRST_PAUSE / 2)
    assert not watched.lives()
    watched.clock.now += FIRST_PAUSE
    watched.supervisor.look()
    assert watched.lives()
    assert watched.program.process.pid != first
    assert watched.said == [
        f"worker ended (killed by SIGKILL, see {watched.program.log}); starting it again in {FIRST_PAUSE:g} s."
    ]


def test_a_living_program_is_left_alone(watched: Watched):
    first = watched.program.process.pid
    watched.supervisor.look()
    assert watched.program.process.pid == first
    assert watched.said == []


def test_the_pause_doubles_up_to_the_longest(watched: Watched):
    pauses = []
    for _ in range(9):
        watched.die_and_wait(LONGEST_PAUSE)
        pauses.append(float(watched.said[-1].split()[-2]))
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert watched.supervisor.deaths("worker") == 9


def test_a_program_that_ran_well_starts_again_soon(watched: Watched):
    watched.die_and_wait(LONGEST_PAUSE)
    watched.die_and_wait(LONGEST_PAUSE)
    watched.clock.now += HEALTHY_AFTER + 1
    watched.die_and_wait(FIRST_PAUSE)
    assert watched.lives()


def test_a_server_that_does_not_come_back_is_tried_again(tmp_path: Path):
    watched = Watched(tmp_path / "log", WAITS)

    def refuse() -> None:
        raise LocalError("disk full")

    start, watched.program.start = watched.program.start, refuse
    watched.die_and_wait(FIRST_PAUSE)
    assert watched.said[-1] == "worker did not start again: disk full"
    watched.program.start = start
    watched.clock.now += LONGEST_PAUSE
    watched.supervisor.look()
    assert watched.lives()
    watched.supervisor.stop()


def test_stopping_leaves_no_process_even_of_one_that_will_not_listen(tmp_path: Path):
    deaf = [
        sys.executable,
        "-c",
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()",
    ]
    watched = Watched(tmp_path / "log", deaf)
    watched.program.patience = 0.1
    process = watched.program.process
    watched.supervisor.stop()
    assert process.returncode is not None
    assert not psutil.pid_exists(process.pid)


def test_children_from_before_the_supervisor_are_left_alone(tmp_path: Path):
    with subprocess.Popen(WAITS) as other:
        try:
            watched = Watched(tmp_path / "log", WAITS)
            watched.die_and_wait(FIRST_PAUSE)
            watched.supervisor.stop()
            assert other.poll() is None
        finally:
            other.kill()


def test_children_die_with_a_parent_that_was_killed(tmp_path: Path):
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log"), *WAITS],
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.is_running()
        parent.send_signal(signal.SIGKILL)
    _, left = psutil.wait_procs([child], timeout=10)
    assert left == []


@pytest.fixture
def marked():
    """Start a process with a mark in its environment; whatever happens, it is gone after the test."""
    started = []

    def start(mark: str) -> subprocess.Popen:
        started.append(subprocess.Popen(WAITS, env={"VIRAMAH_TEST_MARK": mark}))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait(10)


def test_what_a_killed_run_left_is_found_by_its_mark_and_ended(tmp_path: Path, marked):
    left, other = marked(str(tmp_path)), marked(f"{tmp_path}x")
    assert end_marked("VIRAMAH_TEST_MARK", str(tmp_path)) == 1
    assert not psutil.pid_exists(left.pid)
    assert other.poll() is None

"""A child that hangs is told from one that is busy, and from a machine that sleeps."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from stack.children import processes
from stack.children import supervisor as module
from stack.children.processes import Child
from stack.children.silence import LONGEST_STEP, Silence
from stack.children.supervisor import Supervisor
from tests.stack.dummies import child, says_up, until

# Touches its file until it is told to hang: then its loop is stuck, and the process goes on.
ROLE = """
import pathlib, sys, time
alive, stuck = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
print('up', flush=True)
while not stuck.exists():
    alive.touch(); time.sleep(0.01)
time.sleep(600)
"""


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def supervisor(told: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    monkeypatch.setattr(module, "FIRST_BACK_OFF", 0.0)
    supervisor = Supervisor(told.append)
    yield supervisor
    supervisor.stop()


@pytest.fixture
def role(supervisor: Supervisor, tmp_path: Path) -> Child:
    alive = tmp_path / "alive"
    arguments = (ROLE, str(alive), str(tmp_path / "stuck"))
    role = supervisor.adopt(child(tmp_path, *arguments, name="worker", restart=True, patience=0.3, alive_file=alive))
    role.start()
    until(lambda: not role.hangs(0) and role.silence.heard)
    return role


def restarted(supervisor: Supervisor, role: Child, first: int | None) -> bool:
    supervisor.check()
    return role.alive and role.pid != first


def test_a_role_whose_loop_is_stuck_is_killed_and_started_again(
    supervisor: Supervisor, role: Child, told: list[str], tmp_path: Path
) -> None:
    first = role.pid
    (tmp_path / "stuck").touch()
    until(lambda: restarted(supervisor, role, first))
    assert told[0].startswith("worker hangs: no sign of life for ")
    assert told[1].startswith("worker was ended because it hung; it is started again in 0 s.")
    assert "worker was started again." in told


def test_a_role_that_hung_before_and_is_killed_by_another_has_ended_unexpectedly(
    supervisor: Supervisor, role: Child, told: list[str], tmp_path: Path
) -> None:
    first = role.pid
    (tmp_path / "stuck").touch()
    until(lambda: restarted(supervisor, role, first))
    second = role.pid
    assert second is not None
    os.kill(second, signal.SIGKILL)
    until(lambda: restarted(supervisor, role, second))
    assert any(each.startswith("worker ended unexpectedly (killed by SIGKILL); ") for each in told)


def test_a_role_that_is_stopped_by_a_signal_is_started_again(supervisor: Supervisor, role: Child, told: list[str]) -> None:
    first = role.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    until(lambda: restarted(supervisor, role, first))
    assert told[0].startswith("worker hangs: ")


def test_a_server_that_touches_no_file_is_known_by_its_state(supervisor: Supervisor, told: list[str], tmp_path: Path) -> None:
    server = supervisor.adopt(
        child(tmp_path, "import time; print('up', flush=True); time.sleep(600)", name="Temporal", restart=True, patience=0.3)
    )
    server.start()
    server.wait_until(says_up(server), 20)
    first = server.pid
    assert first is not None
    for _ in range(5):
        assert not server.hangs(10)
    os.kill(first, signal.SIGSTOP)
    until(lambda: restarted(supervisor, server, first))
    assert told[0].startswith("Temporal hangs: ")


def test_a_child_without_patience_may_be_silent_for_ever(supervisor: Supervisor, tmp_path: Path) -> None:
    quiet = supervisor.adopt(child(tmp_path, "import time; time.sleep(600)"))
    quiet.start()
    assert not any(quiet.hangs(1000) for _ in range(100))


def test_a_machine_that_slept_for_a_night_counts_as_one_look(tmp_path: Path) -> None:
    """On some systems the supervisor's clock goes on while nobody runs."""
    silence, file = Silence(tmp_path / "alive"), tmp_path / "alive"
    file.touch()
    silence.look(os.getpid(), 0.2)
    silence.look(os.getpid(), 8 * 3600)
    assert silence.seconds == LONGEST_STEP
    os.utime(file, ns=(1, 1))
    silence.look(os.getpid(), 0.2)
    assert silence.seconds == 0


def test_a_role_that_is_still_starting_has_more_time(role: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Silence, "_file_says_so", lambda _: False)
    role.silence.begin()
    looks = int(processes.START_PATIENCE / LONGEST_STEP)
    assert [role.hangs(LONGEST_STEP) for _ in range(looks)] == [False] * looks
    assert role.hangs(LONGEST_STEP)


def test_a_process_that_is_gone_is_not_stopped(tmp_path: Path) -> None:
    silence = Silence(None)
    silence.look(max(psutil.pids()) + 100_000, 1)
    assert silence.seconds == 0

"""Who is restarted, who ends everything, and in which order all stop."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.children import supervisor as module
from stack.children.supervisor import StopRequested, Supervisor, mark, stop_orphans
from stack.errors import StackError
from tests.stack.dummies import NOTES, PATIENT, child, says_up


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def supervisor(told: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(told.append)
    yield supervisor
    supervisor.stop()


def test_the_death_of_a_child_that_is_not_restarted_ends_everything(supervisor: Supervisor, tmp_path: Path) -> None:
    server = supervisor.adopt(child(tmp_path, "raise SystemExit('disk full')", name="PostgreSQL"))
    server.start()
    server.wait(20)
    with pytest.raises(StackError, match=r"PostgreSQL ended unexpectedly \(status 1\), so everything stops[\s\S]*disk full"):
        supervisor.check()


def test_a_role_that_dies_is_told_and_started_again(
    supervisor: Supervisor, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_BACK_OFF", 0.0)
    role = supervisor.adopt(child(tmp_path, "print('up', flush=True); input()", name="worker", restart=True))
    role.start()
    first = role.pid
    role.wait(20)
    supervisor.check()
    supervisor.check()
    assert role.pid != first
    assert "worker ended unexpectedly (status 1); it is started again in 0 s." in told[0]
    assert "EOFError" in told[0]
    assert told[1] == "worker was started again."


def test_a_server_is_started_again_in_two_lines_after_its_remains_are_cleared(
    supervisor: Supervisor, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_BACK_OFF", 0.0)
    cleared: list[str] = []
    server = supervisor.adopt(
        child(tmp_path, "pass", name="PostgreSQL", restart=True, tries=5, prepare=lambda: cleared.append("cleared"))
    )
    server.start()
    server.wait(20)
    supervisor.check()
    supervisor.check()
    assert cleared == ["cleared"]
    assert told == [
        f"PostgreSQL ended unexpectedly (status 0); it is started again in 0 s. Its log: {server.spec.log}",
        "PostgreSQL was started again.",
    ]


def test_a_server_that_never_stays_ends_everything_with_its_log(
    supervisor: Supervisor, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_BACK_OFF", 0.0)
    server = supervisor.adopt(child(tmp_path, "raise SystemExit('disk full')", name="Temporal", restart=True, tries=2))
    server.start()
    for _ in range(2):
        server.wait(20)
        supervisor.check()
        supervisor.check()
    server.wait(20)
    with pytest.raises(StackError, match=r"^Temporal was started again 2 times and did not stay, [\s\S]*disk full"):
        supervisor.check()
    assert told.count("Temporal was started again.") == 2


def test_a_directory_that_is_removed_ends_everything_in_one_sentence(told: list[str], tmp_path: Path) -> None:
    home = tmp_path / "var"
    home.mkdir()
    supervisor = Supervisor(told.append, homes=[home])
    supervisor.check()
    home.rmdir()
    with pytest.raises(StackError, match=f"^{home} was removed while Linkwake was running, so everything stops.$"):
        supervisor.check()


def test_a_directory_that_a_child_has_made_again_is_not_taken_for_the_one_that_was_removed(
    told: list[str], tmp_path: Path
) -> None:
    home = tmp_path / "var"
    home.mkdir()
    supervisor = Supervisor(told.append, homes=[home])
    home.rmdir()
    home.mkdir()
    with pytest.raises(StackError, match="was removed"):
        supervisor.check()


def test_a_child_whose_directory_is_gone_is_one_sentence(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    with pytest.raises(StackError, match=f"^worker cannot be started: {gone} is not there.$"):
        child(tmp_path, "pass", name="worker", cwd=gone).start()


def test_a_role_that_keeps_dying_is_started_ever_less_often(
    supervisor: Supervisor, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    role = child(tmp_path, "pass", name="worker", restart=True)
    role.started = now
    delays = [supervisor._back_off(role) for _ in range(8)]
    assert delays == [1, 2, 4, 8, 16, 30, 30, 30]
    now += module.STEADY_SECONDS + 1
    assert supervisor._back_off(role) == 1


def test_roles_stop_before_temporal_and_temporal_before_postgresql(supervisor: Supervisor, tmp_path: Path) -> None:
    notes = tmp_path / "order"
    for tier, name in enumerate(["PostgreSQL", "Temporal", "worker"]):
        one = supervisor.adopt(child(tmp_path, NOTES, str(notes), name, name=name, tier=tier))
        one.start()
        one.wait_until(says_up(one), 20)
    supervisor.stop()
    assert notes.read_text().split() == ["worker", "Temporal", "PostgreSQL"]


def test_the_first_signal_asks_to_stop(supervisor: Supervisor) -> None:
    with supervisor.signals(), pytest.raises(StopRequested):
        signal.raise_signal(signal.SIGTERM)


def test_a_second_signal_cuts_the_grace_short(supervisor: Supervisor, tmp_path: Path) -> None:
    stubborn = supervisor.adopt(child(tmp_path, PATIENT, grace=600.0))
    stubborn.start()
    stubborn.wait_until(says_up(stubborn), 20)
    with supervisor.signals():
        with pytest.raises(StopRequested):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        supervisor.stop()
    assert stubborn.status == -signal.SIGKILL


def test_signal_handlers_are_put_back(supervisor: Supervisor) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with supervisor.signals():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_orphans_of_this_directory_are_stopped_and_others_are_left_alone(told: list[str], tmp_path: Path) -> None:
    orphan = child(tmp_path, "import time; print('up', flush=True); time.sleep(600)", environment=mark(tmp_path))
    other = child(tmp_path, PATIENT, name="other", grace=0.0, environment=mark(tmp_path / "other"))
    for one in (orphan, other):
        one.start()
        one.wait_until(says_up(one), 20)
    stop_orphans(tmp_path, told.append)
    assert not orphan.alive
    assert other.alive
    assert str(orphan.pid) in told[0]
    other.stop()


def test_nothing_is_said_when_nothing_was_left_behind(told: list[str], tmp_path: Path) -> None:
    stop_orphans(tmp_path, told.append)
    assert told == []

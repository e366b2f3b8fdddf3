"""Who steps back on a machine that is short of processors."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.database import Database
from stack.children import priority
from stack.children.priority import recorder_niceness, step_back, step_back_in_postgres, waited_for_processor
from stack.children.processes import tethered
from tests.clicks import rows


@pytest.mark.parametrize("started_with", [0, 11])
def test_a_process_steps_back_and_never_forward(started_with: int) -> None:
    """Whoever started everything with `nice` keeps what they asked for."""
    command = tethered([sys.executable, "-c", "input()"])
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as process:  # noqa: S603 - our own interpreter
        before = max(started_with, os.getpriority(os.PRIO_PROCESS, 0))
        os.setpriority(os.PRIO_PROCESS, process.pid, before)
        step_back(process.pid, 7)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == max(7, before)
        process.kill()


CHILD = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
input()
child.kill()
"""


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="this kernel does not share the processor among sessions")
@pytest.mark.parametrize("own", [True, False])
def test_a_session_steps_back_only_when_it_is_the_processs_own(own: bool) -> None:
    """A worker that somebody starts in a terminal would slow everything else there, also after its end."""
    command = tethered([sys.executable, "-c", CHILD])
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "start_new_session": True}
    with subprocess.Popen(command, text=True, **options) as leader:  # type: ignore[call-overload] # noqa: S603
        child = int(leader.stdout.readline())
        step_back(leader.pid if own else child, 7)
        assert ("nice 7" in Path(f"/proc/{leader.pid}/autogroup").read_text()) == own
        leader.communicate("\n")


def test_a_process_that_has_ended_is_no_error() -> None:
    with subprocess.Popen(tethered([sys.executable, "-c", ""])) as process:  # noqa: S603 - our own interpreter
        process.wait()
    step_back(process.pid, 7)


def test_storing_what_was_recorded_steps_back_further_unless_nobody_does() -> None:
    assert [recorder_niceness(worker) for worker in (0, 5, 15)] == [0, 15, 19]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("some avg10=0.31 avg60=9.25 avg300=16.40 total=11011542\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n", 11.011542),
        ("", 0.0),
        ("something else total=5\n", 0.0),
    ],
)
def test_how_long_something_waited_for_a_processor_is_read_from_the_kernel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, seconds: float
) -> None:
    (tmp_path / "cpu").write_text(text)
    monkeypatch.setattr(priority, "PRESSURE", tmp_path / "cpu")
    assert waited_for_processor() == seconds


def test_where_the_kernel_does_not_say_it_nothing_waited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(priority, "PRESSURE", tmp_path / "missing")
    assert waited_for_processor() == 0


async def test_the_server_processes_of_an_engine_step_back(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    step_back_in_postgres(database.engine, 12)
    [pid] = await rows(database, "SELECT pg_backend_pid()")
    assert os.getpriority(os.PRIO_PROCESS, pid) == 12
    await database.close()

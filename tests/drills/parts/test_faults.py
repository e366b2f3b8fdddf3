"""What a fault does to processes, whole and at once, and when it has healed."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import psutil

from drills.parts.faults import Target, standing_still
from drills.parts.patience import DrillError
from models.database import Database
from services.process.crashpoint import FIRED
from settings import Settings
from tests.stack.dummies import python

FORKS = """
import os, time
reading, writing = os.pipe()
print("up", flush=True)
for _ in range(300):
    if not os.fork():
        os.close(writing)
        os.read(reading, 1)  # until the parent is gone, whatever ended it
        os._exit(0)
time.sleep(600)
"""


async def test_what_a_process_starts_while_it_is_being_stopped_stands_still_too() -> None:
    """One session of PostgreSQL that went on would make the fault look like none."""
    with python(FORKS) as process:
        assert process.stdout is not None
        process.stdout.readline()
        parent = psutil.Process(process.pid)
        try:
            async with standing_still(parent):
                family = [parent, *parent.children(recursive=True)]
                assert {each.status() for each in family} == {psutil.STATUS_STOPPED}
            assert psutil.STATUS_STOPPED not in {each.status() for each in family}
        finally:
            parent.suspend()  # so that it makes no more
            for each in [*parent.children(recursive=True), parent]:
                each.kill()


class Scripted(Target):
    """A stack whose worker is, with each look at it, the next of these processes, and always says that it works. Process 0 stands
    for none."""

    def __init__(self, crashes: Path, *pids: int) -> None:
        state = {"pid": os.getpid()}
        super().__init__(cast(Settings, SimpleNamespace(stack_state=state)), cast(Database, None), crashes)
        self.pids: Iterator[int] = iter(pids)
        self.worked: list[int] = []
        self.pid = 0

    def _processes(self, name: str) -> list[psutil.Process]:
        self.pid = next(self.pids)
        if not self.pid:
            raise DrillError(f"There is no process of {name}.")
        return [cast(psutil.Process, SimpleNamespace(pid=self.pid))]

    async def _works(self, _: str) -> bool:
        self.worked.append(self.pid)
        return True


async def test_a_process_that_is_still_dying_is_not_taken_for_its_successor(tmp_path: Path) -> None:
    """The next fault would find none."""
    target = Scripted(tmp_path, 41, 41, 41, 0, 42)

    async def dies() -> None:
        (tmp_path / "worker.kept").rename(tmp_path / f"worker.kept{FIRED}")

    await target.crash("worker", "kept", 0, dies)
    assert target.worked == [0, 42]
    await target.close()


async def test_a_process_that_ends_during_a_look_at_all_hides_no_other(monkeypatch: Any) -> None:
    """Sessions of PostgreSQL come and go."""

    class Process(SimpleNamespace):
        def cmdline(self) -> list[str]:
            return ["python", "cli.py", "worker"]

        def parents(self) -> list[int]:
            if self.pid == 1:
                raise psutil.NoSuchProcess(self.pid)
            return [0] * self.pid

    target = Scripted(Path())
    monkeypatch.setattr(
        target, "_supervisor", SimpleNamespace(children=lambda recursive: [Process(pid=each) for each in (1, 3, 2)])
    )
    assert [each.pid for each in Target._processes(target, "worker")] == [2, 3, 1]
    await target.close()


async def test_a_redirect_that_does_not_answer_yet_is_asked_again_for_its_counts() -> None:
    counts = httpx.Response(200, text='linkwake_journal_clicks_total{state="lost"} 3.0\n')
    answers: Iterator[httpx.Response | Exception] = iter([httpx.ReadTimeout("busy"), counts])

    def answer(_: httpx.Request) -> httpx.Response:
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    target = Scripted(Path())
    await target.close()
    target.settings = cast(Settings, SimpleNamespace(redirect_port=1))
    target._http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    assert await target.journal() == {"lost": 3.0}
    await target.close()

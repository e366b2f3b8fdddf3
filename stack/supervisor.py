"""Keeps the children of one stack: says when one dies, restarts them, stops all in the right order."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import psutil

from stack.errors import StackError
from stack.processes import MARK, Child, limit_log, marked_processes, stop_all

FIRST_BACK_OFF = 1.0
LONGEST_BACK_OFF = 30.0
STEADY_SECONDS = 60.0  # a child that ran this long starts its back-off anew
_WATCH_SECONDS = 0.2


class StopRequested(BaseException):
    """SIGINT or SIGTERM came. Not an Exception, so that nothing on the way up takes it for a failure."""


class Supervisor:
    """`say` gets one sentence (with a log's end) for each thing a person should know. `homes`: the directories without which
    no child can live."""

    def __init__(self, say: Callable[[str], None], homes: Sequence[Path] = ()) -> None:
        self.children: list[Child] = []
        self._say = say
        self._homes = homes
        self._restarts: dict[str, float] = {}  # child's name: time.monotonic() of its next start
        self._stopping = False
        self._hurry = False

    def adopt(self, child: Child) -> Child:
        """Watch and stop a child that runs or is about to."""
        self.children.append(child)
        return child

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Inside, the first SIGINT or SIGTERM raises StopRequested; a later one cuts the grace periods short."""
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, self._on_signal) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._stopping:
            self._hurry = True
            return
        self._stopping = True
        raise StopRequested

    def watch(self) -> None:
        """Until StopRequested. Raises StackError when a child that is not restarted, or not once more, has died, and when a home
        was removed."""
        while True:
            time.sleep(_WATCH_SECONDS)
            self.check()

    def check(self) -> None:
        """One look at every home and every child."""
        for home in self._homes:
            if not home.exists():
                raise StackError(f"{home} was removed while Linkwake was running, so everything stops.")
        for child in self.children:
            limit_log(child.spec.log)
            if child.alive:
                continue
            if not child.spec.restart:
                raise StackError(f"{child.spec.name} ended unexpectedly ({_how(child)}), so everything stops. {child.tail()}")
            self._revive(child)

    def _revive(self, child: Child) -> None:
        due = self._restarts.get(child.spec.name)
        if due is None:
            self._restarts[child.spec.name] = time.monotonic() + self._back_off(child)
        elif time.monotonic() >= due:
            del self._restarts[child.spec.name]
            child.spec.prepare()
            child.start()
            self._say(f"{child.spec.name} was started again.")

    def _back_off(self, child: Child) -> float:
        """Seconds until it is started again. Raises StackError when it has had its tries."""
        child.sweep()
        child.failures = 1 if time.monotonic() - child.started > STEADY_SECONDS else child.failures + 1
        name, tries = child.spec.name, child.spec.tries
        if tries is not None and child.failures > tries:
            raise StackError(f"{name} was started again {tries} times and did not stay, so everything stops. {child.tail()}")
        delay = min(FIRST_BACK_OFF * 2.0 ** (child.failures - 1), LONGEST_BACK_OFF)
        log = child.tail() if tries is None else f"Its log: {child.spec.log}"
        self._say(f"{name} ended unexpectedly ({_how(child)}); it is started again in {delay:.0f} s. {log}")
        return delay

    def stop(self) -> None:
        """Stop all, the highest tier first, each with its grace, then SIGKILL. Can be called again."""
        self._stopping = True
        for tier in sorted({child.spec.tier for child in self.children}, reverse=True):
            members = [child for child in self.children if child.spec.tier == tier]
            for child in members:
                child.interrupt()
            for child in members:
                child.finish(lambda: self._hurry)


def _how(child: Child) -> str:
    status = child.status
    return f"killed by {signal.Signals(-status).name}" if status is not None and status < 0 else f"status {status}"


def stop_orphans(var_dir: Path, say: Callable[[str], None]) -> None:
    """Stop what a killed supervisor of this directory has left running (PostgreSQL looks after its own)."""
    ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    orphans = [process for process in marked_processes(str(var_dir)) if process.pid not in ours]
    if orphans:
        say(f"Stopping what an earlier run left behind: {', '.join(str(process.pid) for process in orphans)}.")
        stop_all(orphans, signal.SIGTERM)


def mark(var_dir: Path) -> dict[str, str]:
    """Environment by which `stop_orphans` knows the children of this directory."""
    return {MARK: str(var_dir)}

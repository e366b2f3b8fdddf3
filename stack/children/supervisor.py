"""Keeps the children of one stack: reports when one dies or hangs, restarts it, and stops all of them in the right order."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import psutil

from stack.children.processes import MARK, Child, limit_log, marked_processes, stop_all
from stack.errors import StackError

FIRST_BACK_OFF = 1.0
LONGEST_BACK_OFF = 30.0
STEADY_SECONDS = 60.0  # the back-off of a child that ran for this long starts from the beginning
_WATCH_SECONDS = 0.2


class StopRequested(BaseException):
    """SIGINT or SIGTERM has arrived. It is not an Exception, so that no code on the way up mistakes it for a failure."""


class _Home:
    """A directory that is kept open. When it is removed and a child creates one of the same name, the new directory cannot be
    mistaken for the first one, because nothing else gets the inode of an open directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None
        self.is_gone()

    def is_gone(self) -> bool:
        """Returns whether the directory that was first seen here is gone. A directory that never existed counts as gone."""
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            return not os.path.samestat(os.stat(self.path), os.fstat(self._descriptor))
        except OSError:
            return True

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class Supervisor:
    """`say` gets one sentence, with the end of a log, for each thing that a person should know. `homes` are the directories
    without which no child can live."""

    def __init__(self, say: Callable[[str], None], homes: Sequence[Path] = ()) -> None:
        self.children: list[Child] = []
        self._say = say
        self._homes = [_Home(home) for home in homes]
        self._looked_at = time.monotonic()
        self._restarts: dict[str, float] = {}  # maps a child's name to the time.monotonic() of its next start
        self._stopping = False
        self._hurry = False

    def adopt(self, child: Child) -> Child:
        """Watches and stops a child that runs or is about to run."""
        self.children.append(child)
        return child

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Inside, the first SIGINT or SIGTERM raises StopRequested, and a later one cuts the grace periods short."""
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
        """Watches until StopRequested. Raises StackError when a child has died that is not to be restarted, or not once more, and
        when a home was removed."""
        while True:
            time.sleep(_WATCH_SECONDS)
            self.check()

    def check(self) -> None:
        """Looks once at every home and every child."""
        for home in self._homes:
            if home.is_gone():
                raise StackError(f"{home.path} was removed while Linkwake was running, so everything stops.")
        step, self._looked_at = time.monotonic() - self._looked_at, time.monotonic()
        for child in self.children:
            limit_log(child.spec.log)
            if child.alive and child.hangs(step):
                self._end_hanging(child)
            elif child.alive:
                continue
            if not child.spec.restart:
                raise StackError(f"{child.spec.name} {_how_it_ended(child)}, so everything stops. {child.tail()}")
            self._revive(child)

    def _end_hanging(self, child: Child) -> None:
        self._say(f"{child.spec.name} hangs: no sign of life for {child.silence.seconds:.0f} s. It is killed and started again.")
        child.sweep()
        child.hung = True

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
        """Returns the seconds until the child is started again. Raises StackError when it has used all its tries."""
        child.sweep()
        child.failures = 1 if time.monotonic() - child.started > STEADY_SECONDS else child.failures + 1
        name, tries = child.spec.name, child.spec.tries
        if tries is not None and child.failures > tries:
            raise StackError(f"{name} was started again {tries} times and did not stay, so everything stops. {child.tail()}")
        delay = min(FIRST_BACK_OFF * 2.0 ** (child.failures - 1), LONGEST_BACK_OFF)
        log = child.tail() if tries is None else f"Its log: {child.spec.log}"
        self._say(f"{name} {_how_it_ended(child)}; it is started again in {delay:.0f} s. {log}")
        return delay

    def stop(self) -> None:
        """Stops all children, the highest tier first, each with its grace period and then SIGKILL. It can be called again."""
        self._stopping = True
        for tier in sorted({child.spec.tier for child in self.children}, reverse=True):
            members = [child for child in self.children if child.spec.tier == tier]
            for child in members:
                child.interrupt()
            for child in members:
                child.finish(lambda: self._hurry)
        for home in self._homes:
            home.close()


def _how_it_ended(child: Child) -> str:
    status = child.status
    if child.hung:
        return "was ended because it hung"
    how = f"killed by {signal.Signals(-status).name}" if status is not None and status < 0 else f"status {status}"
    return f"ended unexpectedly ({how})"


def stop_orphans(var_dir: Path, say: Callable[[str], None]) -> None:
    """Stops what a killed supervisor of this directory has left running. PostgreSQL looks after its own processes."""
    ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    orphans = [process for process in marked_processes(str(var_dir)) if process.pid not in ours]
    if orphans:
        say(f"Stopping what an earlier run left behind: {', '.join(str(process.pid) for process in orphans)}.")
        stop_all(orphans, signal.SIGTERM)


def mark(var_dir: Path) -> dict[str, str]:
    """The environment by which `stop_orphans` recognizes the children of this directory."""
    return {MARK: str(var_dir)}

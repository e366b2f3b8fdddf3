"""Child processes that never outlive their supervisor, and the supervisor."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from stack.errors import StackError

MARK = "LINKWAKE_STACK"  # environment variable of every child: the var directory it belongs to
TRIES = 5  # of a server; with the supervisor's back-off about half a minute
LOG_BYTES = 20_000_000  # a longer log is moved to NAME.log.1, so at most twice this is kept

_TETHER = Path(__file__).with_name("tether.py")
_POLL = 0.05


@dataclass(frozen=True)
class Spec:
    """How to run one child.

    `tier` orders the stop: higher tiers go first. A child with `restart` is started again when it dies, after `prepare`;
    the death of any other one ends the stack, and so does one that has been started `tries` times in a row and never
    stayed. `death_signal` is what the kernel sends when the supervisor is killed.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    tier: int = 0
    restart: bool = False
    tries: int | None = None  # None: for ever
    prepare: Callable[[], None] = lambda: None  # clears what its death left behind
    grace: float = 10.0  # seconds between `stop_signal` and SIGKILL
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGTERM
    account: tuple[int, int] | None = None  # user and group id; None: the supervisor's own
    cwd: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)


def tethered(
    command: Sequence[str], death_signal: signal.Signals = signal.SIGKILL, account: tuple[int, int] | None = None
) -> list[str]:
    """The command that becomes `command` and gets `death_signal` when this process, its parent, dies."""
    uid, gid = account or ("-", "-")
    return [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), str(int(death_signal)), str(uid), str(gid), *command]


class Child:
    """One child in its own session, so that Ctrl-C reaches the supervisor alone. Start it from the main thread: the
    kernel ties it to the thread, not to the process."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.started = 0.0  # time.monotonic()
        self.failures = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def status(self) -> int | None:
        """Exit status (negative: the signal), None while it runs or was never started."""
        return self._process.poll() if self._process else None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Raises StackError when something is missing that it needs, such as Python itself."""
        try:
            self._start()
        except FileNotFoundError as error:
            raise StackError(f"{self.spec.name} cannot be started: {error.filename} is not there.") from error
        self.started = time.monotonic()

    def _start(self) -> None:
        spec = self.spec
        with _fresh_log(spec.log) as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                tethered(spec.command, spec.death_signal, spec.account),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=spec.cwd,
                env={**os.environ, **spec.environment},
                start_new_session=True,
            )

    def interrupt(self) -> None:
        """Ask it to stop; returns at once."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(self.spec.stop_signal)

    def finish(self, hurry: Callable[[], bool] = lambda: False) -> None:
        """Wait until it has stopped; after its grace, or as soon as `hurry()`, kill it and all it started."""
        deadline = time.monotonic() + self.spec.grace
        while self.alive and time.monotonic() < deadline and not hurry():
            time.sleep(_POLL)
        self.sweep()

    def sweep(self) -> None:
        """Kill whatever is left of its process group."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def wait(self, seconds: float) -> int | None:
        """Its exit status, or None when it still runs after this time."""
        deadline = time.monotonic() + seconds
        while self.alive and time.monotonic() < deadline:
            time.sleep(_POLL)
        return self.status

    def stop(self) -> None:
        self.interrupt()
        self.finish()

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Poll `ready`. Raises StackError, with the end of the log, when the child dies or the time is over."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.alive:
                raise StackError(f"{self.spec.name} ended with status {self.status} while starting. {self.tail()}")
            if time.monotonic() > deadline:
                raise StackError(f"{self.spec.name} was not ready after {seconds:.0f} seconds. {self.tail()}")
            time.sleep(_POLL)

    def tail(self, lines: int = 12) -> str:
        """The end of its log as text for a person, with the log's path."""
        with contextlib.suppress(OSError), self.spec.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 8192))
            text = log.read().decode(errors="replace").strip().splitlines()[-lines:]
            return "\n".join([f"The end of {self.spec.log}:", *("  " + line for line in text or ["(empty)"])])
        return f"It wrote no log at {self.spec.log}."


def _fresh_log(path: Path) -> IO[bytes]:
    """An empty log; what the last run wrote stays beside it. Append mode, so that it can be truncated while in use."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size:
        path.replace(path.with_name(path.name + ".1"))
    return path.open("ab")


def limit_log(path: Path) -> None:
    """Move a log over LOG_BYTES aside while it is written to; lines written during the copy may be lost."""
    with contextlib.suppress(OSError):
        if path.stat().st_size > LOG_BYTES:
            shutil.copyfile(path, path.with_name(path.name + ".1"))
            os.truncate(path, 0)


def stop_all(processes: Iterable[psutil.Process], number: signal.Signals, seconds: float = 30.0) -> None:
    """Signal them, wait, kill the rest."""
    listed = list(processes)
    for process in listed:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)
    _, rest = psutil.wait_procs(listed, timeout=seconds)
    for process in rest:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(rest, timeout=5)


def marked_processes(mark: str) -> list[psutil.Process]:
    """Children that an earlier supervisor left behind. Processes of other users are not seen."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == mark:
                found.append(process)
    return found

"""Child processes that never outlive their supervisor, and the supervisor."""

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO

import psutil

from stack.children.silence import Silence
from stack.environment import for_servers
from stack.errors import StackError

MARK = "LINKWAKE_STACK"  # environment variable of every child that names the var directory it belongs to
TRIES = 5  # tries of a server; with the supervisor's back-off they take about half a minute
START_PATIENCE = 120.0  # seconds until the first sign of life
LOG_BYTES = 20_000_000  # a longer log is moved to NAME.log.1, so at most twice this much is kept

_TETHER = Path(__file__).with_name("tether.py")
_GUARD = Path(__file__).with_name("guard.py")
_POLL = 0.05


@dataclass(frozen=True)
class Spec:
    """Says how to run one child.

    `tier` orders the stop: higher tiers go first. A child with `restart` is started again when it dies, after `prepare`. The
    death of any other child ends the stack, and so does a child that has been started `tries` times in a row and never stayed.
    `death_signal` is what the kernel sends when the supervisor is killed. A child with `patience` is killed when it has shown no
    sign of life for that many seconds, or for `START_PATIENCE` before its first sign: see `stack/children/silence.py`.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    tier: int = 0
    restart: bool = False
    tries: int | None = None  # None means without limit
    prepare: Callable[[], None] = lambda: None  # clears what the death of the last run left behind
    grace: float = 10.0  # seconds between `stop_signal` and SIGKILL
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGTERM
    patience: float | None = None
    alive_file: Path | None = None  # file that the child touches while it is well; None means that only the kernel is asked
    account: tuple[int, int] | None = None  # user and group id; None means those of the supervisor
    cwd: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)  # added to the inherited environment
    is_server: bool = False  # inherits only what `stack.environment` allows the embedded servers


def tethered(
    command: Sequence[str], death_signal: signal.Signals = signal.SIGKILL, account: tuple[int, int] | None = None
) -> list[str]:
    """Returns the command that becomes `command` and gets `death_signal` when this process, its parent, dies."""
    uid, gid = account or ("-", "-")
    return [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), str(int(death_signal)), str(uid), str(gid), *command]


@lru_cache(maxsize=1)
def _guard() -> subprocess.Popen[str]:
    """Starts a guard for this process. When we are killed, it ends soon after us, because its standard input ends with us. When
    we end by ourselves, we wait for it: it ends at once, unless there is something left for it to end."""
    command = [sys.executable, "-I", "-S", str(_GUARD)]
    nowhere = subprocess.DEVNULL
    guard = subprocess.Popen(  # noqa: S603 - our own command
        command, stdin=subprocess.PIPE, stdout=nowhere, stderr=nowhere, text=True, start_new_session=True
    )
    atexit.register(guard.communicate)
    return guard


def watch(pid: int, death_signal: signal.Signals = signal.SIGTERM) -> None:
    """Ends the process of that id when this process is gone, however it ended, even if that process is stopped: see
    `stack/children/guard.py`."""
    stdin = _guard().stdin
    assert stdin  # noqa: S101 - it is a pipe
    with contextlib.suppress(OSError):  # the guard was killed, and the tether remains
        print(pid, int(death_signal), file=stdin, flush=True)


class Child:
    """One child in a session of its own, so that Ctrl-C reaches the supervisor alone. Start it from the main thread, because the
    kernel ties it to the thread and not to the process."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.started = 0.0  # as time.monotonic() counts
        self.failures = 0
        self.hung = False  # it was ended because it was silent for too long
        self.silence = Silence(spec.alive_file)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def status(self) -> int | None:
        """The exit status (negative for a signal). None while the child runs, or when it was never started."""
        return self._process.poll() if self._process else None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def hangs(self, step: float) -> bool:
        """Returns whether the child has been silent for too long. Call it repeatedly; `step` is the number of seconds since the
        last call. A child without `patience` is never silent."""
        if self.spec.patience is None or self._process is None:
            return False
        self.silence.look(self._process.pid, step)
        heard = self.silence.heard or self.spec.alive_file is None
        return self.silence.seconds > (self.spec.patience if heard else max(START_PATIENCE, self.spec.patience))

    def start(self) -> None:
        """Raises StackError when something is missing that the child needs, such as Python itself."""
        self.silence.begin()
        try:
            self._start()
        except FileNotFoundError as error:
            raise StackError(f"{self.spec.name} cannot be started: {error.filename} is not there.") from error
        self.started, self.hung = time.monotonic(), False

    def _start(self) -> None:
        spec = self.spec
        with _fresh_log(spec.log) as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                tethered(spec.command, spec.death_signal, spec.account),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=spec.cwd,
                env={**(for_servers() if spec.is_server else os.environ), **spec.environment},
                start_new_session=True,
            )
        watch(self._process.pid, spec.death_signal)

    def interrupt(self) -> None:
        """Asks the child to stop and returns at once."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(self.spec.stop_signal)

    def finish(self, hurry: Callable[[], bool] = lambda: False) -> None:
        """Waits until the child has stopped. After its grace period, or as soon as `hurry()` is true, it is killed with
        everything it started."""
        deadline = time.monotonic() + self.spec.grace
        while self.alive and time.monotonic() < deadline and not hurry():
            time.sleep(_POLL)
        self.sweep()

    def sweep(self) -> None:
        """Kills whatever is left of the child's process group."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def wait(self, seconds: float) -> int | None:
        """Returns the exit status, or None when the child still runs after this time."""
        deadline = time.monotonic() + seconds
        while self.alive and time.monotonic() < deadline:
            time.sleep(_POLL)
        return self.status

    def stop(self) -> None:
        self.interrupt()
        self.finish()

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Polls `ready`. Raises StackError, with the end of the log, when the child dies or the time is over."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.alive:
                raise StackError(f"{self.spec.name} ended with status {self.status} while starting. {self.tail()}")
            if time.monotonic() > deadline:
                raise StackError(f"{self.spec.name} was not ready after {seconds:.0f} seconds. {self.tail()}")
            time.sleep(_POLL)

    def tail(self, lines: int = 12) -> str:
        """Returns the end of the child's log as text for a person, with the log's path."""
        with contextlib.suppress(OSError), self.spec.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 8192))
            text = log.read().decode(errors="replace").strip().splitlines()[-lines:]
            return "\n".join([f"The end of {self.spec.log}:", *("  " + line for line in text or ["(empty)"])])
        return f"It wrote no log at {self.spec.log}."


def _fresh_log(path: Path) -> IO[bytes]:
    """Opens an empty log and keeps what the last run wrote beside it. The file is in append mode, so that it can be truncated
    while in use."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size:
        path.replace(path.with_name(path.name + ".1"))
    return path.open("ab")


def limit_log(path: Path) -> None:
    """Moves a log larger than LOG_BYTES aside while it is written to. Lines that are written during the copy may be lost."""
    with contextlib.suppress(OSError):
        if path.stat().st_size > LOG_BYTES:
            shutil.copyfile(path, path.with_name(path.name + ".1"))
            os.truncate(path, 0)


def stop_all(processes: Iterable[psutil.Process], number: signal.Signals, seconds: float = 30.0) -> None:
    """Signals the processes, waits, and kills those that remain."""
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
    """Returns children that an earlier supervisor left behind. Processes of other users are not seen."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == mark:
                found.append(process)
    return found

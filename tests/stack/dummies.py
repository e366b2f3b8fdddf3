"""Small children for the tests of the supervisor, and ways to wait for them without sleeping."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from stack.children.processes import Child, Spec, tethered

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENT = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
NOTES = (
    "import signal, sys, time\n"
    "def leave(*_):\n"
    "    open(sys.argv[1], 'a').write(sys.argv[2] + '\\n'); sys.exit()\n"
    "signal.signal(signal.SIGTERM, leave); print('up', flush=True); time.sleep(600)"
)
"""Writes its name into a file when it is asked to stop."""


def child(tmp_path: Path, *command: str, name: str = "dummy", **values: object) -> Child:
    """A child that runs Python code (`-c`, arguments) with a log of its own."""
    spec = Spec(name=name, command=(sys.executable, "-c", *command), log=tmp_path / f"{name}.log", **values)  # type: ignore[arg-type]
    return Child(spec)


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    """Fails when it does not become true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        select.select([], [], [], 0.01)


def says_up(which: Child) -> Callable[[], bool]:
    return lambda: "up" in which.spec.log.read_text()


def kill_and_wait(process: subprocess.Popen[str], others: list[int]) -> list[psutil.Process]:
    """Kill -9 and give what it had started 20 s to end; what is still there."""
    watched = [psutil.Process(pid) for pid in others]
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    return list(psutil.wait_procs(watched, timeout=20)[1])


def python(code: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """A separate Python in the project with this code; its output can be read."""
    return subprocess.Popen(  # noqa: S603 - the tests' own code
        tethered([sys.executable, "-c", code, *arguments]),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )

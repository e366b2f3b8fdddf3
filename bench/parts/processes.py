"""Which process of a running stack is which, and how much processor time each has had."""

from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import psutil


def role(process: psutil.Process) -> str:
    """`worker`, `api`, `redirect` and `up` for processes of the stack; the module of other Python of ours; of all else, such as
    `postgres`, the program's name."""
    command: list[str] = process.cmdline()
    if "cli.py" in " ".join(command):
        return command[-1]
    if "-m" in command[:-1]:
        return command[command.index("-m") + 1]
    return Path(command[0].split(":")[0]).name if command else "?"


def stack_processes() -> list[tuple[psutil.Process, str]]:
    """Returns all our descendants with their roles. One that ends meanwhile, such as a session of PostgreSQL, is left out."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            found.append((process, role(process)))
    return found


class ProcessorTime:
    """Processor time of the stack by role. It counts from when it was made; a process that ends meanwhile is left out."""

    def __init__(self) -> None:
        self._before = _seconds_by_process()

    def seconds(self) -> dict[str, float]:
        used: dict[str, float] = defaultdict(float)
        for process, seconds in _seconds_by_process().items():
            with suppress(psutil.Error):
                used[role(process)] += seconds - self._before.get(process, 0.0)
        return used


def _seconds_by_process() -> dict[psutil.Process, float]:
    """User and system time of all our descendants."""
    found = {}
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            times = process.cpu_times()
            found[process] = times.user + times.system
    return found

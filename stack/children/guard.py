"""Ends the processes that a supervisor leaves behind, however the supervisor ended.

Run as a script: `python guard.py` reads lines `PID SIGNAL` from its standard input until the supervisor, which alone holds the
other end, is gone. Then it continues each of these processes and everything they have started (SIGCONT), sends the signal, and
kills what is still there after GRACE_SECONDS. The kernel's tie (`tether.py`) is quicker, but a stopped process (SIGSTOP) does not
receive it. Uses the standard library and Linux's /proc only; elsewhere it does nothing.
"""

import contextlib
import os
import signal
import sys
import time

GRACE_SECONDS = 15.0
POLL_SECONDS = 0.05
Family = dict[int, str]
"""Process ids with their start times, because the number of an ended process can go to another program."""


def main() -> None:
    for each in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    os.closerange(3, 256)  # the locks that the supervisor holds
    os.chdir("/")
    watched: Family = {}
    signals: dict[int, int] = {}
    for line in sys.stdin:
        pid, number = map(int, line.split())
        watched[pid], signals[pid] = _started(pid), number
    _end(_living(watched), signals)


def _end(parents: Family, signals: dict[int, int]) -> None:
    family = _family(parents)
    for pid in family:
        _send(pid, signal.SIGCONT)
    for pid in parents:
        _send(pid, signals[pid])
    deadline = time.monotonic() + GRACE_SECONDS
    while (family := _living(family)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    for pid in _family(family):
        _send(pid, signal.SIGKILL)


def _family(parents: Family) -> Family:
    """Returns these processes and everything that they have started, directly or indirectly."""
    children: dict[int, list[int]] = {}
    for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
        fields = _stat(pid)
        if fields:
            children.setdefault(int(fields[1]), []).append(pid)
    found, waiting = {}, [*parents]
    while waiting:
        pid = waiting.pop()
        found[pid] = _started(pid)
        waiting += [each for each in children.get(pid, []) if each not in found]
    return found


def _living(family: Family) -> Family:
    return {pid: started for pid, started in family.items() if started and _started(pid) == started}


def _started(pid: int) -> str:
    """Returns nothing when there is no such process any more, which includes one that has ended but was not waited for."""
    fields = _stat(pid)
    return fields[19] if fields and fields[0] not in ("Z", "X") else ""


def _stat(pid: int) -> list[str]:
    """Returns the fields behind the program's name, which can hold blanks and brackets: the state, the parent, …, and the start
    time as the twentieth."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()
    return []


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, number)


if __name__ == "__main__" and sys.platform == "linux":
    main()

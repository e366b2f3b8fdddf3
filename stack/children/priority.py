"""Decides who waits when the processor is short: on one machine, recording waits for the people who click."""

import contextlib
import os
import re
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

PRESSURE = Path("/proc/pressure/cpu")
_SOME = re.compile(r"^some .*\btotal=(\d+)$", re.MULTILINE)
LOWEST = 19
RECORDER_STEP = 10


def recorder_niceness(worker: int) -> int:
    """The niceness of the PostgreSQL processes that store what was recorded. They do most of recording's work and can wait the
    longest."""
    return min(LOWEST, worker + RECORDER_STEP) if worker else 0


def waited_for_processor() -> float:
    """Returns the seconds, since the machine started, in which a process that could have run waited for a processor (Linux's
    pressure stall information). Returns 0 where the system does not report it."""
    try:
        found = _SOME.search(PRESSURE.read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1e6 if found else 0.0


def step_back(pid: int, niceness: int) -> None:
    """Lowers the process's share of the processor, 0 to 19 as `nice` counts, and never raises it: who was started with less keeps
    that. Call it before the process has threads, because new threads inherit the value of the first one. Values that the system
    does not allow are ignored."""
    with contextlib.suppress(OSError):
        niceness = max(niceness, os.getpriority(os.PRIO_PROCESS, pid))
        os.setpriority(os.PRIO_PROCESS, pid, niceness)
    with contextlib.suppress(OSError):
        # Where the kernel shares the processor between sessions first, this is what counts, because PostgreSQL and `up` give each
        # process a session of its own. A session that is not the process's own, such as a terminal's, keeps its share.
        if os.getsid(pid) == pid:
            Path(f"/proc/{pid}/autogroup").write_text(str(niceness))


def step_back_in_postgres(engine: AsyncEngine, niceness: int) -> None:
    """Does the same for the server processes that work for this engine. It has an effect only where PostgreSQL is on this
    machine."""

    @event.listens_for(engine.sync_engine, "connect")
    def _connected(connection: object, _record: object) -> None:
        step_back(connection.driver_connection.info.backend_pid, niceness)  # type: ignore[attr-defined] # psycopg's

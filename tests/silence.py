"""A PostgreSQL that is there and says nothing."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from models.database import psycopg_url

OTHERS = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"


@contextmanager
def silent(admin: psycopg.Connection, url: str) -> Iterator[None]:
    """In the block, the connections that this database has now are stopped; new ones are answered."""
    name = psycopg.conninfo.conninfo_to_dict(psycopg_url(url))["dbname"]
    processes = [pid for (pid,) in admin.execute(OTHERS, [name]).fetchall()]
    assert processes
    _signal(processes, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(processes, signal.SIGCONT)


def _signal(processes: list[int], number: signal.Signals) -> None:
    """One that was ending when it was found may be gone."""
    for pid in processes:
        with suppress(ProcessLookupError):
            os.kill(pid, number)

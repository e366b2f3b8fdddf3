"""Who steps back on a machine that is short of processors."""

import os
import subprocess
import sys

from models.database import Database
from stack.priority import recorder_niceness, step_back, step_back_in_postgres
from tests.clicks import rows


def test_a_process_steps_back() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as process:
        step_back(process.pid, 7)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == max(7, os.getpriority(os.PRIO_PROCESS, 0))
        process.kill()


def test_a_process_that_has_ended_is_no_error() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    step_back(process.pid, 7)


def test_storing_what_was_recorded_steps_back_further_unless_nobody_does() -> None:
    assert [recorder_niceness(worker) for worker in (0, 5, 15)] == [0, 15, 19]


async def test_the_server_processes_of_an_engine_step_back(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    step_back_in_postgres(database.engine, 12)
    [pid] = await rows(database, "SELECT pg_backend_pid()")
    assert os.getpriority(os.PRIO_PROCESS, pid) == 12
    await database.close()

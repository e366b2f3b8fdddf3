"""What a fault does to processes, whole and at once."""

import psutil

from drills._faults import standing_still
from tests.stack.dummies import python

FORKS = """
import os, time
reading, writing = os.pipe()
print("up", flush=True)
for _ in range(300):
    if not os.fork():
        os.close(writing)
        os.read(reading, 1)  # until the parent is gone, whatever ended it
        os._exit(0)
time.sleep(600)
"""


async def test_what_a_process_starts_while_it_is_being_stopped_stands_still_too() -> None:
    """One session of PostgreSQL that went on would make the fault look like none."""
    with python(FORKS) as process:
        assert process.stdout is not None
        process.stdout.readline()
        parent = psutil.Process(process.pid)
        try:
            async with standing_still(parent):
                family = [parent, *parent.children(recursive=True)]
                assert {each.status() for each in family} == {psutil.STATUS_STOPPED}
            assert psutil.STATUS_STOPPED not in {each.status() for each in family}
        finally:
            parent.suspend()  # so that it makes no more
            for each in [*parent.children(recursive=True), parent]:
                each.kill()

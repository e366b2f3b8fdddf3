"""A child never outlives its supervisor, whatever ends it."""

import json
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from stack import processes
from stack.errors import StackError
from stack.processes import Child, Spec, limit_log, tethered
from tests.stack.dummies import PATIENT, child, kill_and_wait, python, says_up, until

SUPERVISOR = """
import json, sys, time
from pathlib import Path
from stack.processes import Child, Spec
here = Path(sys.argv[1])
code = "import time; time.sleep(600)"
group = "import subprocess, sys, time; subprocess.Popen(['sleep', '0.01']); time.sleep(600)"
children = [Child(Spec(str(i), (sys.executable, "-c", c), here / f"{i}.log")) for i, c in enumerate([code, group])]
for one in children:
    one.start()
print(json.dumps([one.pid for one in children]), flush=True)
time.sleep(600)
"""


def test_a_killed_supervisor_leaves_nothing_running(tmp_path: Path) -> None:
    with python(SUPERVISOR, str(tmp_path)) as supervisor:
        assert supervisor.stdout is not None
        pids = json.loads(supervisor.stdout.readline())
        until(lambda: all("tether.py" not in " ".join(psutil.Process(pid).cmdline()) for pid in pids))
        assert kill_and_wait(supervisor, pids) == []


def test_a_child_whose_supervisor_is_already_gone_does_not_start(tmp_path: Path) -> None:
    command = tethered([sys.executable, "-c", "print('started')"])
    command[command.index(str(os.getpid()))] = "1"  # a supervisor that is not its parent
    which = Child(Spec("late", ("/usr/bin/env", *command), tmp_path / "late.log"))
    which.start()
    assert which.wait(20) == 0
    assert which.spec.log.read_text() == ""


def test_a_child_that_does_not_stop_is_killed_after_its_grace(tmp_path: Path) -> None:
    which = child(tmp_path, PATIENT, grace=0.1)
    which.start()
    which.wait_until(says_up(which), 20)
    which.stop()
    assert which.status == -signal.SIGKILL


def test_a_child_that_dies_while_starting_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    which = child(tmp_path, "raise SystemExit('no such thing')")
    which.start()
    with pytest.raises(StackError, match=r"dummy ended with status 1 while starting[\s\S]*no such thing"):
        which.wait_until(lambda: False, 20)


def test_a_child_that_is_never_ready_is_reported(tmp_path: Path) -> None:
    which = child(tmp_path, PATIENT, grace=0.0)
    which.start()
    with pytest.raises(StackError, match="was not ready after 0 seconds"):
        which.wait_until(lambda: False, 0)
    which.stop()


def test_what_a_killed_child_had_started_is_swept_away(tmp_path: Path) -> None:
    code = "import subprocess, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
    which = child(tmp_path, code)
    which.start()
    which.wait_until(lambda: which.spec.log.read_text().strip().isdigit(), 20)
    grandchild = psutil.Process(int(which.spec.log.read_text()))
    os.kill(which.pid or 0, signal.SIGKILL)
    which.finish()
    assert psutil.wait_procs([grandchild], timeout=20)[1] == []


def test_a_child_has_a_session_of_its_own_so_that_ctrl_c_passes_it_by(tmp_path: Path) -> None:
    which = child(tmp_path, PATIENT, grace=0.0)
    which.start()
    assert os.getsid(which.pid or 0) == which.pid
    which.stop()


def test_each_start_has_a_fresh_log_and_keeps_the_one_before(tmp_path: Path) -> None:
    which = child(tmp_path, "import sys; print(sys.stdin.read() + 'line')")
    for _ in range(2):
        which.start()
        which.wait(20)
    assert which.spec.log.read_text() == "line\n"
    assert (tmp_path / "dummy.log.1").read_text() == "line\n"


def test_a_log_that_grows_too_long_is_moved_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LOG_BYTES", 3)
    log = tmp_path / "long.log"
    log.write_text("four")
    limit_log(log)
    assert log.read_text() == ""
    assert (tmp_path / "long.log.1").read_text() == "four"


def test_the_end_of_a_log_is_short(tmp_path: Path) -> None:
    which = child(tmp_path, "print(*range(1000), sep='\\n')")
    which.start()
    which.wait(20)
    assert which.tail(2).splitlines()[1:] == ["  998", "  999"]

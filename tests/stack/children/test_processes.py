"""A child never outlives its supervisor, whatever ends it."""

import ast
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from stack.children import processes
from stack.children.processes import Child, Spec, limit_log, tethered
from stack.errors import StackError
from tests.stack.dummies import PATIENT, ROOT, child, kill_and_wait, python, says_up, until

SUPERVISOR = """
import json, sys, time
from pathlib import Path
from stack.children.processes import Child, Spec
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


def test_what_stands_still_does_not_outlive_a_killed_supervisor_either(tmp_path: Path) -> None:
    """A drill that is killed while PostgreSQL is stopped: neither the tie nor PostgreSQL's own look at its parent can end it."""
    with python(SUPERVISOR, str(tmp_path)) as supervisor:
        assert supervisor.stdout is not None
        pids = json.loads(supervisor.stdout.readline())
        until(lambda: all("tether.py" not in " ".join(psutil.Process(pid).cmdline()) for pid in pids))
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        assert kill_and_wait(supervisor, pids) == []


ORDERLY = """
import os, sys
os.dup2(1, 2)
from pathlib import Path
from stack.children.processes import Child, Spec
one = Child(Spec("one", (sys.executable, "-c", "import time; time.sleep(600)"), Path(sys.argv[1]) / "one.log"))
one.start()
one.stop()
"""


def test_a_supervisor_that_ends_by_itself_leaves_nothing_open(tmp_path: Path) -> None:
    """The guard is waited for, which Python would otherwise warn of."""
    with python(ORDERLY, str(tmp_path), PYTHONWARNINGS="always") as supervisor:
        assert supervisor.communicate(timeout=60)[0] == ""


def test_a_child_hears_signals_that_its_supervisor_ignores(tmp_path: Path) -> None:
    """As under `nohup`."""
    numbers = (signal.SIGHUP, signal.SIGINT)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        which = child(tmp_path, "import signal; print(*(signal.getsignal(n) for n in (1, 2)))")
        which.start()
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
    assert which.wait(20) == 0
    assert "0 <built-in function default_int_handler>" in which.spec.log.read_text()


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


def test_whatever_goes_on_beside_us_is_tied_to_us() -> None:
    """Servers of tests, benchmarks and drills, so that nothing is left running. `stack/children/processes.py` does it."""
    loose = {path.relative_to(ROOT).as_posix(): [*loose_starts(path)] for path in sources()}
    assert {path: starts for path, starts in loose.items() if starts and path not in END_WITH_THEIR_INPUT} == {}


def sources() -> list[Path]:
    return [
        path
        for path in ROOT.rglob("*.py")
        if path.relative_to(ROOT).parts[0] not in {".venv", "var"} and path.name != "processes.py"
    ]


STARTS = {"subprocess.Popen", "asyncio.create_subprocess_exec"}
END_WITH_THEIR_INPUT = {"services/judging/judge.py", "services/notifications/apprise.py"}
"""These start processes that end when their standard input does."""


def loose_starts(path: Path) -> Iterator[int]:
    tree = [*ast.walk(ast.parse(path.read_text()))]
    made = {ast.unparse(each.targets[0]): ast.unparse(each.value) for each in tree if isinstance(each, ast.Assign)}
    for call in tree:
        if isinstance(call, ast.Call) and ast.unparse(call.func) in STARTS:
            command = ast.unparse(call.args[0]).removeprefix("*")
            if "tethered(" not in made.get(command, command):
                yield call.lineno

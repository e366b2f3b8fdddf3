"""`./linkwake` makes the virtual environment once and hands over, whatever the machine looks like."""

import contextlib
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import cli
from stack.children.processes import tethered
from tests.stack.dummies import ROOT
from tests.stack.machine import PYTHON, Machine
from tests.stack.servers.test_account import only_root


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.put("python3", PYTHON.format(version="3.11"))
    return machine


def test_a_python_that_is_too_old_is_one_sentence(machine: Machine) -> None:
    machine.put("python3", PYTHON.format(version="3.9"))
    sentence = "Linkwake needs Python 3.11 or newer, not Python 3.9: install it and run this again.\n"
    assert machine.run("up") == (1, "", sentence)
    assert not (machine.project / ".venv").exists()


def test_no_python_at_all_is_one_sentence(machine: Machine) -> None:
    (machine.path / "python3").unlink()
    assert machine.run("up") == (1, "", "Linkwake needs Python 3.11 or newer: install it and run this again.\n")


def test_a_newer_python_beside_an_old_one_is_found(machine: Machine) -> None:
    machine.put("python3", PYTHON.format(version="3.9"))
    machine.put("python3.12", PYTHON.format(version="3.12"))
    status, _, said = machine.run("up")
    assert status == 7
    assert "Making .venv with python3.12" in said


def test_a_python_without_venv_is_one_sentence(machine: Machine) -> None:
    machine.put("python3", '#!/bin/sh\ncase "$*" in *version_info*) echo 3.11 ;; *) exit 1 ;; esac\n')
    status, _, said = machine.run("up")
    assert status == 1
    assert said.endswith("(on Debian: apt install python3-venv) or uv.\n")


@pytest.fixture
def strangers(machine: Machine) -> Iterator[Machine]:
    """The same machine for a user who owns nothing of it."""
    with tempfile.TemporaryDirectory() as directory:  # tmp_path lets nobody else pass
        Path(directory).chmod(0o755)
        strangers = Machine(Path(directory))
        strangers.put("python3", PYTHON.format(version="3.11"))
        strangers.notes.chmod(0o666)
        strangers.user = 65534
        yield strangers


def test_a_checkout_that_cannot_be_written_is_one_sentence(strangers: Machine) -> None:
    strangers.project.chmod(0o555)
    expected = f"This user may not write to {strangers.project}, where .venv has to be made: "
    status, _, said = strangers.run("up")
    assert status == 1
    assert said.startswith(expected)
    assert said.count("\n") == 1
    assert strangers.notes.read_text() == ""
    strangers.project.chmod(0o755)


@only_root
@pytest.mark.parametrize("mode", [0o700, 0o755, 0o777])
def test_an_environment_of_another_user_is_left_alone(strangers: Machine, mode: int) -> None:
    """Also one that could be emptied."""
    environment = strangers.project / ".venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").touch(0o600)
    strangers.project.chmod(0o777)
    environment.chmod(mode)
    status, _, said = strangers.run("up")
    assert status == 1
    assert said.startswith(f"This user cannot bring {environment} up to date: ")
    assert said.count("\n") == 1
    assert (environment / "bin" / "python").exists()
    assert strangers.notes.read_text() == ""


def test_a_failed_installation_is_reported_and_done_again(machine: Machine) -> None:
    status, _, said = machine.run("up", PIP_STATUS="1")
    assert status == 1
    assert "could not be installed" in said
    assert machine.run("up")[0] == 7
    assert machine.installed() == ["requirements.lock"] * 2


@pytest.mark.parametrize("command", ["up", "test"])
def test_an_interrupted_installation_is_done_again_in_the_same_environment(machine: Machine, command: str) -> None:
    """Also the addition of the development packages: what runs from there keeps its files."""
    machine.run("up")
    (machine.project / "requirements-dev.lock" if command == "test" else machine.project / "requirements.lock").write_text("new")
    (machine.project / ".venv" / "kept").touch()
    assert machine.run(command, PIP_KILLED="yes")[0] == -signal.SIGKILL
    assert machine.run(command)[0] == 7
    assert len(set(machine.installed()[1:])) == 1
    assert len(machine.installed()) == 3
    assert (machine.project / ".venv" / "kept").exists()


def test_a_package_that_was_half_installed_is_not_taken_for_a_whole_one(machine: Machine) -> None:
    machine.run("up")
    packages = machine.project / ".venv" / "lib" / "python3.11" / "site-packages"
    for name in ("half", "whole"):
        (packages / f"{name}-1.0.dist-info").mkdir(parents=True)
        (packages / f"{name}-1.0.dist-info" / "METADATA").touch()
    (packages / "whole-1.0.dist-info" / "INSTALLER").touch()
    machine.run("test")
    assert [path.name for path in packages.iterdir()] == ["whole-1.0.dist-info"]


def test_an_environment_that_was_not_made_to_the_end_is_made_anew(machine: Machine) -> None:
    (machine.project / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(machine.path.parent / "venv_python", machine.project / ".venv" / "bin" / "python")
    (machine.project / ".venv" / "bin" / "python").chmod(0o755)
    (machine.project / ".venv" / "unfinished").touch()
    status, _, said = machine.run("up")
    assert status == 7
    assert "Making .venv" in said
    assert not (machine.project / ".venv" / "unfinished").exists()


def test_an_environment_that_is_a_link_leaves_its_target_alone(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "another" / "bin").mkdir(parents=True)
    (machine.project / ".venv").symlink_to(tmp_path / "another")
    assert machine.run("up")[0] == 7
    assert list((tmp_path / "another").iterdir()) == [tmp_path / "another" / "bin"]


def test_development_packages_are_added_while_the_stack_runs(machine: Machine) -> None:
    machine.run("up")
    with machine.stays_up():
        assert machine.run("test", PIP_STATUS="1")[0] == 1
        status, _, said = machine.run("test")
        assert status == 7
        assert "Making .venv" not in said
    assert machine.installed() == ["requirements.lock", "requirements-dev.lock", "requirements-dev.lock"]


@pytest.mark.parametrize("command", ["demo", "test"])
def test_an_environment_is_not_made_anew_under_a_running_stack(machine: Machine, command: str) -> None:
    machine.run("up")
    with machine.stays_up():
        (machine.project / ".venv" / "bin" / "python").unlink()
        environment = machine.project / ".venv"
        expected = f"Linkwake is running from {environment}, which has to be made again: stop it first, then run this again.\n"
        assert machine.run(command) == (1, "", expected)
        assert environment.exists()
    assert machine.run(command)[0] == 7


@pytest.mark.parametrize("command", ["demo", "test"])
def test_packages_are_not_replaced_under_a_running_stack(machine: Machine, command: str) -> None:
    machine.run("test")
    with machine.stays_up():
        for name in ("requirements.lock", "requirements-dev.lock"):
            (machine.project / name).write_text("of another version")
        status, _, said = machine.run(command)
        assert status == 1
        assert said.endswith("which has to be brought up to date: stop it first, then run this again.\n")
    assert machine.installed() == ["requirements-dev.lock"]
    assert machine.run(command)[0] == 7


def test_the_first_run_installs_and_hands_over_with_arguments_and_status(machine: Machine) -> None:
    status, out, said = machine.run("demo", "--json", "a b")
    assert status == 7
    assert out == f"{machine.project}: cli.py demo --json a b\n"
    assert "Installing dependencies, once" in said


def test_what_another_project_sets_for_its_python_does_not_reach_ours(machine: Machine) -> None:
    for _ in range(2):  # with an installation and without
        of_python = machine.run("up", PYTHONPATH="/elsewhere", PYTHONHOME="/elsewhere", PYTHONSAFEPATH="1")
        of_pip = machine.run("up", PIP_USER="1", PIP_TARGET="/elsewhere", PIP_PREFIX="/elsewhere")
        assert (of_python[0], of_pip[0]) == (7, 7)


def test_the_second_run_does_nothing_but_hand_over(machine: Machine) -> None:
    machine.run("up")
    notes = machine.notes.read_text()
    status, _, said = machine.run("up")
    assert (status, said) == (7, "")
    assert machine.notes.read_text() == notes


def test_a_changed_lock_file_is_installed_into_the_same_environment(machine: Machine) -> None:
    machine.run("up")
    (machine.project / ".venv" / "kept").touch()
    (machine.project / "requirements.lock").write_text("changed")
    machine.run("up")
    assert machine.installed() == ["requirements.lock"] * 2
    assert (machine.project / ".venv" / "kept").exists()


@pytest.mark.parametrize("command", ["test", "check", "bench", "drill"])
def test_development_commands_install_the_development_packages_and_they_stay(machine: Machine, command: str) -> None:
    (machine.project / command).mkdir()
    (machine.project / "drills").mkdir()
    for directory in (command, "drills"):
        (machine.project / directory / "name.py").touch()
    machine.run("up")
    machine.run(command, "name")
    machine.run("up")
    assert machine.installed() == ["requirements.lock", "requirements-dev.lock"]


@pytest.mark.parametrize(
    "words",
    [("drill", "nonsense"), ("bench", "--json", "_report"), ("drill", "../drills/clicks"), ("bench",), ("drill", "--json")],
)
def test_a_wrong_name_is_noticed_before_anything_is_installed(
    machine: Machine, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["./linkwake", *words])
    assert cli.main() == 2
    machine.run("up")
    for package in ("bench", "drills"):
        (machine.project / package).mkdir()
        for path in (ROOT / package).glob("*.py"):
            (machine.project / package / path.name).touch()
    assert machine.run(*words) == (2, "", capsys.readouterr().err)
    assert machine.installed() == ["requirements.lock"]


@pytest.mark.parametrize("words", [("drill", "clicks"), ("drill", "--json", "clicks"), ("drill", "--help")])
def test_a_right_name_and_a_cry_for_help_pass(machine: Machine, words: tuple[str, ...]) -> None:
    (machine.project / "drills").mkdir()
    (machine.project / "drills" / "clicks.py").touch()
    assert machine.run(*words)[0] == 7


def test_uv_is_used_when_it_is_there(machine: Machine) -> None:
    machine.put("uv", PYTHON.format(version="").replace("'-m venv '", "'venv '"))
    assert machine.run("up")[0] == 7
    calls = machine.notes.read_text()
    assert "uv pip install --quiet --compile-bytecode --python .venv/bin/python --require-hashes -r requirements.lock" in calls
    assert machine.installed() == ["requirements.lock"]


def test_a_symbolic_link_from_elsewhere_works(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "near").symlink_to("../the project/linkwake")
    (tmp_path / "far").symlink_to(tmp_path / "links" / "near")
    assert machine.run("up", script=tmp_path / "far")[1] == f"{machine.project}: cli.py up\n"


def test_two_at_once_install_once(machine: Machine) -> None:
    both = [machine.start("up", PIP_SECONDS="0.3") for _ in range(2)]
    said = sorted(process.communicate(timeout=30)[1] for process in both)
    assert said[1] == "Waiting for another installation into the same .venv ...\n"
    assert [process.returncode for process in both] == [7, 7]
    assert machine.installed() == ["requirements.lock"]


@contextmanager
def on_a_terminal(machine: Machine, **variables: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`up` in front of a person who sees dots forty times as often, and the end of the terminal to read from."""
    machine.put("sleep", f'#!/bin/sh\n[ "$1" = 2 ] && set -- 0.05\nexec {shutil.which("sleep")} "$1"\n')
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(  # noqa: S603 - the project's own script
            tethered([str(machine.project / "linkwake"), "up"]),
            env={**machine.environment(), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            start_new_session=True,
        ) as process:
            os.close(theirs)
            yield process, ours
    finally:
        os.close(ours)


def all_said(terminal: int) -> str:
    """Until the last process that could write to it has ended."""
    text = b""
    with contextlib.suppress(OSError):  # how a terminal ends
        while part := os.read(terminal, 1024):
            text += part
    return text.decode().replace("\r", "")


def test_dots_on_a_terminal_show_that_something_happens(machine: Machine) -> None:
    with on_a_terminal(machine, PIP_SECONDS="0.5") as (process, terminal):
        said = all_said(terminal)
    assert process.returncode == 7
    assert re.search(r"\(some minutes on a slow line\) \.\.\.\n\.{3,}\n$", said)


def test_a_failure_after_dots_begins_on_a_line_of_its_own(machine: Machine) -> None:
    with on_a_terminal(machine, PIP_SECONDS="0.5", PIP_STATUS="1") as (process, terminal):
        said = all_said(terminal)
    assert process.returncode == 1
    assert re.search(r"\n\.{3,}\nThe dependencies could not be installed: ", said)


@pytest.mark.parametrize(
    ("send", "number"),
    [(os.killpg, signal.SIGINT), (os.killpg, signal.SIGHUP), (os.kill, signal.SIGTERM), (os.kill, signal.SIGKILL)],
)
def test_the_dots_end_with_the_script_whatever_ends_it(
    machine: Machine, send: Callable[[int, int], None], number: signal.Signals
) -> None:
    """Ctrl-C and a closed terminal reach every process, `kill` the script alone: then pip goes on for its second."""
    with on_a_terminal(machine, PIP_SECONDS="1") as (process, terminal):
        said = b""
        while b"line) ...\r\n." not in said:
            said += os.read(terminal, 1024)
        send(process.pid, number)
        process.wait(10)
        assert all_said(terminal).count(".") <= 3
    assert process.returncode != 7


def test_without_a_terminal_there_are_no_dots(machine: Machine) -> None:
    machine.put("sleep", f"#!/bin/sh\nexec {shutil.which('sleep')} 0.1\n")
    said = machine.run("up", PIP_SECONDS="1")[2]
    assert said.splitlines()[-1] == "Installing dependencies, once (some minutes on a slow line) ..."


def test_the_development_packages_contain_the_others_in_the_same_versions() -> None:
    """So adding them changes nothing that a running stack uses."""
    few, many = (
        set(re.findall(r"^\S+==.*", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert few < many


def test_it_is_executable() -> None:
    assert os.access(ROOT / "linkwake", os.X_OK)

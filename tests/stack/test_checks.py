"""What is wrong with the machine is said in one sentence, before anything is started."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.checks import make_writable, only_one, ports_free, removal_noticed
from stack.errors import StackError
from stack.servers.ports import free_port
from stack.state import write_state
from tests.stack.dummies import python
from tests.stack.servers.test_account import only_root

NOBODY = 65534

HOLDER = """
import sys, time
from pathlib import Path
from stack.checks import only_one
with only_one(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_port_in_use_names_the_port_the_program_and_the_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(
            StackError, match=rf"^Port {port} is in use by .*process {os.getpid()}.*set API_PORT to another port\.$"
        ):
            ports_free([("API_PORT", "127.0.0.1", port)])


def test_two_settings_with_the_same_port_are_refused() -> None:
    port = free_port()
    with pytest.raises(StackError, match=rf"^API_PORT and REDIRECT_PORT are both {port}"):
        ports_free([("API_PORT", "127.0.0.1", port), ("REDIRECT_PORT", "127.0.0.1", port)])


@pytest.mark.parametrize("host", ["192.0.2.1", "nonsense.invalid", "a..b", "2001:db8::1"])
def test_a_host_that_is_not_of_this_machine_names_the_setting_of_the_host(host: str) -> None:
    with pytest.raises(StackError) as caught:
        ports_free([("API_PORT", host, free_port())])
    assert str(caught.value) == f"API_HOST={host} is not an address of this machine: set it to 127.0.0.1, or 0.0.0.0 for all."


def test_free_ports_pass() -> None:
    ports_free([("API_PORT", "127.0.0.1", free_port()), ("REDIRECT_PORT", "0.0.0.0", free_port())])  # noqa: S104


@pytest.mark.parametrize("place", ["file", "/proc/linkwake"])
def test_a_directory_that_cannot_be_written_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(StackError, match=r"^Cannot write to .* \(.+\): .* or set VAR_DIR\.$"):
        make_writable(tmp_path / place)


@pytest.fixture
def everybodys() -> Iterator[Path]:
    """A directory that every user of this machine reaches, which `tmp_path` need not be."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o777)
        yield directory


@only_root
@pytest.mark.parametrize("made", ["postgres/", "log/", "log/worker.log", "temporal.db", "token_keys"])
def test_what_another_user_has_made_is_named_with_its_owner(everybodys: Path, made: str) -> None:
    """`up` by a user, by root, and by the user again: root's `up` gives files away."""
    path = everybodys / made
    path.parent.mkdir(exist_ok=True)
    path.parent.chmod(0o777)
    path.mkdir(mode=0o700) if made.endswith("/") else path.touch(mode=0o600)
    os.seteuid(NOBODY)
    try:
        with pytest.raises(StackError, match=f"^Cannot write to {path}, which belongs to root: "):
            make_writable(everybodys)
    finally:
        os.seteuid(0)


def test_what_this_user_has_made_passes(tmp_path: Path) -> None:
    for made in ("postgres/data", "log", "spool"):
        (tmp_path / made).mkdir(parents=True, mode=0o700)
    make_writable(tmp_path)


def test_a_missing_directory_is_made(tmp_path: Path) -> None:
    make_writable(tmp_path / "new" / "var")
    assert list((tmp_path / "new" / "var").iterdir()) == []


def test_a_second_one_on_the_same_directory_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    with python(HOLDER, str(tmp_path)) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StackError, match=rf"already running on .* \(process {holder.pid}\)"), only_one(tmp_path):
            pass
        holder.kill()


def test_a_lock_left_by_a_killed_one_does_not_hinder_the_next(tmp_path: Path) -> None:
    (tmp_path / "up.lock").write_text("1")
    with only_one(tmp_path):
        assert (tmp_path / "up.lock").read_text() == str(os.getpid())


@pytest.mark.parametrize("again", [False, True])
def test_a_directory_that_is_removed_while_starting_is_one_sentence(tmp_path: Path, again: bool) -> None:
    """Also when something has made it again meanwhile."""
    var_dir = tmp_path / "var"
    var_dir.mkdir()

    def start() -> None:
        shutil.rmtree(var_dir)
        if again:
            (var_dir / "log").mkdir(parents=True)
            raise StackError("PostgreSQL ended with status 1 while starting.")
        write_state(var_dir, {"pid": 1})

    with pytest.raises(StackError) as caught, only_one(var_dir), removal_noticed(var_dir):
        start()
    assert str(caught.value) == f"{var_dir} was removed while Linkwake was starting, so everything stops."


@pytest.mark.parametrize("error", [StackError("It is full."), FileNotFoundError("something else")])
def test_what_fails_while_the_directory_is_there_keeps_its_own_words(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)) as caught, only_one(tmp_path), removal_noticed(tmp_path):
        raise error
    assert caught.value is error

"""Root hands PostgreSQL to a user of its own and opens no more than it must."""

import os
import pwd
import stat
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stack.errors import StackError
from stack.servers.account import hand_over, server_account

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes owners")


def _no_user(_name: str) -> None:
    raise KeyError("no such user")


def test_a_user_who_is_not_root_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert server_account() is None


@pytest.mark.parametrize("error", [FileNotFoundError(2, "no useradd"), subprocess.CalledProcessError(1, "useradd")])
def test_a_user_that_cannot_be_made_is_one_sentence(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("pwd.getpwnam", _no_user)
    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(StackError, match="make it with `useradd pgserver`, or start Linkwake as another user"):
        server_account()


def test_two_who_start_at_once_on_a_new_machine_make_one_user(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    both_looked = threading.Barrier(2)
    first_look = threading.local()

    def find(name: str) -> pwd.struct_passwd:
        if not hasattr(first_look, "over"):
            first_look.over = True
            both_looked.wait()  # neither sees a user at first
            raise KeyError(name)
        if not made:
            raise KeyError(name)
        return pwd.struct_passwd((name, "x", 990, 990, "", "/", ""))

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("pwd.getpwnam", find)
    monkeypatch.setattr(subprocess, "run", lambda command, **_: made.append(command[-1]))
    with ThreadPoolExecutor(2) as pool:
        accounts = list(pool.map(lambda _: server_account(), range(2)))
    assert (accounts, made) == ([(990, 990)] * 2, ["pgserver"])


@only_root
def test_private_directories_above_can_be_passed_but_not_listed(tmp_path: Path) -> None:
    directory = tmp_path / "private" / "postgres"
    directory.mkdir(parents=True)
    directory.parent.chmod(0o700)
    binaries = tmp_path / "install" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "postgres").touch(mode=0o755)
    assert hand_over(directory, binaries, (65534, 65534))[0] == directory.parent
    assert stat.S_IMODE(directory.parent.stat().st_mode) == 0o701
    assert hand_over(directory, binaries, (65534, 65534)) == []


@only_root
def test_a_directory_from_another_machine_changes_hands_with_all_in_it(tmp_path: Path) -> None:
    directory = tmp_path / "postgres"
    (directory / "data").mkdir(parents=True)
    (directory / "data" / "file").touch()
    binaries = tmp_path / "install" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "postgres").touch(mode=0o700)
    hand_over(directory, binaries, (65534, 65533))
    found = [directory / "data" / "file", directory / "data", directory]
    assert [(path.stat().st_uid, path.stat().st_gid) for path in found] == [(65534, 65533)] * 3
    assert stat.S_IMODE((binaries / "postgres").stat().st_mode) == 0o755  # installed under a strict umask

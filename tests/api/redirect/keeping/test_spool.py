"""The spool's files: what was acknowledged is on disk, one process each, a full or broken disk is an answer."""

import asyncio
import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api.redirect.keeping import spool as module
from api.redirect.keeping.frames import Damage, frame
from api.redirect.keeping.spool import Spool
from stack.children.processes import tethered

ROOT = Path(__file__).parents[4]
LIMIT = 1_000_000


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "var" / "spool"


@pytest.fixture
async def spool(directory: Path) -> AsyncIterator[Spool]:
    made = Spool(directory, LIMIT)
    await made.open()
    yield made
    await made.close()


async def contents(spool: Spool) -> list[bytes]:
    """All that would be replayed."""
    return [payload for file in await spool.take() for payload in file.payloads(Damage())]


def files(directory: Path) -> list[Path]:
    return sorted(directory.iterdir())


def fails(monkeypatch: pytest.MonkeyPatch, function: str, number: int = errno.ENOSPC) -> None:
    def broken(*_: Any) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, function, broken)


async def test_a_spool_that_is_full_takes_what_fits_and_says_so(directory: Path) -> None:
    spool = Spool(directory, limit=3 * len(frame(b"click")) + 5)
    assert await spool.append([b"click"]) == 1
    assert await spool.append([b"click"] * 4) == 2
    assert "full" in (spool.problem or "")
    assert await spool.append([b"click"]) == 0
    assert spool.size == 3 * len(frame(b"click"))
    for file in await spool.take():
        await spool.remove(file)
    assert (spool.problem, spool.size, await spool.append([b"click"])) == (None, 0, 1)
    await spool.close()


@pytest.mark.parametrize("function", ["write", "fsync"])
async def test_an_error_of_the_disk_is_no_durable_click_and_leaves_the_earlier_ones_whole(
    directory: Path, spool: Spool, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    assert await spool.append([b"one"]) == 1
    with monkeypatch.context() as broken:
        fails(broken, function)
        assert await spool.append([b"two"]) == 0
        assert "No space left" in (spool.problem or "")
        assert await spool.append([b"two"]) == 0
    assert await spool.append([b"three"]) == 1
    assert spool.problem is None
    assert await contents(spool) == [b"one", b"three"]
    assert len(files(directory)) == 2, "a file that could not be written to is not written to again"


async def test_a_write_that_the_disk_cut_short_leaves_no_half_click(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = os.write, 0

    def short(descriptor: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise OSError(errno.ENOSPC, "full")
        return real(descriptor, bytes(data)[:5])

    await spool.append([b"one"])
    with monkeypatch.context() as cut:
        cut.setattr(os, "write", short)
        assert await spool.append([b"two"]) == 0
    damage = Damage()
    assert [payload for file in await spool.take() for payload in file.payloads(damage)] == [b"one"]
    assert damage == Damage()


async def test_a_directory_that_cannot_be_made_is_known_from_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    spool = Spool(tmp_path / "file" / "spool", LIMIT)
    await spool.open()
    assert spool.problem is not None
    assert await spool.append([b"click"]) == 0
    await spool.close()


async def test_a_disk_that_hangs_counts_as_full_and_nobody_waits_twice(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DISK_SECONDS", 0.05)
    monkeypatch.setattr(module, "SHORT_SECONDS", 0.01)
    answers, real = threading.Event(), os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (answers.wait(10), real(descriptor)))
    assert await spool.append([b"one"]) == 0
    assert spool.problem == "the disk does not answer"
    assert await spool.append([b"two"]) == 0
    answers.set()
    assert await contents(spool) == [b"one"], "answered as lost, and there after all"


async def test_only_we_can_read_the_files(directory: Path, spool: Spool) -> None:
    await spool.append([b"click"])
    modes = [stat.S_IMODE(path.stat().st_mode) for path in [directory, *files(directory)]]
    assert modes == [0o700, 0o600]


async def test_two_processes_never_share_a_file_nor_take_each_others(directory: Path, spool: Spool) -> None:
    other = Spool(directory, LIMIT)
    await other.open()
    await asyncio.gather(spool.append([b"mine"]), other.append([b"theirs"]))
    assert await contents(spool) == [b"mine"]
    assert await contents(other) == [b"theirs"]
    await other.close()
    assert await contents(spool) == [b"mine", b"theirs"]


async def test_of_two_processes_that_find_a_dead_ones_file_one_takes_it(directory: Path, spool: Spool) -> None:
    directory.joinpath("dead.spool").write_bytes(frame(b"left"))
    other = Spool(directory, LIMIT)
    found = await asyncio.gather(contents(spool), contents(other))
    assert sorted(found) == [[], [b"left"]]
    await other.close()


async def test_a_file_that_its_owner_removes_is_not_taken(directory: Path, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    path = directory / "old.spool"
    path.write_bytes(frame(b"replayed"))
    real = os.open

    def late(name: Path, *rest: Any) -> int:
        descriptor = real(name, *rest)
        path.unlink(missing_ok=True)
        return descriptor

    monkeypatch.setattr(os, "open", late)
    assert await contents(spool) == []


async def test_a_file_that_cannot_be_opened_does_not_stop_the_others(directory: Path, spool: Spool) -> None:
    (directory / "0.spool").mkdir()
    directory.joinpath("1.spool").write_bytes(frame(b"left"))
    assert await contents(spool) == [b"left"]
    assert await spool.adopt() is True


async def test_a_closed_spool_leaves_clicks_and_no_empty_files(directory: Path) -> None:
    for payloads in ([], [b"click"]):
        spool = Spool(directory, LIMIT)
        await spool.open()
        await spool.append(payloads)
        await spool.close()
    (left,) = files(directory)
    assert left.read_bytes() == frame(b"click")


KILLED = """
import asyncio, sys
from pathlib import Path
from api.redirect.keeping.spool import Spool

async def main():
    spool = Spool(Path(sys.argv[1]), 1_000_000)
    for n in range(1_000_000):
        assert await spool.append([b"%d" % n]) == 1
        print(n, flush=True)

asyncio.run(main())
"""


async def test_what_a_killed_process_was_told_to_be_durable_is_taken_over(directory: Path, spool: Spool) -> None:
    command = tethered([sys.executable, "-c", KILLED, str(directory)])
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603, ASYNC220
        assert process.stdout
        told = [int(process.stdout.readline()) for _ in range(20)]
        assert await contents(spool) == [], "its process lives"
        process.send_signal(signal.SIGKILL)
        told += [int(line) for line in process.stdout]
    found = [int(payload) for payload in await contents(spool)]
    assert told == list(range(len(told)))
    assert found[: len(told)] == told
    assert len(found) - len(told) <= 1


async def test_a_problem_of_the_disk_goes_away_by_itself_when_nothing_waits(
    spool: Spool, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        fails(full, "fsync")
        assert await spool.append([b"click"]) == 0
        await spool.check()
        assert "No space" in (spool.state or "")
    await spool.check()
    assert spool.state is None
    assert [path.suffix for path in files(directory)] == [".spool"]

"""A role's signs of life: for the supervisor on the disk, for health in PostgreSQL."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from models.database import Database
from models.platform.heartbeat import last_beats
from services.process import signs_of_life as module
from services.process.signs_of_life import signs_of_life


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILE_SECONDS", 0.01)
    monkeypatch.setattr(module, "ROW_SECONDS", 0.01)


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await true():  # noqa: ASYNC110 - what is waited for is on the disk or in PostgreSQL
            await asyncio.sleep(0.01)


async def known(database: Database, role: str) -> bool:
    async with database.session() as session:
        return role in await last_beats(session)


async def touched(file: Path, since: int) -> bool:
    return await asyncio.to_thread(lambda: file.exists() and file.stat().st_mtime_ns > since)


async def test_a_role_shows_both_signs_again_and_again(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "alive" / "worker"
    async with signs_of_life("worker", file, database):
        await until(lambda: touched(file, 0))
        first = file.stat().st_mtime_ns
        await until(lambda: touched(file, first))
        await until(lambda: known(database, "worker"))


async def test_a_role_that_cannot_do_its_work_is_alive_for_the_supervisor_alone(database: Database, tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def never() -> bool:
        asked.set()
        return False

    async with signs_of_life("worker", tmp_path / "worker", database, never):
        await until(lambda: touched(tmp_path / "worker", 0))
        await asked.wait()
    assert not await known(database, "worker")


async def test_without_postgresql_or_a_place_for_the_file_the_role_goes_on(tmp_path: Path) -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/nothing")
    (tmp_path / "file").touch()
    async with signs_of_life("api", tmp_path / "file" / "api", away):
        await asyncio.sleep(0.05)
    await away.close()

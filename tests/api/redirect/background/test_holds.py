"""The loop that decides on held clicks; what it decides is in `tests/services/clicks/test_held_clicks.py`."""

import asyncio

import psycopg
import pytest

from api.redirect.background import holds
from api.redirect.background.holds import Holds
from models.database import Database
from services.clicks.held_clicks import HeldClicks
from tests.silence import silent


async def test_a_silent_database_is_named_in_time_and_no_longer_when_it_answers(
    database: Database, admin: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await database.ping()
    monkeypatch.setattr(holds, "AWAY_PAUSE", 0.01)
    deciding = Holds(HeldClicks(database), lambda *_: None)
    with monkeypatch.context() as short, silent(admin, database_url):
        short.setattr(holds, "DECIDE_SECONDS", 0.05)
        deciding.start()
        assert await _until(deciding, well=False) == "no answer within 0.05 s"
    assert await _until(deciding, well=True) is None
    await deciding.close()


async def _until(deciding: Holds, well: bool) -> str | None:
    async with asyncio.timeout(8):  # less than a driver takes that is told to give up
        while (deciding.problem is None) != well:  # noqa: ASYNC110 - it is asked as readiness asks
            await asyncio.sleep(0.01)
    return deciding.problem

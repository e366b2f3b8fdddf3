"""Whoever sends many requests at once is looked up in a line of their own: others find a connection to the database meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.callers import caller
from api.handling.services import Services
from models.organizations.caller import Caller as Found
from models.organizations.caller import Refusal, find_by_key
from services.process.turns import Turns
from tests.builders import Caller

MANY = 40


class Held:
    """Lookups of one credential that do not end before `end` is set. `most` is how many of them were under way at once."""

    def __init__(self) -> None:
        self.end, self.begun = asyncio.Event(), asyncio.Event()
        self.now = self.most = 0

    async def look(self, look: Callable[[], Awaitable[Found | Refusal]], is_held: bool) -> Found | Refusal:
        if not is_held:
            return await look()
        self.now += 1
        self.most = max(self.most, self.now)
        self.begun.set()
        await self.end.wait()
        self.now -= 1
        return await look()


async def test_many_requests_with_one_key_leave_connections_to_others(
    api: Caller, stranger: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held()

    async def slow(session: AsyncSession, key: str) -> Found | Refusal:
        return await held.look(lambda: find_by_key(session, key), key == api.key)

    monkeypatch.setattr(caller, "find_by_key", slow)
    asked = [asyncio.create_task(api.get("/channels")) for _ in range(MANY)]
    await held.begun.wait()
    assert (await stranger.get("/channels")).status_code == 200
    held.end.set()
    assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}
    assert held.most == 2


async def test_more_requests_than_may_wait_are_refused_before_they_are_looked_up(
    api: Caller, stranger: Caller, services: Services
) -> None:
    object.__setattr__(services, "lookup_turns", Turns(1, 0, "requests with one key or session"))
    async with services.lookup_turns.turn(f"Bearer {api.key}"):
        refused = await api.get("/channels")
        assert (await stranger.get("/channels")).status_code == 200
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    assert (await api.get("/channels")).status_code == 200

"""Streams whose filters hold back what others do, and streams that are behind: they stay, get through, and hold nobody up."""

import asyncio
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from api.events import live_events, stream
from api.handling.services import Services
from models.database import Database
from models.live import read
from models.organizations.organization import Organization
from tests.api.events.streams import Opened
from tests.builders import Caller
from tests.plans import statements

ADD = """
INSERT INTO live_event (org_id, kind, state, row_id)
SELECT :org_id, :kind, 'human', gen_random_uuid() FROM generate_series(1, :count)
"""


async def add(database: Database, org_id: UUID, kind: str, count: int = 1) -> None:
    async with database.transaction() as session:
        await session.execute(text(ADD), {"org_id": org_id, "kind": kind, "count": count})


@pytest.fixture
def org_id(organization: tuple[Organization, str]) -> UUID:
    return organization[0].id


@pytest.fixture
def app(api: Caller, api_app: FastAPI) -> FastAPI:
    return api_app


@pytest.fixture
def key(organization: tuple[Organization, str]) -> str:
    return organization[1]


async def test_a_stream_shows_that_it_lives_while_its_filters_hold_everything_back(
    app: FastAPI, key: str, database: Database, org_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "KEEP_ALIVE", 0.8)
    monkeypatch.setattr(live_events, "EVERY", 0.05)

    async def write() -> None:
        while True:
            await add(database, org_id, "click")

    async with Opened(app, key, kind="campaign") as opened:
        await opened.ready()
        writing = asyncio.create_task(write())
        try:
            await opened.lines(b"id: ", opened.body.count(b"\nid: ") + 2)
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)


async def test_a_stream_behind_many_events_gives_its_place_and_reads_only_what_it_lets_through(
    app: FastAPI, key: str, database: Database, org_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "LOOKED_AT", 100)
    async with Opened(app, key) as opened:
        await opened.ready()
    await add(database, org_id, "click", 450)
    await add(database, org_id, "campaign", 3)
    with statements(database) as sent:
        async with Opened(app, key, opened.id, kind="campaign") as behind:
            assert [event.name for event in await behind.some(3)] == ["campaign"] * 3
    assert behind.body.count(b"\n\nid: ") >= 4 + 3  # a place after each page, and the events
    assert not any("content_link" in statement for statement, _ in sent)  # no click was described
    places = [line[4:] for line in behind.body.decode().split("\n") if line.startswith("id: ")]
    async with Opened(app, key, places[3], kind="campaign") as again:
        await again.some(3)
    assert again.body.count(b"\n\nid: ") < behind.body.count(b"\n\nid: ")


async def test_pages_of_streams_are_read_while_a_bulk_request_of_their_organization_is_at_work(
    app: FastAPI, key: str, database: Database, services: Services, org_id: UUID
) -> None:
    async with Opened(app, key) as opened:
        await opened.ready()
    await add(database, org_id, "click", 3)
    async with services.large_turns.turn(org_id), Opened(app, key, opened.id) as behind:
        assert len(await behind.some(3)) == 3


async def test_as_many_streams_as_an_organization_may_have_get_through_together(
    app: FastAPI, key: str, database: Database, services: Services, org_id: UUID
) -> None:
    async with Opened(app, key) as opened:
        await opened.ready()
    await add(database, org_id, "click", 450)

    async def follow() -> int:
        async with Opened(app, key, opened.id) as behind:
            return len(await behind.some(450))

    assert await asyncio.gather(*(follow() for _ in range(services.live.most_streams))) == [450] * services.live.most_streams


async def test_a_stream_too_many_is_refused_before_its_filters_are_looked_up(api: Caller, services: Services) -> None:
    services.live.most_streams = 0
    answer = await api.get("/events/stream", params={"campaign_id": str(uuid4())})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")

"""Whoever follows the stream is told of everything once, in whatever order transactions commit and however often it resumes."""

import asyncio
import re
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from api.events import feed, live_events, stream
from api.handling.services import Services
from models.database import Database
from models.live import read
from models.organizations.organization import Organization
from tests.api.campaign_builders import new_campaign
from tests.api.events.streams import Opened, rows_of
from tests.api.events.written import ADD, add, adding, messages, some_ids
from tests.builders import Caller

KILL = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE application_name = 'linkwake-live-events' AND datname = current_database()
"""


@pytest.fixture
def org_id(organization: tuple[Organization, str]) -> UUID:
    return organization[0].id


@pytest.fixture
def app(api: Caller, api_app: FastAPI) -> FastAPI:
    return api_app


@pytest.fixture
def key(organization: tuple[Organization, str]) -> str:
    return organization[1]


async def test_an_event_is_told_as_soon_as_it_is_committed(app: FastAPI, key: str, database: Database, org_id: UUID) -> None:
    (row,) = some_ids(1)
    async with Opened(app, key) as opened:
        await opened.ready()
        await add(database, org_id, row)
        assert rows_of(await opened.some(1)) == messages([row])
        assert opened.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert "content-length" not in opened.headers


async def test_what_was_before_the_stream_is_not_told(app: FastAPI, key: str, database: Database, org_id: UUID) -> None:
    before, after = some_ids(2)
    await add(database, org_id, before)
    async with Opened(app, key) as opened:
        await opened.ready()
        await add(database, org_id, after)
        assert rows_of(await opened.some(1)) == messages([after])


async def test_a_transaction_that_commits_after_younger_ones_is_told_once(
    app: FastAPI, key: str, database: Database, org_id: UUID
) -> None:
    slow, young, last = some_ids(3)
    async with Opened(app, key) as opened:
        await opened.ready()
        async with adding(database, org_id, slow):
            await add(database, org_id, young)
            assert rows_of(await opened.some(1)) == messages([young])
        assert rows_of(await opened.some(1)) == messages([slow])
        await add(database, org_id, last)
        assert rows_of(await opened.some(1)) == messages([last])


async def test_a_transaction_that_was_open_before_the_stream_and_commits_after_a_resumption_is_told(
    app: FastAPI, key: str, database: Database, org_id: UUID
) -> None:
    slow, young, missed = some_ids(3)
    async with adding(database, org_id, slow):
        async with Opened(app, key) as opened:
            await opened.ready()
            await add(database, org_id, young)
            await opened.some(1)
        await add(database, org_id, missed)
        async with Opened(app, key, opened.id) as again:
            assert rows_of(await again.some(1)) == messages([missed])
            place = again.id
    async with Opened(app, key, place) as later:
        assert rows_of(await later.some(1)) == messages([slow])


async def test_a_transaction_that_is_rolled_back_is_not_told(app: FastAPI, key: str, database: Database, org_id: UUID) -> None:
    undone, done = some_ids(2)
    async with Opened(app, key) as opened:
        await opened.ready()
        with pytest.raises(ZeroDivisionError):
            async with adding(database, org_id, undone):
                raise ZeroDivisionError
        await add(database, org_id, done)
        assert rows_of(await opened.some(1)) == messages([done])


@pytest.mark.parametrize("taken", [1, 7, 49, 50, 51, 119])
async def test_a_stream_that_breaks_off_inside_a_batch_goes_on_behind_its_last_event(
    app: FastAPI, key: str, database: Database, org_id: UUID, taken: int
) -> None:
    rows = some_ids(120)
    async with Opened(app, key) as opened:
        await opened.ready()
        await add(database, org_id, *rows)
        first = await opened.some(taken)
    (other,) = some_ids(1)
    await add(database, org_id, other)
    async with Opened(app, key, opened.id) as again:
        rest = await again.some(121 - taken)
    assert rows_of([*first, *rest]) == messages([*rows, other])


async def test_it_is_resumed_by_the_address_as_well(app: FastAPI, key: str, database: Database, org_id: UUID) -> None:
    (row,) = some_ids(1)
    async with Opened(app, key) as opened:
        await opened.ready()
    await add(database, org_id, row)
    async with Opened(app, key, last_event_id=opened.id) as again:
        assert rows_of(await again.some(1)) == messages([row])
    async with Opened(app, key, again.id, last_event_id=opened.id) as header_first:
        await header_first.ready()
        assert header_first.waiting() == 0


async def test_many_streams_break_off_and_resume_while_others_write_and_lose_and_double_nothing(
    app: FastAPI, key: str, database: Database, org_id: UUID
) -> None:
    rows = [some_ids(3) for _ in range(40)]

    async def write() -> None:
        for number in range(0, 40, 2):
            async with adding(database, org_id, *rows[number]):
                await add(database, org_id, *rows[number + 1])

    async def follow(place: str, often: int) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        while len(found) < 120:
            async with Opened(app, key, place) as opened:
                found += rows_of(await opened.some(min(often, 120 - len(found))))
                place = opened.id
        return found

    async with Opened(app, key) as opened:
        await opened.ready()
        place = opened.id
    writing = asyncio.create_task(write())
    found = await asyncio.gather(*(follow(place, often) for often in (1, 5, 11, 40, 120)))
    await writing
    everything = sorted(messages([each for some in rows for each in some]))
    assert [sorted(each) for each in found] == [everything] * 5


async def test_another_organization_is_told_nothing(
    app: FastAPI, key: str, stranger: Caller, database: Database, org_id: UUID
) -> None:
    (row,) = some_ids(1)
    async with Opened(app, stranger.key) as theirs, Opened(app, key) as ours:
        await theirs.ready()
        await ours.ready()
        await add(database, org_id, row)
        assert rows_of(await ours.some(1)) == messages([row])
        assert theirs.waiting() == 0
    async with Opened(app, stranger.key, theirs.id) as resumed:
        await resumed.ready()
        assert resumed.body.count(b"data:") == 1


async def test_a_stream_is_told_what_its_filters_let_through_and_moves_on_past_the_rest(
    app: FastAPI, api: Caller, key: str, database: Database, org_id: UUID, campaign: UUID
) -> None:
    wanted, other = some_ids(2)
    async with Opened(app, key, campaign_id=campaign) as opened, Opened(app, key, kind=["click", "report"]) as clicks:
        await opened.ready()
        await clicks.ready()
        await add(database, org_id, other)
        await add(database, org_id, wanted, campaign_id=campaign)
        assert rows_of(await opened.some(1)) == messages([wanted])
        assert clicks.waiting() == 0


@pytest.fixture
async def campaign(api: Caller) -> UUID:
    return UUID(await new_campaign(api))


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ({"kind": "opened"}, 422, "kind[0]"),
        ({"campaign_id": "x"}, 422, "campaign_id"),
        ({"campaign_id": UUID(int=1)}, 404, "campaign_id"),
        ({"sequence_id": UUID(int=1)}, 404, "sequence_id"),
        ({"contact_id": UUID(int=1)}, 404, "contact_id"),
        ({"last_event_id": "soon"}, 422, "last_event_id"),
        ({"since": "now"}, 422, "since"),
    ],
)
async def test_a_stream_that_cannot_be_is_refused_before_it_begins(
    api: Caller, query: dict[str, object], status: int, field: str
) -> None:
    answer = await api.get("/events/stream", params=query)
    assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (status, [field])


async def test_the_id_of_another_organizations_campaign_is_not_known(api: Caller, stranger: Caller, campaign: UUID) -> None:
    assert (await stranger.get(f"/events/stream?campaign_id={campaign}")).status_code == 404


async def test_a_header_that_cannot_be_read_is_named(api: Caller) -> None:
    answer = await api.get("/events/stream", headers={"Last-Event-ID": "1.2"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Last-Event-ID")


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("{database}.1000000000.5-9", "too_old"),
        ("{database}.99999999999.5-9999999999999", "another_database"),
        ("00000000.99999999999.5-9", "another_database"),
    ],
)
async def test_a_place_that_is_too_old_or_of_another_database_is_said_and_the_stream_begins_now(
    app: FastAPI, key: str, database: Database, org_id: UUID, place: str, reason: str
) -> None:
    before, after = some_ids(2)
    await add(database, org_id, before)
    async with Opened(app, key) as opened:
        await opened.ready()
        place = place.format(database=opened.id.partition(".")[0])
    async with Opened(app, key, place) as opened:
        reset = await opened.next()
        assert reset is not None
        assert (reset.name, reset.data) == ("reset", {"reason": reason})
        await opened.ready()
        await add(database, org_id, after)
        assert rows_of(await opened.some(1)) == messages([after])


async def test_streams_end_when_the_address_leads_to_another_database(
    app: FastAPI, key: str, database: Database, org_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = some_ids(1)
    monkeypatch.setattr(live_events, "AGAIN", 0.0)
    async with Opened(app, key) as opened:
        await opened.ready()
        monkeypatch.setattr(read, "IDENTITY", "SELECT 'ffffffff'")
        async with database.transaction() as session:
            assert await session.scalar(text(KILL)) == 1
        assert await opened.next() is None
    async with Opened(app, key, opened.id) as again:
        reset = await again.next()
        assert reset is not None
        assert (reset.name, reset.data) == ("reset", {"reason": "another_database"})
        await again.ready()
        await add(database, org_id, row)
        assert rows_of(await again.some(1)) == messages([row])


async def test_what_was_missed_is_told_before_ready(app: FastAPI, key: str, database: Database, org_id: UUID) -> None:
    (row,) = some_ids(1)
    async with Opened(app, key) as opened:
        await opened.ready()
    await add(database, org_id, row)
    async with Opened(app, key, opened.id) as again:
        await again.lines(b"event: ", 2)
    assert re.findall(rb"^event: (.+)$", again.body, re.MULTILINE) == [b"message", b"ready"]


async def test_times_end_in_z_as_everywhere_in_the_api(app: FastAPI, key: str, database: Database, org_id: UUID) -> None:
    async with Opened(app, key) as opened:
        await opened.ready()
        await add(database, org_id, *some_ids(1))
        (event,) = await opened.some(1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", event.data["at"])


async def test_one_stream_too_many_is_refused_and_others_are_not(
    app: FastAPI, key: str, stranger: Caller, services: Services
) -> None:
    services.live.most_streams = 2
    async with Opened(app, key) as first, Opened(app, key) as second:
        await first.ready()
        await second.ready()
        async with Opened(app, key) as third:
            assert await third.next() is None
            assert (third.status, third.headers["retry-after"]) == (429, "5")
        async with Opened(app, stranger.key) as theirs:
            await theirs.ready()
        await first.leave()
        async with Opened(app, key) as fourth:
            await fourth.ready()


async def test_a_stream_that_is_behind_what_is_remembered_reads_it_from_the_database(
    app: FastAPI, key: str, database: Database, org_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More in one batch than a feed remembers, and more in many batches than a slow reader reads."""
    monkeypatch.setattr(live_events, "KEPT", 20)
    monkeypatch.setattr(feed, "KEPT", 20)
    monkeypatch.setattr(stream, "AT_ONCE", 5)
    monkeypatch.setattr(stream, "PAGE", 7)
    rows, more = some_ids(50), [some_ids(5) for _ in range(12)]
    async with Opened(app, key) as slow, Opened(app, key) as quick:
        await slow.ready()
        await quick.ready()
        await add(database, org_id, *rows)
        assert rows_of(await slow.some(50)) == messages(rows)
        assert rows_of(await quick.some(50)) == messages(rows)
        slow.reads.clear()
        for each in more:
            await add(database, org_id, *each)
            assert rows_of(await quick.some(5)) == messages(each)
        slow.reads.set()
        assert rows_of(await slow.some(60)) == messages([one for each in more for one in each])


async def test_a_client_that_does_not_read_is_dropped_and_goes_on_where_it_stopped(
    app: FastAPI, key: str, database: Database, org_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PATIENCE", 0.05)
    first, second = some_ids(2)
    async with Opened(app, key) as opened:
        await opened.ready()
        await add(database, org_id, first)
        assert rows_of(await opened.some(1)) == messages([first])
        opened.reads.clear()
        await add(database, org_id, second)
        assert await opened.next() is None
    monkeypatch.undo()
    async with Opened(app, key, opened.id) as again:
        assert rows_of(await again.some(1)) == messages([second])


async def test_a_quiet_stream_shows_that_it_lives_and_where_it_is(
    app: FastAPI, key: str, database: Database, org_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "KEEP_ALIVE", 0.05)
    (row,) = some_ids(1)
    async with Opened(app, key, kind="click") as opened, Opened(app, key) as other:
        await opened.ready()
        await other.ready()
        await add(database, org_id, row)
        await other.some(1)
        await opened.lines(b"id: ", opened.body.count(b"id: ") + 2)
        latest = opened.body.decode().rstrip().rpartition("id: ")[2]
    async with Opened(app, key, latest) as again:
        await again.ready()
        assert again.body.count(b"event: message") == 0


async def test_a_key_that_is_revoked_ends_its_streams(
    app: FastAPI, api: Caller, key: str, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_events, "KEYS_EVERY", 0.0)
    made = (await api.post("/api-keys", json={"name": "page", "role": "viewer"})).json()
    async with Opened(app, made["key"]) as theirs, Opened(app, key) as ours:
        await theirs.ready()
        await ours.ready()
        await api.delete(f"/api-keys/{made['id']}")
        assert await theirs.next() is None
        assert services.live.count() == 1


async def test_a_process_that_stops_ends_its_streams(app: FastAPI, key: str, services: Services) -> None:
    async with Opened(app, key) as opened:
        await opened.ready()
        services.live.end_all()
        assert await opened.next() is None
    async with Opened(app, key, opened.id) as late:  # its request was already under way
        assert await late.next() is None
        assert late.status == 200
    assert services.live.count() == 0


async def test_a_connection_that_is_killed_is_made_again_and_nothing_is_missing(
    app: FastAPI, key: str, database: Database, org_id: UUID
) -> None:
    first, second = some_ids(2)
    async with Opened(app, key) as opened:
        await opened.ready()
        async with database.transaction() as session:
            await session.execute(text(ADD), {"org_id": org_id, "id": first, "campaign_id": None})
            assert await session.scalar(text(KILL)) == 1
        await add(database, org_id, second)
        assert rows_of(await opened.some(2)) == messages([first, second])

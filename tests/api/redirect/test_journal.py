"""The journal: nothing that was answered as stored is missing, whatever happens to its connection."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text

from api.redirect import journal
from api.redirect.journal import Journal
from models.click_inbox import InboxClick, LinkOfRecipient, store_clicks
from models.database import Database
from models.organization import Organization
from tests.clicks import Sent, click, rows, send

SECOND = timedelta(seconds=1)
IDS = "SELECT id FROM click_inbox ORDER BY id"
END_CONNECTIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'linkwake-redirect'"


class Heard:
    """What the journal said that it had stored."""

    def __init__(self) -> None:
        self.clicks: list[InboxClick] = []
        self.links: list[LinkOfRecipient] = []

    def __call__(self, clicks: Sequence[InboxClick], links: Sequence[LinkOfRecipient]) -> None:
        self.clicks += clicks
        self.links += links


@asynccontextmanager
async def writing(url: str, budget: timedelta = 20 * SECOND) -> AsyncIterator[tuple[Journal, Heard]]:
    heard = Heard()
    made = Journal(url, budget, heard)
    made.start()
    yield made, heard
    await made.close()


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    return await send(database, organization[0].id, people=100, wakes=[0])


async def test_a_click_that_postgresql_refuses_is_lost_alone_and_counted(
    database_url: str, database: Database, sent: Sent
) -> None:
    clicks = [click(sent, n, user_agent="bad\x00agent" if n == 5 else "fine") for n in range(10)]
    async with writing(database_url) as (made, _):
        answers = await asyncio.gather(*(made.write(each, wakes=False) for each in clicks))
    assert answers == [n != 5 for n in range(10)]
    assert await rows(database, IDS) == [each.id for each in clicks if "\x00" not in (each.user_agent or "")]
    assert (made.counts.stored, made.counts.lost) == (9, 1)


async def test_with_postgresql_away_a_contact_waits_no_longer_than_the_budget_and_the_click_is_stored_when_it_is_back(
    database_url: str, database: Database, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_click = click(sent)
    async with writing(database_url, SECOND / 20) as (made, heard):
        with monkeypatch.context() as away:
            away.setattr(made, "_url", "postgresql://nobody@127.0.0.1:1/none")
            assert await made.write(made_click, wakes=True) is False
            assert made.problem is not None
            assert made.counts.late == 1
        async with asyncio.timeout(10):
            assert await made.write(click(sent, 1), wakes=False) in {True, False}
    assert heard.clicks[0].id == made_click.id
    assert heard.links == [LinkOfRecipient(sent.content_id, 0, 0)]
    assert len(await rows(database, IDS)) == 2
    assert made.counts.lost == 0


async def test_when_no_more_clicks_can_be_held_they_are_lost_at_once_and_counted(
    sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "HELD_LIMIT", 3)
    monkeypatch.setattr(journal, "CLOSE_SECONDS", 0.1)
    async with writing("postgresql://nobody@127.0.0.1:1/none", SECOND / 20) as (made, _):
        answers = await asyncio.gather(*(made.write(click(sent, n), wakes=False) for n in range(10)))
        assert answers == [False] * 10
        assert made.counts.lost == 7
    assert made.counts.lost == 10  # stopped before PostgreSQL was back


async def test_a_client_that_goes_away_takes_nobody_with_it(database_url: str, database: Database, sent: Sent) -> None:
    async with writing(database_url) as (made, _):
        writes = [asyncio.create_task(made.write(click(sent, n), wakes=False)) for n in range(20)]
        await asyncio.sleep(0)
        for gone in writes[::2]:
            gone.cancel()
        assert await asyncio.gather(*writes[1::2]) == [True] * 10
    assert len(await rows(database, IDS)) == 20


async def test_clicks_are_stored_once_while_their_connection_is_killed_again_and_again(
    database_url: str, database: Database, sent: Sent
) -> None:
    clicks = [click(sent, n % 100, n % 2) for n in range(600)]
    answers: list[bool] = []
    killed = 0

    async def clicking(part: Sequence[InboxClick], made: Journal) -> None:
        nonlocal killed
        for each in part:
            answers.append(await made.write(each, wakes=True))  # one after the other, as a client does
            if len(answers) % 60 == 0:
                async with database.transaction() as session:
                    killed += len((await session.execute(text(END_CONNECTIONS))).all())

    async with writing(database_url) as (made, heard):
        await asyncio.gather(*(clicking(clicks[n::30], made) for n in range(30)))
    assert killed >= 5
    assert answers == [True] * 600
    assert await rows(database, IDS) == [each.id for each in clicks]
    assert sorted(each.id for each in heard.clicks) == [each.id for each in clicks]
    assert await rows(database, "SELECT count(*) FROM signal_outbox") == [len({(each.ordinal, each.position) for each in clicks})]


async def test_a_click_that_was_committed_although_the_answer_was_lost_is_not_stored_twice(
    database_url: str, database: Database, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = store_clicks, 0

    async def answer_lost(*arguments: object) -> list[LinkOfRecipient]:
        nonlocal calls
        calls += 1
        links = await real(*arguments)  # type: ignore[arg-type]
        if calls == 1:
            raise ConnectionResetError("after the commit")
        return links

    monkeypatch.setattr(journal, "store_clicks", answer_lost)
    made_click = click(sent)
    async with writing(database_url) as (made, heard):
        assert await made.write(made_click, wakes=True) is True
    assert calls == 2
    assert await rows(database, IDS) == [made_click.id]
    assert len(heard.clicks) == 1

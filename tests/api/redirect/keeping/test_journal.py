"""The journal: nothing that was answered is missing, whatever happens to PostgreSQL and to the process."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from api.redirect.keeping import inbox, journal, replay
from api.redirect.keeping.frames import Damage, frame, read_frames
from api.redirect.keeping.journal import Journal
from api.redirect.keeping.spool import Spool
from api.redirect.keeping.spooled_click import SpooledClick
from models.clicks.inbox import InboxClick, LinkOfRecipient, store_clicks
from models.database import Database, psycopg_url
from models.organizations.organization import Organization
from tests.clicks import Sent, click, rows, send

SECOND = timedelta(seconds=1)
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
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
async def writing(
    url: str, directory: Path, budget: timedelta = 20 * SECOND, limit: int = 1_000_000
) -> AsyncIterator[tuple[Journal, Heard]]:
    heard = Heard()
    made = Journal(url, budget, heard, Spool(directory, limit))
    await made.start()
    yield made, heard
    await made.close()


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    return await send(database, organization[0].id, people=100, wakes=[0])


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "PAUSE", 0.01)


def directed(made: Journal, url: str) -> None:
    """From now on PostgreSQL is there."""
    made._inbox.url = made._replay.inbox.url = psycopg_url(url)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 # it looks from outside
            await asyncio.sleep(0.005)


async def hang(*_: object) -> list[LinkOfRecipient]:
    """A PostgreSQL that takes what it is sent and says nothing."""
    await asyncio.Event().wait()
    return []


async def test_a_click_that_postgresql_refuses_is_lost_alone_and_counted(
    database_url: str, database: Database, sent: Sent, tmp_path: Path
) -> None:
    clicks = [click(sent, n, user_agent="bad\x00agent" if n == 5 else "fine") for n in range(10)]
    async with writing(database_url, tmp_path) as (made, _):
        answers = await asyncio.gather(*(made.write(each, wakes=False) for each in clicks))
    assert answers == [n != 5 for n in range(10)]
    assert await rows(database, IDS) == [each.id for each in clicks if "\x00" not in (each.user_agent or "")]
    assert (made.counts.stored, made.counts.lost) == (9, 1)


async def test_a_click_in_the_spool_that_postgresql_refuses_is_lost_alone_and_counted(
    database_url: str, database: Database, sent: Sent, tmp_path: Path
) -> None:
    clicks = [click(sent, n, user_agent="bad\x00agent" if n == 5 else "fine") for n in range(10)]
    async with writing(NOWHERE, tmp_path, SECOND / 20) as (made, _):
        await asyncio.gather(*(made.write(each, wakes=False) for each in clicks))
        directed(made, database_url)
        await until(lambda: made.spool.files == 0)
    assert len(await rows(database, IDS)) == 9
    assert (made.counts.replayed, made.counts.lost) == (9, 1)


async def test_with_the_spool_full_contacts_go_on_and_the_clicks_are_counted_as_lost(sent: Sent, tmp_path: Path) -> None:
    async with writing(NOWHERE, tmp_path, SECOND / 20, limit=1500) as (made, _):
        answers = await asyncio.gather(*(made.write(click(sent, n), wakes=False) for n in range(10)))
        assert answers == [False] * 10
        assert made.counts.spooled + made.counts.lost == made.counts.late == 10
        assert 1 <= made.counts.spooled <= 5
        assert "full" in (made.spool.problem or "")


async def test_clicks_that_neither_postgresql_nor_the_disk_takes_are_stored_if_the_process_lives_long_enough(
    database_url: str, database: Database, sent: Sent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "UNSAVED_LIMIT", 6)
    clicks = [click(sent, n) for n in range(10)]
    async with writing(NOWHERE, tmp_path, SECOND / 20, limit=0) as (made, heard):
        assert await made.write(clicks[0], wakes=True) is False  # this one stays in the commit that is tried again and again
        assert await asyncio.gather(*(made.write(each, wakes=True) for each in clicks[1:])) == [False] * 9
        assert made.counts.lost == 10
        directed(made, database_url)
        await until(lambda: made.counts.rescued == 7)
        await until(lambda: made.spool.state is None)  # nothing waits, and the disk takes clicks again
    assert await rows(database, IDS) == [each.id for each in clicks[:7]]
    assert len(heard.links) == 7


async def test_an_answer_after_the_budget_is_on_the_disk_before(sent: Sent, tmp_path: Path) -> None:
    clicks = [click(sent, n, n % 2) for n in range(20)]
    async with writing(NOWHERE, tmp_path, SECOND / 20) as (made, _):
        for part in (clicks[:1], clicks[1:]):
            assert await asyncio.gather(*(made.write(each, wakes=each.position == 0) for each in part)) == [False] * len(part)
            assert on_disk(tmp_path) == [SpooledClick(each, each.position == 0) for each in clicks[: clicks.index(part[-1]) + 1]]


async def test_one_fsync_is_enough_for_all_that_wait(sent: Sent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with writing(NOWHERE, tmp_path, SECOND / 5) as (made, _):
        calls: list[int] = []
        real = os.fsync

        def counted(descriptor: int) -> None:
            calls.append(descriptor)
            real(descriptor)

        monkeypatch.setattr(os, "fsync", counted)
        await asyncio.gather(*(made.write(click(sent, n), wakes=False) for n in range(100)))
        assert len(calls) == 1


async def test_nothing_of_address_and_agent_is_in_the_spool_when_the_organization_keeps_none(sent: Sent, tmp_path: Path) -> None:
    async with writing(NOWHERE, tmp_path, SECOND / 50) as (made, _):
        await made.write(click(sent, ip=None, user_agent=None), wakes=True)
        (path,) = spool_files(tmp_path)
        assert b"user_agent" not in path.read_bytes()
        assert b'"ip"' not in path.read_bytes()
        assert [each.click.user_agent for each in on_disk(tmp_path)] == [None]


async def test_with_postgresql_away_a_contact_waits_no_longer_than_the_budget_and_the_click_is_stored_when_it_is_back(
    database_url: str, database: Database, sent: Sent, tmp_path: Path
) -> None:
    made_click = click(sent)
    async with writing(NOWHERE, tmp_path, SECOND / 20) as (made, heard):
        assert await made.write(made_click, wakes=True) is False
        assert "refused" in (made.problem or "")
        assert (made.counts.late, made.spool.files) == (1, 1)
        directed(made, database_url)
        await until(lambda: made.spool.files == 0)  # by itself: nobody clicks
        await until(lambda: made.problem is None)
        assert await made.write(click(sent, 1), wakes=False) in {True, False}
        await until(lambda: made.counts.replayed + made.counts.stored >= 2)
        await until(lambda: spool_files(tmp_path) == [])  # that click may have been late as well
    assert heard.clicks[0].id == made_click.id
    assert heard.links == [LinkOfRecipient(sent.content_id, 0, 0)]
    assert len(await rows(database, IDS)) == 2
    assert made.counts.lost == 0
    assert spool_files(tmp_path) == []


async def test_a_postgresql_that_hangs_keeps_nobody_waiting(
    database_url: str, database: Database, sent: Sent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clicks = [click(sent, n) for n in range(100)]
    with monkeypatch.context() as hanging:
        hanging.setattr(inbox, "store_clicks", hang)
        async with writing(database_url, tmp_path, SECOND / 20) as (made, _):
            for part in (clicks[:1], clicks[1:]):
                assert await asyncio.gather(*(made.write(each, wakes=True) for each in part)) == [False] * len(part)
    async with writing(database_url, tmp_path) as (made, heard):  # the next process
        await until(lambda: made.counts.replayed == 100)
    assert await rows(database, IDS) == [each.id for each in clicks]
    assert len(heard.links) == 100


async def test_a_commit_that_succeeds_after_its_click_went_to_the_spool_counts_once(
    database_url: str, database: Database, sent: Sent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, answers = store_clicks, asyncio.Event()

    async def slow(*arguments: Any) -> list[LinkOfRecipient]:
        links = await real(*arguments)
        await answers.wait()
        return links

    made_click = click(sent)
    with monkeypatch.context() as late:
        late.setattr(inbox, "store_clicks", slow)
        late.setattr(replay, "PAUSE", 60)
        # On a busy machine, too, the commit has begun when the click's patience is over.
        async with writing(database_url, tmp_path, SECOND / 2) as (made, heard):
            assert await made.write(made_click, wakes=True) is False
            answers.set()
            await until(lambda: made.counts.stored == 1)
    assert heard.links == [LinkOfRecipient(sent.content_id, 0, 0)]
    async with writing(database_url, tmp_path) as (made, _):
        await until(lambda: made.counts.replayed == 1)
    assert await rows(database, "SELECT click_id FROM signal_outbox") == [made_click.id], "one signal"
    assert await rows(database, IDS) == [made_click.id]


async def test_a_replay_that_comes_before_its_own_commit_changes_nothing(
    database_url: str, database: Database, sent: Sent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, goes_on, calls = store_clicks, asyncio.Event(), 0

    async def slow(*arguments: Any) -> list[LinkOfRecipient]:
        nonlocal calls
        calls += 1
        if calls == 1:  # the live commit; the replay is not held up
            await goes_on.wait()
        return await real(*arguments)

    monkeypatch.setattr(inbox, "store_clicks", slow)
    clicks = [click(sent, n) for n in range(5)]
    async with writing(database_url, tmp_path, SECOND / 20) as (made, _):
        assert await asyncio.gather(*(made.write(each, wakes=True) for each in clicks)) == [False] * 5
        await until(lambda: made.counts.replayed == 5)
        goes_on.set()
        assert await made.write(click(sent, 9), wakes=False) in {True, False}
        await until(lambda: made.spool.files == 0)
    assert len(await rows(database, IDS)) == 6
    assert made.counts.lost == 0


async def test_a_replay_that_is_interrupted_anywhere_starts_again_and_doubles_nothing(
    database_url: str, database: Database, sent: Sent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clicks = [click(sent, n % 100, n % 2) for n in range(50)]
    async with writing(NOWHERE, tmp_path, SECOND / 50) as (made, _):
        await asyncio.gather(*(made.write(each, wakes=True) for each in clicks))
    monkeypatch.setattr(replay, "BATCH", 20)
    real, calls = store_clicks, 0

    async def dies(*arguments: Any) -> list[LinkOfRecipient]:
        nonlocal calls
        calls += 1
        links = await real(*arguments)
        if calls == 2:
            await hang()  # committed, and the process ends before it knows
        return links

    with monkeypatch.context() as interrupted:
        interrupted.setattr(inbox, "store_clicks", dies)
        async with writing(database_url, tmp_path) as (made, heard):
            await until(lambda: calls == 2)
    assert len(heard.clicks) == 20
    assert len(spool_files(tmp_path)) == 1
    async with writing(database_url, tmp_path) as (made, _):
        await until(lambda: made.spool.files == 0 and made.counts.replayed == 50)
    assert await rows(database, IDS) == [each.id for each in clicks]
    assert await rows(database, "SELECT count(*) FROM signal_outbox") == [50]
    assert spool_files(tmp_path) == []


async def test_a_damaged_record_costs_itself_alone_and_is_counted(
    database_url: str, database: Database, sent: Sent, tmp_path: Path
) -> None:
    clicks = [click(sent, n) for n in range(5)]
    frames = [frame(SpooledClick(each, wakes=False).encode()) for each in clicks]
    hurt = frames[2].replace(b"human", b"hunan")
    whole_but_strange = frame(b'{"wakes": false}') + frame(b"[]") + frame(b"no JSON")
    tmp_path.joinpath("dead.spool").write_bytes(b"".join([*frames[:2], hurt, whole_but_strange, *frames[3:], frames[0][:-1]]))
    async with writing(database_url, tmp_path) as (made, _):
        await until(lambda: made.counts.damaged == 4)
    assert await rows(database, IDS) == [each.id for n, each in enumerate(clicks) if n != 2]
    assert spool_files(tmp_path) == []


async def test_clicks_that_wait_when_the_process_ends_are_left_in_the_spool(
    sent: Sent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "CLOSE_SECONDS", 0.05)
    async with writing(NOWHERE, tmp_path, 20 * SECOND) as (made, _):
        writes = [asyncio.create_task(made.write(click(sent, n), wakes=False)) for n in range(5)]
        await until(lambda: made.problem is not None)
    assert await asyncio.gather(*writes) == [False] * 5
    assert len(on_disk(tmp_path)) == 5
    assert made.counts.lost == 0


def spool_files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.spool"))


def on_disk(directory: Path) -> list[SpooledClick]:
    found = []
    for path in spool_files(directory):
        with path.open("rb") as file:
            found += [SpooledClick.decode(payload) for payload in read_frames(file, Damage())]
    return found


async def test_a_client_that_goes_away_takes_nobody_with_it(
    database_url: str, database: Database, sent: Sent, tmp_path: Path
) -> None:
    async with writing(database_url, tmp_path) as (made, _):
        writes = [asyncio.create_task(made.write(click(sent, n), wakes=False)) for n in range(20)]
        await asyncio.sleep(0)
        for gone in writes[::2]:
            gone.cancel()
        assert await asyncio.gather(*writes[1::2]) == [True] * 10
    assert len(await rows(database, IDS)) == 20


async def test_clicks_are_stored_once_while_their_connection_is_killed_again_and_again(
    database_url: str, database: Database, sent: Sent, tmp_path: Path
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

    async with writing(database_url, tmp_path) as (made, heard):
        await asyncio.gather(*(clicking(clicks[n::30], made) for n in range(30)))
    assert killed >= 5
    assert answers == [True] * 600
    assert await rows(database, IDS) == [each.id for each in clicks]
    assert sorted(each.id for each in heard.clicks) == [each.id for each in clicks]
    assert await rows(database, "SELECT count(*) FROM signal_outbox") == [
        len({(each.recipient_number, each.position) for each in clicks})
    ]


async def test_a_click_that_was_committed_although_the_answer_was_lost_is_not_stored_twice(
    database_url: str, database: Database, sent: Sent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = store_clicks, 0

    async def answer_lost(*arguments: object) -> list[LinkOfRecipient]:
        nonlocal calls
        calls += 1
        links = await real(*arguments)  # type: ignore[arg-type]
        if calls == 1:
            raise ConnectionResetError("after the commit")
        return links

    monkeypatch.setattr(inbox, "store_clicks", answer_lost)
    made_click = click(sent)
    async with writing(database_url, tmp_path) as (made, heard):
        assert await made.write(made_click, wakes=True) is True
    assert calls == 2
    assert await rows(database, IDS) == [made_click.id]
    assert len(heard.clicks) == 1

"""Requests to unsubscribe while PostgreSQL is away, hangs or comes back, and when the process dies: none that was answered is
missing, and none counts twice."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from api.redirect.keeping.spool import Spool
from api.redirect.unsubscribing import unsubscribes as module
from api.redirect.unsubscribing.spooled_unsubscribe import decode, encode
from api.redirect.unsubscribing.unsubscribes import Kept, Unsubscribes
from models.base import new_id, now
from models.channels.channel import Medium
from models.consent.consent import ConsentSource, ConsentState
from models.consent.preferences import Preference
from models.database import Database
from models.messages.message import MessageKind
from models.organizations.organization import Organization, create_organization
from services.consent.opt_out import EVERYTHING, record_consent
from services.consent.unsubscribe import Unsubscribe
from tests.api.redirect.unsubscribing.mails import Mails, send_mails
from tests.clicks import rows
from tests.sending import BODY, Sending

STATES = "SELECT contact_id, state FROM consent ORDER BY given_at, id"
CHOICE = Preference(Medium.EMAIL, MessageKind.MARKETING, wanted=False)
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture
async def mails(database: Database, organization: tuple[Organization, str]) -> Mails:
    return await send_mails(database, organization[0].id, people=3)


@pytest.fixture
def away() -> Database:
    return Database(NOWHERE, 2)


@asynccontextmanager
async def keeping(database: Database, directory: Path, limit: int = 1_000_000) -> AsyncIterator[tuple[Unsubscribes, list[UUID]]]:
    told: list[UUID] = []

    def tell(ids: Sequence[UUID]) -> None:
        told.extend(ids)

    made = Unsubscribes(database, Spool(directory, limit, "unsubscribes"), tell)
    await made.spool.open()
    yield made, told
    await made.spool.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 # it looks from outside
            await asyncio.sleep(0.01)


def asked(mails: Mails, person: int = 0, **more: object) -> Unsubscribe:
    return Unsubscribe(mails.content_id, person, **more)  # type: ignore[arg-type]


async def test_without_postgresql_it_is_on_disk_when_it_is_answered_and_done_when_postgresql_is_back(
    database: Database, away: Database, mails: Mails, tmp_path: Path
) -> None:
    async with keeping(away, tmp_path) as (unsubscribes, _):
        assert await unsubscribes.keep(asked(mails)) is Kept.SPOOLED
        assert unsubscribes.spool.size > 0
        with pytest.raises(Exception, match="refused"):
            await unsubscribes.replay()
        unsubscribes._database = database
        await unsubscribes.replay()
        assert unsubscribes.spool.files == 0
    assert await rows(database, STATES) == [(mails.people[0], "opted_out")]
    assert files(tmp_path) == b""


async def test_the_loop_does_it_by_itself_and_says_meanwhile_what_is_wrong(
    database: Database, away: Database, mails: Mails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPLAY_PAUSE", 0.01)
    stop = asyncio.Event()
    async with keeping(away, tmp_path) as (unsubscribes, _):
        await unsubscribes.keep(asked(mails))
        loop = asyncio.create_task(unsubscribes.run(stop))
        await until(lambda: unsubscribes.problem is not None)
        unsubscribes._database = database
        await until(lambda: unsubscribes.problem is None and unsubscribes.spool.files == 0)
        stop.set()
        await loop
    assert await rows(database, STATES) == [(mails.people[0], "opted_out")]


async def test_what_a_dead_process_left_is_done_by_another_one(
    database: Database, away: Database, mails: Mails, tmp_path: Path
) -> None:
    async with keeping(away, tmp_path) as (dying, _):
        for person in range(3):
            await dying.keep(asked(mails, person))
    async with keeping(database, tmp_path) as (next_one, _):
        await next_one.replay()
    assert await rows(database, STATES) == [(person, "opted_out") for person in mails.people]


async def test_one_that_was_committed_and_spooled_counts_once(database: Database, mails: Mails, tmp_path: Path) -> None:
    once = asked(mails)
    async with keeping(database, tmp_path) as (unsubscribes, _):
        assert await unsubscribes.keep(once) is Kept.COMMITTED
        await unsubscribes.spool.append([encode(once), encode(once)])
        await record(database, mails, ConsentState.OPTED_IN)
        await unsubscribes.replay()
    assert await rows(database, STATES) == [(mails.people[0], "opted_out"), (mails.people[0], "opted_in")]


async def test_one_that_waited_does_not_overrule_what_the_person_has_said_since(
    database: Database, mails: Mails, tmp_path: Path
) -> None:
    async with keeping(database, tmp_path) as (unsubscribes, _):
        await unsubscribes.spool.append([encode(asked(mails))])
        await record(database, mails, ConsentState.OPTED_IN, now() + timedelta(seconds=1))
        await unsubscribes.replay()
    assert await rows(database, STATES) == [(mails.people[0], "opted_out"), (mails.people[0], "opted_in")]


async def test_a_choice_survives_the_disk(database: Database, away: Database, mails: Mails, tmp_path: Path) -> None:
    chosen = asked(mails, choices=(CHOICE,))
    assert decode(encode(chosen)).choices == [CHOICE]
    async with keeping(away, tmp_path) as (unsubscribes, _):
        assert await unsubscribes.keep(chosen) is Kept.SPOOLED
        unsubscribes._database = database
        await unsubscribes.replay()
    assert await rows(database, "SELECT state, medium, message_kind FROM consent") == [("opted_out", "email", "marketing")]


async def test_a_postgresql_that_says_nothing_keeps_nobody_waiting(
    database: Database, mails: Mails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMMIT_SECONDS", 0.1)
    async with database.transaction() as session, keeping(database, tmp_path) as (unsubscribes, _):
        await session.execute(text("SELECT FROM contact FOR UPDATE"))
        kept = await asyncio.gather(*(unsubscribes.keep(asked(mails, person)) for person in range(3)))
        assert kept == [Kept.SPOOLED] * 3


async def test_with_the_disk_full_too_whoever_asks_is_told_so(away: Database, mails: Mails, tmp_path: Path) -> None:
    async with keeping(away, tmp_path, limit=10) as (unsubscribes, _):
        assert await unsubscribes.keep(asked(mails)) is Kept.LOST
        assert unsubscribes.counts["lost",] == 1


async def test_one_about_a_message_that_nobody_got_keeps_no_other_waiting(
    database: Database, mails: Mails, tmp_path: Path
) -> None:
    async with keeping(database, tmp_path) as (unsubscribes, _):
        await unsubscribes.spool.append([b"{}", b"not json", encode(asked(mails, 99)), encode(asked(mails, 1))])
        await unsubscribes.replay()
        assert (unsubscribes.counts["refused",], unsubscribes.counts["replayed",], unsubscribes.spool.files) == (1, 1, 0)
    assert await rows(database, STATES) == [(mails.people[1], "opted_out")]


async def test_the_spool_names_no_person(away: Database, mails: Mails, tmp_path: Path) -> None:
    async with keeping(away, tmp_path) as (unsubscribes, _):
        await unsubscribes.keep(asked(mails, id=new_id()))
        written = files(tmp_path)
    assert b"@" not in written
    assert str(mails.people[0]).encode() not in written


async def test_one_that_a_newer_opt_in_overrules_stops_no_enrollment(
    database: Database, mails: Mails, simulated: Sending, tmp_path: Path
) -> None:
    person, _ = await simulated.contacts(2)
    enrollment = await simulated.enrollment(person, BODY)
    sent = await send_mails(database, mails.org_id, phone=None, email="again@example.com")
    async with database.transaction() as session:
        about = {"person": person.id, "content": sent.content_id}
        await session.execute(text("UPDATE message SET contact_id = :person WHERE content_id = :content"), about)
    late = asked(sent)
    async with keeping(database, tmp_path) as (unsubscribes, told):
        await unsubscribes.spool.append([encode(late)])
        async with database.transaction() as session:
            await record_consent(session, mails.org_id, [person.id], ConsentState.OPTED_IN, EVERYTHING, ConsentSource.API)
        await unsubscribes.replay()
        assert [state for _, state in await rows(database, STATES)] == ["opted_out", "opted_in"]
        stopped = "SELECT stop_requested_at IS NOT NULL FROM enrollment WHERE id = :id"
        assert (told, await rows(database, stopped, id=enrollment.id)) == ([], [False])
        assert await unsubscribes.keep(asked(sent)) is Kept.COMMITTED
        assert (len(told), await rows(database, stopped, id=enrollment.id)) == (1, [True])


@pytest.fixture
async def others(database: Database) -> Mails:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    return await send_mails(database, other.id, people=2)


@asynccontextmanager
async def locked(database: Database, mails: Mails) -> AsyncIterator[None]:
    async with database.transaction() as session:
        await session.execute(text("SELECT FROM contact WHERE id = ANY(:ids) FOR UPDATE"), {"ids": mails.people})
        yield


async def test_people_of_one_organization_who_are_locked_delay_no_opt_out_of_another(
    database: Database, mails: Mails, others: Mails, tmp_path: Path
) -> None:
    async with keeping(database, tmp_path) as (unsubscribes, _), locked(database, mails):
        waiting = [asyncio.create_task(unsubscribes.keep(asked(mails, person))) for person in (0, 1, 2) * 6]
        await asyncio.sleep(0)
        assert await unsubscribes.keep(asked(others)) is Kept.COMMITTED
        assert set(await asyncio.gather(*waiting)) == {Kept.SPOOLED}
    assert await rows(database, STATES) == [(others.people[0], "opted_out")]


async def test_what_waits_in_the_spool_for_a_lock_lets_everybody_else_through_and_is_done_afterwards(
    database: Database, mails: Mails, others: Mails, tmp_path: Path
) -> None:
    held = Mails(mails.org_id, mails.content_id, mails.people[:1], mails.channel_id)
    async with keeping(database, tmp_path) as (unsubscribes, _):
        await unsubscribes.spool.append([encode(asked(mails)), encode(asked(mails, 1)), encode(asked(others))])
        async with locked(database, held):
            with pytest.raises(OperationalError):
                await unsubscribes.replay()
            done = await rows(database, "SELECT contact_id FROM consent")
            assert set(done) == {mails.people[1], others.people[0]}
            assert unsubscribes.problem
            await unsubscribes.spool.append([encode(asked(others, 1))])
            with pytest.raises(OperationalError):
                await unsubscribes.replay()
            assert others.people[1] in await rows(database, "SELECT contact_id FROM consent")
        await unsubscribes.replay()
        assert (unsubscribes.spool.files, unsubscribes.counts["replayed",]) == (0, 4)
        assert not unsubscribes.problem


async def test_a_repeat_of_what_holds_waits_for_no_lock(database: Database, mails: Mails, tmp_path: Path) -> None:
    async with keeping(database, tmp_path) as (unsubscribes, _):
        await unsubscribes.keep(asked(mails))
        async with locked(database, mails):
            assert await unsubscribes.keep(asked(mails)) is Kept.COMMITTED


async def test_repeats_in_the_spool_are_done_twice_at_most_and_none_that_follows_a_choice_is_lost(
    database: Database, mails: Mails, tmp_path: Path
) -> None:
    back = Preference(Medium.EMAIL, MessageKind.MARKETING, wanted=True)
    repeats = [asked(mails) for _ in range(50)]
    chosen, last = asked(mails, choices=(back,)), [asked(mails) for _ in range(50)]
    async with keeping(database, tmp_path) as (unsubscribes, _):
        await unsubscribes.spool.append([encode(each) for each in [*repeats, chosen, *last]])
        await unsubscribes.replay()
        assert (unsubscribes.counts["replayed",], unsubscribes.spool.files) == (5, 0)
    assert [state for _, state in await rows(database, STATES)] == ["opted_out", "opted_in", "opted_out"]


async def test_one_token_takes_only_so_many_requests_a_minute_and_choices_use_up_no_opt_outs(
    away: Database, mails: Mails, tmp_path: Path
) -> None:
    async with keeping(away, tmp_path) as (unsubscribes, _):
        kept = [await unsubscribes.keep(asked(mails, choices=(CHOICE,))) for _ in range(module.REPEATS + 1)]
        assert kept == [Kept.SPOOLED] * module.REPEATS + [Kept.LIMITED]
        assert await unsubscribes.keep(asked(mails)) is Kept.SPOOLED
        assert await unsubscribes.keep(asked(mails, 1, choices=(CHOICE,))) is Kept.SPOOLED


def files(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.iterdir())


async def record(database: Database, mails: Mails, state: ConsentState, given_at: object = None) -> None:
    async with database.transaction() as session:
        person = [mails.people[0]]
        await record_consent(session, mails.org_id, person, state, EVERYTHING, ConsentSource.API)
        if given_at is not None:
            await session.execute(text("UPDATE consent SET given_at = :at"), {"at": given_at})

"""The outbox: one row for each link of a recipient, claimed by one at a time; and what a fired timer finds."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from models.base import new_id
from models.clicks import outbox as signals
from models.clicks.inbox import LinkOfRecipient
from models.clicks.outbox import Outcome
from models.database import Database
from models.organizations.organization import Organization, create_organization
from models.retry import Postponed
from models.wire.clicks import FindClick, LinkKey
from tests.clicks import Sent, click, rows, send, store

LEASE = timedelta(seconds=40)


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    """One message of an enrollment: its third step, two links, the first one named `offer`."""
    return await send(database, organization[0].id, wakes=[0, 1], enrollment_id=new_id(), step_key="hello", step_run=3)


def question(organization: tuple[Organization, str], sent: Sent, **changes: object) -> FindClick:
    asked = FindClick(org_id=organization[0].id, enrollment_id=sent.scope["enrollment_id"], step_runs=(3,))
    return asked.model_copy(update=changes)


async def test_a_hammered_link_makes_one_signal(database: Database, database_url: str, sent: Sent) -> None:
    first, *others = [click(sent) for _ in range(50)]
    assert await store(database_url, [first, *others[:20]], wakes=True) == [LinkOfRecipient(sent.content_id, 0, 0)]
    await store(database_url, others[20:], wakes=True)
    assert await rows(database, "SELECT count(*) FROM signal_outbox") == [1]
    assert await rows(database, "SELECT count(*) FROM click_inbox") == [50]


async def test_a_link_is_to_be_delivered_by_every_commit_until_somebody_has_claimed_it(
    database: Database, database_url: str, sent: Sent
) -> None:
    link = LinkOfRecipient(sent.content_id, 0, 0)
    assert await store(database_url, [click(sent)], wakes=True) == [link]
    assert await store(database_url, [click(sent)], wakes=True) == [link]
    async with database.transaction() as session:
        assert len(await signals.claim_signals(session, 10, LEASE, [link])) == 1
    assert await store(database_url, [click(sent)], wakes=True) == []


async def test_a_second_click_does_not_put_off_the_first_ones_signal(database: Database, database_url: str, sent: Sent) -> None:
    await store(database_url, [click(sent)], wakes=True)
    due = await rows(database, "SELECT due_at FROM signal_outbox")
    await store(database_url, [click(sent)], wakes=True)
    assert await rows(database, "SELECT due_at FROM signal_outbox") == due


async def test_signals_marked_in_another_order_than_that_of_their_keys_deadlock_with_a_commit_of_clicks(
    database: Database, database_url: str, organization: tuple[Organization, str]
) -> None:
    """Why one call of `mark_signals` takes all signals of a transaction: two people click twice, and their second clicks are
    committed while the signals of their first ones are marked one by one."""
    sent = await send(database, organization[0].id, people=2, wakes=[0])
    first, second = await store(database_url, [click(sent, n) for n in (0, 1)], wakes=True)
    async with database.session() as session:
        await session.execute(text("SET LOCAL deadlock_timeout = '10ms'"))  # this one is told, and not the redirect
        await signals.mark_signals(session, {second: Outcome.DELIVERED})
        commit = asyncio.create_task(store(database_url, [click(sent, n) for n in (0, 1)], wakes=True))
        await wait_for_a_blocked_lock(database)  # the commit has locked the first key, and waits for the second one
        with pytest.raises(OperationalError, match="deadlock detected"):
            await signals.mark_signals(session, {first: Outcome.DELIVERED})
    assert set(await commit) == {first, second}


async def test_marking_signals_and_a_commit_of_clicks_lock_in_one_order(
    database: Database, database_url: str, organization: tuple[Organization, str]
) -> None:
    """Whoever has the lowest key locked makes the other wait for it, before it has locked anything else."""
    sent = await send(database, organization[0].id, people=2, wakes=[0])
    first, second = await store(database_url, [click(sent, n) for n in (0, 1)], wakes=True)
    async with database.session() as session:
        for way in ("seqscan", "hashjoin", "mergejoin"):  # so that UPDATE by itself would go in the order of the call
            await session.execute(text(f"SET LOCAL enable_{way} = off"))
        async with database.transaction() as holder:
            await holder.execute(text("SELECT FROM signal_outbox WHERE recipient_number = 0 FOR UPDATE"))
            marking = asyncio.create_task(signals.mark_signals(session, dict.fromkeys([second, first], Outcome.DELIVERED)))
            await wait_for_a_blocked_lock(database)
            free = "SELECT recipient_number FROM signal_outbox FOR UPDATE SKIP LOCKED"
            assert await rows(database, free) == [1]
        await marking
        commit = asyncio.create_task(store(database_url, [click(sent, n) for n in (1, 0)], wakes=True))
        await wait_for_a_blocked_lock(database)
        await session.commit()
    assert await commit == []
    assert await rows(database, "SELECT outcome FROM signal_outbox") == ["delivered", "delivered"]


async def test_clicks_are_written_before_the_outbox_and_in_the_order_of_their_ids(
    database: Database, database_url: str, organization: tuple[Organization, str]
) -> None:
    """Somebody who has a click of the commit locked makes it wait before it has locked anything that comes later."""
    sent = await send(database, organization[0].id, people=2, wakes=[0])
    early, held, late = sorted(click(sent) for _ in range(3))
    await store(database_url, [held])
    await store(database_url, [click(sent)], wakes=True)
    async with database.transaction() as session:
        await session.execute(text("UPDATE click_inbox SET reason = 'x' WHERE id = :id"), {"id": held.id})
        commit = asyncio.create_task(store(database_url, [late, held, early], wakes=True))
        await wait_for_a_blocked_lock(database)
        assert await rows(database, "SELECT position FROM signal_outbox FOR UPDATE SKIP LOCKED") == [0]
        async with asyncio.timeout(20):
            await store(database_url, [late])  # it is not there yet, or this would have to wait
    await commit
    assert await rows(database, "SELECT count(*) FROM click_inbox") == [4]


async def wait_for_a_blocked_lock(database: Database) -> None:
    async with asyncio.timeout(20):
        while not await rows(database, "SELECT pid FROM pg_locks WHERE NOT granted"):
            pass


async def test_a_marked_signal_is_not_made_again(database: Database, database_url: str, sent: Sent) -> None:
    links = await store(database_url, [click(sent)], wakes=True)
    async with database.transaction() as session:
        await signals.mark_signals(session, dict.fromkeys(links, Outcome.DELIVERED))
        await signals.mark_signals(session, dict.fromkeys(links, Outcome.CLOSED))
    assert await store(database_url, [click(sent)], wakes=True) == []
    assert await rows(database, "SELECT outcome FROM signal_outbox") == ["delivered"]


async def test_a_claimed_signal_is_claimed_by_nobody_else_until_its_lease_is_over(
    database: Database, database_url: str, organization: tuple[Organization, str]
) -> None:
    sent = await send(database, organization[0].id, people=30, wakes=[0])
    await store(database_url, [click(sent, n) for n in range(30)], wakes=True)

    async def claim() -> list[LinkOfRecipient]:
        async with database.transaction() as session:
            return [each.link for each in await signals.claim_signals(session, 10, LEASE)]

    claimed = [link for links in await asyncio.gather(*(claim() for _ in range(4))) for link in links]
    claimed += await claim() + await claim()
    assert sorted(claimed) == [LinkOfRecipient(sent.content_id, n, 0) for n in range(30)]
    async with database.transaction() as session:
        await signals.mark_signals(session, {claimed[0]: Postponed(timedelta(0), "away")})
    assert await claim() == claimed[:1]
    assert await rows(database, "SELECT attempts, last_error FROM signal_outbox ORDER BY attempts DESC LIMIT 1") == [(2, "away")]


async def test_two_commits_at_once_with_the_same_links_do_not_deadlock(
    database: Database, database_url: str, organization: tuple[Organization, str]
) -> None:
    sent = await send(database, organization[0].id, people=100, wakes=[0])
    people = range(100)
    made = await asyncio.gather(
        *(
            store(database_url, [click(sent, n) for n in order], wakes=True)
            for order in (people, people[::-1], people, people[::-1])
        )
    )
    assert {link for links in made for link in links} == {LinkOfRecipient(sent.content_id, n, 0) for n in people}


async def test_no_click_is_found_where_there_was_none(
    database: Database, database_url: str, organization: tuple[Organization, str], sent: Sent
) -> None:
    await store(database_url, [click(sent, verdict="bot")])  # stored without waking
    async with database.session() as session:
        assert (await signals.find_click(session, question(organization, sent))).signal is None


@pytest.mark.parametrize(
    "changes",
    [
        {"org_id": new_id()},
        {"enrollment_id": new_id()},
        {"step_runs": (1, 2)},
        {"step_runs": ()},
        {"link_name": "other"},
        {"used": (LinkKey(step_run=3, position=0, step_key="hello"),)},
    ],
)
async def test_a_click_on_something_else_is_not_found(
    database: Database, database_url: str, organization: tuple[Organization, str], sent: Sent, changes: dict[str, object]
) -> None:
    await store(database_url, [click(sent)], wakes=True)
    async with database.session() as session:
        assert (await signals.find_click(session, question(organization, sent, **changes))).signal is None


@pytest.mark.parametrize("outcome", [None, Outcome.DELIVERED])
async def test_a_click_is_found_whether_or_not_its_signal_was_delivered(
    database: Database, database_url: str, organization: tuple[Organization, str], sent: Sent, outcome: Outcome | None
) -> None:
    made = click(sent)
    links = await store(database_url, [made], wakes=True)
    async with database.transaction() as session:
        if outcome:
            await signals.mark_signals(session, dict.fromkeys(links, outcome))
        used = (LinkKey(step_run=3, position=1, step_key="hello"),)
        found = await signals.find_click(session, question(organization, sent, link_name="offer", used=used))
    assert found.signal is not None
    assert found.signal.click_id == made.id
    assert found.signal.link == LinkKey(step_run=3, position=0, step_key="hello", name="offer")


async def test_another_organizations_click_is_not_found(
    database: Database, database_url: str, organization: tuple[Organization, str], sent: Sent
) -> None:
    await store(database_url, [click(sent)], wakes=True)
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
        assert (await signals.find_click(session, question(organization, sent, org_id=other.id))).signal is None

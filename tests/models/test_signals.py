"""The outbox: one row for each link of a recipient, claimed by one at a time; and what a fired timer finds."""

import asyncio
from datetime import timedelta

import pytest

from models import signals
from models.base import new_id
from models.click_inbox import LinkOfRecipient
from models.database import Database
from models.organization import Organization, create_organization
from models.signals import Outcome
from models.wire import FindClick, LinkKey
from tests.clicks import Sent, click, rows, send, store

LEASE = timedelta(seconds=40)


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    """One message of an enrollment: its third step, two links, the first one named `offer`."""
    return await send(database, organization[0].id, wakes=[0, 1], enrollment_id=new_id(), step_key="hello", visit=3)


def question(organization: tuple[Organization, str], sent: Sent, **changes: object) -> FindClick:
    asked = FindClick(org_id=organization[0].id, enrollment_id=sent.scope["enrollment_id"], visits=(3,))
    return asked.model_copy(update=changes)


async def test_a_hammered_link_makes_one_signal(database: Database, database_url: str, sent: Sent) -> None:
    first, *others = [click(sent) for _ in range(50)]
    assert await store(database_url, [first, *others[:20]], wakes=True) == [LinkOfRecipient(sent.content_id, 0, 0)]
    assert await store(database_url, others[20:], wakes=True) == []
    assert await rows(database, "SELECT count(*) FROM signal_outbox") == [1]
    assert await rows(database, "SELECT count(*) FROM click_inbox") == [50]


async def test_a_settled_signal_is_not_made_again(database: Database, database_url: str, sent: Sent) -> None:
    links = await store(database_url, [click(sent)], wakes=True)
    async with database.transaction() as session:
        await signals.settle_signals(session, links, Outcome.DELIVERED)
        await signals.settle_signals(session, links, Outcome.CLOSED)
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
        await signals.postpone_signals(session, claimed[:1], timedelta(0), "away")
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
    assert sorted(link for links in made for link in links) == [LinkOfRecipient(sent.content_id, n, 0) for n in people]


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
        {"visits": (1, 2)},
        {"visits": ()},
        {"link_name": "other"},
        {"used": (LinkKey(visit=3, position=0, step_key="hello"),)},
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
            await signals.settle_signals(session, links, outcome)
        used = (LinkKey(visit=3, position=1, step_key="hello"),)
        found = await signals.find_click(session, question(organization, sent, link_name="offer", used=used))
    assert found.signal is not None
    assert found.signal.click_id == made.id
    assert found.signal.link == LinkKey(visit=3, position=0, step_key="hello", name="offer")


async def test_another_organizations_click_is_not_found(
    database: Database, database_url: str, organization: tuple[Organization, str], sent: Sent
) -> None:
    await store(database_url, [click(sent)], wakes=True)
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
        assert (await signals.find_click(session, question(organization, sent, org_id=other.id))).signal is None

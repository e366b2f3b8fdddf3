"""The counter of messages equals the rows, whoever writes them, how many at once, and whatever is rolled back."""

import asyncio
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text, update
from sqlmodel import col

from models.base import new_id
from models.database import Database
from models.messages.message import Message, MessageState
from models.messages.message_count import count_all_messages, count_messages
from models.organizations.organization import Organization
from tests.clicks import Sent, rows, send

STATES = list(MessageState)
OF_ROWS = "SELECT content_id, state, count(*)::int FROM message GROUP BY 1, 2 ORDER BY 1, 2"
OF_COUNTER = (
    "SELECT content_id, state, sum(messages)::int FROM message_count GROUP BY 1, 2 HAVING sum(messages) <> 0 ORDER BY 1, 2"
)


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    return await send(database, organization[0].id, people=4, campaign_id=new_id())


async def set_state(database: Database, sent: Sent, number: int, state: MessageState) -> None:
    async with database.transaction() as session:
        await session.execute(
            update(Message)
            .where(col(Message.content_id) == sent.content_id, col(Message.recipient_number) == number)
            .values(state=state)
        )


async def assert_equal(database: Database) -> None:
    assert await rows(database, OF_COUNTER) == await rows(database, OF_ROWS)


async def test_new_changed_and_deleted_messages_are_counted(database: Database, sent: Sent) -> None:
    async with database.transaction() as session:
        assert await count_messages(session, [sent.content_id]) == {sent.content_id: {MessageState.ACCEPTED: 4}}
    await set_state(database, sent, 0, MessageState.UNKNOWN)
    async with database.transaction() as session:
        await session.execute(delete(Message).where(col(Message.recipient_number) == 3))
        counts = await count_messages(session, [sent.content_id])
    assert counts == {sent.content_id: {MessageState.ACCEPTED: 2, MessageState.UNKNOWN: 1}}


async def test_a_change_that_leaves_the_state_alone_writes_no_counter(database: Database, sent: Sent) -> None:
    before = await rows(database, "SELECT xmin::text FROM message_count")
    async with database.transaction() as session:
        await session.execute(update(Message).values(provider_id="x"))
    assert await rows(database, "SELECT xmin::text FROM message_count") == before


async def test_what_is_rolled_back_is_not_counted_also_to_a_savepoint(database: Database, sent: Sent) -> None:
    async with database.transaction() as session:
        savepoint = await session.begin_nested()
        await session.execute(update(Message).values(state=MessageState.FAILED))
        await savepoint.rollback()
    async with database.session() as session:
        await session.execute(update(Message).values(state=MessageState.FAILED))
        assert await count_all_messages(session, [sent.content_id]) == {MessageState.FAILED: 4}
    await assert_equal(database)


async def test_contents_are_counted_apart_and_together(
    database: Database, organization: tuple[Organization, str], sent: Sent
) -> None:
    other = await send(database, organization[0].id, people=2, sequence_id=new_id())
    await set_state(database, other, 1, MessageState.PLANNED)
    async with database.transaction() as session:
        counts = await count_messages(session, [sent.content_id, other.content_id, 999])
        assert counts[other.content_id] == {MessageState.ACCEPTED: 1, MessageState.PLANNED: 1}
        assert 999 not in counts
        assert await count_all_messages(session, [sent.content_id, other.content_id]) == {
            MessageState.ACCEPTED: 5,
            MessageState.PLANNED: 1,
        }


async def test_two_open_transactions_count_messages_of_one_content_and_neither_waits(database: Database, sent: Sent) -> None:
    async with database.session() as one, database.session() as other:
        for session, number in ((one, 0), (other, 1), (one, 2), (other, 3)):
            await session.execute(text("SET LOCAL lock_timeout = '2s'"))
            change = update(Message).where(col(Message.recipient_number) == number).values(state=MessageState.FAILED)
            await session.execute(change)
        await other.commit()
        await one.commit()
    await assert_equal(database)


async def test_more_writers_than_slots_still_do_not_wait(database_url: str, organization: tuple[Organization, str]) -> None:
    many = Database(database_url, pool_size=20)
    sent = await send(many, organization[0].id, people=20, campaign_id=new_id())
    sessions = [many.session() for _ in range(20)]
    try:
        for number, session in enumerate(sessions):
            await session.execute(text("SET LOCAL lock_timeout = '2s'"))
            await session.execute(
                update(Message).where(col(Message.recipient_number) == number).values(state=MessageState.FAILED)
            )
        for session in sessions:
            await session.commit()
        assert len(await rows(many, "SELECT DISTINCT slot FROM message_count WHERE state = 'failed'")) == 20
        await assert_equal(many)
        assert sent.content_id
    finally:
        for session in sessions:
            await session.close()
        await many.close()


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(STATES)), max_size=40), rolled_back=st.booleans())
async def test_any_changes_at_once_keep_the_counter_equal_to_the_rows(
    database: Database, sent: Sent, changes: list[tuple[int, MessageState]], rolled_back: bool
) -> None:
    await asyncio.gather(*(set_state(database, sent, number, state) for number, state in changes))
    if rolled_back:
        async with database.session() as session:
            await session.execute(update(Message).values(state=MessageState.SKIPPED))
    await assert_equal(database)
    counted = Counter(await rows(database, "SELECT state FROM message"))
    async with database.transaction() as session:
        assert await count_all_messages(session, [sent.content_id]) == counted

"""Recipient numbers: nobody shares one, whoever takes them, and taking them locks a content for a moment only."""

import asyncio

import pytest
from sqlalchemy import text

from models.database import Database
from models.errors import Conflict, ConflictCode
from models.messages.content import MAX_RECIPIENT_NUMBER, take_recipient_numbers
from models.organizations.organization import Organization
from services.composing.recipient_numbers import BLOCK, RecipientNumbers
from tests.clicks import rows, send
from tests.sending import Sending

NEXT = "SELECT next_recipient_number FROM content"


@pytest.fixture
async def content_id(database: Database, organization: tuple[Organization, str]) -> int:
    return (await send(database, organization[0].id, ["https://example.com"])).content_id


async def set_next(database: Database, number: int) -> None:
    async with database.transaction() as session:
        await session.execute(text("UPDATE content SET next_recipient_number = :number"), {"number": number})


async def test_several_processes_at_once_never_get_the_same_number(database: Database, content_id: int) -> None:
    processes = [RecipientNumbers(database) for _ in range(3)]
    wanted = [1, 7, BLOCK, 2, BLOCK * 2 + 1, 30, 1] * 3
    taken = await asyncio.gather(*(processes[n % 3].take(content_id, count) for n, count in enumerate(wanted)))
    assert [len(numbers) for numbers in taken] == wanted
    assert len({number for numbers in taken for number in numbers}) == sum(wanted)


async def test_a_block_serves_many_callers_with_one_transaction(database: Database, content_id: int) -> None:
    await set_next(database, 0)
    numbers = RecipientNumbers(database)
    taken = await asyncio.gather(*(numbers.take(content_id, 1) for _ in range(BLOCK)))
    assert sorted(number for (number,) in taken) == list(range(BLOCK))
    assert await rows(database, NEXT) == [BLOCK]


async def test_what_a_dead_process_had_left_is_never_handed_out(database: Database, content_id: int) -> None:
    await set_next(database, 0)
    assert await RecipientNumbers(database).take(content_id, 1) == [0]
    assert await RecipientNumbers(database).take(content_id, 1) == [BLOCK]


async def test_the_last_numbers_are_handed_out_although_no_block_is_left(database: Database, content_id: int) -> None:
    await set_next(database, MAX_RECIPIENT_NUMBER - 2)
    numbers = RecipientNumbers(database)
    assert await numbers.take(content_id, 2) == [MAX_RECIPIENT_NUMBER - 2, MAX_RECIPIENT_NUMBER - 1]
    with pytest.raises(Conflict) as caught:
        await numbers.take(content_id, 2)
    assert caught.value.code == ConflictCode.TOO_MANY_RECIPIENTS
    assert await numbers.take(content_id, 1) == [MAX_RECIPIENT_NUMBER]
    with pytest.raises(Conflict):
        await numbers.take(content_id, 1)


async def test_a_page_beyond_the_last_number_says_so_before_anything_is_sent(simulated: Sending) -> None:
    await simulated.contacts(2)
    campaign = await simulated.campaign()
    await set_next(simulated.database, MAX_RECIPIENT_NUMBER)
    with pytest.raises(Conflict, match="134,217,728 recipients"):
        await simulated.send_page(campaign)
    assert await simulated.inbox() == []
    assert await simulated.messages() == []


async def test_a_block_does_not_wait_for_messages_of_the_content_that_are_being_written(
    database: Database, content_id: int
) -> None:
    async with database.transaction() as writing, database.transaction() as session:
        await writing.execute(text("SELECT FROM content FOR KEY SHARE"))  # as the foreign key of a message does
        await session.execute(text("SET LOCAL lock_timeout = '1ms'"))
        assert len(await take_recipient_numbers(session, content_id, 1, BLOCK)) == BLOCK


async def test_a_block_that_is_being_taken_holds_up_no_other_content(
    database: Database, organization: tuple[Organization, str], content_id: int
) -> None:
    other = (await send(database, organization[0].id, ["https://example.com"])).content_id
    numbers = RecipientNumbers(database)
    async with database.transaction() as session:
        first = await take_recipient_numbers(session, content_id, 1, BLOCK)
        waits = asyncio.create_task(numbers.take(content_id, 1))
        async with asyncio.timeout(60):
            await numbers.take(other, 1)
        assert not waits.done()
    assert await waits == [first.stop]

"""The token bucket: how much it gives, to whom first, and when the others come back. Its clock is moved in its row."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from models.base import now
from models.channels.channel import Channel, ChannelKind, Medium, add_channel
from models.channels.pace import LONGEST_LINE, THE_CHANNEL, Granted, Rate, Wish, domain_of, give_back, take
from models.database import Database
from models.organizations.organization import Organization

SLOW = Rate(0.01, burst=10, reserve=2)
"""One every hundred seconds, so that nothing comes in while a test runs."""


@pytest.fixture
async def channel_id(database: Database, organization: tuple[Organization, str]) -> UUID:
    async with database.transaction() as session:
        channel = Channel(org_id=organization[0].id, name="paced", kind=ChannelKind.SIMULATOR, medium=Medium.EMAIL)
        await add_channel(session, channel)
        return channel.id


class Bucket:
    def __init__(self, database: Database, channel_id: UUID, rate: Rate) -> None:
        self._database, self._channel_id, self._rate = database, channel_id, rate

    async def take(
        self, messages: int, cost: float = 1, *, bulk: bool = False, behind: bool = False, domain: str = THE_CHANNEL
    ) -> Granted:
        async with self._database.statement() as session:
            wishes = [Wish(domain, messages, cost)]
            return (await take(session, self._channel_id, self._rate, wishes, bulk=bulk, behind=behind))[domain]

    async def give_back(self, tokens: float) -> None:
        async with self._database.statement() as session:
            await give_back(session, self._channel_id, {THE_CHANNEL: tokens})

    async def passes(self, time: timedelta) -> None:
        """As if so much time had gone by."""
        async with self._database.transaction() as session:
            await session.execute(
                text("UPDATE channel_pace SET updated_at = updated_at - :time, waits_until = waits_until - :time"),
                {"time": time},
            )


@pytest.fixture
def bucket(database: Database, channel_id: UUID) -> Bucket:
    return Bucket(database, channel_id, SLOW)


async def test_a_new_bucket_is_full_and_holds_no_more_than_its_burst(bucket: Bucket) -> None:
    assert (await bucket.take(50)).messages == 10
    await bucket.passes(timedelta(hours=1))
    assert (await bucket.take(50)).messages == 10


async def test_it_gives_what_has_come_since(bucket: Bucket) -> None:
    await bucket.take(10)
    assert (await bucket.take(1, bulk=True)).messages == 0
    await bucket.passes(timedelta(seconds=500))
    assert (await bucket.take(10)).messages == 5


async def test_a_bulk_leaves_the_reserve_to_people(bucket: Bucket) -> None:
    assert (await bucket.take(50, bulk=True)).messages == 8
    assert (await bucket.take(50, bulk=True)).messages == 0
    assert (await bucket.take(1)).messages == 1


async def test_a_bulk_comes_back_when_half_of_its_share_is_there(bucket: Bucket) -> None:
    granted = await bucket.take(50, bulk=True)
    assert granted.apart == timedelta(0)
    assert granted.again_at - now() <= timedelta(seconds=400)
    await bucket.passes(timedelta(seconds=400))
    assert (await bucket.take(50, bulk=True)).messages == 4


async def test_people_who_wait_stand_in_a_line_and_come_back_one_after_the_other(bucket: Bucket) -> None:
    await bucket.take(10)
    first, second = await bucket.take(1), await bucket.take(2)
    assert (first.messages, second.messages) == (0, 0)
    assert abs((second.again_at - first.again_at) - timedelta(seconds=100)) < timedelta(milliseconds=1)
    assert second.apart == timedelta(seconds=100)
    third = await bucket.take(1)
    assert abs((third.again_at - second.again_at) - timedelta(seconds=200)) < timedelta(milliseconds=1)


async def test_whoever_comes_for_the_first_time_goes_behind_those_who_stand_in_the_line(bucket: Bucket) -> None:
    await bucket.take(10)
    await bucket.take(20)
    await bucket.passes(timedelta(seconds=1000))
    assert (await bucket.take(1, behind=True)).messages == 0
    assert (await bucket.take(1)).messages == 1
    await bucket.passes(timedelta(seconds=2000))
    assert (await bucket.take(1, behind=True)).messages == 1


async def test_whoever_comes_back_on_time_gets_something(bucket: Bucket) -> None:
    await bucket.take(10)
    waits = (await bucket.take(1)).again_at
    await bucket.passes(waits - now())
    assert (await bucket.take(1)).messages == 1


async def test_a_line_is_not_longer_than_an_hour(bucket: Bucket) -> None:
    await bucket.take(10)
    await bucket.take(100_000)
    granted = await bucket.take(1)
    assert LONGEST_LINE - timedelta(minutes=1) < granted.again_at - now() <= LONGEST_LINE


async def test_a_message_that_costs_more_than_the_bucket_holds_goes_when_it_is_full_and_leaves_a_debt(bucket: Bucket) -> None:
    assert (await bucket.take(2, cost=25)).messages == 1
    await bucket.passes(timedelta(seconds=1400))
    assert (await bucket.take(1)).messages == 0
    await bucket.passes(timedelta(seconds=1400))
    assert (await bucket.take(1)).messages == 1


async def test_what_was_not_used_comes_back_and_what_cost_more_is_taken(bucket: Bucket) -> None:
    await bucket.take(10)
    await bucket.give_back(3)
    assert (await bucket.take(10)).messages == 3
    await bucket.give_back(-5)
    await bucket.passes(timedelta(seconds=400))
    assert (await bucket.take(1)).messages == 0


async def test_each_domain_has_a_bucket_of_its_own(bucket: Bucket) -> None:
    assert (await bucket.take(50, domain="one.example")).messages == 10
    assert (await bucket.take(50, domain="other.example")).messages == 10
    assert (await bucket.take(1, domain="one.example")).messages == 0


async def test_takers_at_the_same_moment_get_no_more_than_there_is(bucket: Bucket) -> None:
    taken = await asyncio.gather(*(bucket.take(1, behind=True) for _ in range(40)))
    assert sum(each.messages for each in taken) == 10
    places = sorted(each.again_at for each in taken if not each.messages)
    assert len(set(places)) == len(places)


@pytest.mark.parametrize(
    ("address", "domain"),
    [("ada@Mail.Example", "mail.example"), ('"a@b"@x.example', "x.example"), ("+491511", THE_CHANNEL), ("", THE_CHANNEL)],
)
def test_only_mail_has_a_domain(address: str, domain: str) -> None:
    assert domain_of(address) == domain


@pytest.mark.parametrize("bulk", [True, False])
async def test_a_clock_that_is_set_back_holds_up_nobody(bucket: Bucket, bulk: bool) -> None:
    await bucket.take(10)
    await bucket.take(5)
    await bucket.passes(timedelta(days=-1))
    assert (await bucket.take(5, bulk=bulk)).again_at <= now() + LONGEST_LINE
    await bucket.passes(timedelta(seconds=500))
    assert (await bucket.take(1)).messages == 1

"""The places of channels: one that hangs holds some of a worker's slots, and another organization's channel of its kind sends."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.worker import Worker

from activities.places import LONGEST_WAIT, PAGE_PLACES, PAGE_SLOTS, SEND_PLACES, SEND_SLOTS, Places
from activities.take_turn import TakeTurn
from models.base import new_id, now
from models.channels.channel import channels_by_name
from models.database import Database
from models.organizations.organization import Organization, create_organization
from models.sequences.enrollment import Enrollment
from models.wire.enrollments import Later, Turn, TurnRequest, Waiting
from services.channels.base import Outgoing, Receipt
from tests.clicks import rows
from tests.sending import Provider, Sending, turn_request

SENDING = "SELECT FROM message WHERE state = 'sending'"
WHY = "other messages hold all places of the channel"


class HangsForOne(Provider):
    """A provider of several channels, one of which never gets an answer."""

    def __init__(self, channel_id: UUID) -> None:
        super().__init__()
        self._hanging = channel_id

    async def send(self, message: Outgoing) -> Receipt:
        if message.channel_id == self._hanging:
            await asyncio.Event().wait()
        return await super().send(message)


@pytest.fixture
async def hanging(database: Database, organization: tuple[Organization, str]) -> Sending:
    async with database.transaction() as session:
        channel = (await channels_by_name(session, organization[0].id))["simulator-sms"]
    return Sending(database, organization[0], HangsForOne(channel.id))


@pytest.fixture
async def quick(database: Database, hanging: Sending) -> Sending:
    """Another organization, in the same worker."""
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    sending = Sending(database, other)
    sending.turns, sending.pages = hanging.turns, hanging.pages
    return sending


async def while_it_hangs(
    database: Database, hanging: list[asyncio.Task[object]], messages: int, then: Callable[[], Awaitable[None]]
) -> None:
    """Does something as soon as so many messages are being sent, and ends them afterwards."""
    try:
        while len(await rows(database, SENDING)) < messages:
            assert not any(each.done() for each in hanging)
        await then()
    finally:
        for each in hanging:
            each.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)


async def test_a_hanging_channel_holds_some_of_the_slots_for_single_messages(hanging: Sending, quick: Sending) -> None:
    people = await hanging.contacts(SEND_PLACES)
    enrollments = [await hanging.enrollment(each) for each in people]
    (waiting,), (other,) = await hanging.contacts(), await quick.contacts()
    waits, goes_on = await hanging.enrollment(waiting), await quick.enrollment(other)

    async def others_come() -> None:
        rest = (await hanging.turn(waits)).rest
        assert isinstance(rest, Later)
        assert (rest.why, rest.at > now()) == (WHY, True)
        assert isinstance((await quick.turn(goes_on)).rest, Waiting)

    tasks: list[asyncio.Task[object]] = [asyncio.create_task(hanging.turn(each)) for each in enrollments]
    await while_it_hangs(hanging.database, tasks, SEND_PLACES, others_come)
    entered = "SELECT FROM enrollment WHERE step_key = 'hello' AND step_run = 1"
    assert len(await rows(hanging.database, entered)) == SEND_PLACES + 1
    assert SEND_PLACES * 3 < SEND_SLOTS


@workflow.defn(sandboxed=False)
class OneTurn:
    @workflow.run
    async def run(self, request: TurnRequest) -> Turn:
        return await workflow.execute_activity_method(TakeTurn.take_turn, request, start_to_close_timeout=timedelta(minutes=1))


async def test_a_worker_with_more_hanging_turns_than_slots_still_sends_for_others(
    hanging: Sending, quick: Sending, temporal: Client
) -> None:
    queue, slots = str(new_id()), 4
    hanging.turns._channel_places = Places(slots // 4)
    enrollments = [await hanging.enrollment(each) for each in await hanging.contacts(slots * 2)]
    (other,) = await quick.contacts()
    last = await quick.enrollment(other)

    async def begin(enrollment: Enrollment) -> WorkflowHandle[OneTurn, Turn]:
        return await temporal.start_workflow(OneTurn.run, turn_request(enrollment), id=str(new_id()), task_queue=queue)

    activities = [hanging.turns.take_turn]
    async with Worker(temporal, task_queue=queue, workflows=[OneTurn], activities=activities, max_concurrent_activities=slots):
        turns = [await begin(each) for each in enrollments]
        while len(await rows(hanging.database, SENDING)) < 1:
            pass
        async with asyncio.timeout(50):  # less than the hanging turns may take
            turn = await (await begin(last)).result()
        assert isinstance(turn.rest, Waiting)
        for each in turns:
            with suppress(RPCError):  # it found no place, and its workflow is over
                await each.terminate()


async def test_whoever_found_no_place_is_sent_to_as_soon_as_there_is_one(hanging: Sending) -> None:
    people = await hanging.contacts(SEND_PLACES + 1)
    *enrollments, waits = [await hanging.enrollment(each) for each in people]

    async def one_comes() -> None:
        assert isinstance((await hanging.turn(waits)).rest, Later)

    tasks: list[asyncio.Task[object]] = [asyncio.create_task(hanging.turn(each)) for each in enrollments]
    await while_it_hangs(hanging.database, tasks, SEND_PLACES, one_comes)
    recovered = hanging.by(Provider())
    assert isinstance((await recovered.turn(waits)).rest, Waiting)


async def test_a_hanging_channel_holds_some_of_the_slots_for_pages(hanging: Sending, quick: Sending) -> None:
    await hanging.contacts()
    await quick.contacts()
    campaigns = [await hanging.campaign() for _ in range(PAGE_PLACES)]
    waits, goes_on = await hanging.campaign(), await quick.campaign()

    async def others_come() -> None:
        page = await hanging.send_page(waits)
        assert (page.planned, page.cursor, page.last, page.paced) == (0, None, False, True)
        assert page.later_at is not None
        assert page.later_at > now()
        sent = await quick.send_page(goes_on)
        assert (sent.accepted, sent.last) == (1, True)

    tasks: list[asyncio.Task[object]] = [asyncio.create_task(hanging.send_page(each)) for each in campaigns]
    await while_it_hangs(hanging.database, tasks, PAGE_PLACES, others_come)
    assert PAGE_PLACES * 3 < PAGE_SLOTS


def test_a_place_is_free_again_whatever_ended_the_turn_that_held_it() -> None:
    places, channel = Places(1), new_id()
    for error in (None, ValueError, asyncio.CancelledError):
        try:
            with places.hold(channel):
                assert not places.has_free(channel)
                assert places.has_free(new_id())
                if error is not None:
                    raise error
        except (ValueError, asyncio.CancelledError):
            pass
        assert places.has_free(channel)


def test_those_who_find_no_place_come_back_one_after_the_other_and_within_a_minute() -> None:
    places, channel, begin = Places(2), new_id(), now()
    times = [places.wait_for(channel) for _ in range(10)]
    assert times == sorted(set(times))
    assert times[-1] - times[0] >= timedelta(seconds=4)
    for _ in range(500):
        last = places.wait_for(channel)
    assert last <= now() + LONGEST_WAIT
    assert places.wait_for(new_id()) - begin < LONGEST_WAIT

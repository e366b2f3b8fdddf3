"""Commands on real servers: a row first, then the workflow, each once and in order, whatever is away or gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from models.commands.command import CommandKind, DueCommand, claim_commands
from models.database import Database
from models.errors import Conflict, NotFound
from models.sequences.enroll import EnrollResult
from models.sequences.enrollment import Enrollment
from models.sequences.event import Event, EventKind
from models.wire.names import enrollment_workflow_id
from services.commands.deliver import CommandDelivery
from services.commands.handler import Asked, CommandHandler
from services.commands.issue import issue
from services.commands.registry import HANDLERS
from services.commands.stop import Stop
from services.signalling import LEASE
from services.starter import Starter
from temporal_client import DATA_CONVERTER
from tests.clicks import rows
from tests.enrolling import enroll_in
from tests.sending import Provider, Sending

STATE = "SELECT kind, outcome FROM command ORDER BY id"


@pytest.fixture
def delivery(database: Database, temporal: Client) -> CommandDelivery:
    return CommandDelivery(database, temporal)


@pytest.fixture
async def away(database: Database) -> CommandDelivery:
    return CommandDelivery(database, await Client.connect("127.0.0.1:1", lazy=True, data_converter=DATA_CONVERTER))


@asynccontextmanager
async def waiting(client: Client, enrollment: Enrollment) -> AsyncIterator[WorkflowHandle[Any, Any]]:
    """A workflow that takes signals; nothing has to run it."""
    workflow_id = enrollment_workflow_id(enrollment.id)
    handle = await client.start_workflow("SequenceEnrollment", id=workflow_id, task_queue="a-queue-without-a-worker")
    yield handle
    await client.get_workflow_handle(workflow_id).terminate()


async def signals_of(handle: WorkflowHandle[Any, Any]) -> int:
    kinds = [event.event_type for event in (await handle.fetch_history()).events]
    return kinds.count(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED)


async def enrolled(sending: Sending) -> Enrollment:
    (contact,) = await sending.contacts()
    return await sending.enrollment(contact)


async def stop(sending: Sending, enrollment: Enrollment, reason: str | None = None) -> UUID | None:
    async with sending.database.transaction() as session:
        return (await issue(session, sending.org_id, enrollment.id, CommandKind.STOP, Asked(reason))).command_id


async def read(sending: Sending, enrollment: Enrollment) -> Enrollment:
    async with sending.database.transaction() as session:
        return await session.get_one(Enrollment, enrollment.id)


async def make_due(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("UPDATE command SET due_at = now()"))


async def test_every_kind_of_command_has_a_handler() -> None:
    assert HANDLERS.keys() == set(CommandKind)


async def test_another_organizations_enrollment_does_not_exist(simulated: Sending) -> None:
    enrollment = await enrolled(simulated)
    async with simulated.database.transaction() as session:
        for org_id, enrollment_id in ((uuid4(), enrollment.id), (simulated.org_id, uuid4())):
            with pytest.raises(NotFound):
                await issue(session, org_id, enrollment_id, CommandKind.STOP)
    assert await rows(simulated.database, STATE) == []


async def test_an_enrollment_that_is_over_takes_no_command(simulated: Sending) -> None:
    enrollment = await enrolled(simulated)
    await simulated.change(enrollment, state="completed")
    with pytest.raises(Conflict, match="it is completed"):
        await stop(simulated, enrollment)
    assert await rows(simulated.database, STATE) == []


async def test_of_two_stops_at_once_the_first_one_counts(simulated: Sending, delivery: CommandDelivery, temporal: Client) -> None:
    enrollment = await enrolled(simulated)
    async with waiting(temporal, enrollment) as handle:
        given = await asyncio.gather(*(stop(simulated, enrollment, f"reason {n}") for n in range(4)))
        (command,) = [each for each in given if each is not None]
        assert await delivery.deliver([command]) == 1
        assert await stop(simulated, enrollment, "too late") is None
        assert await signals_of(handle) == 1
    assert await rows(simulated.database, STATE) == [("stop", "delivered")]
    assert (await read(simulated, enrollment)).stop_reason == f"reason {given.index(command)}"


async def test_nothing_is_sent_after_a_stop_was_committed_with_temporal_away(
    sending: Sending, provider: Provider, away: CommandDelivery
) -> None:
    enrollment = await enrolled(sending)
    command = await stop(sending, enrollment)
    assert command is not None
    assert await away.deliver([command]) == 0
    await sending.send_step(enrollment)
    assert provider.taken == []
    assert (await read(sending, enrollment)).state == "stopped"  # the turn has seen the row


async def test_a_command_that_temporal_did_not_take_is_tried_again_later_and_arrives(
    simulated: Sending, delivery: CommandDelivery, away: CommandDelivery, temporal: Client
) -> None:
    enrollment = await enrolled(simulated)
    async with waiting(temporal, enrollment) as handle:
        command = await stop(simulated, enrollment)
        assert command is not None
        assert await away.deliver([command]) == 0
        state = "SELECT outcome, attempts, last_error IS NOT NULL, due_at > now() FROM command"
        assert await rows(simulated.database, state) == [(None, 1, True, True)]
        assert await delivery.sweep() == (0, False)  # not due yet
        await make_due(simulated.database)
        assert await delivery.sweep() == (1, False)
        assert await signals_of(handle) == 1
    assert (away.outcomes["retry",], delivery.outcomes["delivered",]) == (1, 1)


async def test_a_command_whose_delivery_died_after_the_commit_or_after_the_signal_arrives_once(
    simulated: Sending, delivery: CommandDelivery, temporal: Client
) -> None:
    enrollment = await enrolled(simulated)
    async with waiting(temporal, enrollment) as handle:
        command = await stop(simulated, enrollment)
        async with simulated.database.transaction() as session:  # a process that claims it and dies
            assert [each.id for each in await claim_commands(session, list(HANDLERS), 10, LEASE)] == [command]
        assert await delivery.sweep() == (0, False)
        for _ in range(3):  # the lease is over; and again, as if the mark had not been written
            await make_due(simulated.database)
            assert await delivery.sweep() == (1, False)
            async with simulated.database.transaction() as session:
                await session.execute(text("UPDATE command SET outcome = NULL"))
        assert await signals_of(handle) == 1


async def test_two_processes_that_deliver_at_once_take_a_command_once(
    simulated: Sending, delivery: CommandDelivery, temporal: Client
) -> None:
    enrollment = await enrolled(simulated)
    async with waiting(temporal, enrollment) as handle:
        command = await stop(simulated, enrollment)
        assert command is not None
        marked = await asyncio.gather(delivery.deliver([command]), CommandDelivery(simulated.database, temporal).sweep())
        assert sorted([marked[0], marked[1][0]]) == [0, 1]
        assert await signals_of(handle) == 1


async def test_an_enrollment_that_has_not_started_is_stopped_in_its_row_and_never_starts(
    simulated: Sending, delivery: CommandDelivery, temporal: Client
) -> None:
    enrollment = await enrolled(simulated)
    assert await stop(simulated, enrollment, "Called us") is not None
    assert await Starter(simulated.database, temporal).start_enrollments([enrollment.id]) == 0
    assert await delivery.sweep() == (1, False)
    row = await read(simulated, enrollment)
    assert (row.state, row.outcome, row.due_at, row.finished_at is not None) == ("stopped", "Called us", None, True)
    assert await rows(simulated.database, STATE) == [("stop", "no_workflow")]


async def test_a_stop_of_an_enrollment_whose_workflow_is_gone_ends_its_row_and_the_contact_can_be_enrolled_again(
    simulated: Sending, delivery: CommandDelivery, temporal: Client
) -> None:
    enrollment = await enrolled(simulated)
    starter = Starter(simulated.database, temporal)
    assert await starter.start_enrollments([enrollment.id]) == 1
    await temporal.get_workflow_handle(enrollment_workflow_id(enrollment.id)).terminate()
    assert await stop(simulated, enrollment) is not None
    assert await delivery.sweep() == (1, False)
    row = await read(simulated, enrollment)
    assert (row.state, row.outcome) == ("stopped", "stopped by request")
    async with simulated.database.transaction() as session:
        ends = await session.scalars(select(col(Event.detail)).where(col(Event.kind) == EventKind.ENDED))
        assert list(ends) == [{"state": "stopped", "outcome": "stopped by request"}]
        (again,) = await enroll_in(session, row.org_id, row.sequence_id, [row.contact_id])
    assert again.result == EnrollResult.ENROLLED
    assert again.enrollment_id is not None
    assert await starter.start_enrollments([again.enrollment_id]) == 1
    await temporal.get_workflow_handle(enrollment_workflow_id(again.enrollment_id)).terminate()


async def test_a_namespace_that_does_not_exist_says_nothing_about_the_workflow(simulated: Sending, temporal: Client) -> None:
    enrollment = await enrolled(simulated)
    await stop(simulated, enrollment)
    lost = Client(temporal.service_client, namespace="no-such-namespace", data_converter=DATA_CONVERTER)
    assert await CommandDelivery(simulated.database, lost).sweep() == (0, False)
    assert (await read(simulated, enrollment)).finished_at is None


async def test_a_batch_is_bounded_and_says_that_more_may_be_due(
    simulated: Sending, delivery: CommandDelivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.commands.deliver.BATCH", 2)
    for _ in range(3):
        await stop(simulated, await enrolled(simulated))
    assert await delivery.sweep() == (2, True)
    assert await delivery.sweep() == (1, False)


class Kinds(StrEnum):
    STOP = "stop"
    HOP = "hop"


class Hop:
    """A second kind, as pause and resume will be: it may be given again and again, and without a workflow it changes a row."""

    async def hold(self, session: AsyncSession, enrollment: Enrollment, asked: Asked) -> bool:
        enrollment.step_key = asked.detail["to"]
        await session.flush()
        return True

    async def without_workflow(self, session: AsyncSession, command: DueCommand) -> None:
        (await session.get_one(Enrollment, command.enrollment_id)).outcome = f"hopped to {command.detail['to']}"


WITH_HOP = cast(dict[CommandKind, CommandHandler], {Kinds.STOP: Stop(), Kinds.HOP: Hop()})
HOP = cast(CommandKind, Kinds.HOP)


async def hop(sending: Sending, enrollment: Enrollment, to: str) -> None:
    async with sending.database.transaction() as session:
        await issue(session, sending.org_id, enrollment.id, HOP, Asked(detail={"to": to}), WITH_HOP)


async def test_another_kind_goes_the_same_way_by_a_member_and_a_handler(simulated: Sending, temporal: Client) -> None:
    enrollment = await enrolled(simulated)
    await hop(simulated, enrollment, "end")
    assert (await read(simulated, enrollment)).step_key == "end"
    assert await CommandDelivery(simulated.database, temporal, WITH_HOP).sweep() == (1, False)
    assert (await read(simulated, enrollment)).outcome == "hopped to end"
    assert await rows(simulated.database, STATE) == [("hop", "no_workflow")]


class Broken(Hop):
    async def without_workflow(self, session: AsyncSession, command: DueCommand) -> None:
        await super().without_workflow(session, command)
        await session.flush()
        raise KeyError(command.id)


async def test_a_command_that_always_fails_holds_up_none_of_those_behind_it(simulated: Sending, temporal: Client) -> None:
    """Nothing of it stays, and it is tried again later."""
    broken, fine = await enrolled(simulated), await enrolled(simulated)
    await hop(simulated, broken, "nowhere")
    await stop(simulated, fine)
    delivery = CommandDelivery(simulated.database, temporal, {**WITH_HOP, HOP: Broken()})
    assert await delivery.sweep() == (1, False)
    assert ((await read(simulated, broken)).outcome, (await read(simulated, fine)).state) == (None, "stopped")
    state = "SELECT kind, outcome, last_error IS NOT NULL FROM command ORDER BY id"
    assert await rows(simulated.database, state) == [("hop", None, True), ("stop", "no_workflow", False)]


async def test_commands_to_one_enrollment_arrive_in_the_order_in_which_they_were_given(
    simulated: Sending, temporal: Client
) -> None:
    """One that could not be delivered holds back those behind it, and nobody else's."""
    enrollment, other = await enrolled(simulated), await enrolled(simulated)
    await hop(simulated, enrollment, "first")
    async with simulated.database.transaction() as session:
        await session.execute(text("UPDATE command SET due_at = now() + interval '1 hour'"))
    await hop(simulated, enrollment, "second")
    await hop(simulated, other, "third")
    delivery = CommandDelivery(simulated.database, temporal, WITH_HOP)
    assert await delivery.sweep() == (1, False)
    marked = "SELECT detail ->> 'to' FROM command WHERE outcome IS NOT NULL ORDER BY marked_at"
    assert await rows(simulated.database, marked) == ["third"]
    await make_due(simulated.database)
    assert await delivery.sweep() == (1, False)
    assert await delivery.sweep() == (1, False)
    assert await rows(simulated.database, marked) == ["third", "first", "second"]


async def test_a_kind_that_only_a_newer_version_knows_is_left_to_it(simulated: Sending, delivery: CommandDelivery) -> None:
    await hop(simulated, await enrolled(simulated), "end")
    assert await delivery.sweep() == (0, False)
    assert await rows(simulated.database, STATE) == [("hop", None)]

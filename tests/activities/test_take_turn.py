"""A turn: what it writes, where it comes to rest, and that the next attempt goes on from the rows whatever killed this one."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.bugs import bugs_end
from activities.places import PLACES
from activities.take_turn import STOPPED
from models.base import new_id, now
from models.messages.message import MessageState
from models.sequences.enrollment import Enrollment
from models.wire.clicks import LinkKey
from models.wire.enrollments import Later, Over, Unless, Waiting, Wake
from models.wire.enrollments import Sending as OnItsQueue
from services.away import ATTEMPTS
from services.channels.base import ChannelError
from tests.clicks import rows
from tests.sending import Provider, Sending

STEP_RUNS = "SELECT number, step_key, kind, outcome, next_key, left_at IS NULL FROM step_run ORDER BY number"
EVENTS = "SELECT kind, step_run, step_key FROM event ORDER BY step_run, at, kind DESC"
PITY = {"kind": "send", "key": "pity", "channel": "simulator-sms", "message": {"body": "What a pity."}}
END = {"kind": "end", "key": "over", "outcome": "done"}
CLICK = {"kind": "wait_for_click", "key": "wait", "timeout": "P1D", "on_click": "over", "on_timeout": "pity"}


async def enrolled(sending: Sending, *more: dict[str, Any]) -> Enrollment:
    (contact,) = await sending.contacts()
    return await sending.enrollment(contact, more=more)


async def test_a_turn_writes_the_passages_and_rests_at_the_wait(simulated: Sending) -> None:
    enrollment = await enrolled(simulated)
    turn = await simulated.turn(enrollment)
    assert isinstance(turn.rest, Waiting)
    assert (turn.step_key, turn.step_run, turn.previous_outcome) == ("pause", 2, "sent")
    assert [(each.step_key, each.step_run) for each in turn.sent] == [("hello", 1)]
    assert (turn.rest.to, turn.rest.outcome, turn.rest.wakes) == ("hello", "waited", ())
    assert now() < turn.rest.due_at <= now() + timedelta(days=1)
    assert await rows(simulated.database, STEP_RUNS) == [
        (1, "hello", "send", "sent", "pause", False),
        (2, "pause", "wait", None, None, True),
    ]
    assert await rows(simulated.database, EVENTS) == [
        ("step_entered", 1, "hello"),
        ("step_left", 1, "hello"),
        ("step_entered", 2, "pause"),
    ]
    assert await rows(simulated.database, "SELECT state, step_key, step_run, due_at FROM enrollment") == [
        ("running", "pause", 2, turn.rest.due_at)
    ]


async def test_a_turn_that_is_taken_again_answers_the_same_and_writes_nothing(simulated: Sending) -> None:
    enrollment = await enrolled(simulated)
    first = await simulated.turn(enrollment)
    written = await rows(simulated.database, STEP_RUNS), await rows(simulated.database, EVENTS)
    assert await simulated.turn(enrollment) == first
    assert (await rows(simulated.database, STEP_RUNS), await rows(simulated.database, EVENTS)) == written
    assert len(await simulated.inbox()) == 1


async def test_the_last_effect_ends_the_enrollment_in_the_same_turn(simulated: Sending) -> None:
    enrollment = await enrolled(simulated, {"next": "over"}, END)
    turn = await simulated.turn(enrollment)
    assert (turn.rest, turn.step_key, turn.step_run) == (Over(state="completed", outcome="done"), None, 1)
    assert await rows(simulated.database, STEP_RUNS) == [(1, "hello", "send", "sent", None, False)]
    again = await simulated.turn(enrollment)
    assert (again.rest, again.sent) == (turn.rest, turn.sent)


async def test_a_step_of_another_queue_is_the_next_turns(simulated: Sending) -> None:
    enrollment = await enrolled(simulated)
    turn = await simulated.turn(enrollment, queue="send-other")
    assert (turn.rest, turn.step_key, turn.step_run) == (OnItsQueue(queue="send-simulator", crowded=True), "hello", 1)
    assert await simulated.inbox() == []
    assert isinstance((await simulated.turn(enrollment)).rest, Waiting)
    assert len(await simulated.inbox()) == 1


async def test_a_turn_on_the_workflows_queue_sends_while_its_channel_has_a_place(simulated: Sending, provider: Provider) -> None:
    provider.hangs, sending = True, simulated.by(provider)
    hanging = [await enrolled(sending) for _ in range(PLACES)]
    async with asyncio.TaskGroup() as tasks:
        turns = [tasks.create_task(sending.turn(each, queue=None)) for each in hanging]
        while len(await rows(sending.database, "SELECT FROM message WHERE state = 'sending'")) < PLACES:
            pass
        one_more = await enrolled(sending)
        turn = await sending.turn(one_more, queue=None)
        assert (turn.rest, turn.step_key, turn.step_run) == (OnItsQueue(queue="send-simulator", crowded=True), "hello", 1)
        for each in turns:
            each.cancel()
    provider.hangs = False
    assert isinstance((await sending.turn(await enrolled(sending), queue=None)).rest, Waiting)
    assert isinstance((await sending.turn(one_more)).rest, Waiting)


async def test_a_turn_sends_one_message_and_leaves_the_next_one_to_the_next_turn(simulated: Sending) -> None:
    enrollment = await enrolled(simulated, {"next": "pity"}, {**PITY, "next": "over"}, END)
    turn = await simulated.turn(enrollment)
    assert (turn.rest, turn.step_key, turn.step_run) == (OnItsQueue(queue="send-simulator"), "pity", 2)
    follow = {"step_key": "pity", "previous_outcome": turn.previous_outcome}
    over = await simulated.turn(enrollment, 2, **follow)
    assert over.rest == Over(state="completed", outcome="done")
    assert await rows(simulated.database, STEP_RUNS) == [
        (1, "hello", "send", "sent", "pity", False),
        (2, "pity", "send", "sent", None, False),
    ]


async def test_when_the_time_is_over_a_click_that_nobody_signalled_leads_on(simulated: Sending) -> None:
    enrollment = await enrolled(simulated, {"next": "wait"}, CLICK, PITY, END)
    waiting = (await simulated.turn(enrollment)).rest
    assert isinstance(waiting, Waiting)
    assert waiting.wakes == (Wake(link=None, to="over", outcome="clicked"),)
    over = {"step_key": waiting.to, "previous_outcome": waiting.outcome}
    asked = {"unless": (Unless(wake=waiting.wakes[0], step_runs=(1,)),)}
    await click_first_link(simulated)
    turn = await simulated.turn(enrollment, 3, **over, **asked)
    assert turn.rest == Over(state="completed", outcome="done")
    assert turn.woken_by == LinkKey(step_run=1, position=0, step_key="hello")
    again = await simulated.turn(enrollment, 3, **over, **asked)
    assert (again.rest, again.woken_by) == (turn.rest, turn.woken_by)


async def test_a_click_after_the_other_branch_was_taken_changes_nothing_when_the_turn_is_repeated(simulated: Sending) -> None:
    enrollment = await enrolled(simulated, {"next": "wait"}, {**CLICK, "on_timeout": "pause"}, {**PITY, "next": "over"}, END)
    waiting = (await simulated.turn(enrollment)).rest
    assert isinstance(waiting, Waiting)
    over = {"step_key": "pause", "previous_outcome": "timed_out", "unless": (Unless(wake=waiting.wakes[0], step_runs=(1,)),)}
    first = await simulated.turn(enrollment, 3, **over)
    await click_first_link(simulated)
    again = await simulated.turn(enrollment, 3, **over)
    assert (again.rest, again.step_key, again.woken_by) == (first.rest, "pause", None)


async def test_a_click_that_comes_after_the_time_was_over_is_not_used_up_when_both_branches_lead_to_one_step(
    simulated: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    branches = {**CLICK, "on_click": "pity"}
    enrollment = await enrolled(simulated, {"next": "wait"}, branches, {**PITY, "next": "over"}, END)
    waiting = (await simulated.turn(enrollment)).rest
    assert isinstance(waiting, Waiting)
    over = {"step_key": "pity", "previous_outcome": "timed_out", "unless": (Unless(wake=waiting.wakes[0], step_runs=(1,)),)}

    def die(point: str) -> None:
        if point == "turn_accepted":
            raise ConnectionResetError

    with monkeypatch.context() as patched:
        patched.setattr("activities.steps.send.crashpoint", die)
        with pytest.raises(ConnectionResetError):
            await simulated.turn(enrollment, 3, **over)
    await click_first_link(simulated)
    again = await simulated.turn(enrollment, 3, **over)
    assert isinstance(again.rest, Later)
    assert (again.step_key, again.previous_outcome, again.woken_by) == ("pity", "timed_out", None)
    assert await rows(simulated.database, "SELECT outcome FROM step_run WHERE step_key = 'wait'") == ["timed_out"]


async def click_first_link(sending: Sending) -> None:
    async with sending.database.transaction() as session:
        await session.execute(
            text("""
                INSERT INTO signal_outbox (content_id, recipient_number, position, click_id, due_at, attempts, created_at)
                SELECT content_id, recipient_number, 0, :click_id, now(), 0, now() FROM message WHERE step_key = 'hello'
            """),
            {"click_id": new_id()},
        )


async def test_an_end_closes_the_row_at_once_and_waits_for_a_message_that_may_still_be_sent(
    sending: Sending, provider: Provider
) -> None:
    enrollment = await enrolled(sending)
    (contact_phone,) = await rows(sending.database, "SELECT phone FROM contact")
    provider.before[contact_phone] = ConnectionResetError("reset")
    with pytest.raises(ConnectionResetError):
        await sending.turn(enrollment)
    turn = await sending.turn(enrollment, end=STOPPED)
    assert isinstance(turn.rest, Later)
    assert await rows(sending.database, "SELECT state FROM enrollment") == ["stopped"]
    await sending.make_claims_old()
    assert (await sending.turn(enrollment, end=STOPPED)).rest == STOPPED
    assert (await sending.message()).state == MessageState.SENDING  # tests/activities/test_left_behind.py: its channel is asked


async def test_a_move_away_from_a_message_that_was_refused_for_now_closes_it(sending: Sending, provider: Provider) -> None:
    enrollment = await enrolled(sending)
    (phone,) = await rows(sending.database, "SELECT phone FROM contact")
    provider.before[phone] = ChannelError("busy", permanent=False)
    assert isinstance((await sending.turn(enrollment)).rest, Later)
    moved = {"step_key": "pause", "previous_outcome": "moved"}
    turn = await sending.turn(enrollment, 2, **moved)
    assert isinstance(turn.rest, Waiting)
    assert await sending.turn(enrollment, 2, **moved) == turn
    message = await sending.message()
    assert (message.state, message.reason) == (MessageState.SKIPPED, "moved")
    assert await rows(sending.database, STEP_RUNS) == [
        (1, "hello", "send", "moved", "pause", False),
        (2, "pause", "wait", None, None, True),
    ]


async def attempt(number: int, error: Exception) -> None:
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=number)

    async def fail() -> None:
        async with bugs_end("hello"):
            raise error

    await environment.run(fail)


async def test_a_bug_is_tried_ten_times_and_then_ends_with_a_text_that_quotes_nobody() -> None:
    with pytest.raises(KeyError):
        await attempt(ATTEMPTS - 1, KeyError("ada@example.com"))
    with pytest.raises(ApplicationError) as caught:
        await attempt(ATTEMPTS, KeyError("ada@example.com"))
    assert caught.value.non_retryable
    assert str(caught.value) == "gave up after 10 attempts at the step 'hello': KeyError"


@pytest.mark.parametrize(
    "error",
    [OperationalError("SELECT 1", {}, Exception("server closed the connection")), ConnectionResetError(), TimeoutError()],
    ids=lambda error: type(error).__name__,
)
async def test_an_outage_is_waited_for_without_end(error: Exception) -> None:
    with pytest.raises(type(error)):
        await attempt(10_000, error)


async def test_a_version_that_does_not_exist_is_a_bug(simulated: Sending) -> None:
    enrollment = await enrolled(simulated)
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=ATTEMPTS)
    simulated.environment = environment
    with pytest.raises(ApplicationError, match="gave up after 10 attempts"):
        await simulated.turn(enrollment, sequence_version_id=uuid4())


async def test_an_end_needs_no_version(simulated: Sending) -> None:
    """One that cannot be read must not keep an enrollment from ending."""
    enrollment = await enrolled(simulated)
    await simulated.change(enrollment, stop_requested_at=now(), stop_reason="Ada asked us to")
    assert (await simulated.turn(enrollment, sequence_version_id=uuid4(), end=STOPPED)).rest == STOPPED
    assert await rows(simulated.database, "SELECT state, outcome FROM enrollment") == [("stopped", "Ada asked us to")]


@pytest.mark.parametrize("point", ["turn_before_claim", "turn_claimed", "turn_accepted", "turn_recorded"])
async def test_every_crash_point_of_a_turn_is_passed(simulated: Sending, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dying there is the drill's; here is only that a turn comes by."""
    seen: list[str] = []
    for module in ("activities.steps.send", "activities.take_turn"):
        monkeypatch.setattr(f"{module}.crashpoint", seen.append)
    await simulated.turn(await enrolled(simulated))
    assert point in seen

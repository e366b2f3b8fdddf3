"""Instant effects on the way of a turn: in one transaction with the move, once through kills, and none after a stop."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from models.commands.command import CommandKind
from models.contacts.contact import Contact
from models.sequences.enrollment import Enrollment
from models.wire.enrollments import Over, Waiting
from models.wire.enrollments import Sending as OnItsQueue
from services.commands.issue import issue
from tests.clicks import rows
from tests.crashes import killed_at
from tests.sending import Sending

STEP_RUNS = "SELECT number, step_key, outcome, next_key FROM step_run ORDER BY number"
EVENTS = "SELECT kind, step_run, step_key FROM event WHERE step_run > 1 ORDER BY step_run, kind"


def mark(key: str, tag: str, next: str | None = None) -> dict[str, Any]:
    return {"kind": "update_contact", "key": key, "change": {"tags_add": [tag]}, "next": next}


async def enrolled(sending: Sending, *more: dict[str, Any], **fields: Any) -> Enrollment:
    """In a sequence that sends, and goes on to the first of `more`, below which it waits."""
    (contact,) = await sending.contacts(tags=[], **fields)
    return await sending.enrollment(contact, more=({"next": more[0]["key"]}, *more))


async def tags(sending: Sending, enrollment: Enrollment) -> list[str]:
    async with sending.database.transaction() as session:
        return (await session.get_one(Contact, enrollment.contact_id)).tags


async def test_several_are_written_in_the_turn_of_the_message_before_them(simulated: Sending) -> None:
    enrollment = await enrolled(simulated, mark("one", "a"), mark("two", "b"))
    turn = await simulated.turn(enrollment)
    assert isinstance(turn.rest, Waiting)
    assert (turn.step_key, turn.step_run) == ("pause", 4)
    assert await tags(simulated, enrollment) == ["a", "b"]
    assert await rows(simulated.database, STEP_RUNS) == [
        (1, "hello", "sent", "one"),
        (2, "one", "updated", "two"),
        (3, "two", "updated", "pause"),
        (4, "pause", None, None),
    ]
    assert await rows(simulated.database, EVENTS) == [
        ("step_entered", 2, "one"),
        ("step_left", 2, "one"),
        ("step_entered", 3, "two"),
        ("step_left", 3, "two"),
        ("step_entered", 4, "pause"),
    ]
    again = await simulated.turn(enrollment)
    assert (again.step_key, again.step_run) == ("pause", 4)
    assert len(await rows(simulated.database, STEP_RUNS)) == 4


async def test_one_at_the_beginning_and_one_at_the_end_are_written(simulated: Sending) -> None:
    enrollment = await enrolled(simulated, {**mark("one", "a"), "next": "bye"}, {"kind": "end", "key": "bye", "outcome": "done"})
    turn = await simulated.turn(enrollment, step_key="one", queue=None)
    assert (turn.rest, turn.step_key, turn.step_run) == (Over(state="completed", outcome="done"), None, 1)
    assert await rows(simulated.database, STEP_RUNS) == [(1, "one", "updated", None)]
    assert await tags(simulated, enrollment) == ["a"]


async def test_a_message_after_one_shows_what_it_wrote(simulated: Sending) -> None:
    named = {"kind": "update_contact", "key": "name", "change": {"fields": {"first_name": "Grace"}}, "next": "hello"}
    enrollment = await enrolled(simulated, named)
    turn = await simulated.turn(enrollment, step_key="name")
    assert isinstance(turn.rest, OnItsQueue | Waiting)
    assert "Hello Grace" in ((await simulated.message()).body or "")


async def test_a_message_of_another_queue_is_left_to_the_next_turn(simulated: Sending) -> None:
    enrollment = await enrolled(simulated, {**mark("one", "a"), "next": "hello"})
    turn = await simulated.turn(enrollment, step_key="one", queue="send-other")
    assert isinstance(turn.rest, OnItsQueue)
    assert (turn.rest.queue, turn.step_key, turn.step_run) == ("send-simulator", "hello", 2)
    assert await tags(simulated, enrollment) == ["a"]
    assert await simulated.messages() == []


@pytest.mark.parametrize("point", ["turn_accepted", "turn_effects_written", "turn_recorded"])
async def test_whatever_kills_the_turn_they_are_written_once(simulated: Sending, tmp_path: Path, point: str) -> None:
    clock = {"kind": "update_contact", "key": "clock", "change": {"properties": {"seen": True}}}
    enrollment = await enrolled(simulated, mark("one", "a"), clock)
    with killed_at(point, tmp_path):
        await simulated.turn(enrollment)
    if point != "turn_recorded":
        assert await tags(simulated, enrollment) == []
    else:  # somebody takes the tag away before the next attempt, which must not bring it back
        async with simulated.database.transaction() as session:
            (await session.get_one(Contact, enrollment.contact_id)).tags = ["b"]
    await simulated.make_claims_old()
    turn = await simulated.turn(enrollment)
    assert (turn.step_key, turn.step_run) == ("pause", 4)
    assert await tags(simulated, enrollment) == (["b"] if point == "turn_recorded" else ["a"])
    assert [row[2] for row in await rows(simulated.database, STEP_RUNS)] == ["sent", "updated", "updated", None]
    assert len(await simulated.inbox()) == 1


async def test_attempts_at_the_same_moment_write_once(simulated: Sending) -> None:
    enrollment = await enrolled(simulated, mark("one", "a"), mark("two", "b"))
    turns = await asyncio.gather(*(simulated.turn(enrollment, step_key="one", queue=None) for _ in range(4)))
    assert {(turn.step_key, turn.step_run) for turn in turns} == {("pause", 3)}
    assert len(await rows(simulated.database, STEP_RUNS)) == 3


async def test_none_is_written_once_a_stop_is_asked_for(simulated: Sending) -> None:
    enrollment = await enrolled(simulated, mark("one", "a"), mark("two", "b"))
    async with simulated.database.transaction() as session:
        await issue(session, simulated.org_id, enrollment.id, CommandKind.STOP)
    turn = await simulated.turn(enrollment, step_key="one", queue=None)
    assert isinstance(turn.rest, Over)
    assert turn.rest.state == "stopped"
    assert await tags(simulated, enrollment) == []
    assert await rows(simulated.database, STEP_RUNS) == [(1, "one", "stopped", None)]
    again = await simulated.turn(enrollment, step_key="one", queue=None)
    assert again.rest == turn.rest


async def test_a_stop_between_a_message_and_the_effect_behind_it_keeps_the_message(simulated: Sending, tmp_path: Path) -> None:
    enrollment = await enrolled(simulated, mark("one", "a"))
    with killed_at("turn_effects_written", tmp_path):
        await simulated.turn(enrollment)
    async with simulated.database.transaction() as session:
        await issue(session, simulated.org_id, enrollment.id, CommandKind.STOP)
    await simulated.make_claims_old()
    assert isinstance((await simulated.turn(enrollment)).rest, Over)
    assert await tags(simulated, enrollment) == []
    assert len(await simulated.inbox()) == 1

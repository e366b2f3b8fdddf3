"""Stops that come while an activity is under way, on the real server: the time-skipping one does not cancel activities."""

from uuid import uuid4

from temporalio.client import Client

from tests.workflows.enrollments import BRANCH, Person, Sent

STOPPED = "stopped by request"


async def test_a_stop_during_a_send_ends_after_it(temporal: Client) -> None:
    person = Person(temporal, *BRANCH)
    person.during_send["hello"] = lambda _: person.stop()
    assert await person.outcome() == STOPPED
    assert (len(person.sends), person.questions) == (1, [])


async def test_a_stop_takes_a_send_out_of_the_queue_of_its_channel(temporal: Client) -> None:
    person = Person(temporal, *BRANCH)
    person.crowded = person.idle_senders = True
    async with person.enrolled() as handle:
        await person.stop()
        assert (await handle.result()).outcome == STOPPED
    assert [each.state for each in person.ends] == ["stopped"]


async def test_a_command_that_is_delivered_again_is_obeyed_once(temporal: Client) -> None:
    person, command_id = Person(temporal, *BRANCH), uuid4()

    async def stop_twice(_: Sent) -> None:
        await person.stop(command_id)
        await person.stop(command_id)

    person.during_send["hello"] = stop_twice
    assert await person.outcome() == STOPPED
    assert [each.state for each in person.ends] == ["stopped"]


async def test_a_stop_during_a_wait_for_a_click_asks_nobody(temporal: Client) -> None:
    person = Person(temporal, *BRANCH)
    person.during_enter["wait"] = lambda _: person.stop()
    assert await person.outcome() == STOPPED
    assert person.questions == []

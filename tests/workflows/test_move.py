"""Moves: an enrollment goes on from another step when it waits, and finishes a message first."""

from datetime import timedelta

from temporalio.client import Client

from tests.workflows.enrollments import BRANCH, Entered, Person, Sent, end, link, send, wait_for_click


async def test_a_move_during_a_wait_leaves_it_at_once_and_asks_nobody_for_clicks(temporal: Client) -> None:
    person = Person(temporal, *BRANCH)
    person.during_enter["wait"] = lambda _: person.move("yes")
    assert await person.outcome() == "yes"
    assert [(each.step_run, each.previous_outcome) for each in person.ends] == [(2, "moved")]
    assert person.questions == []


async def test_a_move_during_a_send_waits_for_the_message(temporal: Client) -> None:
    person = Person(temporal, *BRANCH)
    person.during_send["hello"] = lambda _: person.move("yes")
    assert await person.outcome() == "yes"
    assert [each.step_key for each in person.sends] == ["hello"]
    assert [each.step_key for each in person.entered] == ["wait"]


async def test_a_move_goes_before_a_click_that_has_come_already(temporal: Client) -> None:
    person = Person(temporal, *BRANCH)

    async def both(_: Entered) -> None:
        await person.click(link())
        await person.move("no")

    person.during_enter["wait"] = both
    assert await person.outcome() == "no"


async def test_a_move_back_sends_again_and_a_stop_goes_before_it(temporal: Client) -> None:
    person = Person(temporal, *BRANCH)

    async def entered(wait: Entered) -> None:
        await person.move("hello")
        if wait.step_run > 2:
            await person.stop()

    person.during_enter["wait"] = entered
    assert await person.outcome() == "stopped by request"
    assert person.sends == [Sent(1, "hello", None), Sent(3, "hello", "moved")]


async def test_a_move_leaves_a_message_that_is_refused_for_now(temporal: Client) -> None:
    person = Person(temporal, send("hello"), wait_for_click("wait", "yes", "no"), end("yes"), end("no"))
    person.later["hello"], person.refused_for = 1, timedelta(days=1)
    async with person.enrolled() as handle:
        await person.move("yes")
        assert (await handle.result()).outcome == "yes"
    assert person.sends == []


async def test_a_move_to_a_step_that_is_not_there_does_nothing(temporal: Client) -> None:
    person = Person(temporal, *BRANCH)

    async def entered(_: Entered) -> None:
        await person.move("nowhere")
        await person.click(link())

    person.during_enter["wait"] = entered
    assert await person.outcome() == "yes"

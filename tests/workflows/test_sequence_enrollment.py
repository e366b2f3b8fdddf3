"""One contact's way through a sequence, on a clock that jumps over waits."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner

from models.wire.commands import Command
from models.wire.enrollments import EnrollmentProgress
from tests.workflows.enrollments import BRANCH, Entered, Person, Sent, end, link, send, stop, wait, wait_for_click
from workflows import policies

STOPPED = "stopped by request"

# Send, and wait for two clicks, one after the other.
TWICE = (send("hello"), wait_for_click("wait", "more", "no"), wait_for_click("more", "yes", "no"), end("yes"), end("no"))


async def test_an_activity_that_fails_for_good_ends_the_enrollment_as_failed(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, *BRANCH)
    person.refuse_send = True
    with pytest.raises(WorkflowFailureError):
        await person.outcome()
    assert [(each.state, each.outcome) for each in person.ends] == [("failed", "this content is gone")]


@pytest.mark.parametrize("state", ["skipped", "failed"])
async def test_a_message_that_cannot_be_sent_does_not_hold_the_person_up(skipping: WorkflowEnvironment, state: str) -> None:
    person = Person(skipping.client, send("hello"), send("again"), end("over"))
    person.states["hello"] = state
    assert await person.outcome() == "over"
    assert person.sends[1].previous_outcome == state


async def test_a_wait_after_nothing_was_sent_times_out_without_a_question(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, *BRANCH)
    person.states["hello"] = "skipped"
    assert await person.outcome() == "no"
    assert person.questions == []


async def test_a_click_on_a_message_that_perhaps_arrived_counts(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, *BRANCH)
    person.states["hello"] = "unknown"
    person.during_enter["wait"] = lambda _: person.click(link())
    assert await person.outcome() == "yes"


async def test_a_stop_before_the_first_step_sends_nothing(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, *BRANCH)
    handle = await person.start(start_signal="command", start_signal_args=[stop()])
    async with person.worker():
        assert (await handle.result()).outcome == STOPPED
    assert person.sends == []
    assert [each.state for each in person.ends] == ["stopped"]


async def test_a_cancel_by_hand_during_a_wait_ends_the_row_too(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, *BRANCH)
    async with person.enrolled() as handle:
        await skipping.sleep(timedelta(hours=1))
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
    assert isinstance(caught.value.cause, CancelledError)
    assert [(each.state, each.outcome) for each in person.ends] == [("stopped", "canceled in Temporal")]


async def test_a_stop_during_a_wait_ends_it_at_once(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, wait("pause", "P300D"), end("over"))
    async with person.enrolled() as handle:
        await skipping.sleep(timedelta(days=1))
        await person.stop()
        assert (await handle.result()).outcome == STOPPED
    assert await person.lasted() < timedelta(days=2)
    assert [(each.state, each.previous_outcome) for each in person.ends] == [("stopped", "stopped")]


async def test_a_stop_interrupts_the_wait_for_a_provider_that_is_busy(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, *BRANCH)
    person.later["hello"] = 1000
    async with person.enrolled() as handle:
        await skipping.sleep(timedelta(hours=1))
        await person.stop()
        assert (await handle.result()).outcome == STOPPED
    assert person.sends == []
    assert await person.lasted() < timedelta(hours=2)


async def test_what_is_refused_for_now_is_sent_later(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, *BRANCH)
    person.later["hello"] = 3
    person.during_enter["wait"] = lambda _: person.click(link())
    assert await person.outcome() == "yes"
    assert [(each.step_run, each.step_key) for each in person.turns[:4]] == [(1, "hello")] * 4
    assert len(person.sends) == 1
    assert await person.lasted() >= timedelta(minutes=15)


async def test_a_command_of_a_kind_that_is_not_known_yet_is_remembered_and_does_nothing(skipping: WorkflowEnvironment) -> None:
    person, unknown = Person(skipping.client, *BRANCH), Command(command_id=uuid4(), kind="dance")
    async with person.enrolled() as handle:
        await person.handle.signal("command", unknown)
        progress = await handle.query("progress", result_type=EnrollmentProgress)
        assert progress.seen == (unknown.command_id,)
        assert (await handle.result()).outcome == "no"


async def test_no_click_takes_the_other_branch_when_the_time_is_over(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, *BRANCH)
    assert await person.outcome() == "no"
    assert await person.lasted() >= timedelta(days=1)
    assert [each.step_runs for each in person.questions] == [(1,)]
    assert person.ends[0].previous_outcome == "timed_out"


async def test_a_click_faster_than_the_answer_of_the_channel_counts(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, *BRANCH)
    person.during_send["hello"] = lambda _: person.click(link())
    assert await person.outcome() == "yes"


async def test_a_click_before_the_wait_counts(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, send("hello"), wait("pause", "P3D"), *BRANCH[1:])
    person.during_enter["pause"] = lambda _: person.click(link())
    assert await person.outcome() == "yes"


async def test_a_click_during_the_wait_ends_it_before_its_time(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, *BRANCH)
    async with person.enrolled() as handle:
        await skipping.sleep(timedelta(hours=1))
        await person.click(link())
        assert (await handle.result()).outcome == "yes"
    assert await person.lasted() < timedelta(hours=2)
    assert person.questions == []


async def test_a_click_wins_a_tie_with_the_timer(skipping: WorkflowEnvironment) -> None:
    """Both happen while no worker is there, so the next one gets them in one task."""
    person = Person(skipping.client, *BRANCH)
    async with person.enrolled() as handle:
        await skipping.sleep(timedelta(hours=1))
    almost_due = await skipping.get_current_time() + timedelta(hours=22, minutes=59)
    passing = asyncio.create_task(skipping.sleep(timedelta(days=1)))  # stands still while the timer's task waits for a worker
    while await skipping.get_current_time() < almost_due:
        pass
    await person.click(link())
    async with person.worker():
        assert (await handle.result()).outcome == "yes"
        await passing
    assert person.questions == []


async def test_a_click_whose_signal_was_lost_is_found_before_the_other_branch_is_taken(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, *BRANCH)
    person.in_database.append(link())
    assert await person.outcome() == "yes"
    assert len(person.questions) == 1


async def test_a_click_that_was_found_is_not_found_again_by_the_next_wait(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, *TWICE)
    person.in_database.append(link())
    assert await person.outcome() == "no"
    assert [each.used for each in person.questions] == [(), (link(),)]


async def test_a_link_that_is_clicked_again_and_again_advances_once(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, *TWICE)

    async def click(_: Entered) -> None:
        for _again in range(3):
            await person.click(link())

    person.during_enter |= {"wait": click, "more": click}
    assert await person.outcome() == "no"


async def test_another_link_satisfies_the_second_wait(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, *TWICE)

    async def click_both(_: Sent) -> None:
        await person.click(link(position=0))
        await person.click(link(position=1))

    person.during_send["hello"] = click_both
    assert await person.outcome() == "yes"


async def test_a_named_link_is_waited_for_in_every_message_sent_so_far(skipping: WorkflowEnvironment) -> None:
    offer = wait_for_click("wait", "yes", "no", link="offer")
    person = Person(skipping.client, send("hello"), send("again"), offer, end("yes"), end("no"))

    async def click(_: Entered) -> None:
        await person.click(link(step_run=2, step_key="again", name="other"))
        await person.click(link(step_run=1, position=1, name="offer"))

    person.during_enter["wait"] = click
    assert await person.outcome() == "yes"


async def test_a_click_on_another_link_does_not_satisfy_a_named_wait(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, send("hello"), wait_for_click("wait", "yes", "no", link="offer"), end("yes"), end("no"))
    person.during_enter["wait"] = lambda _: person.click(link(name="other"))
    assert await person.outcome() == "no"
    assert [each.link_name for each in person.questions] == ["offer"]


async def test_a_wait_without_a_name_looks_at_the_last_message_only(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, send("hello"), send("again"), *BRANCH[1:])
    person.during_enter["wait"] = lambda _: person.click(link(step_run=1))
    assert await person.outcome() == "no"
    assert [each.step_runs for each in person.questions] == [(2,)]


async def test_after_a_loop_has_sent_again_the_old_message_no_longer_counts(skipping: WorkflowEnvironment) -> None:
    """Runs: 1 hello, 2 wait, 3 pause, 4 hello, 5 wait (only links of 4 count), 6 pause, 7 hello, 8 wait (only links of 7)."""
    steps = (send("hello"), wait_for_click("wait", "yes", "pause"), wait("pause", "P1D", next="hello"), end("yes"))
    person = Person(skipping.client, *steps)

    async def click(entered: Entered) -> None:
        if entered.step_run == 5:
            await person.click(link(step_run=1))
        if entered.step_run == 8:
            await person.click(link(step_run=7))

    person.during_enter["wait"] = click
    assert await person.outcome() == "yes"
    assert [each.step_run for each in person.sends] == [1, 4, 7]
    assert [each.step_runs for each in person.questions] == [(1,), (4,)]


async def test_a_wait_of_three_days_takes_three_days(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, wait("pause", "P3D"), end("over"))
    assert await person.outcome() == "over"
    assert timedelta(days=3) <= await person.lasted() < timedelta(days=3, hours=1)
    assert person.ends[0].previous_outcome == "waited"


async def test_the_last_step_needs_no_end_after_it(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, send("hello"))
    assert await person.outcome() == "completed"
    assert [(each.step_run, each.previous_outcome) for each in person.ends] == [(1, "sent")]


async def test_a_new_run_in_the_middle_of_a_wait_keeps_the_due_time(
    skipping: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "MAX_SIGNALS", 3)
    person = Person(skipping.client, *BRANCH)
    person.runner = UnsandboxedWorkflowRunner()
    async with person.enrolled() as handle:
        await skipping.sleep(timedelta(hours=12))
        for position in range(3):
            await person.click(link(step_run=9, position=position, step_key="nobody"))
        assert (await handle.result()).outcome == "no"
    assert await person.runs() == 2
    assert timedelta(hours=11) < await person.lasted() < timedelta(hours=13)
    assert [each.step_key for each in person.entered] == ["wait"]


async def test_a_new_run_knows_the_clicks_and_the_used_links_of_the_one_before(
    skipping: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "MAX_SIGNALS", 2)
    waits = (wait_for_click("wait", "pause", "no"), wait("pause", "P1D"), wait_for_click("more", "third", "no"))
    third = wait_for_click("third", "yes", "used_up")
    person = Person(skipping.client, send("hello"), *waits, third, end("yes"), end("no"), end("used_up"))
    person.runner = UnsandboxedWorkflowRunner()

    async def click(_: Sent) -> None:
        await person.click(link(position=0))
        await person.click(link(position=1))

    person.during_send["hello"] = click
    person.during_enter["third"] = lambda _: person.click(link(position=0))
    assert await person.outcome() == "used_up"
    assert await person.runs() == 2
    assert len(person.sends) == 1


async def test_two_thousand_signals_advance_one_step(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, *TWICE)
    person.runner, person.unhurried = UnsandboxedWorkflowRunner(), True

    async def hammer(_: Entered) -> None:
        for _again in range(20):
            await asyncio.gather(*(person.click(link()) for _ in range(100)))

    person.during_enter["wait"] = hammer
    assert await person.outcome() == "no"
    assert [each.step_key for each in person.entered] == ["wait", "more"]


async def test_what_people_see_is_told_at_every_step(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, *BRANCH)
    person.during_enter["wait"] = lambda _: person.click(link())
    await person.outcome()
    assert [(each.step_key, each.kind, each.step_run, each.previous_outcome) for each in person.entered] == [
        ("wait", "wait_for_click", 2, "sent")
    ]
    assert [(each.step_run, each.state, each.previous_outcome) for each in person.ends] == [(2, "completed", "clicked")]


async def test_progress_can_be_asked_for(skipping: WorkflowEnvironment) -> None:
    person = Person(skipping.client, *BRANCH)
    async with person.enrolled() as handle:
        await skipping.sleep(timedelta(hours=1))
        progress: EnrollmentProgress = await handle.query("progress", result_type=EnrollmentProgress)
        await person.stop()
        await handle.result()
    assert (progress.step_key, progress.step_run, progress.clicks.sent) == ("wait", 2, {"hello": 1})

"""Signals as anybody in operations can send them: whatever comes with one, the workflow lives. On the real server."""

import asyncio
import inspect
import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from models.wire.clicks import RecorderInput, RecordResult
from models.wire.enrollments import EnrollmentProgress
from models.wire.sweeper import SweeperInput, SweepRequest, SweepResult
from tests.workflows.enrollments import BRANCH, Entered, Person, clicked, link, stop
from tests.workflows.launches import Launch
from tests.workflows.test_real_server import task_problems
from worker import WORKFLOWS
from workflows.click_recorder import ClickRecorder
from workflows.signals import signal
from workflows.sweeper import Sweeper

CANARY = "canary-text"
STOP = stop().model_dump(mode="json")
CLICK = clicked(link()).model_dump(mode="json")
FAR = {**CLICK, "link": {**CLICK["link"], "step_run": 2**40}}
NOT_A_COMMAND: list[list[Any]] = [
    [],
    [STOP, STOP],
    [CANARY],
    [None],
    [{**STOP, "kind": 7}],
    [{**STOP, "command_id": CANARY}],
    [{}],
]
NOT_A_CLICK: list[list[Any]] = [[], [CLICK, CLICK], [7], [None], [{}], [{"link": {}}], [FAR], [{**CLICK, "click_id": CANARY}]]
NOT_A_DIGEST: list[list[Any]] = [[], [{}], [{"clicks": -1, "people": 0}], [{"clicks": CANARY, "people": 0}], [1, 2]]
NOT_A_WAKE: list[list[Any]] = [[None], [CANARY], [1, 2]]


async def send_all(handle: WorkflowHandle[Any, Any], name: str, inputs: list[list[Any]]) -> None:
    for arguments in inputs:
        await handle.signal(name, args=arguments)


async def test_an_enrollment_ignores_signals_that_do_not_fit_and_hears_those_that_do(
    temporal: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    person = Person(temporal, *BRANCH)

    async def disturb(_: Entered) -> None:
        await send_all(person.handle, "click", NOT_A_CLICK)
        await send_all(person.handle, "command", NOT_A_COMMAND)
        await person.click(link())

    person.during_enter["wait"] = disturb
    assert await person.outcome() == "yes"
    assert await task_problems(person.handle) == []
    ignored = [record.getMessage() for record in caplog.records if "ignored" in record.getMessage()]
    assert any(str(person.id) in message for message in ignored)
    assert CANARY not in caplog.text


async def test_a_stop_after_one_that_does_not_fit_is_heard(temporal: Client) -> None:
    person = Person(temporal, *BRANCH)

    async def disturb(_: Entered) -> None:
        await send_all(person.handle, "command", NOT_A_COMMAND)
        await person.stop()

    person.during_enter["wait"] = disturb
    assert await person.outcome() == "stopped by request"
    assert await task_problems(person.handle) == []


async def test_clicks_on_messages_that_are_not_sent_yet_do_not_fill_the_state(temporal: Client) -> None:
    person = Person(temporal, *BRANCH)

    async def disturb(_: Entered) -> None:
        await send_all(person.handle, "click", [[clicked(link(step_run=number))] for number in range(50, 60)])
        progress = await person.handle.query("progress", result_type=EnrollmentProgress)
        assert progress.clicks.clicked == ()
        await person.click(link())

    person.during_enter["wait"] = disturb
    assert await person.outcome() == "yes"


async def test_a_campaign_ignores_digests_that_do_not_fit(temporal: Client) -> None:
    campaign = Launch(temporal, pages=2, tracking_until=datetime.now(UTC) + timedelta(seconds=1))
    async with campaign.worker():
        handle = await campaign.start()
        await send_all(handle, "digest", NOT_A_DIGEST)
        await handle.result()
    assert await task_problems(campaign.handle) == []


@pytest.mark.parametrize("endless", [Sweeper, ClickRecorder])
async def test_the_platforms_workflows_ignore_what_comes_with_a_wake(temporal: Client, endless: type) -> None:
    looks, heard = 0, asyncio.Event()

    async def look() -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            heard.set()
            return
        handle = activity.client().get_workflow_handle(activity.info().workflow_id or "")
        await send_all(handle, "wake", NOT_A_WAKE)
        await handle.signal("wake")

    @activity.defn
    async def sweep_signals(_: SweepRequest) -> SweepResult:
        await look()
        return SweepResult()

    @activity.defn
    async def record_clicks(_: RecorderInput) -> RecordResult:
        await look()
        return RecordResult(recorded=0, remaining=False)

    queue = f"endless-{uuid4()}"
    start = SweeperInput(part="signals", interval=timedelta(hours=1)) if endless is Sweeper else RecorderInput(shard=0, shards=1)
    async with Worker(temporal, task_queue=queue, workflows=[endless], activities=[sweep_signals, record_clicks]):
        handle = await temporal.start_workflow(endless.__name__, start, id=queue, task_queue=queue)
        async with asyncio.timeout(60):
            await heard.wait()
        assert await task_problems(handle) == []
        await handle.terminate()


def test_a_signal_that_does_not_fit_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporal counts it in the history of the run, which takes only so many."""

    class Hearing:
        _signals = 0

        @signal
        def wake(self) -> None:
            """Nothing follows."""

    monkeypatch.setattr("temporalio.workflow.logger", logging.getLogger(__name__))  # Temporal's own works in a workflow only
    hearing = Hearing()
    wake: Any = hearing.wake
    wake()
    wake(CANARY)
    assert hearing._signals == 2


def test_every_signal_of_every_workflow_is_one_that_ignores_what_does_not_fit() -> None:
    handlers = [
        member
        for each in WORKFLOWS
        for _, member in inspect.getmembers(each, inspect.isfunction)
        if hasattr(member, "__temporal_signal_definition")
    ]
    assert len(handlers) >= 5
    assert {handler.__module__ for handler in handlers} == {"workflows.signals"}

"""Records the histories that `test_replay.py` replays, on a real Temporal server: `python -m tests.workflows.record_histories`.

Run it when a workflow gets something new, and commit the new files beside the old ones. Never record a file again to make the
replay pass: a file that no longer replays is an enrollment that would hang after the deployment.

`python -m tests.workflows.record_histories NAME …` records only these.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from temporalio import activity
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from models.wire.clicks import RecorderInput, RecordResult
from models.wire.enrollments import EnrollmentProgress, Waiting
from models.wire.imports import ImportInput, ImportResult
from models.wire.sweeper import SweeperInput, SweepRequest, SweepResult
from models.wire.upkeep import KeptPartitions, RetiredClicks
from temporal_client import DATA_CONVERTER
from tests.builders import keyword_attributes, temporal_binary
from tests.workflows.enrollments import BRANCH, Entered, Person, end, link, send, stop, wait, wait_for_click
from tests.workflows.launches import Launch
from workflows.click_recorder import ClickRecorder
from workflows.contact_import import ContactImport
from workflows.sweeper import Sweeper
from workflows.upkeep import Upkeep

HISTORIES = Path(__file__).parent / "histories"
# So that a new run needs a short history only.
SUGGEST_NEW_RUN_AT = 60

Runs = dict[str, WorkflowHandle[Any, Any]]


async def clicked(client: Client) -> Runs:
    """Every kind of step, and the click branch, with a second link for a second wait."""
    named = wait_for_click("more", "thanks", "no", link="offer")
    steps = (
        wait("pause", "PT1S"),
        send("hello"),
        wait_for_click("wait", "more", "no"),
        named,
        send("thanks"),
        end("yes"),
        end("no"),
    )
    person = Person(client, *steps)
    person.during_enter["wait"] = lambda _: person.click(link(step_run=2))
    person.during_enter["more"] = lambda _: person.click(link(step_run=2, position=1, name="offer"))
    await person.outcome()
    return {"enrollment-clicked": person.handle}


async def timed_out(client: Client) -> Runs:
    """In a loop that sends again, until the last send is skipped."""
    steps = (send("hello"), wait_for_click("wait", "yes", "again", timeout="PT1S"), send("again", "more"))
    more = wait_for_click("more", "yes", "no", timeout="PT1S", link="offer")
    person = Person(client, *steps, more, end("yes"), end("no"))
    person.states["again"] = "skipped"
    await person.outcome()
    return {"enrollment-timed-out": person.handle}


async def lost_signal(client: Client) -> Runs:
    person = Person(client, send("hello"), wait_for_click("wait", "yes", "no", timeout="PT1S"), end("yes"), end("no"))
    person.in_database.append(link())
    await person.outcome()
    return {"enrollment-lost-signal": person.handle}


async def stopped(client: Client) -> Runs:
    waiting = Person(client, *BRANCH)
    waiting.during_enter["wait"] = lambda _: waiting.stop()
    await waiting.outcome()
    early = Person(client, *BRANCH)
    handle = await early.start(start_signal="command", start_signal_args=[stop()])
    async with early.worker():
        await handle.result()
    return {"enrollment-stopped": waiting.handle, "enrollment-stopped-before-start": early.handle}


async def moved(client: Client) -> Runs:
    """In a wait, before a click that has come already, and during a send."""
    person = Person(client, *BRANCH)

    async def entered(wait: Entered) -> None:
        if wait.step_run == 2:
            await person.click(link())
            await person.move("hello")

    person.during_enter["wait"] = entered
    person.during_send["hello"] = lambda sent: person.move("yes") if sent.step_run > 1 else person.click(link())
    await person.outcome()
    return {"enrollment-moved": person.handle}


async def refused(client: Client) -> Runs:
    """For now, and then sent."""
    person = Person(client, *BRANCH)
    person.later["hello"], person.refused_for = 2, timedelta(seconds=1)
    person.during_enter["wait"] = lambda _: person.click(link())
    await person.outcome()
    return {"enrollment-refused-for-now": person.handle}


async def failed(client: Client) -> Runs:
    person = Person(client, *BRANCH)
    person.refuse_send = True
    try:
        await person.outcome()
    except WorkflowFailureError:
        return {"enrollment-failed": person.handle}
    raise AssertionError("it should have failed")


async def new_run(client: Client) -> Runs:
    """In the middle of a wait."""
    person = Person(client, *BRANCH)

    async with person.enrolled() as handle:
        while not isinstance((await handle.query("progress", result_type=EnrollmentProgress)).rest, Waiting):
            pass
        while (await person.handle.describe()).run_id == handle.first_execution_run_id:
            await person.click(link(step_run=9, step_key="nobody"))
        await person.click(link())
        await person.handle.result()
    assert await person.runs() == 2
    first = client.get_workflow_handle(handle.id, run_id=person.first_run_id)
    return {"enrollment-new-run-1": first, "enrollment-new-run-2": person.handle}


async def campaign(client: Client) -> Runs:
    """Pages with an attempt that failed, a busy provider, digests in between; and many pages, so that a new run takes over."""
    short = Launch(client, pages=2, tracking_until=datetime.now(UTC) + timedelta(seconds=3))
    short.broken_pages, short.digests, short.busy, short.wait = 1, 2, 1, timedelta(seconds=1)
    await short.progress()
    long = Launch(client, pages=15, tracking_until=datetime.now(UTC) + timedelta(seconds=5))
    async with long.worker():
        handle = await long.start()
        await handle.result()
    first = client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
    return {"campaign": short.handle, "campaign-new-run-1": first, "campaign-new-run-2": long.handle}


class Endless:
    """The activities of the platform's own workflows."""

    def __init__(self) -> None:
        self.calls = 0
        self.slices = 0

    @activity.defn
    async def sweep_signals(self, _request: SweepRequest) -> SweepResult:
        self.calls += 1
        return SweepResult()

    @activity.defn
    async def record_clicks(self, start: RecorderInput) -> RecordResult:
        self.calls += 1
        return RecordResult(recorded=5, remaining=self.calls % 3 == 1)

    @activity.defn
    async def import_contacts(self, start: ImportInput) -> ImportResult:
        """In two slices."""
        self.slices += 1
        return ImportResult(total=6, processed=3 * self.slices, created=1, updated=1, failed=1, over=self.slices == 2)


async def endless(client: Client) -> Runs:
    """The first run of the sweeper and the recorder, rung until a new one takes over; and one import."""
    queue, fakes = f"endless-{uuid4()}", Endless()
    workflows = [Sweeper, ClickRecorder, ContactImport]
    activities: list[Callable[..., Any]] = [fakes.sweep_signals, fakes.record_clicks, fakes.import_contacts]
    async with Worker(client, task_queue=queue, workflows=workflows, activities=activities, max_cached_workflows=0):
        given = ImportInput(org_id=UUID(int=1), import_id=UUID(int=2))
        imported = await client.start_workflow(ContactImport.run, given, id=f"{queue}-import", task_queue=queue)
        await imported.result()
        sweeper = SweeperInput(part="signals", interval=timedelta(seconds=1))
        recorder = RecorderInput(shard=0, shards=1)
        swept = await client.start_workflow(Sweeper.run, sweeper, id=f"{queue}-sweeper", task_queue=queue)
        recorded = await client.start_workflow(ClickRecorder.run, recorder, id=f"{queue}-recorder", task_queue=queue)
        runs = {"sweeper": await _until_new_run(client, swept), "click-recorder": await _until_new_run(client, recorded)}
    return {"contact-import": imported, **runs}


async def _until_new_run(client: Client, handle: WorkflowHandle[Any, Any]) -> WorkflowHandle[Any, Any]:
    await asyncio.sleep(1.5)  # one timer fires
    while (await client.get_workflow_handle(handle.id).describe()).run_id == handle.first_execution_run_id:
        await client.get_workflow_handle(handle.id).signal("wake")
        await asyncio.sleep(0.1)
    await client.get_workflow_handle(handle.id).terminate()
    return client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)


class Daily:
    """The activities of the daily upkeep: there is more to remove after the first slice, and dropping fails for good."""

    def __init__(self) -> None:
        self.slices = 0

    @activity.defn
    async def make_partitions(self) -> KeptPartitions:
        return KeptPartitions(names=["click_p2027_01"])

    @activity.defn
    async def retire_clicks(self) -> RetiredClicks:
        self.slices += 1
        return RetiredClicks(clicks=5, more=self.slices == 1)

    @activity.defn
    async def drop_partitions(self) -> KeptPartitions:
        raise ApplicationError("not now", non_retryable=True)


async def upkeep(client: Client) -> Runs:
    queue, fakes = f"daily-{uuid4()}", Daily()
    activities: list[Callable[..., Any]] = [fakes.make_partitions, fakes.retire_clicks, fakes.drop_partitions]
    async with Worker(client, task_queue=queue, workflows=[Upkeep], activities=activities, max_cached_workflows=0):
        kept = await client.start_workflow(Upkeep.run, id=queue, task_queue=queue)
        await kept.result()
    return {"upkeep": kept}


SCENES: tuple[Callable[[Client], Awaitable[Runs]], ...] = (
    clicked,
    timed_out,
    lost_signal,
    stopped,
    moved,
    refused,
    failed,
    new_run,
    campaign,
    endless,
    upkeep,
)


async def main(wanted: set[str]) -> None:
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=temporal_binary(),
        data_converter=DATA_CONVERTER,
        search_attributes=keyword_attributes(),
        dev_server_log_level="error",
        dev_server_extra_args=["--dynamic-config-value", f"limit.historyCount.suggestContinueAsNew={SUGGEST_NEW_RUN_AT}"],
    )
    HISTORIES.mkdir(exist_ok=True)
    async with environment:
        for scene in SCENES:
            for name, handle in (await scene(environment.client)).items():
                if not wanted or name in wanted:
                    history = json.dumps(_without_this_machine((await handle.fetch_history()).to_json_dict()), indent=1)
                    (HISTORIES / f"{name}.json").write_text(history + "\n")
                    print(f"{name}: {len(history):,} bytes")


def _without_this_machine(value: Any) -> Any:
    """Paths in stack traces and names of processes are nobody's business, and replay does not look at them."""
    if isinstance(value, dict):
        return {key: "" if key in {"stackTrace", "identity"} else _without_this_machine(each) for key, each in value.items()}
    return [_without_this_machine(each) for each in value] if isinstance(value, list) else value


if __name__ == "__main__":
    asyncio.run(main(set(sys.argv[1:])))

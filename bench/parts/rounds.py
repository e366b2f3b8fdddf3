"""What `bench enrollments` races: enrollments of the running stack, and bare workflows on the same Temporal server.

Both are driven alike: `start(count)` returns when all wait for their click, `click()` when all have gone on to their end, and
`come_to_rest()` when Temporal has nothing more to do for them.
"""

import asyncio
import itertools
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from bench.parts import rows
from bench.parts.bare import QUEUE
from bench.parts.load import Generator
from bench.parts.processes import ProcessorTime
from demo.client import Consumer
from demo.people import contact_row
from drills.parts.patience import Patience
from models.clicks.inbox import LinkOfRecipient
from models.database import Database
from models.wire.names import enrollment_workflow_id
from settings import Settings
from stack.children.processes import tethered
from stack.session import ROOT, nothing_set_but
from tracking.tokens.token import TokenCodec

STEPS = [
    {"kind": "send", "key": "hello", "channel": "simulator-sms", "message": {"body": "Look: https://example.com/offer"}},
    {"kind": "wait_for_click", "key": "clicked", "timeout": "PT1H", "on_click": "thanks", "on_timeout": "late"},
    {"kind": "send", "key": "thanks", "channel": "simulator-sms", "message": {"body": "Thank you."}, "next": "over"},
    {"kind": "end", "key": "late", "outcome": "timed_out"},
    {"kind": "end", "key": "over"},
]
WAITS = "clicked"
AT_ONCE = 20
"""Calls to Temporal under way, for the bare workflows: as many as the redirect makes for clicks."""
CONNECTIONS = 16
"""Of the browsers, which together click many times faster than the stack goes on."""
OPEN_TASKS = {
    EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
    EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED,
}
LOOK_SECONDS = 0.05
PATIENCE_SECONDS = 300.0


class Runs(Protocol):
    async def start(self, count: int) -> None: ...

    async def click(self) -> None: ...

    async def come_to_rest(self) -> None: ...


@dataclass(frozen=True)
class Round:
    """Seconds until `count` waited, and from the first click until all were over; `processor` has the processor time of each role
    meanwhile, in seconds."""

    count: int
    until_waiting: float
    click_to_end: float
    processor: dict[str, float]

    @property
    def whole(self) -> float:
        return self.until_waiting + self.click_to_end


async def timed(runs: Runs, count: int) -> Round:
    processor = ProcessorTime()
    begin = time.perf_counter()
    await runs.start(count)
    waiting = time.perf_counter()
    await runs.click()
    over = time.perf_counter()
    used = processor.seconds()
    await runs.come_to_rest()
    return Round(count, waiting - begin, over - waiting, used)


@dataclass(frozen=True)
class Shape:
    """What one enrollment costs Temporal, from its history. The Temporal UI shows events and state transitions."""

    workflow_tasks: int
    activities: int
    events: int
    state_transitions: int


class Enrollments:
    """Through the public API, with a click on each one's real link."""

    def __init__(self, settings: Settings, database: Database, client: Client, consumer: Consumer) -> None:
        self._database, self._client, self._consumer = database, client, consumer
        self._redirect = settings.redirect_port
        self._codec = TokenCodec(settings.effective_token_keys)
        self._contacts: list[str] = []
        self._sequence = ""
        self._ids: list[UUID] = []

    async def prepare(self, people: int) -> None:
        """So many contacts, each of whom is enrolled once."""
        rows = [contact_row(number) for number in range(people)]
        created = await self._consumer.post("/contacts/bulk", {"contacts": rows})
        self._contacts = [row["contact_id"] for row in created["results"]]
        self._sequence = (await self._consumer.post("/sequences", {"name": "Benchmark", "steps": STEPS}))["id"]
        await self._consumer.post(f"/sequences/{self._sequence}/publish")

    async def start(self, count: int) -> None:
        contacts = [self._contacts.pop() for _ in range(count)]
        answer = await self._consumer.post(f"/sequences/{self._sequence}/enrollments", {"contact_ids": contacts})
        self._ids = [UUID(each["enrollment_id"]) for each in answer["results"]]
        await _until("enrollments that wait", self._under_way)

    async def click(self) -> None:
        async with self._database.transaction() as session:
            links = await rows.links_of_enrollments(session, self._ids)
        await asyncio.to_thread(self._click, links)
        await _until("enrollments that are over", self._not_over)

    async def come_to_rest(self) -> None:
        await _nothing_runs(self._client, "SequenceEnrollment")

    async def shape(self) -> Shape:
        """Of one more enrollment, which has the stack to itself and is clicked when its workflow is at rest."""
        await self.start(1)
        handle = self._client.get_workflow_handle(enrollment_workflow_id(self._ids[0]))
        await _until("a workflow that waits", lambda: _at_work(handle))
        await self.click()
        await self.come_to_rest()
        info = (await handle.describe()).raw_description.workflow_execution_info
        kinds = [event.event_type async for event in handle.fetch_history_events()]
        return Shape(
            workflow_tasks=kinds.count(EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED),
            activities=kinds.count(EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED),
            events=len(kinds),
            state_transitions=info.state_transition_count,
        )

    def _click(self, links: Sequence[LinkOfRecipient]) -> None:
        tokens = (self._codec.encode(*link).encode() for link in links)
        with Generator(self._redirect, tokens, min(CONNECTIONS, len(links))) as generator:
            generator.flat_out(PATIENCE_SECONDS, most=len(links))
        if generator.errors:
            raise SystemExit(f"{generator.errors} of {len(links)} clicks were not redirected.")

    async def _under_way(self) -> int:
        async with self._database.transaction() as session:
            return len(self._ids) - await rows.enrollments_waiting(session, self._ids, WAITS)

    async def _not_over(self) -> int:
        async with self._database.transaction() as session:
            return len(self._ids) - await rows.enrollments_completed(session, self._ids)


class BareWorkflows:
    """With a worker in a process of its own, which says when all of them wait and when all are over."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._names = (f"bare-{number}" for number in itertools.count())
        self._ids: list[str] = []
        self._worker: Process

    async def start(self, count: int) -> None:
        self._ids = list(itertools.islice(self._names, count))
        await _tell(self._worker, count)
        await _hear(self._worker, "ready")
        await _at_once(self._ids, lambda name: self._client.start_workflow("Bare", id=name, task_queue=QUEUE))
        await _hear(self._worker, "waiting")

    async def click(self) -> None:
        await _at_once(self._ids, lambda name: self._client.get_workflow_handle(name).signal("click"))
        await _hear(self._worker, "over")

    async def come_to_rest(self) -> None:
        await _nothing_runs(self._client, "Bare")

    @asynccontextmanager
    async def with_worker(self) -> AsyncIterator[None]:
        command = tethered([sys.executable, "-m", "bench.parts.bare"])
        address = self._client.service_client.config.target_host
        only = nothing_set_but(TEMPORAL_ADDRESS=address, TEMPORAL_NAMESPACE=self._client.namespace)
        environment = {**os.environ, **only}
        self._worker = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdin=PIPE, stdout=PIPE)
        try:
            await _hear(self._worker, "ready")
            yield
        finally:
            self._worker.terminate()
            await self._worker.wait()


async def _tell(worker: Process, count: int) -> None:
    assert worker.stdin is not None  # noqa: S101 - it is a pipe
    worker.stdin.write(f"{count}\n".encode())
    await worker.stdin.drain()


async def _hear(worker: Process, word: str) -> None:
    assert worker.stdout is not None  # noqa: S101 - it is a pipe
    async with asyncio.timeout(PATIENCE_SECONDS):
        said = (await worker.stdout.readline()).decode().strip()
    if said != word:
        raise SystemExit(f"The bare worker said {said!r} instead of {word!r}.")


async def _at_once(names: Sequence[str], call: Callable[[str], Awaitable[object]]) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> None:
        async with gate:
            await call(name)

    await asyncio.gather(*map(one, names))


async def _at_work(handle: WorkflowHandle[Any, Any]) -> int:
    """Returns 0 when its timer runs and none of its tasks is open."""
    kinds = [event.event_type async for event in handle.fetch_history_events()]
    return int(EventType.EVENT_TYPE_TIMER_STARTED not in kinds or kinds[-1] in OPEN_TASKS)


async def _nothing_runs(client: Client, workflow: str) -> None:
    """Asks Temporal's list, which is written a moment after the fact."""
    query = f"WorkflowType = '{workflow}' AND ExecutionStatus = 'Running'"

    async def running() -> int:
        return (await client.count_workflows(query)).count

    await _until(f"workflows {workflow} that are over", running)


async def _until(what: str, left: Callable[[], Awaitable[int]]) -> None:
    """Returns when none is left. Raises SystemExit when their number stands still for PATIENCE_SECONDS."""
    patience = Patience(PATIENCE_SECONDS)
    while found := await left():
        if patience.is_over(found):
            raise SystemExit(f"{found} are missing of {what}, and nothing has changed for {PATIENCE_SECONDS:.0f} s.")
        await asyncio.sleep(LOOK_SECONDS)

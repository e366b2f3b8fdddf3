"""An enrollment under test: the real workflow, with activities that only remember what they were asked."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from models.sequences.steps.base import Ended, Wait
from models.sequences.steps.definition import SequenceDefinition
from models.wire.clicks import ClickSignal, FindClick, LinkKey
from models.wire.commands import Command
from models.wire.enrollments import (
    EnrollmentInput,
    EnrollmentResult,
    Later,
    Over,
    Plan,
    PlannedStep,
    Rest,
    Sending,
    SentMessage,
    Turn,
    TurnRequest,
    Wake,
)
from models.wire.names import enrollment_workflow_id
from services.published import Published
from workflows.sequence_enrollment import SequenceEnrollment

ORG = UUID(int=1)

SEND: dict[str, Any] = {"kind": "send", "channel": "sms", "message": {"body": "https://example.com"}}


def send(key: str, next: str | None = None) -> dict[str, Any]:
    return {**SEND, "key": key, "next": next}


def wait(key: str, duration: str, next: str | None = None) -> dict[str, Any]:
    return {"kind": "wait", "key": key, "duration": duration, "next": next}


def wait_for_click(key: str, on_click: str, on_timeout: str, timeout: str = "P1D", link: str | None = None) -> dict[str, Any]:
    return {
        "kind": "wait_for_click",
        "key": key,
        "link": link,
        "timeout": timeout,
        "on_click": on_click,
        "on_timeout": on_timeout,
    }


def end(key: str) -> dict[str, Any]:
    """Its outcome is its key."""
    return {"kind": "end", "key": key, "outcome": key}


# Send, wait a day for a click, and end with the name of the branch.
BRANCH = (send("hello"), wait_for_click("wait", "yes", "no"), end("yes"), end("no"))


def link(step_run: int = 1, position: int = 0, step_key: str = "hello", name: str | None = None) -> LinkKey:
    return LinkKey(step_run=step_run, position=position, step_key=step_key, name=name)


def stop(command_id: UUID | None = None) -> Command:
    return Command(command_id=command_id or uuid4(), kind="stop")


def move(step_key: str) -> Command:
    return Command(command_id=uuid4(), kind="move", detail={"step_key": step_key})


def clicked(key: LinkKey) -> ClickSignal:
    return ClickSignal(click_id=uuid4(), link=key)


@dataclass(frozen=True)
class Sent:
    step_run: int
    step_key: str
    previous_outcome: str | None


@dataclass(frozen=True)
class Entered:
    """A wait that the enrollment has come to."""

    step_run: int
    step_key: str
    kind: str
    previous_outcome: str | None


@dataclass(frozen=True)
class Ending:
    """`step_run` is the passage that it left."""

    step_run: int
    state: str
    outcome: str
    previous_outcome: str | None


class Person:
    """Stands for everything outside of one enrollment's workflow: its activity walks the steps and only remembers what it did.

    `during_send` and `during_enter` run inside the activity, by step key: there a test clicks or stops at a known moment.
    `states`: what became of a message, by step key, else accepted. `later`: how often its send is refused for now, by step key.
    `refuse_send`: the send fails for good. `unhurried`: a workflow task may take longer than two seconds, as a long one does on
    a busy machine. `runner`: unsandboxed, so that the workflow sees what a test has changed in `policies`. `crowded`: the channel
    has no place on the workflow's queue. `idle_senders`: nobody works on the queue of the sends.
    """

    def __init__(self, client: Client, *steps: dict[str, Any]) -> None:
        self.client = client
        self.definition = SequenceDefinition.model_validate({"steps": steps})
        self.id = uuid4()
        self.queue = f"enrollment-{self.id}"
        self.send_queue = f"send-{self.id}"
        planned = [
            PlannedStep(key=step.key, kind=step.kind, queue=self.send_queue if step.kind == "send" else None)
            for step in self.definition.steps
        ]
        self.version = Published(self.definition, Plan(name="Sequence", version=1, steps=tuple(planned)), {})
        self.turns: list[TurnRequest] = []
        self.sends: list[Sent] = []
        self.entered: list[Entered] = []
        self.questions: list[FindClick] = []
        self.ends: list[Ending] = []
        self.during_send: dict[str, Callable[[Sent], Awaitable[None]]] = {}
        self.during_enter: dict[str, Callable[[Entered], Awaitable[None]]] = {}
        self.states: dict[str, str] = {}
        self.later: Counter[str] = Counter()
        self.refused_for = timedelta(minutes=5)
        self.in_database: list[LinkKey] = []
        self.refuse_send = False
        self.crowded = False
        self.idle_senders = False
        self.runner: WorkflowRunner = SandboxedWorkflowRunner()
        self.unhurried = False
        self.first_run_id: str | None = None

    @activity.defn
    async def take_turn(self, request: TurnRequest) -> Turn:
        self.turns.append(request)
        if request.end is not None:
            self.ends.append(Ending(request.step_run, request.end.state, request.end.outcome, request.previous_outcome))
            return Turn(step_key=request.step_key, step_run=request.step_run, rest=request.end)
        woken = self._unsignalled(request)
        key, left_by = (woken[0].to, woken[0].outcome) if woken else (request.step_key, request.previous_outcome)
        turn = await self._walk(key, request.step_run, left_by, on_its_queue=request.queue == self.send_queue)
        return turn.model_copy(update={"woken_by": woken[1]}) if woken else turn

    def _unsignalled(self, request: TurnRequest) -> tuple[Wake, LinkKey] | None:
        used = {(key.step_run, key.position) for key in request.used}
        for wake, step_runs in ((each.wake, each.step_runs) for each in request.unless):
            ids = {"org_id": request.org_id, "enrollment_id": request.enrollment_id}
            self.questions.append(FindClick(**ids, step_runs=step_runs, link_name=wake.link, used=request.used))
            for key in self.in_database:
                wanted = key.step_run in step_runs and wake.link in (None, key.name)
                if wanted and (key.step_run, key.position) not in used:
                    return wake, key
        return None

    async def _walk(self, key: str | None, number: int, left_by: str | None, on_its_queue: bool) -> Turn:
        sent: tuple[SentMessage, ...] = ()
        for taken in range(2):
            at = self.definition.walk(key).at
            if isinstance(at, Ended):
                self.ends.append(Ending(number - 1, "completed", at.outcome, left_by))
                rest: Rest = Over(state="completed", outcome=at.outcome)
                return Turn(step_key=None, step_run=number - 1, rest=rest, previous_outcome=left_by, sent=sent)
            here = {"step_key": at.key, "step_run": number, "previous_outcome": left_by}
            if isinstance(at, Wait):
                rest = self.version.waiting(at, activity.info().current_attempt_scheduled_time + at.lasts())
                await self._enter(Entered(number, at.key, at.kind, left_by))
                return Turn(**here, rest=rest, sent=sent)
            if taken or (self.crowded and not on_its_queue):
                return Turn(**here, rest=Sending(queue=self.send_queue, crowded=not taken), sent=sent)
            if (later := await self._refused(at.key)) is not None:
                return Turn(**here, rest=later)
            left_by, sent = await self._send(Sent(number, at.key, left_by))
            key, number = self.definition.following(at.key, at.next), number + 1
        raise AssertionError("two effects in one turn")

    async def _enter(self, entered: Entered) -> None:
        self.entered.append(entered)
        if during := self.during_enter.get(entered.step_key):
            await during(entered)

    async def _refused(self, key: str) -> Later | None:
        if self.refuse_send:
            raise ApplicationError("this content is gone", non_retryable=True)
        if not self.later[key]:
            return None
        self.later[key] -= 1
        return Later(at=activity.info().current_attempt_scheduled_time + self.refused_for, why="refused for now")

    async def _send(self, sent: Sent) -> tuple[str, tuple[SentMessage, ...]]:
        self.sends.append(sent)
        if during := self.during_send.get(sent.step_key):
            await during(sent)
        state = self.states.get(sent.step_key, "sent")
        gone_out = (SentMessage(step_key=sent.step_key, step_run=sent.step_run),) if state in {"sent", "unknown"} else ()
        return state, gone_out

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle_for(SequenceEnrollment.run, enrollment_workflow_id(self.id))

    async def click(self, key: LinkKey) -> None:
        await self.handle.signal(SequenceEnrollment.click, clicked(key))

    async def stop(self, command_id: UUID | None = None) -> None:
        await self.handle.signal(SequenceEnrollment.command, stop(command_id))

    async def move(self, step_key: str) -> None:
        await self.handle.signal(SequenceEnrollment.command, move(step_key))

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """Keeps no workflow in memory: every task replays from the start, and the next worker can go on at once."""
        worker = Worker(
            self.client,
            task_queue=self.queue,
            workflows=[SequenceEnrollment],
            activities=[self.take_turn],
            max_cached_workflows=0,
            workflow_runner=self.runner,
            debug_mode=self.unhurried,
        )
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(worker)
            if not self.idle_senders:
                await stack.enter_async_context(Worker(self.client, task_queue=self.send_queue, activities=[self.take_turn]))
            yield

    async def start(self, **options: Any) -> WorkflowHandle[Any, Any]:
        given = EnrollmentInput(
            org_id=ORG,
            enrollment_id=self.id,
            sequence_id=uuid4(),
            sequence_version_id=uuid4(),
            contact_id=uuid4(),
            plan=self.version.plan,
        )
        workflow_id = enrollment_workflow_id(self.id)
        handle = await self.client.start_workflow(SequenceEnrollment.run, given, id=workflow_id, task_queue=self.queue, **options)
        self.first_run_id = handle.first_execution_run_id
        return handle

    @asynccontextmanager
    async def enrolled(self) -> AsyncIterator[WorkflowHandle[Any, EnrollmentResult]]:
        """The workflow has been started and a worker runs."""
        async with self.worker():
            yield await self.start()

    async def lasted(self) -> timedelta:
        """From the start of the last run to its end, on the server's clock."""
        run = await self.handle.describe()
        assert run.close_time is not None
        return run.close_time - run.start_time

    async def runs(self) -> int:
        """How many runs it took (continue-as-new)."""
        count, run_id = 1, self.first_run_id
        while event := await self._next_run(run_id):
            count, run_id = count + 1, event
        return count

    async def _next_run(self, run_id: str | None) -> str | None:
        history = await self.client.get_workflow_handle(self.handle.id, run_id=run_id).fetch_history()
        return history.events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id or None

    async def outcome(self) -> str:
        """From the start to the end."""
        async with self.enrolled() as handle:
            result: EnrollmentResult = await handle.result()
        return result.outcome

"""An enrollment under test: the real workflow, with activities that only remember what they were asked."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from models import wire
from models.steps import SendStep, SequenceDefinition
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


def link(visit: int = 1, position: int = 0, step_key: str = "hello", name: str | None = None) -> wire.LinkKey:
    return wire.LinkKey(visit=visit, position=position, step_key=step_key, name=name)


def clicked(key: wire.LinkKey) -> wire.ClickSignal:
    return wire.ClickSignal(click_id=uuid4(), link=key)


class Person:
    """Stands for everything outside of one enrollment's workflow. Activities have their real names.

    `during_send` and `during_enter` run inside the activity, by step key: there a test clicks or stops at a known moment.
    `states`: what became of a message, by step key, else accepted. `refuse_send`: the send fails for good.
    `unhurried`: a workflow task may take longer than two seconds, as a long one does on a busy machine.
    `runner`: unsandboxed, so that the workflow sees what a test has changed in `policies`.
    """

    def __init__(self, client: Client, *steps: dict[str, Any]) -> None:
        self.client = client
        self.definition = SequenceDefinition.model_validate({"steps": steps})
        self.id = uuid4()
        self.queue = f"enrollment-{self.id}"
        self.send_queue = f"send-{self.id}"
        self.sends: list[wire.SendStepRequest] = []
        self.entered: list[wire.StepEntered] = []
        self.questions: list[wire.FindClick] = []
        self.ends: list[wire.EnrollmentEnded] = []
        self.during_send: dict[str, Callable[[wire.SendStepRequest], Awaitable[None]]] = {}
        self.during_enter: dict[str, Callable[[wire.StepEntered], Awaitable[None]]] = {}
        self.states: dict[str, str] = {}
        self.in_database: list[wire.LinkKey] = []
        self.refuse_send = False
        self.over_before_start: str | None = None
        self.runner: WorkflowRunner = SandboxedWorkflowRunner()
        self.unhurried = False
        self.first_run_id: str | None = None

    @activity.defn
    async def load_sequence(self, request: wire.LoadSequence) -> wire.LoadedSequence:
        queues = {step.key: self.send_queue for step in self.definition.steps if isinstance(step, SendStep)}
        return wire.LoadedSequence(
            name="Sequence", version=1, definition=self.definition, send_queues=queues, over=self.over_before_start
        )

    @activity.defn
    async def enter_step(self, entered: wire.StepEntered) -> None:
        self.entered.append(entered)
        if during := self.during_enter.get(entered.step_key):
            await during(entered)

    @activity.defn
    async def send_step(self, request: wire.SendStepRequest) -> wire.SendStepResult:
        if self.refuse_send:
            raise ApplicationError("this content is gone", non_retryable=True)
        self.sends.append(request)
        if during := self.during_send.get(request.step_key):
            await during(request)
        return wire.SendStepResult(message_id=uuid4(), state=self.states.get(request.step_key, "accepted"))

    @activity.defn
    async def find_click(self, question: wire.FindClick) -> wire.FoundClick:
        self.questions.append(question)
        used = {(key.visit, key.position) for key in question.used}
        for key in self.in_database:
            wanted = key.visit in question.visits and question.link_name in (None, key.name)
            if wanted and (key.visit, key.position) not in used:
                return wire.FoundClick(signal=clicked(key))
        return wire.FoundClick()

    @activity.defn
    async def end_enrollment(self, ended: wire.EnrollmentEnded) -> None:
        self.ends.append(ended)

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle_for(SequenceEnrollment.run, wire.enrollment_workflow_id(ORG, self.id))

    async def click(self, key: wire.LinkKey) -> None:
        await self.handle.signal(SequenceEnrollment.click, clicked(key))

    async def stop(self, reason: str = "enough") -> None:
        await self.handle.signal(SequenceEnrollment.stop, wire.StopSignal(reason=reason))

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """Keeps no workflow in memory: every task replays from the start, and the next worker can go on at once."""
        activities: list[Callable[..., Any]] = [self.load_sequence, self.enter_step, self.find_click, self.end_enrollment]
        worker = Worker(
            self.client,
            task_queue=self.queue,
            workflows=[SequenceEnrollment],
            activities=activities,
            max_cached_workflows=0,
            workflow_runner=self.runner,
            debug_mode=self.unhurried,
        )
        async with worker, Worker(self.client, task_queue=self.send_queue, activities=[self.send_step]):
            yield

    async def start(self, **options: Any) -> WorkflowHandle[Any, Any]:
        given = wire.EnrollmentInput(
            org_id=ORG, enrollment_id=self.id, sequence_id=uuid4(), sequence_version_id=uuid4(), contact_id=uuid4()
        )
        workflow_id = wire.enrollment_workflow_id(ORG, self.id)
        handle = await self.client.start_workflow(SequenceEnrollment.run, given, id=workflow_id, task_queue=self.queue, **options)
        self.first_run_id = handle.first_execution_run_id
        return handle

    @asynccontextmanager
    async def enrolled(self) -> AsyncIterator[WorkflowHandle[Any, wire.EnrollmentResult]]:
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
            result: wire.EnrollmentResult = await handle.result()
        return result.outcome

"""The pure part of an enrollment's workflow: from a state and the time to the next turn, and from a turn's answer to the next
state.

At a rest, causes are looked for in this order: an open command, a click that ends the wait, the due time. A stop ends every rest,
and a move every one but that of a message which is to be sent now. Nothing here knows Temporal, so that
`tests/workflows/test_enrollment_loop.py` can drive it against a plain model.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from models.wire.clicks import ClickSignal
from models.wire.commands import Command
from models.wire.enrollments import (
    MOVED,
    EnrollmentInput,
    EnrollmentProgress,
    Later,
    Over,
    Plan,
    Sending,
    Turn,
    TurnRequest,
    Unless,
    Waiting,
)
from workflows import click_memory

SEEN_COMMANDS = 100
"""How many ids of commands are remembered. A command is delivered again within minutes, and nobody gives a hundred in that
time."""

LOOK_AGAIN = "look_again"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

STOPPED = Over(state="stopped", outcome="stopped by request")
"""The reason of a stop is in the enrollment's row: it can be about a person, and Temporal keeps its histories."""


@dataclass(frozen=True)
class NextTurn:
    """What to ask the activity, and the state while it works."""

    request: TurnRequest
    progress: EnrollmentProgress


def first(plan: Plan) -> EnrollmentProgress:
    return EnrollmentProgress(step_key=plan.steps[0].key, step_run=1, rest=Sending(queue=plan.steps[0].queue))


def hear_click(progress: EnrollmentProgress, plan: Plan, clicked: ClickSignal) -> EnrollmentProgress:
    """Adds a click, unless it is on a message that cannot have been sent yet. A turn that is under way may have sent some steps
    further on."""
    ahead = len(plan.steps) if isinstance(progress.rest, Sending) else 0
    if clicked.link.step_run > progress.step_run + ahead:
        return progress
    return progress.model_copy(update={"clicks": click_memory.click(progress.clicks, clicked.link)})


def knows(command: Command, plan: Plan) -> bool:
    """Whether it is a stop, a wish to look again, or a move to a step that there is."""
    return command.kind in ("stop", LOOK_AGAIN) or (
        command.kind == "move" and plan.step(command.detail.get("step_key")) is not None
    )


def hear_command(progress: EnrollmentProgress, plan: Plan, command: Command) -> EnrollmentProgress:
    """Adds a command. Each id counts once. One that this version or this plan does not know is remembered and does nothing."""
    if command.command_id in progress.seen:
        return progress
    seen = (*progress.seen, command.command_id)[-SEEN_COMMANDS:]
    if command.kind == LOOK_AGAIN:
        return _look_again(progress.model_copy(update={"seen": seen}), plan)
    commands = (*progress.commands, command) if knows(command, plan) else progress.commands
    return progress.model_copy(update={"seen": seen, "commands": commands})


def _look_again(progress: EnrollmentProgress, plan: Plan) -> EnrollmentProgress:
    """A step that is to be taken later is to be taken now. A turn that is under way may come back with such a step, because it
    looked before."""
    if progress.ending is not None:
        return progress
    if isinstance(progress.rest, Later):
        return progress.model_copy(update={"rest": Sending(queue=plan.queue_of(progress.step_key))})
    return progress.model_copy(update={"looks_again": isinstance(progress.rest, Sending)})


def is_stopped(progress: EnrollmentProgress) -> bool:
    """A stop goes before everything else that is open."""
    return any(command.kind == "stop" for command in progress.commands)


def due_at(progress: EnrollmentProgress) -> datetime | None:
    """Returns when the rest is over by itself. None means that it is over now, or that it is the last one."""
    match progress.rest:
        case Waiting(due_at=moment) | Later(at=moment):
            return moment
        case _:
            return None


def next_turn(start: EnrollmentInput, progress: EnrollmentProgress, now: datetime) -> NextTurn | None:
    """Returns the next turn, or None when there is no cause to go on yet."""
    if progress.ending is None and is_stopped(progress):
        return end_turn(start, progress, STOPPED)
    rest = progress.rest
    if progress.ending is not None:
        is_due = not isinstance(rest, Later) or rest.at <= now
        return end_turn(start, progress, progress.ending) if is_due else None
    if isinstance(rest, Waiting | Later) and progress.commands:
        return _move(start, progress, progress.commands[0])
    if isinstance(rest, Sending) or (isinstance(rest, Later) and rest.at <= now):
        return _turn(start, progress, progress.step_key, progress.step_run, progress.previous_outcome)
    if isinstance(rest, Waiting):
        for wake in rest.wakes:
            if found := click_memory.match(progress.clicks, wake.link):
                woken = progress.model_copy(update={"clicks": click_memory.use(progress.clicks, found)})
                return _turn(start, woken, wake.to, progress.step_run + 1, wake.outcome)
        if rest.due_at <= now:
            unless = tuple(_unless(progress, rest))
            return _turn(start, progress, rest.to, progress.step_run + 1, rest.outcome, unless)
    return None


def _move(start: EnrollmentInput, progress: EnrollmentProgress, command: Command) -> NextTurn:
    """Moves are obeyed in the order in which they came. No stop is open, so every open command is a move."""
    obeyed = progress.model_copy(update={"commands": progress.commands[1:]})
    return _turn(start, obeyed, command.detail["step_key"], progress.step_run + 1, MOVED)


def _unless(progress: EnrollmentProgress, rest: Waiting) -> list[Unless]:
    """Asks the database for clicks before a wait gives them up, because the database is the truth and a signal can be late."""
    asked = [Unless(wake=wake, step_runs=click_memory.waited_step_runs(progress.clicks, wake.link)) for wake in rest.wakes]
    return [each for each in asked if each.step_runs]


def _turn(
    start: EnrollmentInput,
    progress: EnrollmentProgress,
    key: str | None,
    step_run: int,
    previous_outcome: str | None,
    unless: tuple[Unless, ...] = (),
) -> NextTurn:
    sending = Sending(queue=start.plan.queue_of(key), crowded=isinstance(progress.rest, Sending) and progress.rest.crowded)
    request = TurnRequest(
        org_id=start.org_id,
        enrollment_id=start.enrollment_id,
        sequence_version_id=start.sequence_version_id,
        step_run=step_run,
        step_key=key,
        queue=sending.queue if sending.crowded else None,
        previous_outcome=previous_outcome,
        unless=unless,
        used=progress.clicks.used if unless else (),
    )
    moving = {"step_key": key, "step_run": step_run, "previous_outcome": previous_outcome, "rest": sending}
    return NextTurn(request, progress.model_copy(update=moving))


def end_turn(start: EnrollmentInput, progress: EnrollmentProgress, over: Over) -> NextTurn:
    """Ends the enrollment where it stands. This turn has the workflow's own queue, so that it waits for no channel."""
    request = TurnRequest(
        org_id=start.org_id,
        enrollment_id=start.enrollment_id,
        sequence_version_id=start.sequence_version_id,
        step_run=progress.step_run,
        step_key=progress.step_key,
        previous_outcome=over.state,
        end=over,
    )
    return NextTurn(request, progress.model_copy(update={"ending": over}))


def after(progress: EnrollmentProgress, turn: Turn) -> EnrollmentProgress:
    """Returns the state at the rest to which the turn came."""
    clicks = progress.clicks
    if turn.woken_by is not None:
        clicks = click_memory.use(clicks, turn.woken_by)
    for sent in turn.sent:
        clicks = click_memory.message_sent(clicks, sent.step_key, sent.step_run)
    clicks = click_memory.forget_after(clicks, turn.step_run)
    moved = {name: getattr(turn, name) for name in ("step_key", "step_run", "rest", "previous_outcome")}
    if progress.looks_again and progress.ending is None and isinstance(turn.rest, Later):
        moved["rest"] = turn.rest.model_copy(update={"at": LONG_AGO})
    return progress.model_copy(update={**moved, "clicks": clicks, "looks_again": False})

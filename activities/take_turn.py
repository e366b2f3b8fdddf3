"""Takes one turn of an enrollment: from where it stands through decisions and effects to its next rest.

Whatever kills a turn, the next attempt goes on from the rows: a passage that has been left is not gone through again.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import structlog
from temporalio import activity

from activities.bugs import bugs_end
from activities.places import SEND_PLACES, Places
from activities.steps.base import Done, Elsewhere, Here, MustEnd, StopAsked
from activities.steps.registry import Effects
from activities.write_passed import write_passed
from models.base import now
from models.database import Database
from models.messages import ledger
from models.sequences import standing
from models.sequences.enrollment import Enrollment
from models.sequences.progress import End, Move, Passage, close_enrollment, move
from models.sequences.steps.base import Effect, Ended, Wait
from models.sequences.steps.definition import Arrival
from models.wire.clicks import FindClick, LinkKey
from models.wire.enrollments import MOVED, Later, Over, Rest, Sending, SentMessage, Turn, TurnRequest, Waiting, Wake
from services.clicks.find_click import find_click
from services.effects.hints import Hints
from services.process.crashpoint import crashpoint
from services.published import Published, PublishedVersions

STOPPED = Over(state="stopped", outcome="stopped by request")
"""What Temporal knows of a stop. The reason is in the enrollment's row."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Woken:
    """The wait was left by a click that nobody signalled."""

    wake: Wake
    link: LinkKey


class TakeTurn:
    def __init__(
        self,
        database: Database,
        versions: PublishedVersions,
        effects: Effects,
        hints: Hints | None = None,
        places: Places | None = None,
        channel_places: Places | None = None,
    ) -> None:
        """Without `hints`, the sweepers start and stop what instant effects have enrolled and asked to stop. `places` are those
        of kinds of channels on the workflows' queue, and `channel_places` those of each channel on the queue of its kind; by
        default there are as many as in `activities/places.py`."""
        self._database = database
        self._versions = versions
        self._effects = effects
        self._hints = hints
        self._places = places or Places()
        self._channel_places = channel_places or Places(SEND_PLACES)

    @activity.defn
    async def take_turn(self, request: TurnRequest) -> Turn:
        """It is safe to repeat."""
        async with bugs_end(request.step_key) as place:
            if request.end is not None:  # an end needs no version, which perhaps cannot be read
                return await self._end(request, request.end)
            version = await self._versions.get(request.sequence_version_id)
            if request.previous_outcome == MOVED:
                await self._close_left_message(request)
            woken = await self._unsignalled(request)
            if woken is not None:
                follows = {"step_key": woken.wake.to, "previous_outcome": woken.wake.outcome}
                request = request.model_copy(update=follows)
                place.step_key = request.step_key
            try:
                turn = await self._go_on(request, version)
            except Elsewhere:
                turn = await self._where_it_stands(request, version)
            except StopAsked:
                return await self._end(request, STOPPED)
            if woken is None or not await self._may_be_left_by(request, woken.wake.outcome):
                return turn
            return turn.model_copy(update={"woken_by": woken.link})

    async def _close_left_message(self, request: TurnRequest) -> None:
        """A message that was refused for now is not tried again when somebody moves the enrollment away from its step."""
        async with self._database.transaction() as session:
            await ledger.close_passage(session, request.enrollment_id, request.step_run - 1)

    async def _unsignalled(self, request: TurnRequest) -> Woken | None:
        """Asks the rows for a click on what a wait waited for, in case its signal is late or lost, or the click is held."""
        for unless in request.unless:
            question = FindClick(
                org_id=request.org_id,
                enrollment_id=request.enrollment_id,
                step_runs=unless.step_runs,
                link_name=unless.wake.link,
                used=request.used,
            )
            async with self._database.transaction() as session:
                found = await find_click(session, question)
            if found.signal is not None and await self._may_be_left_by(request, unless.wake.outcome):
                return Woken(unless.wake, found.signal.link)
        return None

    async def _may_be_left_by(self, request: TurnRequest, outcome: str) -> bool:
        """Whether the passage before this turn was left with this outcome, or is not left yet. Another attempt may have left it
        otherwise, even to the same step, and then the rows decide."""
        async with self._database.transaction() as session:
            left = await standing.left_by(session, request.enrollment_id, request.step_run - 1)
        return left in (None, outcome)

    async def _go_on(self, request: TurnRequest, version: Published) -> Turn:
        """Takes at most one effect that has a channel's queue, and those that take no time before and after it. What was written
        before a message is committed when the message is composed."""
        with ExitStack() as held:
            return await self._go_on_with(held, request, version)

    async def _go_on_with(self, held: ExitStack, request: TurnRequest, version: Published) -> Turn:
        """The channel's place, if the turn needs one, is `held` until the turn is over."""
        here, arrival = _arrive(request, version, request.step_key, request.step_run, request.previous_outcome)
        sent: list[SentMessage] = []
        done: Done | None = None
        while isinstance(step := arrival.at, Effect) and self._is_ours(step, request, version, done, held):
            if done is not None or here.has_effects:
                await self._come_to(here, arrival, done)
            answer = await self._take(here, step)
            if isinstance(answer, MustEnd):
                return await self._end(request, STOPPED)
            if isinstance(answer, Later):
                return _turn(here, step.key, answer, sent)
            done = answer
            sent += [done.sent] if done.sent else []
            following = version.definition.following(step.key, step.next)
            here, arrival = _arrive(request, version, following, here.number + 1, done.outcome)
        rest = await self._come_to(here, arrival, done)
        crashpoint("turn_recorded")
        return _turn(here, None if isinstance(arrival.at, Ended) else arrival.at.key, rest, sent)

    async def _take(self, here: Here, step: Effect) -> Done | Later | MustEnd:
        """Does the effect, unless this is the queue of its kind of channel and its channel has no free place there. Then the step
        is entered, from when on its time counts."""
        if here.request.queue is None or step.key not in here.version.texts:
            return await self._effects.doing[step.kind].take(here, step)
        channel_id, places = here.version.text(step.key).channel.id, self._channel_places
        if places.has_free(channel_id):
            with places.hold(channel_id):
                return await self._effects.doing[step.kind].take(here, step)
        async with self._database.transaction() as session:
            await here.enter(session, await standing.lock(session, here.request.enrollment_id, here.number), step)
        return Later(at=places.wait_for(channel_id), why="other messages hold all places of the channel")

    def _is_ours(self, step: Effect, request: TurnRequest, version: Published, done: Done | None, held: ExitStack) -> bool:
        """Whether this turn takes the step: the step takes no time, or it is the first one, and this is its channel's queue or
        the workflows', where the channel has a free place."""
        queue = version.plan.queue_of(step.key)
        if queue is None or done is not None:
            return queue is None
        if request.queue is None and self._places.has_free(queue):
            held.enter_context(self._places.hold(queue))
            return True
        return queue == request.queue

    async def _come_to(self, here: Here, arrival: Arrival, done: Done | None) -> Rest:
        """Writes, in one transaction, what the effect before led to, the instant effects on the way, and where the enrollment
        stands now. Raises `Elsewhere`, or `StopAsked` when it stands at the first instant effect and must not go on."""
        at = arrival.at
        rest = _rest(here, arrival, done)
        due_at = rest.due_at if isinstance(rest, Waiting) else None
        last = [] if isinstance(at, Ended) else [Passage(here.number, at.key, at.kind, due_at)]
        end = End(rest.state, rest.outcome) if isinstance(rest, Over) else None
        begin = self._database.transaction if here.has_effects else self._database.statement
        async with begin() as session:
            enrollment = await standing.lock_with_contact(session, here.request.enrollment_id) if here.has_effects else None
            written = await write_passed(session, self._effects.writing, here, enrollment)
            onward = Move(here.request.enrollment_id, here.came_from, here.left_by, [*written.passed, *last], end)
            onward = onward if written.goes_on else replace(onward, entered=written.passed, end=None)
            moved = await move(session, onward, done.result if done is not None else None)
            crashpoint("turn_effects_written")
        if not written.goes_on:
            raise StopAsked
        if not moved:
            raise Elsewhere
        if self._hints is not None and written.has_hints:
            crashpoint("turn_effects_committed")
            await self._hints.give(written.enrollments, written.commands, notified=written.notified)
        if isinstance(rest, Over):
            _log_end(here.request, rest)
        return rest

    async def _where_it_stands(self, request: TurnRequest, version: Published) -> Turn:
        """Another attempt at this turn has gone on, or the enrollment was ended. The rows say how far it is."""
        async with self._database.transaction() as session:
            enrollment = await session.get_one(Enrollment, request.enrollment_id)
            sent = await standing.sent_since(session, enrollment.id, request.step_run)
            left = await standing.left_by(session, enrollment.id, enrollment.step_run - 1)
        return Turn(
            step_key=enrollment.step_key,
            step_run=enrollment.step_run,
            rest=_standing(enrollment, version),
            previous_outcome=left,
            sent=tuple(SentMessage(step_key=key, step_run=number) for key, number in sent),
        )

    async def _end(self, request: TurnRequest, over: Over) -> Turn:
        """Ends the row at once. If a message may still be being sent, it is waited for, because it is closed when its channel
        refuses it for now. If its sending was interrupted, the sweeper of the rows asks what became of it."""
        async with self._database.transaction() as session:
            if await close_enrollment(session, request.enrollment_id, over.state, over.outcome):
                _log_end(request, over)
            else:
                await ledger.close_messages(session, request.enrollment_id, None)
            ended = await session.get_one(Enrollment, request.enrollment_id)
            until = await ledger.sending_until(session, request.enrollment_id)
        rest: Rest = over if ended.state == over.state else _over(ended)
        if until is not None:
            rest = Later(at=until, why="a message may still be being sent")
        return Turn(step_key=ended.step_key, step_run=ended.step_run, rest=rest, previous_outcome=over.state)


def _arrive(request: TurnRequest, version: Published, key: str | None, number: int, left_by: str | None) -> tuple[Here, Arrival]:
    """Goes through decisions and instant effects from the step `key` in the passage `number`."""
    arrival = version.definition.walk(key)
    following = [*(each.step.key for each in arrival.passed[1:]), None if isinstance(arrival.at, Ended) else arrival.at.key]
    passed = [
        Passage(number + place, each.step.key, each.step.kind, outcome=each.outcome, to=to)
        for place, (each, to) in enumerate(zip(arrival.passed, following, strict=False))
    ]
    return Here(request, version, number + len(passed), left_by, passed), arrival


def _rest(here: Here, arrival: Arrival, done: Done | None) -> Rest:
    """A turn on the workflows' queue that has done nothing yet found no place for the channel."""
    match arrival.at:
        case Ended(outcome=outcome):
            return Over(state="completed", outcome=outcome)
        case Wait():
            return here.version.waiting(arrival.at, now() + arrival.at.lasts())
        case _:
            return Sending(queue=here.version.plan.queue_of(arrival.at.key), crowded=done is None)


def _standing(enrollment: Enrollment, version: Published) -> Rest:
    if enrollment.finished_at is not None:
        return _over(enrollment)
    if enrollment.step_key is None:
        return Sending(queue=None)
    step = version.definition.step(enrollment.step_key)
    if isinstance(step, Wait):
        return version.waiting(step, enrollment.due_at or now())
    return Sending(queue=version.plan.queue_of(step.key))


def _over(enrollment: Enrollment) -> Over:
    if enrollment.state == "stopped":
        return STOPPED
    return Over(state="failed" if enrollment.state == "failed" else "completed", outcome=enrollment.outcome or "")


def _turn(here: Here, key: str | None, rest: Rest, sent: Sequence[SentMessage]) -> Turn:
    number = here.number - 1 if key is None else here.number
    return Turn(step_key=key, step_run=number, rest=rest, previous_outcome=here.left_by, sent=tuple(sent))


def _log_end(request: TurnRequest, over: Over) -> None:
    """The outcome, which can quote somebody, is in the row."""
    write = log.warning if over.state == "failed" else log.info
    write("enrollment ended", state=over.state, enrollment_id=str(request.enrollment_id), organization_id=str(request.org_id))

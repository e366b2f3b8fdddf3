"""The pure loop against a plain model: whatever comes, in whatever order and however often, each rest ends for the right
cause."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from models.wire.clicks import ClickSignal, LinkKey
from models.wire.commands import Command
from models.wire.enrollments import (
    EnrollmentInput,
    EnrollmentProgress,
    Later,
    Over,
    Plan,
    PlannedStep,
    Rest,
    Sending,
    SentMessage,
    Turn,
    Waiting,
    Wake,
)
from workflows import enrollment_loop as loop

NAMES = (None, "offer")  # by position
PLAN = Plan(
    name="Sequence",
    version=1,
    steps=(
        PlannedStep(key="hello", kind="send", queue="sms"),
        PlannedStep(key="wait", kind="wait_for_click"),
        PlannedStep(key="again", kind="send", queue="email"),
        PlannedStep(key="more", kind="wait_for_click"),
        PlannedStep(key="pause", kind="wait"),
    ),
)
START = EnrollmentInput(
    org_id=UUID(int=1),
    enrollment_id=UUID(int=2),
    sequence_id=UUID(int=3),
    sequence_version_id=UUID(int=4),
    contact_id=UUID(int=5),
    plan=PLAN,
)
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
# hello → wait for any click → again → wait for "offer" → pause → hello, and so on; no click leads on as well.
WAITS = {
    "wait": (Wake(link=None, to="again", outcome="clicked"), "pause"),
    "more": (Wake(link="offer", to="hello", outcome="clicked"), "pause"),
    "pause": (None, "hello"),
}
AFTER_SEND = {"hello": "wait", "again": "more"}


class AgainstPlainModel(RuleBasedStateMachine):
    """`sent` are the messages that have gone out: (passage, step). `clicked` and `used` are links as (passage, position).
    Nothing is ever forgotten, and what should come next is worked out each time."""

    def __init__(self) -> None:
        super().__init__()
        self.progress = loop.first(PLAN)
        self.now = NOON
        self.sent: list[tuple[int, str]] = []
        self.clicked: set[tuple[int, int]] = set()
        self.used: set[tuple[int, int]] = set()
        self.stopped = False
        self.moves: list[str] = []
        self.commands: list[Command] = []
        self.ended = False

    @property
    def rest(self) -> object:
        return self.progress.rest

    def eligible(self, link: str | None) -> list[tuple[int, int]]:
        newest = {step: number for number, step in self.sent}
        last = self.sent[-1][0] if self.sent else None
        numbers = set(newest.values()) if link else {last}
        fitting = [each for each in self.clicked - self.used if each[0] in numbers and link in (None, NAMES[each[1]])]
        return sorted(fitting)

    @precondition(lambda self: self.sent and not self.ended)
    @rule(data=st.data(), position=st.integers(0, 1), times=st.integers(1, 3))
    def click(self, data: st.DataObject, position: int, times: int) -> None:
        number, step = data.draw(st.sampled_from(self.sent))
        key = LinkKey(step_run=number, position=position, step_key=step, name=NAMES[position])
        for _ in range(times):
            self.progress = loop.hear_click(self.progress, PLAN, ClickSignal(click_id=uuid4(), link=key))
        self.clicked.add((number, position))

    @rule()
    def click_on_nothing(self) -> None:
        """A message of a passage that is far ahead: nobody can have it."""
        key = LinkKey(step_run=self.progress.step_run + 50, position=0, step_key="hello")
        before = self.progress
        self.progress = loop.hear_click(self.progress, PLAN, ClickSignal(click_id=uuid4(), link=key))
        assert self.progress == before

    @rule(command=st.sampled_from([("pause", {}), ("dance", {"step_key": "wait"}), ("move", {}), ("move", {"step_key": "gone"})]))
    def command_that_is_not_known(self, command: tuple[str, dict[str, str]]) -> None:
        self.commands.append(Command(command_id=uuid4(), kind=command[0], detail=command[1]))
        before = self.progress
        self.progress = loop.hear_command(self.progress, PLAN, self.commands[-1])
        assert self.progress.model_copy(update={"seen": before.seen}) == before

    @precondition(lambda self: self.commands)
    @rule(data=st.data())
    def a_command_comes_again(self, data: st.DataObject) -> None:
        again = data.draw(st.sampled_from(self.commands[-loop.SEEN_COMMANDS :]))
        before = self.progress
        self.progress = loop.hear_command(self.progress, PLAN, again)
        assert self.progress == before

    @precondition(lambda self: not self.ended)
    @rule(step=st.sampled_from(PLAN.steps))
    def move(self, step: PlannedStep) -> None:
        self.commands.append(Command(command_id=uuid4(), kind="move", detail={"step_key": step.key}))
        self.progress = loop.hear_command(self.progress, PLAN, self.commands[-1])
        self.moves.append(step.key)

    @rule(chance=st.integers(0, 9))
    def stop(self, chance: int) -> None:
        if chance == 0:
            self.commands.append(Command(command_id=uuid4(), kind="stop"))
            self.progress = loop.hear_command(self.progress, PLAN, self.commands[-1])
            self.stopped = True

    @rule(hours=st.integers(1, 30))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def continue_as_new(self) -> None:
        self.progress = EnrollmentProgress.model_validate_json(self.progress.model_dump_json())

    @precondition(lambda self: not self.ended)
    @rule(outcome=st.sampled_from(["sent", "sent", "skipped", "later", "crowded"]), interrupted=st.booleans())
    def go_on(self, outcome: str, interrupted: bool) -> None:
        """One look at the causes, and the turn that they lead to, if any."""
        before = self.progress
        turn = loop.next_turn(START, before, self.now)
        if self.stopped:
            self._must_end(before, turn, interrupted)
        elif self.moves and not isinstance(before.rest, Sending):
            self._must_move(before, turn, outcome)
        elif isinstance(before.rest, Waiting):
            self._must_leave_the_wait(before, before.rest, turn, outcome)
        elif isinstance(before.rest, Later) and before.rest.at > self.now:
            assert turn is None
        else:
            assert turn is not None
            assert (turn.request.step_key, turn.request.step_run) == (before.step_key, before.step_run)
            self._take(turn, outcome)

    def _must_end(self, before: EnrollmentProgress, turn: loop.NextTurn | None, interrupted: bool) -> None:
        if before.ending is not None and isinstance(before.rest, Later) and before.rest.at > self.now:
            assert turn is None
            return
        assert turn is not None
        assert turn.request.end == loop.STOPPED
        assert turn.request.queue is None
        waits = interrupted and before.ending is None
        rest = Later(at=self.now + timedelta(minutes=1), why="interrupted") if waits else loop.STOPPED
        answer = Turn(step_key=before.step_key, step_run=before.step_run, rest=rest)
        self.progress = loop.after(turn.progress, answer)
        self.ended = isinstance(rest, Over)

    def _must_move(self, before: EnrollmentProgress, turn: loop.NextTurn | None, outcome: str) -> None:
        """Before clicks and the due time, one move after the other, and no click is used up."""
        assert turn is not None
        asked = (turn.request.step_key, turn.request.step_run, turn.request.previous_outcome, turn.request.unless)
        assert asked == (self.moves.pop(0), before.step_run + 1, "moved", ())
        assert turn.progress.clicks == before.clicks
        self._take(turn, outcome)

    def _must_leave_the_wait(self, before: EnrollmentProgress, rest: Waiting, turn: loop.NextTurn | None, outcome: str) -> None:
        wake, over = WAITS[before.step_key or ""]
        found = self.eligible(wake.link) if wake else []
        if wake is not None and found:
            assert turn is not None
            assert (turn.request.step_key, turn.request.previous_outcome) == (wake.to, "clicked")
            self.used.add(found[0])
        elif rest.due_at <= self.now:
            assert turn is not None
            assert turn.request.step_key == over
            asked = {number for unless in turn.request.unless for number in unless.step_runs}
            assert asked <= {number for number, _ in self.sent}
            assert bool(asked) == bool(wake is not None and self.sent)
        else:
            assert turn is None
            return
        assert turn.request.step_run == before.step_run + 1
        self._take(turn, outcome)

    def _take(self, turn: loop.NextTurn, outcome: str) -> None:
        """As the activity does: a send is done, then comes the wait after it; a wait is entered."""
        key, number = turn.request.step_key or "", turn.request.step_run
        crowded = isinstance(self.progress.rest, Sending) and self.progress.rest.crowded
        assert turn.request.queue == (PLAN.queue_of(key) if crowded else None)
        if outcome == "crowded" and not crowded and key in AFTER_SEND:
            rest: Rest = Sending(queue=PLAN.queue_of(key), crowded=True)
            answer = Turn(step_key=key, step_run=number, rest=rest, previous_outcome=turn.request.previous_outcome)
            self.progress = loop.after(turn.progress, answer)
            return
        sent: tuple[SentMessage, ...] = ()
        left_by = turn.request.previous_outcome
        if key in AFTER_SEND:
            if outcome == "later":
                later = Later(at=self.now + timedelta(hours=1), why="busy")
                self.progress = loop.after(turn.progress, Turn(step_key=key, step_run=number, rest=later))
                return
            if outcome == "sent":
                self.sent.append((number, key))
                sent = (SentMessage(step_key=key, step_run=number),)
            key, number, left_by = AFTER_SEND[key], number + 1, outcome
        wake, over = WAITS[key]
        rest = Waiting(due_at=self.now + timedelta(days=1), to=over, outcome="over", wakes=(wake,) if wake else ())
        answer = Turn(step_key=key, step_run=number, rest=rest, sent=sent, previous_outcome=left_by)
        self.progress = loop.after(turn.progress, answer)

    @invariant()
    def the_state_is_bounded(self) -> None:
        assert len(self.progress.seen) <= loop.SEEN_COMMANDS
        links = len(AFTER_SEND) * len(NAMES)
        assert len(self.progress.clicks.clicked) + len(self.progress.clicks.used) <= links

    @invariant()
    def an_open_stop_is_a_cause_at_every_rest(self) -> None:
        if self.stopped and self.progress.ending is None and not self.ended:
            turn = loop.next_turn(START, self.progress, self.now)
            assert turn is not None
            assert turn.request.end is not None

    @invariant()
    def a_rest_that_is_not_over_has_an_end(self) -> None:
        if not self.ended and not isinstance(self.progress.rest, Sending | Over):
            assert loop.due_at(self.progress) is not None


TestAgainstPlainModel = AgainstPlainModel.TestCase
TestAgainstPlainModel.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)


def test_a_message_that_an_effect_sent_further_on_can_be_clicked_before_the_turn_has_answered() -> None:
    progress = loop.first(PLAN)
    key = LinkKey(step_run=2, position=0, step_key="again")
    progress = loop.hear_click(progress, PLAN, ClickSignal(click_id=uuid4(), link=key))
    assert progress.clicks.clicked == (key,)
    answer = Turn(step_key="hello", step_run=1, rest=Later(at=NOON, why="busy"))
    assert loop.after(progress, answer).clicks.clicked == ()


def test_a_channel_that_goes_on_ends_the_wait_for_it() -> None:
    later = Later(at=NOON + timedelta(hours=1), why="the channel is paused")
    waiting = loop.first(PLAN).model_copy(update={"rest": later})
    assert loop.next_turn(START, waiting, NOON) is None
    told = loop.hear_command(waiting, PLAN, look_again())
    turn = loop.next_turn(START, told, NOON)
    assert turn is not None
    assert (turn.request.step_key, turn.request.step_run) == (waiting.step_key, 1)


def test_a_channel_that_goes_on_during_a_turn_counts_for_what_the_turn_found() -> None:
    told = loop.hear_command(loop.first(PLAN), PLAN, look_again())
    later = Later(at=NOON + timedelta(hours=1), why="the channel is paused")
    after = loop.after(told, Turn(step_key=told.step_key, step_run=1, rest=later))
    assert loop.next_turn(START, after, NOON) is not None
    once = loop.after(after, Turn(step_key=told.step_key, step_run=1, rest=later))
    assert loop.next_turn(START, once, NOON) is None


def test_a_channel_that_goes_on_ends_no_other_wait() -> None:
    waiting = loop.first(PLAN).model_copy(update={"rest": Waiting(due_at=NOON + timedelta(hours=1), to=None, outcome="waited")})
    told = loop.hear_command(waiting, PLAN, look_again())
    assert loop.next_turn(START, told, NOON) is None
    assert loop.due_at(told) == NOON + timedelta(hours=1)


def look_again() -> Command:
    return Command(command_id=uuid4(), kind="look_again")

"""Did everybody get what the sequence promised, once, and nothing after a stop? A function of what was answered, what is on the
phones, and what the rows say afterwards. What triggers did is judged by `_trigger_checker.py`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from drills.parts.enrollments.people import BYE, HELLO, THANKS
from drills.parts.rows import Received
from drills.parts.triggers.checker import Listener, TriggerVerdict, judge_triggers

ON_ITS_WAY = {"planned", "sending"}
SENT = {"accepted", "unknown"}


@dataclass(frozen=True)
class Journey:
    """One enrollment. `state` and the states of its messages by step are those of the rows at the end. `told` is how often the
    team is told of it, which is once when its person was thanked. `clicked_at` and `stopped_at` are when the person's click and
    the stop were answered. `stop_unanswered` says that a request to stop got no answer, and may count all the same. A click
    counts when it comes within `patience` after the first message; a later one may lose against the end of the wait."""

    id: UUID
    state: str
    messages: Mapping[str, Sequence[str]] = field(default_factory=dict)
    received: Sequence[Received] = ()
    told: int = 0
    clicked_at: datetime | None = None
    stopped_at: datetime | None = None
    stop_unanswered: bool = False
    patience: timedelta = timedelta(0)

    @property
    def is_over(self) -> bool:
        return self.state in {"completed", "stopped", "failed"} and not ON_ITS_WAY & {*self._states()}

    @property
    def doubled(self) -> int:
        messages = sum(count - 1 for count in Counter(each.step_key for each in self.received).values())
        return messages + max(0, self.told - 1)

    def after_stop(self, claimed_before: bool) -> int:
        """Messages that arrived after the stop was answered: those claimed before the answer, or those claimed after it."""
        if self.stopped_at is None:
            return 0
        late = [each for each in self.received if each.received_at > self.stopped_at]
        return sum((each.claimed_at is not None and each.claimed_at <= self.stopped_at) == claimed_before for each in late)

    @property
    def contradicts(self) -> int:
        """Rows that say something else than the phone: sent but not there, or there but not sent."""
        there = {each.step_key for each in self.received}
        promised = {step for step, states in self.messages.items() if "accepted" in states}
        possible = {step for step, states in self.messages.items() if SENT & {*states}}
        return len(promised - there) + len(there - possible)

    @property
    def astray(self) -> bool:
        """It did not end as it has to, or took another way than its person's click says."""
        if self.state == "stopped":
            nobody_asked = self.stopped_at is None and not self.stop_unanswered
            return nobody_asked or (self.clicked_at is None and (THANKS in self.messages or self.told > 0))
        if (self.told > 0) != (THANKS in self.messages):
            return True
        return self.state != "completed" or {*self.messages} not in self._ways() or not {*self._states()} <= SENT

    def _ways(self) -> list[set[str]]:
        """The messages of everybody who was not stopped."""
        clicked, not_clicked = {HELLO, THANKS, BYE}, {HELLO, BYE}
        if self.clicked_at is None:
            return [not_clicked]
        first = min((each.received_at for each in self.received if each.step_key == HELLO), default=self.clicked_at)
        return [clicked] if self.clicked_at - first < self.patience else [clicked, not_clicked]

    def _states(self) -> Iterable[str]:
        return (state for states in self.messages.values() for state in states)


@dataclass(frozen=True)
class Facts:
    """`unknown` are messages of which nobody knows whether they arrived, and `listed` those of them that the API lists. `errors`
    are answers that nobody should ever get. The last three are those of `judge_triggers`."""

    journeys: Sequence[Journey]
    unknown: frozenset[UUID] = frozenset()
    listed: frozenset[UUID] = frozenset()
    errors: int = 0
    faults: Mapping[str, bool] = field(default_factory=dict)
    counters_equal: bool = True
    listeners: Sequence[Listener] = ()
    untold: int = 0
    unheard: int = 0


@dataclass(frozen=True)
class Verdict:
    """`doubled` messages came more than once, or a team was told more than once. `stuck` enrollments are not over, or have a
    message that is still to be sent. `astray` ones ended in another way than the sequence says. `after_stop` messages were
    claimed after the stop was answered; those that were claimed before and arrived after it are `in_flight`, which is permitted.
    `contradicted` rows say something else than the phone. `unknown` are the ids of messages that may or may not have arrived; of
    these, the API does not show the `unlisted` ones."""

    faults: Mapping[str, bool]
    enrollments: int
    received: int
    clicks: int
    stops: int
    doubled: int
    stuck: int
    astray: int
    after_stop: int
    in_flight: int
    contradicted: int
    unknown: list[str]
    unlisted: int
    errors: int
    counters_equal: bool
    triggers: TriggerVerdict
    ok: bool


def judge(facts: Facts) -> Verdict:
    journeys = facts.journeys
    counts = {
        "doubled": sum(each.doubled for each in journeys),
        "stuck": sum(not each.is_over for each in journeys),
        "astray": sum(each.is_over and each.astray for each in journeys),
        "after_stop": sum(each.after_stop(claimed_before=False) for each in journeys),
        "contradicted": sum(each.contradicts for each in journeys if each.is_over),
        "unlisted": len(facts.unknown ^ facts.listed),
        "errors": facts.errors,
    }
    seen = {
        "received": sum(len(each.received) for each in journeys),
        "clicks": sum(each.clicked_at is not None for each in journeys),
        "stops": sum(each.stopped_at is not None for each in journeys),
    }
    triggers = judge_triggers(facts.listeners, facts.untold, facts.unheard)
    return Verdict(
        faults=dict(facts.faults),
        enrollments=len(journeys),
        in_flight=sum(each.after_stop(claimed_before=True) for each in journeys),
        unknown=sorted(map(str, facts.unknown)),
        counters_equal=facts.counters_equal,
        # A drill without messages, clicks or stops, or in which nothing was broken, proves nothing.
        ok=not any(counts.values())
        and facts.counters_equal
        and all(seen.values())
        and all(facts.faults.values())
        and triggers.ok,
        triggers=triggers,
        **counts,
        **seen,
    )


def as_document(seed: int, verdict: Verdict) -> dict[str, object]:
    return {"seed": seed, **asdict(verdict)}

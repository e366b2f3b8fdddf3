"""Did each click of a person start what its trigger says, once, and no machine's click anything? A function of what was clicked
and of what has happened to people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from drills.parts.triggers.rows import FiringRow

ONCE = frozenset({"tag", "enroll", "leave"})
"""These show once however often the trigger has fired: a tag is there or not, and nobody is in a sequence twice at a time."""


@dataclass(frozen=True)
class Listener:
    """One trigger and one person. The person's clicks were `answered`, and `asked` counts also those whose connection broke.
    `times` is the most that the trigger fires, and `kinds` are its actions. `effects` are what has happened, by kind."""

    key: str
    times: int
    kinds: Sequence[str]
    answered: int = 0
    asked: int = 0
    by_machines: int = 0
    firings: Sequence[FiringRow] = ()
    effects: Mapping[str, int] = field(default_factory=dict)

    @property
    def doubled(self) -> int:
        """Firings and effects beyond what was asked for, by somebody who has clicked."""
        return self._beyond() if self.asked else 0

    @property
    def by_machine(self) -> int:
        """Firings and effects for somebody whom only machines have clicked for."""
        return self._beyond() if not self.asked else 0

    @property
    def missing(self) -> int:
        least = min(self.times, self.answered)
        absent = sum(max(0, _expected(kind, least) - self.effects.get(kind, 0)) for kind in self.kinds)
        return max(0, least - len(self.firings)) + absent

    @property
    def unfinished(self) -> int:
        return sum(not each.finished for each in self.firings)

    @property
    def contradicts(self) -> int:
        """Finished firings that have not one outcome for each action, and actions that failed."""
        finished = [each for each in self.firings if each.finished]
        return sum(len(each.outcomes) != len(self.kinds) or "failed" in each.outcomes for each in finished)

    def _beyond(self) -> int:
        most = min(self.times, self.asked)
        effects = sum(max(0, self.effects.get(kind, 0) - _expected(kind, most)) for kind in self.kinds)
        return max(0, len(self.firings) - most) + effects


def _expected(kind: str, fired: int) -> int:
    return min(1, fired) if kind in ONCE else fired


@dataclass(frozen=True)
class TriggerVerdict:
    """`fired` counts firings and `machine_clicks` the clicks of machines. `doubled` and `missing` are firings and actions too
    many and too few, `by_machine` those of people for whom only machines have clicked. `unfinished` firings still have actions to
    do. `contradicted` ones have failed actions or not one outcome for each. `untold` items no notification has told, and
    `unheard` notifications were recorded as sent and did not come to the team."""

    fired: int
    machine_clicks: int
    doubled: int
    missing: int
    by_machine: int
    unfinished: int
    contradicted: int
    untold: int
    unheard: int
    ok: bool

    @property
    def is_right(self) -> bool:
        """Nothing is wrong, though it may prove nothing."""
        return not (self.doubled or self.by_machine or self.contradicted or self.waits or self.unheard)

    @property
    def waits(self) -> bool:
        """Something may still come."""
        return bool(self.missing or self.unfinished or self.untold)


def judge_triggers(listeners: Sequence[Listener], untold: int = 0, unheard: int = 0) -> TriggerVerdict:
    wrong = {
        "doubled": sum(each.doubled for each in listeners),
        "missing": sum(each.missing for each in listeners),
        "by_machine": sum(each.by_machine for each in listeners),
        "unfinished": sum(each.unfinished for each in listeners),
        "contradicted": sum(each.contradicts for each in listeners),
        "untold": untold,
        "unheard": unheard,
    }
    fired, machines = sum(len(each.firings) for each in listeners), sum(each.by_machines for each in listeners)
    # A drill without a firing or without a machine's click proves nothing.
    return TriggerVerdict(fired=fired, machine_clicks=machines, ok=bool(fired and machines) and not any(wrong.values()), **wrong)

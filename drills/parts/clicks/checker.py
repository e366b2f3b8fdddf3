"""Was anything lost, doubled or refused? It is a function of what was asked, what was answered and what is in the rows
afterwards.

A click's id never leaves the redirect, so clicks are told apart by their links: each link is one recipient's own, and most are
clicked once. The rows of a link must be at least its answered clicks and at most those that were asked for. When a connection
broke, nobody knows what became of its click.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from uuid import UUID

from models.clicks.inbox import LinkOfRecipient as Link


@dataclass(frozen=True)
class Facts:
    """Clicks by link: `asked`, `answered` with a redirect, `recorded`. `unsafe` ones were answered while the spool was full, of
    which as many may be missing as the redirect counted as lost (`counted_lost`). `waiting` maps a link to the enrollment that
    waits for it. By enrollment: how often a click `advanced` it, and the `effects` of that (messages received). `errors` are
    answers that were not a redirect, and connections that broke though the process lived. `unanswered` are links for which
    enrollments wait and that nobody has answered, however often they were clicked."""

    asked: Mapping[Link, int]
    answered: Mapping[Link, int]
    recorded: Mapping[Link, int]
    waiting: Mapping[Link, UUID] = field(default_factory=dict)
    advanced: Mapping[UUID, int] = field(default_factory=dict)
    effects: Mapping[UUID, int] = field(default_factory=dict)
    unsafe: Mapping[Link, int] = field(default_factory=dict)
    counted_lost: int = 0
    unrecorded: int = 0
    rejected: int = 0
    errors: int = 0
    unanswered: int = 0
    counters_equal: bool = True
    faults: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """`lost` clicks were answered and not recorded, though they were not permitted to be lost. `doubled` ones were recorded more
    often than they were asked for. `enrollments` are those for which a click was answered; of these, `advanced` moved exactly
    once with one effect. `effects_doubled` are enrollments that moved twice or had two effects, whoever clicked."""

    faults: Mapping[str, bool]
    answered: int
    recorded: int
    lost: int
    lost_counted: int
    lost_permitted: int
    doubled: int
    unrecorded: int
    rejected: int
    errors_while_alive: int
    unanswered: int
    broken_while_down: int
    enrollments: int
    advanced: int
    effects_doubled: int
    counters_equal: bool
    ok: bool


def judge(facts: Facts) -> Verdict:
    permitted, lost = _missing(facts)
    doubled = sum(max(0, count - facts.asked.get(link, 0)) for link, count in facts.recorded.items())
    due = {enrollment for link, enrollment in facts.waiting.items() if facts.answered.get(link, 0) > facts.unsafe.get(link, 0)}
    advanced = sum(facts.advanced.get(each, 0) == 1 and facts.effects.get(each, 0) == 1 for each in due)
    everyone = {*facts.advanced, *facts.effects}
    twice = sum(max(facts.advanced.get(each, 0), facts.effects.get(each, 0)) > 1 for each in everyone)
    wrong = (lost, doubled, facts.unrecorded, facts.rejected, facts.errors, facts.unanswered, len(due) - advanced, twice)
    answered = sum(facts.answered.values())
    return Verdict(
        faults=dict(facts.faults),
        answered=answered,
        recorded=sum(facts.recorded.values()),
        lost=lost,
        lost_counted=facts.counted_lost,
        lost_permitted=permitted,
        doubled=doubled,
        unrecorded=facts.unrecorded,
        rejected=facts.rejected,
        errors_while_alive=facts.errors,
        unanswered=facts.unanswered,
        broken_while_down=sum(facts.asked.values()) - answered - facts.errors,
        enrollments=len(due),
        advanced=advanced,
        effects_doubled=twice,
        counters_equal=facts.counters_equal,
        # A drill in which nothing was answered, or nothing was broken, proves nothing.
        ok=not any(wrong) and facts.counters_equal and answered > 0 and all(facts.faults.values()),
    )


def _missing(facts: Facts) -> tuple[int, int]:
    """Returns answered clicks without a row: (those that the full spool explains, all others)."""
    excused = missing = 0
    for link, count in facts.answered.items():
        gone = max(0, count - facts.recorded.get(link, 0))
        unsafe = min(gone, facts.unsafe.get(link, 0))
        excused, missing = excused + unsafe, missing + gone - unsafe
    permitted = min(excused, facts.counted_lost)
    return permitted, missing + excused - permitted


def as_document(seed: int, verdict: Verdict) -> dict[str, object]:
    return {"seed": seed, **asdict(verdict)}

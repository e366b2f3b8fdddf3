"""Did everybody get each message once, and nobody one after an opt-out or too late? A function of what was answered, what the
providers have taken, and what the rows say afterwards."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from drills.providers.processes import Taken

ON_ITS_WAY = {"planned", "sending"}
GONE_OUT = {"accepted", "unknown"}
ON_THE_WIRE = timedelta(seconds=1)
"""A message that was handed over in time may be read by its provider so much later."""


@dataclass(frozen=True)
class Sent:
    """A message as its row has it. `claimed_at` is when the worker last committed to sending it."""

    id: UUID
    contact_id: UUID
    to: str
    text: str
    state: str
    reason: str | None = None
    claimed_at: datetime | None = None
    late_after: datetime | None = None


@dataclass(frozen=True)
class Facts:
    """`expected` is how many messages each contact must have a row of at least. `asked_at` is when a contact said no, and
    `opted_out_at` when that was answered. `unknown` are the messages of which nobody knows whether they arrived, as the API lists
    them, and `unfinished` campaigns and enrollments that are still under way. `errors` are answers that nobody should ever get.
    """

    expected: Mapping[UUID, int]
    messages: Sequence[Sent]
    taken: Sequence[Taken]
    asked_at: Mapping[UUID, datetime] = field(default_factory=dict)
    opted_out_at: Mapping[UUID, datetime] = field(default_factory=dict)
    unknown: frozenset[UUID] = frozenset()
    unfinished: int = 0
    errors: int = 0
    faults: Mapping[str, bool] = field(default_factory=dict)
    counters_equal: bool = True


@dataclass(frozen=True)
class Verdict:
    """`doubled` messages were taken more than once. `missing` ones must have a row and have none; `stuck` ones are still to be
    sent, or their campaign or enrollment is not over. `after_opt_out` messages were claimed after the opt-out was answered;
    those that were claimed before and taken after it are `in_flight`, which is permitted. `late` ones were taken when they were
    not worth sending any more. `contradicted` rows say something else than the provider, and `strangers` were taken and have no
    row. `unknown` are the ids of messages that may or may not have arrived; of these, the API does not list the `unlisted` ones.

    `last_claim_p99`: of 99 % of the people who opted out, the last message was claimed within so many seconds after they said
    no, outages included.
    """

    faults: Mapping[str, bool]
    messages: int
    taken: int
    skipped: Mapping[str, int]
    opt_outs: int
    doubled: int
    missing: int
    stuck: int
    after_opt_out: int
    in_flight: int
    last_claim_p99: float
    late: int
    contradicted: int
    strangers: int
    unknown: list[str]
    unlisted: int
    errors: int
    counters_equal: bool
    ok: bool


def judge(facts: Facts) -> Verdict:
    times = Counter((each.to, each.text) for each in facts.taken)
    ours = {(each.to, each.text) for each in facts.messages}
    unknown = {each.id for each in facts.messages if each.state == "unknown"}
    rows = Counter(each.contact_id for each in facts.messages)
    faults = {
        "doubled": sum(count - 1 for count in times.values()),
        "missing": sum(max(0, count - rows[contact]) for contact, count in facts.expected.items()),
        "stuck": sum(each.state in ON_ITS_WAY for each in facts.messages) + facts.unfinished,
        "after_opt_out": sum(_claimed_after_opt_out(each, facts) for each in facts.messages),
        "late": _late(facts),
        "contradicted": sum(_contradicts(each, times) for each in facts.messages),
        "strangers": sum(key not in ours for key in times),
        "unlisted": len(unknown ^ facts.unknown),
        "errors": facts.errors,
    }
    skipped = Counter(each.reason or "" for each in facts.messages if each.state == "skipped")
    seen = {"messages": len(facts.messages), "taken": len(facts.taken), "opt_outs": len(facts.opted_out_at)}
    return Verdict(
        faults=dict(facts.faults),
        skipped=dict(sorted(skipped.items())),
        in_flight=_in_flight(facts),
        last_claim_p99=_last_claim_p99(facts),
        unknown=sorted(map(str, unknown)),
        counters_equal=facts.counters_equal,
        # A drill without messages or opt-outs, or in which nothing was broken, proves nothing.
        ok=not any(faults.values()) and facts.counters_equal and all(seen.values()) and all(facts.faults.values()),
        **faults,
        **seen,
    )


def is_wrong(message: Sent, facts: Facts) -> bool:
    """Whether the message is one of those that the verdict counts as stuck, doubled, claimed after an opt-out or contradicted."""
    times = Counter((each.to, each.text) for each in facts.taken)
    doubled = times[message.to, message.text] > 1
    stuck = message.state in ON_ITS_WAY
    return stuck or doubled or _claimed_after_opt_out(message, facts) or _contradicts(message, times)


def _claimed_after_opt_out(message: Sent, facts: Facts) -> bool:
    answered = facts.opted_out_at.get(message.contact_id)
    return answered is not None and message.claimed_at is not None and message.claimed_at > answered


def _in_flight(facts: Facts) -> int:
    """Counts messages that were claimed before the opt-out was answered, and taken after it."""
    messages = {(each.to, each.text): each for each in facts.messages}
    found = 0
    for each in facts.taken:
        message = messages.get((each.to, each.text))
        answered = facts.opted_out_at.get(message.contact_id) if message else None
        if message and answered and _at(each) > answered and not _claimed_after_opt_out(message, facts):
            found += 1
    return found


def _last_claim_p99(facts: Facts) -> float:
    claims: dict[UUID, list[float]] = {contact: [0.0] for contact in facts.asked_at}
    for each in facts.messages:
        if each.contact_id in claims and each.claimed_at is not None:
            claims[each.contact_id].append((each.claimed_at - facts.asked_at[each.contact_id]).total_seconds())
    spans = sorted(max(each) for each in claims.values())
    return round(spans[math.ceil(len(spans) * 0.99) - 1], 3) if spans else 0.0


def _late(facts: Facts) -> int:
    limits = {(each.to, each.text): each.late_after for each in facts.messages}
    found = 0
    for each in facts.taken:
        limit = limits.get((each.to, each.text))
        found += limit is not None and _at(each) > limit + ON_THE_WIRE
    return found


def _contradicts(message: Sent, times: Counter[tuple[str, str]]) -> bool:
    """What was accepted was taken, and what was taken was accepted or is unknown. What is still being sent is stuck."""
    there = times[message.to, message.text] > 0
    if message.state in ON_ITS_WAY:
        return False
    return (message.state == "accepted" and not there) or (there and message.state not in GONE_OUT)


def _at(taken: Taken) -> datetime:
    return datetime.fromtimestamp(taken.taken_at, UTC)


def as_document(seed: int, seconds: float, verdict: Verdict) -> dict[str, object]:
    """`seconds` is how long the drill took."""
    return {"seed": seed, "seconds": round(seconds), **asdict(verdict)}

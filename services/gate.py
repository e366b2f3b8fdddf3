"""The gate before every message: one pure function over facts that were read in the transaction of the claim.

A new obstacle is a fact in `Facts` and a rule in `RULES`, in the order in which they are asked. The same function serves one
person's step and a page of a campaign, whose facts are read for all recipients at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from models.consent.consent import ConsentState
from models.consent.obstacles import Obstacles

TOO_MANY_MESSAGES = "too_many_messages"
TOO_LATE = "too_late"
CONTACT_ERASED = "contact_erased"
OPTED_OUT = "opted_out"
NO_CONSENT = "no_consent"
SUPPRESSED = "suppressed"
CHANNEL_ARCHIVED = "channel_archived"
"""Reasons of messages that are skipped. A suppressed address adds why: `suppressed: bounce`."""

NOTHING = Obstacles()
CHANNEL_PAUSED = "the channel is paused"
ANSWER_UNDECIDED = "somebody has to decide whether the person's answer is a refusal"
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
"""What somebody has to do first, such as resume a channel, is looked at again after a quarter of the time since it began, within
these limits. Whoever does it tells those that wait, so this is only for what is told to nobody."""


@dataclass(frozen=True)
class Go:
    """The message can be sent."""


@dataclass(frozen=True)
class Later:
    """The message cannot be sent now: look again at this time."""

    at: datetime
    why: str


@dataclass(frozen=True)
class Skip:
    """This message is not sent, and whoever sends goes on with the next step or person. `why` is the message's reason."""

    why: str


@dataclass(frozen=True)
class Over:
    """No message is sent any more."""

    why: str


Answer = Go | Later | Skip | Over


@dataclass(frozen=True)
class Facts:
    """`over` says that the enrollment or the campaign has ended, and `stopped` that somebody has asked for its stop.
    `refused_until` is the time until which the provider asked us to wait. `messages_of_day` counts the messages that the contact
    had within 24 hours, and `budget` is how many it may have; None means no limit. `obstacles` were read with the contact locked
    (`models/consent/obstacles.py`), `needs_consent` says that only people who have opted in get such a message, and `late_after`
    is the time after which it is not worth sending. `paced_until` is when the channel's pace allows the message."""

    now: datetime
    over: bool = False
    stopped: bool = False
    refused_until: datetime | None = None
    messages_of_day: int = 0
    budget: int | None = None
    obstacles: Obstacles = NOTHING
    needs_consent: bool = False
    late_after: datetime | None = None
    paced_until: datetime | None = None


Rule = Callable[[Facts], Answer | None]


def _is_over(facts: Facts) -> Answer | None:
    return Over("over") if facts.over else None


def _is_erased(facts: Facts) -> Answer | None:
    return Skip(CONTACT_ERASED) if facts.obstacles.erased else None


def _is_stopped(facts: Facts) -> Answer | None:
    return Over("stopped") if facts.stopped else None


def _provider_asked_to_wait(facts: Facts) -> Answer | None:
    until = facts.refused_until
    return Later(until, "the provider asked to wait") if until is not None and until > facts.now else None


def _domain_asked_to_wait(facts: Facts) -> Answer | None:
    until = facts.obstacles.slow_until
    return Later(until, "the recipient's domain asked to wait") if until is not None and until > facts.now else None


def _is_late(facts: Facts) -> Answer | None:
    return Skip(TOO_LATE) if facts.late_after is not None and facts.now >= facts.late_after else None


def _is_suppressed(facts: Facts) -> Answer | None:
    reason = facts.obstacles.suppressed
    return Skip(f"{SUPPRESSED}: {reason}") if reason else None


def _opted_out(facts: Facts) -> Answer | None:
    return Skip(OPTED_OUT) if facts.obstacles.consent == ConsentState.OPTED_OUT else None


def _has_not_opted_in(facts: Facts) -> Answer | None:
    missing = facts.needs_consent and facts.obstacles.consent != ConsentState.OPTED_IN
    return Skip(NO_CONSENT) if missing else None


def _perhaps_refused(facts: Facts) -> Answer | None:
    since = facts.obstacles.held_since
    return _look_again(facts.now, since, ANSWER_UNDECIDED) if since is not None else None


def _channel_is_archived(facts: Facts) -> Answer | None:
    return Skip(CHANNEL_ARCHIVED) if facts.obstacles.archived else None


def _channel_is_paused(facts: Facts) -> Answer | None:
    since = facts.obstacles.paused_at
    return _look_again(facts.now, since, CHANNEL_PAUSED) if since is not None else None


def _look_again(at: datetime, since: datetime, why: str) -> Later:
    return Later(at + min(max((at - since) / 4, SHORTEST_PAUSE), LONGEST_PAUSE), why)


def _is_paced(facts: Facts) -> Answer | None:
    until = facts.paced_until
    return Later(until, "the channel is at its pace") if until is not None else None


def _had_enough(facts: Facts) -> Answer | None:
    full = facts.budget is not None and facts.messages_of_day >= facts.budget
    return Skip(TOO_MANY_MESSAGES) if full else None


RULES: dict[str, Rule] = {
    "over": _is_over,
    "stopped": _is_stopped,
    CONTACT_ERASED: _is_erased,
    CHANNEL_ARCHIVED: _channel_is_archived,
    TOO_LATE: _is_late,
    SUPPRESSED: _is_suppressed,
    OPTED_OUT: _opted_out,
    NO_CONSENT: _has_not_opted_in,
    "answer_undecided": _perhaps_refused,
    "channel_paused": _channel_is_paused,
    "provider_asked_to_wait": _provider_asked_to_wait,
    "domain_asked_to_wait": _domain_asked_to_wait,
    TOO_MANY_MESSAGES: _had_enough,
    "channel_pace": _is_paced,
}
"""The rules in the order in which they are asked, by the words for them that `docs/why.md` explains."""
GO = "go"


def is_of_erased(answer: Answer) -> bool:
    """Whether the message was written before its contact was erased, and must not be kept as it is."""
    return isinstance(answer, Skip) and answer.why == CONTACT_ERASED


def gate(facts: Facts) -> Answer:
    """Returns the answer of the first rule that has one, and otherwise `Go`."""
    return judge(facts).answer


class Judged(NamedTuple):
    """The answer, the word for the rule that gave it (`GO` when none did), and the facts that were looked at."""

    answer: Answer
    rule: str
    facts: Facts

    def moment(self, off_at: str | None = None) -> dict[str, Any]:
        """Returns what the message keeps of this moment: ids and words of ours, a few hundred bytes at most. `off_at` is the
        level at which link tracking was off."""
        obstacles = self.facts.obstacles
        kept = {
            "consent_id": obstacles.consent_id and str(obstacles.consent_id),
            "needs_consent": self.facts.needs_consent or None,
            "suppression_id": obstacles.suppression_id and str(obstacles.suppression_id),
            "messages_of_day": self.facts.messages_of_day if self.facts.budget is not None else None,
            "budget": self.facts.budget,
            "tracking_off_at": off_at,
        }
        return {"rule": self.rule, **{name: value for name, value in kept.items() if value is not None}}


def judge(facts: Facts) -> Judged:
    """Does the same, and says which rule it was."""
    for word, rule in RULES.items():
        if (answer := rule(facts)) is not None:
            return Judged(answer, word, facts)
    return Judged(Go(), GO, facts)

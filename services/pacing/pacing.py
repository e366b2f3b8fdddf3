"""Asks the token buckets of a channel before its messages are claimed, so that providers and recipient domains get no more at a
time than they take.

People who wait for a single message go before a campaign, which leaves a reserve. They stand in a line and come back one after
the other; a page of a campaign comes back when there is something for it. A channel without a pace is never asked about.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from models.base import now
from models.channels import pace as buckets
from models.channels.channel import Medium
from models.channels.pace import LONGEST_LINE, THE_CHANNEL, Granted, Rate, Wish, domain_of
from models.contacts.contact import Contact
from models.database import Database
from models.messages.ledger import SendFacts
from models.messages.message import Message
from services.composing.compose import address_of
from services.pacing.pace import Pace

LOOK_AGAIN = 1.0
"""Seconds after which it is looked at whether a channel's pace has changed."""


@dataclass(frozen=True)
class Wait:
    """The person's message goes at this time at the earliest. `by_channel` says that the channel is at its pace, and otherwise
    only the recipient's domain is."""

    at: datetime
    by_channel: bool


@dataclass(frozen=True)
class Taken:
    """Who has to wait, by contact; everybody else may go. `tokens` were taken from the channel's bucket for them."""

    waits: Mapping[UUID, Wait] = field(default_factory=dict)
    pace: Pace | None = None
    tokens: float = 0


FREE = Taken()


class Pacing:
    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._paces: dict[UUID, tuple[Pace | None, float]] = {}

    async def take_for_page(self, facts: SendFacts, people: Sequence[Contact]) -> Taken:
        """Takes what there is for a campaign, for the first of these people."""
        return await self._take(facts, people, bulk=True, behind=False)

    async def take_for_people(self, facts: SendFacts, people: Sequence[Contact], *, behind: bool) -> Taken:
        """Takes for people who wait for a message of their own, and gives the others their place in the line. `behind` says that
        they go behind those who stand in it, because they come for the first time."""
        return await self._take(facts, people, bulk=False, behind=behind)

    async def correct(self, facts: SendFacts, taken: Taken, claimed: Sequence[Message]) -> None:
        """Puts back what was taken for messages that are not sent now, or takes what longer texts cost more."""
        if taken.pace is None or taken.pace.per_second is None:
            return
        used = sum(taken.pace.cost(facts.channel.medium, each.body or "") for each in claimed)
        if used != taken.tokens:
            async with self._database.statement() as session:
                await buckets.give_back(session, facts.channel.id, {THE_CHANNEL: taken.tokens - used})

    async def _take(self, facts: SendFacts, people: Sequence[Contact], *, bulk: bool, behind: bool) -> Taken:
        pace = await self._pace(facts.channel.id) if people and not _are_skipped(facts) else None
        if pace is None:
            return FREE
        medium = facts.channel.medium
        domains = {each.id: domain_of(address) for each in people if (address := address_of(each, medium))}
        waits: dict[UUID, Wait] = {}
        domain_rate, rate = pace.domain_rate(), pace.rate()
        if domain_rate is not None and medium == Medium.EMAIL:
            wishes = [Wish(domain, count) for domain, count in Counter(domains.values()).items()]
            granted = await self._ask(facts, domain_rate, wishes, bulk=bulk, behind=behind)
            for domain, each in granted.items():
                those = [person for person in domains if domains[person] == domain]
                waits |= _waits(those, each, by_channel=False)
        going = [person for person in domains if person not in waits]
        if rate is None or not going:
            return Taken(waits, pace)
        cost = pace.estimate(medium, facts.content)
        granted = await self._ask(facts, rate, [Wish(THE_CHANNEL, len(going), cost)], bulk=bulk, behind=behind)
        held = _waits(going, granted[THE_CHANNEL], by_channel=True)
        if held and domain_rate is not None and medium == Medium.EMAIL:
            async with self._database.statement() as session:
                await buckets.give_back(session, facts.channel.id, Counter(domains[person] for person in held))
        return Taken(waits | held, pace, granted[THE_CHANNEL].messages * cost)

    async def _ask(self, facts: SendFacts, rate: Rate, wishes: Sequence[Wish], *, bulk: bool, behind: bool) -> dict[str, Granted]:
        async with self._database.statement() as session:
            return await buckets.take(session, facts.channel.id, rate, wishes, bulk=bulk, behind=behind)

    async def _pace(self, channel_id: UUID) -> Pace | None:
        known = self._paces.get(channel_id)
        if known is not None and self._clock() - known[1] < LOOK_AGAIN:
            return known[0]
        async with self._database.statement() as session:
            config = await buckets.read_pace(session, channel_id)
        pace = Pace.model_validate(config) if config is not None else None
        self._paces[channel_id] = pace, self._clock()
        return pace


def _are_skipped(facts: SendFacts) -> bool:
    """Whether the messages are too late already, or their channel sends nothing any more. They do not wait to be left out."""
    if facts.channel.archived_at is not None:
        return True
    late_after = facts.content.late_after(facts.due_at) if facts.due_at is not None else None
    return late_after is not None and late_after <= now()


def _waits(people: Sequence[UUID], granted: Granted, *, by_channel: bool) -> dict[UUID, Wait]:
    """Returns the waits of those to whom nothing was granted. Whoever would wait for very long asks again before that, at a
    moment of their own."""
    latest, found = now() + LONGEST_LINE, {}
    for place, person in enumerate(people[granted.messages :]):
        at = granted.again_at + place * granted.apart
        found[person] = Wait(at if at < latest else latest - random.random() * LONGEST_LINE / 2, by_channel)  # noqa: S311
    return found

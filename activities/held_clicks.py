"""Decides on held clicks: whose are a scanner's, and whose go on to the workflow that waits.

Used by the redirect twice a second while it has stored held clicks, by the worker's sweeper for what a crash left, and by a timer
that has fired and cannot wait.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models import holds
from models.click_inbox import LinkOfRecipient
from models.database import Database
from models.holds import HeldClick, Ripe
from models.wire import FindClick
from tracking.burst import QUIET, Hit, client_of, scanned

BATCH = 1000


@dataclass
class Decided:
    """`links` of all decided clicks, people's and scanners'; `waking`: those that are new in the outbox."""

    links: list[LinkOfRecipient] = field(default_factory=list)
    waking: list[LinkOfRecipient] = field(default_factory=list)


class HeldClicks:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def decide(self) -> Decided:
        """All messages that can be decided now, at most 1,000 in a transaction. Nothing while another process is at it."""
        total = Decided()
        while True:
            async with self._database.transaction() as session:
                if not await holds.begin(session, wait=False):
                    return total
                part = await _decide(session, holds.ripe(QUIET, BATCH))
            total.links += part.links
            total.waking += part.waking
            if len({link[:2] for link in part.links}) < BATCH:
                return total

    async def any(self) -> bool:
        async with self._database.session() as session:
            return await holds.any_held(session)


async def decide_for(session: AsyncSession, question: FindClick) -> None:
    """Everything about these messages is decided in this transaction, on what has come so far."""
    if await holds.any_held(session):
        await holds.begin(session, wait=True)
        await _decide(session, holds.of_visits(QUIET, question))


async def _decide(session: AsyncSession, which: Ripe) -> Decided:
    alone = await holds.release_alone(session, which)
    others = await holds.take_others(session, which)
    people, scanners, evidence = _judge(others)
    await holds.settle(session, people, scanners, evidence)
    waking = await holds.wake(session, [*(click_id for click_id, _ in alone), *people])
    links = [link for _, link in alone]
    return Decided([*links, *(LinkOfRecipient(*each.message, each.position) for each in others)], waking)


def _judge(clicks: Sequence[HeldClick]) -> tuple[list[UUID], list[UUID], list[UUID]]:
    """(people's, scanners', kept as evidence)"""
    messages: defaultdict[tuple[int, int], list[HeldClick]] = defaultdict(list)
    for click in clicks:
        messages[click.message].append(click)
    found: set[UUID] = set()
    evidence: list[UUID] = []
    for each in messages.values():
        of_scanner = scanned(map(_hit, each))
        found |= of_scanner
        # The burst may go on: its last click stays, so that what comes next is not taken for a first click.
        if of_scanner and not each[0].quiet:
            evidence.append(max((click for click in each if click.id in of_scanner), key=lambda click: click.clicked_at).id)
    people = [click.id for click in clicks if click.id not in found]
    return people, sorted(found.difference(evidence)), evidence


def _hit(click: HeldClick) -> Hit:
    return Hit(click.id, click.position, click.clicked_at, client_of(click.ip, click.user_agent), click.reason == holds.BURST)

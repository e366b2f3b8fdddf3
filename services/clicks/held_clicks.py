"""Decides on held clicks: which are a scanner's, and which go on to the workflow that waits.

It is used by the redirect twice a second while it has stored held clicks, by the worker's sweeper for what a crash left, and by a
timer that has fired and cannot wait.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.clicks import holds
from models.clicks.holds import HeldClick
from models.clicks.inbox import LinkOfRecipient
from models.clicks.verdict import Reason
from models.database import Database
from models.wire.clicks import FindClick
from tracking.verdicts.burst import QUIET, Hit, client_of, scanned
from tracking.verdicts.evidence import Message

BATCH = 1000


@dataclass
class Decided:
    """`links` counts all decided clicks, people's and scanners'. `waking` are those that are to be delivered."""

    links: list[LinkOfRecipient] = field(default_factory=list)
    waking: list[LinkOfRecipient] = field(default_factory=list)


class HeldClicks:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def decide(self) -> Decided:
        """Decides all messages that can be decided now and that no other process is deciding, at most 1,000 in a transaction."""
        total = Decided()
        while True:
            async with self._database.transaction() as session:
                part = await _decide(session, await holds.lock(session, holds.ripe(QUIET, BATCH), wait=False))
            total.links += part.links
            total.waking += part.waking
            if len({link[:2] for link in part.links}) < BATCH:
                return total

    async def any(self) -> bool:
        async with self._database.session() as session:
            return await holds.any_held(session)


async def decide_for(session: AsyncSession, question: FindClick) -> None:
    """Decides everything about these messages in this transaction, on what has arrived so far."""
    if await holds.any_held(session):
        await _decide(session, await holds.lock(session, holds.of_step_runs(question), wait=True))


async def _decide(session: AsyncSession, locked: Sequence[UUID]) -> Decided:
    if not locked:
        return Decided()
    alone = await holds.release_alone(session, locked, QUIET)
    others = await holds.take_others(session, locked, QUIET)
    people, scanners, evidence = _judge(others)
    await holds.release_holds(session, people, scanners, evidence)
    waking = await holds.wake(session, [*(click_id for click_id, _ in alone), *people])
    links = [link for _, link in alone]
    return Decided([*links, *(LinkOfRecipient(*each.message, each.position) for each in others)], waking)


def _judge(clicks: Sequence[HeldClick]) -> tuple[list[UUID], list[UUID], list[UUID]]:
    """Returns people's clicks, scanners' clicks, and clicks that are kept as evidence."""
    messages: defaultdict[tuple[int, int], list[HeldClick]] = defaultdict(list)
    for click in clicks:
        messages[click.message].append(click)
    found: set[UUID] = set()
    evidence: list[UUID] = []
    for each in messages.values():
        of_scanner = scanned(map(_hit, each), Message(each[0].links, each[0].sent_at))
        found |= of_scanner
        # The burst may go on, so its last click stays: what comes next must not be taken for a first click.
        if of_scanner and not each[0].quiet:
            evidence.append(max((click for click in each if click.id in of_scanner), key=lambda click: click.clicked_at).id)
    people = [click.id for click in clicks if click.id not in found]
    return people, sorted(found.difference(evidence)), evidence


def _hit(click: HeldClick) -> Hit:
    return Hit(click.id, click.position, click.clicked_at, client_of(click.ip, click.user_agent), click.reason == Reason.BURST)

"""Clicks that are held in the inbox until it is clear whether a scanner was opening all links of their message.

Held clicks of a message are decided all together, by one process at a time. A decided click is no longer held: the recorder takes
it with its verdict, and a person's gets its outbox row in the same transaction.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.click_inbox import OR_AGAIN, LinkOfRecipient
from models.wire import FindClick

BURST = "burst"
"""The reason that a scanner's click gets. A held click that has it already is the evidence that its burst may go on."""

EVIDENCE_HELD = timedelta(seconds=10)


@dataclass(frozen=True)
class HeldClick:
    """`quiet`: there was no click on its message for a while."""

    id: UUID
    content_id: int
    ordinal: int
    position: int
    clicked_at: datetime
    reason: str
    ip: str | None
    user_agent: str | None
    quiet: bool

    @property
    def message(self) -> tuple[int, int]:
        return self.content_id, self.ordinal


class Ripe(NamedTuple):
    """Which messages are to be decided now; made by `ripe` and `of_visits`."""

    statement: str
    parameters: dict[str, Any]


RIPE = """
SELECT inbox.content_id, inbox.ordinal, max(inbox.clicked_at) <= now() - CAST(:quiet AS interval) AS quiet,
    min(inbox.position) = max(inbox.position) AND bool_and(inbox.reason <> 'burst') AS alone
FROM {source} WHERE inbox.held_until IS NOT NULL
GROUP BY inbox.content_id, inbox.ordinal
"""

DUE = RIPE.format(source="click_inbox inbox") + (
    "HAVING max(inbox.clicked_at) <= now() - CAST(:quiet AS interval) OR min(inbox.held_until) <= now() LIMIT :limit"
)

OF_VISITS = RIPE.format(
    source="""click_inbox inbox JOIN message ON message.content_id = inbox.content_id AND message.ordinal = inbox.ordinal
    AND message.org_id = :org_id AND message.enrollment_id = :enrollment_id AND message.campaign_id IS NULL
    AND message.visit = ANY(CAST(:visits AS int[]))"""
)

# Most messages: one link was clicked, so there is no burst and nothing to be looked at.
RELEASE_ALONE = """
WITH ripe AS MATERIALIZED ({ripe})
UPDATE click_inbox inbox SET held_until = NULL FROM ripe
WHERE ripe.alone AND inbox.content_id = ripe.content_id AND inbox.ordinal = ripe.ordinal AND inbox.held_until IS NOT NULL
RETURNING inbox.id, inbox.content_id, inbox.ordinal, inbox.position
"""

OTHERS = """
WITH ripe AS MATERIALIZED ({ripe})
SELECT inbox.id, inbox.content_id, inbox.ordinal, inbox.position, inbox.clicked_at, inbox.reason, inbox.ip, inbox.user_agent,
    ripe.quiet
FROM click_inbox inbox JOIN ripe ON inbox.content_id = ripe.content_id AND inbox.ordinal = ripe.ordinal
WHERE NOT ripe.alone AND inbox.held_until IS NOT NULL
ORDER BY inbox.id
"""

RELEASE = "UPDATE click_inbox SET held_until = NULL WHERE id = ANY(CAST(:ids AS uuid[]))"
JUDGE = "UPDATE click_inbox SET verdict = 'suspect', reason = 'burst', held_until = NULL WHERE id = ANY(CAST(:ids AS uuid[]))"
KEEP = """
UPDATE click_inbox SET verdict = 'suspect', reason = 'burst', held_until = now() + CAST(:held AS interval)
WHERE id = ANY(CAST(:ids AS uuid[]))
"""

WAKE = (
    """
INSERT INTO signal_outbox (content_id, ordinal, position, click_id, due_at, attempts, created_at)
SELECT DISTINCT ON (inbox.content_id, inbox.ordinal, inbox.position) inbox.content_id, inbox.ordinal, inbox.position, inbox.id,
    now(), 0, now()
FROM click_inbox inbox JOIN content ON content.id = inbox.content_id AND inbox.position = ANY(content.wakes)
WHERE inbox.id = ANY(CAST(:ids AS uuid[]))
ORDER BY inbox.content_id, inbox.ordinal, inbox.position, inbox.id DESC
"""
    + OR_AGAIN
)

LOCK = 0x6C77_686F_6C64
"""Of an advisory lock: one process decides at a time. Recording and the redirect's commits do not wait for it."""


def ripe(quiet: timedelta, limit: int) -> Ripe:
    """Messages that nobody has clicked for `quiet`, or whose oldest held click has waited for as long as it may."""
    return Ripe(DUE, {"quiet": quiet, "limit": limit})


def of_visits(quiet: timedelta, question: FindClick) -> Ripe:
    """The messages that a timer asks about, ripe or not: it cannot wait."""
    asked = {"org_id": question.org_id, "enrollment_id": question.enrollment_id, "visits": list(question.visits)}
    return Ripe(OF_VISITS, {"quiet": quiet, **asked})


async def begin(session: AsyncSession, wait: bool) -> bool:
    """Makes this transaction the one that decides. False: another one is, and `wait` is off."""
    if wait:
        await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        return True
    return bool(await session.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": LOCK}))


async def any_held(session: AsyncSession) -> bool:
    return bool(await session.scalar(text("SELECT EXISTS (SELECT FROM click_inbox WHERE held_until IS NOT NULL)")))


async def release_alone(session: AsyncSession, which: Ripe) -> list[tuple[UUID, LinkOfRecipient]]:
    """Lets the clicks go that have no burst around them, and returns them."""
    rows = await session.execute(text(RELEASE_ALONE.format(ripe=which.statement)), which.parameters)
    return [(click_id, LinkOfRecipient(*link)) for click_id, *link in rows]


async def take_others(session: AsyncSession, which: Ripe) -> list[HeldClick]:
    """All held clicks of the messages with several links clicked, oldest first."""
    rows = await session.execute(text(OTHERS.format(ripe=which.statement)), which.parameters)
    return [HeldClick(*row) for row in rows]


async def settle(session: AsyncSession, people: Sequence[UUID], scanners: Sequence[UUID], evidence: Sequence[UUID]) -> None:
    """People's clicks and scanners' are no longer held; `evidence` is a scanner's too, and held until its burst is over."""
    for statement, ids in ((RELEASE, people), (JUDGE, scanners), (KEEP, evidence)):
        if ids:
            parameters = {"ids": list(ids), **({"held": EVIDENCE_HELD} if statement is KEEP else {})}
            await session.execute(text(statement), parameters)


async def wake(session: AsyncSession, people: Iterable[UUID]) -> list[LinkOfRecipient]:
    """Outbox rows for those of these released clicks that something waits for. Returns the links that are new there."""
    rows = await session.execute(text(WAKE), {"ids": list(people)})
    return [LinkOfRecipient(*link) for *link, is_new in rows if is_new]

"""Clicks that are held in the inbox until it is clear whether a scanner was opening all links of their message.

The held clicks of a message are decided together, by the process that has locked all of them; several processes decide different
messages at the same time. A decided click is no longer held: the recorder takes it with its verdict, and a click of a person gets
its outbox row in the same transaction.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.clicks.inbox import OR_AGAIN, LinkOfRecipient
from models.clicks.verdict import Reason
from models.wire.clicks import FindClick

EVIDENCE_HELD = timedelta(seconds=10)
"""How long a scanner's click stays held after its verdict, as the evidence that its burst may go on."""


@dataclass(frozen=True)
class HeldClick:
    """`quiet` says that there was no click on its message for a while. `links` is the number of links of its message. `sent_at`
    is when the provider took the message, or was called, and None when nobody knows."""

    id: UUID
    content_id: int
    recipient_number: int
    position: int
    clicked_at: datetime
    reason: str
    ip: str | None
    user_agent: str | None
    quiet: bool
    links: int
    sent_at: datetime | None

    @property
    def message(self) -> tuple[int, int]:
        return self.content_id, self.recipient_number


class Ripe(NamedTuple):
    """The messages that are to be decided now, found by `ripe` and `of_step_runs`."""

    statement: str
    parameters: dict[str, Any]


RIPE = """
SELECT inbox.content_id, inbox.recipient_number, count(*) AS clicks FROM {source} WHERE inbox.held_until IS NOT NULL
GROUP BY inbox.content_id, inbox.recipient_number
"""

DUE = RIPE.format(source="click_inbox inbox") + (
    "HAVING max(inbox.clicked_at) <= now() - CAST(:quiet AS interval) OR min(inbox.held_until) <= now() LIMIT :limit"
)

OF_STEP_RUNS = RIPE.format(
    source="""click_inbox inbox JOIN message ON message.content_id = inbox.content_id AND message.recipient_number =
    inbox.recipient_number
    AND message.org_id = :org_id AND message.enrollment_id = :enrollment_id AND message.campaign_id IS NULL
    AND message.step_run = ANY(CAST(:step_runs AS int[]))"""
)

# All in one order, so that two transactions that wait never wait for each other.
LOCK = """
WITH ripe AS MATERIALIZED ({ripe})
SELECT inbox.id, inbox.content_id, inbox.recipient_number, ripe.clicks
FROM ripe JOIN click_inbox inbox ON inbox.content_id = ripe.content_id AND inbox.recipient_number = ripe.recipient_number
WHERE inbox.held_until IS NOT NULL ORDER BY inbox.id FOR UPDATE OF inbox {wait}
"""

LOCKED = """
SELECT content_id, recipient_number, max(clicked_at) <= now() - CAST(:quiet AS interval) AS quiet,
    min(position) = max(position) AND bool_and(reason <> 'burst') AS alone
FROM click_inbox WHERE id = ANY(CAST(:ids AS uuid[])) GROUP BY content_id, recipient_number
"""

# The usual case: only one link of the message was clicked, so there is no burst and nothing to be looked at.
RELEASE_ALONE = f"""
WITH locked AS MATERIALIZED ({LOCKED})
UPDATE click_inbox inbox SET held_until = NULL FROM locked
WHERE locked.alone AND inbox.id = ANY(CAST(:ids AS uuid[]))
    AND inbox.content_id = locked.content_id AND inbox.recipient_number = locked.recipient_number
RETURNING inbox.id, inbox.content_id, inbox.recipient_number, inbox.position
"""  # noqa: S608 - a statement from above

OTHERS = f"""
WITH locked AS MATERIALIZED ({LOCKED})
SELECT inbox.id, inbox.content_id, inbox.recipient_number, inbox.position, inbox.clicked_at, inbox.reason, inbox.ip,
    inbox.user_agent, locked.quiet,
    (SELECT count(*) FROM content_link link WHERE link.content_id = inbox.content_id) AS links,
    coalesce(message.accepted_at, message.sending_at) AS sent_at
FROM click_inbox inbox
JOIN locked ON inbox.content_id = locked.content_id AND inbox.recipient_number = locked.recipient_number
LEFT JOIN message ON message.content_id = inbox.content_id AND message.recipient_number = inbox.recipient_number
WHERE NOT locked.alone AND inbox.id = ANY(CAST(:ids AS uuid[]))
ORDER BY inbox.id
"""  # noqa: S608 - a statement from above

RELEASE = "UPDATE click_inbox SET held_until = NULL WHERE id = ANY(CAST(:ids AS uuid[]))"
JUDGE = """
UPDATE click_inbox SET verdict = :verdict, reason = :reason, held_until = now() + CAST(:held AS interval)
WHERE id = ANY(CAST(:ids AS uuid[]))
"""

WAKE = (
    """
INSERT INTO signal_outbox (content_id, recipient_number, position, click_id, due_at, attempts, created_at)
SELECT DISTINCT ON (inbox.content_id, inbox.recipient_number, inbox.position) inbox.content_id, inbox.recipient_number,
inbox.position, inbox.id,
    now(), 0, now()
FROM click_inbox inbox JOIN content ON content.id = inbox.content_id AND inbox.position = ANY(content.wakes)
WHERE inbox.id = ANY(CAST(:ids AS uuid[]))
ORDER BY inbox.content_id, inbox.recipient_number, inbox.position, inbox.id DESC
"""
    + OR_AGAIN
)


def ripe(quiet: timedelta, limit: int) -> Ripe:
    """Finds messages that nobody has clicked for `quiet`, or whose oldest held click has waited for as long as it may."""
    return Ripe(DUE, {"quiet": quiet, "limit": limit})


def of_step_runs(question: FindClick) -> Ripe:
    """Finds the messages that a timer asks about, ripe or not, because the timer cannot wait for the hold to end."""
    asked = {"org_id": question.org_id, "enrollment_id": question.enrollment_id, "step_runs": list(question.step_runs)}
    return Ripe(OF_STEP_RUNS, asked)


async def lock(session: AsyncSession, which: Ripe, *, wait: bool) -> list[UUID]:
    """Locks and returns the held clicks of these messages, so that nobody else decides them until this transaction ends.

    Without `wait`, a message of which another process has locked a click is left to that process. With it, this waits for whoever
    is deciding on one of these messages; what was decided by then is not in the answer.
    """
    statement = LOCK.format(ripe=which.statement, wait="" if wait else "SKIP LOCKED")
    locked: defaultdict[tuple[int, int, int], list[UUID]] = defaultdict(list)
    for click_id, *message in await session.execute(text(statement), which.parameters):
        locked[(message[0], message[1], message[2])].append(click_id)
    return [click_id for (*_, clicks), ids in locked.items() if wait or len(ids) == clicks for click_id in ids]


async def any_held(session: AsyncSession) -> bool:
    return bool(await session.scalar(text("SELECT EXISTS (SELECT FROM click_inbox WHERE held_until IS NOT NULL)")))


async def release_alone(session: AsyncSession, locked: Sequence[UUID], quiet: timedelta) -> list[tuple[UUID, LinkOfRecipient]]:
    """Releases those of the locked clicks that have no burst around them, and returns them."""
    rows = await session.execute(text(RELEASE_ALONE), {"ids": list(locked), "quiet": quiet})
    return [(click_id, LinkOfRecipient(*link)) for click_id, *link in rows]


async def take_others(session: AsyncSession, locked: Sequence[UUID], quiet: timedelta) -> list[HeldClick]:
    """Returns the locked clicks of messages with several links clicked, oldest first."""
    rows = await session.execute(text(OTHERS), {"ids": list(locked), "quiet": quiet})
    return [HeldClick(*row) for row in rows]


async def release_holds(
    session: AsyncSession, people: Sequence[UUID], scanners: Sequence[UUID], evidence: Sequence[UUID]
) -> None:
    """People's clicks and scanners' are no longer held. `evidence` is a scanner's too, and stays held until its burst is over."""
    if people:
        await session.execute(text(RELEASE), {"ids": list(people)})
    burst = {"verdict": Reason.BURST.verdict.value, "reason": Reason.BURST.value}
    for ids, held in ((scanners, None), (evidence, EVIDENCE_HELD)):
        if ids:
            await session.execute(text(JUDGE), {**burst, "ids": list(ids), "held": held})


async def wake(session: AsyncSession, people: Iterable[UUID]) -> list[LinkOfRecipient]:
    """Makes outbox rows for those of these released clicks for which something waits. Returns the links that are to be
    delivered."""
    rows = await session.execute(text(WAKE), {"ids": list(people)})
    return [LinkOfRecipient(*link) for link in rows]

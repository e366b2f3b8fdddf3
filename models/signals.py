"""Open signals and how they end; and the question of a timer that has fired: was there a click?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.click_inbox import LinkOfRecipient
from models.early import SENT_AT, is_early, made_at
from models.wire import ClickSignal, FindClick, FoundClick, LinkKey


class Outcome(StrEnum):
    """delivered: Temporal has it. closed: the workflow is over, too late is a fact. followed_up: the campaign's follow-up is
    enrolled. nobody: no message has this link, or nothing waits for it any more. not_human: the click came too soon after the
    send to be a person's; the only outcome that a later click on the link opens again."""

    DELIVERED = "delivered"
    CLOSED = "closed"
    FOLLOWED_UP = "followed_up"
    NOBODY = "nobody"
    NOT_HUMAN = "not_human"


@dataclass(frozen=True)
class DueSignal:
    """An open signal with what its message says about who waits."""

    link: LinkOfRecipient
    click_id: UUID
    attempts: int
    position: int
    name: str | None
    org_id: UUID | None
    contact_id: UUID | None
    campaign_id: UUID | None
    enrollment_id: UUID | None
    visit: int | None
    step_key: str | None
    sent_at: datetime | None = None

    @property
    def is_early(self) -> bool:
        return is_early(made_at(self.click_id), self.sent_at)


# A claim is a lease, not a lock: no row is locked while Temporal is called, and a claim whose process died comes up again.
CLAIM = """
WITH due AS (
    SELECT content_id, ordinal, position FROM signal_outbox
    WHERE outcome IS NULL AND due_at <= now() {only}
    ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE signal_outbox AS outbox SET attempts = attempts + 1, due_at = now() + :lease
    FROM due WHERE (outbox.content_id, outbox.ordinal, outbox.position) = (due.content_id, due.ordinal, due.position)
    RETURNING outbox.*
)
SELECT claimed.content_id, claimed.ordinal, claimed.position, claimed.click_id, claimed.attempts, content_link.name,
    message.org_id, message.contact_id, message.campaign_id, message.enrollment_id, message.visit, message.step_key,
    {sent_at} AS sent_at
FROM claimed
LEFT JOIN message ON message.content_id = claimed.content_id AND message.ordinal = claimed.ordinal
LEFT JOIN channel ON channel.id = message.channel_id
LEFT JOIN content_link ON content_link.content_id = claimed.content_id AND content_link.position = claimed.position
ORDER BY claimed.click_id
"""

ONLY = """AND (content_id, ordinal, position) IN (
    SELECT * FROM unnest(CAST(:content_ids AS int[]), CAST(:ordinals AS int[]), CAST(:positions AS int[])))"""

MATCHING = """
UPDATE signal_outbox SET {changes}
FROM unnest(CAST(:content_ids AS int[]), CAST(:ordinals AS int[]), CAST(:positions AS int[])) AS given (c, o, p)
WHERE (content_id, ordinal, position) = (given.c, given.o, given.p) AND outcome IS NULL
"""


async def claim_signals(
    session: AsyncSession, limit: int, lease: timedelta, links: Sequence[LinkOfRecipient] | None = None
) -> list[DueSignal]:
    """Takes open signals that are due (oldest first, or among `links`) for the time of `lease`; others will not see them.

    Those that are early are no person's: settle them as `not_human` in the same transaction."""
    only, parameters = ("", {}) if links is None else (ONLY, _arrays(links))
    rows = await session.execute(text(CLAIM.format(only=only, sent_at=SENT_AT)), {"limit": limit, "lease": lease, **parameters})
    return [
        DueSignal(
            link=LinkOfRecipient(row.content_id, row.ordinal, row.position),
            click_id=row.click_id,
            attempts=row.attempts,
            position=row.position,
            name=row.name,
            org_id=row.org_id,
            contact_id=row.contact_id,
            campaign_id=row.campaign_id,
            enrollment_id=row.enrollment_id,
            visit=row.visit,
            step_key=row.step_key,
            sent_at=row.sent_at,
        )
        for row in rows
    ]


async def settle_signals(session: AsyncSession, links: Sequence[LinkOfRecipient], outcome: Outcome) -> None:
    """These are done. Settling twice keeps the first outcome."""
    changes = "outcome = :outcome, settled_at = now(), last_error = NULL"
    await session.execute(text(MATCHING.format(changes=changes)), {**_arrays(links), "outcome": outcome.value})


async def postpone_signals(session: AsyncSession, links: Sequence[LinkOfRecipient], delay: timedelta, error: str) -> None:
    """These could not be delivered now: again after `delay`."""
    changes = "due_at = now() + :delay, last_error = :error"
    await session.execute(text(MATCHING.format(changes=changes)), {**_arrays(links), "delay": delay, "error": error[:500]})


FIND = """
SELECT outbox.click_id, message.visit, message.step_key, outbox.position, content_link.name, {sent_at} AS sent_at
FROM message JOIN channel ON channel.id = message.channel_id
JOIN signal_outbox outbox ON outbox.content_id = message.content_id AND outbox.ordinal = message.ordinal
JOIN content_link ON content_link.content_id = outbox.content_id AND content_link.position = outbox.position
WHERE message.org_id = :org_id AND message.enrollment_id = :enrollment_id AND message.campaign_id IS NULL
    AND message.visit = ANY(CAST(:visits AS int[])) AND (CAST(:name AS text) IS NULL OR content_link.name = :name)
    AND NOT EXISTS (SELECT FROM unnest(CAST(:used_visits AS int[]), CAST(:used_positions AS int[])) AS used (visit, position)
        WHERE used.visit = message.visit AND used.position = outbox.position)
    AND outbox.outcome IS DISTINCT FROM 'not_human'
ORDER BY message.visit, outbox.position
"""


async def find_click(session: AsyncSession, question: FindClick) -> FoundClick:
    """The human click that the question asks for, the oldest message first. The outbox knows it, whether the click is recorded
    already or still in the inbox, and whether its signal is delivered or not."""
    parameters = {
        "org_id": question.org_id,
        "enrollment_id": question.enrollment_id,
        "visits": list(question.visits),
        "name": question.link_name,
        "used_visits": [key.visit for key in question.used],
        "used_positions": [key.position for key in question.used],
    }
    rows = await session.execute(text(FIND.format(sent_at=SENT_AT)), parameters)
    row = next((row for row in rows if not is_early(made_at(row.click_id), row.sent_at)), None)
    if row is None:
        return FoundClick()
    link = LinkKey(visit=row.visit, position=row.position, step_key=row.step_key, name=row.name)
    return FoundClick(signal=ClickSignal(click_id=row.click_id, link=link))


@dataclass(frozen=True)
class SignalCounts:
    """`settled` by outcome, since ever. `open`: not settled; of these, `retried`: Temporal did not take them at the first
    attempt. `oldest`: since when the oldest open one is there."""

    settled: dict[Outcome, int]
    open: int
    retried: int
    oldest: datetime | None


COUNT = """
SELECT outcome, count(*) AS signals, count(*) FILTER (WHERE last_error IS NOT NULL) AS retried, min(created_at) AS oldest
FROM signal_outbox GROUP BY outcome
"""


async def count_signals(session: AsyncSession) -> SignalCounts:
    """One statement, for metrics. It reads the whole outbox: about 0.1 s for a million rows."""
    rows = {row.outcome: row for row in await session.execute(text(COUNT))}
    waiting = rows.pop(None, None)
    settled = {outcome: rows[outcome].signals if outcome in rows else 0 for outcome in Outcome}
    if waiting is None:
        return SignalCounts(settled, 0, 0, None)
    return SignalCounts(settled, waiting.signals, waiting.retried, waiting.oldest)


def _arrays(links: Sequence[LinkOfRecipient]) -> dict[str, list[int]]:
    return {
        "content_ids": [link.content_id for link in links],
        "ordinals": [link.ordinal for link in links],
        "positions": [link.position for link in links],
    }

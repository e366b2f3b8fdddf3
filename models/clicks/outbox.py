"""Open signals and their outcomes, and the question of a timer that has fired: was there a click?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import made_at
from models.clicks.early import SENT_AT, is_early
from models.clicks.inbox import LinkOfRecipient
from models.retry import Postponed
from models.wire.clicks import ClickSignal, FindClick, FoundClick, LinkKey


class Outcome(StrEnum):
    """`delivered` means that Temporal has it. `closed`: the workflow is over, so the click came too late. `nobody`: no message
    has this link, or nothing waits for it any more. `not_human`: the click came too soon after the send to be a person's, which
    is the only outcome that a later click on the link opens again."""

    DELIVERED = "delivered"
    CLOSED = "closed"
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
    enrollment_id: UUID | None
    step_run: int | None
    step_key: str | None
    sent_at: datetime | None = None

    @property
    def is_early(self) -> bool:
        return is_early(made_at(self.click_id), self.sent_at)


# A claim is a lease, not a lock: no row is locked while Temporal is called, and a claim whose process died comes up again.
CLAIM = """
WITH due AS (
    SELECT content_id, recipient_number, position FROM signal_outbox
    WHERE outcome IS NULL AND due_at <= now() {only}
    ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE signal_outbox AS outbox SET attempts = attempts + 1, due_at = now() + :lease
    FROM due WHERE (outbox.content_id, outbox.recipient_number, outbox.position) = (due.content_id, due.recipient_number,
    due.position)
    RETURNING outbox.*
)
SELECT claimed.content_id, claimed.recipient_number, claimed.position, claimed.click_id, claimed.attempts, content_link.name,
    message.org_id, message.enrollment_id, message.step_run, message.step_key,
    {sent_at} AS sent_at
FROM claimed
LEFT JOIN message ON message.content_id = claimed.content_id AND message.recipient_number = claimed.recipient_number
LEFT JOIN channel ON channel.id = message.channel_id
LEFT JOIN content_link ON content_link.content_id = claimed.content_id AND content_link.position = claimed.position
ORDER BY claimed.click_id
"""

ONLY = """AND (content_id, recipient_number, position) IN (
    SELECT * FROM unnest(CAST(:content_ids AS int[]), CAST(:recipient_numbers AS int[]), CAST(:positions AS int[])))"""

# Rows are locked in the order of their keys, as a commit of clicks locks them (`STORE_AND_WAKE`). An UPDATE alone locks in any
# order, and two people who each click twice would then be enough for the redirect's commit and this to wait for each other.
LOCK = """
SELECT FROM signal_outbox
WHERE (content_id, recipient_number, position) IN (
    SELECT * FROM unnest(CAST(:content_ids AS int[]), CAST(:recipient_numbers AS int[]), CAST(:positions AS int[])))
ORDER BY content_id, recipient_number, position FOR UPDATE
"""

MARK = """
UPDATE signal_outbox SET outcome = given.outcome, last_error = given.error,
    marked_at = CASE WHEN given.outcome IS NOT NULL THEN now() END,
    due_at = CASE WHEN given.outcome IS NULL THEN now() + given.delay ELSE due_at END
FROM unnest(CAST(:content_ids AS int[]), CAST(:recipient_numbers AS int[]), CAST(:positions AS int[]),
    CAST(:outcomes AS text[]), CAST(:delays AS interval[]), CAST(:errors AS text[])) AS given (c, r, p, outcome, delay, error)
WHERE (content_id, recipient_number, position) = (given.c, given.r, given.p) AND signal_outbox.outcome IS NULL
"""


async def claim_signals(
    session: AsyncSession, limit: int, lease: timedelta, links: Sequence[LinkOfRecipient] | None = None
) -> list[DueSignal]:
    """Takes open signals that are due (oldest first, or among `links`) for the time of `lease`, and others will not see them.

    Those that are early are not a person's: mark them as `not_human` in the same transaction.
    """
    only, parameters = ("", {}) if links is None else (ONLY, _arrays(links))
    rows = await session.execute(text(CLAIM.format(only=only, sent_at=SENT_AT)), {"limit": limit, "lease": lease, **parameters})
    return [
        DueSignal(
            link=LinkOfRecipient(row.content_id, row.recipient_number, row.position),
            click_id=row.click_id,
            attempts=row.attempts,
            position=row.position,
            name=row.name,
            org_id=row.org_id,
            enrollment_id=row.enrollment_id,
            step_run=row.step_run,
            step_key=row.step_key,
            sent_at=row.sent_at,
        )
        for row in rows
    ]


async def mark_signals(session: AsyncSession, results: Mapping[LinkOfRecipient, Outcome | Postponed]) -> None:
    """Writes what became of these signals. A signal that has an outcome already keeps it."""
    if not results:
        return
    keys = _arrays(list(results))
    ends = [result if isinstance(result, Outcome) else None for result in results.values()]
    waits = [result if isinstance(result, Postponed) else None for result in results.values()]
    await session.execute(text(LOCK), keys)
    await session.execute(
        text(MARK),
        {
            **keys,
            "outcomes": [end and end.value for end in ends],
            "delays": [wait and wait.delay for wait in waits],
            "errors": [wait and wait.error[:500] for wait in waits],
        },
    )


FIND = """
SELECT outbox.click_id, message.step_run, message.step_key, outbox.position, content_link.name, {sent_at} AS sent_at
FROM message JOIN channel ON channel.id = message.channel_id
JOIN signal_outbox outbox ON outbox.content_id = message.content_id AND outbox.recipient_number = message.recipient_number
JOIN content_link ON content_link.content_id = outbox.content_id AND content_link.position = outbox.position
WHERE message.org_id = :org_id AND message.enrollment_id = :enrollment_id AND message.campaign_id IS NULL
    AND message.step_run = ANY(CAST(:step_runs AS int[])) AND (CAST(:name AS text) IS NULL OR content_link.name = :name)
    AND NOT EXISTS (SELECT FROM unnest(CAST(:used_step_runs AS int[]), CAST(:used_positions AS int[])) AS used (step_run,
    position)
        WHERE used.step_run = message.step_run AND used.position = outbox.position)
    AND outbox.outcome IS DISTINCT FROM 'not_human'
ORDER BY message.step_run, outbox.position
"""


async def find_click(session: AsyncSession, question: FindClick) -> FoundClick:
    """Returns the human click that the question asks for, of the oldest message first. The outbox knows it, whether the click is
    recorded already or still in the inbox, and whether its signal is delivered or not."""
    parameters = {
        "org_id": question.org_id,
        "enrollment_id": question.enrollment_id,
        "step_runs": list(question.step_runs),
        "name": question.link_name,
        "used_step_runs": [key.step_run for key in question.used],
        "used_positions": [key.position for key in question.used],
    }
    rows = await session.execute(text(FIND.format(sent_at=SENT_AT)), parameters)
    row = next((row for row in rows if not is_early(made_at(row.click_id), row.sent_at)), None)
    if row is None:
        return FoundClick()
    link = LinkKey(step_run=row.step_run, position=row.position, step_key=row.step_key, name=row.name)
    return FoundClick(signal=ClickSignal(click_id=row.click_id, link=link))


def _arrays(links: Sequence[LinkOfRecipient]) -> dict[str, list[int]]:
    return {
        "content_ids": [link.content_id for link in links],
        "recipient_numbers": [link.recipient_number for link in links],
        "positions": [link.position for link in links],
    }

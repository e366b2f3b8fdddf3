"""What waits for a channel and what has failed by it lately. Each count stops where it would become slow."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import first_id, now

MOST_COUNTED = 100_000
LATELY = timedelta(days=1)
MOST_FAILURES = 5

FAILED = "FROM message WHERE channel_id = :channel_id AND state = 'failed' AND id >= :since"
COUNTS = text(f"""
SELECT (SELECT count(*) FROM (SELECT FROM enrollment WHERE waits_for = :channel_id LIMIT {MOST_COUNTED}) AS counted),
       (SELECT count(*) FROM (
           SELECT FROM message WHERE channel_id = :channel_id AND state = 'planned' LIMIT {MOST_COUNTED}) AS counted),
       (SELECT count(*) FROM (SELECT {FAILED} LIMIT {MOST_COUNTED}) AS counted)
""")  # noqa: S608 - the number is ours
FAILURES = text(f"SELECT id, reason, created_at {FAILED} ORDER BY id DESC LIMIT {MOST_FAILURES}")


class Failure(NamedTuple):
    """One message that failed, and why."""

    message_id: UUID
    reason: str | None
    created_at: datetime


@dataclass(frozen=True)
class ChannelWork:
    """Each number is 100,000 at most. `failed` counts messages that were written within the last day, of which `failures` are the
    newest five."""

    waiting_enrollments: int
    waiting_messages: int
    failed: int
    failures: list[Failure]


async def channel_work(session: AsyncSession, channel_id: UUID) -> ChannelWork:
    about = {"channel_id": channel_id, "since": first_id(now() - LATELY)}
    enrollments, messages, failed = (await session.execute(COUNTS, about)).one()
    failures = [Failure(*row) for row in await session.execute(FAILURES, about)]
    return ChannelWork(enrollments, messages, failed, failures)

"""The facts that explain why clicks or automation are missing, read from the rows in a handful of statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import now
from models.click import Scope

HOSTING_REASONS = ("hosting", "proxy", "vpn")
"""Reasons of a verdict that say: an address of a data centre or of a service that hides where somebody is."""

# What is younger than this is simply on its way.
LATE = timedelta(seconds=30)

SENT = ("accepted", "unknown", "sending")


class MessageGroup(NamedTuple):
    state: str
    tracked: bool
    messages: int


class ReasonGroup(NamedTuple):
    state: str
    reason: str
    messages: int


class ClickFacts(NamedTuple):
    """`without_country`: has metadata, but the address is in no database or is a private one. People's clicks, but for
    `machines`."""

    people: int
    machines: int
    without_metadata: int
    without_country: int
    from_hosting: int


class EnrollmentFacts(NamedTuple):
    """`not_started`: rows that should have a workflow by now and have none."""

    total: int
    not_started: int
    oldest_not_started: datetime | None
    failed: int
    example_of_failure: str | None


class Backlog(NamedTuple):
    """Rows of a queue that should be gone by now."""

    rows: int
    oldest: datetime | None
    last_error: str | None = None


@dataclass(frozen=True)
class Facts:
    messages: Sequence[MessageGroup]
    reasons: Sequence[ReasonGroup]
    clicks: ClickFacts
    enrollments: EnrollmentFacts
    signals: Backlog
    inbox: Backlog
    rejected: int

    def sent(self, tracked: bool) -> int:
        return sum(group.messages for group in self.messages if group.state in SENT and group.tracked == tracked)

    def in_state(self, state: str) -> int:
        return sum(group.messages for group in self.messages if group.state == state)


MESSAGES = """
SELECT state, tracked, count(*) AS messages FROM message WHERE content_id = ANY(CAST(:content_ids AS int[])) GROUP BY 1, 2
"""

REASONS = """
SELECT state, coalesce(reason, 'unknown reason') AS reason, count(*) AS messages
FROM message WHERE content_id = ANY(CAST(:content_ids AS int[])) AND state IN ('skipped', 'failed', 'planned')
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 10
"""

CLICKS = """
SELECT coalesce(sum(clicks) FILTER (WHERE verdict = 'human'), 0) AS people,
    coalesce(sum(clicks) FILTER (WHERE verdict <> 'human'), 0) AS machines,
    coalesce(sum(clicks) FILTER (WHERE verdict = 'human' AND device_type = ''), 0) AS without_metadata,
    coalesce(sum(clicks) FILTER (WHERE verdict = 'human' AND device_type <> '' AND country = ''), 0) AS without_country,
    (SELECT count(*) FROM click WHERE {owner} = :id AND reason = ANY(CAST(:reasons AS text[]))) AS from_hosting
FROM click_rollup WHERE scope = :scope AND scope_id = :id
"""

ENROLLMENTS = """
SELECT count(*) AS total, count(*) FILTER (WHERE not_started) AS not_started,
    min(created_at) FILTER (WHERE not_started) AS oldest_not_started, count(*) FILTER (WHERE state = 'failed') AS failed,
    max(outcome) FILTER (WHERE state = 'failed') AS example_of_failure
FROM (
    SELECT *, state = 'queued' AND workflow_started_at IS NULL AND created_at < :late AS not_started
    FROM enrollment WHERE {owner} = :id
) of_owner
"""

SIGNALS = """
SELECT count(*) AS rows, min(created_at) AS oldest, max(last_error) AS last_error FROM signal_outbox
WHERE content_id = ANY(CAST(:content_ids AS int[])) AND outcome IS NULL AND created_at < :late
"""

# The whole inbox, because clicks are recorded in their order: somebody else's backlog holds up ours. Ids follow the clock.
INBOX = """
SELECT CASE WHEN oldest < :late THEN 1 ELSE 0 END AS rows, oldest
FROM (SELECT (SELECT clicked_at FROM click_inbox ORDER BY id LIMIT 1) AS oldest) inbox
"""

# A table that stays nearly empty, so it has no index for this.
REJECTED = "SELECT count(*) FROM click_rejected WHERE content_id = ANY(CAST(:content_ids AS int[]))"


async def read_facts(session: AsyncSession, scope: Scope, scope_id: UUID, content_ids: Sequence[int]) -> Facts:
    """Of a campaign or a sequence with its texts. Seven statements."""
    texts = {"content_ids": list(content_ids)}
    late = {"late": now() - LATE}
    return Facts(
        messages=[MessageGroup(*row) for row in await session.execute(text(MESSAGES), texts)],
        reasons=[ReasonGroup(*row) for row in await session.execute(text(REASONS), texts)],
        clicks=await _clicks(session, scope, scope_id),
        enrollments=await _enrollments(session, scope, scope_id),
        signals=Backlog(*(await session.execute(text(SIGNALS), {**texts, **late})).one()),
        inbox=Backlog(*(await session.execute(text(INBOX), late)).one()),
        rejected=await session.scalar(text(REJECTED), texts) or 0,
    )


async def _clicks(session: AsyncSession, scope: Scope, scope_id: UUID) -> ClickFacts:
    parameters = {"scope": scope.value, "id": scope_id, "reasons": list(HOSTING_REASONS)}
    return ClickFacts(*(await session.execute(text(CLICKS.format(owner=_owner(scope))), parameters)).one())


async def _enrollments(session: AsyncSession, scope: Scope, scope_id: UUID) -> EnrollmentFacts:
    statement = text(ENROLLMENTS.format(owner=_owner(scope)))
    return EnrollmentFacts(*(await session.execute(statement, {"id": scope_id, "late": now() - LATE})).one())


def _owner(scope: Scope) -> str:
    """A campaign's enrollments are its follow-ups."""
    return "campaign_id" if scope == Scope.CAMPAIGN else "sequence_id"

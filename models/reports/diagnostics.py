"""The facts that explain why clicks or automation are missing, read from the rows in a handful of statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import now
from models.clicks.click import Scope
from models.platform.gone import Gone
from models.platform.heartbeat import LATE

SENT = ("accepted", "unknown", "sending")
EXAMPLES = 3


class MessageGroup(NamedTuple):
    state: str
    tracked: bool
    messages: int


class ReasonGroup(NamedTuple):
    state: str
    reason: str
    messages: int


class ClickFacts(NamedTuple):
    """`without_country` counts clicks with metadata whose address is private or in no database. All counts but `machines` are of
    people's clicks."""

    people: int
    machines: int
    without_metadata: int
    without_country: int


class EnrollmentFacts(NamedTuple):
    """`not_started` counts rows that should have a workflow by now and have none. `overdue` counts those that have not gone on
    although their wait is over. `failed` does not count `gone`, whose workflow ended in Temporal without ending them;
    `last_gone` are the newest of those."""

    exist: bool = False
    not_started: int = 0
    oldest_not_started: datetime | None = None
    overdue: int = 0
    oldest_due: datetime | None = None
    failed: int = 0
    example_of_failure: str | None = None
    gone: int = 0
    example_of_gone: str | None = None
    last_gone: Sequence[UUID] | None = None
    contacts_of_last_gone: Sequence[UUID] | None = None


class SkippedContacts(NamedTuple):
    """Contacts who were left out of a message. `unreached` counts those who got no message at all."""

    contacts: int = 0
    unreached: int = 0


class Backlog(NamedTuple):
    """Rows of a queue that should have been processed by now."""

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
    skipped: SkippedContacts

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

REASONS_OF_CONTACT = """
SELECT state, coalesce(reason, 'unknown reason') AS reason, count(*) AS messages
FROM message WHERE contact_id = :contact_id AND content_id = ANY(CAST(:content_ids AS int[])) AND state = 'skipped' GROUP BY 1, 2
"""

CLICKS = """
WITH counted AS (
    SELECT verdict = 'human' AS human, dimension, value, clicks FROM click_by
    WHERE scope = :scope AND scope_id = :id AND dimension IN ('device_type', 'country')
), summed AS (
    SELECT coalesce(sum(clicks) FILTER (WHERE human AND dimension = 'device_type'), 0) AS people,
        coalesce(sum(clicks) FILTER (WHERE NOT human AND dimension = 'device_type'), 0) AS machines,
        coalesce(sum(clicks) FILTER (WHERE human AND dimension = 'device_type' AND value = ''), 0) AS without_metadata,
        coalesce(sum(clicks) FILTER (WHERE human AND dimension = 'country' AND value = ''), 0) AS without_country
    FROM counted
)
SELECT people, machines, without_metadata, without_country - without_metadata FROM summed
"""

# Each part by its own index, so that those who are on their way or have come to the end are not read.
ENROLLMENTS = """
SELECT EXISTS (SELECT FROM enrollment WHERE {owner} = :id) AS exist, queued.*, late.*, ended.* FROM (
    SELECT count(*) AS not_started, min(created_at) AS oldest_not_started FROM enrollment
    WHERE {owner} = :id AND state = 'queued' AND workflow_started_at IS NULL AND created_at < :late
) AS queued CROSS JOIN (
    SELECT count(*) AS overdue, min(due_at) AS oldest_due FROM enrollment WHERE {owner} = :id AND due_at < :late
) AS late CROSS JOIN (
    SELECT count(*) FILTER (WHERE state = 'failed' AND NOT gone) AS failed,
        max(outcome) FILTER (WHERE state = 'failed' AND NOT gone) AS example_of_failure,
        count(*) FILTER (WHERE gone) AS gone, max(outcome) FILTER (WHERE gone) AS example_of_gone,
        (array_agg(id ORDER BY finished_at DESC, id DESC) FILTER (WHERE gone))[1:{examples}] AS last_gone,
        (array_agg(contact_id ORDER BY finished_at DESC, id DESC) FILTER (WHERE gone))[1:{examples}] AS contacts_of_last_gone
    FROM (
        SELECT id, contact_id, finished_at, state, outcome, coalesce(outcome = ANY(CAST(:gone AS text[])), false) AS gone
        FROM enrollment
        WHERE {owner} = :id AND state IN ('failed', 'stopped')
    ) AS each
) AS ended
"""

SKIPPED = """
SELECT count(*) AS contacts, count(*) FILTER (WHERE NOT reached) AS unreached FROM (
    SELECT EXISTS (
        SELECT FROM message WHERE message.contact_id = left_out.contact_id AND content_id = ANY(CAST(:content_ids AS int[]))
            AND state = ANY(CAST(:sent AS text[]))) AS reached
    FROM (SELECT DISTINCT contact_id FROM message
        WHERE content_id = ANY(CAST(:content_ids AS int[])) AND state = 'skipped') AS left_out
) AS contacts
"""

SIGNALS = """
SELECT count(*) AS rows, min(created_at) AS oldest, max(last_error) AS last_error FROM signal_outbox
WHERE content_id = ANY(CAST(:content_ids AS int[])) AND outcome IS NULL AND created_at < :late
"""

# The whole inbox counts, because clicks are recorded in their order and somebody else's backlog holds up ours. Ids follow the
# clock.
INBOX = """
SELECT CASE WHEN oldest < :late THEN 1 ELSE 0 END AS rows, oldest
FROM (SELECT (SELECT clicked_at FROM click_inbox ORDER BY id LIMIT 1) AS oldest) inbox
"""

# A table that stays nearly empty, so it has no index for this.
REJECTED = "SELECT count(*) FROM click_rejected WHERE content_id = ANY(CAST(:content_ids AS int[]))"


async def read_facts(session: AsyncSession, scope: Scope, scope_id: UUID, content_ids: Sequence[int]) -> Facts:
    """Returns the facts of a campaign or a sequence with its texts, in eight statements."""
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
        skipped=SkippedContacts(*(await session.execute(text(SKIPPED), {**texts, "sent": list(SENT)})).one()),
    )


async def read_reasons(session: AsyncSession, content_ids: Sequence[int], contact_id: UUID) -> list[ReasonGroup]:
    """Returns why messages with these texts were not sent to this contact."""
    about = {"content_ids": list(content_ids), "contact_id": contact_id}
    return [ReasonGroup(*row) for row in await session.execute(text(REASONS_OF_CONTACT), about)]


async def _clicks(session: AsyncSession, scope: Scope, scope_id: UUID) -> ClickFacts:
    return ClickFacts(*(await session.execute(text(CLICKS), {"scope": scope.value, "id": scope_id})).one())


async def _enrollments(session: AsyncSession, scope: Scope, scope_id: UUID) -> EnrollmentFacts:
    parameters = {"id": scope_id, "late": now() - LATE, "gone": [each.value for each in Gone]}
    return EnrollmentFacts(
        *(await session.execute(text(ENROLLMENTS.format(owner=_owner(scope), examples=EXAMPLES)), parameters)).one()
    )


def _owner(scope: Scope) -> str:
    """A campaign's enrollments are its follow-ups."""
    return "campaign_id" if scope == Scope.CAMPAIGN else "sequence_id"


ORGANIZATION_SIGNALS = """
SELECT count(*) AS rows, min(created_at) AS oldest, max(last_error) AS last_error FROM signal_outbox
WHERE outcome IS NULL AND created_at < :late AND content_id IN (SELECT id FROM content WHERE org_id = :id)
"""
ORGANIZATION_REJECTED = "SELECT count(*) FROM click_rejected WHERE content_id IN (SELECT id FROM content WHERE org_id = :id)"
CAMPAIGNS = """
SELECT count(*) AS rows, min(launched_at) AS oldest FROM campaign
WHERE org_id = :id AND state = 'sending' AND workflow_started_at IS NULL AND launched_at < :late
"""
COMMANDS = """
SELECT count(*) AS rows, min(created_at) AS oldest, max(last_error) AS last_error FROM command
WHERE org_id = :id AND outcome IS NULL AND created_at < :late
"""
# One import of an organization runs at a time, and those behind it wait for their turn.
IMPORTS = """
SELECT count(*) AS rows, min(created_at) AS oldest FROM contact_import
WHERE org_id = :id AND state IN ('waiting', 'running') AND created_at < :late
HAVING bool_and(workflow_started_at IS NULL)
"""


@dataclass(frozen=True)
class OrganizationFacts:
    """`facts` have no messages and clicks, which belong to a campaign or a sequence. `campaigns` and `imports` are those that
    have no workflow, and `commands` those of which the workflow has not heard."""

    facts: Facts
    campaigns: Backlog
    imports: Backlog
    commands: Backlog


async def read_organization_facts(session: AsyncSession, org_id: UUID) -> OrganizationFacts:
    """Reads the facts in seven statements."""
    late = {"id": org_id, "late": now() - LATE}
    gone = {**late, "gone": [each.value for each in Gone]}
    facts = Facts(
        messages=[],
        reasons=[],
        clicks=ClickFacts(0, 0, 0, 0),
        enrollments=EnrollmentFacts(
            *(await session.execute(text(ENROLLMENTS.format(owner="org_id", examples=EXAMPLES)), gone)).one()
        ),
        signals=Backlog(*(await session.execute(text(ORGANIZATION_SIGNALS), late)).one()),
        inbox=Backlog(*(await session.execute(text(INBOX), late)).one()),
        rejected=await session.scalar(text(ORGANIZATION_REJECTED), late) or 0,
        skipped=SkippedContacts(),
    )
    campaigns = Backlog(*(await session.execute(text(CAMPAIGNS), late)).one())
    imports = (await session.execute(text(IMPORTS), late)).first()
    commands = Backlog(*(await session.execute(text(COMMANDS), late)).one())
    return OrganizationFacts(facts, campaigns, Backlog(*imports) if imports else Backlog(0, None), commands)

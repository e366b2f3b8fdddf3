"""Firings that are due: who works on them, and until when nobody else does."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.retry import FIRST_RETRY, LAST_RETRY


@dataclass(frozen=True)
class DueFiring:
    """A firing that this process has claimed. `done` are the positions of its actions that have an outcome already. `attempts`
    counts the failed ones at the action `next_action`."""

    id: UUID
    org_id: UUID
    trigger_id: UUID
    contact_id: UUID
    occurrence: int
    message_id: UUID
    enrollment_id: UUID | None
    click_id: UUID | None
    link_name: str | None
    fired_at: datetime
    next_action: int
    attempts: int
    due_at: datetime
    done: frozenset[int]


COLUMNS = ", ".join(f"firing.{name}" for name in DueFiring.__dataclass_fields__ if name != "done")

# Organizations take turns, as in `models/sequences/starts.py`. A firing is not due before the earlier ones of its trigger and
# contact are finished. Those that are chosen are locked and asked again, because another process may have claimed them meanwhile.
# They are asked in words for which no index of open firings fits, so they are found by their keys, whatever the planner believes
# of a long queue.
CLAIM = """
WITH RECURSIVE organization (id) AS (
    (SELECT org_id FROM firing WHERE {waits} ORDER BY org_id LIMIT 1)
    UNION ALL
    SELECT (SELECT org_id FROM firing WHERE {waits} AND org_id > organization.id ORDER BY org_id LIMIT 1)
    FROM organization WHERE organization.id IS NOT NULL
), chosen AS MATERIALIZED (
    SELECT due.id FROM organization CROSS JOIN LATERAL (
        SELECT id, due_at, row_number() OVER (ORDER BY due_at) AS turn FROM firing
        WHERE {waits} AND org_id = organization.id AND due_at <= now() AND NOT EXISTS (SELECT FROM firing earlier
            WHERE earlier.trigger_id = firing.trigger_id AND earlier.contact_id = firing.contact_id
                AND earlier.occurrence < firing.occurrence AND earlier.finished_at IS NULL)
            AND organization.id <> ALL(CAST(:busy AS uuid[]))
        ORDER BY due_at LIMIT :share
    ) AS due ORDER BY due.turn, due.due_at LIMIT :limit
), locked AS MATERIALIZED (
    SELECT id FROM firing WHERE id = ANY(ARRAY(SELECT id FROM chosen)) AND coalesce(finished_at, 'infinity') = 'infinity'
        AND sends = :sends AND due_at <= now()
    FOR UPDATE SKIP LOCKED
)
UPDATE firing SET due_at = now() + CAST(:lease AS interval) FROM locked WHERE firing.id = locked.id
RETURNING {columns}, ARRAY(SELECT position FROM firing_action WHERE firing_id = firing.id) AS done
"""
WAITS = {False: "finished_at IS NULL AND NOT sends", True: "finished_at IS NULL AND sends"}

# Whoever holds these rows until the commit still has the lease, and nobody has done the action.
HOLD = """
SELECT id FROM firing WHERE id = ANY(CAST(:ids AS uuid[])) AND next_action = :position AND due_at = :due_at
    AND finished_at IS NULL ORDER BY id FOR UPDATE
"""

# Later occurrences of the same person wait as well, so that a claim does not look at each of them again and again.
POSTPONE = """
UPDATE firing SET due_at = CASE WHEN firing.id = given.id THEN given.until ELSE greatest(firing.due_at, given.until) END,
    attempts = CASE WHEN firing.id <> given.id THEN firing.attempts WHEN :counts THEN firing.attempts + 1 ELSE 0 END,
    last_error = CASE WHEN firing.id = given.id THEN :error ELSE firing.last_error END
FROM (
    SELECT id, trigger_id, contact_id, occurrence, coalesce(CAST(:at AS timestamptz), now()
        + least(CAST(:first AS interval) * power(2, least(attempts, 20)), CAST(:last AS interval))) AS until
    FROM firing WHERE id = ANY(CAST(:ids AS uuid[])) AND next_action = :position AND finished_at IS NULL
) AS given
WHERE firing.trigger_id = given.trigger_id AND firing.contact_id = given.contact_id
    AND firing.occurrence >= given.occurrence AND firing.finished_at IS NULL
"""

GIVE_BACK = """
UPDATE firing SET due_at = now() WHERE id = ANY(CAST(:ids AS uuid[])) AND due_at = :due_at AND finished_at IS NULL
"""

NEXT = """
WITH RECURSIVE organization (id) AS (
    (SELECT org_id FROM firing WHERE {waits} ORDER BY org_id LIMIT 1)
    UNION ALL
    SELECT (SELECT org_id FROM firing WHERE {waits} AND org_id > organization.id ORDER BY org_id LIMIT 1)
    FROM organization WHERE organization.id IS NOT NULL
)
SELECT min((SELECT min(due_at) FROM firing WHERE {waits} AND org_id = organization.id)) FROM organization
"""


async def claim_firings(
    session: AsyncSession, limit: int, share: int, lease: timedelta, *, sends: bool, busy: Collection[UUID] = ()
) -> list[DueFiring]:
    """Takes at most `limit` firings that are due for the time of `lease`, of each organization at most `share`, and of each
    person's firings of one trigger the earliest. `sends` says whether those are wanted whose next action is a `send`, or the
    others. Organizations that are `busy` are left out."""
    statement = CLAIM.format(waits=WAITS[sends], columns=COLUMNS)
    parameters = {"limit": limit, "share": share, "lease": lease, "sends": sends, "busy": list(busy)}
    rows = await session.execute(text(statement), parameters)
    return sorted((DueFiring(**{**row, "done": frozenset(row["done"])}) for row in rows.mappings()), key=lambda each: each.id)


async def hold_firings(session: AsyncSession, firings: Sequence[DueFiring], position: int) -> list[DueFiring]:
    """Returns those that nobody else has claimed since, and whose next action is still the one at this position. Nobody else can
    claim them until this transaction ends. All have been claimed together."""
    if not firings:
        return []
    parameters = {"ids": [each.id for each in firings], "position": position, "due_at": firings[0].due_at}
    held = set(await session.scalars(text(HOLD), parameters))
    return [each for each in firings if each.id in held]


async def postpone_firings(
    session: AsyncSession, firings: Sequence[DueFiring], position: int, error: str, at: datetime | None = None
) -> None:
    """The action at this position cannot be done now. It is tried again `at` this time, which is no failed attempt. With None, an
    attempt has failed, and the next one comes after 1 s, 2 s, 4 s … at most 5 minutes."""
    parameters = {
        "ids": [each.id for each in firings],
        "position": position,
        "at": at,
        "error": error[:500],
        "counts": at is None,
    }
    await session.execute(text(POSTPONE), {**parameters, "first": FIRST_RETRY, "last": LAST_RETRY})


async def give_back(session: AsyncSession, firings: Sequence[DueFiring]) -> None:
    """Makes those due at once whose lease this process still has: neither finished, nor postponed, nor claimed by anybody else
    since. All have been claimed together."""
    await session.execute(text(GIVE_BACK), {"ids": [each.id for each in firings], "due_at": firings[0].due_at})


async def next_due(session: AsyncSession, *, sends: bool) -> datetime | None:
    """Returns when the next open firing is due, or when the lease of one that is being worked on ends."""
    at: datetime | None = await session.scalar(text(NEXT.format(waits=WAITS[sends])))
    return at

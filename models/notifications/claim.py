"""Who is told next: waiting items become a notification, and a notification that is due is claimed for the time of a lease.

A target is told at most once in an interval and has at most one open notification. While that is tried again, the items that
come meanwhile join it before each attempt. Locks are `FOR NO KEY UPDATE`, so that nobody who adds items waits for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import new_id

MOST_ITEMS = 100_000
"""The items that one notification takes at a time. It tells the others a minute later."""

# The targets for which items wait, each found by one look into the index however many items it has.
WAITING = """
WITH RECURSIVE waiting AS (
    (SELECT target_id FROM notification_item WHERE notification_id IS NULL ORDER BY target_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT item.target_id FROM notification_item item
        WHERE item.notification_id IS NULL AND item.target_id > waiting.target_id ORDER BY item.target_id LIMIT 1
    )
    FROM waiting WHERE waiting.target_id IS NOT NULL
)
"""

READY = f"""
{WAITING}
SELECT target.id, target.org_id, notification.id AS open_id FROM notification_target target
LEFT JOIN notification ON notification.target_id = target.id AND notification.state = 'open'
WHERE target.id IN (SELECT target_id FROM waiting) AND target.archived_at IS NULL
    AND CASE WHEN notification.id IS NULL THEN target.quiet_until ELSE notification.due_at END <= now()
ORDER BY target.quiet_until LIMIT :limit FOR NO KEY UPDATE OF target SKIP LOCKED
"""  # noqa: S608 - both parts are ours

OPEN = """
WITH given AS (
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:org_ids AS uuid[]), CAST(:target_ids AS uuid[]))
        AS given (id, org_id, target_id)
), quiet AS (
    UPDATE notification_target SET quiet_until = now() + :interval FROM given WHERE notification_target.id = given.target_id
)
INSERT INTO notification (id, org_id, target_id, state, count, attempts, created_at, due_at, items_kept)
SELECT id, org_id, target_id, 'open', 0, 0, now(), now(), true FROM given
"""

TAKE = """
WITH given AS (
    SELECT * FROM unnest(CAST(:target_ids AS uuid[]), CAST(:ids AS uuid[])) AS given (target_id, notification_id)
), taken AS (
    UPDATE notification_item SET notification_id = free.notification_id
    FROM (
        SELECT item.id, given.notification_id FROM given CROSS JOIN LATERAL (
            SELECT id FROM notification_item WHERE target_id = given.target_id AND notification_id IS NULL ORDER BY id LIMIT :most
        ) item
    ) free
    WHERE notification_item.id = free.id
    RETURNING free.notification_id
)
UPDATE notification SET count = notification.count + counted.items
FROM (SELECT notification_id, count(*) AS items FROM taken GROUP BY notification_id) counted
WHERE notification.id = counted.notification_id
"""

# Organizations take turns: those that have fewer notifications under way come first, and none has more than its share.
CLAIM = """
WITH due AS (
    SELECT id FROM notification WHERE state = 'open' AND due_at <= now() AND id IN (
        SELECT id FROM (
            SELECT id, due_at, row_number() OVER (PARTITION BY org_id ORDER BY due_at) AS turn FROM notification
            WHERE state = 'open' AND due_at <= now() AND org_id <> ALL (CAST(:busy AS uuid[]))
        ) ranked
        WHERE turn <= :share ORDER BY turn, due_at LIMIT :limit
    )
    FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE notification SET attempts = attempts + 1, due_at = now() + :lease FROM due WHERE notification.id = due.id
    RETURNING notification.id, notification.org_id, notification.target_id, notification.count AS items, notification.attempts
)
SELECT claimed.*, target.name, target.address, target.text, organization.name AS organization
FROM claimed JOIN notification_target target ON target.id = claimed.target_id
JOIN organization ON organization.id = claimed.org_id
"""

# Items with the same text are told together, by the first of them.
GROUPS = """
WITH groups AS (
    SELECT text, count(*) AS items, CAST(min(CAST(id AS text)) AS uuid) AS first_id
    FROM notification_item WHERE notification_id = :id GROUP BY text ORDER BY first_id LIMIT :groups
)
SELECT groups.items, item.text, item.contact_id, item.link_name, item.happened, item.happened_at, item.source, item.place,
    contact.external_id, contact.first_name, contact.last_name, contact.email, contact.phone, contact.time_zone, contact.tags,
    contact.properties
FROM groups CROSS JOIN LATERAL (
    SELECT * FROM notification_item WHERE notification_id = :id AND text IS NOT DISTINCT FROM groups.text ORDER BY id LIMIT :named
) item
LEFT JOIN contact ON contact.id = item.contact_id AND contact.org_id = item.org_id
ORDER BY groups.first_id, item.id
"""

SENT = """
WITH sent AS (
    UPDATE notification SET state = 'sent', last_error = NULL, finished_at = now() WHERE id = :id AND state = 'open'
)
UPDATE notification_target SET last_success_at = now(), failing_since = NULL, quiet_until = now() + :interval
WHERE id = :target_id
"""

FAILED = """
WITH failed AS (
    UPDATE notification SET last_error = :error, due_at = now() + :delay,
        state = CASE WHEN created_at < now() - CAST(:patience AS interval) THEN 'failed' ELSE 'open' END,
        finished_at = CASE WHEN created_at < now() - CAST(:patience AS interval) THEN now() END
    WHERE id = :id AND state = 'open'
)
UPDATE notification_target SET last_failure_at = now(), last_error = :error, failing_since = COALESCE(failing_since, now())
WHERE id = :target_id
"""

NEXT = f"""
{WAITING}
SELECT min(at) - now() FROM (
    SELECT min(due_at) AS at FROM notification WHERE state = 'open'
    UNION ALL
    SELECT min(finished_at) FROM notification WHERE state = 'failed' AND items_kept
    UNION ALL
    SELECT min(target.quiet_until) FROM notification_target target
    WHERE target.id IN (SELECT target_id FROM waiting) AND target.archived_at IS NULL
        AND NOT EXISTS (SELECT FROM notification WHERE notification.target_id = target.id AND notification.state = 'open')
) due
"""  # noqa: S608 - both parts are ours

# When fewer items than the limit were found, nothing is left of these notifications.
FORGET_TOLD = """
WITH old AS MATERIALIZED (
    SELECT id FROM notification WHERE items_kept AND state = 'sent'
        AND finished_at < now() - CAST(:kept AS interval) ORDER BY finished_at LIMIT 100
), gone AS (
    DELETE FROM notification_item WHERE id IN (
        SELECT item.id FROM old JOIN notification_item item ON item.notification_id = old.id LIMIT :limit
    )
    RETURNING id
)
UPDATE notification SET items_kept = false FROM old WHERE notification.id = old.id AND (SELECT count(*) FROM gone) < :limit
"""


@dataclass(frozen=True)
class DueNotification:
    """A notification that this process has claimed. `address` is encrypted; `attempts` counts this one."""

    id: UUID
    org_id: UUID
    target_id: UUID
    count: int
    attempts: int
    target: str
    address: bytes | None
    text: str | None
    organization: str


async def bundle_items(session: AsyncSession, interval: timedelta, limit: int) -> int:
    """Makes one notification of the items of each target that has been quiet for the interval. Returns the number of targets
    that were looked at, which is `limit` when there may be more."""
    rows = (await session.execute(text(READY), {"limit": limit})).all()
    if not rows:
        return 0
    ids = [row.open_id or new_id() for row in rows]
    fresh = [(id, row) for id, row in zip(ids, rows, strict=True) if row.open_id is None]
    if fresh:
        new: dict[str, Any] = {"ids": [id for id, _ in fresh], "interval": interval}
        new |= {"org_ids": [row.org_id for _, row in fresh], "target_ids": [row.id for _, row in fresh]}
        await session.execute(text(OPEN), new)
    await session.execute(text(TAKE), {"ids": ids, "target_ids": [row.id for row in rows], "most": MOST_ITEMS})
    return len(rows)


async def claim_notifications(
    session: AsyncSession, limit: int, share: int, lease: timedelta, busy: Sequence[UUID]
) -> list[DueNotification]:
    """Takes notifications that are due, at most `share` of one organization, and none of the organizations in `busy`."""
    given = {"limit": limit, "share": share, "lease": lease, "busy": list(busy)}
    rows = await session.execute(text(CLAIM), given)
    return [
        DueNotification(
            row.id, row.org_id, row.target_id, row.items, row.attempts, row.name, row.address, row.text, row.organization
        )
        for row in rows
    ]


@dataclass(frozen=True)
class ItemRow:
    """`items` is how many items have the same text. `contact` is None when there is no such contact any more."""

    items: int
    text: str | None
    contact_id: UUID
    contact: dict[str, Any] | None
    link_name: str | None
    happened: str
    happened_at: datetime
    source: str | None
    place: dict[str, Any]


FIELDS = ("external_id", "first_name", "last_name", "email", "phone", "time_zone", "tags", "properties")


async def first_items(session: AsyncSession, notification_id: UUID, named: int, groups: int) -> list[ItemRow]:
    """Returns the first `named` items of each text, those with the same text together, with what templates know of the
    contact."""
    rows = await session.execute(text(GROUPS), {"id": notification_id, "named": named, "groups": groups})
    found = []
    for row in rows:
        contact = {"id": str(row.contact_id), **{name: getattr(row, name) for name in FIELDS}} if row.tags is not None else None
        same = {name: getattr(row, name) for name in ItemRow.__dataclass_fields__ if name != "contact"}
        found.append(ItemRow(contact=contact, **same))
    return found


async def mark_sent(session: AsyncSession, notification: DueNotification, interval: timedelta) -> None:
    """The target is told nothing more within `interval`, which counts from now: sending may have taken a while."""
    keys = {"id": notification.id, "target_id": notification.target_id}
    await session.execute(text(SENT), {**keys, "interval": interval})


async def mark_failed(
    session: AsyncSession, notification: DueNotification, error: str, delay: timedelta, patience: timedelta
) -> None:
    """The notification is due again after `delay`, unless it was made longer ago than `patience`: then it is given up."""
    keys = {"id": notification.id, "target_id": notification.target_id}
    await session.execute(text(FAILED), {**keys, "error": error[:500], "delay": delay, "patience": patience})


async def next_due(session: AsyncSession) -> timedelta | None:
    """Returns the time until something can be sent or marked as given up, which is negative when it is late. Returns None when
    nothing waits."""
    found: timedelta | None = await session.scalar(text(NEXT))
    return found


async def forget_told(session: AsyncSession, kept: timedelta, limit: int) -> None:
    """Deletes at most `limit` items that were told longer ago than `kept`."""
    await session.execute(text(FORGET_TOLD), {"kept": kept, "limit": limit})

"""Actions of triggers whose notification was given up: they become failed with its reason, so that they can be retried."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# Their items are deleted, because a retry adds an item for the same action. Those of steps stay: a step is not retried, and its
# conversation goes on saying that nobody was told. Counters are raised in the order of their keys, as everywhere.
MARK = """
WITH given_up AS MATERIALIZED (
    SELECT id, last_error FROM notification WHERE items_kept AND state = 'failed'
    ORDER BY finished_at LIMIT 100 FOR NO KEY UPDATE SKIP LOCKED
), page AS MATERIALIZED (
    SELECT item.id, item.firing_id, item.action_position, given_up.last_error
    FROM given_up JOIN notification_item item ON item.notification_id = given_up.id
    WHERE item.firing_id IS NOT NULL LIMIT :limit
), failed AS (
    UPDATE firing_action action SET outcome = 'failed', reason = page.last_error, at = now()
    FROM page WHERE action.firing_id = page.firing_id AND action.position = page.action_position AND action.outcome = 'done'
    RETURNING action.trigger_id, action.position
), counted AS (
    INSERT INTO trigger_count AS kept (trigger_id, position, what, count)
    SELECT trigger_id, position, what, sum(change)
    FROM failed CROSS JOIN (VALUES ('done', -1), ('failed', 1)) AS to_count (what, change)
    GROUP BY trigger_id, position, what ORDER BY trigger_id, position, what
    ON CONFLICT (trigger_id, position, what) DO UPDATE SET count = kept.count + excluded.count
), gone AS (
    DELETE FROM notification_item item USING page WHERE item.id = page.id
), finished AS (
    UPDATE notification SET items_kept = false FROM given_up
    WHERE notification.id = given_up.id AND (SELECT count(*) FROM page) < :limit
)
SELECT count(*) FROM page
"""


async def mark_given_up(session: AsyncSession, limit: int) -> int:
    """Marks at most `limit` actions in one statement. Returns how many there were; when it is `limit`, there may be more."""
    return await session.scalar(text(MARK), {"limit": limit}) or 0

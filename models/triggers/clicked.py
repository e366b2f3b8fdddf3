"""Fires the triggers on the links that people have clicked, in the transaction that records these clicks."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.triggers.fire import FIRE

# A part of the statement that records clicks: those of the new ones that people made on a content with triggers. Both arrays are
# made once for the batch, so each of its few contents costs one look in the index, and a click costs none.
TRIGGERING = """
    SELECT id FROM new WHERE verdict = 'human' AND content_id = ANY(ARRAY(
        SELECT DISTINCT content_id FROM trigger_link WHERE content_id = ANY(ARRAY(SELECT DISTINCT content_id FROM new))))
"""

# The window counts from the time at which the provider took the message. A message whose send was interrupted counts from the
# time at which it was claimed.
CLICKED = f"""
WITH candidate AS MATERIALIZED (
    SELECT trigger.id AS trigger_id, trigger.org_id, message.contact_id, click.message_id, click.enrollment_id,
        click.id AS click_id, link.name AS link_name, clicked_at AS at,
        CASE WHEN contact.erased_at IS NOT NULL THEN 'contact_erased'
             WHEN clicked_at > coalesce(message.accepted_at, message.sending_at, message.created_at) + trigger.within
                THEN 'too_late'
             WHEN clicked_at >= least(enrollment.finished_at, stop_requested_at)
                THEN 'enrollment_over' END AS refusal
    FROM click
    JOIN trigger_link USING (content_id, position)
    JOIN trigger ON trigger.id = trigger_link.trigger_id AND trigger.event = 'clicked'
    JOIN message ON message.id = click.message_id
    JOIN contact ON contact.id = message.contact_id
    JOIN content_link link ON link.id = click.link_id
    LEFT JOIN enrollment ON enrollment.id = click.enrollment_id AND trigger.sequence_id IS NOT NULL
    WHERE click.id = ANY(CAST(:click_ids AS uuid[]))
), {FIRE}
"""  # noqa: S608 - made of constants


MOST_FIRINGS = 2_000
"""The most firings of one batch of clicks, unless a single click has more: about a second of the recorder's transaction, for
which everybody's clicks wait. A link can have forty triggers, so a whole batch could have tens of thousands."""

TRIGGERS_OF_LINKS = """
SELECT content_id, position, count(*) AS triggers FROM trigger_link JOIN trigger ON trigger.id = trigger_id AND event = 'clicked'
WHERE content_id = ANY(CAST(:content_ids AS int[])) GROUP BY content_id, position
"""


async def triggers_of_links(session: AsyncSession, content_ids: Collection[int]) -> dict[tuple[int, int], int]:
    """Returns how many triggers a click on each link of these contents can fire, by (content, position). Links without any are
    left out."""
    rows = await session.execute(text(TRIGGERS_OF_LINKS), {"content_ids": sorted(content_ids)})
    return {(row.content_id, row.position): row.triggers for row in rows}


async def fire_triggers(session: AsyncSession, click_ids: Sequence[UUID]) -> int:
    """Returns how many firings there are now because of these clicks, which this transaction has inserted. Calling it twice for
    a click would count the click twice."""
    return await session.scalar(text(CLICKED), {"click_ids": list(click_ids)}) or 0

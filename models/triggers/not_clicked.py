"""Fires the triggers for those who have not clicked by the deadline after their message was sent.

The messages of a trigger are looked at once each, in the order in which they were accepted and page by page, as soon as their
deadline has passed. So there is neither a timer nor a row for each person who may still click
(`docs/decisions/0019-not-clicked-looks-at-messages.md`).
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import first_id, made_at_sql
from models.triggers.fire import FIRE

GRACE = timedelta(seconds=2)
"""How long after its deadline a message is looked at, so that a click of the last moment has been committed."""
PAGE = 500
"""Messages that are looked at in one transaction."""
CLOCKS = timedelta(hours=1)
"""A person's click may be this much older than the record that the provider took the message: somebody clicks before the record
is written, or two clocks differ."""
QUIET = timedelta(days=1)
"""A trigger whose campaign or version is over, and which has met no message for this long, is looked at no more."""

# A page is read by keys, whatever the planner believes of tables that have just been filled.
BY_KEY = "SET LOCAL enable_seqscan = off"

NEXT = """(SELECT accepted_at, message.id FROM (SELECT DISTINCT content_id FROM trigger_link WHERE trigger_id = trigger.id) AS own
    CROSS JOIN LATERAL (
        SELECT accepted_at, id FROM message
        WHERE content_id = own.content_id AND accepted_at IS NOT NULL
            AND (accepted_at, id) > (coalesce(trigger.examined_until, '-infinity'),
                coalesce(trigger.examined_message_id, '00000000-0000-0000-0000-000000000000'))
        {until} ORDER BY accepted_at, id LIMIT {limit}
    ) AS message ORDER BY accepted_at, message.id LIMIT {limit})"""

# One look into the index for each content of each open trigger.
AHEAD = f"""
SELECT trigger.id, trigger.org_id, trigger.within, next.accepted_at + trigger.within AS deadline
FROM trigger LEFT JOIN LATERAL {NEXT.format(until="", limit=1)} AS next ON true
WHERE event = 'not_clicked' AND finished_at IS NULL
"""  # noqa: S608 - made of constants

# A message has its time of acceptance from the beginning of the transaction that records it. One that began earlier and has not
# ended may still bring messages of that time. Reports and backups only read: they have no id of a transaction.
VISIBLE_UNTIL = """
SELECT least(clock_timestamp(), min(xact_start)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start > clock_timestamp() - interval '15 minutes'
    AND (backend_xid IS NOT NULL OR xact_start > clock_timestamp() - interval '10 seconds')
"""

# Nothing is decided beyond the oldest click that the recorder has not come to.
DECIDED = """
SELECT clicked_at FROM click_inbox WHERE org_id = :org_id AND held_until IS NULL ORDER BY org_id, id LIMIT 1
"""

LOCK = "SELECT id FROM trigger WHERE id = :trigger_id AND finished_at IS NULL FOR NO KEY UPDATE SKIP LOCKED"

DUE = "AND accepted_at <= CAST(:until AS timestamptz) - trigger.within"

# A click that is held may turn out to be a person's.
EXAMINE = f"""
SELECT message.id, message.accepted_at, EXISTS (
    SELECT FROM click_inbox inbox JOIN trigger_link link USING (content_id, position)
    WHERE inbox.held_until IS NOT NULL AND inbox.verdict = 'human' AND link.trigger_id = trigger.id
        AND inbox.content_id = message.content_id AND inbox.recipient_number = message.recipient_number
        AND inbox.clicked_at <= message.accepted_at + trigger.within
) AS undecided
FROM trigger CROSS JOIN LATERAL {NEXT.format(until=DUE, limit=PAGE)} AS next
JOIN message ON message.id = next.id
WHERE trigger.id = :trigger_id ORDER BY message.accepted_at, message.id
"""  # noqa: S608

# The first click of a person on a link is looked up first, because most have none. Only for the others are clicks read, from the
# time of the page's first message on. Of a first click that retention has removed, the time is left.
CLICKED = f"""(SELECT true FROM trigger_link own JOIN content_link link USING (content_id, position)
    JOIN click_first first ON scope = 'link' AND scope_id = link.id AND verdict = 'human'
        AND first.contact_id = message.contact_id
    WHERE own.trigger_id = trigger.id AND own.content_id = message.content_id AND (EXISTS (
        SELECT FROM click WHERE click.contact_id = message.contact_id AND click.id >= :since
            AND click.message_id = message.id AND click.position = own.position AND click.verdict = 'human'
            AND clicked_at <= message.accepted_at + trigger.within
    ) OR first.retired AND {made_at_sql("first.click_id")} BETWEEN message.accepted_at - interval '{CLOCKS.total_seconds():g} s'
        AND message.accepted_at + trigger.within) LIMIT 1)"""  # noqa: S608 - made of constants

NOT_CLICKED = f"""
WITH candidate AS MATERIALIZED (
    SELECT trigger.id AS trigger_id, trigger.org_id, message.contact_id, message.id AS message_id, message.enrollment_id,
        CAST(NULL AS uuid) AS click_id, trigger.link AS link_name, message.accepted_at + trigger.within AS at,
        CASE WHEN contact.erased_at IS NOT NULL THEN 'contact_erased'
             WHEN message.accepted_at + trigger.within >= least(enrollment.finished_at, stop_requested_at)
             THEN 'enrollment_over' END AS refusal
    FROM message JOIN trigger ON trigger.id = :trigger_id JOIN contact ON contact.id = message.contact_id
    LEFT JOIN enrollment ON enrollment.id = message.enrollment_id AND trigger.sequence_id IS NOT NULL
    WHERE message.id = ANY(CAST(:message_ids AS uuid[])) AND message.tracked AND {CLICKED} IS NULL
), {FIRE}
"""  # noqa: S608

MOVE_ON = "UPDATE trigger SET examined_until = :accepted_at, examined_message_id = :message_id WHERE id = :trigger_id"

# Nobody enters a version that is not the latest one.
FINISH = f"""
UPDATE trigger SET finished_at = now()
WHERE event = 'not_clicked' AND finished_at IS NULL AND coalesce(examined_until, created_at) < now() - CAST(:quiet AS interval)
    AND NOT EXISTS {NEXT.format(until="", limit=1)}
    AND (EXISTS (SELECT FROM campaign WHERE id = campaign_id AND state IN ('completed', 'stopped', 'failed'))
        OR EXISTS (
            SELECT FROM sequence_version own JOIN sequence ON sequence.id = own.sequence_id AND own.version < sequence.version
            JOIN sequence_version latest ON latest.sequence_id = sequence.id AND latest.version = sequence.version
            WHERE own.id = sequence_version_id AND latest.published_at < now() - CAST(:quiet AS interval)
                AND NOT EXISTS (SELECT FROM step_count WHERE step_count.sequence_version_id = own.id AND outcome = ''
                    HAVING sum(step_runs) > 0)))
"""  # noqa: S608


class Ahead(NamedTuple):
    """An open trigger. `deadline` is that of the first message at which it has not looked, and None when there is no such
    message."""

    id: UUID
    org_id: UUID
    within: timedelta
    deadline: datetime | None


class Looked(NamedTuple):
    """How many messages were looked at, and for how many of them the trigger fired."""

    messages: int = 0
    fired: int = 0


async def ahead(session: AsyncSession) -> list[Ahead]:
    """Returns the open triggers on `not_clicked` of all organizations."""
    await session.execute(text(BY_KEY))
    return [Ahead(*row) for row in await session.execute(text(AHEAD))]


async def visible_until(session: AsyncSession) -> datetime:
    """Returns the time up to which every message that was accepted can be seen by a later statement. A transaction that has
    written nothing for ten seconds, or that takes more than 15 minutes, is not waited for."""
    found: datetime = (await session.execute(text(VISIBLE_UNTIL))).scalar_one()
    return found


async def look(session: AsyncSession, trigger: Ahead, at: datetime, visible_until: datetime) -> Looked:
    """Looks at the next page of the trigger's messages whose deadline was before `at`, and fires for those that nobody clicked.

    It looks no further than up to a message with a click that is not decided, nor up to the time of a click that is not
    recorded. Nothing happens while another process looks.
    """
    await session.execute(text(BY_KEY))
    ids = {"trigger_id": trigger.id}
    if await session.scalar(text(LOCK), ids) is None:
        return Looked()
    unrecorded: datetime | None = await session.scalar(text(DECIDED), {"org_id": trigger.org_id})
    until = min(at - GRACE, visible_until + trigger.within - GRACE, *([unrecorded] if unrecorded else []))
    found = (await session.execute(text(EXAMINE), {**ids, "until": until})).all()
    decided = found[: next((place for place, row in enumerate(found) if row.undecided), len(found))]
    if not decided:
        return Looked()
    message_ids = [row.id for row in decided]
    fire = {**ids, "message_ids": message_ids, "since": first_id(decided[0].accepted_at - CLOCKS)}
    fired = await session.scalar(text(NOT_CLICKED), fire) or 0
    last = decided[-1]
    await session.execute(text(MOVE_ON), {**ids, "accepted_at": last.accepted_at, "message_id": last.id})
    return Looked(len(decided), fired)


async def finish(session: AsyncSession, quiet: timedelta = QUIET) -> int:
    """Ends the triggers that cannot meet another message, because their campaign is over, or because nobody is in their version
    and nobody can enter it. Returns how many there were."""
    ended = await session.execute(text(FINISH), {"quiet": quiet})
    return int(getattr(ended, "rowcount", 0))

"""Taking clicks out of the inbox and keeping them: everything that one recording transaction does.

Counters equal rows because they are only ever raised by rows that this transaction really inserted. Every statement writes in
the order of its key, so that two recorders with the same people wait for each other instead of deadlocking.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.early import REASON as EARLY_REASON
from models.early import SENT_AT, is_early
from models.wire import CampaignDigest, RecorderInput


class WaitingClick(NamedTuple):
    """What must be known of a click of the inbox to judge and describe it; whose it is stays in PostgreSQL. `known`: there is
    such a message, or the link belongs to no message; `linked`: there is such a link."""

    id: str
    content_id: int
    ordinal: int
    position: int
    clicked_at: datetime
    verdict: str
    reason: str
    ip: str | None = None
    user_agent: str | None = None
    sent_at: datetime | None = None
    known: bool = True
    linked: bool = True


class Metadata(NamedTuple):
    """A row of `click_metadata` without its key."""

    country: str | None
    city: str | None
    device_type: str
    browser: str | None
    os: str | None


class DescribedClick(NamedTuple):
    """A click to be kept. `metadata` None: the organization keeps none."""

    click: WaitingClick
    metadata: Metadata | None


class Kept(NamedTuple):
    """How many clicks were new, and the campaigns that people among them clicked."""

    recorded: int
    campaigns: Sequence[UUID]


# Tables are read by their keys, whatever the planner believes: what it knows of the inbox is from when that was last empty, and
# it would read and sort all of it for each batch.
BY_KEY = "SET LOCAL enable_seqscan = off"

# Locked and limited before anything is joined, or all that waits would be joined for each batch.
TAKE = """
WITH inbox AS MATERIALIZED (
    SELECT id, content_id, ordinal, position, clicked_at, verdict, reason, ip, user_agent
    FROM click_inbox WHERE held_until IS NULL AND {mine}
    ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
)
SELECT CAST(inbox.id AS text), inbox.content_id, inbox.ordinal, inbox.position, clicked_at, verdict, inbox.reason, ip, user_agent,
    {sent_at} AS sent_at, message.id IS NOT NULL OR shared.id IS NOT NULL AS known, link.id IS NOT NULL AS linked
FROM inbox
LEFT JOIN message ON message.content_id = inbox.content_id AND message.ordinal = inbox.ordinal
LEFT JOIN channel ON channel.id = message.channel_id
LEFT JOIN content_link link ON link.content_id = inbox.content_id AND link.position = inbox.position
LEFT JOIN content shared ON shared.id = inbox.content_id AND shared.channel_id IS NULL
"""
MINE = "mod(content_id + ordinal, :shards) = :shard"

# One statement, because nearly all that these rows consist of is in PostgreSQL already. Whatever comes after `new` is made of the
# rows that it returns. The firsts are all there before the first counter is raised, and both go in the order of their keys.
# `given` brings the fields of the inbox along, so that it is not joined again, and the joins with it are left ones: a row for
# which something is missing is refused.
KEEP = """
WITH given AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(CAST(:clicks AS jsonb)) AS given (id uuid, content_id int, ordinal int, position int,
        clicked_at timestamptz, verdict text, reason text, country text, city text, device_type text, browser text, os text)
), new AS (
    INSERT INTO click (id, clicked_at, org_id, contact_id, message_id, content_id, position, link_id, campaign_id, sequence_id,
        enrollment_id, verdict, reason)
    SELECT given.id, clicked_at, coalesce(message.org_id, link.org_id), contact_id, message.id, given.content_id, given.position,
        link.id, campaign_id, sequence_id, enrollment_id, verdict, given.reason
    FROM given
    LEFT JOIN message ON message.content_id = given.content_id AND message.ordinal = given.ordinal
    LEFT JOIN content_link link ON link.content_id = given.content_id AND link.position = given.position
    ON CONFLICT DO NOTHING
    RETURNING id, contact_id, campaign_id, sequence_id, link_id, verdict
), metadata AS (
    INSERT INTO click_metadata (click_id, country, city, device_type, browser, os)
    SELECT id, country, city, device_type, browser, os FROM new JOIN given USING (id) WHERE device_type IS NOT NULL
    ON CONFLICT DO NOTHING
), scoped AS MATERIALIZED (
    SELECT id, scope, scope_id, new.verdict, contact_id, date_trunc('hour', clicked_at, 'UTC') AS hour,
        coalesce(country, '') AS country, coalesce(city, '') AS city, coalesce(device_type, '') AS device_type
    FROM new JOIN given USING (id)
    CROSS JOIN LATERAL (VALUES ('campaign', campaign_id), ('sequence', sequence_id), ('link', link_id)) AS each (scope, scope_id)
    WHERE scope_id IS NOT NULL
), first AS (
    INSERT INTO click_first (scope, scope_id, verdict, contact_id, click_id)
    SELECT DISTINCT ON (scope, scope_id, verdict, contact_id) scope, scope_id, verdict, contact_id, id
    FROM scoped WHERE contact_id IS NOT NULL
    ORDER BY scope, scope_id, verdict, contact_id, id
    ON CONFLICT DO NOTHING
    RETURNING scope, click_id
), counted AS (
    INSERT INTO click_rollup AS rollup (scope, scope_id, hour, verdict, country, city, device_type, clicks, people)
    SELECT scoped.scope, scope_id, hour, verdict, country, city, device_type, count(*), count(click_id)
    FROM scoped LEFT JOIN first ON first.click_id = scoped.id AND first.scope = scoped.scope
    GROUP BY scoped.scope, scope_id, hour, verdict, country, city, device_type
    ORDER BY scoped.scope, scope_id, hour, verdict, country, city, device_type
    ON CONFLICT (scope, scope_id, hour, verdict, country, city, device_type)
    DO UPDATE SET clicks = rollup.clicks + excluded.clicks, people = rollup.people + excluded.people
)
SELECT count(*) AS recorded,
    coalesce(array_agg(DISTINCT campaign_id) FILTER (WHERE verdict = 'human' AND campaign_id IS NOT NULL), '{}') AS campaigns
FROM new
"""

# Those of a WaitingClick that the row of a click is made of: the first ones.
CLICK_FIELDS = WaitingClick._fields[:7]

REMOVE = "DELETE FROM click_inbox WHERE id = ANY(CAST(:ids AS uuid[]))"

REJECT = """
INSERT INTO click_rejected (id, content_id, ordinal, position, clicked_at, verdict, reason, problem, rejected_at)
SELECT id, content_id, ordinal, position, clicked_at, verdict, reason, :problem, now() FROM click_inbox WHERE id = :id
ON CONFLICT DO NOTHING
"""

DIGESTS = """
WITH due AS (
    SELECT id FROM campaign
    WHERE id = ANY(CAST(:ids AS uuid[])) AND (digest_at IS NULL OR digest_at <= now() - CAST(:every AS interval))
    FOR UPDATE SKIP LOCKED
), marked AS (
    UPDATE campaign SET digest_at = now() FROM due WHERE campaign.id = due.id RETURNING campaign.id, campaign.org_id
)
SELECT marked.id, marked.org_id, coalesce(sum(clicks), 0) AS clicks, coalesce(sum(people), 0) AS people
FROM marked LEFT JOIN click_rollup ON scope = 'campaign' AND scope_id = marked.id AND verdict = 'human'
GROUP BY marked.id, marked.org_id
"""


async def take_clicks(session: AsyncSession, recorder: RecorderInput, limit: int) -> list[WaitingClick]:
    """The oldest clicks of this shard that nobody else has taken; locked until the transaction ends. Held clicks are left."""
    mine, parameters = ("true", {}) if recorder.shards == 1 else (MINE, {"shard": recorder.shard, "shards": recorder.shards})
    await session.execute(text(BY_KEY))
    rows = await session.execute(text(TAKE.format(mine=mine, sent_at=SENT_AT)), {"limit": limit, **parameters})
    return [_judged(WaitingClick(*row)) for row in rows]


def _judged(click: WaitingClick) -> WaitingClick:
    early = click.verdict == "human" and is_early(click.clicked_at, click.sent_at)
    return click._replace(verdict="suspect", reason=EARLY_REASON) if early else click


def months(clicks: Iterable[WaitingClick]) -> list[datetime]:
    """The first moments (UTC) of the months of these clicks."""
    found = {(at.year, at.month) for at in (click.clicked_at.astimezone(UTC) for click in clicks)}
    return [datetime(year, month, 1, tzinfo=UTC) for year, month in found]


async def keep_clicks(session: AsyncSession, described: Sequence[DescribedClick]) -> Kept:
    """Inserts the clicks that are not there yet and raises the counters by exactly those. An id that is twice in `described` is
    kept once. A month that has no partition yet is an IntegrityError."""
    rows = {each.click.id: _row(*each) for each in described}
    kept = await session.execute(text(KEEP), {"clicks": orjson.dumps(list(rows.values())).decode()})
    return Kept(*kept.one())


async def reject_click(session: AsyncSession, click: WaitingClick, problem: str) -> None:
    """Sets a click of the inbox aside; `remove_clicks` takes it out."""
    await session.execute(text(REJECT), {"id": click.id, "problem": problem[:1000]})


async def remove_clicks(session: AsyncSession, clicks: Sequence[WaitingClick]) -> None:
    """Out of the inbox, and with them the IP addresses and user agents."""
    await session.execute(text(REMOVE), {"ids": [click.id for click in clicks]})


async def due_digests(
    session: AsyncSession, campaign_ids: Iterable[UUID], every: timedelta
) -> list[tuple[UUID, UUID, CampaignDigest]]:
    """(organization, campaign, human clicks so far) of those campaigns whose last digest is older than `every`; they count as
    told from now on."""
    rows = await session.execute(text(DIGESTS), {"ids": list(campaign_ids), "every": every})
    return [(row.org_id, row.id, CampaignDigest(clicks=row.clicks, people=row.people)) for row in rows]


def _row(click: WaitingClick, metadata: Metadata | None) -> dict[str, Any]:
    """A row of `given`. Neither IP address nor user agent."""
    row = dict(zip(CLICK_FIELDS, click, strict=False))
    return row if metadata is None else row | metadata._asdict()

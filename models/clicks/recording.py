"""Takes clicks out of the inbox and keeps them: everything that one recording transaction does.

Counters equal rows because they are only ever raised by rows that this transaction really inserted. Every statement writes in the
order of its key, so that two recorders with the same people wait for each other instead of deadlocking.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.clicks.columns import SQL_TYPES, field_types
from models.clicks.counters import COUNT
from models.clicks.early import SENT_AT, is_early
from models.clicks.inbox import CLICKS, InboxClick, LinkClick
from models.clicks.verdict import Reason, Verdict
from models.triggers.clicked import MOST_FIRINGS, TRIGGERING, fire_triggers, triggers_of_links
from models.wire.campaigns import CampaignDigest
from models.wire.clicks import RecorderInput


class WaitingClick(NamedTuple):
    """A click of the inbox with what must be known to judge it; the ids of its owner stay in PostgreSQL. `known` says that there
    is such a message, or that the link belongs to no message. `linked` says that there is such a link."""

    click: InboxClick
    sent_at: datetime | None
    known: bool
    linked: bool


class Metadata(NamedTuple):
    """A row of `click_metadata` without its key."""

    country: str | None
    city: str | None
    device_type: str
    browser: str | None
    os: str | None
    region: str | None = None


class DescribedClick(NamedTuple):
    """A click to be kept. `metadata` is None when the organization keeps none."""

    click: InboxClick
    metadata: Metadata | None


class Kept(NamedTuple):
    """How many clicks were new, the campaigns that people among them clicked, and how many firings of triggers they made."""

    recorded: int
    campaigns: Sequence[UUID]
    fired: int = 0


# Tables are read by their keys, whatever the planner believes. What it knows of the inbox may be from when the inbox was last
# empty, and then it would read and sort all of it for each batch.
BY_KEY = "SET LOCAL enable_seqscan = off"

# Goes from one organization's first click to the next one's, with as many steps in the index as there are organizations.
ORGANIZATIONS = """
WITH RECURSIVE waiting AS (
    (SELECT org_id FROM click_inbox WHERE held_until IS NULL ORDER BY org_id LIMIT 1)
    UNION ALL
    SELECT (SELECT inbox.org_id FROM click_inbox inbox WHERE held_until IS NULL AND inbox.org_id > waiting.org_id
        ORDER BY inbox.org_id LIMIT 1)
    FROM waiting WHERE org_id IS NOT NULL
)
SELECT org_id FROM waiting WHERE org_id IS NOT NULL
"""

# A click on a message of somebody who was erased is counted, and says nothing of the person.
FOR_ALL_BUT_ERASED = {
    name: f"CASE WHEN contact.erased_at IS NULL THEN inbox.{name} END AS {name}" for name in ("ip", "user_agent")
}

# Takes every organization's oldest click, then every second one, and so on until the batch is full. Rows are locked and limited
# before anything is joined, or everything that waits would be joined for each batch. A click that is not held is never held
# again, so that is asked once, and the rows to be locked are found by their keys alone.
TAKE = f"""
WITH chosen AS MATERIALIZED (
    SELECT id FROM unnest(CAST(:organizations AS uuid[])) AS organization (org_id)
    CROSS JOIN LATERAL (
        SELECT id, row_number() OVER (ORDER BY id) AS turn FROM (
            SELECT id FROM click_inbox WHERE org_id = organization.org_id AND held_until IS NULL AND {{mine}}
            ORDER BY id LIMIT :share
        ) AS oldest
    ) AS each
    ORDER BY turn, id LIMIT :limit
), inbox AS MATERIALIZED (
    SELECT {CLICKS.names}
    FROM click_inbox WHERE id = ANY(ARRAY(SELECT id FROM chosen))
    FOR UPDATE SKIP LOCKED
)
SELECT {", ".join(FOR_ALL_BUT_ERASED.get(name, f"inbox.{name}") for name in InboxClick._fields)}, {{sent_at}} AS sent_at,
    message.id IS NOT NULL OR shared.id IS NOT NULL AS known, link.id IS NOT NULL AS linked
FROM inbox
LEFT JOIN message ON message.content_id = inbox.content_id AND message.recipient_number = inbox.recipient_number
LEFT JOIN channel ON channel.id = message.channel_id
LEFT JOIN contact ON contact.id = message.contact_id
LEFT JOIN content_link link ON link.content_id = inbox.content_id AND link.position = inbox.position
LEFT JOIN content shared ON shared.id = inbox.content_id AND shared.channel_id IS NULL
"""  # noqa: S608 - names of ours
FIELDS = len(InboxClick._fields)
MINE = "mod(content_id + recipient_number, :shards) = :shard"

# The fields of the inbox that a click keeps, and what is sent of each click: those and the metadata.
LINK_CLICK = tuple(LinkClick.model_fields)
_link_click = attrgetter(*LINK_CLICK)
_types = {name: each for name, each in field_types(InboxClick).items() if name in LINK_CLICK} | field_types(Metadata)
GIVEN = ", ".join(f"{name} {SQL_TYPES[each]}" for name, each in _types.items())

# When the channel took the message, as far as that is known while the click is recorded.
TAKEN_AT = "coalesce(message.accepted_at, message.sending_at)"

# One statement, because nearly everything in these rows is in PostgreSQL already. Whatever comes after `new` is made of the rows
# that it returns, and so are the counters (`COUNT` in models/clicks/counters.py). `given` brings the fields of the inbox along,
# so that the inbox is not joined again, and the joins with it are left ones: a row for which something is missing is refused.
KEEP = f"""
WITH given AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(CAST(:clicks AS jsonb)) AS given ({GIVEN})
), new AS (
    INSERT INTO click (id, clicked_at, org_id, contact_id, message_id, content_id, position, link_id, campaign_id, sequence_id,
        enrollment_id, verdict, reason, sent_at)
    SELECT given.id, clicked_at, coalesce(message.org_id, link.org_id), contact.id, message.id, given.content_id, given.position,
        link.id, campaign_id, sequence_id, enrollment_id, verdict, given.reason, {TAKEN_AT}
    FROM given
    LEFT JOIN message ON message.content_id = given.content_id AND message.recipient_number = given.recipient_number
    LEFT JOIN contact ON contact.id = message.contact_id AND contact.erased_at IS NULL
    LEFT JOIN content_link link ON link.content_id = given.content_id AND link.position = given.position
    ON CONFLICT DO NOTHING
    RETURNING id, org_id, contact_id, message_id, content_id, campaign_id, sequence_id, link_id, verdict, sent_at
), metadata AS (
    INSERT INTO click_metadata (click_id, org_id, verdict, country, region, city, device_type, browser, os)
    SELECT id, org_id, new.verdict, country, region, city, device_type, browser, os FROM new JOIN given USING (id)
    WHERE device_type IS NOT NULL
    ON CONFLICT DO NOTHING
), {COUNT}SELECT count(*) AS recorded,
    coalesce(array_agg(DISTINCT campaign_id) FILTER (WHERE verdict = 'human' AND campaign_id IS NOT NULL), '{{}}') AS campaigns,
    ARRAY({TRIGGERING}) AS triggering
FROM new
"""  # noqa: S608 - made of constants

REMOVE = "DELETE FROM click_inbox WHERE id = ANY(CAST(:ids AS uuid[]))"

REJECT = f"""
INSERT INTO click_rejected ({", ".join(LINK_CLICK)}, problem, rejected_at)
SELECT {", ".join(LINK_CLICK)}, :problem, now() FROM click_inbox WHERE id = :id
ON CONFLICT DO NOTHING
"""  # noqa: S608 - names of ours

DIGESTS = """
WITH due AS (
    SELECT id FROM campaign
    WHERE id = ANY(CAST(:ids AS uuid[])) AND (digest_at IS NULL OR digest_at <= now() - CAST(:every AS interval))
    FOR UPDATE SKIP LOCKED
), marked AS (
    UPDATE campaign SET digest_at = now() FROM due WHERE campaign.id = due.id RETURNING campaign.id
)
SELECT marked.id, coalesce(sum(clicks), 0) AS clicks, coalesce(sum(people), 0) AS people
FROM marked LEFT JOIN click_series ON scope = 'campaign' AND scope_id = marked.id AND verdict = 'human'
GROUP BY marked.id
"""


class Taken(NamedTuple):
    """`more` says that others may wait for which this batch had no room."""

    clicks: list[WaitingClick]
    more: bool


async def take_clicks(session: AsyncSession, recorder: RecorderInput, limit: int) -> Taken:
    """Takes clicks of this shard that nobody else has taken, of the organizations in turns and of each one the oldest first. They
    are locked until the transaction ends. Held clicks are left."""
    parameters: dict[str, Any] = {"shard": recorder.shard, "shards": recorder.shards} if recorder.shards > 1 else {}
    await session.execute(text(BY_KEY))
    organizations = list(await session.scalars(text(ORGANIZATIONS)))
    share = _share(limit, len(organizations))
    parameters |= {"organizations": organizations, "share": share, "limit": limit}
    mine = MINE if recorder.shards > 1 else "true"
    rows = await session.execute(text(TAKE.format(mine=mine, sent_at=SENT_AT)), parameters)
    clicks = [_judged(WaitingClick(InboxClick(*row[:FIELDS]), *row[FIELDS:])) for row in rows]
    longest = max(Counter(each.click.org_id for each in clicks).values(), default=0)
    fitting = _fitting(clicks, await triggers_of_links(session, {each.click.content_id for each in clicks})) if clicks else []
    return Taken(fitting, more=len(clicks) == limit or longest == share or len(fitting) < len(clicks))


def _fitting(clicks: Sequence[WaitingClick], triggers: Mapping[tuple[int, int], int]) -> list[WaitingClick]:
    """Leaves out the clicks with which the batch would have more than `MOST_FIRINGS`: the organizations' first clicks go before
    their second ones, and so on. There is always one."""
    if not triggers:
        return list(clicks)
    turn: Counter[UUID | None] = Counter()
    in_turns: list[tuple[int, int, WaitingClick]] = []
    for each in clicks:
        click = each.click
        fires = triggers.get((click.content_id, click.position), 0) if click.verdict == Verdict.HUMAN else 0
        turn[click.org_id] += fires > 0
        in_turns.append((turn[click.org_id] if fires else 0, fires, each))
    fitting, firings = list[WaitingClick](), 0
    for _, fires, each in sorted(in_turns, key=itemgetter(0)):
        if not fires or not firings or firings + fires <= MOST_FIRINGS:
            fitting.append(each)
            firings += fires
    return fitting


def _share(limit: int, organizations: int) -> int:
    """Returns how many clicks of each organization are looked at for a batch. Together they are at most twice as many as fit, so
    that a long queue of many organizations costs no more than a batch, and enough to fill it when half of them have few."""
    return min(limit, -(-2 * limit // max(organizations, 1)))


def _judged(waiting: WaitingClick) -> WaitingClick:
    click = waiting.click
    if click.verdict == Verdict.HUMAN and is_early(click.clicked_at, waiting.sent_at):
        return waiting._replace(click=click._replace(verdict=Reason.EARLY.verdict, reason=Reason.EARLY))
    return waiting


async def keep_clicks(session: AsyncSession, described: Sequence[DescribedClick]) -> Kept:
    """Inserts the clicks that are not there yet, raises the counters by exactly those, and fires their triggers. An id that is
    twice in `described` is kept once. A month without a partition raises an IntegrityError."""
    rows = {each.click.id: _row(*each) for each in described}
    kept = (await session.execute(text(KEEP), {"clicks": orjson.dumps(list(rows.values())).decode()})).one()
    return Kept(kept.recorded, kept.campaigns, await fire_triggers(session, kept.triggering) if kept.triggering else 0)


async def reject_click(session: AsyncSession, click: InboxClick, problem: str) -> None:
    """Copies a click of the inbox to the rejected ones; `remove_clicks` takes it out."""
    await session.execute(text(REJECT), {"id": click.id, "problem": problem[:1000]})


async def remove_clicks(session: AsyncSession, clicks: Sequence[InboxClick]) -> None:
    """Removes the clicks from the inbox, and with them the IP addresses and user agents."""
    await session.execute(text(REMOVE), {"ids": [click.id for click in clicks]})


async def due_digests(session: AsyncSession, campaign_ids: Iterable[UUID], every: timedelta) -> list[tuple[UUID, CampaignDigest]]:
    """Returns (campaign, human clicks so far) of those campaigns whose last digest is older than `every`. They count as told from
    now on."""
    rows = await session.execute(text(DIGESTS), {"ids": list(campaign_ids), "every": every})
    return [(row.id, CampaignDigest(clicks=row.clicks, people=row.people)) for row in rows]


def _row(click: InboxClick, metadata: Metadata | None) -> dict[str, Any]:
    """A row of `given`, with neither IP address nor user agent."""
    row = dict(zip(LINK_CLICK, _link_click(click), strict=True))
    return row if metadata is None else row | metadata._asdict()

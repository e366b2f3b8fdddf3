"""Taking clicks out of the inbox and keeping them: everything that one recording transaction does.

Counters equal rows because they are only ever raised by rows that this transaction really inserted. Every statement writes in
the order of its key, so that two recorders with the same people wait for each other instead of deadlocking.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.click import Scope
from models.early import REASON as EARLY_REASON
from models.early import SENT_AT, is_early
from models.wire import CampaignDigest, RecorderInput


@dataclass(frozen=True)
class WaitingClick:
    """A click of the inbox with its message and link; those of them that are None do not exist. `shared`: of a link that
    belongs to no message."""

    id: UUID
    content_id: int
    ordinal: int
    position: int
    clicked_at: datetime
    verdict: str
    reason: str
    ip: str | None
    user_agent: str | None
    message_id: UUID | None
    org_id: UUID | None
    contact_id: UUID | None
    campaign_id: UUID | None
    sequence_id: UUID | None
    enrollment_id: UUID | None
    link_id: UUID | None
    sent_at: datetime | None = None
    shared: bool = False

    @property
    def month(self) -> datetime:
        return self.clicked_at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True)
class Metadata:
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


class Cell(NamedTuple):
    """The key of `click_rollup`."""

    scope: str
    scope_id: UUID
    hour: datetime
    verdict: str
    country: str
    city: str
    device_type: str


TAKE = """
SELECT inbox.id, inbox.content_id, inbox.ordinal, inbox.position, inbox.clicked_at, inbox.verdict, inbox.reason, inbox.ip,
    inbox.user_agent, message.id AS message_id, coalesce(message.org_id, link.org_id) AS org_id, message.contact_id,
    message.campaign_id, message.sequence_id, message.enrollment_id, link.id AS link_id, {sent_at} AS sent_at,
    content.id IS NOT NULL AS shared
FROM click_inbox inbox
LEFT JOIN message ON message.content_id = inbox.content_id AND message.ordinal = inbox.ordinal
LEFT JOIN channel ON channel.id = message.channel_id
LEFT JOIN content_link link ON link.content_id = inbox.content_id AND link.position = inbox.position
LEFT JOIN content ON content.id = inbox.content_id AND content.channel_id IS NULL
WHERE inbox.held_until IS NULL AND {mine}
ORDER BY inbox.id LIMIT :limit FOR UPDATE OF inbox SKIP LOCKED
"""
MINE = "mod(inbox.content_id + inbox.ordinal, :shards) = :shard"

INSERT_CLICKS = """
INSERT INTO click (id, clicked_at, org_id, contact_id, message_id, content_id, position, link_id, campaign_id, sequence_id,
    enrollment_id, verdict, reason)
SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS given (id uuid, clicked_at timestamptz, org_id uuid, contact_id uuid,
    message_id uuid, content_id int, position int, link_id uuid, campaign_id uuid, sequence_id uuid, enrollment_id uuid,
    verdict text, reason text)
ON CONFLICT DO NOTHING
RETURNING id
"""

INSERT_METADATA = """
INSERT INTO click_metadata (click_id, country, city, device_type, browser, os)
SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS given (click_id uuid, country text, city text, device_type text,
    browser text, os text)
ON CONFLICT DO NOTHING
"""

INSERT_FIRST = """
INSERT INTO click_first (scope, scope_id, verdict, contact_id, click_id)
SELECT DISTINCT ON (scope, scope_id, verdict, contact_id) scope, scope_id, verdict, contact_id, click_id
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS given (scope text, scope_id uuid, verdict text, contact_id uuid, click_id uuid)
ORDER BY scope, scope_id, verdict, contact_id, click_id
ON CONFLICT DO NOTHING
RETURNING scope, scope_id, click_id
"""

RAISE_ROLLUP = """
INSERT INTO click_rollup AS rollup (scope, scope_id, hour, verdict, country, city, device_type, clicks, people)
SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS given (scope text, scope_id uuid, hour timestamptz, verdict text,
    country text, city text, device_type text, clicks int, people int)
ORDER BY scope, scope_id, hour, verdict, country, city, device_type
ON CONFLICT (scope, scope_id, hour, verdict, country, city, device_type)
DO UPDATE SET clicks = rollup.clicks + excluded.clicks, people = rollup.people + excluded.people
"""

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
    rows = await session.execute(text(TAKE.format(mine=mine, sent_at=SENT_AT)), {"limit": limit, **parameters})
    return [_judged(WaitingClick(*row)) for row in rows]


def _judged(click: WaitingClick) -> WaitingClick:
    early = click.verdict == "human" and is_early(click.clicked_at, click.sent_at)
    return replace(click, verdict="suspect", reason=EARLY_REASON) if early else click


async def keep_clicks(session: AsyncSession, described: Sequence[DescribedClick]) -> list[WaitingClick]:
    """Inserts the clicks that are not there yet and raises the counters by exactly those, which are returned. A month that
    has no partition yet is an IntegrityError."""
    new_ids = set(await session.scalars(text(INSERT_CLICKS), {"rows": _json(_click_row(each.click) for each in described)}))
    # An id that is twice in one batch was inserted once.
    new = list({each.click.id: each for each in described if each.click.id in new_ids}.values())
    metadata = [{"click_id": each.click.id, **vars(each.metadata)} for each in new if each.metadata]
    await session.execute(text(INSERT_METADATA), {"rows": _json(metadata)})
    await _count(session, new)
    return [each.click for each in new]


async def _count(session: AsyncSession, new: Sequence[DescribedClick]) -> None:
    scoped = [(scope, scope_id, each) for each in new for scope, scope_id in _scopes(each.click)]
    rows = await session.execute(
        text(INSERT_FIRST), {"rows": _json(_first_row(*each) for each in scoped if each[2].click.contact_id)}
    )
    firsts = {(row.scope, row.scope_id, row.click_id) for row in rows}
    clicks: Counter[Cell] = Counter()
    people: Counter[Cell] = Counter()
    for scope, scope_id, each in scoped:
        cell = _cell(scope, scope_id, each)
        clicks[cell] += 1
        people[cell] += (scope, scope_id, each.click.id) in firsts
    cells = ({**cell._asdict(), "clicks": count, "people": people[cell]} for cell, count in clicks.items())
    await session.execute(text(RAISE_ROLLUP), {"rows": _json(cells)})


async def reject_click(session: AsyncSession, click: WaitingClick, problem: str) -> None:
    """Sets a click of the inbox aside; `remove_clicks` takes it out."""
    await session.execute(text(REJECT), {"id": click.id, "problem": problem[:1000]})


async def remove_clicks(session: AsyncSession, clicks: Sequence[WaitingClick]) -> None:
    """Out of the inbox, and with them the IP addresses and user agents."""
    await session.execute(text("DELETE FROM click_inbox WHERE id = ANY(:ids)"), {"ids": [click.id for click in clicks]})


async def due_digests(
    session: AsyncSession, campaign_ids: Iterable[UUID], every: timedelta
) -> list[tuple[UUID, UUID, CampaignDigest]]:
    """(organization, campaign, human clicks so far) of those campaigns whose last digest is older than `every`; they count as
    told from now on."""
    rows = await session.execute(text(DIGESTS), {"ids": list(campaign_ids), "every": every})
    return [(row.org_id, row.id, CampaignDigest(clicks=row.clicks, people=row.people)) for row in rows]


def _click_row(click: WaitingClick) -> dict[str, Any]:
    left_out = {"ordinal", "ip", "user_agent", "sent_at", "shared"}
    return {name: value for name, value in vars(click).items() if name not in left_out}


def _scopes(click: WaitingClick) -> list[tuple[str, UUID]]:
    ids = ((Scope.CAMPAIGN, click.campaign_id), (Scope.SEQUENCE, click.sequence_id), (Scope.LINK, click.link_id))
    return [(scope.value, scope_id) for scope, scope_id in ids if scope_id is not None]


def _first_row(scope: str, scope_id: UUID, each: DescribedClick) -> dict[str, Any]:
    click = each.click
    return {
        "scope": scope,
        "scope_id": scope_id,
        "verdict": click.verdict,
        "contact_id": click.contact_id,
        "click_id": click.id,
    }


def _cell(scope: str, scope_id: UUID, each: DescribedClick) -> Cell:
    hour = each.click.clicked_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    about = each.metadata
    country, city, device_type = (about.country or "", about.city or "", about.device_type) if about else ("", "", "")
    return Cell(scope, scope_id, hour, each.click.verdict, country, city, device_type)


def _json(rows: Iterable[dict[str, Any]]) -> str:
    return orjson.dumps(list(rows)).decode()

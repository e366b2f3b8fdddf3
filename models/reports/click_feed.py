"""The feed of recorded clicks: each with its link, its place and its device, newest first."""

from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import first_id
from models.clicks.click import OF_NOTHING_ELSE
from models.clicks.verdict import Verdict
from models.paging import PageRequest, read_in_order
from models.reports.known_ids import require_known, require_tag
from models.reports.time_budget import TimeBudget
from models.reports.where import HAS_TAG


@dataclass(frozen=True)
class ClickFilter:
    """Each condition that is None lets everything through, `verdict` included. `since` is the first moment that is included,
    `until` the first that is not."""

    campaign_id: UUID | None = None
    sequence_id: UUID | None = None
    enrollment_id: UUID | None = None
    contact_id: UUID | None = None
    link_id: UUID | None = None
    verdict: Verdict | None = None
    since: datetime | None = None
    until: datetime | None = None
    country: str | None = None
    device_type: str | None = None
    region: str | None = None
    city: str | None = None
    browser: str | None = None
    os: str | None = None
    tag: str | None = None


class FeedClick(NamedTuple):
    """`link_url` is where this contact was sent, for a link with merge fields too."""

    id: UUID
    clicked_at: datetime
    verdict: str
    reason: str
    contact_id: UUID | None
    message_id: UUID | None
    campaign_id: UUID | None
    sequence_id: UUID | None
    enrollment_id: UUID | None
    link_id: UUID
    link_name: str | None
    link_url: str
    country: str | None
    city: str | None
    device_type: str | None
    browser: str | None
    os: str | None
    correction: dict[str, Any] | None = None
    """The latest one."""
    contact: dict[str, Any] | None = None
    """Names and addresses of whoever clicked."""
    campaign: str | None = None
    sequence: str | None = None
    """Their names."""


CLICKS = """
SELECT click.id, click.clicked_at, click.verdict, click.reason, click.contact_id, click.message_id, click.campaign_id,
    click.sequence_id, click.enrollment_id, click.link_id, link.name AS link_name,
    coalesce(personal.url, link.url) AS link_url, metadata.country, metadata.city, metadata.device_type, metadata.browser,
    metadata.os, correction.document AS correction,
    CASE WHEN contact.id IS NOT NULL THEN jsonb_build_object(
        'id', contact.id, 'external_id', contact.external_id, 'first_name', contact.first_name, 'last_name', contact.last_name,
        'email', contact.email, 'phone', contact.phone
    ) END AS contact, campaign.name AS campaign, sequence.name AS sequence
FROM {clicks} AS click
JOIN content_link link ON link.id = click.link_id
LEFT JOIN message ON link.merge AND message.id = click.message_id
LEFT JOIN personal_link personal ON personal.content_id = message.content_id AND personal.recipient_number =
message.recipient_number
    AND personal.position = click.position
LEFT JOIN click_metadata metadata ON metadata.click_id = click.id
LEFT JOIN contact ON contact.id = click.contact_id
LEFT JOIN campaign ON campaign.id = click.campaign_id
LEFT JOIN sequence ON sequence.id = click.sequence_id
LEFT JOIN LATERAL (
    SELECT jsonb_build_object(
        'at', at, 'key_id', key_id, 'earlier_verdict', old_verdict, 'earlier_reason', old_reason, 'note', note
    ) AS document
    FROM click_correction WHERE click.reason = 'corrected' AND click_id = click.id ORDER BY click_correction.id DESC LIMIT 1
) AS correction ON true
"""

# Each verdict has a page of its own, newest first, and of those the newest are taken, so that an index finds them however rare
# the verdict is. Limits are written out, because the planner takes an unknown one for a tenth of the table. The verdict is a
# range of one and part of the order, so that only an index with it fits: by the primary key, all clicks would be read for a rare
# one.
PAGE = """(
    SELECT found.* FROM unnest(CAST(:verdicts AS text[])) AS wanted (verdict) CROSS JOIN LATERAL ({found} LIMIT {rows}) AS found
    ORDER BY found.id DESC LIMIT {rows}
)"""
BY_CLICK = """
SELECT click.* FROM click LEFT JOIN click_metadata metadata ON metadata.click_id = click.id
WHERE click.org_id = :org_id AND click.verdict BETWEEN wanted.verdict AND wanted.verdict {conditions}
ORDER BY click.verdict DESC, click.id DESC
"""
# For a location or a device in the whole organization, the index of the metadata begins with it.
BY_METADATA = """
SELECT click.* FROM click_metadata metadata JOIN click ON click.id = metadata.click_id
WHERE metadata.org_id = :org_id AND metadata.verdict BETWEEN wanted.verdict AND wanted.verdict {conditions}
ORDER BY metadata.verdict DESC, metadata.click_id DESC
"""

CONDITIONS = {
    "campaign_id": "AND click.campaign_id = :campaign_id",
    "sequence_id": "AND click.sequence_id = :sequence_id",
    "enrollment_id": "AND click.enrollment_id = :enrollment_id",
    "contact_id": "AND click.contact_id = :contact_id",
    "link_id": "AND click.link_id = :link_id",
    "since": "AND {id} >= :since",
    "of_nothing_else": f"AND {OF_NOTHING_ELSE}",
    "until": "AND {id} < :until",
    "country": "AND metadata.country = :country",
    "device_type": "AND metadata.device_type = :device_type",
    "region": "AND metadata.region = :region",
    "city": "AND metadata.city = :city",
    "browser": "AND metadata.browser = :browser",
    "os": "AND metadata.os = :os",
    "tag": HAS_TAG,
    "after": "AND {id} < :after",
}
SECONDS = 2.0
"""The longest time of a page for which clicks are read and passed over."""
OWNERS = {"campaign_id", "sequence_id", "enrollment_id", "contact_id", "link_id"}

LINK_OWNER = """
SELECT content.campaign_id, content.sequence_id FROM content_link link JOIN content ON content.id = link.content_id
WHERE link.id = :link_id
"""


ONE_PERSON = {"contact_id", "enrollment_id"}
NO_INDEX = {"region", "city", "browser", "os", "tag"}
NARROW = "Ask about a shorter time (since, until), or leave this filter out."


def reads_away(wanted: ClickFilter) -> list[str]:
    """Returns the filters that no index answers beside the others, so that clicks are read and passed over for them. The clicks
    of one person are few."""
    given = _given(vars(wanted)).keys()
    if given & ONE_PERSON:
        return []
    of_metadata = given & {"country", "device_type"}
    indexed = not given & OWNERS and len(of_metadata) == 1
    return sorted(given & NO_INDEX | (set() if indexed else of_metadata))


async def list_clicks(
    session: AsyncSession, org_id: UUID, wanted: ClickFilter, page: PageRequest
) -> tuple[list[FeedClick], UUID | None]:
    """Returns a page, newest first, and the id after which the next page begins, which is None on the last page. Raises NotFound
    for an id or a tag that is not the organization's, and TooMuch when a filter that no index answers passes over too many
    clicks."""
    await require_known(session, org_id, wanted)
    if wanted.tag is not None:
        await require_tag(session, org_id, wanted.tag)
    given = _given(vars(wanted))
    if wanted.link_id is not None:
        given = {**await owner_of_link(session, wanted.link_id), **given}
    given |= _given({"after": page.after})
    given |= {name: first_id(given[name]) for name in ("since", "until") if name in given}
    values = {**given, "org_id": org_id, "verdicts": [wanted.verdict] if wanted.verdict else list(Verdict)}
    if not given.keys() & ONE_PERSON:
        await read_in_order(session)
    statement = _statement(given.keys(), page.limit + 1)
    rows: Iterable[Any]
    if filters := reads_away(wanted):
        rows = await TimeBudget(session, SECONDS, dict.fromkeys(filters, NARROW)).execute(statement, values)
    else:
        rows = await session.execute(text(statement), values)
    clicks = [FeedClick(*row) for row in rows]
    if len(clicks) <= page.limit:
        return clicks, None
    return clicks[: page.limit], clicks[page.limit - 1].id


def _statement(given: Set[str], rows: int) -> str:
    """Chooses the index that fits the given conditions."""
    by_metadata = not given & OWNERS and bool(given & {"country", "device_type"})
    conditions = " ".join(CONDITIONS[name] for name in CONDITIONS if name in given)
    conditions = conditions.format(id="metadata.click_id" if by_metadata else "click.id")
    found = (BY_METADATA if by_metadata else BY_CLICK).format(conditions=conditions)
    return CLICKS.format(clicks=PAGE.format(found=found, rows=rows)) + "ORDER BY click.id DESC"


async def owner_of_link(session: AsyncSession, link_id: UUID) -> dict[str, Any]:
    """A link belongs to one campaign or sequence, whose index finds its clicks, or to neither. Only for links that belong to
    neither, there is an index of the link."""
    row = (await session.execute(text(LINK_OWNER), {"link_id": link_id})).one()
    return _given(row._asdict()) or {"of_nothing_else": True}


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


async def clicks_by_id(session: AsyncSession, ids: list[UUID]) -> dict[UUID, FeedClick]:
    where = "WHERE click.id = ANY(CAST(:ids AS uuid[]))"
    rows = await session.execute(text(CLICKS.format(clicks="click") + where), {"ids": ids})
    return {row.id: FeedClick(*row) for row in rows}

"""The feed of recorded clicks: each with its link, its place and its device, newest first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.known_ids import require_known
from models.paging import PageRequest


@dataclass(frozen=True)
class ClickFilter:
    """None: no such condition. `since` is included, `until` is not. `verdict` None: all."""

    campaign_id: UUID | None = None
    sequence_id: UUID | None = None
    enrollment_id: UUID | None = None
    contact_id: UUID | None = None
    link_id: UUID | None = None
    verdict: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    country: str | None = None
    device_type: str | None = None


class FeedClick(NamedTuple):
    """`link_url` is where this contact was sent, also for a link with merge fields."""

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


CLICKS = """
SELECT click.id, click.clicked_at, click.verdict, click.reason, click.contact_id, click.message_id, click.campaign_id,
    click.sequence_id, click.enrollment_id, click.link_id, link.name AS link_name,
    coalesce(personal.url, link.url) AS link_url, metadata.country, metadata.city, metadata.device_type, metadata.browser,
    metadata.os
FROM click
JOIN content_link link ON link.id = click.link_id
LEFT JOIN message ON link.merge AND message.id = click.message_id
LEFT JOIN personal_link personal ON personal.content_id = message.content_id AND personal.ordinal = message.ordinal
    AND personal.position = click.position
LEFT JOIN click_metadata metadata ON metadata.click_id = click.id
"""

PAGE = CLICKS + "WHERE {conditions} ORDER BY click.id DESC LIMIT :rows"

CONDITIONS = {
    "after": "click.id < :after",
    "campaign_id": "click.campaign_id = :campaign_id",
    "sequence_id": "click.sequence_id = :sequence_id",
    "enrollment_id": "click.enrollment_id = :enrollment_id",
    "contact_id": "click.contact_id = :contact_id",
    "link_id": "click.link_id = :link_id",
    "verdict": "click.verdict = :verdict",
    "since": "click.clicked_at >= :since",
    "shared": "click.message_id IS NULL",
    "until": "click.clicked_at < :until",
    "country": "metadata.country = :country",
    "device_type": "metadata.device_type = :device_type",
}

LINK_OWNER = """
SELECT content.campaign_id, content.sequence_id FROM content_link link JOIN content ON content.id = link.content_id
WHERE link.id = :link_id
"""


async def list_clicks(
    session: AsyncSession, org_id: UUID, wanted: ClickFilter, page: PageRequest
) -> tuple[list[FeedClick], UUID | None]:
    """A page, newest first, and the id to go on after; None: there are no more. NotFound for an id that is not the
    organization's."""
    await require_known(session, org_id, wanted)
    given = _given({**vars(wanted), "after": page.after})
    if wanted.link_id is not None:
        given = {**await _owner_of_link(session, wanted.link_id), **given}
    conditions = " AND ".join(["click.org_id = :org_id", *(CONDITIONS[name] for name in given)])
    rows = await session.execute(text(PAGE.format(conditions=conditions)), {**given, "org_id": org_id, "rows": page.limit + 1})
    clicks = [FeedClick(*row) for row in rows]
    if len(clicks) <= page.limit:
        return clicks, None
    return clicks[: page.limit], clicks[page.limit - 1].id


async def _owner_of_link(session: AsyncSession, link_id: UUID) -> dict[str, Any]:
    """A link belongs to one campaign or sequence, whose index finds its clicks, or it is a shared one: only for those there is
    an index of the link."""
    row = (await session.execute(text(LINK_OWNER), {"link_id": link_id})).one()
    return _given(row._asdict()) or {"shared": True}


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


async def clicks_by_id(session: AsyncSession, ids: list[UUID], first: datetime, last: datetime) -> dict[UUID, FeedClick]:
    """`first` and `last` click times among them, so that only the partitions between are looked at."""
    where = "WHERE click.id = ANY(CAST(:ids AS uuid[])) AND click.clicked_at BETWEEN :first AND :last"
    rows = await session.execute(text(CLICKS + where), {"ids": ids, "first": first, "last": last})
    return {row.id: FeedClick(*row) for row in rows}

"""Counts of a campaign, a sequence or a link: clicks from `click_rollup`, the rest from the rows, in few set-based statements.

`people` are contacts whose first click fell in a cell, so cells add up to the total. `docs/analytics.md` says what each means.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.click import Scope
from models.errors import NotFound

VERDICTS = ("human", "suspect", "bot")


@dataclass(frozen=True)
class ClickQuestion:
    """Which clicks count. `verdict` None: all. Whole hours (UTC): that of `since` is included, and that of `until` unless it is
    a full hour."""

    verdict: str | None = "human"
    since: datetime | None = None
    until: datetime | None = None


class Count(NamedTuple):
    clicks: int
    people: int


@dataclass
class ClickCounts:
    """Keys that are None: not known. `by_verdict` counts all clicks, whichever were asked for."""

    total: Count = field(default_factory=lambda: Count(0, 0))
    by_verdict: dict[str, int] = field(default_factory=dict)
    countries: dict[str | None, Count] = field(default_factory=dict)
    cities: dict[tuple[str | None, str | None], Count] = field(default_factory=dict)
    devices: dict[str | None, Count] = field(default_factory=dict)
    hours: dict[datetime, Count] = field(default_factory=dict)


class LinkOfText(NamedTuple):
    """A link, where it stands, and the sequence's version (None for a campaign)."""

    id: UUID
    content_id: int
    position: int
    name: str | None
    url: str
    campaign_id: UUID | None
    sequence_id: UUID | None
    step_key: str | None
    version: int | None


@dataclass(frozen=True)
class MessageCounts:
    """`recipients` have a message in any state; `reached` one that was accepted, or may have been."""

    by_state: dict[str, int]
    recipients: int
    reached: int


CELLS = """
WITH cell AS (
    SELECT scope_id, hour, verdict, country, city, device_type, clicks, people FROM click_rollup
    WHERE scope = :scope AND scope_id = ANY(CAST(:ids AS uuid[])) {again}
), wanted AS (
    SELECT cell.*, verdict = ANY(CAST(:verdicts AS text[])) AS shown FROM cell
    WHERE (CAST(:since AS timestamptz) IS NULL OR hour >= date_trunc('hour', CAST(:since AS timestamptz), 'UTC'))
        AND (CAST(:until AS timestamptz) IS NULL OR hour < CAST(:until AS timestamptz))
)
"""

# With all verdicts, somebody with a person's click and a machine's is in two cells: taken out of the later one again.
AGAIN = """
    UNION ALL
    SELECT again.scope_id, date_trunc('hour', click.clicked_at, 'UTC'), click.verdict, coalesce(country, ''), coalesce(city, ''),
        coalesce(device_type, ''), 0, -1
    FROM (
        SELECT scope_id, click_id, row_number() OVER (PARTITION BY scope_id, contact_id ORDER BY click_id) AS nth
        FROM click_first WHERE scope = :scope AND scope_id = ANY(CAST(:ids AS uuid[]))
    ) again
    JOIN click ON click.id = again.click_id
    LEFT JOIN click_metadata ON click_metadata.click_id = again.click_id
    WHERE again.nth > 1
"""

BREAKDOWN = """
SELECT grouping(hour, verdict, country, city, device_type) AS level, hour, verdict, country, city, device_type,
    sum(clicks) AS all_clicks, coalesce(sum(clicks) FILTER (WHERE shown), 0) AS clicks,
    coalesce(sum(people) FILTER (WHERE shown), 0) AS people
FROM wanted
GROUP BY GROUPING SETS ((), (hour), (verdict), (country), (country, city), (device_type))
ORDER BY level, hour, clicks DESC, people DESC, country, city, device_type
"""
# `grouping` has a bit for each column that the set leaves out, the first column the highest.
TOTAL, BY_HOUR, BY_VERDICT, BY_COUNTRY, BY_CITY, BY_DEVICE = 0b11111, 0b01111, 0b10111, 0b11011, 0b11001, 0b11110

EACH = """
SELECT scope_id, sum(clicks) AS clicks, sum(people) AS people FROM wanted WHERE shown GROUP BY scope_id
"""

LINKS = """
SELECT link.id, link.content_id, link.position, link.name, link.url, content.campaign_id, content.sequence_id,
    content.step_key, version.version
FROM content
JOIN content_link link ON link.content_id = content.id
LEFT JOIN sequence_version version ON version.id = content.sequence_version_id
WHERE {condition}
ORDER BY content.id, link.position
"""

CONTENTS = "SELECT id FROM content WHERE {condition}"

MESSAGES = """
SELECT state, count(*) AS messages FROM message WHERE content_id = ANY(CAST(:content_ids AS int[])) GROUP BY state ORDER BY state
"""

PEOPLE = """
SELECT count(*) AS recipients, count(*) FILTER (WHERE reached) AS reached
FROM (
    SELECT contact_id, bool_or(state IN ('accepted', 'unknown')) AS reached
    FROM message WHERE content_id = ANY(CAST(:content_ids AS int[])) GROUP BY contact_id
) person
"""


async def count_clicks(session: AsyncSession, scope: Scope, scope_id: UUID, question: ClickQuestion) -> ClickCounts:
    """All breakdowns in one statement over the counters; the rows are only read for `verdict` None."""
    counts = ClickCounts()
    for row in await session.execute(text(_cells(question) + BREAKDOWN), _parameters(scope, [scope_id], question)):
        _sort_in(counts, row)
    return counts


def _sort_in(counts: ClickCounts, row: Any) -> None:
    count = Count(row.clicks, row.people)
    if row.level == BY_VERDICT:
        counts.by_verdict[row.verdict] = row.all_clicks
    elif row.level == TOTAL:
        counts.total = count
    elif not count.clicks:
        return
    elif row.level == BY_HOUR:
        counts.hours[row.hour.astimezone(UTC)] = count
    elif row.level == BY_COUNTRY:
        counts.countries[row.country or None] = count
    elif row.level == BY_CITY:
        counts.cities[row.country or None, row.city or None] = count
    elif row.level == BY_DEVICE:
        counts.devices[row.device_type or None] = count


async def count_links(session: AsyncSession, ids: Sequence[UUID], question: ClickQuestion) -> dict[UUID, Count]:
    """Links without clicks are left out."""
    rows = await session.execute(text(_cells(question) + EACH), _parameters(Scope.LINK, ids, question))
    return {row.scope_id: Count(row.clicks, row.people) for row in rows}


def _cells(question: ClickQuestion) -> str:
    return CELLS.format(again=AGAIN if question.verdict is None else "")


def _parameters(scope: Scope, ids: Sequence[UUID], question: ClickQuestion) -> dict[str, Any]:
    verdicts = [question.verdict] if question.verdict else list(VERDICTS)
    return {"scope": scope.value, "ids": list(ids), "verdicts": verdicts, "since": question.since, "until": question.until}


async def links_of(session: AsyncSession, scope: Scope, scope_id: UUID) -> list[LinkOfText]:
    """The links of a campaign's text, of all published versions of a sequence, or the one link."""
    condition = "link.id = :id" if scope == Scope.LINK else _condition(scope)
    rows = await session.execute(text(LINKS.format(condition=condition)), {"id": scope_id})
    return [LinkOfText(*row) for row in rows]


async def get_link(session: AsyncSession, org_id: UUID, link_id: UUID) -> LinkOfText:
    condition = "link.id = :id AND link.org_id = :org_id"
    row = (await session.execute(text(LINKS.format(condition=condition)), {"id": link_id, "org_id": org_id})).first()
    if row is None:
        raise NotFound("No such link.")
    return LinkOfText(*row)


async def contents_of(session: AsyncSession, scope: Scope, scope_id: UUID) -> list[int]:
    """The texts of a campaign or of all published versions of a sequence."""
    return list(await session.scalars(text(CONTENTS.format(condition=_condition(scope))), {"id": scope_id}))


def _condition(scope: Scope) -> str:
    return "content.campaign_id = :id" if scope == Scope.CAMPAIGN else "content.sequence_id = :id"


async def count_messages(session: AsyncSession, content_ids: Sequence[int]) -> MessageCounts:
    """Messages are found by their text, so that one index serves campaigns, sequences and links."""
    parameters = {"content_ids": list(content_ids)}
    states = await session.execute(text(MESSAGES), parameters)
    by_state = {row.state: row.messages for row in states}
    people = (await session.execute(text(PEOPLE), parameters)).one()
    return MessageCounts(by_state, people.recipients, people.reached)

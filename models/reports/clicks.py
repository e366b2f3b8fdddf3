"""Clicks and people of a campaign, a sequence or a link over time, from `click_series`. `docs/analytics.md` says what each means.

What is known of the clicks, such as their countries, is in `models/reports/breakdowns.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import EPOCH, first_id, made_at_sql
from models.clicks.click import Scope
from models.clicks.counters import BUCKET_OF
from models.clicks.verdict import Verdict

BUCKET = timedelta(minutes=15)
BUCKET_OF_ID = BUCKET_OF.replace("clicked_at", made_at_sql("click_id"))


class Count(NamedTuple):
    clicks: int
    people: int


@dataclass(frozen=True)
class ClickQuestion:
    """Which clicks count: those in a scope, or of one link in it. `verdict` None counts all.

    Time goes by quarters of an hour: that of `since` is included, and those that begin before `until`. None sets no limit.
    """

    scope: Scope
    scope_id: UUID
    link_id: UUID | None = None
    verdict: Verdict | None = Verdict.HUMAN
    since: datetime | None = None
    until: datetime | None = None

    def parameters(self, links: Sequence[UUID] = ()) -> dict[str, Any]:
        """Of the statements here and in `breakdowns`. People are counted once in the scope, or once for each of the `links`."""
        each = list(links) if self.link_id is None else [self.link_id]
        since, until = begin_of(self.since), end_of(self.until)
        return {
            "scope": self.scope.value,
            "scope_id": self.scope_id,
            "link_id": self.link_id,
            "verdicts": list(Verdict) if self.verdict is None else [self.verdict],
            "since": since,
            "until": until,
            "first_id": first_id(since) if since else None,
            "end_id": first_id(until) if until else None,
            "person_scope": (Scope.LINK if each else self.scope).value,
            "person_scope_ids": each or [self.scope_id],
        }


@dataclass
class ClickCounts:
    """`by_verdict` counts all clicks, whichever were asked for. `buckets` are quarters of an hour with clicks, in their order."""

    total: Count = field(default_factory=lambda: Count(0, 0))
    by_verdict: dict[str, int] = field(default_factory=dict)
    buckets: dict[datetime, Count] = field(default_factory=dict)


def later_firsts(order: str = "click_id") -> str:
    """SQL of the first clicks of each person who clicked with several verdicts, without the one that comes first in this
    order."""
    return f"""(
    SELECT click_id, scope_id, verdict, retired, {BUCKET_OF_ID} AS bucket FROM (
        SELECT *, row_number() OVER (PARTITION BY scope_id, contact_id ORDER BY {order}) AS nth
        FROM click_first WHERE scope = :person_scope AND scope_id = ANY(CAST(:person_scope_ids AS uuid[]))
    ) AS firsts WHERE nth > 1
) AS later"""  # noqa: S608 - made of constants


# When all verdicts are asked for, somebody with a person's click and a machine's is in two cells: once too often. The time is
# that of the id, because retention may have removed the click. Where links are told apart, people are counted by link.
TWICE = f"""
    UNION ALL
    SELECT scope_id, verdict, bucket, 0, -1 FROM {later_firsts()}
"""  # noqa: S608 - made of constants

CELLS = """
WITH cell (link_id, verdict, bucket, clicks, people) AS (
    SELECT link_id, verdict, bucket, clicks, {people} FROM click_series
    WHERE scope = :scope AND scope_id = :scope_id {link} {twice}
), wanted AS (
    SELECT cell.*, verdict = ANY(CAST(:verdicts AS text[])) AS shown FROM cell
    WHERE (CAST(:since AS timestamptz) IS NULL OR bucket >= :since) AND (CAST(:until AS timestamptz) IS NULL OR bucket < :until)
)
"""

OVER_TIME = """
SELECT grouping(bucket, verdict) AS level, bucket, verdict, sum(clicks) AS all_clicks,
    coalesce(sum(clicks) FILTER (WHERE shown), 0) AS clicks, coalesce(sum(people) FILTER (WHERE shown), 0) AS people
FROM wanted GROUP BY GROUPING SETS ((), (bucket), (verdict)) ORDER BY level, bucket
"""
# `grouping` has a bit for each column that the set leaves out, the first column the highest.
TOTAL, BY_BUCKET, BY_VERDICT = 0b11, 0b01, 0b10

EACH_LINK = "SELECT link_id, sum(clicks) AS clicks, sum(people) AS people FROM wanted WHERE shown GROUP BY link_id"


async def count_clicks(session: AsyncSession, question: ClickQuestion) -> ClickCounts:
    """One statement over the counters. First clicks are only read for `verdict` None."""
    counts = ClickCounts()
    for row in await session.execute(text(_cells(question) + OVER_TIME), question.parameters()):
        count = Count(row.clicks, row.people)
        if row.level == BY_VERDICT:
            counts.by_verdict[row.verdict] = row.all_clicks
        elif row.level == TOTAL:
            counts.total = count
        elif count.clicks:
            counts.buckets[row.bucket.astimezone(UTC)] = count
    return counts


async def count_links(session: AsyncSession, links: Sequence[UUID], question: ClickQuestion) -> dict[UUID, Count]:
    """All links of the scope, each with its own people. Links without clicks are left out."""
    if not links:
        return {}
    rows = await session.execute(text(_cells(question, each_link=True) + EACH_LINK), question.parameters(links))
    return {row.link_id: Count(row.clicks, row.people) for row in rows}


def _cells(question: ClickQuestion, each_link: bool = False) -> str:
    twice = TWICE if question.verdict is None else ""
    return CELLS.format(twice=twice, **only(question, each_link))


def only(question: ClickQuestion, each_link: bool = False) -> dict[str, str]:
    """The parts of a statement that depend on whether people are counted in the scope or for one link."""
    of_link = question.link_id is not None
    return {
        "people": "link_people" if of_link or each_link else "people",
        "link": "AND link_id = :link_id" if of_link else "",
    }


def begin_of(at: datetime | None) -> datetime | None:
    """Returns the beginning of this quarter of an hour, or None when it lies before all clicks."""
    return None if at is None or at < EPOCH else EPOCH + (at - EPOCH) // BUCKET * BUCKET


def end_of(at: datetime | None) -> datetime | None:
    """Returns the end of the last quarter of an hour that begins before this moment, or None when it lies behind all clicks."""
    if at is None:
        return None
    try:
        return EPOCH - (EPOCH - at) // BUCKET * BUCKET if at > EPOCH else EPOCH
    except OverflowError:
        return None

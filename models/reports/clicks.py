"""Clicks and people of a campaign, a sequence or a link over time, from `click_series`. `docs/analytics.md` says what each means.

What is known of the clicks, such as their countries, is in `models/reports/breakdowns.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import add
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import EPOCH, first_id, made_at_sql
from models.clicks.click import Scope
from models.clicks.counters import BUCKET as BUCKET
from models.clicks.counters import BUCKET_OF
from models.clicks.verdict import Verdict
from models.reports.where import EVERYWHERE, Where

BUCKET_OF_ID = BUCKET_OF.replace("clicked_at", made_at_sql("click_id"))


class Count(NamedTuple):
    clicks: int
    people: int


class Moment(NamedTuple):
    """What was clicked within an interval of time. `clicks` and `people` are of the verdict that was asked for, and the machines
    are counted beside them."""

    clicks: int
    people: int
    suspect_clicks: int = 0
    bot_clicks: int = 0


@dataclass(frozen=True)
class ClickQuestion:
    """Which clicks count: those in a scope, or of one link in it. `verdict` None counts all.

    In counters, time goes by quarters of an hour: that of `since` is included, and those that begin before `until`. None sets no
    limit. `is_exact` reads rows from `since` on and before `until` to the millisecond; without it, rows of those quarters.
    `where` is passed over by what reads `click_series`, which does not know it: `models/reports/answer.py` decides what is read.
    `by_hours` says that counts over time may come by hours of UTC, of which there are a quarter as many.
    """

    scope: Scope
    scope_id: UUID
    link_id: UUID | None = None
    verdict: Verdict | None = Verdict.HUMAN
    since: datetime | None = None
    until: datetime | None = None
    where: Where = EVERYWHERE
    by_hours: bool = False
    is_exact: bool = False

    @property
    def is_timed(self) -> bool:
        return self.since is not None or self.until is not None

    def parameters(self, links: Sequence[UUID] = ()) -> dict[str, Any]:
        """Of the statements here and in `breakdowns`. People are counted once in the scope, or once for each of the `links`."""
        each = list(links) if self.link_id is None else [self.link_id]
        since, until = begin_of(self.since), end_of(self.until)
        first, end = (self.since, self.until) if self.is_exact else (since, until)
        return {
            "scope": self.scope.value,
            "scope_id": self.scope_id,
            "link_id": self.link_id,
            "verdicts": list(Verdict) if self.verdict is None else [self.verdict],
            "since": since,
            "until": until,
            "first_id": first_id(first) if first else None,
            "end_id": first_id(end) if end else None,
            "person_scope": (Scope.LINK if each else self.scope).value,
            "person_scope_ids": each or [self.scope_id],
        }


@dataclass
class ClickCounts:
    """`by_verdict` counts all clicks, whichever were asked for. `buckets` are quarters of an hour, or hours, with clicks of
    any verdict, in their order."""

    total: Count = field(default_factory=lambda: Count(0, 0))
    by_verdict: dict[str, int] = field(default_factory=dict)
    buckets: dict[datetime, Moment] = field(default_factory=dict)


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
    SELECT scope_id, bucket, verdict, 0, -1 FROM {later_firsts()}
"""  # noqa: S608 - made of constants

# Every click has one device, known or not. So the few rows of that dimension say the same as all quarters of an hour together.
OF_ALL_TIME = "click_by WHERE dimension = 'device_type' AND"
OVER_TIME = "click_series WHERE"
OF_SCOPE = "scope = :scope AND scope_id = :scope_id {link}"

CELLS = f"""
WITH cell (link_id, bucket, verdict, clicks, people) AS (
    SELECT link_id, {{bucket}}, verdict, clicks, {{people}} FROM {{table}} {OF_SCOPE} {{verdicts}}
    {{twice}}
), wanted AS (
    SELECT * FROM cell {{within}}
)
"""  # noqa: S608 - made of constants
HOUR = "date_bin('1 hour', bucket, 'epoch')"


def _of_verdict(verdict: Verdict) -> str:
    return f"coalesce(sum(clicks) FILTER (WHERE verdict = '{verdict}'), 0) AS {verdict}"


ASKED = "verdict = ANY(CAST(:verdicts AS text[]))"
EACH_BUCKET = f"""
SELECT {{begin}} AS begin, coalesce(sum(clicks) FILTER (WHERE {ASKED}), 0) AS clicks,
    coalesce(sum(people) FILTER (WHERE {ASKED}), 0) AS people, {", ".join(map(_of_verdict, Verdict))}
FROM wanted GROUP BY 1 ORDER BY 1
"""  # noqa: S608 - made of constants
EACH_LINK = "SELECT link_id, sum(clicks) AS clicks, sum(people) AS people FROM wanted GROUP BY link_id"


async def count_clicks(session: AsyncSession, question: ClickQuestion) -> ClickCounts:
    """One statement over the counters. First clicks are only read for `verdict` None."""
    counts, people, of_verdicts = ClickCounts(), 0, [0] * len(Verdict)
    begin_sql = HOUR if question.by_hours else "bucket"
    statement = _cells(question, OVER_TIME, "bucket", verdicts="") + EACH_BUCKET.format(begin=begin_sql)
    for begin, clicks, of_people, *each in (await session.execute(text(statement), question.parameters())).all():
        people += of_people
        of_verdicts = list(map(add, of_verdicts, each))
        if any(each):
            _, suspect, bot = each
            counts.buckets[begin] = Moment(clicks, of_people, suspect, bot)
    counts.by_verdict = dict(zip(Verdict, of_verdicts, strict=True))
    counts.total = Count(sum(each.clicks for each in counts.buckets.values()), people)
    return counts


async def count_links(session: AsyncSession, links: Sequence[UUID], question: ClickQuestion) -> dict[UUID, Count]:
    """All links of the scope, each with its own people. Links without clicks are left out."""
    if not links:
        return {}
    timed = question.since is not None or question.until is not None
    statement = _cells(question, _table(question), "bucket" if timed else "NULL", each_link=True) + EACH_LINK
    rows = await session.execute(text(statement), question.parameters(links))
    return {row.link_id: Count(row.clicks, row.people) for row in rows}


async def count_first_clicks(session: AsyncSession, question: ClickQuestion) -> dict[UUID, Count]:
    """The clicks of each link of the scope, with the people whose first click in the scope was on it, so that both add up to the
    total. Links without clicks are left out. With all verdicts, somebody with first clicks of several counts once for each."""
    timed = question.since is not None or question.until is not None
    statement = _cells(question, _table(question), "bucket" if timed else "NULL") + EACH_LINK
    rows = await session.execute(text(statement), question.parameters())
    return {row.link_id: Count(row.clicks, row.people) for row in rows}


def _cells(question: ClickQuestion, table: str, bucket: str, each_link: bool = False, verdicts: str = f"AND {ASKED}") -> str:
    twice = TWICE if question.verdict is None else ""
    parts = {"table": table, "bucket": bucket, "twice": twice, "within": _within(question), "verdicts": verdicts}
    return CELLS.format(**parts, **only(question, each_link))


def _table(question: ClickQuestion) -> str:
    """Returns the table that has the clicks of this time without saying when each of them was. Those of an organization are
    counted over time alone."""
    timed = question.since is not None or question.until is not None
    return OVER_TIME if timed or question.scope == Scope.ORGANIZATION else OF_ALL_TIME


def _within(question: ClickQuestion) -> str:
    since = ["bucket >= CAST(:since AS timestamptz)"] if begin_of(question.since) is not None else []
    until = ["bucket < CAST(:until AS timestamptz)"] if end_of(question.until) is not None else []
    given = " AND ".join(since + until)
    return f"WHERE {given}" if given else ""


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

"""What answers a question about clicks: counters where they know it, and otherwise the rows of the clicks.

`click_series` knows scope, link, verdict and time; `click_by` knows scope, link, verdict and one of the dimensions. So no filter,
the time alone and one dimension alone are answered from counters however many clicks there are, apart from what crosses two of
them: the countries within a month, or the days of a country. That, and every question with two filters, is counted from rows.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.errors import TooMuch
from models.reports.breakdowns import Breakdown, count_values
from models.reports.clicks import ClickCounts, ClickQuestion, Count, count_clicks, only
from models.reports.rows import MOST_ROWS, SECONDS, FromRows, count_rows
from models.reports.time_budget import TimeBudget
from models.reports.where import EVERYWHERE, has_few_people

Source = Literal["counters", "rows"]


class Kind(StrEnum):
    """How a question is answered: by counters, by counters and for some parts by rows, or by rows."""

    COUNTERS = "counters"
    BOTH = "both"
    ROWS = "rows"


@dataclass
class Answer:
    """Of each part it is said where it comes from; None says that it is left out, because there are too many rows. `links` and
    `first_links` are None when `count_links` and `count_first_clicks` answer them. `rows_since` is the time from which on all
    rows are kept: what comes from rows lacks the clicks before it. None says that none was removed."""

    clicks: ClickCounts
    values: Mapping[str, Breakdown]
    links: Mapping[UUID, Count] | None
    first_links: Mapping[UUID, Count] | None
    totals_from: Source
    series_from: Source | None
    values_from: Source | None
    rows_since: datetime | None = None


def kind_of(question: ClickQuestion) -> Kind:
    if not question.where.given():
        return Kind.BOTH if question.is_timed else Kind.COUNTERS
    # Of somebody with clicks of several verdicts, the counters of a dimension do not know which one was the first.
    one = question.where.dimension() is not None and not question.is_timed and question.verdict is not None
    return Kind.BOTH if one else Kind.ROWS


async def answer(session: AsyncSession, question: ClickQuestion, each_link: bool = True) -> Answer:
    """`each_link` says that links are asked for. Raises TooMuch when only rows could answer and there are too many."""
    kind = kind_of(question)
    if kind == Kind.COUNTERS:
        clicks, values = await count_clicks(session, question), await count_values(session, question)
        return Answer(clicks, values, None, None, "counters", "counters", "counters")
    since = await session.scalar(text(ROWS_SINCE), {"scope": question.scope.value, "scope_id": question.scope_id})
    if kind == Kind.ROWS:
        read = await _rows(session, question, each_link)
        return Answer(read.clicks, read.values, read.links, read.first_links, "rows", "rows", "rows", since)
    if question.is_timed:
        clicks = await count_clicks(session, question)
        rows = await _rows_if_few(session, question, clicks)
        return Answer(clicks, rows.values if rows else {}, None, None, "counters", "counters", "rows" if rows else None, since)
    found = await _of_value(session, question)
    rows = await _rows_if_few(session, question)
    found.clicks.buckets = rows.clicks.buckets if rows else {}
    source: Source | None = "rows" if rows else None
    values = rows.values if rows else {}
    return Answer(found.clicks, values, found.links, found.first_links, "counters", source, source, since)


async def _rows_if_few(session: AsyncSession, question: ClickQuestion, counted: ClickCounts | None = None) -> FromRows | None:
    """Returns None when there are too many rows, of which the totals are known without them."""
    try:
        async with session.begin_nested():
            return await _rows(session, question, False, counted)
    except TooMuch:
        return None


ROWS_SINCE = """
SELECT max(bucket) + interval '15 minutes' FROM click_series
WHERE scope = :scope AND scope_id = :scope_id AND retired_clicks > 0
"""

OF_VALUE = """
SELECT link_id, verdict, sum(clicks) AS clicks, sum({people}) AS people, sum(link_people) AS link_people FROM click_by
WHERE scope = :scope AND scope_id = :scope_id {link} AND dimension = :dimension AND {value}
GROUP BY link_id, verdict
"""


async def _of_value(session: AsyncSession, question: ClickQuestion) -> FromRows:
    dimension, condition = question.where.dimension() or ("", "false")
    statement = OF_VALUE.format(value=condition, **only(question))
    values = {**question.parameters(), "dimension": dimension, **question.where.given()}
    found, by_verdict = FromRows(), defaultdict[str, int](int)
    for row in await session.execute(text(statement), values):
        by_verdict[row.verdict] += row.clicks
        if row.verdict == question.verdict and row.clicks:
            before = found.clicks.total
            found.clicks.total = Count(before.clicks + row.clicks, before.people + row.people)
            found.links[row.link_id] = Count(row.clicks, row.link_people)
            found.first_links[row.link_id] = Count(row.clicks, row.people)
    found.clicks.by_verdict = dict(by_verdict)
    return found


FIELDS = {
    "since": "Ask about a shorter time, or with fewer filters.",
    "until": "Ask about a shorter time, or with fewer filters.",
}


async def _rows(session: AsyncSession, question: ClickQuestion, each_link: bool, counted: ClickCounts | None = None) -> FromRows:
    """`counted` is what counters say of the scope and the time, if that is known already."""
    by_tag = await has_few_people(session, question.where)
    if not by_tag:
        counted = counted or await count_clicks(session, replace(question, where=EVERYWHERE))
        if (clicks := counted.total.clicks) > MOST_ROWS:
            raise TooMuch.of(f"There are {clicks:,} clicks to read here, and at most {MOST_ROWS:,} can be read.", FIELDS)
    return await count_rows(TimeBudget(session, SECONDS, FIELDS), question, by_tag, each_link)

"""Clicks and people counted from the rows of clicks, for questions that no counter answers: a country within a month, a tag.

A person is counted where the first click lies: if it is among the clicks that were asked for. So whoever clicked before the time,
or first in another country, adds clicks and no person, and people of parts that do not overlap can be added.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any
from uuid import UUID

from models.clicks.counters import BUCKET_OF, VALUES
from models.reports.breakdowns import OWNERS, Breakdown
from models.reports.clicks import ClickCounts, ClickQuestion, Count, Moment, only
from models.reports.time_budget import TimeBudget
from models.reports.where import conditions

MOST_ROWS = 50_000
"""The most clicks that are read. 20,000 took 0.8 s on a machine with much other work, and 100,000 more than two seconds."""
FEW_ROWS = 20_000
"""The most clicks that are read for a part of a report whose totals are counters: it is left out sooner than waited for."""
SECONDS = 2.0
"""The longest time that an organization's report may keep the database busy with rows."""


@dataclass
class FromRows:
    """`clicks.by_verdict` has those verdicts alone that were asked for. `links` have their own people, and are empty when they
    were not asked for. `first_links` have the people whose first click in the scope was on the link, so that they add up to the
    total."""

    clicks: ClickCounts = field(default_factory=ClickCounts)
    values: dict[str, Breakdown] = field(default_factory=lambda: defaultdict(dict))
    links: dict[UUID, Count] = field(default_factory=dict)
    first_links: dict[UUID, Count] = field(default_factory=dict)


# The first click of the asked verdicts, or with several of them the oldest of the first ones, is the one that has the person.
PERSON = """(click.id = (
    SELECT first.click_id FROM click_first first
    WHERE first.scope = {scope} AND first.scope_id = {scope_id} AND first.verdict = ANY(CAST(:verdicts AS text[]))
        AND first.contact_id = click.contact_id
    ORDER BY first.click_id LIMIT 1
))::int"""
OF_SCOPE = PERSON.format(scope=":person_scope", scope_id="CAST(:person_scope_id AS uuid)")
OF_LINK = PERSON.format(scope="'link'", scope_id="click.link_id")

CHOSEN = f"""
WITH chosen AS MATERIALIZED (
    SELECT click.clicked_at, click.sent_at, click.link_id, click.verdict, country, region, city, device_type, browser, os,
        coalesce({OF_SCOPE}, 0) AS person, {{link_person}} AS link_person
    FROM click LEFT JOIN click_metadata metadata ON metadata.click_id = click.id
    WHERE {{owner}} {{link}} AND click.verdict = ANY(CAST(:verdicts AS text[])) {{since}} {{until}} {{where}}
)
SELECT 'total' AS part, NULL AS value, NULL::timestamptz AS bucket, NULL::uuid AS link_id, count(*) AS clicks,
    coalesce(sum(person), 0) AS people, 0 AS suspects, 0 AS bots FROM chosen
UNION ALL SELECT 'verdict', verdict, NULL, NULL, count(*), 0, 0, 0 FROM chosen GROUP BY verdict
UNION ALL SELECT 'bucket', NULL, {BUCKET_OF} AS bucket, NULL, count(*), sum(person), count(*) FILTER (WHERE verdict = 'suspect'),
    count(*) FILTER (WHERE verdict = 'bot') FROM chosen GROUP BY 3
UNION ALL SELECT 'link', NULL, NULL, link_id, count(*), sum(link_person), 0, 0 FROM chosen GROUP BY link_id
UNION ALL SELECT 'first', NULL, NULL, link_id, count(*), sum(person), 0, 0 FROM chosen GROUP BY link_id
UNION ALL SELECT 'of ' || dimension, value, NULL, NULL, count(*), sum(person), 0, 0 FROM chosen CROSS JOIN LATERAL {VALUES}
    GROUP BY dimension, value
ORDER BY part, bucket, clicks DESC, people DESC, value
"""  # noqa: S608 - made of constants


async def count_rows(budget: TimeBudget, question: ClickQuestion, by_tag: bool, each_link: bool) -> FromRows:
    """`by_tag` says that few people have the tag, and `each_link` that links are asked for. Raises TooMuch."""
    values = question.parameters()
    values |= {"person_scope_id": values["person_scope_ids"][0], "org_id": question.where.org_id, **question.where.given()}
    statement = CHOSEN.format(
        owner=OWNERS[question.scope],
        link=only(question)["link"],
        link_person=f"coalesce({OF_LINK}, 0)" if each_link else "0",
        since="" if values["first_id"] is None else "AND click.id >= :first_id",
        until="" if values["end_id"] is None else "AND click.id < :end_id",
        where=conditions(question.where, by_tag),
    )
    found = FromRows()
    for row in await budget.execute(statement, values):
        _add(found, row, each_link)
    return found


def _add(found: FromRows, row: Any, each_link: bool) -> None:
    count = Count(row.clicks, row.people)
    if row.part == "total":
        found.clicks.total = count
    elif row.part == "verdict":
        found.clicks.by_verdict[row.value] = row.clicks
    elif row.part == "bucket":
        found.clicks.buckets[row.bucket.astimezone(UTC)] = Moment(*count, row.suspects, row.bots)
    elif row.part == "first":
        found.first_links[row.link_id] = count
    elif row.part != "link":
        found.values[row.part.removeprefix("of ")][row.value] = count
    elif each_link:
        found.links[row.link_id] = count

"""Do the counters equal the rows? Counts all clicks anew, and, if asked to, makes `click_first` and `click_rollup` what they say.

Whose click was recorded first is nowhere but in `click_first`, so any click of that person in that scope with that verdict is
right there. The cell that has the person in `click_rollup` is the cell of that click.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

LISTED = 1000
"""So many differences are listed at most; all are counted."""

# Each click in each of its scopes. A click on a link that is nobody's own (no contact) counts as a click and as no person.
SCOPED = """
SELECT click.id, scope, scope_id, click.verdict, click.contact_id, date_trunc('hour', click.clicked_at, 'UTC') AS hour,
    coalesce(metadata.country, '') AS country, coalesce(metadata.city, '') AS city,
    coalesce(metadata.device_type, '') AS device_type
FROM click
CROSS JOIN LATERAL (VALUES ('campaign', click.campaign_id), ('sequence', click.sequence_id), ('link', click.link_id))
    AS scopes (scope, scope_id)
LEFT JOIN click_metadata metadata ON metadata.click_id = click.id
WHERE scope_id IS NOT NULL
"""

# `expected` null: there is no such click, the row is too much. `found` null: the row is missing. A person has one row, whatever
# of the person's clicks it names; one that it may not name is `found`, and the oldest one is `expected`.
FIRST = f"""
WITH scoped AS ({SCOPED}), people AS (
    SELECT scope, scope_id, verdict, contact_id, (array_agg(id ORDER BY id))[1] AS oldest, array_agg(id) AS ids
    FROM scoped WHERE contact_id IS NOT NULL GROUP BY scope, scope_id, verdict, contact_id
)
SELECT scope, scope_id, verdict, contact_id, people.oldest AS expected, first.click_id AS found
FROM people FULL JOIN click_first first USING (scope, scope_id, verdict, contact_id)
WHERE people.oldest IS NULL OR first.click_id IS NULL OR NOT first.click_id = ANY(people.ids)
"""  # noqa: S608 # made of the constants above

ROLLUP = f"""
WITH scoped AS ({SCOPED}), counted AS (
    SELECT scope, scope_id, hour, verdict, country, city, device_type, count(*)::int AS clicks,
        (count(*) FILTER (WHERE first.click_id = scoped.id))::int AS people
    FROM scoped
    LEFT JOIN click_first first USING (scope, scope_id, verdict, contact_id)
    GROUP BY scope, scope_id, hour, verdict, country, city, device_type
)
SELECT scope, scope_id, hour, verdict, country, city, device_type, counted.clicks AS expected_clicks,
    rollup.clicks AS found_clicks, counted.people AS expected_people, rollup.people AS found_people
FROM counted FULL JOIN click_rollup rollup USING (scope, scope_id, hour, verdict, country, city, device_type)
WHERE (counted.clicks, counted.people) IS DISTINCT FROM (rollup.clicks, rollup.people)
"""  # noqa: S608 # made of the constants above

REPAIR_FIRST = f"""
WITH wrong AS MATERIALIZED ({FIRST}), gone AS (
    DELETE FROM click_first first USING wrong WHERE wrong.expected IS NULL AND (first.scope, first.scope_id, first.verdict,
        first.contact_id) = (wrong.scope, wrong.scope_id, wrong.verdict, wrong.contact_id)
)
INSERT INTO click_first (scope, scope_id, verdict, contact_id, click_id)
SELECT scope, scope_id, verdict, contact_id, expected FROM wrong WHERE expected IS NOT NULL
ON CONFLICT (scope, scope_id, verdict, contact_id) DO UPDATE SET click_id = excluded.click_id
"""  # noqa: S608 # made of the constants above

REPAIR_ROLLUP = f"""
WITH wrong AS MATERIALIZED ({ROLLUP}), gone AS (
    DELETE FROM click_rollup rollup USING wrong WHERE wrong.expected_clicks IS NULL AND (rollup.scope, rollup.scope_id,
        rollup.hour, rollup.verdict, rollup.country, rollup.city, rollup.device_type) = (wrong.scope, wrong.scope_id, wrong.hour,
        wrong.verdict, wrong.country, wrong.city, wrong.device_type)
)
INSERT INTO click_rollup (scope, scope_id, hour, verdict, country, city, device_type, clicks, people)
SELECT scope, scope_id, hour, verdict, country, city, device_type, expected_clicks, expected_people
FROM wrong WHERE expected_clicks IS NOT NULL
ON CONFLICT (scope, scope_id, hour, verdict, country, city, device_type)
DO UPDATE SET clicks = excluded.clicks, people = excluded.people
"""  # noqa: S608 # made of the constants above

TOTALS = """
SELECT (SELECT count(*) FROM click) AS clicks, (SELECT count(*) FROM click_rollup) AS cells,
    (SELECT count(*) FROM click_first) AS people
"""

# In the order in which recording writes, so that neither waits for the other in a circle: recording stops until the repair is
# committed, reading goes on.
STOP_RECORDING = "LOCK TABLE click, click_metadata, click_first, click_rollup IN SHARE ROW EXCLUSIVE MODE"


@dataclass(frozen=True)
class Difference:
    """A row that differs: its `key`, what the clicks say and what the counter says (None: there is no such row)."""

    table: str
    key: dict[str, Any]
    expected: dict[str, Any] | None
    found: dict[str, Any] | None


@dataclass(frozen=True)
class Reconciliation:
    """`clicks`, `cells` of click_rollup and `people` of click_first that were looked at. `different`: rows of these that differ,
    of which `differences` lists at most 1,000."""

    clicks: int
    cells: int
    people: int
    different: int
    differences: Sequence[Difference]

    @property
    def equal(self) -> bool:
        return self.different == 0


async def compare(session: AsyncSession) -> Reconciliation:
    """Reads one state of the database: recording may go on. The session must be at the beginning of its transaction."""
    await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    return await _compare(session)


async def repair(session: AsyncSession) -> Reconciliation:
    """What differed, which is repaired when this transaction commits. Recording waits for as long as it takes."""
    await session.execute(text(STOP_RECORDING))
    found = await _compare(session)
    if not found.equal:
        await session.execute(text(REPAIR_FIRST))  # first: it decides in which cell a person is
        await session.execute(text(REPAIR_ROLLUP))
    return found


async def _compare(session: AsyncSession) -> Reconciliation:
    totals = (await session.execute(text(TOTALS))).one()
    firsts = [_first(row) for row in (await session.execute(text(FIRST))).mappings()]
    cells = [_cell(row) for row in (await session.execute(text(ROLLUP))).mappings()]
    differences = [*firsts, *cells]
    return Reconciliation(totals.clicks, totals.cells, totals.people, len(differences), differences[:LISTED])


def _first(row: Any) -> Difference:
    key = {name: row[name] for name in ("scope", "scope_id", "verdict", "contact_id")}
    expected, found = ({"click_id": row[name]} if row[name] else None for name in ("expected", "found"))
    return Difference("click_first", key, expected, found)


def _cell(row: Any) -> Difference:
    key = {name: row[name] for name in ("scope", "scope_id", "hour", "verdict", "country", "city", "device_type")}
    return Difference("click_rollup", key, _counts(row, "expected"), _counts(row, "found"))


def _counts(row: Any, which: str) -> dict[str, int] | None:
    clicks, people = row[f"{which}_clicks"], row[f"{which}_people"]
    return None if clicks is None else {"clicks": clicks, "people": people}

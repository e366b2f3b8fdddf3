"""Clicks and people by what is known of the clicks: countries, cities, devices, browsers and operating systems.

Without limits of time the counters of `click_by` say it. They have no time, so within limits it is counted from the clicks
themselves, which takes half a second to a second for 100,000 of them. Of clicks that retention has removed, nothing is known
there but how many there were.
"""

from collections import defaultdict

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.clicks.click import OF_NOTHING_ELSE, Scope
from models.clicks.counters import DIMENSIONS, VALUES
from models.reports.clicks import ClickQuestion, Count, later_firsts, only

Breakdown = dict[str, Count]
"""Counts by value, those with the most clicks first. An empty value means that it is not known."""

GROUPED = """
SELECT dimension, value, sum(clicks) AS clicks, sum(people) AS people FROM cell
GROUP BY dimension, value HAVING sum(clicks) > 0 ORDER BY sum(clicks) DESC, sum(people) DESC, value
"""

KINDS = "unnest(CAST(:dimensions AS text[])) AS kinds (dimension)"

COUNTED = """
WITH cell (dimension, value, clicks, people) AS (
    SELECT dimension, value, clicks, {people} {again} FROM click_by
    WHERE scope = :scope AND scope_id = :scope_id {link} AND verdict = ANY(CAST(:verdicts AS text[])) {twice}
)
"""

# When all verdicts are asked for, somebody with a person's click and a machine's is in two cells: once too often. Retired first
# clicks come before others, because the counters themselves say which of them are to be left out (`retired_again_people`).
TWICE = f"""
    UNION ALL
    SELECT dimension, value, 0, -1 FROM {later_firsts("retired DESC, click_id")} JOIN click ON click.id = later.click_id
    LEFT JOIN (SELECT click_id, country, region, city, device_type, browser, os FROM click_metadata) AS known USING (click_id)
    CROSS JOIN LATERAL {VALUES} WHERE NOT retired
"""  # noqa: S608 - made of constants

# A person is counted at the first click, and with all verdicts at the oldest one of the first clicks.
FROM_CLICKS = f"""
WITH chosen AS MATERIALIZED (
    SELECT id AS click_id, clicked_at, sent_at, EXISTS (
        SELECT FROM click_first first
        WHERE first.scope = :person_scope AND first.scope_id = ANY(CAST(:person_scope_ids AS uuid[]))
            AND first.verdict = click.verdict AND first.contact_id = click.contact_id AND first.click_id = click.id
    ) AND NOT EXISTS (
        SELECT FROM click_first older
        WHERE older.scope = :person_scope AND older.scope_id = ANY(CAST(:person_scope_ids AS uuid[]))
            AND older.verdict = ANY(CAST(:verdicts AS text[])) AND older.contact_id = click.contact_id
            AND older.click_id < click.id
    ) AS person
    FROM click WHERE {{owner}} {{link}} AND verdict = ANY(CAST(:verdicts AS text[]))
        {{since}} {{until}}
), cell (dimension, value, clicks, people) AS (
    SELECT dimension, value, 1, person::int FROM chosen
    LEFT JOIN (SELECT click_id, country, region, city, device_type, browser, os FROM click_metadata) AS known USING (click_id)
    CROSS JOIN LATERAL {VALUES}
    UNION ALL
    SELECT dimension, '', retired_clicks, retired_{{people}} FROM click_series CROSS JOIN {KINDS}
    WHERE scope = :scope AND scope_id = :scope_id {{link}} AND verdict = ANY(CAST(:verdicts AS text[]))
        AND (CAST(:since AS timestamptz) IS NULL OR bucket >= :since) AND (CAST(:until AS timestamptz) IS NULL OR bucket < :until)
    {{twice}}
)
"""  # noqa: S608 - made of constants

RETIRED_TWICE = f"""
    UNION ALL
    SELECT dimension, '', 0, -1 FROM {later_firsts()} CROSS JOIN {KINDS} WHERE retired
        AND (CAST(:since AS timestamptz) IS NULL OR bucket >= :since) AND (CAST(:until AS timestamptz) IS NULL OR bucket < :until)
"""  # noqa: S608 - made of constants

OWNERS = {
    Scope.CAMPAIGN: "campaign_id = :scope_id",
    Scope.SEQUENCE: "sequence_id = :scope_id",
    Scope.LINK: f"link_id = :scope_id AND {OF_NOTHING_ELSE}",
}


async def count_values(session: AsyncSession, question: ClickQuestion) -> dict[str, Breakdown]:
    """Returns counts by dimension (`DIMENSIONS` in models/clicks/counters.py). Each dimension adds up to the total."""
    parts, parameters = only(question), {**question.parameters(), "dimensions": list(DIMENSIONS)}
    every = question.verdict is None
    if question.since is None and question.until is None:
        again = f"- retired_again_{parts['people']}" if every else ""
        statement = COUNTED.format(twice=TWICE if every else "", again=again, **parts)
    else:
        limits = {
            "since": "" if parameters["first_id"] is None else "AND click.id >= :first_id",
            "until": "" if parameters["end_id"] is None else "AND click.id < :end_id",
        }
        statement = FROM_CLICKS.format(owner=OWNERS[question.scope], twice=RETIRED_TWICE if every else "", **limits, **parts)
    found: dict[str, Breakdown] = defaultdict(dict)
    for dimension, value, clicks, people in (await session.execute(text(statement + GROUPED), parameters)).all():
        found[dimension][value] = Count(clicks, people)
    return found

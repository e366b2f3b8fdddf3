"""Removes the rows of old clicks, and says in the counters what they were. The totals of the counters stay.

What is lost are single clicks with their places and devices. Who has clicked what stays known by `click_first`, so nobody is
counted twice.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import first_id
from models.clicks.counters import BUCKET_OF, IN_SERIES, PERSON_SCOPES, SCOPES, VALUES
from models.clicks.verdict import Verdict

# Rows are found by their keys, whatever the planner believes of tables from which much has been removed.
BY_KEY = "SET LOCAL enable_seqscan = off"

# Two who each removed a first click of the same person would both count that person.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('retire clicks ' || CAST(:org_id AS text), 0))"

# Each verdict has its own oldest clicks in the index.
OLDEST = """
SELECT oldest.id FROM unnest(CAST(:verdicts AS text[])) AS wanted (verdict) CROSS JOIN LATERAL (
    SELECT id FROM click WHERE org_id = :org_id AND click.verdict BETWEEN wanted.verdict AND wanted.verdict AND id < :end_id
    ORDER BY org_id, click.verdict, id LIMIT :limit
) AS oldest ORDER BY oldest.id LIMIT :limit
"""

# The counterpart of `COUNT` in models/clicks/counters.py: what was counted of these clicks is found in the same way, and rows are
# written in the same order, so that this and the recorders wait for each other instead of deadlocking. What is known of a click
# is what this statement itself removes, so an erasure that forgets it at the same time counts it elsewhere, once.
RETIRE = f"""
WITH gone AS (
    DELETE FROM click WHERE id = ANY(CAST(:ids AS uuid[])) RETURNING *
), metadata AS (
    DELETE FROM click_metadata metadata USING gone WHERE metadata.click_id = gone.id
    RETURNING metadata.click_id AS id, country, region, city, device_type, browser, os
), correction AS (
    DELETE FROM click_correction correction USING gone WHERE correction.click_id = gone.id
), locked AS MATERIALIZED (
    SELECT kept.* FROM gone CROSS JOIN LATERAL {PERSON_SCOPES}
    JOIN click_first kept ON (kept.scope, kept.scope_id) = (scopes.scope, scopes.scope_id)
        AND (kept.verdict, kept.contact_id) = (gone.verdict, gone.contact_id) AND kept.click_id = gone.id
    ORDER BY kept.scope, kept.scope_id, kept.verdict, kept.contact_id FOR UPDATE OF kept
), first AS (
    UPDATE click_first SET retired = true FROM locked
    WHERE (click_first.scope, click_first.scope_id) = (locked.scope, locked.scope_id)
        AND (click_first.verdict, click_first.contact_id) = (locked.verdict, locked.contact_id)
    RETURNING click_first.*
), person AS (
    SELECT first.scope, first.click_id, EXISTS (
        SELECT FROM click_first other
        WHERE (other.scope, other.scope_id, other.contact_id) = (first.scope, first.scope_id, first.contact_id)
            AND other.verdict = ANY(CAST(:verdicts AS text[])) AND other.verdict <> first.verdict
            AND (other.retired OR other.click_id < first.click_id AND other.click_id IN (SELECT id FROM gone))
    ) AS again FROM first
), scoped AS MATERIALIZED (
    SELECT gone.*, {BUCKET_OF} AS bucket, country, region, city, device_type, browser, os, scopes.scope, scope_id,
        (person.click_id IS NOT NULL)::int AS person, coalesce(person.again, false)::int AS again_person,
        (link_person.click_id IS NOT NULL)::int AS link_person, coalesce(link_person.again, false)::int AS again_link_person
    FROM gone LEFT JOIN metadata USING (id) CROSS JOIN LATERAL {SCOPES}
    LEFT JOIN person ON person.click_id = gone.id AND person.scope = scopes.scope
    LEFT JOIN person link_person ON link_person.click_id = gone.id AND link_person.scope = 'link'
    WHERE scope_id IS NOT NULL
), series AS (
    INSERT INTO click_series AS kept (scope, scope_id, link_id, verdict, bucket, clicks, people, link_people, first_at, last_at,
        retired_clicks, retired_people, retired_link_people)
    SELECT scope, scope_id, link_id, verdict, bucket, clicks, people, link_people, first_at, last_at, clicks, people, link_people
    FROM ({IN_SERIES.format(clicks="gone")}) AS counted
    ON CONFLICT (scope, scope_id, link_id, verdict, bucket) DO UPDATE SET
        retired_clicks = kept.retired_clicks + excluded.retired_clicks,
        retired_people = kept.retired_people + excluded.retired_people,
        retired_link_people = kept.retired_link_people + excluded.retired_link_people
    RETURNING clicks
), by_value AS (
    INSERT INTO click_by AS kept (scope, scope_id, link_id, verdict, dimension, value, clicks, people, link_people,
        retired_clicks, retired_people, retired_link_people, retired_again_people, retired_again_link_people)
    SELECT scope, scope_id, link_id, verdict, dimension, value, count(*), sum(person), sum(link_person), count(*), sum(person),
        sum(link_person), sum(again_person), sum(again_link_person)
    FROM scoped CROSS JOIN LATERAL {VALUES} WHERE (SELECT count(*) FROM series) > 0
    GROUP BY scope, scope_id, link_id, verdict, dimension, value ORDER BY scope, scope_id, link_id, verdict, dimension, value
    ON CONFLICT (scope, scope_id, link_id, verdict, dimension, value) DO UPDATE SET
        retired_clicks = kept.retired_clicks + excluded.retired_clicks,
        retired_people = kept.retired_people + excluded.retired_people,
        retired_link_people = kept.retired_link_people + excluded.retired_link_people,
        retired_again_people = kept.retired_again_people + excluded.retired_again_people,
        retired_again_link_people = kept.retired_again_link_people + excluded.retired_again_link_people
    RETURNING clicks
), engagement AS (
    INSERT INTO contact_engagement AS kept (org_id, contact_id, clicks, last_click_at, retired_clicks)
    SELECT org_id, contact_id, count(*), max(clicked_at), count(*)
    FROM gone WHERE verdict = 'human' AND contact_id IS NOT NULL AND (SELECT count(*) FROM by_value) >= 0
    GROUP BY org_id, contact_id ORDER BY org_id, contact_id
    ON CONFLICT (org_id, contact_id) DO UPDATE SET retired_clicks = kept.retired_clicks + excluded.retired_clicks
)
SELECT count(*) FROM gone
"""  # noqa: S608 - made of constants


async def retire_clicks(session: AsyncSession, org_id: UUID, before: datetime, limit: int) -> int:
    """Removes the organization's oldest clicks from before this moment, `limit` of them at most, with what is known of them.
    Returns how many there were; fewer than `limit` means that no others are left. Another call for the organization waits until
    this transaction ends."""
    await session.execute(text(ONE_AT_A_TIME), {"org_id": org_id})
    await session.execute(text(BY_KEY))
    verdicts = list(Verdict)
    oldest = {"org_id": org_id, "end_id": first_id(before), "verdicts": verdicts, "limit": limit}
    ids = list(await session.scalars(text(OLDEST), oldest))
    return await session.scalar(text(RETIRE), {"ids": ids, "verdicts": verdicts}) or 0 if ids else 0

"""The clicks of one scope with what the counters of clicks need of them, and what these counters share."""

from models.clicks.click import OF_NOTHING_ELSE, Scope
from models.clicks.counters import BUCKET_OF
from models.reconcile.counter import NO_ID, Counter

OWNERS = {
    Scope.CAMPAIGN: ("campaign_id", ""),
    Scope.SEQUENCE: ("sequence_id", ""),
    Scope.LINK: ("link_id", f"{OF_NOTHING_ELSE} AND "),
}
"""By scope: the column of `click` that has it, and what else must be true of a click so that it counts there."""

COUNTS = ("clicks", "people", "link_people")

NEXT_SCOPE = """
SELECT least(
    (SELECT {owner} FROM click WHERE {also}{owner} > CAST(:after AS uuid) ORDER BY {owner} LIMIT 1),
    (SELECT scope_id FROM {table} WHERE scope = '{scope}' AND scope_id > CAST(:after AS uuid) ORDER BY scope_id LIMIT 1)
) AS after
"""

SCOPED = """
    SELECT click.link_id, click.verdict, {bucket} AS bucket, clicked_at, sent_at, country, region, city, device_type, browser,
        os, (person.click_id IS NOT NULL)::int AS person, (link_person.click_id IS NOT NULL)::int AS link_person
    FROM click
    LEFT JOIN click_metadata metadata ON metadata.click_id = click.id
    LEFT JOIN click_first person ON (person.scope, person.scope_id) = ('{scope}', click.{owner})
        AND (person.verdict, person.contact_id) = (click.verdict, click.contact_id) AND person.click_id = click.id
    LEFT JOIN click_first link_person ON (link_person.scope, link_person.scope_id) = ('link', click.link_id)
        AND (link_person.verdict, link_person.contact_id) = (click.verdict, click.contact_id) AND link_person.click_id = click.id
    WHERE {also}click.{owner} = CAST(:until AS uuid)
"""

DIFFERENCES = """
WITH scoped AS ({scoped}), counted AS (
    SELECT link_id, verdict, {key}, count(*)::int AS clicks, sum(person)::int AS people, sum(link_person)::int AS link_people
    FROM scoped {values} GROUP BY link_id, verdict, {key}
), kept AS (
    SELECT * FROM {table} WHERE scope = '{scope}' AND scope_id = CAST(:until AS uuid)
)
SELECT '{scope}' AS scope, CAST(:until AS uuid) AS scope_id, link_id, verdict, {key}, counted.clicks AS expected_clicks,
    counted.people AS expected_people, counted.link_people AS expected_link_people, kept.clicks AS found_clicks,
    kept.people AS found_people, kept.link_people AS found_link_people
FROM counted FULL JOIN kept USING (link_id, verdict, {key})
WHERE (counted.clicks, counted.people, counted.link_people) IS DISTINCT FROM (kept.clicks, kept.people, kept.link_people)
"""

# In the order of the keys, as recorders write them.
ADD = """
INSERT INTO {table} AS kept (scope, scope_id, link_id, verdict, {key}, clicks, people, link_people)
SELECT scope, scope_id, link_id, verdict, {key}, coalesce(expected_clicks, 0) - coalesce(found_clicks, 0),
    coalesce(expected_people, 0) - coalesce(found_people, 0), coalesce(expected_link_people, 0) - coalesce(found_link_people, 0)
FROM ({differences}) AS wrong ORDER BY scope, scope_id, link_id, verdict, {key}
ON CONFLICT (scope, scope_id, link_id, verdict, {key}) DO UPDATE SET clicks = kept.clicks + excluded.clicks,
    people = kept.people + excluded.people, link_people = kept.link_people + excluded.link_people
"""

# A row that a recorder is just raising is left to the next repair.
REMOVE_EMPTY = """
DELETE FROM {table} WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM {table} WHERE scope = '{scope}' AND scope_id = CAST(:until AS uuid) AND clicks = 0 FOR UPDATE SKIP LOCKED
))
"""


def counter_of_clicks(table: str, scope: Scope, key: tuple[str, ...], values: str = "") -> Counter:
    """`key`: what the table counts by, beside scope, link and verdict. `values`: a join that makes it of the clicks."""
    owner, also = OWNERS[scope]
    parts = {"table": table, "scope": scope.value, "owner": owner, "also": also, "key": ", ".join(key), "values": values}
    parts["scoped"] = SCOPED.format(bucket=BUCKET_OF, **parts)
    parts["differences"] = DIFFERENCES.format(**parts)
    return Counter(
        table=table,
        key=("scope", "scope_id", "link_id", "verdict", *key),
        values=COUNTS,
        start={"after": NO_ID},
        next_piece=NEXT_SCOPE.format(**parts),
        differences=parts["differences"],
        repairs=(ADD.format(**parts), REMOVE_EMPTY.format(**parts)),
    )

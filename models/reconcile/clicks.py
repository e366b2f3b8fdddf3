"""The clicks of one scope with what the counters of clicks need of them, and what these counters share.

What retention has removed has no rows to be counted, so it is taken from the counter itself: rows equal the counter without it.
"""

from collections.abc import Mapping

from models.clicks.click import OWNERS, Scope
from models.clicks.counters import BUCKET_OF, NO_LINK
from models.reconcile.counter import NO_ID, Counter

# Of each column: what it has of a group of clicks, what it has of those that were removed, and how the two are put together.
Columns = Mapping[str, tuple[str, str, str]]
COUNTS: Columns = {
    "clicks": ("count(*)", "retired_clicks", "sum({})::int"),
    "people": ("sum(person)", "retired_people", "sum({})::int"),
    "link_people": ("sum(link_person)", "retired_link_people", "sum({})::int"),
}
# Of removed clicks nobody knows the times any more, except that the counter's cannot be within those of the clicks that are left.
TIMES: Columns = {
    "first_at": ("min(clicked_at)", "first_at", "min({})"),
    "last_at": ("max(clicked_at)", "last_at", "max({})"),
}

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

SCOPED_IN_ORGANIZATION = f"""
    SELECT CAST('{NO_LINK}' AS uuid) AS link_id, verdict, {{bucket}} AS bucket, clicked_at, 0 AS person, 0 AS link_person
    FROM click WHERE org_id = CAST(:until AS uuid)
"""  # noqa: S608 - made of constants

DIFFERENCES = """
WITH scoped AS ({scoped}), kept AS (
    SELECT * FROM {table} WHERE scope = '{scope}' AND scope_id = CAST(:until AS uuid)
), counted AS (
    SELECT link_id, verdict, {key}, {together} FROM (
        SELECT link_id, verdict, {key}, {of_clicks} FROM scoped {values} GROUP BY link_id, verdict, {key}
        UNION ALL
        SELECT link_id, verdict, {key}, {of_retired} FROM kept WHERE retired_clicks > 0
    ) AS part GROUP BY link_id, verdict, {key}
)
SELECT '{scope}' AS scope, CAST(:until AS uuid) AS scope_id, link_id, verdict, {key}, {compared}
FROM counted FULL JOIN kept USING (link_id, verdict, {key})
WHERE ({counted}) IS DISTINCT FROM ({kept})
"""

# In the order of the keys, as recorders write them.
ADD = """
INSERT INTO {table} AS kept (scope, scope_id, link_id, verdict, {key}, {names})
SELECT scope, scope_id, link_id, verdict, {key}, {missing} FROM ({differences}) AS wrong
ORDER BY scope, scope_id, link_id, verdict, {key}
ON CONFLICT (scope, scope_id, link_id, verdict, {key}) DO UPDATE SET clicks = kept.clicks + excluded.clicks,
    people = kept.people + excluded.people, link_people = kept.link_people + excluded.link_people
"""

# A row that is raised at this moment keeps what the recorder says, and the next repair looks at it again.
SET_TIMES = """
WITH wrong AS MATERIALIZED ({differences}), locked AS MATERIALIZED (
    SELECT scope, scope_id, link_id, verdict, {key} FROM {table} kept JOIN wrong USING (scope, scope_id, link_id, verdict, {key})
    ORDER BY scope, scope_id, link_id, verdict, {key} FOR UPDATE OF kept
)
UPDATE {table} kept SET first_at = CASE WHEN kept.clicks = found_clicks THEN expected_first_at ELSE kept.first_at END,
    last_at = CASE WHEN kept.clicks = found_clicks THEN expected_last_at ELSE kept.last_at END
FROM wrong JOIN locked USING (scope, scope_id, link_id, verdict, {key})
WHERE (kept.scope, kept.scope_id, kept.link_id, kept.verdict) = (wrong.scope, wrong.scope_id, wrong.link_id, wrong.verdict)
    AND kept.bucket = wrong.bucket AND found_clicks = expected_clicks
"""

# A row that a recorder is just raising is left to the next repair.
REMOVE_EMPTY = """
DELETE FROM {table} WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM {table} WHERE scope = '{scope}' AND scope_id = CAST(:until AS uuid) AND clicks = 0 FOR UPDATE SKIP LOCKED
))
"""


def counter_of_clicks(table: str, scope: Scope, key: tuple[str, ...], values: str = "", more: Columns | None = None) -> Counter:
    """`key`: what the table counts by, beside scope, link and verdict. `values`: a join that makes it of the clicks. `more`: the
    columns that it has beside COUNTS."""
    owner, also = OWNERS[scope]
    columns = {**COUNTS, **(more or {})}
    parts = {"table": table, "scope": scope.value, "owner": owner, "also": also, "key": ", ".join(key), "values": values}
    parts |= _listed(columns)
    scoped = SCOPED_IN_ORGANIZATION if scope is Scope.ORGANIZATION else SCOPED
    parts["scoped"] = scoped.format(bucket=BUCKET_OF, **parts)
    parts["differences"] = DIFFERENCES.format(**parts)
    repairs = [ADD.format(**parts), *([SET_TIMES.format(**parts)] if more else []), REMOVE_EMPTY.format(**parts)]
    return Counter(
        table=table,
        key=("scope", "scope_id", "link_id", "verdict", *key),
        values=tuple(columns),
        start={"after": NO_ID},
        next_piece=NEXT_SCOPE.format(**parts),
        differences=parts["differences"],
        repairs=repairs,
    )


def _listed(columns: Columns) -> dict[str, str]:
    """The lists of a statement that are made of its columns."""
    added = [f"coalesce(expected_{name}, 0) - coalesce(found_{name}, 0)" for name in COUNTS]
    return {
        "names": ", ".join(columns),
        "of_clicks": ", ".join(f"{of_clicks} AS {name}" for name, (of_clicks, _, _) in columns.items()),
        "of_retired": ", ".join(f"{of_retired} AS {name}" for name, (_, of_retired, _) in columns.items()),
        "together": ", ".join(f"{both.format(name)} AS {name}" for name, (_, _, both) in columns.items()),
        "compared": ", ".join(f"counted.{name} AS expected_{name}, kept.{name} AS found_{name}" for name in columns),
        "counted": ", ".join(f"counted.{name}" for name in columns),
        "kept": ", ".join(f"kept.{name}" for name in columns),
        "missing": ", ".join([*added, *(f"expected_{name}" for name in columns if name not in COUNTS)]),
    }

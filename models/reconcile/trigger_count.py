"""Does `trigger_count` have as many firings, people and outcomes of each action of each trigger as there are rows?"""

from models.reconcile.counter import NO_ID, Counter

NEXT_TRIGGER = """
SELECT least(
    (SELECT trigger_id FROM firing WHERE trigger_id > CAST(:after AS uuid) ORDER BY trigger_id LIMIT 1),
    (SELECT trigger_id FROM trigger_count WHERE trigger_id > CAST(:after AS uuid) ORDER BY trigger_id LIMIT 1)
) AS after
"""

DIFFERENCES = """
WITH counted AS (
    SELECT -1 AS position, what, count FROM (
        SELECT count(*)::int AS fired, count(DISTINCT contact_id)::int AS people FROM firing
        WHERE trigger_id = CAST(:until AS uuid)
    ) AS firings CROSS JOIN LATERAL (VALUES ('fired', fired), ('people', people)) AS each (what, count) WHERE count > 0
    UNION ALL
    SELECT position, outcome, count(*)::int FROM firing JOIN firing_action action ON action.firing_id = firing.id
    WHERE firing.trigger_id = CAST(:until AS uuid) GROUP BY position, outcome
), kept AS (
    SELECT position, what, count FROM trigger_count WHERE trigger_id = CAST(:until AS uuid) AND count <> 0
)
SELECT CAST(:until AS uuid) AS trigger_id, position, what, counted.count AS expected_count, kept.count AS found_count
FROM counted FULL JOIN kept USING (position, what) WHERE counted.count IS DISTINCT FROM kept.count
"""

ADD = f"""
INSERT INTO trigger_count AS kept (trigger_id, position, what, count)
SELECT trigger_id, position, what, coalesce(expected_count, 0) - coalesce(found_count, 0)
FROM ({DIFFERENCES}) AS wrong ORDER BY trigger_id, position, what
ON CONFLICT (trigger_id, position, what) DO UPDATE SET count = kept.count + excluded.count
"""  # noqa: S608 - made of constants

TRIGGER_COUNT = Counter(
    table="trigger_count",
    key=("trigger_id", "position", "what"),
    values=("count",),
    start={"after": NO_ID},
    next_piece=NEXT_TRIGGER,
    differences=DIFFERENCES,
    repairs=(ADD,),
)

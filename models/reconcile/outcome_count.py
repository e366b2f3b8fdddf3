"""Does `outcome_count` have as many people of each campaign and sequence with each outcome as there are rows?"""

from models.reconcile.counter import NO_ID, Counter

NEXT_SCOPE = """
SELECT scope AS after_scope, scope_id AS after_scope_id FROM (
    (SELECT scope, scope_id FROM person_outcome
        WHERE (scope, scope_id) > (CAST(:after_scope AS text), CAST(:after_scope_id AS uuid))
        ORDER BY scope, scope_id LIMIT 1)
    UNION ALL
    (SELECT scope, scope_id FROM outcome_count
        WHERE (scope, scope_id) > (CAST(:after_scope AS text), CAST(:after_scope_id AS uuid))
        ORDER BY scope, scope_id LIMIT 1)
) AS next ORDER BY scope, scope_id LIMIT 1
"""

DIFFERENCES = """
WITH counted AS (
    SELECT outcome, count(*)::int AS people FROM person_outcome
    WHERE scope = CAST(:until_scope AS text) AND scope_id = CAST(:until_scope_id AS uuid) GROUP BY outcome
), kept AS (
    SELECT outcome, sum(people)::int AS people FROM outcome_count
    WHERE scope = CAST(:until_scope AS text) AND scope_id = CAST(:until_scope_id AS uuid) GROUP BY outcome HAVING sum(people) <> 0
)
SELECT CAST(:until_scope AS text) AS scope, CAST(:until_scope_id AS uuid) AS scope_id, outcome, counted.people AS expected_people,
    kept.people AS found_people
FROM counted FULL JOIN kept USING (outcome) WHERE counted.people IS DISTINCT FROM kept.people
"""

ADD = f"""
INSERT INTO outcome_count AS kept (scope, scope_id, outcome, slot, people)
SELECT scope, scope_id, outcome, counter_slot(), coalesce(expected_people, 0) - coalesce(found_people, 0)
FROM ({DIFFERENCES}) AS wrong
ON CONFLICT (scope, scope_id, outcome, slot) DO UPDATE SET people = kept.people + excluded.people
"""  # noqa: S608 - made of constants

OUTCOME_COUNT = Counter(
    table="outcome_count",
    key=("scope", "scope_id", "outcome"),
    values=("people",),
    start={"after_scope": "", "after_scope_id": NO_ID},
    next_piece=NEXT_SCOPE,
    differences=DIFFERENCES,
    repairs=(ADD,),
)

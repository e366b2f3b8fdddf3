"""Does `step_count` have as many step runs of each step and outcome as there are rows?"""

from models.reconcile.counter import NO_ID, Counter

NEXT_VERSION = """
SELECT least(
    (SELECT sequence_version_id FROM step_run WHERE sequence_version_id > CAST(:after AS uuid)
        ORDER BY sequence_version_id LIMIT 1),
    (SELECT sequence_version_id FROM step_count WHERE sequence_version_id > CAST(:after AS uuid)
        ORDER BY sequence_version_id LIMIT 1)
) AS after
"""

DIFFERENCES = """
WITH counted AS (
    SELECT step_key, coalesce(outcome, '') AS outcome, coalesce(next_key, '') AS next_key, count(*)::int AS step_runs
    FROM step_run WHERE sequence_version_id = CAST(:until AS uuid) GROUP BY 1, 2, 3
), kept AS (
    SELECT step_key, outcome, next_key, sum(step_runs)::int AS step_runs FROM step_count
    WHERE sequence_version_id = CAST(:until AS uuid) GROUP BY 1, 2, 3 HAVING sum(step_runs) <> 0
)
SELECT CAST(:until AS uuid) AS sequence_version_id, step_key, outcome, next_key, counted.step_runs AS expected_step_runs,
    kept.step_runs AS found_step_runs
FROM counted FULL JOIN kept USING (step_key, outcome, next_key) WHERE counted.step_runs IS DISTINCT FROM kept.step_runs
"""

ADD = f"""
INSERT INTO step_count AS kept (sequence_version_id, step_key, outcome, next_key, slot, step_runs)
SELECT sequence_version_id, step_key, outcome, next_key, counter_slot(),
    coalesce(expected_step_runs, 0) - coalesce(found_step_runs, 0)
FROM ({DIFFERENCES}) AS wrong
ON CONFLICT (sequence_version_id, step_key, outcome, next_key, slot)
DO UPDATE SET step_runs = kept.step_runs + excluded.step_runs
"""  # noqa: S608 - made of constants

STEP_COUNT = Counter(
    table="step_count",
    key=("sequence_version_id", "step_key", "outcome", "next_key"),
    values=("step_runs",),
    start={"after": NO_ID},
    next_piece=NEXT_VERSION,
    differences=DIFFERENCES,
    repairs=(ADD,),
)

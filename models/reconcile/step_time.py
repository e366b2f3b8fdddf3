"""Does `step_time` have as many step runs and milliseconds of each step as the rows that were left?"""

from models.reconcile.counter import NO_ID, Counter

NEXT_VERSION = """
SELECT least(
    (SELECT sequence_version_id FROM step_run WHERE sequence_version_id > CAST(:after AS uuid)
        ORDER BY sequence_version_id LIMIT 1),
    (SELECT sequence_version_id FROM step_time WHERE sequence_version_id > CAST(:after AS uuid)
        ORDER BY sequence_version_id LIMIT 1)
) AS after
"""

DIFFERENCES = """
WITH timed AS (
    SELECT step_key, waited_milliseconds(entered_at, left_at) AS waited FROM step_run
    WHERE sequence_version_id = CAST(:until AS uuid) AND left_at IS NOT NULL
), counted AS (
    SELECT step_key, step_time_bucket(waited) AS bucket, count(*)::int AS step_runs, sum(waited)::bigint AS milliseconds
    FROM timed GROUP BY 1, 2
), kept AS (
    SELECT step_key, bucket, sum(step_runs)::int AS step_runs, sum(milliseconds)::bigint AS milliseconds FROM step_time
    WHERE sequence_version_id = CAST(:until AS uuid) GROUP BY 1, 2 HAVING sum(step_runs) <> 0 OR sum(milliseconds) <> 0
)
SELECT CAST(:until AS uuid) AS sequence_version_id, step_key, bucket, counted.step_runs AS expected_step_runs,
    counted.milliseconds AS expected_milliseconds, kept.step_runs AS found_step_runs, kept.milliseconds AS found_milliseconds
FROM counted FULL JOIN kept USING (step_key, bucket)
WHERE (counted.step_runs, counted.milliseconds) IS DISTINCT FROM (kept.step_runs, kept.milliseconds)
"""

ADD = f"""
INSERT INTO step_time AS kept (sequence_version_id, step_key, bucket, slot, step_runs, milliseconds)
SELECT sequence_version_id, step_key, bucket, counter_slot(), coalesce(expected_step_runs, 0) - coalesce(found_step_runs, 0),
    coalesce(expected_milliseconds, 0) - coalesce(found_milliseconds, 0)
FROM ({DIFFERENCES}) AS wrong
ON CONFLICT (sequence_version_id, step_key, bucket, slot)
DO UPDATE SET step_runs = kept.step_runs + excluded.step_runs, milliseconds = kept.milliseconds + excluded.milliseconds
"""  # noqa: S608 - made of constants

STEP_TIME = Counter(
    table="step_time",
    key=("sequence_version_id", "step_key", "bucket"),
    values=("step_runs", "milliseconds"),
    start={"after": NO_ID},
    next_piece=NEXT_VERSION,
    differences=DIFFERENCES,
    repairs=(ADD,),
)

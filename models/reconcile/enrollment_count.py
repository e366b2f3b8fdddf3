"""Does `enrollment_count` have as many enrollments of each version, state and outcome as there are rows?"""

from models.reconcile.counter import NO_ID, Counter

NEXT_VERSION = """
SELECT id AS after FROM sequence_version WHERE id > CAST(:after AS uuid) ORDER BY id LIMIT 1
"""

DIFFERENCES = """
WITH counted AS (
    SELECT state, CASE WHEN state = 'completed' THEN coalesce(outcome, '') ELSE '' END AS outcome, count(*)::int AS enrollments
    FROM enrollment WHERE sequence_id = (SELECT sequence_id FROM sequence_version WHERE id = CAST(:until AS uuid))
        AND sequence_version_id = CAST(:until AS uuid)
    GROUP BY 1, 2
), kept AS (
    SELECT state, outcome, sum(enrollments)::int AS enrollments FROM enrollment_count
    WHERE sequence_version_id = CAST(:until AS uuid) GROUP BY 1, 2 HAVING sum(enrollments) <> 0
)
SELECT CAST(:until AS uuid) AS sequence_version_id, state, outcome, counted.enrollments AS expected_enrollments,
    kept.enrollments AS found_enrollments
FROM counted FULL JOIN kept USING (state, outcome) WHERE counted.enrollments IS DISTINCT FROM kept.enrollments
"""

ADD = f"""
INSERT INTO enrollment_count AS kept (sequence_version_id, state, outcome, slot, enrollments)
SELECT sequence_version_id, state, outcome, counter_slot(), coalesce(expected_enrollments, 0) - coalesce(found_enrollments, 0)
FROM ({DIFFERENCES}) AS wrong
ON CONFLICT (sequence_version_id, state, outcome, slot)
DO UPDATE SET enrollments = kept.enrollments + excluded.enrollments
"""  # noqa: S608 - made of constants

ENROLLMENT_COUNT = Counter(
    table="enrollment_count",
    key=("sequence_version_id", "state", "outcome"),
    values=("enrollments",),
    start={"after": NO_ID},
    next_piece=NEXT_VERSION,
    differences=DIFFERENCES,
    repairs=(ADD,),
)

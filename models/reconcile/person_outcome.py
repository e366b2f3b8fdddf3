"""Does everybody have the outcomes for which there is a cause, and no other ones?

Which cause was written first is nowhere but in `person_outcome`, so only rows that are missing or have no cause differ. An erased
person's row is right without a cause, because erasing removes it.
"""

from models.reconcile.counter import NO_ID, Counter

BLOCK = 10_000
"""Rows in a piece."""

KEY = ("scope", "scope_id", "outcome", "contact_id")
COLUMNS = ", ".join(KEY)
EACH_SCOPE = "CROSS JOIN LATERAL (VALUES ('campaign', {row}.campaign_id), ('sequence', {row}.sequence_id)) AS s (scope, scope_id)"

# By the table whose rows are looked at, those that `only` chooses.
FOLLOWED_UP = f"""
SELECT s.scope, s.scope_id, 'followed_up' AS outcome, cause.contact_id, action.at
FROM firing AS cause JOIN firing_action action ON action.firing_id = cause.id JOIN trigger ON trigger.id = cause.trigger_id
    {EACH_SCOPE.format(row="trigger")}
WHERE kind IN ('enroll', 'send') AND action.outcome = 'done' AND {{only}}
"""  # noqa: S608 - made of constants
REPLIED = f"""
SELECT s.scope, s.scope_id, 'replied' AS outcome, cause.contact_id, received_at AS at
FROM inbound_message AS cause JOIN message ON message.id = cause.message_id AND message.contact_id = cause.contact_id
    {EACH_SCOPE.format(row="message")}
WHERE meaning IN ('reply', 'perhaps_refusal') AND {{only}}
"""  # noqa: S608 - made of constants
NAMED = "CASE WHEN pg_input_is_valid(proof ->> '{name}', 'uuid') THEN CAST(proof ->> '{name}' AS uuid) END"
ANSWERED = f"(SELECT message_id FROM inbound_message WHERE id = {NAMED.format(name='inbound_message_id')})"  # noqa: S608 - ours
OPTED_OUT = f"""
SELECT s.scope, s.scope_id, 'opted_out' AS outcome, cause.contact_id, given_at AS at
FROM consent AS cause JOIN message ON message.id = coalesce({NAMED.format(name="message_id")}, {ANSWERED})
        AND message.contact_id = cause.contact_id AND message.org_id = cause.org_id
    {EACH_SCOPE.format(row="message")}
WHERE cause.state = 'opted_out' AND source NOT IN ('api', 'import') AND {{only}}
"""  # noqa: S608 - made of constants
CAUSES = {"firing": FOLLOWED_UP, "inbound_message": REPLIED, "consent": OPTED_OUT}

NEXT_ROWS = """
SELECT id AS after FROM (SELECT id FROM {table} WHERE id > CAST(:after AS uuid) ORDER BY id LIMIT {block}) AS piece
ORDER BY id DESC LIMIT 1
"""
IN_PIECE = "cause.id > CAST(:after AS uuid) AND cause.id <= CAST(:until AS uuid)"

MISSING = """
SELECT {columns}, min(at) AS expected_at, CAST(NULL AS timestamptz) AS found_at FROM ({caused}) AS caused
WHERE scope_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM person_outcome kept WHERE (kept.scope, kept.scope_id) = (caused.scope, caused.scope_id)
        AND (kept.outcome, kept.contact_id) = (caused.outcome, caused.contact_id)
)
GROUP BY {columns}
"""
ADD = """
INSERT INTO person_outcome ({columns}, at) SELECT {columns}, expected_at FROM ({missing}) AS missing ORDER BY {columns}
ON CONFLICT DO NOTHING
"""

NEXT_OUTCOMES = f"""
SELECT scope AS after_scope, scope_id AS after_scope_id, outcome AS after_outcome, contact_id AS after_contact_id FROM (
    SELECT {COLUMNS} FROM person_outcome
    WHERE ({COLUMNS}) > (CAST(:after_scope AS text), CAST(:after_scope_id AS uuid), CAST(:after_outcome AS text),
        CAST(:after_contact_id AS uuid))
    ORDER BY {COLUMNS} LIMIT {BLOCK}
) AS piece ORDER BY {COLUMNS} DESC LIMIT 1
"""  # noqa: S608 - made of constants
OF_PERSON = " UNION ALL ".join(each.format(only="cause.contact_id = kept.contact_id") for each in CAUSES.values())
EXTRA = f"""
SELECT {COLUMNS}, CAST(NULL AS timestamptz) AS expected_at, at AS found_at FROM person_outcome kept
WHERE ({COLUMNS}) > (CAST(:after_scope AS text), CAST(:after_scope_id AS uuid), CAST(:after_outcome AS text),
        CAST(:after_contact_id AS uuid))
    AND ({COLUMNS}) <= (CAST(:until_scope AS text), CAST(:until_scope_id AS uuid), CAST(:until_outcome AS text),
        CAST(:until_contact_id AS uuid))
    AND NOT EXISTS (SELECT FROM contact WHERE contact.id = kept.contact_id AND erased_at IS NOT NULL)
    AND NOT EXISTS (
        SELECT FROM ({OF_PERSON}) AS caused
        WHERE (caused.scope, caused.scope_id, caused.outcome) = (kept.scope, kept.scope_id, kept.outcome)
    )
"""  # noqa: S608 - made of constants
SAME = " AND ".join(f"kept.{name} = extra.{name}" for name in KEY)
REMOVE = f"""
WITH extra AS MATERIALIZED ({EXTRA}) DELETE FROM person_outcome kept USING extra WHERE {SAME}
"""  # noqa: S608 - made of constants


def _missing(table: str) -> Counter:
    missing = MISSING.format(columns=COLUMNS, caused=CAUSES[table].format(only=IN_PIECE))
    return Counter(
        table="person_outcome",
        key=KEY,
        values=("at",),
        start={"after": NO_ID},
        next_piece=NEXT_ROWS.format(table=table, block=BLOCK),
        differences=missing,
        repairs=(ADD.format(columns=COLUMNS, missing=missing),),
    )


EXTRA_OUTCOMES = Counter(
    table="person_outcome",
    key=KEY,
    values=("at",),
    start={"after_scope": "", "after_scope_id": NO_ID, "after_outcome": "", "after_contact_id": NO_ID},
    next_piece=NEXT_OUTCOMES,
    differences=EXTRA,
    repairs=(REMOVE,),
)
PERSON_OUTCOME = (EXTRA_OUTCOMES, *map(_missing, CAUSES))

"""Does every person have one first click in each scope, and is it one of that person's clicks?

Which of somebody's clicks was recorded first is nowhere but in `click_first`, so any click of that person in that scope with that
verdict is right there. Of a click that retention has removed the row itself says so. Where the row is missing or names another
click, the person's oldest click takes its place.
"""

from models.clicks.counters import PERSON_SCOPES
from models.reconcile.counter import NO_ID, Counter

BLOCK = 10_000
"""Rows in a piece."""

KEY = ("scope", "scope_id", "verdict", "contact_id")
COLUMNS = ", ".join(KEY)
SCOPE_OF_CLICK = "CASE {row}.scope WHEN 'campaign' THEN campaign_id WHEN 'sequence' THEN sequence_id ELSE link_id END"
OLDEST = f"""(
    SELECT id FROM click WHERE click.contact_id = {{row}}.contact_id AND click.verdict = {{row}}.verdict
        AND {SCOPE_OF_CLICK} = {{row}}.scope_id
    ORDER BY id LIMIT 1
)"""  # noqa: S608 - made of constants

WRONG_PIECE = f"""
SELECT scope AS after_scope, scope_id AS after_scope_id, verdict AS after_verdict, contact_id AS after_contact_id FROM (
    SELECT {COLUMNS} FROM click_first
    WHERE ({COLUMNS}) > (CAST(:after_scope AS text), CAST(:after_scope_id AS uuid), CAST(:after_verdict AS text),
        CAST(:after_contact_id AS uuid))
    ORDER BY {COLUMNS} LIMIT {BLOCK}
) AS piece ORDER BY {COLUMNS} DESC LIMIT 1
"""  # noqa: S608 - made of constants

WRONG = f"""
SELECT {COLUMNS}, {OLDEST.format(row="first")} AS expected_click_id, click_id AS found_click_id FROM click_first first
WHERE ({COLUMNS}) > (CAST(:after_scope AS text), CAST(:after_scope_id AS uuid), CAST(:after_verdict AS text),
        CAST(:after_contact_id AS uuid))
    AND ({COLUMNS}) <= (CAST(:until_scope AS text), CAST(:until_scope_id AS uuid), CAST(:until_verdict AS text),
        CAST(:until_contact_id AS uuid))
    AND NOT first.retired AND NOT EXISTS (
        SELECT FROM click WHERE click.id = first.click_id AND click.contact_id = first.contact_id
            AND click.verdict = first.verdict AND {SCOPE_OF_CLICK.format(row="first")} = first.scope_id
    )
"""  # noqa: S608 - made of constants

SAME = " AND ".join(f"first.{name} = wrong.{name}" for name in KEY)

NAME_ANOTHER = f"""
WITH wrong AS MATERIALIZED ({WRONG})
UPDATE click_first first SET click_id = expected_click_id FROM wrong WHERE {SAME} AND expected_click_id IS NOT NULL
"""  # noqa: S608 - made of constants

REMOVE = f"""
WITH wrong AS MATERIALIZED ({WRONG})
DELETE FROM click_first first USING wrong WHERE {SAME} AND expected_click_id IS NULL
"""  # noqa: S608 - made of constants

MISSING_PIECE = f"""
SELECT id AS after FROM (SELECT id FROM click WHERE id > CAST(:after AS uuid) ORDER BY id LIMIT {BLOCK}) AS piece
ORDER BY id DESC LIMIT 1
"""  # noqa: S608 - made of constants

# Each person once, in the piece that has the oldest click.
MISSING = f"""
WITH piece AS MATERIALIZED (
    SELECT * FROM click WHERE id > CAST(:after AS uuid) AND id <= CAST(:until AS uuid) AND contact_id IS NOT NULL
), missing AS MATERIALIZED (
    SELECT DISTINCT scopes.scope, scopes.scope_id, verdict, contact_id FROM piece CROSS JOIN LATERAL {PERSON_SCOPES}
    WHERE scopes.scope_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM click_first first WHERE (first.scope, first.scope_id) = (scopes.scope, scopes.scope_id)
            AND (first.verdict, first.contact_id) = (piece.verdict, piece.contact_id)
    )
)
SELECT {COLUMNS}, oldest.id AS expected_click_id, CAST(NULL AS uuid) AS found_click_id
FROM missing CROSS JOIN LATERAL {OLDEST.format(row="missing")} AS oldest WHERE oldest.id IN (SELECT id FROM piece)
"""  # noqa: S608 - made of constants

ADD = f"""
INSERT INTO click_first (scope, scope_id, verdict, contact_id, click_id)
SELECT {COLUMNS}, expected_click_id FROM ({MISSING}) AS missing ORDER BY {COLUMNS}
ON CONFLICT DO NOTHING
"""  # noqa: S608 - made of constants

WRONG_FIRSTS = Counter(
    table="click_first",
    key=KEY,
    values=("click_id",),
    start={"after_scope": "", "after_scope_id": NO_ID, "after_verdict": "", "after_contact_id": NO_ID},
    next_piece=WRONG_PIECE,
    differences=WRONG,
    repairs=(NAME_ANOTHER, REMOVE),
)
MISSING_FIRSTS = Counter(
    table="click_first",
    key=KEY,
    values=("click_id",),
    start={"after": NO_ID},
    next_piece=MISSING_PIECE,
    differences=MISSING,
    repairs=(ADD,),
)

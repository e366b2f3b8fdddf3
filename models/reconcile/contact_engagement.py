"""Does `contact_engagement` have as many clicks of each person, and the time of the last one, as there are rows?

Clicks whose rows retention has removed are taken from the counter itself.

A piece ends at a contact, and the last one at the last person whom the clicks or the counter know.
"""

from models.reconcile.counter import NO_ID, Counter

BLOCK = 10_000
"""People in a piece."""

NEXT_PEOPLE = f"""
SELECT CASE WHEN until > CAST(:after AS uuid) THEN until END AS after FROM (
    SELECT CASE WHEN count(*) = {BLOCK} THEN (array_agg(id))[{BLOCK}] ELSE greatest((array_agg(id))[count(*)],
        (SELECT contact_id FROM click WHERE contact_id IS NOT NULL ORDER BY contact_id DESC LIMIT 1),
        (SELECT contact_id FROM contact_engagement ORDER BY contact_id DESC LIMIT 1)) END AS until
    FROM (SELECT id FROM contact WHERE id > CAST(:after AS uuid) ORDER BY id LIMIT {BLOCK}) AS people
) AS piece
"""  # noqa: S608 - made of constants

DIFFERENCES = """
WITH kept AS (
    SELECT * FROM contact_engagement WHERE contact_id > CAST(:after AS uuid) AND contact_id <= CAST(:until AS uuid)
), counted AS (
    SELECT org_id, contact_id, sum(clicks)::int AS clicks, max(last_click_at) AS last_click_at FROM (
        SELECT org_id, contact_id, count(*) AS clicks, max(clicked_at) AS last_click_at FROM click
        WHERE contact_id > CAST(:after AS uuid) AND contact_id <= CAST(:until AS uuid) AND verdict = 'human'
        GROUP BY org_id, contact_id
        UNION ALL
        SELECT org_id, contact_id, retired_clicks, last_click_at FROM kept WHERE retired_clicks > 0
    ) AS part GROUP BY org_id, contact_id
)
SELECT org_id, contact_id, counted.clicks AS expected_clicks, counted.last_click_at AS expected_last_click_at,
    kept.clicks AS found_clicks, kept.last_click_at AS found_last_click_at
FROM counted FULL JOIN kept USING (org_id, contact_id)
WHERE (counted.clicks, counted.last_click_at) IS DISTINCT FROM (kept.clicks, kept.last_click_at)
"""

# A recorder may have raised a row since: then its time stays, or the row does, and the next repair looks at it again.
CORRECT = f"""
WITH wrong AS MATERIALIZED ({DIFFERENCES})
UPDATE contact_engagement kept SET clicks = clicks + expected_clicks - found_clicks,
    last_click_at = CASE WHEN last_click_at = found_last_click_at THEN expected_last_click_at ELSE last_click_at END
FROM wrong WHERE kept.org_id = wrong.org_id AND kept.contact_id = wrong.contact_id AND expected_clicks IS NOT NULL
"""  # noqa: S608 - made of constants

REMOVE = f"""
WITH wrong AS MATERIALIZED ({DIFFERENCES})
DELETE FROM contact_engagement kept USING wrong
WHERE kept.org_id = wrong.org_id AND kept.contact_id = wrong.contact_id AND expected_clicks IS NULL AND clicks = found_clicks
"""  # noqa: S608 - made of constants

# In the order of the keys, as recorders write them.
ADD = f"""
INSERT INTO contact_engagement AS kept (org_id, contact_id, clicks, last_click_at)
SELECT org_id, contact_id, expected_clicks, expected_last_click_at
FROM ({DIFFERENCES}) AS wrong WHERE found_clicks IS NULL ORDER BY org_id, contact_id
ON CONFLICT (org_id, contact_id) DO UPDATE SET clicks = kept.clicks + excluded.clicks,
    last_click_at = greatest(kept.last_click_at, excluded.last_click_at)
"""  # noqa: S608 - made of constants

CONTACT_ENGAGEMENT = Counter(
    table="contact_engagement",
    key=("org_id", "contact_id"),
    values=("clicks", "last_click_at"),
    start={"after": NO_ID},
    next_piece=NEXT_PEOPLE,
    differences=DIFFERENCES,
    repairs=(CORRECT, REMOVE, ADD),
)

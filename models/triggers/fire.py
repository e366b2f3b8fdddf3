"""Turns candidates, which are clicks on the links of triggers or messages that nobody clicked, into firings.

Whoever has candidates begins a statement with `WITH candidate AS MATERIALIZED (…), ` and ends it with `FIRE`. A candidate has the
columns `trigger_id, org_id, contact_id, message_id, enrollment_id, click_id, link_name, at` and `refusal`, which is null or one
of `NotFiredReason`.
"""

MOST = "(SELECT times FROM trigger WHERE id = kept.trigger_id)"

# Rows are written table by table and in the order of their keys, so that two recorders with the same people wait for each other
# instead of deadlocking. The row of `trigger_person` is what they wait for, and it says how many of the candidates still fire.
# Someone for whom a trigger has fired as often as it may is not told why a late click did nothing.
FIRE = f"""
numbered AS (
    SELECT *, row_number() OVER (PARTITION BY trigger_id, contact_id ORDER BY at, click_id) AS nth
    FROM candidate WHERE refusal IS NULL
), people AS (
    INSERT INTO trigger_person AS kept (trigger_id, contact_id, times, refused)
    SELECT trigger_id, contact_id, least(count(*), max(trigger.times)), 0
    FROM numbered JOIN trigger ON trigger.id = trigger_id GROUP BY trigger_id, contact_id ORDER BY trigger_id, contact_id
    ON CONFLICT (trigger_id, contact_id) DO UPDATE SET times = least(kept.times + excluded.times, kept.refused + {MOST})
    WHERE kept.times - kept.refused < {MOST}
    RETURNING trigger_id, contact_id, coalesce(old.times, 0) AS before, coalesce(old.times > old.refused, false) AS known, times
), fired AS (
    INSERT INTO firing (id, org_id, trigger_id, contact_id, occurrence, message_id, enrollment_id, click_id, link_name, fired_at,
        next_action, sends, due_at, attempts, created_at)
    SELECT uuidv7(), numbered.org_id, trigger_id, contact_id, before + nth, message_id, enrollment_id, click_id, link_name, at,
        CASE WHEN segment_id IS NULL THEN 0 ELSE -1 END,
        segment_id IS NULL AND definition #>> '{{actions,0,kind}}' = 'send', now(), 0, now()
    FROM numbered JOIN people USING (trigger_id, contact_id) JOIN trigger ON trigger.id = trigger_id
    WHERE before + nth <= people.times ORDER BY trigger_id, contact_id, nth
    RETURNING trigger_id
), counted AS (
    INSERT INTO trigger_count AS kept (trigger_id, position, what, count)
    SELECT trigger_id, -1, what, count FROM (
        SELECT trigger_id, 'fired' AS what, count(*) FROM fired GROUP BY trigger_id
        UNION ALL SELECT trigger_id, 'people', count(*) FROM people WHERE NOT known GROUP BY trigger_id
    ) AS raised ORDER BY trigger_id, what
    ON CONFLICT (trigger_id, position, what) DO UPDATE SET count = kept.count + excluded.count
    RETURNING count
), refused AS (
    INSERT INTO trigger_refusal (trigger_id, contact_id, reason, org_id, click_id, message_id, at)
    SELECT DISTINCT ON (trigger_id, contact_id, refusal) trigger_id, contact_id, refusal, org_id, click_id, message_id, at
    FROM candidate WHERE refusal IS NOT NULL AND (SELECT count(*) FROM counted) >= 0 AND NOT EXISTS (
        SELECT FROM trigger_person kept WHERE kept.trigger_id = candidate.trigger_id AND kept.contact_id = candidate.contact_id
            AND kept.times - kept.refused >= {MOST})
    ORDER BY trigger_id, contact_id, refusal, at, click_id
    ON CONFLICT DO NOTHING
)
SELECT count(*) FROM fired
"""  # noqa: S608 - made of constants

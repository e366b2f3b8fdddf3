"""Does `report_count` have as many messages of each content and report as there are rows?"""

from models.reconcile.counter import Counter

BLOCK = 1000
"""Contents in a piece."""

NEXT_CONTENTS = f"""
SELECT :after + {BLOCK} AS after WHERE :after < greatest(
    (SELECT max(content_id) FROM message), (SELECT max(content_id) FROM report_count))
"""  # noqa: S608 - made of constants

DIFFERENCES = """
WITH counted AS (
    SELECT content_id, report, count(*)::int AS messages FROM message
    WHERE content_id > :after AND content_id <= :until AND report IS NOT NULL GROUP BY content_id, report
), kept AS (
    SELECT content_id, report, sum(messages)::int AS messages FROM report_count
    WHERE content_id > :after AND content_id <= :until GROUP BY content_id, report HAVING sum(messages) <> 0
)
SELECT content_id, report, counted.messages AS expected_messages, kept.messages AS found_messages
FROM counted FULL JOIN kept USING (content_id, report) WHERE counted.messages IS DISTINCT FROM kept.messages
"""

ADD = f"""
INSERT INTO report_count AS kept (content_id, report, slot, messages)
SELECT content_id, report, counter_slot(), coalesce(expected_messages, 0) - coalesce(found_messages, 0)
FROM ({DIFFERENCES}) AS wrong
ON CONFLICT (content_id, report, slot) DO UPDATE SET messages = kept.messages + excluded.messages
"""  # noqa: S608 - made of constants

REPORT_COUNT = Counter(
    table="report_count",
    key=("content_id", "report"),
    values=("messages",),
    start={"after": 0},
    next_piece=NEXT_CONTENTS,
    differences=DIFFERENCES,
    repairs=(ADD,),
)

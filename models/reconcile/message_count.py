"""Does `message_count` have as many messages of each content and state as there are rows?"""

from models.reconcile.counter import Counter

BLOCK = 1000
"""Contents in a piece."""

NEXT_CONTENTS = f"""
SELECT :after + {BLOCK} AS after WHERE :after < greatest(
    (SELECT max(content_id) FROM message), (SELECT max(content_id) FROM message_count))
"""  # noqa: S608 - made of constants

DIFFERENCES = """
WITH counted AS (
    SELECT content_id, state, count(*)::int AS messages FROM message WHERE content_id > :after AND content_id <= :until
    GROUP BY content_id, state
), kept AS (
    SELECT content_id, state, sum(messages)::int AS messages FROM message_count
    WHERE content_id > :after AND content_id <= :until GROUP BY content_id, state HAVING sum(messages) <> 0
)
SELECT content_id, state, counted.messages AS expected_messages, kept.messages AS found_messages
FROM counted FULL JOIN kept USING (content_id, state) WHERE counted.messages IS DISTINCT FROM kept.messages
"""

ADD = f"""
INSERT INTO message_count AS kept (content_id, state, slot, messages)
SELECT content_id, state, counter_slot(), coalesce(expected_messages, 0) - coalesce(found_messages, 0)
FROM ({DIFFERENCES}) AS wrong
ON CONFLICT (content_id, state, slot) DO UPDATE SET messages = kept.messages + excluded.messages
"""  # noqa: S608 - made of constants

MESSAGE_COUNT = Counter(
    table="message_count",
    key=("content_id", "state"),
    values=("messages",),
    start={"after": 0},
    next_piece=NEXT_CONTENTS,
    differences=DIFFERENCES,
    repairs=(ADD,),
)

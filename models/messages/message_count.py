"""How many messages of each content are in each state, without reading a message.

Triggers of the table `message` raise this counter, in the statement that makes a message or changes its state. So it equals the
rows whoever writes them, and no caller has to remember it. `COUNT_ROWS` in `migrations/versions/0001_the_first_tables.py` says
how, and `docs/decisions/0015-messages-and-step-runs-are-counted-by-triggers.md` why.
"""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import String, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from models.messages.message import MessageState


class MessageCount(SQLModel, table=True):
    """The counter of a content and a state is the sum over its slots; a single slot can be negative.

    A transaction only writes into a slot that no other open transaction writes into. So senders never wait for each
    other here, however many messages of one content they send at once.
    """

    __tablename__ = "message_count"

    content_id: int = Field(primary_key=True)
    state: MessageState = Field(primary_key=True, sa_type=String)
    slot: int = Field(primary_key=True)
    messages: int


READ = """
SELECT content_id, state, sum(messages)::int AS messages FROM message_count WHERE content_id = ANY(CAST(:content_ids AS int[]))
GROUP BY content_id, state HAVING sum(messages) <> 0 ORDER BY content_id, state
"""


async def count_messages(session: AsyncSession, content_ids: Sequence[int]) -> dict[int, dict[MessageState, int]]:
    """Messages by state, for each of the contents. A state without messages is left out, and so is a content without any."""
    counts: dict[int, dict[MessageState, int]] = defaultdict(dict)
    for row in await session.execute(text(READ), {"content_ids": list(content_ids)}):
        counts[row.content_id][MessageState(row.state)] = row.messages
    return counts


async def count_all_messages(session: AsyncSession, content_ids: Sequence[int]) -> dict[MessageState, int]:
    """Messages by state, of all these contents together, in the order of the states' names."""
    total: dict[MessageState, int] = defaultdict(int)
    for counts in (await count_messages(session, content_ids)).values():
        for state, messages in counts.items():
            total[state] += messages
    return dict(sorted(total.items()))

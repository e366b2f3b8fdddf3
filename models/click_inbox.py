"""The two small queues between the redirect and everything else: clicks to be recorded, workflows to be signalled.

Both are written by the redirect in one transaction, over its own connection (psycopg, not the pool): see
`api/redirect/journal.py`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.base import Timestamp, now
from models.click_columns import integers, read_integers, texts, times, uuids
from models.click_connection import ClickConnection


class ClickInbox(SQLModel, table=True):
    """A durable click that is not recorded yet. When the organization keeps no metadata, `ip` and `user_agent` are null here
    already: they were never stored. When it does, `user_agent` is never null (empty: the client sent none).

    `held_until` not null: not judged yet, because it could be one of a scanner's burst; neither recorded nor signalled before
    `models/holds.py` has decided, which is then at the latest."""

    __tablename__ = "click_inbox"
    __table_args__ = (Index("ix_click_inbox_held", "content_id", "ordinal", postgresql_where=text("held_until IS NOT NULL")),)

    id: UUID = Field(primary_key=True, description="UUIDv7 made by the redirect: also the click's id.")
    content_id: int
    ordinal: int
    position: int
    clicked_at: datetime = Field(sa_type=Timestamp)
    verdict: str
    reason: str
    ip: str | None = None
    user_agent: str | None = None
    held_until: datetime | None = Field(default=None, sa_type=Timestamp)


class ClickRejected(SQLModel, table=True):
    """A click that could not be recorded, and why; set aside so that the others go on. Neither IP nor user agent."""

    __tablename__ = "click_rejected"

    id: UUID = Field(primary_key=True)
    content_id: int
    ordinal: int
    position: int
    clicked_at: datetime = Field(sa_type=Timestamp)
    verdict: str
    reason: str
    problem: str
    rejected_at: datetime = Field(default_factory=now, sa_type=Timestamp)


class SignalOutbox(SQLModel, table=True):
    """The first human click on a link that something waits for (`content.wakes`).

    Keyed by the link of the recipient, not by the click: however often one link is clicked, there is one row and so one signal,
    and the 10,000 signals that Temporal allows a run cannot be used up from outside. Rows stay when they are settled, because
    they are what makes the second click a known one, and where a timer that has fired looks for a click (`models/signals.py`).

    `outcome` null: open, not before `due_at`. Else one of `Outcome`; of those, `not_human` alone is not for ever: the next human
    click on the link opens the row again.
    """

    __tablename__ = "signal_outbox"
    __table_args__ = (Index("ix_signal_outbox_open", "due_at", postgresql_where=text("outcome IS NULL")),)

    content_id: int = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)
    position: int = Field(primary_key=True)
    click_id: UUID
    due_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    attempts: int = 0
    last_error: str | None = None
    outcome: str | None = None
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    settled_at: datetime | None = Field(default=None, sa_type=Timestamp)


class InboxClick(NamedTuple):
    """A row of `click_inbox`, field by field."""

    id: UUID
    content_id: int
    ordinal: int
    position: int
    clicked_at: datetime
    verdict: str
    reason: str
    ip: str | None
    user_agent: str | None
    held_until: datetime | None = None


class LinkOfRecipient(NamedTuple):
    """The key of `signal_outbox`: what one token names."""

    content_id: int
    ordinal: int
    position: int


def shard_of(content_id: int, ordinal: int, shards: int) -> int:
    """Which recorder keeps the clicks of this message. `MINE` in `models/recording.py` says the same in SQL."""
    return (content_id + ordinal) % shards


COLUMNS = ", ".join(InboxClick._fields)
TYPES = ["uuid", "int", "int", "int", "timestamptz", "text", "text", "text", "text", "timestamptz"]
ARRAYS = ", ".join(f"${number}::{each}[]" for number, each in enumerate(TYPES, 1))
# A click that is there already changes nothing: whoever does not know whether a commit happened stores it again.
STORE = f"""
INSERT INTO click_inbox ({COLUMNS})
SELECT * FROM unnest({ARRAYS})
ON CONFLICT DO NOTHING
"""  # noqa: S608 - names of ours
# Of several clicks the latest one counts until it is judged, because a machine's can only be the earlier one: an open row that
# nobody has claimed takes the new click, and one that was closed as not a person's opens again. Only what is new is returned.
OR_AGAIN = """
ON CONFLICT (content_id, ordinal, position) DO UPDATE SET
    click_id = greatest(signal_outbox.click_id, excluded.click_id), due_at = excluded.due_at, outcome = NULL, settled_at = NULL,
    attempts = 0, created_at = CASE WHEN signal_outbox.outcome IS NULL THEN signal_outbox.created_at ELSE excluded.created_at END
WHERE signal_outbox.outcome = 'not_human' OR (signal_outbox.outcome IS NULL AND signal_outbox.attempts = 0)
RETURNING content_id, ordinal, position, created_at = now() AS is_new
"""
STORE_AND_WAKE = f"""
WITH stored AS ({STORE})
INSERT INTO signal_outbox (content_id, ordinal, position, click_id, due_at, attempts, created_at)
SELECT DISTINCT ON (content_id, ordinal, position) content_id, ordinal, position, click_id, now(), 0, now()
FROM unnest($11::int[], $12::int[], $13::int[], $14::uuid[]) AS given (content_id, ordinal, position, click_id)
ORDER BY content_id, ordinal, position, click_id DESC
{OR_AGAIN}
"""  # noqa: S608
STATEMENTS = {"store": STORE, "store_and_wake": STORE_AND_WAKE}


async def store_clicks(
    connection: ClickConnection, clicks: Sequence[InboxClick], waking: Sequence[InboxClick]
) -> list[LinkOfRecipient]:
    """One transaction and one round trip: the clicks, and an outbox row for those of them that wake something. Returns the links
    that are new in the outbox. `connection` knows `STATEMENTS`. Clicks that are stored already change nothing."""
    columns = _columns(clicks)
    if not waking:
        await connection.run("store", columns)
        return []
    content_ids, ordinals, positions = zip(*((each.content_id, each.ordinal, each.position) for each in waking), strict=True)
    columns += [integers(content_ids), integers(ordinals), integers(positions), uuids([each.id for each in waking])]
    found = [read_integers(row) for row in await connection.run("store_and_wake", columns)]
    return [LinkOfRecipient(*link) for *link, is_new in found if is_new]


def _columns(clicks: Sequence[InboxClick]) -> list[bytes]:
    ids, content_ids, ordinals, positions, clicked, verdicts, reasons, ips, agents, held = zip(*clicks, strict=True)
    return [
        uuids(ids),
        integers(content_ids),
        integers(ordinals),
        integers(positions),
        times(clicked),
        texts(verdicts),
        texts(reasons),
        texts(ips),
        texts(agents),
        times(held),
    ]

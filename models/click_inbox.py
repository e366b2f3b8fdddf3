"""The two small queues between the redirect and everything else: clicks to be recorded, workflows to be signalled.

Both are written by the redirect in one transaction, over its own connection (psycopg, not the pool): see
`api/redirect/journal.py`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection
from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.base import Timestamp, now


class ClickInbox(SQLModel, table=True):
    """A durable click that is not recorded yet. When the organization keeps no metadata, `ip` and `user_agent` are null here
    already: they were never stored. When it does, `user_agent` is never null (empty: the client sent none)."""

    __tablename__ = "click_inbox"

    id: UUID = Field(primary_key=True, description="UUIDv7 made by the redirect: also the click's id.")
    content_id: int
    ordinal: int
    position: int
    clicked_at: datetime = Field(sa_type=Timestamp)
    verdict: str
    reason: str
    ip: str | None = None
    user_agent: str | None = None


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

    `outcome` null: open, not before `due_at`. Else one of `Outcome`.
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


class LinkOfRecipient(NamedTuple):
    """The key of `signal_outbox`: what one token names."""

    content_id: int
    ordinal: int
    position: int


def shard_of(content_id: int, ordinal: int, shards: int) -> int:
    """Which recorder keeps the clicks of this message. `MINE` in `models/recording.py` says the same in SQL."""
    return (content_id + ordinal) % shards


Connection = AsyncConnection[tuple[Any, ...]]

COLUMNS = ", ".join(InboxClick._fields)
COPY = f"COPY click_inbox ({COLUMNS}) FROM STDIN"
INSERT = f"INSERT INTO click_inbox ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"  # noqa: S608
WAKE = """
INSERT INTO signal_outbox (content_id, ordinal, position, click_id, due_at, attempts, created_at)
SELECT content_id, ordinal, position, click_id, now(), 0, now()
FROM unnest(%s::int[], %s::int[], %s::int[], %s::uuid[]) AS given (content_id, ordinal, position, click_id)
ON CONFLICT DO NOTHING
RETURNING content_id, ordinal, position
"""


async def store_clicks(
    connection: Connection, clicks: Sequence[InboxClick], waking: Sequence[InboxClick], again: bool = False
) -> list[LinkOfRecipient]:
    """One transaction: the clicks, and an outbox row for those of them that wake something. Returns the links that are new in
    the outbox. `connection` is in autocommit mode. `again`: some of the clicks may be stored already."""
    if not waking and not again:
        await _copy(connection, clicks)  # one statement is its own transaction
        return []
    async with connection.transaction():
        if again:
            await connection.cursor().executemany(INSERT, clicks)
        else:
            await _copy(connection, clicks)
        return await _wake(connection, waking)


async def _copy(connection: Connection, clicks: Sequence[InboxClick]) -> None:
    async with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        for click in clicks:
            await copy.write_row(click)


async def _wake(connection: Connection, waking: Sequence[InboxClick]) -> list[LinkOfRecipient]:
    if not waking:
        return []
    # In one order everywhere: two processes with the same links wait for each other instead of deadlocking.
    ordered = sorted(waking, key=lambda click: (click.content_id, click.ordinal, click.position))
    columns = [[getattr(click, name) for click in ordered] for name in ("content_id", "ordinal", "position", "id")]
    rows = await (await connection.execute(WAKE, columns)).fetchall()
    return [LinkOfRecipient(*row) for row in rows]

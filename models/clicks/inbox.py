"""The two small queues between the redirect and everything else: clicks to be recorded, workflows to be signalled.

Both are written by the redirect in one transaction, over its own connection (psycopg, not the pool): see
`api/redirect/keeping/journal.py`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.base import Timestamp, now
from models.clicks.columns import Columns, read_integers
from models.clicks.connection import ClickConnection


class LinkClick(SQLModel):
    """What is known of every click that is not recorded: which link, when, and whether it was a person."""

    id: UUID = Field(primary_key=True, description="UUIDv7 made by the redirect: also the click's id.")
    content_id: int
    recipient_number: int
    position: int
    clicked_at: datetime = Field(sa_type=Timestamp)
    verdict: str
    reason: str


class ClickInbox(LinkClick, table=True):
    """A durable click that is not recorded yet. When the organization keeps no metadata, `ip` and `user_agent` are null here
    already, because they were never stored. When it does, `user_agent` is never null, and empty when the client sent none.

    A click with `held_until` is not judged yet, because it could be one of a scanner's burst. It is neither recorded nor
    signalled before `models/clicks/holds.py` has decided, which is at that time at the latest.
    """

    __tablename__ = "click_inbox"
    __table_args__ = (
        Index("ix_click_inbox_held", "content_id", "recipient_number", postgresql_where=text("held_until IS NOT NULL")),
        Index("ix_click_inbox_org_id_id", "org_id", "id", postgresql_where=text("held_until IS NULL")),
    )

    org_id: UUID
    ip: str | None = None
    user_agent: str | None = None
    held_until: datetime | None = Field(default=None, sa_type=Timestamp)


class ClickRejected(LinkClick, table=True):
    """A click that could not be recorded, and why. It is set aside, without IP address and user agent, so that the others go
    on."""

    __tablename__ = "click_rejected"

    problem: str
    rejected_at: datetime = Field(default_factory=now, sa_type=Timestamp)


class SignalOutbox(SQLModel, table=True):
    """The first human click on a link that something waits for (`content.wakes`).

    The key is the link of the recipient, not the click. However often one link is clicked, there is one row and so one signal,
    and the 10,000 signals that Temporal allows a run cannot be used up from outside. Rows stay when they are delivered, because
    they make the second click a known one, and because a timer that has fired looks here for a click (`models/clicks/outbox.py`).

    A row with an `outcome` of null is open, and due at `due_at`. Otherwise it has one of `Outcome`. Only `not_human` is not
    final: the next human click on the link opens the row again.
    """

    __tablename__ = "signal_outbox"
    __table_args__ = (Index("ix_signal_outbox_open", "due_at", postgresql_where=text("outcome IS NULL")),)

    content_id: int = Field(primary_key=True)
    recipient_number: int = Field(primary_key=True)
    position: int = Field(primary_key=True)
    click_id: UUID
    due_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    attempts: int = 0
    last_error: str | None = None
    outcome: str | None = None
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    marked_at: datetime | None = Field(default=None, sa_type=Timestamp)


class InboxClick(NamedTuple):
    """A row of `click_inbox`, light enough for the redirect. Statements and arrays are made from these fields, and a test holds
    them to the table."""

    id: UUID
    org_id: UUID
    content_id: int
    recipient_number: int
    position: int
    clicked_at: datetime
    verdict: str
    reason: str
    ip: str | None
    user_agent: str | None
    held_until: datetime | None = None


class LinkOfRecipient(NamedTuple):
    """The key of `signal_outbox`, which one token names."""

    content_id: int
    recipient_number: int
    position: int


class WakingClick(NamedTuple):
    """The fields of `signal_outbox` that a click brings."""

    content_id: int
    recipient_number: int
    position: int
    click_id: UUID


def shard_of(content_id: int, recipient_number: int, shards: int) -> int:
    """Returns which recorder keeps the clicks of this message. `MINE` in `models/clicks/recording.py` says the same in SQL."""
    return (content_id + recipient_number) % shards


CLICKS = Columns(InboxClick)
WAKING = Columns(WakingClick, first=CLICKS.next)
# A click that is there already changes nothing, so whoever does not know whether a commit happened stores it again. Such a commit
# waits for whoever is writing the row, so all go in one order: clicks by their ids, and then the outbox by its key.
STORE = f"""
INSERT INTO click_inbox ({CLICKS.names})
SELECT * FROM {CLICKS.given} ORDER BY id
ON CONFLICT DO NOTHING
"""  # noqa: S608 - names of ours
# Of several clicks the latest one counts until it is judged, because a machine's can only be the earlier one: an open row that
# nobody has claimed takes the new click, and one that was closed as not a person's opens again. Such a row is returned each time,
# not only when it is new: whoever delivers an earlier click passes over the row while this statement has it locked, so the last
# one to have it locked has to deliver. `due_at` of an open row stays, or a claim that began before would not see it as due.
OR_AGAIN = """
ON CONFLICT (content_id, recipient_number, position) DO UPDATE SET
    click_id = greatest(signal_outbox.click_id, excluded.click_id),
    due_at = CASE WHEN signal_outbox.outcome IS NULL THEN signal_outbox.due_at ELSE excluded.due_at END,
    created_at = CASE WHEN signal_outbox.outcome IS NULL THEN signal_outbox.created_at ELSE excluded.created_at END,
    outcome = NULL, marked_at = NULL, attempts = 0
WHERE signal_outbox.outcome = 'not_human' OR (signal_outbox.outcome IS NULL AND signal_outbox.attempts = 0)
RETURNING content_id, recipient_number, position
"""
# By itself PostgreSQL would write the outbox before the clicks; the count prevents that.
STORE_AND_WAKE = f"""
WITH stored AS ({STORE} RETURNING id)
INSERT INTO signal_outbox (content_id, recipient_number, position, click_id, due_at, attempts, created_at)
SELECT DISTINCT ON (content_id, recipient_number, position) content_id, recipient_number, position, click_id, now(), 0, now()
FROM (SELECT count(*) FROM stored) AS written
CROSS JOIN {WAKING.given}
ORDER BY content_id, recipient_number, position, click_id DESC
{OR_AGAIN}
"""  # noqa: S608
STATEMENTS = {"store": STORE, "store_and_wake": STORE_AND_WAKE}


async def store_clicks(
    connection: ClickConnection, clicks: Sequence[InboxClick], waking: Sequence[InboxClick]
) -> list[LinkOfRecipient]:
    """Stores the clicks, and an outbox row for those of them that wake something, in one transaction and one round trip. Returns
    the links that are to be delivered: those in the outbox that nobody has claimed yet. Clicks that are stored already change
    nothing. `connection` knows `STATEMENTS`."""
    columns = CLICKS.encode(clicks)
    if not waking:
        await connection.run("store", columns)
        return []
    columns += WAKING.encode([(each.content_id, each.recipient_number, each.position, each.id) for each in waking])
    return [LinkOfRecipient(*read_integers(row)) for row in await connection.run("store_and_wake", columns)]

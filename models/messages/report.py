"""What providers report of a message that they have accepted: each report is a row, and the message keeps the highest one.

Reports come in any order and any number, so nothing here depends on the order in which they are written.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, new_id, now


class ReportKind(StrEnum):
    """In the order of their ranks: a report never replaces a higher one, however much later it comes."""

    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    BOUNCED = "bounced"
    REPLIED = "replied"
    COMPLAINED = "complained"


class MessageReport(SQLModel, table=True):
    """`event_key` names what the provider told us, so that a report that comes many times is one row. `code` is the provider's
    own, and `reported_at` the provider's time, or that of its arrival. `address_hash` is set for a soft bounce alone, of which an
    address may have a few before it is suppressed."""

    __tablename__ = "message_report"
    __table_args__ = (
        Index("uq_message_report_message_id_event_key", "message_id", "event_key", unique=True),
        Index(
            "ix_message_report_org_id_address_hash_reported_at",
            "org_id",
            "address_hash",
            "reported_at",
            postgresql_where=text("address_hash IS NOT NULL"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    message_id: UUID = Field(foreign_key="message.id")
    kind: ReportKind = Field(sa_type=String)
    event_key: str
    code: str | None = None
    detail: str | None = None
    address_hash: bytes | None = Field(default=None, sa_type=LargeBinary)
    reported_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    received_at: datetime = Field(default_factory=now, sa_type=Timestamp)


class ReportedMessage(NamedTuple):
    """What a report needs to know of its message. `to_address` is None when the person was erased."""

    id: UUID
    contact_id: UUID
    to_address: str | None


class MailedMessage(NamedTuple):
    """Whose message a mail is about that came back to us."""

    org_id: UUID
    channel_id: UUID
    content_id: int
    recipient_number: int


OWNER = text("SELECT org_id, channel_id, content_id, recipient_number FROM message WHERE id = :message_id")


FIND = """
SELECT id, contact_id, to_address FROM message
 WHERE org_id = :org_id AND channel_id = :channel_id AND {name} ORDER BY id DESC LIMIT 1
"""
FIND_BY_ID = text(FIND.format(name="id = :message_id"))
FIND_BY_PROVIDER_ID = text(FIND.format(name="provider_id = :provider_id"))
LOCK = text("SELECT FROM message WHERE id = :message_id FOR NO KEY UPDATE")

ADD = text("""
INSERT INTO message_report (id, org_id, message_id, kind, event_key, code, detail, address_hash, reported_at, received_at)
VALUES (:id, :org_id, :message_id, :kind, :event_key, :code, :detail, :address_hash, :reported_at, :received_at)
ON CONFLICT (message_id, event_key) DO NOTHING RETURNING id
""")

# The highest report is read from all rows, so that any order of arrival ends in the same message. A provider that reports on a
# message had accepted it, whatever we knew of it: it may have been interrupted, or its answer was lost and it waited for another
# attempt. Of an erased person no name that a provider knows is written down.
TELL_MESSAGE = text("""
UPDATE message
   SET report = highest.kind, report_code = highest.code, reported_at = highest.reported_at,
       provider_id = coalesce(message.provider_id, CASE WHEN whose.erased_at IS NULL THEN :provider_id END),
       state = CASE WHEN proven.accepted THEN 'accepted' ELSE message.state END,
       reason = CASE WHEN proven.accepted THEN NULL ELSE message.reason END,
       accepted_at = CASE WHEN proven.accepted THEN CAST(:now AS timestamptz) ELSE message.accepted_at END
  FROM (SELECT kind, code, reported_at FROM message_report WHERE message_id = :message_id
         ORDER BY array_position(CAST(:ranks AS text[]), kind) DESC, reported_at, event_key LIMIT 1) AS highest,
       (SELECT state IN ('sending', 'unknown') OR (state = 'planned' AND sending_at IS NOT NULL) AS accepted
          FROM message WHERE id = :message_id) AS proven,
       (SELECT contact.erased_at FROM contact JOIN message ON message.contact_id = contact.id
         WHERE message.id = :message_id) AS whose
 WHERE message.id = :message_id
""")

SOFT_BOUNCES = text("""
SELECT count(DISTINCT message_id) FROM message_report
 WHERE org_id = :org_id AND address_hash = :address_hash AND reported_at > :since
""")


async def find_mailed(session: AsyncSession, message_id: UUID) -> MailedMessage | None:
    """Returns whose message this is. The caller has an id that we signed, so it is not asked whose the caller is."""
    row = (await session.execute(OWNER, {"message_id": message_id})).one_or_none()
    return MailedMessage(*row) if row else None


async def find_reported(
    session: AsyncSession, org_id: UUID, channel_id: UUID, message_id: UUID | None, provider_id: str | None
) -> ReportedMessage | None:
    """Returns the message of this channel, by its id if that is given, else by the provider's. None means that there is no such
    message, or that its provider's id has not been written down yet."""
    where = {"org_id": org_id, "channel_id": channel_id, "message_id": message_id, "provider_id": provider_id}
    row = (await session.execute(FIND_BY_PROVIDER_ID if message_id is None else FIND_BY_ID, where)).one_or_none()
    return ReportedMessage(*row) if row else None


async def add_report(session: AsyncSession, report: MessageReport, provider_id: str | None) -> bool:
    """Writes the report down and lets its message know, which is locked from now on: people whom the report concerns have to be
    locked before. Returns False when it has been written before."""
    await session.execute(LOCK, {"message_id": report.message_id})
    values = {name: getattr(report, name) for name in MessageReport.model_fields} | {"kind": report.kind.value}
    if await session.scalar(ADD, values) is None:
        return False
    about = {"message_id": report.message_id, "provider_id": provider_id, "ranks": [each.value for each in ReportKind]}
    await session.execute(TELL_MESSAGE, {**about, "now": now()})
    return True


async def count_soft_bounces(session: AsyncSession, org_id: UUID, address_hash: bytes, within: timedelta) -> int:
    """Returns how many messages to the address have bounced softly."""
    where = {"org_id": org_id, "address_hash": address_hash, "since": now() - within}
    return await session.scalar(SOFT_BOUNCES, where) or 0


async def message_reports(session: AsyncSession, message_id: UUID, most: int = 100) -> list[MessageReport]:
    """Returns the last `most` reports of a message in the order of their times. The caller has made sure whose message it is."""
    newest = col(MessageReport.reported_at).desc(), col(MessageReport.id).desc()
    statement = select(MessageReport).where(col(MessageReport.message_id) == message_id).order_by(*newest).limit(most)
    return list(await session.scalars(statement))[::-1]


OF_MESSAGES = """
SELECT report.* FROM unnest(CAST(:ids AS uuid[])) AS given (id) CROSS JOIN LATERAL (
    SELECT * FROM message_report WHERE message_id = given.id ORDER BY reported_at DESC, message_report.id DESC LIMIT {most}
) AS report
ORDER BY report.reported_at, report.id
"""


async def reports_of(session: AsyncSession, message_ids: Sequence[UUID], most: int = 20) -> dict[UUID, list[MessageReport]]:
    """Does the same for many messages in one statement. Those without reports are left out."""
    found: defaultdict[UUID, list[MessageReport]] = defaultdict(list)
    if message_ids:
        statement = select(MessageReport).from_statement(text(OF_MESSAGES.format(most=most)))
        for each in await session.scalars(statement, {"ids": list(message_ids)}):
            found[each.message_id].append(each)
    return found

"""Reports that name a message by an id of the provider's that we have not written down yet.

A provider can report a message before its answer to us is recorded, or after a crash that lost the answer. Such a report waits
here for the id for an hour. Accounts that others use as well report messages of theirs, for which nobody waits longer.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Index, String, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from models.base import Timestamp, new_id, now
from models.messages.report import ReportKind

KEPT = timedelta(hours=1)
MOST = 500
"""Reports that one look takes."""


class WaitingReport(SQLModel, table=True):
    """Its fields are those of a report (`services/provider_reports/apply.py`). It is looked at again at `due_at`, at first after
    seconds and then less and less often."""

    __tablename__ = "waiting_report"
    __table_args__ = (
        Index("uq_waiting_report", "channel_id", "provider_id", "event_key", unique=True),
        Index("ix_waiting_report_due_at", "due_at"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    channel_id: UUID = Field(foreign_key="channel.id")
    provider_id: str
    kind: ReportKind = Field(sa_type=String)
    event_key: str
    code: str | None = None
    detail: str | None = None
    fault: str | None = None
    soft: bool = False
    reported_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    received_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    due_at: datetime = Field(default_factory=now, sa_type=Timestamp)


COLUMNS = tuple(WaitingReport.model_fields)
ADD = text(f"""
INSERT INTO waiting_report ({", ".join(COLUMNS)}) VALUES ({", ".join(f":{name}" for name in COLUMNS)}) ON CONFLICT DO NOTHING
""")  # noqa: S608 - names of ours

# Nothing else waits for these rows, so those that somebody else looks at are left to them.
TAKE = text("""
UPDATE waiting_report SET due_at = :now + greatest(:now - received_at, interval '2 seconds')
 WHERE id IN (SELECT id FROM waiting_report WHERE due_at <= :now ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED)
RETURNING *
""")
DELETE = text("DELETE FROM waiting_report WHERE id = ANY(CAST(:ids AS uuid[]))")


async def add_waiting(session: AsyncSession, report: WaitingReport) -> None:
    """Does nothing when it waits already."""
    await session.execute(ADD, report.model_dump() | {"kind": report.kind.value})


async def due_reports(session: AsyncSession) -> list[WaitingReport]:
    """Returns at most 500 reports that are due, the longest waiting first, and puts them off."""
    rows = await session.execute(TAKE, {"now": now(), "most": MOST})
    return [WaitingReport.model_validate(dict(row)) for row in rows.mappings()]


async def delete_waiting(session: AsyncSession, ids: Sequence[UUID]) -> None:
    await session.execute(DELETE, {"ids": list(ids)})

"""A CSV import of contacts: the file, how far it got, and what was wrong with which row."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import String, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer
from sqlalchemy.orm.interfaces import ORMOption
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, new_id, now
from models.contact_csv import CsvRow
from models.contact_upsert import Outcome
from models.errors import NotFound
from models.paging import PageRequest, newest_first

MAX_ERRORS = 1000


class ImportState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"


class ContactImport(SQLModel, table=True):
    """`processed` rows are done for good: each page of rows and this counter are one transaction, so a retry goes on there.

    `csv` is emptied when the import is completed: the people in it are contacts now.
    """

    __tablename__ = "contact_import"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id", index=True)
    state: ImportState = Field(default=ImportState.QUEUED, sa_type=String)
    csv: str
    total: int
    processed: int = 0
    created: int = 0
    updated: int = 0
    failed: int = 0
    # The first 1,000: [{"line": 3, "field": "email", "message": "…"}]; `failed` counts all rows that failed.
    errors: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB)
    workflow_started_at: datetime | None = Field(default=None, sa_type=Timestamp)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    finished_at: datetime | None = Field(default=None, sa_type=Timestamp)

    @property
    def unchanged(self) -> int:
        return self.processed - self.created - self.updated - self.failed


async def add_import(session: AsyncSession, org_id: UUID, csv: str, total: int) -> ContactImport:
    row = ContactImport(org_id=org_id, csv=csv, total=total)
    session.add(row)
    await session.flush()
    return row


async def get_import(session: AsyncSession, org_id: UUID, import_id: UUID) -> ContactImport:
    """Without the file, which can have 20 MB."""
    wanted = select(ContactImport).where(col(ContactImport.org_id) == org_id, col(ContactImport.id) == import_id)
    row = await session.scalar(wanted.options(_without_csv()))
    if row is None:
        raise NotFound("No such import.")
    return row


async def list_imports(session: AsyncSession, org_id: UUID, page: PageRequest) -> tuple[list[ContactImport], UUID | None]:
    wanted = select(ContactImport).where(col(ContactImport.org_id) == org_id).options(_without_csv())
    return await newest_first(session, wanted, col(ContactImport.id), page)


async def begin_import(session: AsyncSession, org_id: UUID, import_id: UUID) -> ContactImport:
    """With the file. The state says from now on that it runs."""
    row = await session.get_one(ContactImport, import_id, with_for_update=True)
    if row.org_id != org_id:
        raise NotFound("No such import.")
    if row.state == ImportState.QUEUED:
        row.state = ImportState.RUNNING
    return row


async def lock_import(session: AsyncSession, import_id: UUID) -> ContactImport:
    """Without the file; nobody else goes on with this import until the transaction ends."""
    return await session.get_one(ContactImport, import_id, options=[_without_csv()], with_for_update=True)


def count_page(row: ContactImport, page: Sequence[CsvRow], outcomes: Sequence[Outcome]) -> None:
    """Adds a page's results; to be called in the transaction that writes its contacts."""
    row.processed += len(page)
    row.created += sum(outcome.result == "created" for outcome in outcomes)
    row.updated += sum(outcome.result == "updated" for outcome in outcomes)
    row.failed += sum(outcome.result == "failed" for outcome in outcomes)
    row.errors = [*row.errors, *_page_errors(page, outcomes)][:MAX_ERRORS]
    if row.processed == row.total:
        row.state, row.finished_at, row.csv = ImportState.COMPLETED, now(), ""


def _page_errors(page: Sequence[CsvRow], outcomes: Sequence[Outcome]) -> Iterable[dict[str, Any]]:
    for row, outcome in zip(page, outcomes, strict=True):
        for error in outcome.errors:
            yield {"line": row.line, "field": error.field, "message": error.message}


def _without_csv() -> ORMOption:
    return defer(col(ContactImport.csv))  # type: ignore[arg-type] # a column of the table is one at run time

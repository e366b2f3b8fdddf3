"""A CSV import of contacts: the file, how far it got, and what was wrong with which row.

An organization has one running import, and the next one waits (`models/contacts/import_queue.py`).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, Text, cast, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer
from sqlalchemy.orm.interfaces import ORMOption
from sqlmodel import Field, col

from models.base import Timestamp, new_id, now
from models.contacts.csv_rows import CsvRow
from models.contacts.match import Outcome
from models.errors import Conflict, ConflictCode
from models.organizations.owned import require_owned
from models.paging import PageRequest, newest_first
from models.start import NeedsWorkflow

MAX_ERRORS = 1000


class ImportState(StrEnum):
    """The states are waiting (for an earlier import of the organization) → running → completed | cancelled | failed."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


OPEN = (ImportState.WAITING, ImportState.RUNNING)


class ContactImport(NeedsWorkflow, table=True):
    """`processed` rows are done for good: each page of rows and this counter are one transaction, so a retry goes on there.

    `csv` is emptied when the import is over. `reason` says why it was cancelled or failed.
    """

    __tablename__ = "contact_import"
    __table_args__ = (
        Index("ix_contact_import_org_id_id", "org_id", "id"),
        Index("ix_contact_import_open", "org_id", "id", postgresql_where=text("state IN ('waiting', 'running')")),
        Index("uq_contact_import_running", "org_id", unique=True, postgresql_where=text("state = 'running'")),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    state: ImportState = Field(default=ImportState.WAITING, sa_type=String)
    reason: str | None = None
    csv: str
    encoding: str = "utf-8"
    # This is an ImportOptions.
    options: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    total: int
    processed: int = 0
    created: int = 0
    updated: int = 0
    failed: int = 0
    # Counts rows that were written without a field that could not be read.
    incomplete: int = 0
    # Holds the first 1,000 errors: [{"line": 3, "field": "email", "message": "…"}], with a "contact_id" when another person has
    # the key.
    errors: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    finished_at: datetime | None = Field(default=None, sa_type=Timestamp)

    @property
    def unchanged(self) -> int:
        return self.processed - self.created - self.updated - self.failed

    @property
    def delimiter(self) -> str:
        return str(self.options.get("delimiter", ","))

    @property
    def is_over(self) -> bool:
        return self.state not in OPEN

    def end(self, state: ImportState, reason: str | None = None) -> None:
        """Ends the import. Rows that are done stay contacts, and the file is deleted."""
        self.state, self.reason, self.finished_at, self.csv = state, reason, now(), ""


async def get_import(session: AsyncSession, org_id: UUID, import_id: UUID) -> ContactImport:
    """Returns the import without its file, which can have 20 MB."""
    wanted = select(ContactImport).where(col(ContactImport.id) == import_id)
    return require_owned(await session.scalar(wanted.options(_without_csv())), org_id, "import")


async def list_imports(session: AsyncSession, org_id: UUID, page: PageRequest) -> tuple[list[ContactImport], UUID | None]:
    wanted = select(ContactImport).where(col(ContactImport.org_id) == org_id).options(_without_csv())
    size = func.octet_length(cast(col(ContactImport.errors), Text))
    return await newest_first(session, wanted, col(ContactImport.id), page, size)


async def read_import(session: AsyncSession, org_id: UUID, import_id: UUID) -> ContactImport:
    """Returns the import with its file."""
    return require_owned(await session.get(ContactImport, import_id), org_id, "import")


async def lock_import(session: AsyncSession, import_id: UUID) -> ContactImport:
    """Returns the import without its file. Nobody else goes on with this import, or ends it, until the transaction ends."""
    return await session.get_one(ContactImport, import_id, options=[_without_csv()], with_for_update=True)


async def end_import(session: AsyncSession, import_id: UUID, state: ImportState, reason: str) -> ContactImport:
    """Ends the import as cancelled or failed. Nothing changes when it was over before."""
    row = await lock_import(session, import_id)
    if not row.is_over:
        row.end(state, reason)
    return row


async def cancel_import(session: AsyncSession, org_id: UUID, import_id: UUID) -> ContactImport:
    """Cancels the import after the page that is being written. Cancelling twice is the same as once. Raises Conflict when it
    ended otherwise."""
    await get_import(session, org_id, import_id)
    row = await end_import(session, import_id, ImportState.CANCELLED, "cancelled by request")
    if row.state != ImportState.CANCELLED:
        raise Conflict(ConflictCode.IMPORT_OVER, f"This import is {row.state} already: there is nothing left to cancel.")
    return row


def count_page(row: ContactImport, page: Sequence[CsvRow], outcomes: Sequence[Outcome]) -> None:
    """Adds a page's results. Call it in the transaction that writes the page's contacts."""
    row.processed += len(page)
    row.created += sum(outcome.result == "created" for outcome in outcomes)
    row.updated += sum(outcome.result == "updated" for outcome in outcomes)
    row.failed += sum(outcome.result == "failed" for outcome in outcomes)
    row.incomplete += sum(outcome.is_incomplete for outcome in outcomes)
    row.errors = [*row.errors, *_page_errors(page, outcomes)][:MAX_ERRORS]
    if row.processed == row.total:
        row.end(ImportState.COMPLETED)


def _page_errors(page: Sequence[CsvRow], outcomes: Sequence[Outcome]) -> Iterable[dict[str, Any]]:
    for row, outcome in zip(page, outcomes, strict=True):
        for error in outcome.errors:
            found = {"line": row.line, "field": error.field, "message": error.message}
            yield found if error.contact_id is None else {**found, "contact_id": str(error.contact_id)}


def _without_csv() -> ORMOption:
    return defer(col(ContactImport.csv))  # type: ignore[arg-type] # a column of the table is one at run time

"""Imports a CSV file of contacts page by page: each page of rows and the progress are one transaction."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from uuid import UUID

import structlog
from sqlalchemy.exc import DataError, IntegrityError
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.heartbeats import beating
from models.contacts.csv_rows import CsvRow, ImportOptions, read_rows
from models.contacts.imports import ContactImport, ImportState, count_page, end_import, lock_import, read_import
from models.contacts.upsert import upsert_rows
from models.database import Database
from models.wire.imports import ImportFailed, ImportInput, ImportResult
from services.consent.imported import answers_of, record_imported
from services.starter import Starter

PAGE = 500
PAGES = 20
"""Seconds for one activity. Then the slot is handed back, so that several organizations take turns. Each activity reads the file
from its beginning, which costs half a second for 20 MB."""


log = structlog.get_logger()


class ImportContacts:
    def __init__(self, database: Database, starter: Starter) -> None:
        self._database = database
        self._starter = starter
        self._threads = ThreadPoolExecutor(2, "import")

    @activity.defn
    async def import_contacts(self, start: ImportInput) -> ImportResult:
        """Imports the next pages, from the first row that is not done, so a retry repeats nothing."""
        async with beating():
            row = await self._import_pages(start)
        counts = {name: getattr(row, name) for name in ("total", "processed", "created", "updated", "failed")}
        if row.is_over:
            about = {"import_id": str(row.id), "organization_id": str(row.org_id), "state": row.state}
            log.info("import is over", **about, **counts, incomplete=row.incomplete)
            await self._starter.start_next_import(start.org_id)
        return ImportResult(**counts, over=row.is_over)

    @activity.defn
    async def end_import(self, end: ImportFailed) -> None:
        """Closes the row of an import whose workflow cannot go on, and lets the next one begin."""
        async with self._database.transaction() as session:
            await end_import(session, end.import_id, ImportState(end.state), end.reason)
        log.warning("import is over", import_id=str(end.import_id), organization_id=str(end.org_id), state=end.state)
        await self._starter.start_next_import(end.org_id)

    async def _import_pages(self, start: ImportInput) -> ContactImport:
        async with self._database.transaction() as session:
            row = await read_import(session, start.org_id, start.import_id)
        rows = iter(()) if row.is_over else read_rows(row.csv, ImportOptions.model_validate(row.options), skip=row.processed)
        for _ in range(PAGES):
            if row.is_over:
                break
            page = await asyncio.get_running_loop().run_in_executor(self._threads, lambda: list(islice(rows, PAGE)))
            row = await self._import_page(start.org_id, row, page)
        return row

    async def _import_page(self, org_id: UUID, before: ContactImport, page: Sequence[CsvRow]) -> ContactImport:
        """An import that was cancelled meanwhile is left as it is."""
        try:
            async with self._database.transaction() as session:
                row = await lock_import(session, before.id)
                if row.processed != before.processed:
                    raise ApplicationError("an earlier attempt is still at work", type="TwoAttempts")
                if not row.is_over:
                    match_on = ImportOptions.model_validate(row.options).match_on
                    outcomes = await upsert_rows(session, org_id, [each.contact for each in page], match_on)
                    await record_imported(session, org_id, row.id, answers_of(page, outcomes))
                    count_page(row, page, outcomes)
        except (DataError, IntegrityError) as error:  # without the error's text, which quotes the row
            problem = f"PostgreSQL refused the rows from line {page[0].line} on ({type(error).__name__})"
            raise ApplicationError(problem, type="PageRefused", non_retryable=True) from None
        return row

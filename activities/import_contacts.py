"""Imports a CSV file of contacts page by page: each page of rows and the progress are one transaction."""

import asyncio
from collections.abc import Sequence
from itertools import islice
from uuid import UUID

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.heartbeats import beating
from models.contact_csv import CsvRow, read_rows
from models.contact_import import ContactImport, begin_import, count_page, lock_import
from models.contact_upsert import upsert_readable
from models.database import Database
from models.wire import ImportInput, ImportResult

PAGE = 500


class ImportContacts:
    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn
    async def import_contacts(self, start: ImportInput) -> ImportResult:
        """The whole file, from the first row that is not done: a retry repeats nothing."""
        async with beating():
            return await self._import_file(start)

    async def _import_file(self, start: ImportInput) -> ImportResult:
        async with self._database.transaction() as session:
            row = await begin_import(session, start.org_id, start.import_id)
        rows = read_rows(row.csv, skip=row.processed) if row.processed < row.total else iter(())
        while page := await asyncio.to_thread(lambda: list(islice(rows, PAGE))):
            row = await self._import_page(start.org_id, row, page)
        return ImportResult(total=row.total, processed=row.processed, created=row.created, updated=row.updated, failed=row.failed)

    async def _import_page(self, org_id: UUID, before: ContactImport, page: Sequence[CsvRow]) -> ContactImport:
        async with self._database.transaction() as session:
            row = await lock_import(session, before.id)
            if row.processed != before.processed:
                raise ApplicationError("an earlier attempt is still at work", type="TwoAttempts")
            outcomes = await upsert_readable(session, org_id, [each.contact for each in page])
            count_page(row, page, outcomes)
        return row

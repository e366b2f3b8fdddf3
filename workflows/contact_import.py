"""One CSV import of contacts. The activity works page by page and keeps its progress in the import's row."""

from asyncio import CancelledError

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    import workflows.policies as policies
    from activities.import_contacts import ImportContacts
    from models.wire.imports import ImportFailed, ImportInput, ImportResult


@workflow.defn
class ContactImport:
    """Workflow id `import/{import}`. The largest file is about a thousand activities, so one run is enough."""

    @workflow.run
    async def run(self, start: ImportInput) -> ImportResult:
        try:
            while not (result := await self._import_pages(start)).over:
                pass
        except (ActivityError, CancelledError) as error:
            await self._end_by(start, error)
            raise
        return result

    async def _import_pages(self, start: ImportInput) -> ImportResult:
        result = await workflow.execute_activity_method(
            ImportContacts.import_contacts, start, summary="rows to contacts", **policies.PAGE
        )
        counts = f"{result.created} created, {result.updated} updated, {result.failed} failed"
        workflow.set_current_details(f"{result.processed} of {result.total} rows: {counts}")
        return result

    async def _end_by(self, start: ImportInput, error: BaseException) -> None:
        """Whatever ends the workflow, its row must not stay `running`. A cancel comes from Temporal's own tools, not from us."""
        canceled = is_cancelled_exception(error)
        reason = "its workflow was canceled in Temporal" if canceled else str(error.__cause__ or error)
        end = ImportFailed(
            org_id=start.org_id, import_id=start.import_id, state="cancelled" if canceled else "failed", reason=reason
        )
        await workflow.execute_activity_method(ImportContacts.end_import, end, summary="close the row", **policies.QUICK)

"""One CSV import of contacts. The activity works page by page and keeps its progress in the import's row."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import workflows.policies as policies
    from activities.import_contacts import ImportContacts
    from models import wire


@workflow.defn
class ContactImport:
    """Workflow id `import/{organization}/{import}`."""

    @workflow.run
    async def run(self, start: wire.ImportInput) -> wire.ImportResult:
        result = await workflow.execute_activity_method(
            ImportContacts.import_contacts, start, summary="rows to contacts", **policies.PAGE
        )
        workflow.set_current_details(
            f"{result.processed} rows: {result.created} created, {result.updated} updated, {result.failed} failed"
        )
        return result

"""Everything about one person: to be handed over, or to be erased."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from api.handling.request import OrganizationDep, ServicesDep, SessionDep, apart, area
from services.contacts.erase import erase_contact
from services.contacts.export import export_contact

router = area("contact data")


class RemovedRows(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    table: str = Field(examples=["message"])
    rows: int = Field(description="Rows in which something was removed by this call.")
    kept: str | None = Field(description="What stays of these rows; null: the rows are gone.", examples=["state and times"])


class ErasureReceipt(BaseModel):
    """What was removed. With something `unfinished`, ask again as each sentence says: asking again is safe."""

    model_config = ConfigDict(from_attributes=True)

    contact_id: UUID
    erased_at: datetime
    removed: list[RemovedRows]
    temporal_runs: int = Field(description="Runs of the contact's enrollments that were deleted from Temporal by this call.")
    unfinished: list[str] = Field(description="What is left, and what to do about it; empty: the erasure is complete.")


class ContactExport(BaseModel):
    """`data` has the rows of each table as they are stored, without what only the server needs."""

    contact_id: UUID
    exported_at: datetime
    data: dict[str, list[dict[str, Any]]]


@router.post("/contacts/{contact_id}/erase", summary="Erase a contact")
async def erase(
    request: Request, session: SessionDep, caller: OrganizationDep, services: ServicesDep, contact_id: UUID
) -> ErasureReceipt:
    """Remove everything about the person for good, stop their enrollments, and say what was removed.

    Counters stay, and so does a hash of each suppressed address. `docs/erasure.md` says what is kept and why. Asking again is
    safe, and does what a crash has left.
    """
    org_id = caller.id
    async with apart(
        request, session, "contact_data.erase"
    ):  # the erasure has transactions of its own, and Temporal is asked between them
        receipt = await erase_contact(services.database, services.temporal, org_id, contact_id)
    return ErasureReceipt.model_validate(receipt)


@router.get("/contacts/{contact_id}/export", summary="Export a contact")
async def export(session: SessionDep, caller: OrganizationDep, contact_id: UUID) -> ContactExport:
    """Everything that is known of the person, as one document."""
    data = await export_contact(session, caller.id, contact_id)
    return ContactExport(contact_id=contact_id, exported_at=datetime.now(UTC), data=data)

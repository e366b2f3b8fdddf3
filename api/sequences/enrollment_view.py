"""What an enrollment looks like in answers: where it is, whose it is, and in what."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.contacts.named import NamedContact
from api.ops.workflow_links import workflow_ui_url
from models.contacts.contact import contacts_by_id
from models.sequences.enrollment import CauseKind, Enrollment, EnrollmentState, version_numbers
from models.sequences.sequence import names_by_id
from models.wire.names import enrollment_workflow_id
from settings import Settings


class EnrollmentView(BaseModel):
    """`step_key` and `step_run` say where the contact is, and `due_at` until when it waits there. From `stop_requested_at` on
    nothing is sent, even before its workflow has noticed."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    sequence_id: UUID
    sequence_version_id: UUID
    version: int = Field(description="Number of the version that it started with and stays in.", examples=[2])
    sequence_name: str = Field(examples=["Welcome"])
    contact_id: UUID
    contact: NamedContact
    campaign_id: UUID | None = Field(description="Set for the follow-up of a campaign's link click trigger.")
    cause: CauseKind = Field(description="What has enrolled the contact: a request, a trigger, or a step of another sequence.")
    cause_id: UUID | None = Field(description="The firing of the trigger, or the enrollment whose step has enrolled the contact.")
    variables: dict[str, Any] = Field(examples=[{"offer": "spring"}])
    state: EnrollmentState
    step_key: str | None = Field(examples=["wait_for_offer"])
    step_run: int = Field(
        description="How many steps the enrollment has entered so far, the present one included: 2 at its second step. A step "
        "that is entered again in a loop counts again.",
        examples=[2],
    )
    due_at: datetime | None
    outcome: str | None = Field(examples=["completed"])
    stop_requested_at: datetime | None
    workflow_id: str
    temporal_ui_url: str | None
    created_at: datetime
    finished_at: datetime | None


async def enrollment_views(session: AsyncSession, settings: Settings, rows: Sequence[Enrollment]) -> list[EnrollmentView]:
    versions = await version_numbers(session, {row.sequence_version_id for row in rows})
    names = await names_by_id(session, {row.sequence_id for row in rows})
    contacts = await contacts_by_id(session, {row.contact_id for row in rows})
    return [
        EnrollmentView(
            **{name: getattr(row, name) for name in EnrollmentView.model_fields if name in Enrollment.model_fields},
            version=versions[row.sequence_version_id],
            sequence_name=names[row.sequence_id],
            contact=NamedContact.model_validate(contacts[row.contact_id]),
            workflow_id=enrollment_workflow_id(row.id),
            temporal_ui_url=workflow_ui_url(settings, enrollment_workflow_id(row.id) if row.workflow_started_at else None),
        )
        for row in rows
    ]

"""What requests and answers about segments look like."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.config import JsonDict

from api.contacts.routes import ContactView
from api.http.paging import Page
from models.segments.definition import Condition, Definition
from models.texts.text import Name
from services.segments.engagement import Engagement

DEFINITION: JsonDict = {
    "all": [
        {"kind": "tags", "has": "any", "tags": ["newsletter"]},
        {"kind": "clicks", "at_least": 3},
        {"not": {"kind": "property", "name": "plan", "equals": "gold"}},
    ]
}


class SegmentCreate(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "Engaged readers", "definition": DEFINITION}]}
    )

    name: Name
    definition: Definition = Field(description="A condition, or several in `all`, `any` and `not`: `docs/segments.md`.")


class SegmentChange(BaseModel):
    """Only the given fields are changed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "Engaged readers"}]})

    name: Name | None = None
    definition: Definition | None = None

    @field_validator("name", "definition", mode="before")
    @classmethod
    def _given(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("leave the field out to keep it; it cannot be null")
        return value


class SegmentPreviewRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"definition": DEFINITION}]})

    definition: Definition


class SegmentView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    definition: Condition
    created_at: datetime
    updated_at: datetime


class SegmentUseView(BaseModel):
    """What would not know whom to take without the segment."""

    model_config = ConfigDict(from_attributes=True)

    kind: Literal["campaign", "sequence", "trigger"] = Field(description="A draft, or a published trigger.")
    id: UUID
    name: str = Field(description="Of a trigger, its key.", examples=["Spring offer"])
    campaign_id: UUID | None
    sequence_id: UUID | None


class SegmentDetail(SegmentView):
    count: int | None = Field(description="How many contacts are in the segment now. null: its people were not asked for.")
    contacts: Page[ContactView] | None = Field(
        description="The first page of `GET /v1/segments/{segment_id}/contacts`. null: as `count`."
    )
    used_by: list[SegmentUseView] = Field(description="The first 20; while there are any, it cannot be deleted.")


class SegmentPreview(BaseModel):
    """Who would be in the segment now."""

    count: int
    contacts: list[ContactView] = Field(description="The 50 newest.")


class EngagementRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"kind": "engaged"}]})

    kind: Engagement
    name: Name | None = Field(None, description="Default: the campaign's name and the kind.")

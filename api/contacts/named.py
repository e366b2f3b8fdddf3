"""A contact beside something else: what people call it by."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class NamedContact(BaseModel):
    """Everything is null for a contact that was erased."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    external_id: str | None = Field(examples=["crm-1001"])
    first_name: str | None = Field(examples=["Ada"])
    last_name: str | None = Field(examples=["Lovelace"])
    email: str | None = Field(examples=["ada@example.com"])
    phone: str | None = Field(examples=["+12025550123"])

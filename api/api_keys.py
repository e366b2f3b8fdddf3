"""API keys of the caller's organization."""

from datetime import datetime
from typing import Annotated

from fastapi import Path, Request
from pydantic import BaseModel, ConfigDict, Field

from api.paging import Page, PageDep
from api.request import Idempotent, OrganizationDep, SessionDep, area, remember_instead
from models.organization import KEY_ID_LENGTH, create_api_key, list_api_keys, revoke_api_key
from models.text import Form, Name

router = area("api keys")

KeyId = Annotated[
    str,
    Path(description="The key's id, not its text."),
    Form(f"^[0-9a-f]{{{KEY_ID_LENGTH}}}$", f"This is no id of a key: it has {KEY_ID_LENGTH} of the characters 0-9 and a-f."),
]


class ApiKeyCreate(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "billing service"}]})

    name: Name = Field(max_length=100, description="For people: who uses it.")


class ApiKeyView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str = Field(examples=["0a1b2c3d4e5f"])
    name: str = Field(examples=["billing service"])
    created_at: datetime
    revoked_at: datetime | None


class NewApiKey(ApiKeyView):
    key: str | None = Field(
        description="The text to send as `Authorization: Bearer …`. It is in the first answer only: null for a repeated key."
    )


@router.post("/api-keys", status_code=201, dependencies=[Idempotent])
async def create_key(request: Request, session: SessionDep, caller: OrganizationDep, body: ApiKeyCreate) -> NewApiKey:
    """A new API key. Its text is in this answer and nowhere else, so keep it now; at most 100 live keys."""
    key, text = await create_api_key(session, caller.id, body.name)
    view = ApiKeyView.model_validate(key).model_dump()
    # Answers are kept for repeated idempotency keys; a secret is not.
    remember_instead(request, NewApiKey(**view, key=None).model_dump(mode="json"))
    return NewApiKey(**view, key=text)


@router.get("/api-keys")
async def list_keys(session: SessionDep, caller: OrganizationDep, page: PageDep) -> Page[ApiKeyView]:
    """All keys, oldest first, revoked ones too."""
    keys, after = await list_api_keys(session, caller.id, page)
    return Page(items=[ApiKeyView.model_validate(key) for key in keys], next_cursor=page.next_cursor(after))


@router.delete("/api-keys/{key_id}", status_code=204)
async def revoke_key(session: SessionDep, caller: OrganizationDep, key_id: KeyId) -> None:
    """Revoke a key, also the one that makes this call. 409 for the organization's last live key."""
    await revoke_api_key(session, caller.id, key_id)

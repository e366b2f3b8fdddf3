"""API keys of the caller's organization."""

from datetime import datetime
from typing import Annotated

from fastapi import Path, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.handling.request import Idempotent, KeyDep, OrganizationDep, SessionDep, area, remember_instead
from api.http.paging import Page, PageDep
from models.base import now
from models.errors import Forbidden, Invalid
from models.organizations.api_key import KEY_ID_LENGTH, ApiKey, Role, create_api_key, list_api_keys, revoke_api_key
from models.texts.moment import Moment
from models.texts.text import Form, Name

router = area("api keys")

KeyId = Annotated[
    str,
    Path(description="The key's id, not its text."),
    Form(f"^[0-9a-f]{{{KEY_ID_LENGTH}}}$", f"This is no id of a key: it has {KEY_ID_LENGTH} of the characters 0-9 and a-f."),
]


def _to_come(time: datetime) -> datetime:
    if time <= now():
        raise ValueError("this time is past: write a later one, or leave it out for a key that does not expire")
    return time


class ApiKeyCreate(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "shop", "role": "sender", "expires_at": "2027-12-31T00:00:00Z"}]},
    )

    name: Name = Field(max_length=100, description="For people: who uses it.")
    role: Role = Field(description="What it may do; each role may do what those before it may: viewer, sender, editor, owner.")
    expires_at: Annotated[Moment, AfterValidator(_to_come)] | None = Field(
        None, description="From then on it is refused; null: never. Not after the key that asks."
    )


class ApiKeyView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str = Field(examples=["0a1b2c3d4e5f"])
    name: str = Field(examples=["shop"])
    role: Role
    created_at: datetime
    expires_at: datetime | None = Field(description="null: never.")
    last_used_at: datetime | None = Field(description="Up to two minutes late; null: not yet.")
    revoked_at: datetime | None


class NewApiKey(ApiKeyView):
    key: str | None = Field(
        description="The text to send as `Authorization: Bearer …`. It is in the first answer only: null for a repeated key."
    )


@router.post("/api-keys", status_code=201, dependencies=[Idempotent], summary="Create an API key")
async def create(
    request: Request, session: SessionDep, caller: OrganizationDep, caller_key: KeyDep, body: ApiKeyCreate
) -> NewApiKey:
    """A new API key. Its text is in this answer and nowhere else, so keep it now; at most 100 live keys."""
    _check_expiry(caller_key, body.expires_at)
    key, text = await create_api_key(session, caller.id, body.name, body.role, body.expires_at)
    view = ApiKeyView.model_validate(key).model_dump()
    # Answers are kept for repeated idempotency keys, and a secret must not be kept.
    remember_instead(request, NewApiKey(**view, key=None).model_dump(mode="json"))
    return NewApiKey(**view, key=text)


@router.get("/api-keys", summary="List API keys")
async def list_all(session: SessionDep, caller: OrganizationDep, page: PageDep) -> Page[ApiKeyView]:
    """All keys, oldest first, revoked ones too."""
    keys, after = await list_api_keys(session, caller.id, page)
    return Page(items=[ApiKeyView.model_validate(key) for key in keys], next_cursor=page.next_cursor(after))


@router.delete("/api-keys/{key_id}", status_code=204, summary="Revoke an API key")
async def revoke(session: SessionDep, caller: OrganizationDep, caller_key: KeyDep, key_id: KeyId) -> None:
    """Revoke a key. Every key may revoke itself, an owner's key all others; 409 for the organization's last live owner key."""
    if key_id != caller_key.id and not Role(caller_key.role).may(Role.OWNER):
        raise Forbidden(f"To revoke another key needs an API key with the role owner; this one has {caller_key.role}.")
    await revoke_api_key(session, caller.id, key_id)


def _check_expiry(own: ApiKey, wanted: datetime | None) -> None:
    """A key cannot make keys that outlive it, so that a stolen key is of no use after its owner's expiry date."""
    if own.expires_at is not None and (wanted is None or wanted > own.expires_at):
        latest = own.expires_at.isoformat()
        raise Invalid.field("expires_at", f"The key that asks expires itself: give an expires_at no later than {latest}.")

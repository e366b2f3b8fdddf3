"""Suppressed addresses: nothing is sent to them, whoever has them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.handling.request import Idempotent, OrganizationDep, SessionDep, area
from api.http.paging import Page, PageDep
from models.channels.channel import Medium
from models.consent.suppression import (
    Suppression,
    SuppressionFilter,
    SuppressionReason,
    find_suppression,
    get_suppression,
    lift,
    list_suppressions,
)
from models.contacts.input import normal_email
from models.contacts.phone import Country, normal_phone
from models.errors import Invalid
from models.texts.text import Text
from services.consent.suppress import suppress

router = area("suppressions")

Address = Annotated[Text, Field(min_length=1, max_length=320, examples=["ada@example.com"])]
Reason = Annotated[Text, Field(min_length=1, max_length=500)]


class SuppressionView(BaseModel):
    """An address to which nothing is sent until `lifted_at`."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    medium: str = Field(examples=["email"])
    address: str | None = Field(description="null: the person was erased. The address stays suppressed.")
    channel_id: UUID | None = Field(description="Only messages by this channel are suppressed; null: by all.")
    message_kind: str | None = Field(description="Only messages of this kind are suppressed; null: of all.")
    reason: str = Field(description="bounce, complaint, provider, opted_out or manual.", examples=["bounce"])
    detail: str | None
    message_id: UUID | None = Field(description="The message that bounced, or about which somebody complained.")
    created_at: datetime
    lifted_at: datetime | None
    lift_reason: str | None


class SuppressionCreate(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"medium": "email", "address": "ada@example.com"}]})

    medium: Medium
    address: Address
    default_country: Country | None = Field(None, description="Of a phone number without a country code.")
    reason: Literal["manual", "bounce", "complaint", "opted_out"] = Field(
        "manual", description="Why; the others than manual are for lists that you bring from elsewhere."
    )
    detail: Reason | None = Field(None, description="For whoever asks later.")


def suppression_filter(
    medium: Annotated[Medium | None, Query()] = None,
    address: Annotated[Address | None, Query(description="An e-mail address, or a phone number (+ is written %2B).")] = None,
    reason: Annotated[SuppressionReason | None, Query()] = None,
    lifted: Annotated[bool, Query(description="true: those that were lifted too.")] = False,
) -> SuppressionFilter:
    if address is None:
        return SuppressionFilter(medium, None, reason, lifted)
    if address.startswith(" "):  # a + that was not written as %2B
        address = f"+{address[1:]}"
    kind = medium or (Medium.EMAIL if "@" in address else Medium.SMS)
    return SuppressionFilter(kind, _normal(kind, address), reason, lifted)


def _normal(medium: Medium, address: str, country: str | None = None) -> str:
    try:
        return normal_email(address) if medium == Medium.EMAIL else normal_phone(address, country)
    except ValueError as error:
        raise Invalid.field("address", str(error)) from None


@router.get("/suppressions", summary="List suppressions")
async def list_all(
    session: SessionDep,
    caller: OrganizationDep,
    page: PageDep,
    wanted: Annotated[SuppressionFilter, Depends(suppression_filter)],
) -> Page[SuppressionView]:
    """Suppressed addresses, newest first."""
    rows, after = await list_suppressions(session, caller.id, wanted, page)
    return Page(items=[_view(row) for row in rows], next_cursor=page.next_cursor(after))


@router.post(
    "/suppressions",
    status_code=201,
    responses={200: {"model": SuppressionView, "description": "Suppressed already"}},
    dependencies=[Idempotent],
    summary="Suppress an address",
)
async def create(session: SessionDep, caller: OrganizationDep, body: SuppressionCreate, response: Response) -> SuppressionView:
    """From now on nothing is sent to this address. 200 with what holds already when it is suppressed."""
    address = _normal(body.medium, body.address, body.default_country)
    row = await find_suppression(session, caller.id, body.medium, address, lock=True)
    if row is not None:
        response.status_code = 200
        return _view(row)
    await suppress(session, caller.id, body.medium, address, SuppressionReason(body.reason), detail=body.detail)
    return _view(await find_suppression(session, caller.id, body.medium, address))


@router.get("/suppressions/{suppression_id}", summary="Get a suppression")
async def get_one(session: SessionDep, caller: OrganizationDep, suppression_id: UUID) -> SuppressionView:
    """One suppression, also when it was lifted."""
    return _view(await get_suppression(session, caller.id, suppression_id))


@router.delete("/suppressions/{suppression_id}", summary="Lift a suppression")
async def lift_one(
    session: SessionDep,
    caller: OrganizationDep,
    suppression_id: UUID,
    reason: Annotated[Reason, Query(description="Why messages may go there again, for whoever asks later.")],
) -> SuppressionView:
    """Messages may go to this address again. `?reason=` is required, and the row stays with it. What contacts have said
    themselves still counts."""
    row = await get_suppression(session, caller.id, suppression_id, lock=True)
    lift(row, reason)
    return _view(row)


def _view(row: Suppression | None) -> SuppressionView:
    return SuppressionView.model_validate(row)

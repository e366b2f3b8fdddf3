"""Contacts: one by one, or thousands at once."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.paging import Page, PageDep
from api.problems import ProblemField
from api.request import Idempotent, OrganizationDep, SessionDep, area
from models.contact import ContactFilter, get_contact, list_contacts
from models.contact_input import EXAMPLE, ContactFields, ContactInput, normal_email, normal_phone, read_contacts
from models.contact_upsert import Outcome, Result, change_contact, create_contact, put_contact, upsert_readable
from models.errors import Invalid
from models.text import Text

router = area("contacts")

MAX_ROWS = 4000


class ContactView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    external_id: str | None = Field(examples=["crm-1001"])
    email: str | None = Field(examples=["ada@example.com"])
    phone: str | None = Field(examples=["+12025550123"])
    first_name: str | None
    last_name: str | None
    time_zone: str | None = Field(examples=["Europe/London"])
    tags: list[str] = Field(examples=[["newsletter"]])
    properties: dict[str, Any] = Field(examples=[{"plan": "gold"}])
    created_at: datetime
    updated_at: datetime


class BulkRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"contacts": [EXAMPLE]}]})

    # Not ContactInput: each row is judged on its own, so that a bad one does not refuse the request.
    contacts: list[Any] = Field(
        min_length=1,
        max_length=MAX_ROWS,
        description="Each as in `PUT /v1/contacts`.",
        json_schema_extra={"items": {"$ref": "#/components/schemas/ContactInput"}},
    )


class BulkRow(BaseModel):
    """`errors` has field paths inside the row."""

    result: Result
    contact_id: UUID | None = Field(description="null: the row failed.")
    errors: list[ProblemField]


class BulkAnswer(BaseModel):
    """`results` has one entry for each row, in their order."""

    created: int
    updated: int
    unchanged: int
    failed: int
    results: list[BulkRow]


def contact_filter(
    tag: Annotated[Text | None, Query(description="Has this tag.", examples=["newsletter"])] = None,
    email: Annotated[Text | None, Query(description="In upper or lower case.", examples=["ada@example.com"])] = None,
    phone: Annotated[Text | None, Query(description="In an address, + is written %2B.", examples=["+12025550123"])] = None,
    external_id: Annotated[Text | None, Query(examples=["crm-1001"])] = None,
) -> ContactFilter:
    if phone and phone.startswith(" "):  # a + that was not written as %2B
        phone = f"+{phone[1:]}"
    return ContactFilter(
        tag=tag, email=_normal("email", email, normal_email), phone=_normal("phone", phone, normal_phone), external_id=external_id
    )


def _normal(field: str, value: str | None, normalize: Callable[[str], str]) -> str | None:
    try:
        return None if value is None else normalize(value)
    except ValueError as error:
        raise Invalid.field(field, str(error)) from None


@router.post("/contacts", status_code=201, dependencies=[Idempotent])
async def create(session: SessionDep, caller: OrganizationDep, body: ContactInput) -> ContactView:
    """A new contact. 409 when its external id, e-mail address or phone number is another contact's."""
    return ContactView.model_validate(await create_contact(session, caller.id, body))


@router.put("/contacts", responses={201: {"model": ContactView, "description": "Created"}})
async def upsert(session: SessionDep, caller: OrganizationDep, body: ContactInput, response: Response) -> ContactView:
    """Create the contact, or change the one that has this external id, e-mail address or phone number.

    Fields that are given replace, others stay; each property counts as a field of its own, and `null` removes a value. 409 when
    the keys name two different contacts.
    """
    contact, result = await put_contact(session, caller.id, body)
    response.status_code = 201 if result == "created" else 200
    return ContactView.model_validate(contact)


@router.post("/contacts/bulk", dependencies=[Idempotent])
async def upsert_many(session: SessionDep, caller: OrganizationDep, body: BulkRequest) -> BulkAnswer:
    """Up to 4,000 times `PUT /v1/contacts`, with a result for each row. A row that fails does not stop the others.

    Rows are applied in their order, so a contact may come twice.
    """
    rows = await asyncio.to_thread(read_contacts, body.contacts)
    outcomes = await upsert_readable(session, caller.id, rows)
    counts = Counter(outcome.result for outcome in outcomes)
    return BulkAnswer(
        created=counts["created"],
        updated=counts["updated"],
        unchanged=counts["unchanged"],
        failed=counts["failed"],
        results=[_row(outcome) for outcome in outcomes],
    )


@router.get("/contacts")
async def list_all(
    session: SessionDep, caller: OrganizationDep, page: PageDep, wanted: Annotated[ContactFilter, Depends(contact_filter)]
) -> Page[ContactView]:
    """Contacts, newest first. Filters are combined: all have to fit."""
    rows, after = await list_contacts(session, caller.id, wanted, page)
    return Page(items=[ContactView.model_validate(row) for row in rows], next_cursor=page.next_cursor(after))


@router.get("/contacts/{contact_id}")
async def get_one(session: SessionDep, caller: OrganizationDep, contact_id: UUID) -> ContactView:
    """One contact."""
    return ContactView.model_validate(await get_contact(session, caller.id, contact_id))


@router.patch("/contacts/{contact_id}")
async def change(session: SessionDep, caller: OrganizationDep, contact_id: UUID, body: ContactFields) -> ContactView:
    """Change the given fields, as in PUT. 409 when a new external id, address or number is another contact's."""
    return ContactView.model_validate(await change_contact(session, caller.id, contact_id, body))


def _row(outcome: Outcome) -> BulkRow:
    errors = [ProblemField(field=error.field, message=error.message) for error in outcome.errors]
    return BulkRow(result=outcome.result, contact_id=outcome.contact_id, errors=errors)

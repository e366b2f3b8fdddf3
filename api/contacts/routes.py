"""Contacts: one by one, or thousands at once."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.contacts.standing import StandingView
from api.handling.request import Idempotent, LargeBody, OrganizationDep, SessionDep, area
from api.http.paging import Page, PageDep
from api.http.problems import ProblemField
from api.http.seen import SeenQuery
from models.consent.standing import standings
from models.contacts.contact import ContactFilter, get_contact, list_contacts
from models.contacts.input import (
    EXAMPLE,
    MAX_TAGS,
    ContactFields,
    ContactInput,
    normal_email,
    normal_external_id,
    normal_tag,
)
from models.contacts.match import Outcome, Result
from models.contacts.phone import Country, normal_phone
from models.contacts.row import Key, RowOptions, read_rows
from models.contacts.search import MOST_OF_A_KIND
from models.contacts.upsert import change_contact, create_contact, put_contact, upsert_rows
from models.errors import ConflictCode, Invalid
from models.texts.plain_text import plain
from models.texts.text import Text

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
    erased_at: datetime | None = Field(description="Since then nothing about the person is kept.")


class ListedContact(ContactView):
    standing: StandingView | None = Field(None, description="Only with `standing=true`.")


MATCH_ON = "The one key that finds contacts; the others are values then. Default: external_id, else email, else phone."
DEFAULT_COUNTRY = "Where phone numbers without a country code are dialled (ISO 3166-1 alpha-2), unless a row has its own."
MatchOnQuery = Annotated[Key | None, Query(description=MATCH_ON)]


class BulkRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"contacts": [EXAMPLE]}]})

    match_on: Key | None = Field(None, description=MATCH_ON)
    default_country: Country | None = Field(None, description=DEFAULT_COUNTRY, examples=["DE"])
    # Not ContactInput: each row is judged on its own, so that a bad one does not refuse the request.
    contacts: list[Any] = Field(
        min_length=1,
        max_length=MAX_ROWS,
        description="Each as in `PUT /v1/contacts`.",
        json_schema_extra={"items": {"$ref": "#/components/schemas/ContactInput"}},
    )


class BulkRow(BaseModel):
    """`errors` has field paths inside the row: why it failed, or which fields were left out because they could not be read."""

    result: Result
    contact_id: UUID | None = Field(description="null: the row failed.")
    conflict: ConflictCode | None = Field(description="The `code` that PUT answers with 409; `errors` has the contact's id.")
    errors: list[ProblemField]


class BulkAnswer(BaseModel):
    """`results` has one entry for each row, in their order."""

    created: int
    updated: int
    unchanged: int
    failed: int
    incomplete: int = Field(description="Rows that were written without a field that could not be read.")
    results: list[BulkRow]


SEARCHED = (
    "With this begins the name, in either order, the e-mail address, the phone number or the external id; or it is a tag. "
    f"At most {MOST_OF_A_KIND} of each are found."
)


def contact_filter(
    tag: Annotated[
        list[Text] | None, Query(max_length=MAX_TAGS, description="Has this tag; given several times, all of them.")
    ] = None,
    email: Annotated[
        Text | None, Query(max_length=500, description="In upper or lower case.", examples=["ada@example.com"])
    ] = None,
    phone: Annotated[
        Text | None, Query(max_length=100, description="In an address, + is written %2B.", examples=["+12025550123"])
    ] = None,
    external_id: Annotated[Text | None, Query(max_length=255, examples=["crm-1001"])] = None,
    q: Annotated[Text | None, Query(max_length=255, description=SEARCHED, examples=["ada lo"])] = None,
    default_country: Annotated[Country | None, Query(description="Of a phone number without a country code.")] = None,
) -> ContactFilter:
    if phone and phone.startswith(" "):  # a + that was not written as %2B
        phone = f"+{phone[1:]}"
    tags = tuple(normal for each in tag or () if (normal := _normal("tag", each, normal_tag)) is not None)
    return ContactFilter(
        tag=tags[0] if tags else None,
        more_tags=tags[1:],
        email=_normal("email", email, normal_email),
        phone=_normal("phone", phone, lambda text: normal_phone(text, default_country)),
        external_id=_normal("external_id", external_id, normal_external_id),
        search=plain(q) or None if q else None,
        country=default_country,
    )


def _normal(field: str, value: str | None, normalize: Callable[[str], str]) -> str | None:
    try:
        return None if value is None else normalize(value)
    except ValueError as error:
        raise Invalid.field(field, str(error)) from None


@router.post("/contacts", status_code=201, dependencies=[Idempotent], summary="Create a contact")
async def create(session: SessionDep, caller: OrganizationDep, body: ContactInput) -> ContactView:
    """A new contact. 409 when its external id, e-mail address or phone number is another contact's."""
    return ContactView.model_validate(await create_contact(session, caller.id, body))


@router.put("/contacts", responses={201: {"model": ContactView, "description": "Created"}}, summary="Create or change a contact")
async def upsert(
    session: SessionDep, caller: OrganizationDep, body: ContactInput, response: Response, match_on: MatchOnQuery = None
) -> ContactView:
    """Create the contact, or change the one that has this external id, else this e-mail address, else this phone number.

    Fields that are given replace, others stay; each property counts as a field of its own, and `null` removes a value. 409 when
    a key is another person's: the keys name two contacts, or a weaker key finds a contact with another stronger one.
    `docs/contacts.md` has the rule.
    """
    contact, result = await put_contact(session, caller.id, body, match_on)
    response.status_code = 201 if result == "created" else 200
    return ContactView.model_validate(contact)


@router.post("/contacts/bulk", dependencies=[Idempotent, LargeBody], summary="Create or change many contacts")
async def upsert_many(session: SessionDep, caller: OrganizationDep, body: BulkRequest) -> BulkAnswer:
    """Up to 4,000 times `PUT /v1/contacts`, with a result for each row. A row that fails does not stop the others.

    Rows are applied in their order, so a contact may come twice. A field that cannot be read is left out and named, as long as a
    stronger key says who the row is.
    """
    rows = await asyncio.to_thread(read_rows, body.contacts, RowOptions(body.match_on, body.default_country))
    outcomes = await upsert_rows(session, caller.id, rows, body.match_on)
    counts = Counter(outcome.result for outcome in outcomes)
    return BulkAnswer(
        created=counts["created"],
        updated=counts["updated"],
        unchanged=counts["unchanged"],
        failed=counts["failed"],
        incomplete=sum(outcome.is_incomplete for outcome in outcomes),
        results=[_row(outcome) for outcome in outcomes],
    )


@router.get("/contacts", response_model_exclude_unset=True, summary="List contacts")
async def list_all(
    session: SessionDep,
    caller: OrganizationDep,
    page: PageDep,
    wanted: Annotated[ContactFilter, Depends(contact_filter)],
    standing: Annotated[bool, Query(description="Each with its consent, suppressed addresses and last click.")] = False,
) -> Page[ListedContact]:
    """Contacts, newest first. Filters are combined: all have to fit."""
    rows, after = await list_contacts(session, caller.id, wanted, page)
    items = [ListedContact.model_validate(row) for row in rows]
    if standing:
        found = await standings(session, caller.id, rows)
        items = [each.model_copy(update={"standing": StandingView.model_validate(found[each.id])}) for each in items]
    return Page(items=items, next_cursor=page.next_cursor(after))


@router.get("/contacts/{contact_id}", summary="Get a contact")
async def get_one(session: SessionDep, caller: OrganizationDep, contact_id: UUID) -> ContactView:
    """One contact."""
    return ContactView.model_validate(await get_contact(session, caller.id, contact_id))


@router.patch("/contacts/{contact_id}", summary="Change a contact")
async def change(
    session: SessionDep, caller: OrganizationDep, contact_id: UUID, body: ContactFields, seen: SeenQuery = None
) -> ContactView:
    """Change the given fields, as in PUT. 409 when a new external id, address or number is another contact's."""
    return ContactView.model_validate(await change_contact(session, caller.id, contact_id, body, seen))


def _row(outcome: Outcome) -> BulkRow:
    errors = [ProblemField.of(error) for error in outcome.errors]
    return BulkRow(result=outcome.result, contact_id=outcome.contact_id, conflict=outcome.conflict, errors=errors)

"""Imports of contacts from CSV: send the file, watch the progress, read what was wrong with which line."""

import asyncio
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from api.contacts.routes import DEFAULT_COUNTRY, MatchOnQuery
from api.handling.request import Idempotent, LargeBody, OrganizationDep, ServicesDep, SessionDep, after_commit, area
from api.http.paging import Page, PageDep
from models.contacts.csv_file import CHARSETS, decode_csv, find_delimiter
from models.contacts.csv_rows import CsvRow, ImportOptions, columns_of, count_rows, read_rows
from models.contacts.import_queue import add_import, require_place
from models.contacts.imports import ContactImport, ImportState, cancel_import, get_import, list_imports
from models.contacts.match import Outcome, Result
from models.contacts.phone import Country
from models.contacts.preview import preview_rows
from models.errors import ConflictCode, Invalid, UnsupportedMediaType
from models.texts.text import Text

router = area("contact imports")

EXAMPLE = "external_id,email,first_name,tags,plan\ncrm-1001,ada@example.com,Ada,newsletter;vip,gold\n"
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string", "examples": [EXAMPLE]}, "example": EXAMPLE},
            # Generators of clients that do not know CSV send these bytes as they are.
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}, "example": EXAMPLE},
        },
    }
}


COLUMNS = "What columns become, as a JSON object from header to field or property; null leaves a column out."
TAGS = "What the column `tags` does: add to the tags that a contact has, or replace them all."
CLEAR = "A cell with exactly this word empties its field. An empty cell leaves it as it is."
_COLUMNS = TypeAdapter(dict[Text, Text | None])


class LineError(BaseModel):
    line: int = Field(description="Where the row begins in the file, from 1.", examples=[3])
    field: str = Field(examples=["email"])
    message: str
    contact_id: UUID | None = Field(None, description="The contact in conflict; left out when there is none.")


class ImportView(BaseModel):
    """`processed` of `total` rows are done: created, updated, unchanged or failed.

    One import of an organization runs at a time, the others wait.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    state: ImportState = Field(description="waiting: an earlier import of the organization is not over.")
    reason: str | None = Field(description="Why it is cancelled or failed.")
    encoding: str = Field(description="As which the file was read.", examples=["utf-8"])
    delimiter: str = Field(description="What separates its columns.", examples=[","])
    total: int = Field(examples=[2000])
    processed: int = Field(examples=[500])
    created: int
    updated: int
    unchanged: int
    failed: int
    incomplete: int = Field(description="Rows that were written without a field that could not be read.")
    errors: list[LineError] = Field(description="The first 1,000.")
    created_at: datetime
    finished_at: datetime | None


def import_options(
    columns: Annotated[
        Text | None, Query(max_length=20_000, description=COLUMNS, examples=['{"Customer No":"external_id","VIP":"vip:boolean"}'])
    ] = None,
    match_on: MatchOnQuery = None,
    default_country: Annotated[Country | None, Query(description=DEFAULT_COUNTRY, examples=["DE"])] = None,
    tags: Annotated[Literal["add", "replace"], Query(description=TAGS)] = "add",
    clear: Annotated[Text | None, Query(min_length=1, max_length=40, description=CLEAR, examples=["NULL"])] = None,
) -> ImportOptions:
    return ImportOptions(
        columns=_columns(columns),
        match_on=match_on,
        default_country=default_country,
        tags=tags,
        clear=clear.strip() if clear else None,
    )


class ColumnView(BaseModel):
    """What a column becomes: a field of the contact, a property, or nothing."""

    model_config = ConfigDict(from_attributes=True)

    header: str = Field(examples=["Customer No"])
    field: str | None = Field(examples=["external_id"])
    property: str | None
    type: str | None = Field(description="Of a property: text, number, boolean or date.")


class PreviewRow(BaseModel):
    """What the import would do with a row as things are now. `contact` has the fields as they were read."""

    line: int = Field(examples=[2])
    result: Result
    contact_id: UUID | None = Field(description="Of the contact that would be changed; null when a row of this file creates it.")
    conflict: ConflictCode | None
    contact: dict[str, Any] | None
    errors: list[LineError]


class PreviewView(BaseModel):
    encoding: str = Field(examples=["utf-8"])
    delimiter: str = Field(examples=[";"])
    total: int = Field(description="Rows of the whole file.", examples=[2000])
    columns: list[ColumnView]
    rows: list[PreviewRow]


@router.post("/contact-imports/preview", dependencies=[LargeBody], openapi_extra=BODY, summary="Preview a contact import")
async def preview(
    request: Request,
    session: SessionDep,
    caller: OrganizationDep,
    options: Annotated[ImportOptions, Depends(import_options)],
    limit: Annotated[int, Query(ge=1, le=100, description="The first rows that are shown.")] = 10,
) -> PreviewView:
    """Show what an import of this file would do with its first rows, and change nothing. It takes what the import takes."""
    charset = _charset(request.headers.get("content-type", ""))
    row = await asyncio.to_thread(_read, caller.id, await request.body(), charset, options)
    options = ImportOptions.model_validate(row.options)
    rows = await asyncio.to_thread(lambda: list(islice(read_rows(row.csv, options), limit)))
    outcomes = await preview_rows(session, caller.id, rows, options.match_on)
    columns = [ColumnView.model_validate(each) for each in columns_of(row.csv, options)]
    shown = [_preview_row(each, outcome) for each, outcome in zip(rows, outcomes, strict=True)]
    return PreviewView(encoding=row.encoding, delimiter=options.delimiter, total=row.total, columns=columns, rows=shown)


@router.post(
    "/contact-imports",
    status_code=202,
    dependencies=[Idempotent, LargeBody],
    openapi_extra=BODY,
    summary="Import contacts from CSV",
)
async def create(
    request: Request,
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    options: Annotated[ImportOptions, Depends(import_options)],
) -> ImportView:
    """Import a CSV file of at most 200 columns and 20 MB. The answer's id shows the progress.

    The file is the body; its encoding and what separates its columns are found out. Its first line names the columns:
    external_id, email, phone, first_name, last_name, time_zone, tags, tags_add, tags_remove, default_country; every other one
    becomes a property, `vip:boolean`, `age:number` and `since:date` with a type. `columns` maps other names. Each row is as
    `PUT /v1/contacts`, but `tags` are added; an empty cell leaves the field as it is, and a cell that cannot be read is left out
    and named.
    """
    charset, limit = _charset(request.headers.get("content-type", "")), services.settings.imports_open
    await require_place(session, caller.id, limit)
    row = await asyncio.to_thread(_read, caller.id, await request.body(), charset, options)
    await add_import(session, row, limit)
    after_commit(request, lambda: services.starter.start_next_import(caller.id))
    return ImportView.model_validate(row)


@router.get("/contact-imports", summary="List contact imports")
async def list_all(session: SessionDep, caller: OrganizationDep, page: PageDep) -> Page[ImportView]:
    """Imports, newest first."""
    rows, after = await list_imports(session, caller.id, page)
    return Page(items=[ImportView.model_validate(row) for row in rows], next_cursor=page.next_cursor(after))


@router.get("/contact-imports/{import_id}", summary="Get a contact import")
async def get_one(session: SessionDep, caller: OrganizationDep, import_id: UUID) -> ImportView:
    """How far one import is, and what was wrong with which line."""
    return ImportView.model_validate(await get_import(session, caller.id, import_id))


@router.post("/contact-imports/{import_id}/cancel", summary="Cancel a contact import")
async def cancel(
    request: Request, session: SessionDep, caller: OrganizationDep, services: ServicesDep, import_id: UUID
) -> ImportView:
    """Import no further row: rows that are done stay contacts. 409 when the import has completed or failed.

    Cancelling it a second time changes nothing and is answered 200."""
    row = await cancel_import(session, caller.id, import_id)
    after_commit(request, lambda: services.starter.start_next_import(caller.id))
    return ImportView.model_validate(row)


def _preview_row(row: CsvRow, outcome: Outcome) -> PreviewRow:
    contact = row.contact.contact
    errors = [
        LineError(line=row.line, field=each.field, message=each.message, contact_id=each.contact_id) for each in outcome.errors
    ]
    return PreviewRow(
        line=row.line,
        result=outcome.result,
        contact_id=outcome.contact_id,
        conflict=outcome.conflict,
        contact=contact.model_dump(mode="json", exclude_unset=True, exclude={"default_country"}) if contact else None,
        errors=errors,
    )


def _columns(text: str | None) -> dict[str, str | None]:
    """From the query, where it is JSON."""
    if text is None:
        return {}
    try:
        return _COLUMNS.validate_json(text)
    except ValidationError:
        problem = 'Write a JSON object from header to field, such as {"Customer No": "external_id", "Notes": null}.'
        raise Invalid.field("columns", problem) from None


def _charset(content_type: str) -> str | None:
    """Whatever a file is called is fine, except what says that the body is something else."""
    kind, _, parameters = content_type.lower().partition(";")
    if kind.strip() in {"multipart/form-data", "application/x-www-form-urlencoded", "application/json"}:
        raise UnsupportedMediaType.content_type("Send the file itself as the body, with Content-Type: text/csv.")
    _, _, charset = parameters.partition("charset=")
    charset = charset.partition(";")[0].strip(" \"'")
    if charset and not CHARSETS.fullmatch(charset):
        raise UnsupportedMediaType.content_type("This charset is not read: save the file as CSV UTF-8, or leave charset out.")
    return {"": None, "iso-8859-1": "windows-1252"}.get(charset, charset)


def _read(org_id: UUID, body: bytes, charset: str | None, options: ImportOptions) -> ContactImport:
    text, encoding = decode_csv(body, charset)
    options = options.model_copy(update={"delimiter": find_delimiter(text)})
    total = count_rows(text, options)
    return ContactImport(org_id=org_id, csv=text, encoding=encoding, options=options.model_dump(), total=total)

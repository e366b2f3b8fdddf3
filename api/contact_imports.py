"""Imports of contacts from CSV: send the file, watch the progress, read what was wrong with which line."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from api.paging import Page, PageDep
from api.request import Idempotent, OrganizationDep, ServicesDep, SessionDep, after_commit, area
from models.contact_csv import count_rows, decode_csv
from models.contact_import import ImportState, add_import, get_import, list_imports
from models.errors import UnsupportedMediaType

router = area("contact imports")

EXAMPLE = "external_id,email,first_name,tags,plan\ncrm-1001,ada@example.com,Ada,newsletter;vip,gold\n"
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"text/csv": {"schema": {"type": "string", "examples": [EXAMPLE]}, "example": EXAMPLE}},
    }
}


class LineError(BaseModel):
    line: int = Field(description="Where the row begins in the file, from 1.", examples=[3])
    field: str = Field(examples=["email"])
    message: str


class ImportView(BaseModel):
    """`processed` of `total` rows are done: created, updated, unchanged or failed."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    state: ImportState
    total: int = Field(examples=[2000])
    processed: int = Field(examples=[500])
    created: int
    updated: int
    unchanged: int
    failed: int
    errors: list[LineError] = Field(description="The first 1,000.")
    created_at: datetime
    finished_at: datetime | None


@router.post("/contact-imports", status_code=202, dependencies=[Idempotent], openapi_extra=BODY)
async def create(request: Request, session: SessionDep, caller: OrganizationDep, services: ServicesDep) -> ImportView:
    """Import a CSV file: UTF-8, commas, in `tags` semicolons, at most 200 columns and 20 MB. The answer's id shows the progress.

    The file is the body. Its first line names the columns: external_id, email, phone, first_name, last_name, time_zone, tags;
    every other column becomes a property. Each row is as `PUT /v1/contacts`; an empty cell leaves the field as it is.
    """
    _check_content_type(request.headers.get("content-type", ""))
    csv, total = await asyncio.to_thread(_read, await request.body())
    row = await add_import(session, caller.id, csv, total)
    after_commit(request, lambda: services.starter.start_import(caller.id, row.id))
    return ImportView.model_validate(row)


@router.get("/contact-imports")
async def list_all(session: SessionDep, caller: OrganizationDep, page: PageDep) -> Page[ImportView]:
    """Imports, newest first."""
    rows, after = await list_imports(session, caller.id, page)
    return Page(items=[ImportView.model_validate(row) for row in rows], next_cursor=page.next_cursor(after))


@router.get("/contact-imports/{import_id}")
async def get_one(session: SessionDep, caller: OrganizationDep, import_id: UUID) -> ImportView:
    """How far one import is, and what was wrong with which line."""
    return ImportView.model_validate(await get_import(session, caller.id, import_id))


def _check_content_type(value: str) -> None:
    """Whatever a file is called is fine, except what says that the body is something else."""
    kind, _, parameters = value.lower().partition(";")
    if kind.strip() in {"multipart/form-data", "application/x-www-form-urlencoded", "application/json"}:
        raise UnsupportedMediaType.content_type("Send the file itself as the body, with Content-Type: text/csv.")
    _, _, charset = parameters.partition("charset=")
    if charset.strip(" \"'") not in {"", "utf-8", "utf8", "us-ascii"}:
        raise UnsupportedMediaType.content_type("The file has to be UTF-8: save it as CSV UTF-8.")


def _read(body: bytes) -> tuple[str, int]:
    text = decode_csv(body)
    return text, count_rows(text)

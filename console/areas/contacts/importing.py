"""Importing contacts from a file: choose it, see what its columns become, import it, watch the progress."""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from console.api_calls import ApiProblem
from console.areas.contacts.carried import CannotBeCarried, CarriedFile, unpacked
from console.areas.contacts.country import country_of, dialled_countries
from console.page import Page
from console.pages import Pages
from models.contacts.columns import CONSENT_COLUMNS, FIELDS, TYPES
from models.organizations.api_key import Role

pages = Pages("contacts")

OPTIONS = ("match_on", "default_country", "tags", "clear")
ROWS = 5
MOST_COLUMNS = 200
"""What an import takes. A page shows no more, because each has a list of what it may become."""
JUDGED = 100
"""So many rows are judged before the import, which is what the API does at once; the first ones are shown."""
LEFT_OUT = "-"
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
TYPE_WORDS = {"text": "a text", "number": "a number", "boolean": "true or false", "date": "a date"}


@pages.get("/contacts/import", reads=["cursor"])
async def imports(page: Page) -> Response:
    return await _choose(page)


@pages.post("/contacts/import/preview", role=Role.SENDER, with_file=True)
async def preview(page: Page) -> Response:
    """Of a file that was just chosen, or of the one that the page carries, with what was said of its columns."""
    try:
        file = await _file(page)
        packed = await asyncio.to_thread(file.packed)
    except CannotBeCarried as reason:
        return await _choose(page, str(reason))
    options = _options(page)
    try:
        found = await page.api.send_file("/contact-imports/preview", file.content, "text/csv", limit=JUDGED, **options)
    except ApiProblem as problem:
        return await _refused(page, file, packed, options, problem)
    return _shown(page, file, packed, options, found, lines=await asyncio.to_thread(file.lines, JUDGED))


@pages.post("/contacts/import", role=Role.SENDER, with_file=True)
async def begin(page: Page) -> Response:
    try:
        file = await _file(page)
    except CannotBeCarried as reason:
        return await _choose(page, str(reason))
    options = _options(page)
    try:
        made = await page.api.send_file("/contact-imports", file.content, "text/csv", once=page.field("once"), **options)
    except ApiProblem as problem:
        return await _refused(page, file, page.field("packed"), options, problem)
    return page.go_to(f"/contacts/import/{made['id']}", file=file.name)


@pages.get("/contacts/import/{import_id}", reads=["file"])
async def progress(page: Page) -> Response:
    """The browser asks for the page again every other second until the import is over, also without JavaScript. `?file=` is the
    name of the file: nobody stores it."""
    found = await page.api.get(f"/contact-imports/{page.path('import_id')}")
    response = page.render("contacts/import_progress.html", found=found, file=page.query("file")[:200])
    if found["state"] in ("waiting", "running"):
        response.headers["Refresh"] = "2"
    return response


@pages.post("/contacts/import/{import_id}/cancel", role=Role.SENDER)
async def cancel(page: Page) -> Response:
    import_id = page.path("import_id")
    try:
        await page.api.post(f"/contact-imports/{import_id}/cancel")
    except ApiProblem as problem:
        if problem.status != 409:
            raise
        return page.go_to(f"/contacts/import/{import_id}", "It was over already.")
    return page.go_to(f"/contacts/import/{import_id}", "Stopped. Rows that were done stay contacts.")


async def _file(page: Page) -> CarriedFile:
    chosen = page.file("file")
    if chosen is not None:
        return CarriedFile((chosen.filename or "")[:200], await chosen.read())
    if not page.field("packed"):
        raise CannotBeCarried("Choose a file first.")
    return await asyncio.to_thread(unpacked, page.field("name")[:200], page.field("packed"))


def _options(page: Page) -> dict[str, Any]:
    """The parameters of the API. What a column becomes is a field `becomes-3`, beside its name `header-3`."""
    given = {name: page.field(name).strip() for name in OPTIONS if page.field(name).strip()}
    if "default_country" not in page.form and (country := country_of(page.times.zone_name)):
        given["default_country"] = country
    columns = dict[str, str | None]()
    for number in range(MOST_COLUMNS):
        becomes = page.field(f"becomes-{number}")
        if becomes:
            columns[page.field(f"header-{number}")] = None if becomes == LEFT_OUT else becomes
    return given | ({"columns": orjson.dumps(columns).decode()} if columns else {})


async def _refused(page: Page, file: CarriedFile, packed: str, options: dict[str, Any], problem: ApiProblem) -> Response:
    """A file whose columns can be read is shown with them, so that they can be mapped; for any other one the reason is all."""
    if problem.status not in (409, 413, 415, 422, 429):
        raise problem
    headers = await asyncio.to_thread(file.headers) if problem.status == 422 else []
    if not 0 < len(headers) <= MOST_COLUMNS:
        sentences = [each["message"] for each in problem.errors] or [problem.detail]
        return await _choose(page, " ".join(sentences), problem.status)
    return _shown(page, file, packed, options, headers, problem)


def _shown(
    page: Page,
    file: CarriedFile,
    packed: str,
    options: dict[str, Any],
    found: dict[str, Any] | list[str],
    problem: ApiProblem | None = None,
    lines: Mapping[int, Sequence[str]] | None = None,
) -> Response:
    """`found` is what the API says of the file, or the names of its columns when it is refused."""
    said = orjson.loads(options.get("columns", "{}"))
    unknown = {"field": None, "property": None, "type": None}
    columns = [{"header": each, **unknown} for each in found] if isinstance(found, list) else found["columns"]
    judged = [] if isinstance(found, list) else found["rows"]
    results = Counter(row["result"] for row in judged)
    return page.render(
        "contacts/import_preview.html",
        problem.status if problem else 200,
        file=file,
        packed=packed,
        options=options,
        found=None if isinstance(found, list) else found,
        problem=problem,
        columns=[_column(each, said) for each in columns],
        rows=[_row(row, columns, (lines or {}).get(row["line"], ())) for row in judged[:ROWS]],
        faulty=[_faulty(row, (lines or {}).get(row["line"], ())) for row in _left_out_first(judged)],
        judged=len(judged),
        results=results,
        left_out=results["failed"],
        delimiters=DELIMITERS,
        countries=[("", "with a country code only"), *dialled_countries()],
    )


def _left_out_first(judged: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows with faults: those that are left out, then those that are taken without a field."""
    return sorted(
        (row for row in judged if row["errors"] or row["result"] == "failed"), key=lambda row: row["result"] != "failed"
    )


def _faulty(row: Mapping[str, Any], written: Sequence[str]) -> dict[str, Any]:
    """The row as the file has it, so that it is found there."""
    return {**row, "written": ", ".join(cell.strip() for cell in written if cell.strip())}


def _column(column: Mapping[str, Any], said: Mapping[str, str | None]) -> dict[str, Any]:
    """With what it becomes now, and what it could become."""
    header = str(column["header"])
    own = column["property"] or re.sub(r"\W+", "_", header, flags=re.ASCII).strip("_").lower()[:60] or "column"
    if own[0].isdigit() or own in FIELDS or own in CONSENT_COLUMNS:  # no name of a property, or a field's
        own = f"column_{own[:50]}"
    property_ = f"Property {own}"
    kinds = [
        (own, f"{property_}: a text, or true or false"),
        *((f"{own}:{kind}", f"{property_}: {TYPE_WORDS[kind]}") for kind in TYPES),
    ]
    fields = [(name, name.replace("_", " ").capitalize()) for name in (*FIELDS, *CONSENT_COLUMNS)]
    if header in said:
        becomes = said[header] or LEFT_OUT
    elif column["field"]:
        becomes = column["field"]
    elif column["property"]:
        becomes = f"{column['property']}:{column['type']}" if column["type"] else column["property"]
    else:
        becomes = LEFT_OUT
    return {"header": header, "becomes": becomes, "options": [(LEFT_OUT, "Left out"), *fields, *kinds]}


def _row(row: Mapping[str, Any], columns: Sequence[Mapping[str, Any]], written: Sequence[str]) -> dict[str, Any]:
    """The cells of a row as they were read, each with its fault; what could not be read stands as the file has it."""
    contact = row["contact"] or {}
    faults = dict[str, str]()
    for error in row["errors"]:
        faults.setdefault(error["field"].partition("[")[0], error["message"])
    cells = []
    for place, column in enumerate(columns):
        name = column["field"] or column["property"]
        value = contact.get("properties", {}).get(column["property"]) if column["property"] else contact.get(column["field"])
        if column["field"] == "tags":
            value = contact.get("tags_add") or contact.get("tags")
        shown = ", ".join(value) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else value
        if shown is None and place < len(written) and written[place].strip():
            shown = written[place].strip()
        cells.append({"value": shown, "fault": faults.pop(name, "") if name else ""})
    return {**row, "cells": cells, "others": [*faults.values()]}


async def _choose(page: Page, fault: str = "", status: int = 422) -> Response:
    found = await page.api.get("/contact-imports", limit=20, cursor=page.query("cursor"))
    return page.render("contacts/import.html", status if fault else 200, found=found, fault=fault)

"""Completes the OpenAPI document for generated clients with what FastAPI leaves out of its description of the application."""

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from starlette.routing import Route

from api.http.problems import MEDIA_TYPE
from api.http.shared_work import SharedWork

PREFIX = "#/components/schemas/"
NAMES = {
    "ImportView": "ContactImport",
    "ImportPage": "ContactImportPage",
    "LineError": "ContactImportError",
    "BulkRequest": "ContactBulkRequest",
    "BulkAnswer": "ContactBulkAnswer",
    "BulkRow": "ContactBulkRow",
    "EnrollRequest": "EnrollmentRequest",
    "EnrollAnswer": "EnrollmentAnswer",
    "Preview": "CampaignPreview",
    "PreviewRequest": "CampaignPreviewRequest",
    "Totals": "AnalyticsTotals",
}
"""Models whose class has a name that is only clear inside its module. The suffix `View` is left out everywhere."""


def install(app: FastAPI) -> None:
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = finished(describe())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's own way to change the document
    _serve_once_made(app)


def _serve_once_made(app: FastAPI) -> None:
    """Keeps the document. FastAPI would write it out for every request, which takes ten milliseconds of everybody's time. The
    first time takes three seconds, so it is done in a thread, beside which requests are answered."""
    making = SharedWork[bytes]()
    made: list[bytes] = []

    async def make() -> bytes:
        return await asyncio.to_thread(lambda: orjson.dumps(app.openapi()))

    async def document(_request: Request) -> Response:
        if not made:
            made[:] = [await making(make)]
        return Response(made[0], media_type="application/json")

    assert app.openapi_url is not None  # noqa: S101 - the composition root gives it
    place = next(number for number, route in enumerate(app.router.routes) if getattr(route, "path", "") == app.openapi_url)
    app.router.routes[place] = Route(app.openapi_url, document, include_in_schema=False)


def finished(document: dict[str, Any]) -> dict[str, Any]:
    """Changes the document and returns it."""
    for operation in _operations(document):
        # Without this text, a client cannot tell an operation that is open to all from one that somebody forgot.
        operation.setdefault("security", [])
        _use_media_type_of_problems(operation)
    for union in _unions(document):
        _require_discriminator(document["components"]["schemas"], union)
    return _renamed(document)


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def _use_media_type_of_problems(operation: dict[str, Any]) -> None:
    """FastAPI describes every body as `application/json`; errors have their own media type."""
    content = operation["responses"].get("4XX", {}).get("content", {})
    if "application/json" in content:
        content[MEDIA_TYPE] = content.pop("application/json")


def _unions(value: Any) -> Iterator[dict[str, Any]]:
    """Returns every schema from which a discriminator chooses, however deep."""
    if isinstance(value, dict):
        if "discriminator" in value and "oneOf" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _unions(each)


def _require_discriminator(schemas: dict[str, Any], union: dict[str, Any]) -> None:
    """Marks discriminators as required. Pydantic calls a field with a default optional, but a union cannot be read without it."""
    name = union["discriminator"]["propertyName"]
    for member in union["oneOf"]:
        schema = schemas[member["$ref"].removeprefix(PREFIX)]
        schema["properties"][name].pop("default", None)
        schema["required"] = [name, *(each for each in schema.get("required", []) if each != name)]


def _renamed(document: dict[str, Any]) -> dict[str, Any]:
    """Names a schema by its title, which is the class's name. Pydantic's own key for `Page[…]` is longer and harder to read."""
    schemas = document["components"]["schemas"]
    titles = {key: schema.get("title", key) for key, schema in schemas.items()}
    names = {key: NAMES.get(title, title.removesuffix("View")) for key, title in titles.items()}
    for key, schema in schemas.items():
        schema["title"] = names[key]
    renamed: dict[str, Any] = _with_references(document, names)
    schemas, kept = renamed["components"]["schemas"], dict[str, Any]()
    for key in sorted(schemas, key=names.__getitem__):
        # Pydantic writes a model that contains itself twice, for requests and for answers, although both are the same.
        if kept.setdefault(names[key], schemas[key]) != schemas[key]:
            raise ValueError(f"two models have one name in the OpenAPI document: {names[key]}")
    renamed["components"]["schemas"] = kept
    return renamed


def _with_references(value: Any, names: dict[str, str]) -> Any:
    """Returns the same document with every reference to a schema, in `$ref` and in the mappings of discriminators, under its new
    name."""
    if isinstance(value, dict):
        return {key: _with_references(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_references(each, names) for each in value]
    if isinstance(value, str) and value.startswith(PREFIX):
        return PREFIX + names[value.removeprefix(PREFIX)]
    return value

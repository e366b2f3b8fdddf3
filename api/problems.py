"""RFC 9457 problem documents: what every error looks like on the wire."""

from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from models.errors import BadRequest, FieldError, Invalid, LinkwakeError, MethodNotAllowed, NotFound, Unavailable
from models.field_errors import field_errors

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}}
"""Of every problem with this status. Retry-After in seconds."""

STARLETTES = {each.status: each for each in (BadRequest, NotFound, MethodNotAllowed)}
"""What Starlette and FastAPI answer by themselves."""


class ProblemField(BaseModel):
    field: str = Field(examples=["steps[2].on_click"])
    message: str = Field(examples=["There is no step with the key 'thank_you'."])
    line: int | None = Field(None, description="In a template, from 1; left out when there is none.")
    column: int | None = Field(None, description="In a template, from 1; left out when there is none.")


class Problem(BaseModel):
    """`code` is a stable word for programs, `detail` a sentence for people, `errors` the fields to mend."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    errors: list[ProblemField] = []


def problem_response(status: int, code: str, title: str, detail: str, errors: Sequence[FieldError] = ()) -> JSONResponse:
    body = Problem(
        title=title,
        status=status,
        code=code,
        detail=_writable(detail),
        errors=[
            ProblemField(field=_writable(e.field), message=_writable(e.message), line=e.line, column=e.column) for e in errors
        ],
    )
    return JSONResponse(body.model_dump(exclude_none=True), status, HEADERS.get(status), media_type=MEDIA_TYPE)


def _writable(text: str) -> str:
    """An error can quote what the caller wrote, and half a surrogate pair cannot be written as UTF-8."""
    return text.encode("utf-8", "replace").decode()


async def linkwake_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, LinkwakeError)  # noqa: S101 - registered for this class only
    return problem_response(error.status, error.code, error.title, error.detail, error.errors)


async def validation_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    errors = field_errors(error.errors())
    detail = f"{errors[0].field}: {errors[0].message}" if len(errors) == 1 else f"{len(errors)} fields need a change."
    return problem_response(422, Invalid.code, Invalid.title, detail, errors)


async def http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    kind = STARLETTES.get(error.status_code, BadRequest)
    title = str(error.detail).rstrip(".")
    response = problem_response(error.status_code, kind.code, title, f"{title}.")
    response.headers.update(error.headers or {})  # such as Allow, which a 405 has to have
    return response


async def database_error(request: Request, error: Exception) -> JSONResponse:
    """Away or overloaded is something to wait for; everything else that the database says is a mistake of ours."""
    away = isinstance(error, OperationalError | PoolTimeout) or (isinstance(error, DBAPIError) and error.connection_invalidated)
    if not away:
        return await unexpected_error(request, error)
    log.warning("the database does not answer", path=request.url.path, error=str(error).splitlines()[0])
    return problem_response(
        503, Unavailable.code, Unavailable.title, "The database does not answer. Send the same request again."
    )


async def unexpected_error(request: Request, error: Exception) -> JSONResponse:
    log.error("request failed", path=request.url.path, method=request.method, exc_info=error)
    return problem_response(500, LinkwakeError.code, LinkwakeError.title, "Nothing was changed. The server's log has the reason.")


def install(app: FastAPI) -> None:
    app.add_exception_handler(LinkwakeError, linkwake_error)
    app.add_exception_handler(RequestValidationError, validation_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(DBAPIError, database_error)
    app.add_exception_handler(PoolTimeout, database_error)
    app.add_exception_handler(Exception, unexpected_error)
    _document(app)


def _document(app: FastAPI) -> None:
    """FastAPI describes every body as `application/json`; errors have their own media type."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        document = describe()
        for path in document["paths"].values():
            for operation in path.values():
                content = operation["responses"].get("4XX", {}).get("content", {})
                if "application/json" in content:
                    content[MEDIA_TYPE] = content.pop("application/json")
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's own way to change the document

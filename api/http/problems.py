"""RFC 9457 problem documents: what every error looks like on the wire."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.handling.services import Services
from api.http.request_log import shown_path
from models.errors import BadRequest, FieldError, Invalid, LinkwakeError, MethodNotAllowed, NotFound, Unavailable
from models.field_errors import field_errors

log = structlog.get_logger()

Error = TypeVar("Error")

MEDIA_TYPE = "application/problem+json"
HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 429: {"Retry-After": "5"}, 503: {"Retry-After": "5"}}
"""Headers of every problem with this status. Retry-After is in seconds."""

STARLETTES = {each.status: each for each in (BadRequest, NotFound, MethodNotAllowed)}
"""The statuses that Starlette and FastAPI answer by themselves."""
DETAILS = {
    404: "There is nothing at this address: /docs lists every address of this API.",
    405: "{method} is not possible at this address: /docs lists what is.",
}
"""Problems by status, for requests that no handler has seen."""
CLIENT_HUNG_UP = 499
"""The status that proxies write into their logs when the client went away; no registered status says it."""

BUSY = {
    "55P03": "another request or job is changing the same rows",
    "40P01": "another request or job is changing the same rows",
    "57014": "the database took too long for this request",
}
"""Errors by PostgreSQL's codes: a lock was not given in time, two transactions waited for each other, a statement was ended."""


class ProblemField(BaseModel):
    field: str = Field(examples=["steps[2].on_click"])
    message: str = Field(examples=["There is no step with the key 'thank_you'."])
    line: int | None = Field(None, description="In a template, from 1; left out when there is none.")
    column: int | None = Field(None, description="In a template, from 1; left out when there is none.")
    contact_id: UUID | None = Field(None, description="The contact in conflict; left out when there is none.")

    @classmethod
    def of(cls, error: FieldError) -> "ProblemField":
        return cls(
            field=_writable(error.field),
            message=_writable(error.message),
            line=error.line,
            column=error.column,
            contact_id=error.contact_id,
        )


class Problem(BaseModel):
    """`code` is a stable word for programs, `detail` a sentence for people, and `errors` lists the fields to change."""

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
        errors=[ProblemField.of(error) for error in errors],
    )
    return JSONResponse(body.model_dump(mode="json", exclude_none=True), status, HEADERS.get(status), media_type=MEDIA_TYPE)


def _writable(text: str) -> str:
    """Replaces halves of surrogate pairs. An error can quote what the caller wrote, and such a half cannot be written as
    UTF-8."""
    return text.encode("utf-8", "replace").decode()


async def linkwake_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, LinkwakeError)  # noqa: S101 - registered for this class only
    detail, listed = _listed(request, error.detail, error.errors)
    response = problem_response(error.status, error.code, error.title, detail, listed)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


async def validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    detail, listed = _listed(request, f"{len(error.errors()):,} fields need a change.", error.errors())
    errors = field_errors(listed)
    if len(errors) == 1:
        detail = f"{errors[0].field}: {errors[0].message}"
    return problem_response(422, Invalid.code, Invalid.title, detail, errors)


def _listed(request: Request, detail: str, errors: Sequence[Error]) -> tuple[str, Sequence[Error]]:
    """Returns as many errors as an answer may have, and the sentence that says so, because a request can have a hundred
    thousand."""
    services: Services = request.app.state.services
    most = services.settings.errors_listed
    if len(errors) <= most:
        return detail, errors
    return f"{detail} The first {most} of {len(errors):,} errors are listed.", errors[:most]


async def http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    kind = STARLETTES.get(error.status_code, BadRequest)
    title = str(error.detail).rstrip(".")
    detail = DETAILS.get(error.status_code, f"{title}.").format(method=request.method)
    response = problem_response(error.status_code, kind.code, title, detail)
    response.headers.update(error.headers or {})  # includes Allow, which a 405 has to have
    return response


async def database_error(request: Request, error: Exception) -> JSONResponse:
    """A database that is away, overloaded or busy is something to wait for. Everything else that it says is a mistake of ours."""
    away = isinstance(error, OperationalError | PoolTimeout) or (isinstance(error, DBAPIError) and error.connection_invalidated)
    if not away:
        return await unexpected_error(request, error)
    reason = BUSY.get(getattr(error.orig, "sqlstate", None) or "") if isinstance(error, DBAPIError) else None
    log.warning(reason or "the database does not answer", path=shown_path(request.scope), error=error)
    detail = f"{(reason or 'the database does not answer').capitalize()}. Send the same request again."
    return problem_response(503, Unavailable.code, Unavailable.title, detail)


async def hung_up(_request: Request, _error: Exception) -> Response:
    """The client ended the connection while it was sending. Nobody reads this answer; its status is for the log."""
    return Response(status_code=CLIENT_HUNG_UP)


async def unexpected_error(request: Request, error: Exception) -> JSONResponse:
    log.error("request failed", path=shown_path(request.scope), method=request.method, exc_info=error)
    return problem_response(500, LinkwakeError.code, LinkwakeError.title, "Nothing was changed. The server's log has the reason.")


def install(app: FastAPI) -> None:
    app.add_exception_handler(LinkwakeError, linkwake_error)
    app.add_exception_handler(RequestValidationError, validation_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(DBAPIError, database_error)
    app.add_exception_handler(PoolTimeout, database_error)
    app.add_exception_handler(ClientDisconnect, hung_up)
    app.add_exception_handler(Exception, unexpected_error)

"""RFC 9457 problem documents: what every error looks like on the wire."""

from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from models.errors import FieldError, Invalid, LinkwakeError

log = structlog.get_logger()

# Pydantic names the member of a union in the path of an error; a caller did not write that word.
UNION_MEMBERS = {"send", "wait", "wait_for_click", "end"}


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
        detail=detail,
        errors=[ProblemField(field=e.field, message=e.message, line=e.line, column=e.column) for e in errors],
    )
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(body.model_dump(exclude_none=True), status, headers, media_type="application/problem+json")


def field_path(location: Sequence[str | int]) -> str:
    """`("body", "steps", 2, "send", "key")` → `steps[2].key`."""
    path = ""
    for index, part in enumerate(location):
        if isinstance(part, int):
            path += f"[{part}]"
        elif (index == 0 and part in {"body", "query", "path", "header"}) or (path.endswith("]") and part in UNION_MEMBERS):
            continue
        else:
            path += f".{part}" if path else part
    return path or str(location[0])


def _sentence(error: dict[str, Any]) -> str:
    if error["type"] == "missing":
        return "This field is required."
    text = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"{text}."


async def linkwake_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, LinkwakeError)  # noqa: S101 - registered for this class only
    return problem_response(error.status, error.code, error.title, error.detail, error.errors)


async def validation_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    errors = [FieldError(field_path(e["loc"]), _sentence(e)) for e in error.errors()]
    detail = f"{errors[0].field}: {errors[0].message}" if len(errors) == 1 else f"{len(errors)} fields need a change."
    return problem_response(422, Invalid.code, Invalid.title, detail, errors)


async def http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    codes = {404: "not_found", 405: "method_not_allowed"}
    return problem_response(error.status_code, codes.get(error.status_code, "http_error"), str(error.detail), f"{error.detail}.")


async def unexpected_error(request: Request, error: Exception) -> JSONResponse:
    log.error("request failed", path=request.url.path, method=request.method, exc_info=error)
    return problem_response(500, "internal", LinkwakeError.title, "Nothing was changed. The server's log has the reason.")


def install(app: FastAPI) -> None:
    app.add_exception_handler(LinkwakeError, linkwake_error)
    app.add_exception_handler(RequestValidationError, validation_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(Exception, unexpected_error)

"""What every request goes through: one transaction, the caller's organization, and the idempotency key.

`TransactionRoute` looks for the API key, reads the body, calls the handler, commits when it has answered (so an answer means: it
is stored), then does what was asked for `after_commit`. An error rolls everything back. Without a key nothing else of a request
is looked at.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any

import orjson
import structlog
from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession

from api.json_body import check_json
from api.problems import Problem
from api.services import Services
from models import idempotency, organization
from models.errors import Conflict, ConflictCode, FieldError, Invalid, TooLarge, Unauthorized, UnsupportedMediaType
from models.organization import Organization
from models.text import Text

log = structlog.get_logger()

MAX_BODY_BYTES = 20 * 1024 * 1024
WITHOUT_BODY = {"GET", "DELETE"}
"""What comes with these is not read."""

PATIENCE = timedelta(seconds=5)
"""How long a request waits for Temporal. What could not be started is left to the sweeper; a stop is refused."""

AfterCommit = Callable[[], Awaitable[None]]


class AnsweredBefore(Exception):
    """The idempotency key was used before: this is the answer that was given then."""

    def __init__(self, response: Response) -> None:
        self.response = response


class TransactionRoute(APIRoute):
    """One request = one transaction, committed before the answer leaves."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        handler = super().get_route_handler()
        known = _query_parameters(self.dependant)
        takes_json = self.body_field is not None

        async def handle(request: Request) -> Response:
            services: Services = request.app.state.services
            request.state.after_commit = []
            request.state.idempotency_key = None
            request.state.remembered_body = None
            async with services.database.session() as session:
                request.state.session = session
                request.state.caller = await _find_caller(request, session)
                _refuse_unknown_parameters(request, known)
                if request.method not in WITHOUT_BODY:
                    await session.commit()  # so that a slow upload holds no connection
                    await _read_body(request)
                    if takes_json and await request.body():
                        _check_content_type(request)
                        await check_json(request)
                try:
                    response: Response = await handler(request)
                except AnsweredBefore as before:
                    return before.response
                await _remember(session, request, response)
                await session.commit()
            await _after_commit(request)
            return response

        return handle


def _query_parameters(dependant: Dependant) -> set[str]:
    """The names that a handler and everything it depends on read."""
    own = {parameter.alias for parameter in dependant.query_params}
    return own.union(*(_query_parameters(each) for each in dependant.dependencies))


def _refuse_unknown_parameters(request: Request, known: set[str]) -> None:
    """A misspelled filter must not look like one that everything passes."""
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        choices = f"Known here: {', '.join(sorted(known))}." if known else "There are none here."
        raise Invalid(
            "There is no such query parameter.", [FieldError(name, f"No such parameter. {choices}") for name in unknown]
        )


async def _read_body(request: Request) -> None:
    """Starlette keeps what was read."""
    too_large = TooLarge(f"The body may have {MAX_BODY_BYTES // 2**20} MB. Send it in parts.")
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdecimal() and int(announced[:20]) > MAX_BODY_BYTES:
        raise too_large
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise too_large
        chunks.append(chunk)
    request._body = b"".join(chunks)


def _check_content_type(request: Request) -> None:
    """FastAPI takes a body of any other kind for text, and says that it has to be an object."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedMediaType.content_type("Send the body as JSON, with the header Content-Type: application/json.")


async def _remember(session: AsyncSession, request: Request, response: Response) -> None:
    if request.state.idempotency_key is not None:
        body = request.state.remembered_body or bytes(response.body)
        await idempotency.remember(session, request.state.caller.id, request.state.idempotency_key, response.status_code, body)


async def _after_commit(request: Request) -> None:
    for action in request.state.after_commit:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                await action()
        except Exception as error:  # the rows are stored: the sweeper in the worker does what could not be done now
            log.warning("left to the sweeper", path=request.url.path, error=repr(error))


def area(tag: str) -> APIRouter:
    """The router of one area: `router = area("contacts")`, mounted by `api/app.py`."""
    return APIRouter(prefix="/v1", tags=[tag], route_class=TransactionRoute, responses={"4XX": {"model": Problem}})


async def get_session(request: Request) -> AsyncSession:
    session: AsyncSession = request.state.session
    return session


async def get_services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


SessionDep = Annotated[AsyncSession, Depends(get_session)]
ServicesDep = Annotated[Services, Depends(get_services)]

bearer = HTTPBearer(auto_error=False, description="An API key: `Authorization: Bearer lw_…`")


async def _find_caller(request: Request, session: AsyncSession) -> Organization:
    """The organization comes from the API key and from nothing else."""
    credentials = await bearer(request)
    if credentials is None:
        raise Unauthorized("Send an API key as 'Authorization: Bearer lw_…'.")
    found = await organization.find_by_api_key(session, credentials.credentials)
    if found is None:
        raise Unauthorized("This API key is not known or was revoked.")
    return found


async def current_organization(
    request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Organization:
    """Found before the handler; `bearer` is here for the API's description."""
    caller: Organization = request.state.caller
    return caller


OrganizationDep = Annotated[Organization, Depends(current_organization)]


async def idempotent(
    request: Request,
    session: SessionDep,
    caller: OrganizationDep,
    idempotency_key: Annotated[
        Text | None,
        Header(
            alias="Idempotency-Key",  # as errors and the documentation write it
            max_length=255,
            description="Any unique text. The same key and request again gives the first answer and does nothing.",
        ),
    ] = None,
) -> None:
    """For every POST that creates or sends: `dependencies=[Depends(idempotent)]`."""
    if idempotency_key is None:
        return
    if not idempotency_key.strip():
        raise Invalid.field("Idempotency-Key", "The key is empty: send any unique text, or leave the header out.")
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode() + await request.body()).digest()
    answered = await idempotency.reserve(session, caller.id, idempotency_key, digest)
    if answered is None:
        request.state.idempotency_key = idempotency_key
        return
    if answered.request_hash != digest:
        raise Conflict(
            ConflictCode.KEY_REUSED, "This Idempotency-Key was used for another request. Use a new key for a new request."
        )
    raise AnsweredBefore(
        Response(answered.body, answered.status, {"Idempotency-Replayed": "true"}, media_type="application/json")
    )


Idempotent = Depends(idempotent)


def after_commit(request: Request, action: AfterCommit) -> None:
    """Do this when the transaction is committed; if it fails, the sweeper finds the rows and does it."""
    request.state.after_commit.append(action)


def remember_instead(request: Request, body: dict[str, Any]) -> None:
    """Keep this as the answer to a repeated idempotency key, for an answer that holds a secret."""
    request.state.remembered_body = orjson.dumps(body)

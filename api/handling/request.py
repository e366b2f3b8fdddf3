"""What every request goes through: one transaction, the caller's organization, and the idempotency key.

`TransactionRoute` looks for the API key, reads the body, waits for the organization's turn, calls the handler and commits when
the handler has answered (so an answer means that it is stored). Then it does what was asked for with `after_commit`. An error
rolls everything back. Without a key nothing else of a request is looked at. Handlers import everything that they need of a
request from here.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from functools import partial
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession

from api.callers.access import READS, needed_role
from api.callers.caller import KeyDep as KeyDep
from api.callers.caller import OrganizationDep as OrganizationDep
from api.callers.caller import credential, find_caller
from api.description.operation_ids import operation_id
from api.handling.audit import audit
from api.handling.heavy import Heavy as Heavy
from api.handling.heavy import PeopleQuery as PeopleQuery
from api.handling.heavy import is_heavy, leaves_people_out
from api.handling.idempotent import AnsweredBefore, remember, reserve_again
from api.handling.idempotent import Idempotent as Idempotent
from api.handling.idempotent import remember_instead as remember_instead
from api.handling.services import Services
from api.handling.transaction import PATIENCE as PATIENCE
from api.handling.transaction import ServicesDep as ServicesDep
from api.handling.transaction import SessionDep as SessionDep
from api.handling.transaction import after_commit as after_commit
from api.handling.transaction import run_after_commit
from api.http.body import LargeBody as LargeBody
from api.http.body import has_large_body, read_body, read_past
from api.http.body_memory import SHARE_OF_PAGE, Share
from api.http.json_body import judge_json
from api.http.no_body import leave_alone, refuse_fields
from api.http.paging import is_long_page
from api.http.problems import Problem
from api.http.query_parameters import query_parameters, refuse_wrong_parameters
from models.errors import LinkwakeError
from models.organizations.api_key import Role


class TransactionRoute(APIRoute):
    """One request is one transaction, which is committed before the answer leaves."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        answer = super().get_route_handler()
        known, many = query_parameters(self.dependant), has_large_body(self.dependant)
        judge, large = self._body_judge(many), many or is_heavy(self.dependant)

        async def handle(request: Request) -> Response:
            services: Services = request.app.state.services
            operation, needed = self.unique_id, needed_role(self.unique_id)
            org_id = await _look(request, services, needed, known)
            with _share(request, services, org_id) as share:
                limit = services.settings.bulk_body_limit if many else services.settings.body_limit
                await read_body(request, limit, share, many=many)
                async with _turn(services, org_id, (large and not leaves_people_out(request)) or is_long_page(request)):
                    await judge(request)
                    response = await _in_transaction(request, services, operation, answer)
            await run_after_commit(request)
            return response

        return partial(_heard, handle)

    def _body_judge(self, many: bool) -> Callable[[Request], Awaitable[None]]:
        if self.body_field is not None:
            return partial(judge_json, rows=many)
        return leave_alone if "requestBody" in (self.openapi_extra or {}) else refuse_fields


async def _heard(handle: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
    """Lets whoever has a good key send a refused body to its end, so that the refusal is read."""
    try:
        return await handle(request)
    except (LinkwakeError, RequestValidationError):
        if hasattr(request.state, "key"):
            await read_past(request)
        raise


def _share(request: Request, services: Services, org_id: UUID) -> AbstractContextManager[Share]:
    of_page: Share | None = request.scope.get(SHARE_OF_PAGE)
    return services.body_memory.share(org_id) if of_page is None else nullcontext(of_page)


@asynccontextmanager
async def _turn(services: Services, org_id: UUID, large: bool) -> AsyncIterator[None]:
    """A large request (bulk, a long page, the people of a segment) that waits for the one before it does not use up its
    organization's turns for small ones."""
    async with services.large_turns.turn(org_id) if large else nullcontext(), services.turns.turn(org_id):
        yield


async def _look(request: Request, services: Services, needed: Role, known: Mapping[str, bool]) -> UUID:
    """Finds out which organization calls, whether its key may do this, and whether the address makes sense. No connection is held
    afterwards, however long the body and the turn take."""
    async with services.lookup_turns.turn(credential(request)), services.database.session() as session:
        caller = await find_caller(request, session, needed)
    refuse_wrong_parameters(request, known)
    return caller.id


async def _in_transaction(
    request: Request, services: Services, operation: str, answer: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Looks for the caller again where something can change: a key that was revoked meanwhile changes nothing any more."""
    request.state.after_commit = []
    request.state.idempotency_key = None
    request.state.remembered_body = None
    async with services.database.session() as session:
        request.state.session = session
        if request.method not in READS:
            await find_caller(request, session, needed_role(operation))
        try:
            response = await answer(request)
        except AnsweredBefore as before:
            return before.response
        audit(session, request, operation, response)
        await remember(session, request, response)
        await session.commit()
    return response


@asynccontextmanager
async def apart(request: Request, session: AsyncSession, operation: str) -> AsyncIterator[None]:
    """Holds no connection in this block, which does something slow outside of this server, such as asking name servers. Nothing
    may have been written before it, and rows that were read before it are not to be used in it.

    Afterwards the caller is looked for again, because the key may have been revoked meanwhile.
    """
    await session.rollback()  # a commit would keep the idempotency key, without an answer
    yield
    await find_caller(request, session, needed_role(operation))
    await reserve_again(request, session)


def area(tag: str) -> APIRouter:
    """The router of one area: `router = area("contacts")`, mounted by `api/app.py`."""
    return APIRouter(
        prefix="/v1",
        tags=[tag],
        route_class=TransactionRoute,
        responses={"4XX": {"model": Problem}},
        generate_unique_id_function=operation_id,
    )

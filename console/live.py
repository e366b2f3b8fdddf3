"""Tells open pages that something has changed. A page then fetches itself again (`console/static/live.js`)."""

from uuid import UUID

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api.events.changes import ChangeStream
from api.handling.services import Services
from api.http.query_parameters import refuse_wrong_parameters
from console.answering import signed_in_by
from console.security import PAGE_HEADERS
from models.errors import Invalid, NotFound, TooManyRequests
from models.live.event_filter import EventFilter
from models.live.live_event import LiveKind
from models.reports.known_ids import require_known

IDS = ("campaign_id", "sequence_id", "contact_id")
FILTERS = {**dict.fromkeys(IDS, False), "kind": True}
"""Whether each may be given several times."""


class Live:
    """`/live?campaign_id=…&kind=click`, with the filters of `GET /v1/events/stream`. It is an application of its own, so that
    nothing of a request stays in memory while its stream is open."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(Request(scope))
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> ASGIApp:
        try:
            signed_in = await signed_in_by(request)
        except TooManyRequests as refusal:
            return _refused(429, str(refusal), {"Retry-After": "30"})
        if signed_in is None:
            return _refused(401, "Sign in.")
        try:
            refuse_wrong_parameters(request, FILTERS)
            wanted = _wanted(request.query_params)
        except (Invalid, ValueError):
            return _refused(422, "These filters cannot be read.")
        services: Services = request.app.state.services
        org_id = signed_in.organization.id
        try:
            services.live.require_room(org_id, signed_in.key.id)
            async with services.database.transaction() as session:
                await require_known(session, org_id, wanted)
        except TooManyRequests as refusal:
            return _refused(429, str(refusal), {"Retry-After": "30"})
        except NotFound as refusal:
            return _refused(404, str(refusal))
        return ChangeStream(services.live, org_id, signed_in.key.id, signed_in.session.id, wanted)


def _wanted(query: QueryParams) -> EventFilter:
    """Raises ValueError."""
    ids = {name: UUID(query[name]) for name in IDS if query.get(name)}
    return EventFilter(frozenset(map(LiveKind, query.getlist("kind"))) or None, **ids)


def _refused(status: int, sentence: str, headers: dict[str, str] | None = None) -> ASGIApp:
    return PlainTextResponse(sentence, status, {**PAGE_HEADERS, **(headers or {})})

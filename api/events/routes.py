"""Live events: what happens to messages, clicks, enrollments and people, told within a second. `docs/events.md` shows how to
follow them."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Query
from fastapi.responses import Response

from api.events.stream import EventStream, Shared
from api.handling.request import KeyDep, OrganizationDep, ServicesDep, SessionDep, area
from models.errors import Invalid
from models.live.cursor import Cursor, read_cursor
from models.live.event_filter import EventFilter
from models.live.live_event import LiveKind
from models.reports.known_ids import require_known
from models.texts.text import Text

router = area("events")

PLACE = "The `id` of the last event that you have: the stream goes on behind it, without a gap and without a repetition."


def event_filter(
    kind: Annotated[list[LiveKind] | None, Query(description="Only these; it can be given several times.")] = None,
    campaign_id: UUID | None = None,
    sequence_id: UUID | None = None,
    contact_id: UUID | None = None,
) -> EventFilter:
    return EventFilter(frozenset(kind) if kind else None, campaign_id, sequence_id, contact_id)


def resumed_at(
    last_event_id: Annotated[Text | None, Query(description=f"{PLACE} The header comes first.")] = None,
    last_event_id_header: Annotated[Text | None, Header(alias="Last-Event-ID", description=PLACE)] = None,
) -> Cursor | None:
    """A browser sends the header by itself when it resumes, with the address of before."""
    name, text = ("Last-Event-ID", last_event_id_header) if last_event_id_header else ("last_event_id", last_event_id)
    if not text:
        return None
    cursor = read_cursor(text)
    if cursor is None:
        raise Invalid.field(name, "Not the id of an event of this stream: leave it out, and the stream begins now.")
    return cursor


@router.get(
    "/events/stream",
    summary="Follow live events",
    response_class=Response,
    responses={
        200: {
            "description": "Server-sent events, until you close the connection.",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": "id: …\nevent: click\ndata: {…}\n\n"}},
        }
    },
)
async def stream(
    session: SessionDep,
    services: ServicesDep,
    caller: OrganizationDep,
    key: KeyDep,
    wanted: Annotated[EventFilter, Depends(event_filter)],
    cursor: Annotated[Cursor | None, Depends(resumed_at)],
) -> EventStream:
    """Server-sent events of clicks, messages, reports of providers, inbound messages, consent, enrollments and campaigns, each
    with what a page needs to show it.

    `ready` says that the stream tells of everything from now on. A stream that ended is resumed by the last `id`; after more
    than a day it begins with `reset`: read your numbers again.
    """
    services.live.require_room(caller.id, key.id)
    await require_known(session, caller.id, wanted)
    return EventStream(Shared(services.live, services.missed_events), caller.id, key.id, wanted, cursor)

"""Says of live events what a page needs to show them, so that it asks for nothing more: names of links, places, devices, reasons
that are words of ours. Addresses, names and texts of people are not among it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.live.live_event import LiveKind
from models.live.read import FoundEvent
from models.reports.click_feed import FeedClick, clicks_by_id

OF_MESSAGES = """
SELECT id, channel_id, message_kind, step_key, step_run, enrollment_id, report_code, reported_at,
    CASE WHEN reason ~ '^[a-z_]+(: [a-z_]+)?$' THEN reason END AS reason
FROM message WHERE id = ANY(CAST(:ids AS uuid[]))
"""

# Each kind's statement selects `id` and whatever else is told.
OF_ROWS = {
    LiveKind.MESSAGE: OF_MESSAGES,
    LiveKind.REPORT: OF_MESSAGES,
    LiveKind.INBOUND_MESSAGE: """
        SELECT id, channel_id, message_id, received_at FROM inbound_message WHERE id = ANY(CAST(:ids AS uuid[]))
    """,
    LiveKind.CONSENT: """
        SELECT id, medium, channel_id, message_kind, source, given_at FROM consent WHERE id = ANY(CAST(:ids AS uuid[]))
    """,
    LiveKind.ENROLLMENT: """
        SELECT enrollment.id, version.version, step_key, cause,
            CASE WHEN enrollment.state = 'completed' THEN outcome END AS outcome
        FROM enrollment JOIN sequence_version version ON version.id = sequence_version_id
        WHERE enrollment.id = ANY(CAST(:ids AS uuid[]))
    """,
    LiveKind.CAMPAIGN: "SELECT id, name, recipients FROM campaign WHERE id = ANY(CAST(:ids AS uuid[]))",
}


async def describe_events(session: AsyncSession, events: Sequence[FoundEvent]) -> list[dict[str, Any]]:
    """Returns the documents of these events in their order. `about` is null when the row is gone, such as a consent of
    somebody who was erased. One statement for each kind that is among them."""
    ids: dict[str, set[UUID]] = defaultdict(set)
    for event in events:
        ids[event.kind].add(event.row_id)
    about = {kind: await _about(session, LiveKind(kind), list(rows)) for kind, rows in ids.items()}
    return [_document(event, about[event.kind].get(event.row_id)) for event in events]


async def _about(session: AsyncSession, kind: LiveKind, ids: list[UUID]) -> dict[UUID, dict[str, Any]]:
    if kind == LiveKind.CLICK:
        return {click_id: _about_click(click) for click_id, click in (await clicks_by_id(session, ids)).items()}
    rows = (await session.execute(text(OF_ROWS[kind]), {"ids": ids})).mappings()
    return {row["id"]: {name: value for name, value in row.items() if name != "id"} for row in rows}


def _about_click(click: FeedClick) -> dict[str, Any]:
    about = click._asdict()
    for name in ("id", "verdict", "contact_id", "campaign_id", "sequence_id"):
        del about[name]  # the event has them
    del about["correction"]  # its note is somebody's text
    return about


def _document(event: FoundEvent, about: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "state": event.state,
        "id": event.row_id,
        "at": event.at,
        "campaign_id": event.campaign_id,
        "sequence_id": event.sequence_id,
        "contact_id": event.contact_id,
        "about": about,
    }

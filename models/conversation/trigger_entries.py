"""What triggers did for one contact, and why they did not fire, as entries of the conversation."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.campaigns.campaign import Campaign
from models.notifications.notification import ItemState, NotificationState
from models.segments.segment import Segment
from models.sequences.sequence import Sequence as SequenceRow
from models.sequences.sequence import SequenceVersion
from models.triggers.firing import ActionOutcome, Firing, TriggerRefusal
from models.triggers.trigger import Trigger


class TriggerSource(NamedTuple):
    """A trigger and the names of what it belongs to and asks. Those of a campaign's trigger have no sequence and the other way
    round."""

    trigger: Trigger
    campaign: str | None
    sequence: str | None
    version: int | None
    segment: str | None


class ActionTaken(NamedTuple):
    """A row of `firing_action`. `item` is what the notification target has been told of it, until a day after it was told."""

    position: int
    outcome: ActionOutcome
    reason: str | None
    detail: Mapping[str, Any]
    at: datetime
    item: ItemState | None


@dataclass(frozen=True)
class FiringEntry:
    """`actions` are those with an outcome, by their positions. `sequences` has the names of the sequences that actions name."""

    at: datetime
    firing: Firing
    source: TriggerSource
    actions: Mapping[int, ActionTaken]
    sequences: Mapping[UUID, str]


@dataclass(frozen=True)
class RefusalEntry:
    """`link` is the name of the clicked link. It is None when the link has no name, and when nobody clicked."""

    at: datetime
    refusal: TriggerRefusal
    source: TriggerSource
    link: str | None


# Partitions of clicks are found by the ids themselves, because all of them are given.
LINK_NAMES = """
SELECT click.id, link.name FROM click JOIN content_link link ON link.id = click.link_id
WHERE click.id = ANY(CAST(:click_ids AS uuid[]))
"""
ACTIONS = """
SELECT action.firing_id, position, outcome, reason, detail, at, item.id AS item_id, notification_id,
    coalesce(notification.state, 'open') AS state, notification.last_error, notification.due_at
FROM firing_action action
LEFT JOIN LATERAL (
    SELECT id, notification_id FROM notification_item told
    WHERE told.firing_id = action.firing_id AND action_position = action.position LIMIT 1
) AS item ON true
LEFT JOIN notification ON notification.id = item.notification_id
WHERE action.firing_id = ANY(CAST(:firing_ids AS uuid[]))
"""


async def read_firings(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, FiringEntry]:
    """Reads the firings in three statements."""
    if not ids:
        return {}
    statement = _with_source(select(Firing, *SOURCE).join(Trigger, col(Trigger.id) == col(Firing.trigger_id)))
    found = (await session.execute(statement.where(col(Firing.id).in_(ids)))).all()
    actions = await _actions(session, ids)
    sequences = await _sequence_names(session, found)
    return {
        firing.id: FiringEntry(firing.fired_at, firing, TriggerSource(*source), actions[firing.id], sequences)
        for firing, *source in found
    }


async def read_refusals(session: AsyncSession, contact_id: UUID, ids: Sequence[UUID]) -> dict[UUID, RefusalEntry]:
    """Reads these of the contact's refusals in two statements."""
    if not ids:
        return {}
    statement = _with_source(select(TriggerRefusal, *SOURCE).join(Trigger, col(Trigger.id) == col(TriggerRefusal.trigger_id)))
    statement = statement.where(col(TriggerRefusal.contact_id) == contact_id, col(TriggerRefusal.id).in_(ids))
    found = (await session.execute(statement)).all()
    clicks = [refusal.click_id for refusal, *_ in found if refusal.click_id is not None]
    names = {row.id: row.name for row in await session.execute(text(LINK_NAMES), {"click_ids": clicks})} if clicks else {}
    return {
        refusal.id: RefusalEntry(refusal.at, refusal, TriggerSource(*source), names.get(refusal.click_id))
        for refusal, *source in found
    }


SOURCE = (Trigger, col(Campaign.name), col(SequenceRow.name), col(SequenceVersion.version), col(Segment.name))


def _with_source(statement: Any) -> Any:
    return (
        statement.outerjoin(Campaign, col(Campaign.id) == col(Trigger.campaign_id))
        .outerjoin(SequenceRow, col(SequenceRow.id) == col(Trigger.sequence_id))
        .outerjoin(SequenceVersion, col(SequenceVersion.id) == col(Trigger.sequence_version_id))
        .outerjoin(Segment, col(Segment.id) == col(Trigger.segment_id))
    )


async def _actions(session: AsyncSession, firing_ids: Sequence[UUID]) -> Mapping[UUID, dict[int, ActionTaken]]:
    found: defaultdict[UUID, dict[int, ActionTaken]] = defaultdict(dict)
    for row in await session.execute(text(ACTIONS), {"firing_ids": list(firing_ids)}):
        item = ItemState(row.notification_id, NotificationState(row.state), row.last_error, row.due_at) if row.item_id else None
        taken = ActionTaken(row.position, ActionOutcome(row.outcome), row.reason, row.detail, row.at, item)
        found[row.firing_id][row.position] = taken
    return found


async def _sequence_names(session: AsyncSession, found: Sequence[Any]) -> dict[UUID, str]:
    """Names the sequences in which the triggers enroll, as far as they are the organization's."""
    wanted = {(trigger.org_id, each) for _, trigger, *_ in found for each in _named_sequences(trigger)}
    if not wanted:
        return {}
    statement = select(col(SequenceRow.id), col(SequenceRow.name)).where(
        col(SequenceRow.org_id).in_({org_id for org_id, _ in wanted}), col(SequenceRow.id).in_({each for _, each in wanted})
    )
    return {row.id: row.name for row in await session.execute(statement)}


def _named_sequences(trigger: Trigger) -> Iterator[UUID]:
    for action in trigger.definition.get("actions", ()):
        if action.get("kind") == "enroll":
            yield UUID(action["sequence_id"])

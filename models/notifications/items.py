"""Adds items for a target: one statement for all of them, in the caller's transaction, without waiting for anybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import new_id


class Happened(StrEnum):
    """`clicked`, `not_clicked` by the deadline of a trigger, or `reached`: the person has come to a step of a sequence."""

    CLICKED = "clicked"
    NOT_CLICKED = "not_clicked"
    REACHED = "reached"


@dataclass(frozen=True)
class FiringCause:
    """The action at this position of a trigger's list, of this firing."""

    firing_id: UUID
    position: int


@dataclass(frozen=True)
class StepCause:
    """A passage of an enrollment through a step `notify`."""

    enrollment_id: UUID
    step_run: int


@dataclass(frozen=True)
class Place:
    """Where a click came from. All of it is None when metadata is off."""

    country: str | None = None
    city: str | None = None
    device: str | None = None


@dataclass(frozen=True)
class NotificationItemIn:
    """What a target is told of one person.

    `link_name` is the link that was clicked, or was not; None means any link. `source` is what people call the campaign or
    sequence. `text` is the template of the action; with None, the target's own is used.
    """

    cause: FiringCause | StepCause
    contact_id: UUID
    happened_at: datetime
    link_name: str | None = None
    happened: Happened = Happened.CLICKED
    source: str | None = None
    place: Place = Place()
    text: str | None = None


# The row of the target is locked against its deletion, so that no item is added for a target that is gone.
TARGET = """
SELECT FROM notification_target WHERE id = :target_id AND org_id = :org_id AND archived_at IS NULL FOR KEY SHARE
"""

ADD = """
INSERT INTO notification_item
    (id, org_id, target_id, firing_id, action_position, enrollment_id, step_run, contact_id, link_name, happened, happened_at,
    source, place, text)
SELECT given.id, :org_id, :target_id, given.firing_id, given.action_position, given.enrollment_id, given.step_run,
    given.contact_id, given.link_name, given.happened, given.happened_at, given.source, given.place, given.text
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS given (
    id uuid, firing_id uuid, action_position int, enrollment_id uuid, step_run int, contact_id uuid, link_name text,
    happened text, happened_at timestamptz, source text, place jsonb, text text
)
ORDER BY given.id
ON CONFLICT DO NOTHING
"""


async def add_items(session: AsyncSession, org_id: UUID, target_id: UUID, items: Sequence[NotificationItemIn]) -> bool:
    """An item whose cause has one already is left out. Returns False, and adds nothing, when the target is gone."""
    keys = {"org_id": org_id, "target_id": target_id}
    if (await session.execute(text(TARGET), keys)).first() is None:
        return False
    if items:
        await session.execute(text(ADD), {**keys, "rows": orjson.dumps([_row(item) for item in items]).decode()})
    return True


def _cause(cause: FiringCause | StepCause) -> dict[str, object]:
    match cause:
        case FiringCause(firing_id, position):
            return {"firing_id": firing_id, "action_position": position}
        case StepCause(enrollment_id, step_run):
            return {"enrollment_id": enrollment_id, "step_run": step_run}


def _row(item: NotificationItemIn) -> dict[str, object]:
    place = {name: value for name, value in vars(item.place).items() if value is not None}
    return {
        "id": new_id(),
        **_cause(item.cause),
        "contact_id": item.contact_id,
        "link_name": item.link_name,
        "happened": item.happened,
        "happened_at": item.happened_at,
        "source": item.source,
        "place": place,
        "text": item.text,
    }

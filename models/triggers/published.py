"""Published triggers as the engine reads them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.campaigns.campaign import Campaign
from models.sequences.sequence import Sequence
from models.triggers.actions.registry import AnyAction
from models.triggers.trigger import Trigger

ADMISSION = -1
"""The position at which a firing asks whether its contact is in the trigger's segment. Its actions begin at 0."""

READ_ACTION: TypeAdapter[AnyAction] = TypeAdapter(AnyAction)


@dataclass(frozen=True)
class PublishedTrigger:
    """`source` is what people call its campaign or sequence. An action is read when it is its turn, so that one which cannot be
    read stops none of the others."""

    id: UUID
    org_id: UUID
    key: str
    campaign_id: UUID | None
    sequence_id: UUID | None
    segment_id: UUID | None
    source: str | None
    actions: tuple[Mapping[str, Any], ...]

    def action(self, position: int) -> AnyAction:
        return READ_ACTION.validate_python(self.actions[position])

    def kind(self, position: int) -> str:
        """Returns an empty text for the position of the admission, and for an action without a kind."""
        return str(self.actions[position].get("kind", "")) if position >= 0 else ""

    def stops(self, position: int) -> bool:
        """Whether a failure of this action keeps those behind it from being done."""
        return self.actions[position].get("on_failure") == "stop"


async def load_triggers(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, PublishedTrigger]:
    rows = await session.execute(
        select(Trigger, func.coalesce(col(Campaign.name), col(Sequence.name)))
        .outerjoin(Campaign, col(Campaign.id) == col(Trigger.campaign_id))
        .outerjoin(Sequence, col(Sequence.id) == col(Trigger.sequence_id))
        .where(col(Trigger.id).in_(ids))
    )
    return {row.id: _published(row, source) for row, source in rows}


def _published(row: Trigger, source: str | None) -> PublishedTrigger:
    actions = tuple(row.definition.get("actions", ()))
    return PublishedTrigger(row.id, row.org_id, row.key, row.campaign_id, row.sequence_id, row.segment_id, source, actions)

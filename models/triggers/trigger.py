"""A published trigger, and the links that fire it. Both are written at a campaign's launch or a sequence's publish and never
change."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Interval, String, UniqueConstraint, insert, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from models.base import Timestamp, new_id, now
from models.organizations.owned import require_owned
from models.triggers.definition import TriggerDefinition


class Trigger(SQLModel, table=True):
    """`campaign_id` is set for a campaign's trigger; `sequence_id` and `sequence_version_id` for a sequence's, and `step_key` too
    when it stands on a single send step. `definition` is its TriggerDefinition as JSON; the columns repeat what statements ask.

    Three columns belong to `not_clicked`. Of the messages that were accepted up to `examined_until`, the last of which is
    `examined_message_id`, those without a click have fired. `finished_at` says that no more messages will come.
    """

    __table_args__ = (
        UniqueConstraint("campaign_id", "key"),
        Index(
            "uq_trigger_version",
            "sequence_version_id",
            "step_key",
            "key",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("sequence_version_id IS NOT NULL"),
        ),
        Index("ix_trigger_not_clicked", "id", postgresql_where=text("event = 'not_clicked' AND finished_at IS NULL")),
        Index("ix_trigger_sequence_id", "sequence_id", postgresql_where=text("sequence_id IS NOT NULL")),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id", index=True)
    campaign_id: UUID | None = Field(default=None, foreign_key="campaign.id")
    sequence_id: UUID | None = Field(default=None, foreign_key="sequence.id")
    sequence_version_id: UUID | None = Field(default=None, foreign_key="sequence_version.id")
    step_key: str | None = None
    key: str
    event: str = Field(sa_type=String, description="clicked or not_clicked.")
    link: str | None = None
    times: int = 1
    within: timedelta | None = Field(default=None, sa_type=Interval)
    segment_id: UUID | None = None
    definition: dict[str, Any] = Field(sa_type=JSONB)
    examined_until: datetime | None = Field(default=None, sa_type=Timestamp)
    examined_message_id: UUID | None = None
    finished_at: datetime | None = Field(default=None, sa_type=Timestamp)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)


class TriggerLink(SQLModel, table=True):
    """A click on this link of this content fires the trigger, or keeps a `not_clicked` from firing."""

    __tablename__ = "trigger_link"
    __table_args__ = (Index("ix_trigger_link_trigger_id", "trigger_id"),)

    content_id: int = Field(primary_key=True, foreign_key="content.id")
    position: int = Field(primary_key=True)
    trigger_id: UUID = Field(primary_key=True, foreign_key="trigger.id")


async def get_trigger(session: AsyncSession, org_id: UUID, trigger_id: UUID) -> Trigger:
    return require_owned(await session.get(Trigger, trigger_id), org_id, "trigger")


async def add_triggers(session: AsyncSession, triggers: Sequence[Trigger]) -> None:
    session.add_all(triggers)
    await session.flush()


async def add_trigger_links(session: AsyncSession, links: Sequence[TriggerLink]) -> None:
    """Writes them without objects of the session, because many triggers on the links of many messages are ten thousands of
    rows."""
    if links:
        await session.execute(insert(TriggerLink), [link.model_dump() for link in links])


def unpublished(org_id: UUID, definition: TriggerDefinition) -> Trigger:
    """Returns the row that a draft's trigger would be, for those who look at published ones and at drafts alike."""
    same = {name: getattr(definition, name) for name in ("key", "link", "times", "within", "segment_id")}
    return Trigger(org_id=org_id, event=definition.when, definition=definition.model_dump(mode="json"), **same)

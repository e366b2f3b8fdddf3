"""A segment: a saved filter on contacts. It has no list of members: who is in it is found whenever somebody asks."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Index, Text, cast, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, new_id, now
from models.errors import Conflict, ConflictCode
from models.organizations.owned import require_owned
from models.paging import PageRequest, newest_first


class Segment(SQLModel, table=True):
    """`definition` is a Definition as JSON (`models/segments/definition.py`)."""

    __table_args__ = (Index("ix_segment_org_id_id", "org_id", "id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    name: str
    definition: dict[str, Any] = Field(sa_type=JSONB)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    updated_at: datetime = Field(default_factory=now, sa_type=Timestamp)


class SegmentUse(NamedTuple):
    """A draft campaign, the draft of a sequence, or a published trigger, with the campaign or sequence that it belongs to."""

    kind: str
    id: UUID
    name: str
    campaign_id: UUID | None
    sequence_id: UUID | None


# What would not know whom to take without the segment. A launched campaign does, because the launch fixes the definitions.
USES = """
SELECT 'campaign' AS kind, id, name, id AS campaign_id, NULL::uuid AS sequence_id FROM campaign
WHERE org_id = :org_id AND state = 'draft'
    AND (jsonb_exists(audience -> 'segment_ids', :segment) OR jsonb_exists(audience -> 'exclude_segment_ids', :segment)
        OR triggers @> jsonb_build_array(jsonb_build_object('segment_id', CAST(:segment AS text))))
UNION ALL
SELECT 'sequence', id, name, NULL, id FROM sequence
WHERE org_id = :org_id
    AND jsonb_path_exists(draft, '$.**.triggers[*].segment_id ? (@ == $id)', jsonb_build_object('id', CAST(:segment AS text)))
UNION ALL
SELECT 'trigger', id, key, campaign_id, sequence_id FROM trigger WHERE org_id = :org_id AND segment_id = CAST(:segment AS uuid)
LIMIT 20
"""


async def get_segment(session: AsyncSession, org_id: UUID, segment_id: UUID, *, lock: bool = False) -> Segment:
    """With `lock`, nobody else changes or deletes it until this transaction ends."""
    row = await session.get(Segment, segment_id, with_for_update=lock or None, populate_existing=lock)
    return require_owned(row, org_id, "segment")


DEAR = 8
"""How many times as long a byte of a definition takes to be written out as one of a text, because each of its tags is read."""


async def list_segments(
    session: AsyncSession, org_id: UUID, page: PageRequest, name: str | None = None
) -> tuple[list[Segment], UUID | None]:
    """`name` is a part of the name, in small or capital letters."""
    statement = select(Segment).where(col(Segment.org_id) == org_id)
    if name is not None:
        statement = statement.where(col(Segment.name).icontains(name, autoescape=True))
    size = DEAR * func.octet_length(cast(col(Segment.definition), Text))
    return await newest_first(session, statement, col(Segment.id), page, size)


async def segments_by_id(session: AsyncSession, org_id: UUID, ids: Collection[UUID]) -> dict[UUID, Segment]:
    """Returns those of the ids that are segments of the organization."""
    if not ids:
        return {}
    rows = await session.scalars(select(Segment).where(col(Segment.org_id) == org_id, col(Segment.id).in_(ids)))
    return {row.id: row for row in rows}


LOCK_NAME = "SELECT pg_advisory_xact_lock(hashtextextended(:org_id || ' segment ' || :name, 0))"


async def add_once(session: AsyncSession, segment: Segment) -> tuple[Segment, bool]:
    """Adds the segment, unless the organization has one with the same name and definition. Returns the one that is there, and
    whether it was added. Of several at the same time, one is added."""
    await session.execute(text(LOCK_NAME), {"org_id": str(segment.org_id), "name": segment.name})
    same = select(Segment).where(
        col(Segment.org_id) == segment.org_id,
        col(Segment.name) == segment.name,
        col(Segment.definition) == segment.definition,
    )
    if known := await session.scalar(same.order_by(col(Segment.id)).limit(1)):
        return known, False
    session.add(segment)
    await session.flush()
    return segment, True


async def uses_of(session: AsyncSession, segment: Segment) -> list[SegmentUse]:
    """Returns 20 at most."""
    rows = await session.execute(text(USES), {"org_id": segment.org_id, "segment": str(segment.id)})
    return [SegmentUse(*row) for row in rows]


async def delete_segment(session: AsyncSession, segment: Segment) -> None:
    """The caller holds the segment's lock. Raises Conflict while a draft campaign or a trigger uses it."""
    if uses := await uses_of(session, segment):
        named = ", ".join(f"the {use.kind} {use.name} ({use.id})" for use in uses)
        raise Conflict(
            ConflictCode.SEGMENT_USED,
            f"The segment is used by {named}. Take it out of drafts first. A published trigger keeps it: change the segment "
            "instead.",
        )
    await session.delete(segment)
    await session.flush()

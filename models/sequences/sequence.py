"""A sequence: a draft that can be edited, and published versions that never change."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import String, UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, new_id, now
from models.errors import FieldError, NotFound
from models.organizations.owned import require_owned
from models.paging import PageRequest, newest_first
from models.sequences.re_entry import ReEntry


class SequenceState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"


class Sequence(SQLModel, table=True):
    """`draft` is a SequenceDefinition as JSON. `link_tracking` None inherits from the organization. `re_entry_limit` is
    a ReEntryLimit as JSON, or None. People leave it when they opt out of something that it sends, unless `leave_on_opt_out` is
    off; with `end_on_reply`, they also leave it when they write back."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id", index=True)
    name: str
    state: SequenceState = Field(default=SequenceState.DRAFT, sa_type=String)
    link_tracking: bool | None = None
    re_entry: ReEntry = Field(default=ReEntry.AFTER_FINISHING, sa_type=String)
    re_entry_limit: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    leave_on_opt_out: bool = Field(default=True, sa_column_kwargs={"server_default": "true"})
    end_on_reply: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    draft: dict[str, Any] = Field(sa_type=JSONB)
    version: int | None = None
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    updated_at: datetime = Field(default_factory=now, sa_type=Timestamp)


class SequenceVersion(SQLModel, table=True):
    """It is immutable. Running enrollments stay on the version with which they started."""

    __tablename__ = "sequence_version"
    __table_args__ = (UniqueConstraint("sequence_id", "version"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    sequence_id: UUID = Field(foreign_key="sequence.id")
    version: int
    definition: dict[str, Any] = Field(sa_type=JSONB)
    published_at: datetime = Field(default_factory=now, sa_type=Timestamp)


class PublishedVersion(NamedTuple):
    """What is known of a version without its texts."""

    id: UUID
    version: int
    published_at: datetime


async def get_sequence(session: AsyncSession, org_id: UUID, sequence_id: UUID, *, lock: bool = False) -> Sequence:
    """With `lock`, nobody else changes or publishes it until this transaction ends."""
    row = await session.get(Sequence, sequence_id, with_for_update=lock or None, populate_existing=lock)
    return require_owned(row, org_id, "sequence")


async def sequences_by_id(session: AsyncSession, org_id: UUID, ids: Collection[UUID]) -> dict[UUID, Sequence]:
    """Returns those of the ids that are sequences of the organization."""
    if not ids:
        return {}
    rows = await session.scalars(select(Sequence).where(col(Sequence.org_id) == org_id, col(Sequence.id).in_(set(ids))))
    return {row.id: row for row in rows}


async def list_sequences(
    session: AsyncSession, org_id: UUID, state: SequenceState | None, name: str | None, page: PageRequest
) -> tuple[list[Sequence], UUID | None]:
    """`name` is a part of it, in small or capital letters. The rows have no draft."""
    without_draft = defer(col(Sequence.draft))  # type: ignore[arg-type] # a column of the table is one at run time
    statement = select(Sequence).where(col(Sequence.org_id) == org_id).options(without_draft)
    if state is not None:
        statement = statement.where(col(Sequence.state) == state)
    if name is not None:
        statement = statement.where(col(Sequence.name).icontains(name, autoescape=True))
    return await newest_first(session, statement, col(Sequence.id), page)


async def names_by_id(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, str]:
    rows = await session.execute(select(col(Sequence.id), col(Sequence.name)).where(col(Sequence.id).in_(ids)))
    return {row.id: row.name for row in rows}


async def get_version(session: AsyncSession, org_id: UUID, sequence_id: UUID, version: int) -> SequenceVersion:
    row = await session.scalar(
        select(SequenceVersion).where(
            col(SequenceVersion.org_id) == org_id,
            col(SequenceVersion.sequence_id) == sequence_id,
            col(SequenceVersion.version) == version,
        )
    )
    if row is None:
        raise NotFound(f"The sequence has no version {version}.")
    return row


async def current_version(session: AsyncSession, sequence: Sequence) -> SequenceVersion | None:
    """Returns what new enrollments get, or None when it was never published."""
    if sequence.version is None:
        return None
    return await get_version(session, sequence.org_id, sequence.id, sequence.version)


HAS_STEP = text("""
SELECT EXISTS (SELECT FROM sequence_version WHERE sequence_id = :sequence_id
    AND jsonb_path_exists(definition, '$.steps[*] ? (@.key == $key)', jsonb_build_object('key', CAST(:key AS text))))
""")


async def has_step(session: AsyncSession, sequence_id: UUID, step_key: str) -> bool:
    """Whether any published version has the step."""
    return bool(await session.scalar(HAS_STEP, {"sequence_id": sequence_id, "key": step_key}))


async def require_place(session: AsyncSession, sequence_id: UUID, step_key: str | None, version: int | None = None) -> None:
    """Raises NotFound with what is given and not there, because an empty list would look like an answer. A step is known when
    any published version has it. The caller has made sure whose the sequence is."""
    unknown = []
    if step_key is not None and not await has_step(session, sequence_id, step_key):
        unknown.append(FieldError("step", "No published version has this step."))
    numbers = select(col(SequenceVersion.version)).where(col(SequenceVersion.sequence_id) == sequence_id)
    if version is not None and await session.scalar(numbers.where(col(SequenceVersion.version) == version)) is None:
        unknown.append(FieldError("version", f"The sequence has no version {version}."))
    if unknown:
        raise NotFound(" ".join(f"{each.field}: {each.message}" for each in unknown), unknown)


async def list_versions(
    session: AsyncSession, sequence: Sequence, page: PageRequest
) -> tuple[list[SequenceVersion], UUID | None]:
    """The rows have no definition."""
    without = defer(col(SequenceVersion.definition))  # type: ignore[arg-type] # a column of the table is one at run time
    statement = select(SequenceVersion).where(col(SequenceVersion.sequence_id) == sequence.id).options(without)
    return await newest_first(session, statement, col(SequenceVersion.id), page)


async def published_versions(session: AsyncSession, sequence_id: UUID) -> list[PublishedVersion]:
    """Returns all its published versions, the newest first."""
    names = col(SequenceVersion.id), col(SequenceVersion.version), col(SequenceVersion.published_at)
    wanted = select(*names).where(col(SequenceVersion.sequence_id) == sequence_id).order_by(names[1].desc())
    return [PublishedVersion(*row) for row in await session.execute(wanted)]


async def versions_of(session: AsyncSession, sequence_id: UUID) -> list[UUID]:
    """Returns the ids of all its published versions."""
    return list(await session.scalars(select(col(SequenceVersion.id)).where(col(SequenceVersion.sequence_id) == sequence_id)))


async def versions_by_id(session: AsyncSession, ids: Collection[UUID]) -> list[SequenceVersion]:
    """Newest first."""
    wanted = select(SequenceVersion).where(col(SequenceVersion.id).in_(ids)).order_by(col(SequenceVersion.version).desc())
    return list(await session.scalars(wanted))


async def add_version(session: AsyncSession, sequence: Sequence) -> SequenceVersion:
    """Makes the draft the next version. The caller holds the sequence's lock."""
    number = (sequence.version or 0) + 1
    version = SequenceVersion(org_id=sequence.org_id, sequence_id=sequence.id, version=number, definition=sequence.draft)
    session.add(version)
    sequence.version, sequence.state, sequence.updated_at = number, SequenceState.PUBLISHED, now()
    await session.flush()
    return version

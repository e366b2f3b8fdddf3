"""Commands to enrollments: rows that are committed before any workflow is told, so that one holds with Temporal up or down."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from models.base import Timestamp, new_id, now
from models.retry import Postponed


class CommandKind(StrEnum):
    """What can be asked of an enrollment. `services/commands/registry.py` says what each kind does."""

    STOP = "stop"
    MOVE = "move"
    LOOK_AGAIN = "look_again"


class CommandOutcome(StrEnum):
    """delivered: Temporal has the signal. no_workflow: there is no workflow to tell, so the row was changed instead."""

    DELIVERED = "delivered"
    NO_WORKFLOW = "no_workflow"


class Command(SQLModel, table=True):
    """One command to one enrollment. It stays open (`outcome` is null) until it is delivered, and is due at `due_at`.

    `detail` holds ids and times that the kind needs, never what a person wrote, because it travels to Temporal.
    """

    __table_args__ = (
        Index("ix_command_enrollment_id_id", "enrollment_id", "id"),
        Index("ix_command_open", "due_at", postgresql_where=text("outcome IS NULL")),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    enrollment_id: UUID = Field(foreign_key="enrollment.id")
    kind: CommandKind = Field(sa_type=String)
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    due_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    attempts: int = 0
    outcome: CommandOutcome | None = Field(default=None, sa_type=String)
    marked_at: datetime | None = Field(default=None, sa_type=Timestamp)
    last_error: str | None = None


@dataclass(frozen=True)
class DueCommand:
    """An open command that this process has claimed. `attempts` counts this one."""

    id: UUID
    org_id: UUID
    enrollment_id: UUID
    kind: CommandKind
    detail: dict[str, Any]
    attempts: int


# A claim is a lease, as with signals of clicks. Of one enrollment only the oldest open command is taken: a later one must not
# reach the workflow before it.
CLAIM = """
WITH due AS (
    SELECT id FROM command
    WHERE outcome IS NULL AND due_at <= now() AND kind = ANY(CAST(:kinds AS text[])) {only}
        AND NOT EXISTS (SELECT FROM command AS earlier WHERE earlier.enrollment_id = command.enrollment_id
            AND earlier.outcome IS NULL AND earlier.id < command.id)
    ORDER BY due_at LIMIT :limit FOR UPDATE OF command SKIP LOCKED
), claimed AS (
    UPDATE command SET attempts = attempts + 1, due_at = now() + :lease FROM due WHERE command.id = due.id RETURNING command.*
)
SELECT id, org_id, enrollment_id, kind, detail, attempts FROM claimed ORDER BY id
"""
ONLY = "AND id = ANY(CAST(:ids AS uuid[]))"

LOCK = "SELECT FROM command WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE"

MARK = """
UPDATE command SET outcome = given.outcome, last_error = given.error,
    marked_at = CASE WHEN given.outcome IS NOT NULL THEN now() END,
    due_at = CASE WHEN given.outcome IS NULL THEN now() + given.delay ELSE due_at END
FROM unnest(CAST(:ids AS uuid[]), CAST(:outcomes AS text[]), CAST(:delays AS interval[]), CAST(:errors AS text[]))
    AS given (id, outcome, delay, error)
WHERE command.id = given.id AND command.outcome IS NULL
"""


async def claim_commands(
    session: AsyncSession, kinds: Collection[CommandKind], limit: int, lease: timedelta, ids: Sequence[UUID] | None = None
) -> list[DueCommand]:
    """Takes open commands of these kinds that are due, the longest waiting first or among `ids`, for the time of `lease`. Kinds
    that a newer version has given are left to its processes."""
    only, parameters = ("", {}) if ids is None else (ONLY, {"ids": list(ids)})
    given = {"kinds": [kind.value for kind in kinds], "limit": limit, "lease": lease, **parameters}
    rows = await session.execute(text(CLAIM.format(only=only)), given)
    known = {kind.value: kind for kind in kinds}
    return [DueCommand(row.id, row.org_id, row.enrollment_id, known[row.kind], row.detail, row.attempts) for row in rows]


async def mark_commands(session: AsyncSession, results: Mapping[UUID, CommandOutcome | Postponed]) -> None:
    """Writes what became of these commands. A command that has an outcome already keeps it."""
    if not results:
        return
    ends = [result if isinstance(result, CommandOutcome) else None for result in results.values()]
    waits = [result if isinstance(result, Postponed) else None for result in results.values()]
    await session.execute(text(LOCK), {"ids": list(results)})
    await session.execute(
        text(MARK),
        {
            "ids": list(results),
            "outcomes": [end and end.value for end in ends],
            "delays": [wait and wait.delay for wait in waits],
            "errors": [wait and wait.error[:500] for wait in waits],
        },
    )

"""What each kind of command does in the rows. Its workflow is told by the delivery, which is the same for all kinds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from models.commands.command import DueCommand
from models.sequences.enrollment import Enrollment


@dataclass(frozen=True)
class Asked:
    """What the caller gave with the command. `reason` is what a person wrote: rows may have it, Temporal never does. `detail`
    holds ids and times of the kind's own, which travel."""

    reason: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


class CommandHandler(Protocol):
    """One for each kind, named in `services/commands/registry.py`."""

    async def hold(self, session: AsyncSession, enrollment: Enrollment, asked: Asked) -> bool:
        """Writes what makes the command count from the commit on, before any workflow knows of it. The enrollment is locked and
        not over. Returns False when this was asked before, so that no further command is needed."""

    async def without_workflow(self, session: AsyncSession, command: DueCommand) -> None:
        """Does in the rows what the workflow would have done. Temporal runs no workflow for this enrollment: it has not started
        yet, has just ended, or is gone."""

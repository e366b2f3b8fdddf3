"""Asks something of an enrollment: to stop it, and later to pause, resume or move it or to opt its contact out.

`issue` writes the command and whatever makes it hold, in the caller's transaction. Once that is committed the command counts,
with Temporal up or down. Afterwards hand `command_id` to `CommandDelivery.deliver`; if that fails, the sweeper delivers it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.commands.command import Command, CommandKind
from models.errors import Conflict, ConflictCode
from models.sequences.enrollment import ACTIVE, Enrollment, get_enrollment
from services.commands.handler import Asked, CommandHandler
from services.commands.registry import HANDLERS


class Issued(NamedTuple):
    """The enrollment as it is now. `command_id` is None when it was asked already, so that there is nothing to deliver."""

    enrollment: Enrollment
    command_id: UUID | None


async def issue(
    session: AsyncSession,
    org_id: UUID,
    enrollment_id: UUID,
    kind: CommandKind,
    asked: Asked = Asked(),  # noqa: B008 - it is frozen
    handlers: Mapping[CommandKind, CommandHandler] = HANDLERS,
) -> Issued:
    """Raises NotFound for another organization's enrollment, and Conflict for one that is over. Asking a second time changes
    nothing."""
    enrollment = await get_enrollment(session, org_id, enrollment_id, lock=True)
    if enrollment.state not in ACTIVE:
        raise Conflict(ConflictCode.ENROLLMENT_OVER, f"The enrollment is over already: it is {enrollment.state}.")
    if not await handlers[kind].hold(session, enrollment, asked):
        return Issued(enrollment, None)
    detail: dict[str, Any] = dict(asked.detail)
    command = Command(org_id=org_id, enrollment_id=enrollment_id, kind=kind, detail=detail)
    session.add(command)
    await session.flush()
    return Issued(enrollment, command.id)

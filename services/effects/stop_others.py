"""Stops other enrollments of people because a trigger has fired or a step says so."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.commands.many import Stopped, stop_enrollments


async def stop_others(
    session: AsyncSession,
    org_id: UUID,
    people: Sequence[tuple[UUID, UUID | None]],
    sequence_id: UUID | None = None,
    *,
    reason: str,
) -> list[Stopped]:
    """Stops the enrollments of these people in the sequence, or, with None, in all sequences. Each of `people` is a contact and
    the enrollment that goes on, or None when all of them stop.

    Each stop is a command, which holds once the caller has committed. Deliver `command_id` then (`services/effects/hints.py`);
    the sweeper delivers those that are not. It is safe to repeat: what was asked to stop before is not asked again.
    """
    return await stop_enrollments(session, org_id, people, sequence_id, reason)

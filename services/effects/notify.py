"""The effect `notify`: a team is told of people, by an action of a trigger or a step of a sequence."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.notifications.items import NotificationItemIn, add_items
from models.notifications.target import find_target
from safe_errors import OwnWords


class TargetGone(OwnWords):
    """There is no such notification target any more. Nothing was added."""


async def notify(session: AsyncSession, org_id: UUID, target_id: UUID, items: Sequence[NotificationItemIn]) -> None:
    """Adds the items in the caller's transaction, each cause once. Once that is committed, ring the sweeper of notifications:
    `Starter.ring_sweeper("notifications")`. Raises TargetGone."""
    if not await add_items(session, org_id, target_id, items):
        raise TargetGone("The notification target is gone: create it again, or name another one.")


async def find_target_id(session: AsyncSession, org_id: UUID, name_or_id: str | UUID) -> UUID | None:
    """Returns the id of the organization's target, or None when there is none or it was deleted."""
    found = await find_target(session, org_id, name_or_id)
    return found.id if found else None


async def target_problem(session: AsyncSession, org_id: UUID, name_or_id: str | UUID) -> str | None:
    """Says what is wrong with the target that an action or a step names, for its check at save and publish. None means that it
    can be notified."""
    if await find_target(session, org_id, name_or_id) is not None:
        return None
    return f"There is no notification target '{name_or_id}': create it first, or name another one."

"""What does an action of a trigger. There is one file of this package for each kind, and a line in `registry.py`.

The action `send` calls a channel, so it has an activity of its own. All others only touch the database.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from models.triggers.actions.base import Action
from models.triggers.due import DueFiring
from models.triggers.published import PublishedTrigger
from models.triggers.results import Results

ActionOf = TypeVar("ActionOf", bound=Action, contravariant=True)


@dataclass(frozen=True)
class Batch:
    """Firings of one trigger that have come to the action at the same position. No contact is among them twice."""

    trigger: PublishedTrigger
    position: int
    firings: Sequence[DueFiring]


async def nothing() -> None:
    """There is nothing to do after the commit."""


@dataclass(frozen=True)
class Taken:
    """There is one result for each firing of the batch. `after_commit` spares somebody the wait for a sweeper. It may be lost,
    and an error of it is logged and changes nothing."""

    results: Results
    after_commit: Callable[[], Awaitable[None]] = nothing


class Taking(Protocol[ActionOf]):
    """Does the action for all firings of the batch, set-based, in the caller's transaction, in which the results are recorded
    too: so it happens exactly once, whatever dies when.

    What cannot be done for one firing is its result. When an error is raised, nothing of the batch has happened, and it is tried
    again: for ever when something is away, and otherwise ten times.
    """

    async def take(self, session: AsyncSession, batch: Batch, action: ActionOf) -> Taken: ...

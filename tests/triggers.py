"""Triggers under test: people who have clicked, and the machine that does the actions."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.actions.base import Taking
from activities.actions.registry import build_actions
from activities.run_triggers import RunTriggers
from models.contacts.contact import Contact
from models.database import Database
from models.wire.sweeper import SweepRequest, SweepResult
from services.commands.deliver import CommandDelivery
from services.effects.hints import Hints
from services.starter import Starter
from tests.rows import Rows

ACTIONS = "SELECT position, kind, outcome, reason FROM firing_action ORDER BY firing_id, position"
TAG: dict[str, Any] = {"kind": "tag", "tags": ["hot"]}
SET: dict[str, Any] = {"kind": "set_field", "field": "properties.interest", "value": "spring"}


class Machine:
    """The activity `run_triggers` with the real actions. `outside` are the contacts that are in no segment, and `asked` those of
    whom a segment was asked."""

    def __init__(self, database: Database, client: Client) -> None:
        self.database = database
        hints = Hints(Starter(database, client), CommandDelivery(database, client))
        self.actions: dict[str, Taking[Any]] = dict(build_actions(hints))
        self.outside: set[UUID] = set()
        self.asked: list[set[UUID]] = []
        self.interval: timedelta | None = None

    async def matching(self, _session: AsyncSession, _org: UUID, _segment: UUID, contacts: Collection[UUID]) -> set[UUID]:
        self.asked.append(set(contacts))
        return set(contacts) - self.outside

    async def run(self) -> SweepResult:
        activity = RunTriggers(self.database, self.actions, self.matching, self.interval)
        return await ActivityEnvironment().run(activity.run_triggers, SweepRequest(woken=True))

    async def make_due(self) -> None:
        """Time goes by: leases end, and what was postponed is due."""
        async with self.database.transaction() as session:
            await session.execute(text("UPDATE firing SET due_at = now() - interval '1 second' WHERE finished_at IS NULL"))


async def fire(
    made: Rows, actions: Sequence[Mapping[str, Any]] = (TAG, SET), people: int = 1, clicks: int = 1, **fields: Any
) -> list[Contact]:
    """People who have clicked the link of a campaign's trigger."""
    campaign = await made.campaign()
    await made.trigger([campaign.content_id], [dict(each) for each in actions], campaign_id=campaign.id, **fields)
    contacts = [await made.contact() for _ in range(people)]
    for contact in contacts:
        message = await made.message(campaign.content_id, contact)
        for _ in range(clicks):
            await made.click(message)
    return contacts

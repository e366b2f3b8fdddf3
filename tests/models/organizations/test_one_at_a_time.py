"""What an organization may have at most, when transactions add at the same moment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.channels import channel
from models.channels.channel import Channel, ChannelKind, Medium, add_channel
from models.database import Database
from models.errors import Conflict
from models.notifications import target
from models.notifications.target import NotificationTarget, add_target
from models.organizations import link_domain
from models.organizations.link_domain import LinkDomain, claim_domain
from models.organizations.organization import Organization

MOST, AT_ONCE = 3, 4


async def make_channel(session: AsyncSession, org_id: UUID, number: int) -> None:
    made = Channel(org_id=org_id, name=f"own-{number}", kind=ChannelKind.SIMULATOR, medium=Medium.SMS)
    await add_channel(session, made)


async def make_domain(session: AsyncSession, org_id: UUID, number: int) -> None:
    await claim_domain(session, org_id, f"go{number}.shop.test")


async def make_target(session: AsyncSession, org_id: UUID, number: int) -> None:
    await add_target(session, NotificationTarget(org_id=org_id, name=f"{number}", service="slack", shown=""))


@pytest.mark.parametrize(
    ("make", "table"), [(make_channel, Channel), (make_domain, LinkDomain), (make_target, NotificationTarget)]
)
async def test_transactions_at_the_same_moment_do_not_pass_the_most(
    database: Database,
    organization: tuple[Organization, str],
    make: Callable[[AsyncSession, UUID, int], Awaitable[None]],
    table: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module, name in ((channel, "MAX_CHANNELS"), (link_domain, "MAX_DOMAINS"), (target, "MOST_TARGETS")):
        monkeypatch.setattr(module, name, MOST)
    org_id, together = organization[0].id, asyncio.Barrier(AT_ONCE)

    async def one(number: int) -> None:
        async with database.transaction() as session:
            await session.connection()
            await together.wait()
            await make(session, org_id, number)

    results = await asyncio.gather(*map(one, range(AT_ONCE)), return_exceptions=True)
    assert {type(each) for each in results} == {type(None), Conflict}
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(table).where(table.org_id == org_id)) == MOST

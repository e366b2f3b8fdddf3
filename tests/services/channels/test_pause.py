"""Pausing channels."""

from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col
from structlog.testing import capture_logs

from models.base import now
from models.channels.channel import Channel, channels_by_name
from models.database import Database
from models.organizations.audit_log import AuditLog
from models.organizations.organization import Organization
from services.channels.pause import pause_channel


@pytest.fixture
async def channel_id(database: Database, organization: tuple[Organization, str]) -> UUID:
    async with database.transaction() as session:
        return (await channels_by_name(session, organization[0].id))["simulator-sms"].id


async def read(database: Database, channel_id: UUID) -> Channel:
    async with database.transaction() as session:
        return await session.get_one(Channel, channel_id)


async def test_a_channel_that_is_paused_keeps_its_first_reason(database: Database, channel_id: UUID) -> None:
    for reason, first in (("The password is wrong.", True), ("Another reason.", False)):
        async with database.transaction() as session:
            assert await pause_channel(session, channel_id, reason) is first
    channel = await read(database, channel_id)
    assert channel.paused_at is not None
    assert channel.pause_reason == "The password is wrong."
    async with database.transaction() as session:
        paused = (await session.scalars(select(AuditLog).where(col(AuditLog.action) == "channels.pause"))).all()
    assert [each.target_id for each in paused] == [str(channel_id)]


async def test_what_a_provider_says_of_somebody_is_in_no_log(database: Database, channel_id: UUID) -> None:
    with capture_logs() as lines:
        async with database.transaction() as session:
            await pause_channel(session, channel_id, "The provider answered 403 with the code no credit for canary@example.com.")
    assert [line["event"] for line in lines] == ["a channel was paused"]
    assert "canary" not in repr(lines)


async def test_an_archived_channel_is_not_paused(database: Database, channel_id: UUID) -> None:
    async with database.transaction() as session:
        (await session.get_one(Channel, channel_id)).archived_at = now()
    async with database.transaction() as session:
        assert not await pause_channel(session, channel_id, "The password is wrong.")
    assert (await read(database, channel_id)).paused_at is None

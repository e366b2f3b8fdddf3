"""Channels that are paused, fail their test or are called by strangers are named to their organization, with what to change."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from api.callbacks.callbacks import WhyRefused
from api.handling.services import Services
from models.base import now
from models.channels.channel import Channel, ChannelKind
from models.channels.troubled import paused_channels
from models.database import Database
from models.messages.message import MessageState
from models.organizations.organization import create_organization
from tests.builders import Caller
from tests.rows import Rows


@pytest.fixture
def rows(made: Rows) -> Rows:
    return made


async def read(api: Caller, path: str = "/diagnostics") -> dict[str, dict[str, Any]]:
    answer = await api.get(path)
    assert answer.status_code == 200, answer.text
    return {each["code"]: each for each in answer.json()["findings"]}


async def sms(api: Caller) -> UUID:
    items = (await api.get("/channels")).json()["items"]
    return UUID(next(each["id"] for each in items if each["name"] == "simulator-sms"))


async def change(database: Database, channel_id: UUID, **values: Any) -> None:
    async with database.transaction() as session:
        channel = await session.get_one(Channel, channel_id)
        for name, value in values.items():
            setattr(channel, name, value)


PAUSED = {"paused_at": now() - timedelta(hours=3), "pause_reason": "The password is wrong."}


async def test_a_paused_channel_is_named_with_its_reason_to_its_organization_alone(api: Caller, database: Database) -> None:
    channel_id = await sms(api)
    await change(database, channel_id, **PAUSED)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    found = (await read(api))["channel_paused"]
    assert found["severity"] == "problem"
    assert found["sentence"].startswith("The channel 'simulator-sms' has been paused for 3 hours")
    assert found["sentence"].endswith("The password is wrong.")
    assert f"POST /v1/channels/{channel_id}/resume" in found["what_to_change"]
    assert "channel_paused" not in await read(api.with_key(key))


async def test_campaigns_and_sequences_name_the_channels_that_they_send_by(api: Caller, rows: Rows, database: Database) -> None:
    campaign, sequence, channel_id = await rows.campaign(), await rows.sequence(), await sms(api)
    paths = (f"/campaigns/{campaign.id}/diagnostics", f"/sequences/{sequence.id}/diagnostics")
    assert ["channel_paused" in await read(api, path) for path in paths] == [False, False]
    await change(database, channel_id, **PAUSED)
    assert ["channel_paused" in await read(api, path) for path in paths] == [True, True]
    await change(database, channel_id, archived_at=now())
    assert ["channel_paused" in await read(api, path) for path in paths] == [False, False]


async def test_a_test_that_failed_is_named_until_one_goes_well(api: Caller, database: Database) -> None:
    channel_id = await sms(api)
    await change(database, channel_id, tested_at=now() - timedelta(minutes=5), test_error="log_in: the password is wrong.")
    assert (await read(api))["channel_test_failed"]["sentence"] == (
        "The last test of the channel 'simulator-sms' failed 5 minutes ago. log_in: the password is wrong."
    )
    await change(database, channel_id, test_error=None)
    assert "channel_test_failed" not in await read(api)


async def test_refused_callbacks_are_named_to_the_channels_organization_alone(
    api: Caller, database: Database, services: Services
) -> None:
    channel_id = await sms(api)
    for why in (WhyRefused.SIGNATURE, WhyRefused.SIGNATURE, WhyRefused.UNKNOWN_CHANNEL):
        services.callbacks.refusal(ChannelKind.SIMULATOR, channel_id, why)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    assert (await read(api))["callbacks_refused"]["count"] == 2
    assert "callbacks_refused" not in await read(api.with_key(key))


@pytest.mark.parametrize(
    ("reason", "code"), [("too_late", "messages_too_late"), ("channel_archived", "messages_of_archived_channel")]
)
async def test_messages_that_waited_in_vain_are_counted(api: Caller, rows: Rows, reason: str, code: str) -> None:
    campaign = await rows.campaign()
    await rows.message(campaign.content_id, await rows.contact(), MessageState.SKIPPED, reason=reason)
    assert (await read(api, f"/campaigns/{campaign.id}/diagnostics"))[code]["count"] == 1


async def test_health_counts_the_paused_channels_of_everybody_without_their_names(api: Caller, database: Database) -> None:
    await change(database, await sms(api), **PAUSED)
    found = (await api.client.get("/health/ready")).json()["degraded"]["channels"]
    assert found.startswith("1 channel paused, the first for 3 hours")
    assert "simulator" not in found
    await change(database, await sms(api), archived_at=now())
    assert "channels" not in (await api.client.get("/health/ready")).json()["degraded"]


async def test_paused_channels_are_found_by_their_index(database: Database) -> None:
    async with database.transaction() as session:
        assert (await paused_channels(session)).channels == 0
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = await session.scalars(text("EXPLAIN SELECT count(*) FROM channel WHERE paused_at IS NOT NULL"))
        assert "ix_channel_paused_at" in "\n".join(plan)

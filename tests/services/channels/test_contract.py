"""What every channel promises; each kind of the registry is held to it."""

from pathlib import Path

import pytest

from models.base import new_id
from models.channels.channel import channels_by_name
from models.database import Database
from models.organizations.organization import Organization
from services.channels.base import CannotAsk, Channel, Outgoing
from services.channels.registry import CHANNEL_TYPES
from tests.sending import Simulators

BESIDE = {"__init__", "base", "registry", "configure", "open_channels", "callback_address"}


@pytest.fixture
async def message(database: Database, organization: tuple[Organization, str]) -> Outgoing:
    async with database.transaction() as session:
        channel = (await channels_by_name(session, organization[0].id))["simulator-sms"]
    return Outgoing(new_id(), channel.id, "+4915112345678", None, "Hello: https://l.test/abc \N{WAVING HAND SIGN}")


@pytest.fixture
async def channel(database: Database, message: Outgoing) -> Channel:
    return await Simulators(database).get(message.channel_id)


async def test_a_message_that_was_never_sent_is_not_found(channel: Channel, message: Outgoing) -> None:
    try:
        assert await channel.find(message) is None
    except CannotAsk:
        pytest.skip("this provider cannot be asked")


async def test_a_message_that_was_sent_is_found_by_the_same_name(channel: Channel, message: Outgoing) -> None:
    receipt = await channel.send(message)
    assert receipt.provider_id
    try:
        assert await channel.find(message) == receipt
    except CannotAsk:
        pytest.skip("this provider cannot be asked")


def test_every_kind_of_the_registry_has_a_file_or_a_folder_of_its_own() -> None:
    folder = Path(__file__).parents[3] / "services" / "channels"
    names = {path.stem for path in folder.iterdir() if path.suffix == ".py" or path.is_dir()} - BESIDE - {"__pycache__"}
    assert names == {kind.value for kind in CHANNEL_TYPES}

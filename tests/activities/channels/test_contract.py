"""What every channel promises; each kind of the registry is held to it."""

from pathlib import Path

import pytest

from activities.channels.base import CannotAsk, Channel, Outgoing
from activities.channels.registry import build_channels
from models.base import new_id
from models.database import Database
from models.organizations.channel import ChannelKind, channels_by_name
from models.organizations.organization import Organization


@pytest.fixture(params=list(ChannelKind))
def channel(request: pytest.FixtureRequest, database: Database) -> Channel:
    return build_channels(database)[request.param]


@pytest.fixture
async def message(database: Database, organization: tuple[Organization, str]) -> Outgoing:
    async with database.transaction() as session:
        channel = (await channels_by_name(session, organization[0].id))["simulator-sms"]
    return Outgoing(new_id(), channel.id, "+4915112345678", None, "Hello: https://l.test/abc \N{WAVING HAND SIGN}")


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


def test_every_kind_is_in_the_registry(database: Database) -> None:
    assert set(build_channels(database)) == set(ChannelKind)


def test_every_kind_has_a_file_of_its_own() -> None:
    folder = Path(__file__).parents[3] / "activities" / "channels"
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "base", "registry"}
    assert files == {kind.value for kind in ChannelKind}

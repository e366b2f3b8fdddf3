"""A development server, whose targets can be on this machine."""

from collections.abc import AsyncIterator

import pytest

from settings import Settings
from tests.services.notifications.receiver import Receiver, receiver


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"allow_local_addresses": True})


@pytest.fixture
async def team() -> AsyncIterator[Receiver]:
    async with receiver() as found:
        yield found

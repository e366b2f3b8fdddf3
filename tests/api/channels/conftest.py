"""The API on a development server, whose channels may be on this machine."""

import pytest

from settings import Settings


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"allow_local_addresses": True})

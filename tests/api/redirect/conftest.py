"""The redirect on the test's own database."""

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from settings import Settings
from tests.api.redirect.contact import Contact, running


@pytest.fixture
async def contact(settings: Settings, temporal: Client) -> AsyncIterator[Contact]:
    async with running(settings, temporal) as contact:
        yield contact

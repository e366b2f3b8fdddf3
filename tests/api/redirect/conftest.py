"""The redirect on the test's own database."""

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from api.redirect.links import link_cache, personal_links
from settings import Settings
from tests.api.redirect.contact import Contact, running


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine too, a link that is not in memory is found."""
    monkeypatch.setattr(link_cache, "LOOK_UP_SECONDS", 20.0)
    monkeypatch.setattr(personal_links, "ASK_SECONDS", 20.0)


@pytest.fixture
async def contact(settings: Settings, temporal: Client) -> AsyncIterator[Contact]:
    async with running(settings, temporal) as contact:
        yield contact

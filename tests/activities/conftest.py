"""A provider that a test directs, and sending by it."""

import pytest

from models.database import Database
from models.organization import Organization
from tests.sending import Provider, Sending


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def sending(database: Database, organization: tuple[Organization, str], provider: Provider) -> Sending:
    """By the provider."""
    return Sending(database, organization[0], provider)


@pytest.fixture
def simulated(database: Database, organization: tuple[Organization, str]) -> Sending:
    """By the simulator."""
    return Sending(database, organization[0])

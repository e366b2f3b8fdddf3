"""What tests of diagnostics share."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from api.app import create_app
from api.handling.services import Services
from models.organizations.organization import Organization
from tests.builders import Caller


@pytest.fixture
async def with_services(organization: tuple[Organization, str]) -> AsyncIterator[Callable[[Services], Caller]]:
    """The API on services of the test's own."""
    clients = []

    def build(services: Services) -> Caller:
        app = create_app(services=services)
        app.state.services = services
        clients.append(httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.test"))
        return Caller(clients[-1], organization[1])

    yield build
    for client in clients:
        await client.aclose()

"""What several tests of the API share."""

import pytest

from models.database import Database
from models.organizations.organization import create_organization
from tests.builders import Caller


@pytest.fixture
async def stranger(api: Caller, database: Database) -> Caller:
    """Somebody of another organization."""
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    return api.with_key(key)

"""Connections as they are asked for."""

import pytest

from models.database import Database
from tests.clicks import rows

SETTING = "SELECT setting, source = 'client' FROM pg_settings WHERE name = 'synchronous_commit'"


@pytest.mark.parametrize("repeatable", [True, False])
async def test_only_commits_that_can_be_repeated_do_not_wait_for_the_disk(database_url: str, repeatable: bool) -> None:
    database = Database(database_url, pool_size=1, repeatable=repeatable)
    # The server of the tests waits for no disk in any case: what matters is who said so.
    assert await rows(database, SETTING) == [("off", repeatable)]
    await database.close()

"""Records when each key was last used, once a minute for all keys together and never while somebody waits."""

import asyncio
from datetime import datetime

import structlog

from models.base import now
from models.database import Database
from models.organizations.api_key import mark_used

log = structlog.get_logger()

PAUSE = 60.0


class KeyUses:
    def __init__(self) -> None:
        self._used: dict[str, datetime] = {}

    def note(self, key_id: str) -> None:
        self._used[key_id] = now()

    async def write(self, database: Database) -> None:
        """Writes all keys in one statement. A key that is not used again keeps what is written."""
        used, self._used = self._used, {}
        if used:
            async with database.transaction() as session:
                await mark_used(session, used)

    async def run(self, database: Database) -> None:
        """Runs for ever, until it is cancelled. A use that cannot be written is left out, because the next use says more."""
        while True:
            await asyncio.sleep(PAUSE)
            try:
                await self.write(database)
            except Exception as error:  # requests are answered in any case
                log.warning("last uses of keys not written", error=error)

"""Settles messages that nobody looks after any more, because their enrollment, campaign or firing is over. The channels are
asked about those whose sending was interrupted, so that what was accepted is recorded as accepted."""

import asyncio

from activities.delivery import Delivery
from models.database import Database
from models.messages import ledger, left_behind
from models.messages.message import Message

MOST = 50
"""Messages that one sweep asks about."""
AT_ONCE = 25
"""So a channel that does not answer holds a sweep up for a minute at most."""
MOST_PLANNED = 2000
"""Messages to be tried again whose enrollment or campaign one sweep looks at."""


class LeftBehind:
    def __init__(self, database: Database, delivery: Delivery) -> None:
        self._database = database
        self._delivery = delivery

    async def close_messages(self) -> int:
        """Returns for how many interrupted messages there is a result now. One whose channel does not answer is asked about again
        by a later sweep, for a day: then it is unknown. One that never arrived is closed and not sent."""
        async with self._database.transaction() as session:
            found = await left_behind.interrupted(session, MOST)
        gate = asyncio.Semaphore(AT_ONCE)

        async def attempt(message: Message) -> bool:
            async with gate:
                result = await self._delivery.ask(message)
                if result is None:
                    return False
                async with self._database.transaction() as session:
                    await ledger.record_results(session, [result])
                return True

        closed = sum(await asyncio.gather(*(attempt(message) for message in found)))
        async with self._database.transaction() as session:
            await left_behind.close_planned(session, MOST_PLANNED)
        return closed

"""Decides on held clicks while there are any, soon after nobody clicks their message any more, and then delivers them."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from api.http.within import within
from api.redirect.background.closing import finish, pause
from models.clicks.inbox import InboxClick, LinkOfRecipient
from safe_errors import describe
from services.clicks.held_clicks import HeldClicks

log = structlog.get_logger()

LOOK_PAUSE = 0.5
AWAY_PAUSE = 5.0
DECIDE_SECONDS = 20.0
"""Seconds after which a query has failed."""

Stored = Callable[[Sequence[InboxClick | LinkOfRecipient], Sequence[LinkOfRecipient]], None]


class Holds:
    """`stored` is what the journal calls after each commit. `then` is called with it, and with what was decided, as with clicks
    that were stored just now. What this process leaves undecided when it ends is decided by the worker's sweeper."""

    def __init__(self, held: HeldClicks, then: Stored) -> None:
        self._held = held
        self._then = then
        self._any, self._stop = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.problem: str | None = None

    def stored(self, clicks: Sequence[InboxClick], links: Sequence[LinkOfRecipient]) -> None:
        if any(click.held_until for click in clicks):
            self._any.set()
        self._then(clicks, links)

    def start(self) -> None:
        self._any.set()  # what an earlier process left
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Lets a decision end that is being made, because a query that is cut short would leave its connection open."""
        self._stop.set()
        self._any.set()
        await finish([self._task] if self._task else [])

    async def _run(self) -> None:
        while not self._stop.is_set():
            await self._any.wait()
            self._any.clear()
            try:
                await self._until_none_is_held()
                self.problem = None
            except Exception as error:  # the database is away, so it is tried again
                if self.problem is None:
                    log.warning("held clicks left for later", error=error)
                self.problem = describe(error)
                self._any.set()
                await pause(self._stop, AWAY_PAUSE)

    async def _until_none_is_held(self) -> None:
        while not self._stop.is_set() and await within(DECIDE_SECONDS, self._held.any()):
            await pause(self._stop, LOOK_PAUSE)
            decided = await within(DECIDE_SECONDS, self._held.decide())
            if decided.links:
                self._then(decided.links, decided.waking)

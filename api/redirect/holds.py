"""Decides on held clicks while there are any: soon after nobody clicks their message any more, and then goes on with them."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from activities.held_clicks import HeldClicks
from api.redirect.closing import finish, pause
from api.within import within
from models.click_inbox import InboxClick, LinkOfRecipient
from models.errors import first_line

log = structlog.get_logger()

LOOK_PAUSE = 0.5
AWAY_PAUSE = 5.0
DECIDE_SECONDS = 20.0
"""A database that takes longer has failed."""

Stored = Callable[[Sequence[InboxClick | LinkOfRecipient], Sequence[LinkOfRecipient]], None]


class Holds:
    """`stored` is what the journal calls after each commit; `then` hears of it, and of what was decided, as of clicks that were
    stored just now. What this process leaves undecided when it ends is decided by the worker's sweeper."""

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
        """Lets a decision that is being made end, because a query cut short would leave its connection open."""
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
            except Exception as error:  # the database is away: tried again
                if self.problem is None:
                    log.warning("held clicks left for later", error=str(error))
                self.problem = first_line(error)
                self._any.set()
                await pause(self._stop, AWAY_PAUSE)

    async def _until_none_is_held(self) -> None:
        while not self._stop.is_set() and await within(DECIDE_SECONDS, self._held.any()):
            await pause(self._stop, LOOK_PAUSE)
            decided = await within(DECIDE_SECONDS, self._held.decide())
            if decided.links:
                self._then(decided.links, decided.waking)

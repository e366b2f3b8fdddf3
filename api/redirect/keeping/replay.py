"""Brings clicks from the spool into PostgreSQL as soon as it answers again, by itself and in batches. It may be interrupted
anywhere: a file is removed after its last click is committed, and a click that is there already changes nothing."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol

import structlog

from api.redirect.keeping.frames import Damage
from api.redirect.keeping.inbox import Away, Inbox, Refused
from api.redirect.keeping.spool import Spool, SpoolFile
from api.redirect.keeping.spooled_click import SpooledClick
from models.clicks.inbox import InboxClick, LinkOfRecipient

log = structlog.get_logger()

PAUSE = 1.0
"""Seconds between two looks: for PostgreSQL after an outage, and for the files of dead processes."""
BATCH = 200
"""Clicks in one transaction: a few milliseconds in which the live clicks' commit may have to wait for the disk."""


class Counting(Protocol):
    """`counts` without importing the journal."""

    damaged: int


class Ledger(Protocol):
    """Who hears of it: the journal."""

    spool: Spool
    problem: str | None

    @property
    def counts(self) -> Counting: ...

    def replayed(self, clicks: Sequence[InboxClick], links: Sequence[LinkOfRecipient]) -> None: ...

    def is_back(self) -> None: ...

    def lose(self, click: InboxClick, why: str) -> None: ...


class Replay:
    def __init__(self, inbox: Inbox, ledger: Ledger) -> None:
        self.inbox = inbox
        self._ledger = ledger

    async def run(self) -> None:
        """Runs for ever."""
        try:
            while True:
                try:
                    await self._ledger.spool.check()
                    await self.round()
                except Away:
                    pass  # again after the pause
                except Exception as error:  # whatever the error is, the file is still there
                    log.error("spool not replayed", error=error)
                await asyncio.sleep(PAUSE)
        finally:
            await self.inbox.close()

    async def round(self) -> None:
        """Replays everything that is in the spool now. Raises Away."""
        if not await self._ledger.spool.adopt() and self._ledger.problem is None:
            return
        # Before the files are closed: while PostgreSQL is away, each look would make a new one.
        await self.inbox.connect()
        files = await self._ledger.spool.take()
        if not files:
            self._ledger.is_back()
        for file in files:
            await self._replay(file)

    async def _replay(self, file: SpoolFile) -> None:
        damage = Damage()
        payloads = file.payloads(damage)
        count = 0
        while batch := await asyncio.to_thread(_decoded, payloads, damage):
            await self._store(batch)
            count += len(batch)
        await self._ledger.spool.remove(file)
        self._ledger.counts.damaged += damage.spans
        if damage.spans or damage.tail:
            log.error("spool file was damaged", file=file.path.name, unreadable=damage.spans, bytes_at_the_end=damage.tail)
        log.info("spool file replayed", file=file.path.name, clicks=count)

    async def _store(self, batch: Sequence[SpooledClick]) -> None:
        clicks, waking = [each.click for each in batch], [each.click for each in batch if each.wakes]
        try:
            links = await self.inbox.store(clicks, waking)
        except Refused as error:
            if len(batch) == 1:
                return self._ledger.lose(clicks[0], str(error))
            for each in batch:
                await self._store([each])
            return None
        return self._ledger.replayed(clicks, links)


def _decoded(payloads: Iterator[bytes], damage: Damage) -> list[SpooledClick]:
    """Returns the next clicks, and nothing at the end of the file."""
    found: list[SpooledClick] = []
    while not found and (batch := list(islice(payloads, BATCH))):
        for payload in batch:
            try:
                found.append(SpooledClick.decode(payload))
            except (ValueError, KeyError, AttributeError, TypeError):
                damage.spans += 1
    return found

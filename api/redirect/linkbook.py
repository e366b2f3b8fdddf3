"""Where each token leads, from memory: all contents with their links, and the switches that count at the time of a click."""

import asyncio
import contextlib
import time
from typing import NamedTuple
from uuid import UUID

import structlog

from models import linkbook
from models.database import Database
from models.linkbook import ContentRow
from tracking.destination import DestinationError, check_destination
from tracking.token import Token

log = structlog.get_logger()

REFRESH_SECONDS = 0.5
"""A switched off metadata setting is honoured after this time and one query."""
PAGE = 2_000
LOOK_UP_SECONDS = 2.0
UNKNOWN_SECONDS = 2.0
UNKNOWN_LIMIT = 10_000
"""So many contents that do not exist are remembered as such, for 2 seconds each."""


class LinkbookUnavailable(Exception):
    """The destination is not in memory and the database cannot be asked."""


class Destination(NamedTuple):
    """`url` as it was stored. `wakes`: something waits for a click here. `metadata`: the organization keeps it. `alone`: its
    message has no other link."""

    url: str
    wakes: bool
    metadata: bool
    alone: bool = True


class Entry(NamedTuple):
    """One content, small: `urls` by position (None: no such link), `merge` and `wakes` as bits by position."""

    org_id: UUID
    urls: tuple[str | None, ...]
    merge: int
    wakes: int


class Linkbook:
    """Loaded and kept fresh by `run()`; a content that is not there yet is looked up once and then known."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._entries: dict[int, Entry] = {}
        self._newest = 0
        self._organizations: dict[UUID, UUID] = {}
        self._without_metadata: frozenset[UUID] = frozenset()
        self._unknown: dict[int, float] = {}
        self._asking: dict[int, asyncio.Task[Entry | None]] = {}
        self.loaded = False
        self.problem: str | None = "the links are not loaded yet"

    async def run(self) -> None:
        """For ever: keep the book as the database has it. While the database is away, what is known stays valid."""
        while True:
            with contextlib.suppress(Exception):  # kept in `problem`, and tried again
                await self.refresh()
            await asyncio.sleep(REFRESH_SECONDS)

    async def refresh(self) -> None:
        """New contents and the organizations' switches; the first time, everything."""
        try:
            async with self._database.session() as session:
                self._without_metadata = await linkbook.organizations_without_metadata(session)
                while contents := await linkbook.contents_after(session, self._newest, PAGE):
                    for content in contents:
                        self._add(content)
                    self._newest = contents[-1].id
                    if len(contents) < PAGE:
                        break
        except Exception as error:
            if self.problem is None:
                log.warning("linkbook not refreshed, what is known stays valid", error=str(error))
            self.problem = str(error).splitlines()[0]
            raise
        self.loaded, self.problem = True, None

    async def find(self, token: Token) -> Destination | None:
        """None: there is no such link. LinkbookUnavailable: nobody can say now."""
        entry = self._entries.get(token.content_id)
        if entry is None:
            entry = await self._ask(token.content_id)
        if entry is None or token.position >= len(entry.urls):
            return None
        bit = 1 << token.position
        url = await self._personal(token) if entry.merge & bit else entry.urls[token.position]
        if url is None or not _leads_somewhere(url):
            return None
        return Destination(url, bool(entry.wakes & bit), entry.org_id not in self._without_metadata, len(entry.urls) == 1)

    async def _ask(self, content_id: int) -> Entry | None:
        """One question for each content, however many clicks wait for the answer."""
        if self._unknown.get(content_id, 0.0) > time.monotonic():
            return None
        if content_id not in self._asking:
            task = self._asking[content_id] = asyncio.create_task(self._look_up(content_id))
            task.add_done_callback(lambda _: self._asking.pop(content_id, None))
        return await asyncio.shield(self._asking[content_id])

    async def _look_up(self, content_id: int) -> Entry | None:
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS), self._database.session() as session:
                # The switches as well: the content may belong to an organization that is a moment old.
                self._without_metadata = await linkbook.organizations_without_metadata(session)
                content = await linkbook.one_content(session, content_id)
        except Exception as error:  # whatever it is, the database cannot be asked
            raise LinkbookUnavailable(str(error)) from error
        if content is None:
            self._remember_unknown(content_id)
            return None
        return self._add(content)

    async def _personal(self, token: Token) -> str | None:
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS), self._database.session() as session:
                return await linkbook.personal_url(session, *token)
        except Exception as error:  # whatever it is, the database cannot be asked
            raise LinkbookUnavailable(str(error)) from error

    def _add(self, content: ContentRow) -> Entry:
        urls: list[str | None] = [None] * (max((link.position for link in content.links), default=-1) + 1)
        for link in content.links:
            urls[link.position] = link.url
        merge = sum(1 << link.position for link in content.links if link.merge)
        wakes = sum(1 << position for position in set(content.wakes))
        # One object for each organization, not one for each content.
        org_id = self._organizations.setdefault(content.org_id, content.org_id)
        entry = self._entries[content.id] = Entry(org_id, tuple(urls), merge, wakes)
        return entry

    def _remember_unknown(self, content_id: int) -> None:
        self._unknown.pop(content_id, None)
        if len(self._unknown) >= UNKNOWN_LIMIT:
            del self._unknown[next(iter(self._unknown))]  # the oldest one
        self._unknown[content_id] = time.monotonic() + UNKNOWN_SECONDS


def _leads_somewhere(url: str) -> bool:
    """The second judgement of every destination: what got into the table past the first one leads nowhere."""
    try:
        check_destination(url)
    except DestinationError as error:
        log.error("destination refused", url=url, error=str(error))
        return False
    return True

"""Tells where each token leads, from memory: all contents with their links, and the switches that count at the time of a
click."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from api.http.within import within
from api.redirect.background.closing import pause
from api.redirect.background.condition import Condition
from api.redirect.links.link_cache_snapshot import LinkCacheSnapshot
from api.redirect.links.link_entry import LinkEntry, link_of, pack
from api.redirect.links.personal_links import PersonalLinks, PersonalUnknown
from models.database import Database
from models.links import link_cache as link_cache
from models.links.link_cache import ContentRow
from safe_errors import OwnWords, describe
from tracking.templates.merge import without_fields
from tracking.tokens.token import Token

log = structlog.get_logger()

REFRESH_SECONDS = 0.5
"""Seconds, plus one query, after which a switched off metadata setting is honoured."""
PAGE = 2_000
ANSWER_SECONDS = 10.0
"""Seconds after which a query of the refresh has failed."""
SAVE_SECONDS = 5.0
SAVE_PAUSE = 0.1
"""Seconds, plus one fsync, after which a new content is on disk."""
LOOK_UP_SECONDS = 2.0
"""The longest time that a contact waits for a link that is not in memory."""
LATE_SECONDS, LATE_IDS = 120.0, 1_000
"""A content may appear this long after one with a later id, and this many ids below it."""
UNKNOWN_SECONDS = 2.0
UNKNOWN_LIMIT = 10_000
"""The most contents that do not exist and are remembered as such, for 2 seconds each."""


class LinkCacheUnavailable(OwnWords):
    """The content is not in memory and the database cannot be asked."""


class Destination(NamedTuple):
    """`url` is as it was stored, and None when it is the recipient's own and cannot be asked for now. `wakes` says that something
    waits for a click here. `metadata` says that the organization keeps it. `alone` says that its message has no other link.
    `org_id` is the link's organization."""

    url: str | None
    wakes: bool
    metadata: bool
    org_id: bytes
    alone: bool = True


class LinkCache:
    """The links, loaded and kept fresh by `run()`. A content that is not there yet is looked up once and then known.

    `snapshot` is where they are kept for a start without PostgreSQL; with None they are not kept.
    """

    def __init__(self, database: Database, snapshot: LinkCacheSnapshot | None = None) -> None:
        self._database = database
        self._entries: dict[int, bytes] = {}  # see `link_entry.py`
        self._order = CommitOrder()
        self._new: dict[int, bytes] = {}  # not on disk yet
        # None means that the switches are not known, so nobody's metadata is kept.
        self._without_metadata: frozenset[bytes] | None = None
        self._unsaved_contents = self._unsaved_switches = False
        self._save_at = 0.0
        self._unknown: dict[int, float] = {}
        self._asking: dict[int, asyncio.Task[bytes | None]] = {}
        self.snapshot = snapshot
        self.loaded = False
        self._personal = PersonalLinks(database)
        self._condition = Condition("refresh", "the links are not loaded yet")

    @property
    def problem(self) -> str | None:
        return self._condition.problem

    async def load_snapshot(self) -> None:
        """Loads the links as an earlier process has left them. Whatever PostgreSQL says later replaces them."""
        if self.snapshot is None:
            return
        found = await asyncio.to_thread(self.snapshot.load)
        if found.saved_at is None:
            return
        self._entries, self._without_metadata, self.loaded = found.entries, found.without_metadata, True
        self._condition.from_disk("the links")
        log.info("link_cache read from disk", contents=len(found.entries), seconds_old=round(time.time() - found.saved_at))

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, keeps the cache as the database has it, and the disk as the cache has it. While the database is away,
        what is known stays valid, and a silent database does not keep the disk waiting."""
        await asyncio.gather(self._refreshing(stop), self._saving(stop))

    async def _refreshing(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with contextlib.suppress(Exception):  # it is kept in `problem`, and tried again
                await self.refresh()
            await pause(stop, REFRESH_SECONDS)

    async def _saving(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.save()
            await pause(stop, SAVE_PAUSE)
        await self.save()

    async def refresh(self) -> None:
        """Reads new contents and the organizations' switches, and everything the first time."""
        try:
            async with self._database.session() as session:
                async with asyncio.timeout(ANSWER_SECONDS):
                    self._switch(await link_cache.organizations_without_metadata(session))
                    if late := self._order.missing():
                        self._take(await link_cache.contents_of(session, late))
                while await self._next_page(session) == PAGE:
                    pass
        except Exception as error:
            self._condition.bad(error, "link_cache not refreshed, what is known stays valid")
            raise
        self._condition.good()
        self.loaded = True

    async def _next_page(self, session: AsyncSession) -> int:
        async with asyncio.timeout(ANSWER_SECONDS):
            contents = await link_cache.contents_after(session, self._order.newest, PAGE)
        self._take(contents)
        return len(contents)

    def _take(self, contents: Sequence[ContentRow]) -> None:
        for content in contents:
            self._add(content)
            self._order.seen(content.id)

    async def save(self) -> None:
        """Writes changes to disk: switches and new contents at once, and all contents as one file at most every 5 seconds and for
        5 % of the time."""
        if self.snapshot is None:
            return
        if self._unsaved_switches and self._without_metadata is not None:
            self._unsaved_switches = False
            await asyncio.to_thread(self.snapshot.save_switches, self._without_metadata)
            self._unsaved_switches |= self.snapshot.problem is not None
        start = time.monotonic()
        if self._unsaved_contents and start >= self._save_at:
            self._unsaved_contents, self._new = False, {}
            appended = self.snapshot.begin_contents()
            await asyncio.to_thread(self.snapshot.save_contents, self._entries.copy(), appended)
            self._unsaved_contents |= self.snapshot.problem is not None
            self._save_at = time.monotonic() + max(SAVE_SECONDS, 20 * (time.monotonic() - start))
        elif self._new:
            new, self._new = self._new, {}
            await asyncio.to_thread(self.snapshot.append_contents, new)

    def known(self, token: Token) -> Destination | None:
        """Answers from memory alone. Returns None when there is no such link, or when `find` has to ask for it."""
        entry = self._entries.get(token.content_id)
        link = link_of(entry, token.position) if entry is not None else None
        return self._destination(link, link.url) if link and not link.merge else None

    async def find(self, token: Token) -> Destination | None:
        """Returns None when there is no such link. Raises LinkCacheUnavailable when nobody can say now."""
        entry = self._entries.get(token.content_id)
        if entry is None:
            entry = await self._ask(token.content_id)
        link = link_of(entry, token.position) if entry is not None else None
        if link is None:
            return None
        return await self._own(token, link) if link.merge else self._destination(link, link.url)

    def _destination(self, link: LinkEntry, url: str | None) -> Destination:
        metadata = self._without_metadata is not None and link.org_id not in self._without_metadata
        return Destination(url, link.wakes, metadata, link.org_id, link.alone)

    async def _own(self, token: Token, link: LinkEntry) -> Destination | None:
        """Returns the recipient's destination. While the database is away, a link whose merge fields all stand in the query leads
        on without them."""
        try:
            url = await self._personal.find(token)
        except PersonalUnknown as error:
            url = without_fields(link.url)
            log.warning("a recipient's own address is not known now", content_id=token.content_id, error=error)
            return self._destination(link, url)
        return self._destination(link, url) if url is not None else None

    def keeps_metadata(self, org_id: UUID) -> bool:
        return self._without_metadata is not None and org_id.bytes not in self._without_metadata

    async def _ask(self, content_id: int) -> bytes | None:
        """Asks one question for each content, however many clicks wait for the answer."""
        if self._unknown.get(content_id, 0.0) > time.monotonic():
            return None
        if content_id not in self._asking:
            task = self._asking[content_id] = asyncio.create_task(self._look_up(content_id))
            task.add_done_callback(lambda _: self._asking.pop(content_id, None))
        return await asyncio.shield(self._asking[content_id])

    async def _look_up(self, content_id: int) -> bytes | None:
        try:
            content = await within(LOOK_UP_SECONDS, self._read(content_id))
        except Exception as error:  # whatever the error is, the database cannot be asked
            raise LinkCacheUnavailable(describe(error)) from error
        if content is None:
            self._remember_unknown(content_id)
            return None
        return self._add(content)

    async def _read(self, content_id: int) -> ContentRow | None:
        async with self._database.session() as session:
            # The switches are read too, because the content may belong to an organization that is a moment old.
            self._switch(await link_cache.organizations_without_metadata(session))
            return await link_cache.one_content(session, content_id)

    def _switch(self, organizations: frozenset[UUID]) -> None:
        without = frozenset(each.bytes for each in organizations)
        if without != self._without_metadata:
            self._without_metadata, self._unsaved_switches = without, True

    def _add(self, content: ContentRow) -> bytes:
        entry = pack(content)
        if self._entries.get(content.id) != entry:
            self._entries[content.id] = self._new[content.id] = entry
            self._unsaved_contents = True
        return entry

    def _remember_unknown(self, content_id: int) -> None:
        self._unknown.pop(content_id, None)
        if len(self._unknown) >= UNKNOWN_LIMIT:
            del self._unknown[next(iter(self._unknown))]  # the oldest one
        self._unknown[content_id] = time.monotonic() + UNKNOWN_SECONDS


class CommitOrder:
    """Contents appear in the order of their commits and not of their ids. An id that is missing below the newest one may still
    come, until nobody's transaction can be that old."""

    def __init__(self) -> None:
        self.newest = 0
        self._until: dict[int, float] = {}

    def seen(self, content_id: int) -> None:
        self._until.pop(content_id, None)
        until = time.monotonic() + LATE_SECONDS
        for missing in range(max(self.newest + 1, content_id - LATE_IDS), content_id):
            self._until[missing] = until
        self.newest = max(self.newest, content_id)

    def missing(self) -> list[int]:
        now = time.monotonic()
        self._until = {content_id: until for content_id, until in self._until.items() if until > now}
        return list(self._until)

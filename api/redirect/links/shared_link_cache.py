"""Shared links and link domains in memory: what a redirect knows beside the links of messages."""

import asyncio
import contextlib
import re
import time
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import orjson
import structlog
from pydantic import TypeAdapter

from api.http.within import within
from api.redirect.background.closing import finish, pause
from api.redirect.background.condition import Condition
from api.redirect.keeping.disk import replace_file
from models.database import Database
from models.links.shared_link import OVERLAP, SharedRow, changed_shared_links
from models.organizations.link_domain import Holder, holders
from tracking.links.destination import DestinationError, check_destination
from tracking.links.hosts import Endpoint, ServerHosts, as_host, endpoint_of, is_asked_for

log = structlog.get_logger()

AGAIN_SECONDS = 1.0
"""Seconds until a disk that failed is tried again."""
ANSWER_SECONDS = 5.0
"""Seconds of silence after which a database counts as away."""
LOOKS = 120
"""How many times a change is read again, for a minute in all: see `OVERLAP`."""
REFRESH_SECONDS = 0.5
"""Seconds, plus two queries, after which a new link, a changed one and a new fallback are honoured."""
# Texts that phones take into a link behind it, as with tokens: see `tracking/tokens/token.py`.
_SLUG = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]{2,62})[.,);!?'\"\]>/]*(?:[^\x00-\x7f].*)?", re.ASCII | re.DOTALL)


_ROWS, _HOLDERS = TypeAdapter(SharedRow), TypeAdapter(Holder)
_Key = tuple[UUID | None, str, str]


class Shared(NamedTuple):
    org_id: UUID
    content_id: int
    url: str


class SharedLinkCache:
    """Kept fresh by `run()`. While the database is away, what is known stays valid. An unknown slug causes no query."""

    def __init__(self, database: Database, path: Path, server: ServerHosts) -> None:
        """`path` is the file from which a process that starts without a database reads what was known before. `server` are the
        hosts on which this server is reached."""
        self._database = database
        self._path = path
        self._server = server
        self._links: dict[_Key, SharedRow] = {}
        self._holders: dict[str, Holder] = {}
        self._newest: datetime | None = None
        self._looks = 0  # how often `_newest` has stayed the same
        self._unsaved = asyncio.Event()
        self._condition = Condition("refresh", "the shared links are not loaded yet")
        self._disk: str | None = None
        self.loaded = False

    @property
    def problem(self) -> str | None:
        return self._condition.problem or self._disk

    async def run(self, stop: asyncio.Event) -> None:
        saving = [asyncio.create_task(self._save_for_ever(stop))]
        try:
            while not stop.is_set():
                with contextlib.suppress(Exception):  # kept in `problem`, and tried again
                    await self.refresh()
                await pause(stop, REFRESH_SECONDS)
        finally:
            self._unsaved.set()
            await finish(saving)

    async def refresh(self) -> None:
        """Reads what has changed, and everything the first time."""
        try:
            found, changed = await within(ANSWER_SECONDS, self._read())
        except Exception as error:
            self._condition.bad(error, "shared links not refreshed, what is known stays valid")
            raise
        self._condition.good()
        before = self._newest
        if before is None and self._links:  # the disk is never trusted over the database: its links can be of another database
            self._links = {}
            self._unsaved.set()
        for row in changed:
            self._put(row)
        self._looks = self._looks + 1 if self._newest == before else 0
        if found != self._holders or not self.loaded:
            self._holders = found
            self._unsaved.set()
        self.loaded = True

    async def _read(self) -> tuple[dict[str, Holder], Sequence[SharedRow]]:
        since = self._newest if self._newest is None or self._looks >= LOOKS else self._newest - OVERLAP
        async with self._database.session() as session:
            return {holder.host: holder for holder in await holders(session)}, await changed_shared_links(session, since)

    def restore(self) -> None:
        """Loads what an earlier process of this machine knew. A missing or broken file counts as empty."""
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            saved = orjson.loads(self._path.read_bytes())
            rows = [_ROWS.validate_python(tuple(row.values())) for row in saved["links"]]
            found = [_HOLDERS.validate_python(tuple(holder.values())) for holder in saved["holders"]]
            self._holders = {holder.host: holder for holder in found}
            self._links = {_key(row): row for row in rows}
            self.loaded = True
            self._condition.from_disk("the shared links")

    async def save(self) -> bool:
        """Returns False when the disk does not take it, which has no other effect."""
        holders, links = ([row._asdict() for row in rows.values()] for rows in (self._holders, self._links))
        content = orjson.dumps({"holders": holders, "links": links})
        try:
            await asyncio.to_thread(replace_file, self._path, [content])
        except OSError as error:
            log.warning("shared links not saved to disk", error=error)
            self._disk = f"not saved to disk: {error}"
            return False
        self._disk = None
        return True

    async def _save_for_ever(self, stop: asyncio.Event) -> None:
        """Writes at every change, at most 5 % of the time, and at the end, whatever the database does meanwhile."""
        while not stop.is_set():
            await self._unsaved.wait()
            self._unsaved.clear()
            start = time.monotonic()
            if self.loaded and not await self.save():
                self._unsaved.set()
                await pause(stop, AGAIN_SECONDS)
            await pause(stop, 20 * (time.monotonic() - start))
        if self.loaded:
            await self.save()

    def find(self, host: str, path: str) -> Shared | None:
        """Returns the link of this slug on this host: one of whoever holds the host, or of the server's own domain when nobody
        does."""
        match = _SLUG.fullmatch(path)
        if match is None:
            return None
        holder = self._holders.get(as_host(host))
        row = self._links.get((holder.org_id, holder.host, match[1]) if holder else (None, "", match[1]))
        if row is None or not row.live or not self.leads_away(row.url, host):
            return None
        return Shared(row.org_id, row.content_id, row.url)

    def fallback(self, host: str) -> str | None:
        """Returns where unknown links on this host lead, or None when there is no fallback."""
        holder = self._holders.get(as_host(host))
        url = holder.fallback_url if holder else None
        return url if url is not None and self.leads_away(url, host) else None

    def may_answer(self, host: str, org_id: bytes) -> bool:
        """Links of one organization do not answer on a host that another one holds, where they would borrow its name."""
        holder = self._holders.get(as_host(host))
        return holder is None or holder.org_id.bytes == org_id

    def leads_away(self, url: str, host: str) -> bool:
        """Whether the link may be followed. It may not when its address is invalid, or when a browser that follows it would come
        back to this server. It was checked when it was saved, but a host can become a link domain later, and a merge field can
        stand for one."""
        endpoint = _endpoint(url)
        if endpoint is None:
            return False
        return not (endpoint.host in self._holders or self._server.are(endpoint) or is_asked_for(endpoint, host))

    def _put(self, row: SharedRow) -> None:
        """A slug can have had several links, of which at most one is live: a newer one is never put out by an older one."""
        key = _key(row)
        known = self._links.get(key)
        if known != row:
            self._unsaved.set()
        if known is None or known.id == row.id or row.updated_at >= known.updated_at:
            self._links[key] = row
        self._newest = max(self._newest or row.updated_at, row.updated_at)


def _key(row: SharedRow) -> _Key:
    """On the server's own domain a slug is one link's, whoever made it; elsewhere each organization has its own slugs."""
    return (row.org_id, row.domain, row.slug) if row.domain else (None, "", row.slug)


@lru_cache(maxsize=4096)  # a judgement takes 20 to 40 microseconds, and most clicks are on few addresses
def _endpoint(url: str) -> Endpoint | None:
    """The second check of every destination: an address that got into the table in spite of the first check leads nowhere."""
    try:
        return endpoint_of(check_destination(url))
    except DestinationError as error:
        log.error("a stored destination is refused", error=error)
        return None

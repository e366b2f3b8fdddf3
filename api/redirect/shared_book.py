"""Shared links and link domains in memory: what a redirect knows beside the links of messages."""

import asyncio
import contextlib
import re
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import orjson
import structlog
from pydantic import TypeAdapter

from api.redirect.closing import finish, pause
from api.redirect.condition import Condition
from api.redirect.disk import replace_file
from api.within import within
from models.database import Database
from models.shared_link import OVERLAP, DomainRow, SharedRow, changed_shared_links, link_domains
from tracking.destination import DestinationError, check_destination
from tracking.hosts import as_host, host_of

log = structlog.get_logger()

AGAIN_SECONDS = 1.0
"""Until the disk is asked again that did not take them."""
ANSWER_SECONDS = 5.0
"""A database that does not answer for so long counts as away."""
LOOKS = 120
"""A change is read again so many times, a minute in all: see `OVERLAP`."""
REFRESH_SECONDS = 0.5
"""A new link, a changed one and a new fallback are honoured after this time and two queries."""
# What phones take into a link behind it, as with tokens: see `tracking/token.py`.
_SLUG = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]{2,62})[.,);!?'\"\]>/]*(?:[^\x00-\x7f].*)?", re.ASCII | re.DOTALL)


_ROWS = TypeAdapter(SharedRow)


class Shared(NamedTuple):
    org_id: UUID
    content_id: int
    url: str


class SharedBook:
    """Kept fresh by `run()`; while the database is away, what is known stays valid. An unknown slug asks nobody."""

    def __init__(self, database: Database, path: Path) -> None:
        """`path`: the file from which a process that starts without a database reads what was known before."""
        self._database = database
        self._path = path
        self._links: dict[tuple[str, str], SharedRow] = {}
        self._fallbacks: dict[str, str | None] = {}
        self._newest: datetime | None = None
        self._looks = 0  # how often `_newest` has stayed what it is
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
        """What has changed; the first time, everything."""
        try:
            found, changed = await within(ANSWER_SECONDS, self._read())
        except Exception as error:
            self._condition.bad(error, "shared links not refreshed, what is known stays valid")
            raise
        self._condition.good()
        before = self._newest
        if before is None and self._links:  # the disk is never the truth: its links can be of another database
            self._links = {}
            self._unsaved.set()
        for row in changed:
            self._put(row)
        self._looks = self._looks + 1 if self._newest == before else 0
        if found != self._fallbacks or not self.loaded:
            self._fallbacks = found
            self._unsaved.set()
        self.loaded = True

    async def _read(self) -> tuple[dict[str, str | None], Sequence[SharedRow]]:
        since = self._newest if self._newest is None or self._looks >= LOOKS else self._newest - OVERLAP
        async with self._database.session() as session:
            return fallbacks(await link_domains(session)), await changed_shared_links(session, since)

    def restore(self) -> None:
        """What an earlier process of this machine knew; a file that is missing or broken is as none."""
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            saved = orjson.loads(self._path.read_bytes())
            rows = [_ROWS.validate_python(tuple(row.values())) for row in saved["links"]]
            self._fallbacks = {str(host): url for host, url in saved["fallbacks"].items()}
            self._links = {(row.domain, row.slug): row for row in rows}
            self.loaded = True
            self._condition.from_disk("the shared links")

    async def save(self) -> bool:
        """False: the disk does not take it, which costs nothing else."""
        content = orjson.dumps({"fallbacks": self._fallbacks, "links": [row._asdict() for row in self._links.values()]})
        try:
            await asyncio.to_thread(replace_file, self._path, [content])
        except OSError as error:
            log.warning("shared links not saved to disk", error=str(error))
            self._disk = f"not saved to disk: {error}"
            return False
        self._disk = None
        return True

    async def _save_for_ever(self, stop: asyncio.Event) -> None:
        """At every change, at most 5 % of the time, and at the end; whatever the database does meanwhile."""
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
        """The link of this slug on this host. Slugs of the server's own domain are not known on an organization's."""
        match = _SLUG.fullmatch(path)
        if match is None:
            return None
        host = as_host(host)
        row = self._links.get((host, match[1])) or (self._links.get(("", match[1])) if host not in self._fallbacks else None)
        if row is None or not row.live or not _leads_somewhere(row.url):
            return None
        return Shared(row.org_id, row.content_id, row.url)

    def fallback(self, host: str) -> str | None:
        """Where unknown links on this host lead; None: nowhere."""
        url = self._fallbacks.get(as_host(host))
        return url if url is not None and _leads_somewhere(url) else None

    def _put(self, row: SharedRow) -> None:
        """A slug can have had several links, of which at most one is live: a newer one is never put out by an older one."""
        known = self._links.get((row.domain, row.slug))
        if known != row:
            self._unsaved.set()
        if known is None or known.id == row.id or row.updated_at >= known.updated_at:
            self._links[row.domain, row.slug] = row
        self._newest = max(self._newest or row.updated_at, row.updated_at)


def fallbacks(domains: Iterable[DomainRow]) -> dict[str, str | None]:
    """By host. A host that several organizations claim has none: nothing says whose an unknown link is."""
    found: dict[str, DomainRow] = {}
    claimed: set[str] = set()
    for row in domains:
        host = host_of(row.link_domain)
        if found.setdefault(host, row).org_id != row.org_id:
            claimed.add(host)
    return {host: None if host in claimed else row.fallback_url for host, row in found.items()}


def _leads_somewhere(url: str) -> bool:
    try:
        check_destination(url)
    except DestinationError as error:
        log.error("destination refused", url=url, error=str(error))
        return False
    return True

"""Shared links and link domains in memory: what a redirect knows beside the links of messages."""

import asyncio
import contextlib
import os
import re
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import orjson
import structlog
from pydantic import TypeAdapter

from api.redirect.closing import pause
from models.base import now
from models.database import Database
from models.shared_link import DomainRow, SharedRow, changed_shared_links, link_domains
from tracking.destination import DestinationError, check_destination
from tracking.hosts import as_host, host_of

log = structlog.get_logger()

SAVE_SECONDS = 5.0
ANSWER_SECONDS = 10.0
"""A refresh that takes longer has failed."""
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
        self._since: datetime | None = None
        self._unsaved = True
        self.loaded = False
        self._save_at = 0.0
        self.problem: str | None = "the shared links are not loaded yet"

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with contextlib.suppress(Exception):  # kept in `problem`, and tried again
                await self.refresh()
            await pause(stop, REFRESH_SECONDS)

    async def refresh(self) -> None:
        """What has changed; the first time, everything."""
        begin = now()
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._database.session() as session:
                found = fallbacks(await link_domains(session))
                self._fallbacks, self._unsaved = found, self._unsaved or found != self._fallbacks
                for row in await changed_shared_links(session, self._since):
                    self._put(row)
        except Exception as error:
            if self.problem is None:
                log.warning("shared links not refreshed, what is known stays valid", error=str(error))
            self.problem = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise
        self._since, self.loaded, self.problem = begin, True, None
        await self._save()

    def restore(self) -> None:
        """What an earlier process of this machine knew; a file that is missing or broken is as none."""
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            saved = orjson.loads(self._path.read_bytes())
            rows = [_ROWS.validate_python(tuple(row.values())) for row in saved["links"]]
            self._fallbacks = {str(host): url for host, url in saved["fallbacks"].items()}
            self._links = {(row.domain, row.slug): row for row in rows}
            self.loaded = True

    async def _save(self) -> None:
        """At most every 5 seconds. A disk that is full costs only this."""
        if not self._unsaved or time.monotonic() < self._save_at:
            return
        self._unsaved, self._save_at = False, time.monotonic() + SAVE_SECONDS
        content = orjson.dumps({"fallbacks": self._fallbacks, "links": [row._asdict() for row in self._links.values()]})
        try:
            await asyncio.to_thread(_write, self._path, content)
        except OSError as error:
            log.warning("shared links not saved to disk", error=str(error))

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
        self._unsaved |= known != row
        if known is None or known.id == row.id or row.updated_at >= known.updated_at:
            self._links[row.domain, row.slug] = row


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


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

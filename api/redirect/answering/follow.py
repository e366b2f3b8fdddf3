"""One click, from the token to the answer."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from uuid import UUID

import structlog

from api.redirect.answering.answer import Answer, page, redirect
from api.redirect.answering.client_address import ClientAddress
from api.redirect.answering.link_request import LinkRequest
from api.redirect.answering.metadata_off import kept_metadata
from api.redirect.answering.rate_limit import MissLimit
from api.redirect.background.flood import Flood
from api.redirect.keeping.journal import Journal
from api.redirect.links.link_cache import Destination, LinkCache, LinkCacheUnavailable
from api.redirect.links.shared_link_cache import SharedLinkCache
from api.redirect.metrics import Meters
from models.base import made_at, new_id
from models.clicks.inbox import InboxClick
from models.clicks.verdict import Verdict
from tracking.tokens.token import Token, TokenCodec
from tracking.verdicts.reason import reason_of

log = structlog.get_logger()

NO_LINK = "It is not known here, or no longer. If it was cut off, please open it again from the message that it came with."
NOT_NOW = "This link cannot be opened now. Please try again in a moment."


class Asked:
    """A request that waits. `seen` is done when its click is durable, or when there is no click. `token` and `destination` are
    what memory knows of it by then."""

    __slots__ = ("destination", "link_request", "seen", "token")

    def __init__(self, link_request: LinkRequest, seen: asyncio.Future[bool]) -> None:
        self.link_request = link_request
        self.seen = seen
        self.token: Token | None = None
        self.destination: Destination | None = None


class Follow:
    """`GET` and `HEAD /{token}`. `hold` is how long a person's click on a message with several links waits for its verdict.

    All requests that come in one turn of the loop are looked at together, one step after the other. What a step needs is then in
    the processor's caches for all but the first of them, which halves its time (`docs/performance.md`).
    """

    def __init__(
        self,
        codec: TokenCodec,
        link_cache: LinkCache,
        shared: SharedLinkCache,
        journal: Journal,
        addresses: ClientAddress,
        misses: MissLimit,
        flood: Flood,
        hold: timedelta,
        meters: Meters,
    ) -> None:
        self._codec = codec
        self._link_cache = link_cache
        self._shared = shared
        self._journal = journal
        self._addresses = addresses
        self._misses = misses
        self._flood = flood
        self._hold = hold
        self._meters = meters
        self._group: list[Asked] = []

    async def __call__(self, link_request: LinkRequest) -> Answer:
        loop = asyncio.get_running_loop()
        if not self._group:
            loop.call_soon(self._look_at_group)
        asked = Asked(link_request, loop.create_future())
        self._group.append(asked)
        await asked.seen
        known = asked.destination
        return redirect(known.url) if known and known.url else await self._alone(link_request, asked.token)

    def _look_at_group(self) -> None:
        group, self._group = self._group, []
        try:
            self._look_at(group)
        except Exception:  # nothing is in the journal yet; only the request that caused the error fails
            for asked in group:
                self._look_at_one(asked)

    def _look_at_one(self, asked: Asked) -> None:
        try:
            self._look_at([asked])
        except Exception as error:
            if not asked.seen.done():
                asked.seen.set_exception(error)

    def _look_at(self, group: Sequence[Asked]) -> None:
        """Clicks on links that are in memory go to the journal; all other requests are answered one by one."""
        for asked in group:
            asked.token = self._codec.decode(asked.link_request.token)
        for asked in group:
            self._look_up(asked)
        clicks = [self._click(asked.link_request, asked.token, asked.destination) for asked in group]
        for asked, click in zip(group, clicks, strict=True):
            if click is not None:
                self._meters.judged(click[0])
                self._journal.add(*click, asked.seen)
            elif not asked.seen.done():  # it is done when the client has gone
                asked.seen.set_result(False)

    def _look_up(self, asked: Asked) -> None:
        if asked.token:
            known = self._link_cache.known(asked.token)
            asked.destination = known if known and self._permits(asked.link_request, known) else None
        elif shared := self._shared.find(asked.link_request.headers.get("host", ""), asked.link_request.token):
            metadata = self._link_cache.keeps_metadata(shared.org_id)
            asked.token = Token(shared.content_id, 0, 0)
            asked.destination = Destination(shared.url, wakes=False, metadata=metadata, org_id=shared.org_id.bytes)

    async def _alone(self, link_request: LinkRequest, token: Token | None) -> Answer:
        """Answers requests that memory cannot answer."""
        if token is None:
            return self._miss(link_request) if self._shared.loaded else later()
        try:
            destination = await self._link_cache.find(token)
        except LinkCacheUnavailable as error:
            log.warning("destination not known now", content_id=token.content_id, error=error)
            return later()
        if destination is None or not self._permits(link_request, destination):
            return self._miss(link_request)
        if click := self._click(link_request, token, destination):
            self._meters.judged(click[0])
            await self._journal.write(*click)
        return redirect(destination.url) if destination.url else later()

    def _permits(self, link_request: LinkRequest, destination: Destination) -> bool:
        """Whether this link answers on the host on which it was asked for, and leads away from this server."""
        host = link_request.headers.get("host", "")
        leads_away = destination.url is None or self._shared.leads_away(destination.url, host)
        return leads_away and self._shared.may_answer(host, destination.org_id)

    def _miss(self, link_request: LinkRequest) -> Answer:
        if self._misses.allows(self._addresses.of(link_request)):
            fallback = self._shared.fallback(link_request.headers.get("host", ""))
            return redirect(fallback) if fallback else page(404, NO_LINK)
        return page(429, "Too many unknown links from your network. Please try again in a minute.", {"Retry-After": "60"})

    def _click(
        self, link_request: LinkRequest, token: Token | None, destination: Destination | None
    ) -> tuple[InboxClick, bool] | None:
        """Returns the click, and whether something waits for it. Returns None when there is no link, when a mail program or
        messenger looks at it without a person clicking, or when its network has clicked it too often in this minute."""
        if token is None or destination is None or link_request.method == "HEAD":
            return None
        reason = reason_of(link_request.method, link_request.headers)
        is_human = reason.verdict is Verdict.HUMAN
        click_id = new_id()
        address, clicked_at = self._addresses.of(link_request), made_at(click_id)
        if self._flood.is_one_too_many(address, token, reason.verdict, clicked_at):
            return None
        ip, user_agent = kept_metadata(link_request, address, destination.metadata)
        # A message with one link cannot have a burst, so its clicks are never held.
        hold = is_human and not destination.alone and self._hold
        held_until = clicked_at + self._hold if hold else None
        organization = _organization(destination.org_id)
        click = InboxClick(click_id, organization, *token, clicked_at, reason.verdict, reason, ip, user_agent, held_until)
        return click, destination.wakes and is_human and not held_until


@lru_cache(maxsize=4096)
def _organization(org_id: bytes) -> UUID:
    return UUID(bytes=org_id)


def later() -> Answer:
    return page(503, NOT_NOW, {"Retry-After": "1"})

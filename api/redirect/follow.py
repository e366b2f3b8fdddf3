"""One click, from the token to the answer."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from api.redirect.answer import Answer, page, redirect
from api.redirect.client_address import ClientAddress
from api.redirect.journal import Journal
from api.redirect.linkbook import Destination, Linkbook, LinkbookUnavailable
from api.redirect.metrics import Meters
from api.redirect.rate_limit import MissLimit
from api.redirect.shared_book import SharedBook
from api.redirect.visit import Visit
from models.base import new_id, now
from models.click_inbox import InboxClick
from tracking.token import Token, TokenCodec
from tracking.verdict import judge

log = structlog.get_logger()

LONGEST_USER_AGENT = 500
NOT_NOW = "This link cannot be opened now. Please try again in a moment."


class Asked:
    """A request that waits. `seen` is done when its click is durable, or when there is none. `token` and `destination` are what
    memory knows of it by then."""

    __slots__ = ("destination", "seen", "token", "visit")

    def __init__(self, visit: Visit, seen: asyncio.Future[bool]) -> None:
        self.visit = visit
        self.seen = seen
        self.token: Token | None = None
        self.destination: Destination | None = None


class Follow:
    """`GET` and `HEAD /{token}`. `hold`: how long a person's click on a message with several links waits for its verdict.

    All requests that come in one turn of the loop are looked at together, one step after the other: what a step needs is then
    in the processor's caches for all but the first of them, which halves its time (`docs/performance.md`).
    """

    def __init__(
        self,
        codec: TokenCodec,
        linkbook: Linkbook,
        shared: SharedBook,
        journal: Journal,
        addresses: ClientAddress,
        misses: MissLimit,
        hold: timedelta,
        meters: Meters,
    ) -> None:
        self._codec = codec
        self._linkbook = linkbook
        self._shared = shared
        self._journal = journal
        self._addresses = addresses
        self._misses = misses
        self._hold = hold
        self._meters = meters
        self._group: list[Asked] = []

    async def __call__(self, visit: Visit) -> Answer:
        loop = asyncio.get_running_loop()
        if not self._group:
            loop.call_soon(self._look_at_group)
        asked = Asked(visit, loop.create_future())
        self._group.append(asked)
        await asked.seen
        known = asked.destination
        return redirect(known.url) if known and known.url else await self._alone(visit, asked.token)

    def _look_at_group(self) -> None:
        group, self._group = self._group, []
        try:
            self._look_at(group)
        except Exception:  # nothing is in the journal yet; the one that it is about fails alone
            for asked in group:
                self._look_at_one(asked)

    def _look_at_one(self, asked: Asked) -> None:
        try:
            self._look_at([asked])
        except Exception as error:
            if not asked.seen.done():
                asked.seen.set_exception(error)

    def _look_at(self, group: Sequence[Asked]) -> None:
        """Clicks on links that are in memory go to the journal; all other requests are answered alone."""
        for asked in group:
            asked.token = self._codec.decode(asked.visit.token)
        for asked in group:
            self._look_up(asked)
        clicks = [self._click(asked.visit, asked.token, asked.destination) for asked in group]
        for asked, click in zip(group, clicks, strict=True):
            if click is not None:
                self._meters.judged(click[0])
                self._journal.add(*click, asked.seen)
            elif not asked.seen.done():  # done: the client has gone
                asked.seen.set_result(False)

    def _look_up(self, asked: Asked) -> None:
        if asked.token:
            asked.destination = self._linkbook.known(asked.token)
        elif shared := self._shared.find(asked.visit.headers.get("host", ""), asked.visit.token):
            metadata = self._linkbook.keeps_metadata(shared.org_id)
            asked.token = Token(shared.content_id, 0, 0)
            asked.destination = Destination(shared.url, wakes=False, metadata=metadata)

    async def _alone(self, visit: Visit, token: Token | None) -> Answer:
        """What memory does not answer."""
        if token is None:
            return self._miss(visit) if self._shared.loaded else later()
        try:
            destination = await self._linkbook.find(token)
        except LinkbookUnavailable as error:
            log.warning("destination not known now", content_id=token.content_id, error=str(error))
            return later()
        if destination is None:
            return self._miss(visit)
        if click := self._click(visit, token, destination):
            self._meters.judged(click[0])
            await self._journal.write(*click)
        return redirect(destination.url) if destination.url else later()

    def _miss(self, visit: Visit) -> Answer:
        if self._misses.allows(self._addresses.of(visit)):
            fallback = self._shared.fallback(visit.headers.get("host", ""))
            return redirect(fallback) if fallback else page(404, "There is no such link.")
        return page(429, "Too many unknown links from your network. Please try again in a minute.", {"Retry-After": "60"})

    def _click(self, visit: Visit, token: Token | None, destination: Destination | None) -> tuple[InboxClick, bool] | None:
        """The click, and whether something waits for it. None: there is no link, or mail programs and messengers look at it
        without a person clicking."""
        if token is None or destination is None or visit.method == "HEAD":
            return None
        verdict = judge(visit.method, visit.headers)
        # The switch counts here, at the time of the click: what the organization does not keep is never stored.
        ip = self._addresses.of(visit) if destination.metadata else None
        user_agent = _user_agent(visit) if destination.metadata else None
        clicked_at = now()
        # Of a message with one link no burst can come: its clicks are never held.
        hold = verdict.kind == "human" and not destination.alone and self._hold
        held_until = clicked_at + self._hold if hold else None
        click = InboxClick(new_id(), *token, clicked_at, str(verdict.kind), str(verdict.reason), ip, user_agent, held_until)
        return click, destination.wakes and verdict.kind == "human" and not held_until


def _user_agent(visit: Visit) -> str:
    return visit.headers.get("user-agent", "").replace("\x00", "")[:LONGEST_USER_AGENT]


def later() -> Answer:
    return page(503, NOT_NOW, {"Retry-After": "1"})

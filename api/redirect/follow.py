"""One click, from the token to the answer."""

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


class Follow:
    """`GET` and `HEAD /{token}`. `hold`: how long a person's click on a message with several links waits for its verdict."""

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

    async def __call__(self, visit: Visit) -> Answer:
        token = self._codec.decode(visit.token)
        if token is None:
            return await self._follow_shared(visit)
        try:
            destination = await self._linkbook.find(token)
        except LinkbookUnavailable as error:
            log.warning("destination not known now", content_id=token.content_id, error=str(error))
            return later()
        if destination is None:
            return self._miss(visit)
        if visit.method != "HEAD":  # mail programs and messengers look without a person clicking
            click = self._click(visit, token, destination)
            await self._journal.write(click, wakes=destination.wakes and click.verdict == "human" and not click.held_until)
        return redirect(destination.url) if destination.url else later()

    async def _follow_shared(self, visit: Visit) -> Answer:
        shared = self._shared.find(visit.headers.get("host", ""), visit.token)
        if shared is None:
            return self._miss(visit) if self._shared.loaded else later()
        if visit.method != "HEAD":
            destination = Destination(shared.url, wakes=False, metadata=self._linkbook.keeps_metadata(shared.org_id))
            await self._journal.write(self._click(visit, Token(shared.content_id, 0, 0), destination), wakes=False)
        return redirect(shared.url)

    def _miss(self, visit: Visit) -> Answer:
        if self._misses.allows(self._addresses.of(visit)):
            fallback = self._shared.fallback(visit.headers.get("host", ""))
            return redirect(fallback) if fallback else page(404, "There is no such link.")
        return page(429, "Too many unknown links from your network. Please try again in a minute.", {"Retry-After": "60"})

    def _click(self, visit: Visit, token: Token, destination: Destination) -> InboxClick:
        verdict = judge(visit.method, visit.headers)
        # The switch counts here, at the time of the click: what the organization does not keep is never stored.
        ip = self._addresses.of(visit) if destination.metadata else None
        user_agent = _user_agent(visit) if destination.metadata else None
        clicked_at = now()
        # Of a message with one link no burst can come: its clicks are never held.
        hold = verdict.kind == "human" and not destination.alone and self._hold
        held_until = clicked_at + self._hold if hold else None
        click = InboxClick(new_id(), *token, clicked_at, str(verdict.kind), str(verdict.reason), ip, user_agent, held_until)
        self._meters.judged(click)
        return click


def _user_agent(visit: Visit) -> str:
    return visit.headers.get("user-agent", "").replace("\x00", "")[:LONGEST_USER_AGENT]


def later() -> Answer:
    return page(503, NOT_NOW, {"Retry-After": "1"})

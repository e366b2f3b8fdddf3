"""`/unsubscribe/{token}`: a POST acts (RFC 8058), and a GET or HEAD shows what a POST would do.

Mail providers send `List-Unsubscribe=One-Click` as the body, urlencoded or as multipart. What the body holds does not matter, and
neither do cookies: the token says who wants out. Scanners that open every link of a mail change nothing, because they do not
post.
"""

import asyncio
from dataclasses import replace

import structlog

from api.http.within import within
from api.redirect.answering.answer import Answer, page
from api.redirect.answering.client_address import ClientAddress
from api.redirect.answering.link_request import LinkRequest
from api.redirect.answering.rate_limit import MissLimit, RateLimit
from api.redirect.links.shared_link_cache import SharedLinkCache
from api.redirect.unsubscribing.choices import read_choices
from api.redirect.unsubscribing.pages import PREFERENCES, ask_page, done_page, erased_page, saved_page
from api.redirect.unsubscribing.unsubscribes import Kept, Unsubscribes
from models.database import Database
from services.consent.preference_page import PreferencePage, preference_page
from services.consent.unsubscribe import Unsubscribe
from tracking.tokens.token import TOKEN_LENGTH, Token, TokenCodec
from tracking.tokens.unsubscribe import UNSUBSCRIBE_PATH, UNSUBSCRIBE_POSITION

log = structlog.get_logger()

LOOK_SECONDS = 1.0
"""Seconds after which the page is shown without what only the database knows."""
LOOKS = 20
"""So many pages of one address are made with what the database knows at once, and as many again each minute. Then, it has the
button alone, so that nobody can keep the database busy with an address."""
LOOKS_AT_ONCE = 2
"""Pages that ask the database at one time: half of the connections that links with merge fields and signals need as well."""
UNKNOWN = "This address is not complete. Please open it again from the message that it came with."
NO_CHOICE = "Your choice has not arrived. Please go back and try again."
TOO_OFTEN = "This was asked for very often just now. Please try again in a minute."
NOT_NOW = "This does not work now, and nothing has changed. Please try again in a moment."


class Unsubscribing:
    def __init__(
        self,
        codec: TokenCodec,
        database: Database,
        shared: SharedLinkCache,
        unsubscribes: Unsubscribes,
        addresses: ClientAddress,
        misses: MissLimit,
    ) -> None:
        self._codec = codec
        self._database = database
        self._shared = shared
        self._unsubscribes = unsubscribes
        self._addresses = addresses
        self._misses = misses
        self._looks = RateLimit(LOOKS)
        self._places = asyncio.Semaphore(LOOKS_AT_ONCE)

    async def __call__(self, link_request: LinkRequest, body: bytes) -> Answer:
        """`link_request.token` is the whole path without its first slash."""
        written = link_request.token.removeprefix(UNSUBSCRIBE_PATH[1:])
        chooses = written.endswith(PREFERENCES)
        token = self._codec.decode(written.removesuffix(PREFERENCES))
        if token is None or token.position != UNSUBSCRIBE_POSITION:
            return self._miss(link_request)
        text = written[:TOKEN_LENGTH]
        if link_request.method != "POST":
            return await self._show(link_request, text, token)
        if not chooses:
            return await self._act(link_request, Unsubscribe(*token[:2]), done_page(text))
        choices = read_choices(body)
        if not choices:
            return page(400, NO_CHOICE)
        return await self._act(link_request, Unsubscribe(*token[:2], choices=choices), saved_page(text))

    async def _show(self, link_request: LinkRequest, text: str, token: Token) -> Answer:
        if not self._looks.takes(text):
            return ask_page(text, None)
        try:
            shown = await within(LOOK_SECONDS, self._look(token))
        except Exception as error:  # whatever the error is, the button works
            log.warning("preferences not known now", content_id=token.content_id, error=error)
            return ask_page(text, None)
        if shown is None:
            return self._miss(link_request)
        # On a host of another organization the page works, but whatever its sender has written would borrow the host's name.
        if not self._shared.may_answer(link_request.headers.get("host", ""), shown.org_id.bytes):
            shown = replace(shown, organization_name=None)
        return ask_page(text, shown)

    async def _look(self, token: Token) -> PreferencePage | None:
        async with self._places, self._database.transaction() as session:
            return await preference_page(session, token.content_id, token.recipient_number)

    async def _act(self, link_request: LinkRequest, asked: Unsubscribe, done: Answer) -> Answer:
        kept = await self._unsubscribes.keep(asked)
        if kept is Kept.UNKNOWN:
            return self._miss(link_request)
        if kept is Kept.ERASED:
            return erased_page()
        if kept is Kept.LIMITED:
            return page(429, TOO_OFTEN, {"Retry-After": "60"})
        return page(503, NOT_NOW, {"Retry-After": "5"}) if kept is Kept.LOST else done

    def _miss(self, link_request: LinkRequest) -> Answer:
        if self._misses.allows(self._addresses.of(link_request)):
            return page(404, UNKNOWN)
        return page(429, "Too many unknown links from your network. Please try again in a minute.", {"Retry-After": "60"})

"""Destinations of links with merge fields: each recipient's is a row of its own, too many to be kept all in memory."""

import time
from collections import OrderedDict

from api.http.within import within
from models.database import Database
from models.links import link_cache as link_cache
from safe_errors import OwnWords, describe
from tracking.tokens.token import Token

ASK_SECONDS = 2.0
KEPT, LONGEST_KEPT = 10_000, 1_000
"""The most addresses that are kept, and their most characters: 10 MB, mostly of ASCII. Those clicked last are kept."""
AGAIN_SECONDS = 1.0
"""Seconds in which nobody asks after a question without an answer, so that contacts do not all wait for a silent database."""


class PersonalUnknown(OwnWords):
    """The address is not in memory and the database cannot be asked."""


class PersonalLinks:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: OrderedDict[Token, str] = OrderedDict()
        self._ask_at = 0.0

    async def find(self, token: Token) -> str | None:
        """Returns None when there is no such recipient. Raises PersonalUnknown."""
        if token in self._kept:
            self._kept.move_to_end(token)
            return self._kept[token]
        if time.monotonic() < self._ask_at:
            raise PersonalUnknown
        try:
            url = await within(ASK_SECONDS, self._ask(token))
        except Exception as error:  # whatever the error is, the database cannot be asked
            self._ask_at = time.monotonic() + AGAIN_SECONDS
            raise PersonalUnknown(describe(error)) from error
        if url is not None and len(url) <= LONGEST_KEPT:
            self._keep(token, url)
        return url

    async def _ask(self, token: Token) -> str | None:
        async with self._database.session() as session:
            return await link_cache.personal_url(session, *token)

    def _keep(self, token: Token, url: str) -> None:
        self._kept[token] = url
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)

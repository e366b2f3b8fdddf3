"""Destinations of links with merge fields: each recipient's is a row of its own, too many to be kept all in memory."""

import time
from collections import OrderedDict

from api.within import within
from models import linkbook
from models.database import Database
from tracking.token import Token

ASK_SECONDS = 2.0
KEPT, LONGEST_KEPT = 10_000, 1_000
"""So many addresses are kept, of so many characters at most: 10 MB, mostly of ASCII. Those clicked last."""
AGAIN_SECONDS = 1.0
"""After a question without an answer nobody asks for so long: contacts shall not all wait for a silent database."""


class PersonalUnknown(Exception):
    """The address is not in memory and the database cannot be asked."""


class PersonalLinks:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: OrderedDict[Token, str] = OrderedDict()
        self._ask_at = 0.0

    async def find(self, token: Token) -> str | None:
        """None: there is no such recipient. Raises PersonalUnknown."""
        if token in self._kept:
            self._kept.move_to_end(token)
            return self._kept[token]
        if time.monotonic() < self._ask_at:
            raise PersonalUnknown
        try:
            url = await within(ASK_SECONDS, self._ask(token))
        except Exception as error:  # whatever it is, the database cannot be asked
            self._ask_at = time.monotonic() + AGAIN_SECONDS
            raise PersonalUnknown(str(error)) from error
        if url is not None and len(url) <= LONGEST_KEPT:
            self._keep(token, url)
        return url

    async def _ask(self, token: Token) -> str | None:
        async with self._database.session() as session:
            return await linkbook.personal_url(session, *token)

    def _keep(self, token: Token, url: str) -> None:
        self._kept[token] = url
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)

"""Hands out the recipient numbers of contents, from blocks that each process takes for itself.

A block is taken in a short transaction of its own, so a content's row is locked for a moment only, and never while a message is
written or claimed. The numbers that a process has left when it ends are lost: they are not dense, and nothing may rely on it.
"""

import asyncio
from collections import OrderedDict, deque
from weakref import WeakValueDictionary

from models.database import Database
from models.messages.content import take_recipient_numbers

BLOCK = 50
"""Numbers that are taken at once for a content, and more when a caller needs more."""

CONTENTS = 10_000
"""Contents whose blocks are remembered, those that were used last. The rest of a forgotten block is lost."""


class RecipientNumbers:
    """No two callers get the same number of a content, in this process or in any other."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._left: OrderedDict[int, deque[int]] = OrderedDict()
        self._taking: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def take(self, content_id: int, count: int) -> list[int]:
        """Returns `count` numbers. The caller has no transaction open, because this may begin one.

        Raises Conflict when the content has had 134,217,728 recipients, because no more fit into a link.
        """
        async with self._taking.setdefault(content_id, asyncio.Lock()):
            left = self._left.setdefault(content_id, deque())
            if (missing := count - len(left)) > 0:
                async with self._database.transaction() as session:
                    block = await take_recipient_numbers(session, content_id, missing, max(missing, BLOCK))
                left.extend(block)
            self._remember(content_id)
            return [left.popleft() for _ in range(count)]

    def _remember(self, content_id: int) -> None:
        self._left.move_to_end(content_id)
        if len(self._left) > CONTENTS:
            self._left.popitem(last=False)

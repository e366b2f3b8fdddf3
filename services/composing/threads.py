"""Composes messages in threads of their own, so that no organization's texts hold up what others send.

Each organization has one turn at a time: its messages are composed in short slices, one after the other, and those of others
between them. Whoever waits for a turn holds no connection. What a text may cost is an average over its messages, so that a text
that is expensive for everybody stops itself: its further messages fail without being rendered.
"""

import asyncio
import functools
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

import structlog

from models.contacts.contact import Contact
from models.messages.ledger import SendFacts
from services.composing.compose import Composed, Composer
from services.composing.recipient_numbers import RecipientNumbers

THREADS = 2
"""Rendering is work for the one core that Python uses, so more threads would only take turns."""
SLICE = 0.05
"""Seconds of the processor after which the turn and the thread are handed on. One message may take longer."""
ALLOWANCE = 1.0
"""Seconds of the processor that a text may use beyond `PER_MESSAGE`: as long as two messages that are stopped by the clock."""
PER_MESSAGE = 0.01
"""Seconds of the processor that each message adds to its text's allowance. A message with a few fields takes 0.0002 s, and one of
the largest size that can be published, with 2,000 fields, 0.008 s."""
TEXTS = 10_000
"""Texts whose allowances are remembered, those that were used last. A forgotten one starts again from the beginning."""

log = structlog.get_logger()


class _Allowance:
    """The seconds that one text has left, in this process."""

    def __init__(self) -> None:
        self.left = ALLOWANCE

    def add_message(self) -> None:
        self.left = min(ALLOWANCE, self.left + PER_MESSAGE)


class Composing:
    """Turns facts and contacts into rows: it takes the recipient numbers and composes the messages.

    The caller has no transaction open meanwhile, so no row is locked and no connection held while a text is rendered. `clock`
    returns the seconds of the processor that the calling thread has used.
    """

    def __init__(self, composer: Composer, numbers: RecipientNumbers, clock: Callable[[], float] = time.thread_time) -> None:
        self._composer, self._numbers, self._clock = composer, numbers, clock
        self._threads = ThreadPoolExecutor(THREADS, "compose")
        self._places: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
        self._allowances: OrderedDict[int, _Allowance] = OrderedDict()

    async def compose(
        self, facts: SendFacts, contacts: Sequence[Contact], is_over: Callable[[], bool] = lambda: False, **ledger_key: Any
    ) -> list[Composed]:
        """Returns a message for each contact, in their order. When the time of the caller `is_over`, it returns only the first
        ones, but at least one. `ledger_key` is that of `Composer.compose`."""
        composed: list[Composed] = []
        recipients = list(zip(contacts, await self._numbers.take(facts.content_id, len(contacts)), strict=True))
        place = self._places.setdefault(facts.organization.id, asyncio.Lock())
        while len(composed) < len(recipients) and not (composed and is_over()):
            async with place:
                rest, allowance = recipients[len(composed) :], self._allowance(facts.content_id)
                work = functools.partial(self._slice, facts, allowance, rest, **ledger_key)
                composed += await asyncio.get_running_loop().run_in_executor(self._threads, work)
        return composed

    def _allowance(self, content_id: int) -> _Allowance:
        allowance = self._allowances.setdefault(content_id, _Allowance())
        self._allowances.move_to_end(content_id)
        if len(self._allowances) > TEXTS:
            self._allowances.popitem(last=False)
        return allowance

    def _slice(
        self, facts: SendFacts, allowance: _Allowance, recipients: Sequence[tuple[Contact, int]], **ledger_key: Any
    ) -> list[Composed]:
        """Composes the first of them, as many as fit into a slice."""
        composed: list[Composed] = []
        begin = before = self._clock()
        for contact, recipient_number in recipients:
            allowance.add_message()
            too_dear = allowance.left <= 0
            composed.append(self._composer.compose(facts, contact, recipient_number, too_dear=too_dear, **ledger_key))
            after = self._clock()
            allowance.left -= after - before
            if allowance.left <= 0 and not too_dear:
                log.warning("text is too dear", content_id=facts.content_id, organization_id=str(facts.organization.id))
            before = after
            if after - begin >= SLICE:
                break
        return composed

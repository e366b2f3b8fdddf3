"""Contacts who click, and what each of them saw."""

import asyncio
import itertools
import random
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from demo.people import visit
from models.clicks.inbox import LinkOfRecipient as Link
from tracking.tokens.token import TokenCodec

LONGEST_SECONDS = 30.0
AGAIN_SECONDS = 2.0
AT_ONCE = 32
"""The most clicks under way, because the client looks at all of its connections for each click."""
FOUND = 302


@dataclass(frozen=True)
class Ask:
    """One request. `status` is None when the connection broke, or when there was no connection. Times are those of the wall
    clock."""

    link: Link
    begin: float
    end: float
    status: int | None
    error: str = ""

    def overlaps(self, spans: Iterable[tuple[float, float]]) -> bool:
        return any(self.begin <= end and self.end >= begin for begin, end in spans)


@dataclass
class Seen:
    """All requests so far."""

    asks: list[Ask] = field(default_factory=list)

    def asked(self) -> Counter[Link]:
        return Counter(ask.link for ask in self.asks)

    def answered(self, within: Sequence[tuple[float, float]] | None = None) -> Counter[Link]:
        """Requests that were redirected. With `within`, only those that were under way in one of these times."""
        return Counter(ask.link for ask in self.asks if ask.status == FOUND and (within is None or ask.overlaps(within)))

    def errors(self, down: Sequence[tuple[float, float]]) -> list[Ask]:
        """Answers that are not a redirect, at any time, and connections that broke while the process was not down."""
        return [ask for ask in self.asks if ask.status != FOUND and not (ask.status is None and ask.overlaps(down))]


class Load:
    """Clicks at `rate` a second, on `links` in a random order and then again from the start. The links of `also` come first, and
    are clicked again when the connection breaks; `turned_away` are those of them that have not been answered once."""

    def __init__(self, port: int, codec: TokenCodec, links: Sequence[Link], rate: float, choice: random.Random) -> None:
        self.seen = Seen()
        self._codec = codec
        self._address = f"http://127.0.0.1:{port}"
        self._rate = rate
        self._links = itertools.cycle(choice.sample(links, len(links)))
        self._first: deque[Link] = deque()
        self._wanted: set[Link] = set()
        self.turned_away: set[Link] = set()
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._number = itertools.count()
        self._going = asyncio.Event()
        self._going.set()
        self._open = 0
        self._client = httpx.AsyncClient(timeout=LONGEST_SECONDS, limits=httpx.Limits(max_connections=AT_ONCE), trust_env=False)

    def also(self, links: Sequence[Link]) -> None:
        self._first.extend(links)
        self.turned_away.update(link for link in links if link not in self._wanted)
        self._wanted.update(links)

    async def burst(self, count: int) -> None:
        """Clicks this many at once, beside the steady clicks."""
        await asyncio.gather(*(self._ask(link) for link in itertools.islice(self._next(), count)))

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """The block begins when everything that was asked is answered, and nothing is asked while it runs."""
        self._going.clear()
        try:
            while self._open:  # noqa: ASYNC110 # it is for a moment in a drill's life
                await asyncio.sleep(0.01)
            yield
        finally:
            self._going.set()

    async def run(self, stopped: asyncio.Event) -> None:
        """Runs until it is stopped and everything that was asked has ended."""
        async with self._client, asyncio.TaskGroup() as asking:
            begin = asyncio.get_running_loop().time()
            for number, link in enumerate(self._next()):
                await asyncio.sleep(max(0.0, begin + number / self._rate - asyncio.get_running_loop().time()))
                await self._going.wait()
                if stopped.is_set():
                    return
                asking.create_task(self._ask(link))

    def _next(self) -> Iterator[Link]:
        while True:
            yield self._first.popleft() if self._first else next(self._links)

    async def _ask(self, link: Link) -> None:
        self._open += 1
        async with self._gate:
            begin = time.time()
            person = visit(next(self._number))
            headers = {"User-Agent": person.user_agent, "X-Forwarded-For": person.address, "Accept": "text/html"}
            status, error = None, ""
            try:
                status = (await self._client.get(f"{self._address}/{self._codec.encode(*link)}", headers=headers)).status_code
            except httpx.HTTPError as broken:
                error = repr(broken)
                if link in self._wanted:
                    asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._first.append, link)
            if status == FOUND:
                self.turned_away.discard(link)
            self.seen.asks.append(Ask(link, begin, time.time(), status, error))
        self._open -= 1

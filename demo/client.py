"""The demo's two views of Linkwake: as an API consumer, and as a contact's browser."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from demo.people import Visit

PATIENCE_SECONDS = 120.0
"""Seconds to wait while nothing changes at all. As long as there is progress, a slow machine may take any time."""
POLL_SECONDS = 0.5


class DemoError(Exception):
    """The story cannot go on; the message says where it stopped."""


class NoAnswer(DemoError):
    """The server is away or too busy at the moment; asking again may help."""


class UnknownKey(DemoError):
    """The server does not know our key."""


class Conflict(DemoError):
    """What was asked for does not fit what is there now, such as a stop of what is over."""


class Refused(DemoError):
    """What was sent cannot be used; the message names the fields."""


ERRORS: dict[int, type[DemoError]] = {401: UnknownKey, 409: Conflict, 422: Refused, 503: NoAnswer}


@dataclass(frozen=True)
class Stage:
    """A part of the story that is over when `total` things are done; `report` shows how many are."""

    text: str
    total: int
    report: Callable[[int], object] = lambda _: None


class Consumer:
    """Calls the public API with a key."""

    def __init__(self, address: str, key: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=f"{address}/v1", headers={"Authorization": f"Bearer {key}"}, timeout=60, trust_env=False
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def call(self, method: str, path: str, **options: Any) -> Any:
        try:
            response = await self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise NoAnswer(f"{method} {path} was not answered: {error or type(error).__name__}") from error
        if response.is_error:
            kind = ERRORS.get(response.status_code, DemoError)
            raise kind(f"{method} {path} answered {response.status_code}: {response.text}")
        return response.json()

    async def get(self, path: str, **params: Any) -> Any:
        """Repeats a GET, which changes nothing, while there is no answer and the demo's patience lasts."""
        clock = asyncio.get_running_loop().time
        since = clock()
        while True:
            try:
                return await self.call("GET", path, params=params)
            except NoAnswer:
                if clock() - since >= PATIENCE_SECONDS:
                    raise
            await asyncio.sleep(POLL_SECONDS)

    async def post(self, path: str, body: Any = None) -> Any:
        return await self.call("POST", path, json=body)

    async def every(self, path: str, **params: Any) -> AsyncIterator[Any]:
        """Yields all items of a list, page after page."""
        cursor = None
        while True:
            page = await self.get(path, limit=500, **params, **({"cursor": cursor} if cursor else {}))
            for item in page["items"]:
                yield item
            if (cursor := page["next_cursor"]) is None:
                return

    async def until_done(self, stage: Stage, count: Callable[[], Awaitable[int]]) -> None:
        """Counts again until everything is done. Raises DemoError when the count stands still."""
        clock = asyncio.get_running_loop().time
        before, since = -1, clock()
        while (done := await count()) < stage.total:
            stage.report(done)
            if done != before:
                before, since = done, clock()
            elif clock() - since > PATIENCE_SECONDS:
                raise DemoError(f"{stage.text}: {done} of {stage.total}, and nothing has changed for {PATIENCE_SECONDS:.0f} s.")
            await asyncio.sleep(POLL_SECONDS)
        stage.report(done)


class Browsers:
    """Clicks links over HTTP. The client's address is sent as a proxy on this machine would report it."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(timeout=30, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def click(self, link: str, visit: Visit) -> str:
        """Returns where the redirect leads. Raises DemoError when the answer is not a 302."""
        headers = {"User-Agent": visit.user_agent, "X-Forwarded-For": visit.address, "Accept": "text/html"}
        try:
            response = await self._client.get(link, headers=headers, follow_redirects=False)
        except httpx.HTTPError as error:
            raise DemoError(f"GET {link} was not answered: {error or type(error).__name__}") from error
        if response.status_code != 302:
            raise DemoError(f"GET {link} answered {response.status_code}, not 302")
        return response.headers["Location"]

    async def click_all(
        self, clicks: Sequence[tuple[str, Visit]], report: Callable[[int], object], at_once: int = 10
    ) -> list[str]:
        """Returns where each click led, in order. `report` is called with the number of clicks that are done."""
        gate, done = asyncio.Semaphore(at_once), itertools.count(1)

        async def one(link: str, visit: Visit) -> str:
            async with gate:
                destination = await self.click(link, visit)
            report(next(done))
            return destination

        return await asyncio.gather(*(one(link, visit) for link, visit in clicks))

"""The requests of the Twilio stand-in to us: signed forms, repeated and shuffled as the network does it."""

import asyncio
import hashlib
import hmac
import random
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urldefrag, urlencode
from uuid import uuid4

import httpx

MOST_REPEATS = 46
"""The most times that somebody has seen one status callback come."""
RETRIES = 5
RETRY_PAUSE = 0.2
SECONDS = 15.0


@dataclass(frozen=True)
class Callback:
    """One request that will be made, apart from its signature."""

    address: str
    form: Mapping[str, str]


class Callbacks:
    """Twilio's side of callbacks. `repeats` is the most times that a status callback is made; each has its own number of times,
    and all of one message are shuffled."""

    def __init__(self, auth_token: str, choice: random.Random, repeats: int = 1, client: httpx.AsyncClient | None = None) -> None:
        self._auth_token = auth_token
        self._choice = choice
        self.repeats = repeats
        self.refused: list[int] = []
        self._client = client or httpx.AsyncClient(trust_env=False, timeout=SECONDS)
        self._under_way: set[asyncio.Task[None]] = set()

    def report(self, callbacks: Sequence[Callback]) -> None:
        """Makes the callbacks in the background, each once and up to `repeats` times, in any order."""
        times = [each for each in callbacks for _ in range(self._choice.randint(1, self.repeats))]
        self._choice.shuffle(times)
        task = asyncio.create_task(self._make_all(times))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _make_all(self, callbacks: Sequence[Callback]) -> None:
        for each in callbacks:
            await self._make(each)

    async def _make(self, callback: Callback) -> None:
        """The fragment of an address tells Twilio how often to try again, which it does within 15 seconds."""
        for _ in range(RETRIES + 1):
            try:
                status = (await self.post(callback)).status_code
            except httpx.HTTPError:
                status = 0
            if 200 <= status < 500:
                break
            await asyncio.sleep(RETRY_PAUSE)
        if not 200 <= status < 300:
            self.refused.append(status)

    async def post(self, callback: Callback) -> httpx.Response:
        address = urldefrag(callback.address).url
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": self.sign(address, callback.form),
            "I-Twilio-Idempotency-Token": str(uuid4()),
            "User-Agent": "TwilioProxy/1.1",
        }
        return await self._client.post(address, content=urlencode(callback.form).encode(), headers=headers)

    def sign(self, address: str, form: Mapping[str, str]) -> str:
        signed = address + "".join(name + form[name] for name in sorted(form))
        return b64encode(hmac.new(self._auth_token.encode(), signed.encode(), hashlib.sha1).digest()).decode()

    async def finish(self) -> None:
        """Waits until all callbacks have been made."""
        while self._under_way:
            await asyncio.gather(*self._under_way)

    async def close(self) -> None:
        for task in list(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._client.aclose()

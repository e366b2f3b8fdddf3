"""The neighbour: an organization with a little work, whose requests are timed while another one makes noise."""

import asyncio
import itertools
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from bench.parts.report import percentile
from demo.client import Browsers, Consumer, DemoError, Stage
from demo.people import contact_row, visit

CONTACTS, LINKS = 2_000, 60
RATES = {"get": 20, "enroll": 3, "click": 20}
"""Requests a second, each at its own time however long the ones before take."""
STEPS = [
    {"kind": "send", "key": "hello", "channel": "simulator-sms", "message": {"body": "Look: https://example.com/offer"}},
    {"kind": "wait_for_click", "key": "wait", "timeout": "PT1H", "on_click": "over", "on_timeout": "over"},
    {"kind": "end", "key": "over"},
]
POLL_SECONDS = 1.0
PATIENCE_SECONDS = 60.0

KINDS = ("get", "enroll", "click", "first_message")


@dataclass
class Felt:
    """What the neighbour felt: seconds of each kind of request, and what was answered with anything but success.

    `first_message` is the time from the enrollment's request (its id and Unix time are in `enrolled`) until its first message
    was sent, as the message's row says."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    failed: list[str] = field(default_factory=list)
    enrolled: dict[str, float] = field(default_factory=dict)

    def milliseconds(self, kind: str, share: float) -> float:
        return percentile(self.seconds[kind], share) * 1000


Work = Callable[[Felt], Coroutine[None, None, None]]


class Neighbour:
    """`prepare()` once, then `feel(seconds)` as often as wanted."""

    def __init__(self, api: str, key: str) -> None:
        self._consumer, self._browsers = Consumer(api, key), Browsers()
        self._client = httpx.AsyncClient(
            base_url=f"{api}/v1", headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE_SECONDS, trust_env=False
        )
        self._numbers = itertools.count()
        self._sequence = ""
        self._contacts: list[str] = []
        self._links: list[str] = []

    async def close(self) -> None:
        await self._consumer.close()
        await self._browsers.close()
        await self._client.aclose()

    async def prepare(self) -> None:
        """Contacts, a published sequence, and messages with a link to click."""
        rows = [contact_row(number) for number in range(CONTACTS)]
        created = await self._consumer.post("/contacts/bulk", {"contacts": rows})
        self._contacts = [row["contact_id"] for row in created["results"]]
        sequence = await self._consumer.post("/sequences", {"name": "Neighbour", "steps": STEPS})
        self._sequence = sequence["id"]
        await self._consumer.post(f"/sequences/{self._sequence}/publish")
        first = [self._contacts.pop() for _ in range(LINKS)]
        await self._consumer.post(f"/sequences/{self._sequence}/enrollments", {"contact_ids": first})
        await self._consumer.until_done(Stage("Messages", LINKS), self._find_links)

    async def _find_links(self) -> int:
        messages = [each async for each in self._consumer.every("/messages", sequence_id=self._sequence, state="accepted")]
        if len(messages) == LINKS:
            self._links = [(await self._consumer.get(f"/messages/{each['id']}"))["links"][0]["url"] for each in messages]
        return len(messages)

    async def feel(self, seconds: float) -> Felt:
        felt = Felt()
        work: dict[str, Work] = {"get": self._get, "enroll": self._enroll, "click": self._click}
        await asyncio.gather(*(_steadily(RATES[kind], seconds, each, felt) for kind, each in work.items()))
        await self._wait_for_messages(felt)
        return felt

    async def _get(self, felt: Felt) -> None:
        await self._ask(felt, "get", "GET", f"/contacts/{self._contacts[0]}")

    async def _enroll(self, felt: Felt) -> None:
        asked, contact = time.time(), self._contacts.pop()
        path = f"/sequences/{self._sequence}/enrollments"
        answer = await self._ask(felt, "enroll", "POST", path, json={"contact_ids": [contact]})
        if answer is not None:
            felt.enrolled[answer.json()["results"][0]["enrollment_id"]] = asked

    async def _wait_for_messages(self, felt: Felt) -> None:
        """Looks once a second, so that the looking is no load of its own."""

        async def sent() -> int:
            messages = [each async for each in self._consumer.every("/messages", sequence_id=self._sequence, state="accepted")]
            at = {each["enrollment_id"]: datetime.fromisoformat(each["accepted_at"]).timestamp() for each in messages}
            felt.seconds["first_message"] = [at[each] - asked for each, asked in felt.enrolled.items() if each in at]
            await asyncio.sleep(POLL_SECONDS)
            return len(felt.seconds["first_message"])

        try:
            await self._consumer.until_done(Stage("First messages", len(felt.enrolled)), sent)
        except DemoError as error:
            felt.failed.append(f"first_message: {error}")

    async def _click(self, felt: Felt) -> None:
        number, begin = next(self._numbers), _clock()
        try:
            await self._browsers.click(self._links[number % LINKS], visit(number))
        except Exception as error:
            felt.failed.append(f"click: {error}")
        felt.seconds["click"].append(_clock() - begin)

    async def _ask(self, felt: Felt, kind: str, method: str, path: str, json: object = None) -> httpx.Response | None:
        """The answer when it is a success. A failure counts with the time that it took."""
        begin, answer, reason = _clock(), None, ""
        try:
            answer = await self._client.request(method, path, json=json)
            reason = "" if answer.is_success else f"{answer.status_code} {answer.text[:200]}"
        except httpx.HTTPError as error:
            reason = repr(error)
        felt.seconds[kind].append(_clock() - begin)
        if reason:
            felt.failed.append(f"{kind}: {reason}")
        return None if reason else answer


def _clock() -> float:
    return asyncio.get_running_loop().time()


async def _steadily(rate: float, seconds: float, work: Work, felt: Felt) -> None:
    start = _clock()
    tasks: list[asyncio.Task[None]] = []
    for number in range(max(1, round(rate * seconds))):
        await asyncio.sleep(max(0.0, start + number / rate - _clock()))
        tasks.append(asyncio.create_task(work(felt)))
    await asyncio.gather(*tasks)

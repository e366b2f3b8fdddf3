"""The people of `drill enrollments`: who is enrolled, who clicks, who is stopped, and when each of them was answered."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from demo.client import Conflict, Consumer, DemoError, NoAnswer
from demo.people import contact_row, visit
from drills.parts.rows import links_on_phones
from models.clicks.inbox import LinkOfRecipient as Link
from models.database import Database
from tracking.tokens.token import TokenCodec

HELLO, WAITS, THANKS, TOLD, BYE = "hello", "clicked", "thanks", "told", "bye"
TEAM = "Sales"
CHANNEL = "simulator-sms"

CLICKERS, STOPPED = 0.7, 0.3
"""Shares of all people; who clicks and who is stopped are independent of each other."""
LONGEST_THOUGHT, LATEST_STOP = 4.0, 12.0
AGAIN_SECONDS = 0.5
LOOK_SECONDS = 0.25
FOUND = 302


def steps(wait: timedelta) -> list[dict[str, Any]]:
    """Whoever clicks within this time is thanked, and the team is told, before the goodbye."""
    return [
        {"kind": "send", "key": HELLO, "channel": CHANNEL, "message": {"body": "Look: https://example.com/offer"}},
        {
            "kind": "wait_for_click",
            "key": WAITS,
            "timeout": f"PT{wait.total_seconds():.0f}S",
            "on_click": THANKS,
            "on_timeout": BYE,
        },
        {"kind": "send", "key": THANKS, "channel": CHANNEL, "message": {"body": "Thank you."}},
        {"kind": "notify", "key": TOLD, "target": TEAM},
        {"kind": "send", "key": BYE, "channel": CHANNEL, "message": {"body": "Goodbye."}},
    ]


@dataclass
class Person:
    """`clicks_after`: seconds after the phone has the first message; `stopped_after`: seconds after the enrollment. None means
    never. `clicked_at` and `stopped_at` are when that was answered. `stop_unanswered` says that a request to stop got no answer,
    so that nobody knows whether it counts."""

    contact_id: str
    clicks_after: float | None
    stopped_after: float | None
    enrollment_id: UUID | None = None
    clicked_at: datetime | None = None
    stopped_at: datetime | None = None
    stop_unanswered: bool = False


def invent(contact_ids: Sequence[str], choice: random.Random) -> list[Person]:
    """The same people for the same seed."""

    def one(contact_id: str) -> Person:
        clicks, stopped = choice.random() < CLICKERS, choice.random() < STOPPED
        thought, moment = choice.uniform(0, LONGEST_THOUGHT), choice.uniform(0, LATEST_STOP)
        return Person(contact_id, thought if clicks else None, moment if stopped else None)

    return [one(each) for each in contact_ids]


class Crowd:
    """Enrolls people and lets each of them act. `errors` has answers that nobody should ever get."""

    def __init__(self, consumer: Consumer, database: Database, redirect_port: int, codec: TokenCodec) -> None:
        self.people: list[Person] = []
        self.errors: list[str] = []
        self._consumer, self._database, self._codec = consumer, database, codec
        self._redirect = f"http://127.0.0.1:{redirect_port}"
        self._browser = httpx.AsyncClient(timeout=30, trust_env=False)
        self._waiting: list[Person] = []
        self._sequence = ""
        self._phones: dict[UUID, Link] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def prepare(self, count: int, wait: timedelta, choice: random.Random) -> None:
        """So many contacts, and the sequence that they will be enrolled in."""
        rows = [contact_row(number) for number in range(count)]
        created = await self._consumer.post("/contacts/bulk", {"contacts": rows})
        self._waiting = invent([row["contact_id"] for row in created["results"]], choice)
        self._sequence = (await self._consumer.post("/sequences", {"name": "Drill", "steps": steps(wait)}))["id"]
        await self._consumer.post(f"/sequences/{self._sequence}/publish")
        self._tasks.append(asyncio.create_task(self._look_at_phones()))

    async def enroll(self, count: int) -> None:
        """The next people, who go on by themselves. Nothing happens when there are none left."""
        people, self._waiting = self._waiting[:count], self._waiting[count:]
        if not people:
            return
        path, key = f"/sequences/{self._sequence}/enrollments", {"Idempotency-Key": str(uuid4())}
        body = {"contact_ids": [person.contact_id for person in people]}
        answer = await _patiently(lambda: self._consumer.call("POST", path, json=body, headers=key))
        for person, result in zip(people, answer["results"], strict=True):
            person.enrollment_id = UUID(result["enrollment_id"])
            self._tasks += [asyncio.create_task(self._clicks(person)), asyncio.create_task(self._is_stopped(person))]
        self.people += people

    async def close(self) -> None:
        """Whoever has not acted by now does not act any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._browser.aclose()

    async def _look_at_phones(self) -> None:
        while True:
            with contextlib.suppress(Exception):  # whatever it is, PostgreSQL is away
                async with self._database.transaction() as session:
                    self._phones = await links_on_phones(session, HELLO)
            await asyncio.sleep(LOOK_SECONDS)

    async def _clicks(self, person: Person) -> None:
        """As soon as there is a link to click. Whoever gets no answer clicks again."""
        if person.clicks_after is None or person.enrollment_id is None:
            return
        while person.enrollment_id not in self._phones:  # noqa: ASYNC110 # the look at all phones serves everybody
            await asyncio.sleep(LOOK_SECONDS)
        await asyncio.sleep(person.clicks_after)
        link = f"{self._redirect}/{self._codec.encode(*self._phones[person.enrollment_id])}"
        seen = visit(self.people.index(person))
        headers = {"User-Agent": seen.user_agent, "X-Forwarded-For": seen.address, "Accept": "text/html"}
        while True:
            with contextlib.suppress(httpx.HTTPError):
                answer = await self._browser.get(link, headers=headers)
                if answer.status_code == FOUND:
                    person.clicked_at = datetime.now(UTC)
                else:
                    self.errors.append(f"GET {link} answered {answer.status_code}")
                return
            await asyncio.sleep(AGAIN_SECONDS)

    async def _is_stopped(self, person: Person) -> None:
        if person.stopped_after is None:
            return
        await asyncio.sleep(person.stopped_after)
        try:
            await _patiently(lambda: self._stop(person))
            person.stopped_at = datetime.now(UTC)
        except Conflict:
            return  # it was over already, or a request without an answer has stopped it
        except DemoError as error:
            self.errors.append(str(error))

    async def _stop(self, person: Person) -> None:
        try:
            await self._consumer.post(f"/enrollments/{person.enrollment_id}/stop")
        except NoAnswer:
            person.stop_unanswered = True
            raise


async def _patiently(call: Callable[[], Awaitable[Any]]) -> Any:
    """Asks again as long as nobody answers; whoever never does is found by the drill's own patience."""
    while True:
        with contextlib.suppress(NoAnswer):
            return await call()
        await asyncio.sleep(AGAIN_SECONDS)

"""The people of `drill sending`: who gets which messages, and who says no at some moment while they are being sent."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from demo.client import Consumer, DemoError, NoAnswer

TEXTS, MAILS = "texts", "mails"
"""The two channels."""
REFUSERS = 0.25
"""The share of people who opt out."""
LATEST_REFUSAL = 8.0
MESSAGES_EACH, BY_CAMPAIGNS = 4, 2
"""A campaign by each channel, and a sequence of one message by each, which people who opt out leave before its messages."""
AGAIN_SECONDS = 0.5
WATCH_SECONDS = 2.0
SMS = {"body": "Look: https://example.com/offer"}
MAIL = {"subject": "An offer", "body": "Look: https://example.com/offer\n\nNo more of these: {{ unsubscribe_url }}"}
WORTH = "PT45S"
"""How long the text messages of campaigns are worth sending, which is shorter than many of the outages."""


@dataclass
class Person:
    """`refuses_after`: seconds after the messages were asked for; None means never. `asked_at` is when the person said no, and
    `opted_out_at` when that was answered."""

    contact_id: UUID
    refuses_after: float | None
    asked_at: datetime | None = None
    opted_out_at: datetime | None = None

    @property
    def expects(self) -> int:
        """How many messages have a row, sent or not."""
        return MESSAGES_EACH if self.opted_out_at is None else BY_CAMPAIGNS


class Audience:
    """Asks for messages to more and more people, lets some of them opt out, and resumes the channels that have paused.

    `errors` has answers that nobody should ever get, and `pauses` the reasons for which channels paused."""

    def __init__(self, consumer: Consumer, choice: random.Random) -> None:
        self.people: list[Person] = []
        self.errors: list[str] = []
        self.pauses: list[str] = []
        self._consumer, self._choice = consumer, choice
        self._sequence = ""
        self._tasks: list[asyncio.Task[None]] = []

    async def prepare(self, channels: dict[str, dict[str, Any]]) -> None:
        """Makes the channels and the sequence."""
        for name, channel in channels.items():
            await self._consumer.post("/channels", {"name": name, **channel})
        steps = [
            {"kind": "send", "key": "text", "channel": TEXTS, "message": SMS},
            {"kind": "send", "key": "mail", "channel": MAILS, "message": MAIL},
        ]
        self._sequence = (await self._consumer.post("/sequences", {"name": "Drill", "steps": steps}))["id"]
        await self._consumer.post(f"/sequences/{self._sequence}/publish")
        self._tasks.append(asyncio.create_task(self._resume_channels()))

    async def write_to(self, count: int) -> None:
        """Writes to so many new people, each by both campaigns and the sequence."""
        first, tag = len(self.people), f"group-{len(self.people)}"
        rows = [_row(first + number, tag) for number in range(count)]
        created = await self._call("POST", "/contacts/bulk", {"contacts": rows})
        ids = [UUID(each["contact_id"]) for each in created["results"]]
        people = [Person(each, self._moment()) for each in ids]
        self.people += people
        for channel, message in ((TEXTS, {**SMS, "valid_for": WORTH}), (MAILS, MAIL)):
            campaign = {"name": f"{channel} {tag}", "channel": channel, "message": message, "audience": {"tags": [tag]}}
            made = await self._call("POST", "/campaigns", campaign)
            await self._call("POST", f"/campaigns/{made['id']}/launch")
        body = {"contact_ids": [str(each) for each in ids]}
        await self._call("POST", f"/sequences/{self._sequence}/enrollments", body)
        self._tasks += [asyncio.create_task(self._refuses(each)) for each in people]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _moment(self) -> float | None:
        refuses, moment = self._choice.random() < REFUSERS, self._choice.uniform(0, LATEST_REFUSAL)
        return moment if refuses else None

    async def _refuses(self, person: Person) -> None:
        if person.refuses_after is None:
            return
        await asyncio.sleep(person.refuses_after)
        person.asked_at = datetime.now(UTC)
        try:
            await self._call(
                "POST",
                f"/contacts/{person.contact_id}/consent",
                {"state": "opted_out", "reason": "the person asked for it"},
            )
            person.opted_out_at = datetime.now(UTC)
        except DemoError as error:
            self.errors.append(str(error))

    async def _resume_channels(self) -> None:
        """Does what an operator would do who has found out why a channel has paused."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            with contextlib.suppress(NoAnswer):
                for channel in (await self._consumer.call("GET", "/channels"))["items"]:
                    if channel["name"] in (TEXTS, MAILS) and channel["paused_at"] is not None:
                        self.pauses.append(f"{channel['name']}: {channel['pause_reason']}")
                        await self._consumer.post(f"/channels/{channel['id']}/resume")

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        """Asks again as long as nobody answers. What was done already is answered as before, because it has the same key."""
        headers = {"Idempotency-Key": str(uuid4())}
        return await _patiently(lambda: self._consumer.call(method, path, json=body, headers=headers))


def _row(number: int, tag: str) -> dict[str, Any]:
    return {
        "external_id": f"drill-{number:05d}",
        "phone": f"+1202{5550000 + number}",
        "email": f"person{number:05d}@drill{number % 5}.example",
        "tags": [tag],
    }


async def _patiently(call: Callable[[], Awaitable[Any]]) -> Any:
    while True:
        with contextlib.suppress(NoAnswer):
            return await call()
        await asyncio.sleep(AGAIN_SECONDS)

"""The people of `drill enrollments` whose clicks fire triggers, the machines that click before them or instead of them, and the
team that hears of it.

Everybody has a campaign's message, whose trigger `hot` fires twice, and a sequence's, whose trigger `move` moves them.
"""

import asyncio
import contextlib
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import httpx

from demo.client import Consumer, Stage
from demo.people import CRAWLER, contact_row, visit
from demo.team import Team
from drills.parts.enrollments.people import TEAM
from drills.parts.triggers.checker import Listener
from drills.parts.triggers.rows import Place, Places, effects, firings, links_of_triggers, notified
from models.clicks.inbox import LinkOfRecipient
from models.database import Database
from tracking.tokens.token import TokenCodec

HOT, MOVE, START = "hot", "move", "start"
CHANNEL, TAG = "simulator-sms", "listener"
FIRST_NUMBER = 5_000
"""Numbers of contacts from here on are free in `drill enrollments`."""
TIMES = {HOT: 2, MOVE: 1}
LOOK = {"body": "Look: {{ links.offer }}", "links": {"offer": "https://example.com/offer"}}
THANKS = {"body": "Your code: {{ links.code }}", "links": {"code": "https://example.com/code"}}
PAUSE = {"kind": "wait", "key": "pause", "duration": "PT2H"}

PERSON, MACHINE, BOTH = "person", "machine", "both"
SHARES = {PERSON: 6, MACHINE: 2, BOTH: 2}
LONGEST_THOUGHT = 4.0
AGAIN_SECONDS = 0.5
FOUND = 302


def kinds(key: str) -> list[str]:
    return ["tag", "notify", "send", "leave", "enroll"] if key == MOVE else ["tag", "notify", "send", "enroll"]


def trigger(key: str, sequence_id: str) -> dict[str, Any]:
    fields: dict[str, dict[str, Any]] = {
        "tag": {"tags": [key]},
        "notify": {"target": TEAM},
        "send": {"channel": CHANNEL, "message": THANKS},
        "leave": {},
        "enroll": {"sequence_id": sequence_id},
    }
    actions = [{"kind": kind, **fields[kind]} for kind in kinds(key)]
    return {"key": key, "link": "offer", "times": TIMES[key], "actions": actions}


@dataclass(frozen=True)
class Plan:
    """Who clicks the links of one person, how often the campaign's one, and after how many seconds each."""

    who: str
    moments: tuple[float, ...]


def invent(count: int, choice: random.Random) -> list[Plan]:
    """The same plans for the same seed."""

    def one() -> Plan:
        who = choice.choices(list(SHARES), list(SHARES.values()))[0]
        return Plan(who, tuple(sorted(choice.uniform(0, LONGEST_THOUGHT) for _ in range(choice.choice((1, 2, 3))))))

    return [one() for _ in range(count)]


class Listeners:
    """Prepares the triggers, and lets people and machines click. `errors` has answers that nobody should ever get."""

    def __init__(self, consumer: Consumer, database: Database, redirect_port: int, codec: TokenCodec, team: Team) -> None:
        self.errors: list[str] = []
        self._consumer, self._database, self._codec, self._team = consumer, database, codec, team
        self._redirect = f"http://127.0.0.1:{redirect_port}"
        self._browser = httpx.AsyncClient(timeout=30, trust_env=False)
        self._links: dict[Place, LinkOfRecipient] = {}
        self._waiting: list[tuple[UUID, Plan]] = []
        self._asked: Counter[Place] = Counter()
        self._answered: Counter[Place] = Counter()
        self._by_machines: Counter[Place] = Counter()
        self._tasks: list[asyncio.Task[None]] = []
        self._places: Places | None = None

    async def prepare(self, count: int, choice: random.Random) -> None:
        """So many contacts get both messages before anything breaks."""
        rows = [{**contact_row(FIRST_NUMBER + number), "tags": [TAG]} for number in range(count)]
        created = await self._consumer.post("/contacts/bulk", {"contacts": rows})
        people = [UUID(row["contact_id"]) for row in created["results"]]
        targets = {key: await self._publish(key, [PAUSE]) for key in TIMES}
        hello = {"kind": "send", "key": "look", "channel": CHANNEL, "message": LOOK}
        start = await self._publish(START, [hello, PAUSE], [trigger(MOVE, targets[MOVE])])
        body = {"name": "Drill", "channel": CHANNEL, "message": LOOK, "audience": {"tags": [TAG]}}
        campaign = await self._consumer.post("/campaigns", {**body, "triggers": [trigger(HOT, targets[HOT])]})
        await self._consumer.post(f"/campaigns/{campaign['id']}/launch")
        await self._consumer.post(f"/sequences/{start}/enrollments", {"contact_ids": list(map(str, people))})
        self._places = Places(UUID(campaign["id"]), UUID(start), HOT, MOVE)
        await self._consumer.until_done(Stage("Messages with triggers", 2 * count), self._find_links)
        self._waiting = list(zip(people, invent(count, choice), strict=True))

    def click(self, count: int) -> None:
        """The links of the next people are clicked, each at its own moments."""
        people, self._waiting = self._waiting[:count], self._waiting[count:]
        self._tasks += [asyncio.create_task(self._act(contact_id, plan)) for contact_id, plan in people]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Whoever has not clicked by now does not click any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._browser.aclose()

    @property
    def acting(self) -> bool:
        """Somebody still has a click to make."""
        return not all(task.done() for task in self._tasks)

    async def facts(self) -> tuple[list[Listener], int, int]:
        """Returns everybody for each trigger, the items that nobody was told of yet, and the notifications that did not come."""
        assert self._places  # noqa: S101 - it is prepared
        async with self._database.transaction() as session:
            fired, happened = await firings(session), await effects(session, self._places)
            untold, sent = await notified(session)
        heard = " ".join(str(each) for each in self._team.told)
        listeners = [
            Listener(
                key=place[0],
                times=TIMES[place[0]],
                kinds=kinds(place[0]),
                answered=self._answered[place],
                asked=self._asked[place],
                by_machines=self._by_machines[place],
                firings=fired.get(place, ()),
                effects=happened.get(place, {}),
            )
            for place in self._links
        ]
        return listeners, untold, sum(each not in heard for each in sent)

    async def _publish(self, name: str, steps: list[dict[str, Any]], triggers: list[dict[str, Any]] | None = None) -> str:
        made = await self._consumer.post("/sequences", {"name": name, "steps": steps, "triggers": triggers or []})
        await self._consumer.post(f"/sequences/{made['id']}/publish")
        return str(made["id"])

    async def _find_links(self) -> int:
        assert self._places  # noqa: S101 - it is prepared
        async with self._database.transaction() as session:
            self._links = await links_of_triggers(session, self._places)
        return len(self._links)

    async def _act(self, contact_id: UUID, plan: Plan) -> None:
        """A machine comes first when both click."""
        if plan.who != PERSON:
            for key in TIMES:
                await self._get((key, contact_id), CRAWLER)
        if plan.who == MACHINE:
            return
        before = 0.0
        for number, moment in enumerate(plan.moments):
            await asyncio.sleep(moment - before)
            before = moment
            for key in TIMES if number == 0 else (HOT,):
                await self._get((key, contact_id))

    async def _get(self, place: Place, machine: str | None = None) -> None:
        """Whoever gets no answer clicks again."""
        link = f"{self._redirect}/{self._codec.encode(*self._links[place])}"
        seen = visit(list(self._links).index(place))
        headers = {"User-Agent": machine or seen.user_agent, "X-Forwarded-For": seen.address, "Accept": "text/html"}
        while True:
            (self._by_machines if machine else self._asked)[place] += 1
            with contextlib.suppress(httpx.HTTPError):
                answer = await self._browser.get(link, headers=headers)
                if answer.status_code != FOUND:
                    self.errors.append(f"GET {link} answered {answer.status_code}")
                elif not machine:
                    self._answered[place] += 1
                return
            await asyncio.sleep(AGAIN_SECONDS)

"""An invented population of people and of gateways that pretend to be browsers, always the same one: what is found of the one,
and who is wronged of the other, can be measured.

What is assumed, since no measured population may be copied in:

- Messages have 2 to 20 links, mostly few. Half of them are SMS, which people open after 90 s (median), half are e-mails, opened
  after 20 minutes; both with a long tail and some within seconds.
- Of the people who click, 80 % open one link, 14 % two, 4 % three, 2 % up to six. On a phone each link takes them away from the
  message, so that some seconds lie between two; one in seven of the e-mail readers opens tabs, with a second or two between them.
  One in thirty double-clicks. The network delays each arrival by a tenth of a second on the average.
- Of the gateways, 60 % open all links at once within a minute of the delivery, 18 % one after the other in less than a second
  each, 8 % some of the links, 8 % do it minutes to hours later from a sandbox, 4 % change their address from link to link,
  and 2 % take one to two and a half seconds for each link. Gateways that open a single link are not among them: nothing that
  one request shows tells them from people.
- One in ten of the people has such a gateway before them, and one in fifty of those clicks while it looks.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import log
from typing import NamedTuple
from uuid import UUID

from tracking.verdicts.burst import Client, Hit, client_of
from tracking.verdicts.evidence import Message

DELIVERED = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
LINKS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20)
LINKS_SHARE = (25, 20, 20, 8, 7, 5, 4, 4, 3, 2, 2)
OPENED, OPENED_SHARE = (1, 2, 3, 4, 5, 6), (80, 14, 4, 1, 0.6, 0.4)
GATEWAYS = {"at_once": 60, "in_line": 18, "some": 8, "sandbox": 8, "changing": 4, "slow": 2}


class Recipient(NamedTuple):
    """One recipient's message with all clicks on it, and whose they are."""

    message: Message
    person: list[Hit]
    gateway: list[Hit]


class Population:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def people(self, count: int) -> Iterator[Recipient]:
        """Recipients who click, one in ten with a gateway before them."""
        for _ in range(count):
            message = self._message()
            gateway = self._gateway(message) if self._random.random() < 0.1 else []
            beside = gateway and self._random.random() < 0.02
            after = (gateway[0].at - DELIVERED).total_seconds() + self._random.uniform(0, 2) if beside else None
            yield Recipient(message, self._person(message, after), gateway)

    def gateways(self, count: int) -> Iterator[Recipient]:
        """Recipients who never click, behind a gateway that opens at least two links."""
        for _ in range(count):
            message = self._message()
            yield Recipient(message, [], self._gateway(message))

    def _message(self) -> Message:
        return Message(self._random.choices(LINKS, LINKS_SHARE)[0], DELIVERED)

    def _person(self, message: Message, after: float | None) -> list[Hit]:
        sms = self._random.random() < 0.5
        start = 3 + self._random.lognormvariate(log(90), 1.3) if sms else 3 + self._random.lognormvariate(log(1200), 1.8)
        count = min(self._random.choices(OPENED, OPENED_SHARE)[0], message.links)
        tabs = not sms and self._random.random() < 1 / 7
        made = self._times(start if after is None else after, count, self._tab if tabs else self._read)
        links = self._random.sample(range(message.links), count)
        if self._random.random() < 1 / 30:
            links, made = [links[0], *links], [made[0] - 0.2, *made]
        client = self._client("81.2")
        return self._hits([(link, at + self._delay(), client) for link, at in zip(links, made, strict=True)])

    def _read(self) -> float:
        return 1.5 + self._random.lognormvariate(log(8), 0.9)

    def _tab(self) -> float:
        return 0.7 + self._random.expovariate(1 / 1.3)

    def _delay(self) -> float:
        return self._random.expovariate(10)

    def _gateway(self, message: Message) -> list[Hit]:
        kind = self._random.choices([*GATEWAYS], [*GATEWAYS.values()])[0]
        start = self._random.uniform(300, 10_000) if kind == "sandbox" else 2 + self._random.expovariate(1 / 12)
        count = self._random.randint(2, message.links) if kind == "some" else message.links
        links = self._random.sample(range(message.links), count)
        pauses = {"in_line": (0.2, 0.9), "slow": (1.0, 2.5)}.get(kind, (0.0, 1.0 / count))
        made = self._times(start, count, lambda: self._random.uniform(*pauses))
        clients = [self._client("198.51")] * count
        if kind == "changing":
            ours = self._client("198.51")
            clients = [Client(each.network, ours.agent) for each in map(self._client, ["198.51"] * count)]
        return self._hits([(link, at + self._delay() / 3, each) for link, at, each in zip(links, made, clients, strict=True)])

    def _times(self, start: float, count: int, pause: Callable[[], float]) -> list[float]:
        made = [start]
        while len(made) < count:
            made.append(made[-1] + pause())
        return made

    def _client(self, network: str) -> Client:
        ip = f"{network}.{self._random.randrange(256)}.{self._random.randrange(1, 255)}"
        return client_of(ip, f"browser {self._random.randrange(400)}")

    def _hits(self, clicks: Sequence[tuple[int, float, Client]]) -> list[Hit]:
        return [
            Hit(UUID(int=self._random.getrandbits(128)), link, DELIVERED + timedelta(seconds=at), client)
            for link, at, client in clicks
        ]

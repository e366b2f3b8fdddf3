"""People who have got a message with a link, and who click it."""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx

from demo.people import BROWSERS
from tests.console.browser.conftest import Team

OFFER = {"body": "Hello {{ contact.first_name }}: {{ links.offer }}", "links": {"offer": "https://www.example.com/offer"}}
PATIENCE = 60.0


@dataclass
class Sent:
    """A launched campaign, the ids of its people, and the link of each in the same order."""

    campaign_id: str
    contacts: list[str]
    links: list[str]

    async def click(self, number: int = 0) -> None:
        """As a person on a phone."""
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(self.links[number], headers={"User-Agent": BROWSERS[0][0], "Accept": "text/html"})
            assert answer.status_code == 302, answer.text


async def send_campaign(team: Team, *names: str, **fields: Any) -> Sent:
    """Launches a campaign to new people with these first names and waits until all have got it."""
    contacts = list[str]()
    phones = [f"+1555{len(names):03}{number:04}" for number in range(len(names))]
    for name, phone in zip(names, phones, strict=True):
        contacts.append((await team.post("/contacts", {"first_name": name, "phone": phone, "tags": ["live"]}))["id"])
    draft = {"name": "Spring", "channel": "simulator-sms", "message": OFFER, "audience": {"tags": ["live"]}, **fields}
    campaign = (await team.post("/campaigns", draft))["id"]
    await team.post(f"/campaigns/{campaign}/launch")
    links = [await link_of(team, phone) for phone in phones]
    return Sent(campaign, contacts, links)


async def link_of(team: Team, phone: str) -> str:
    """The link of the newest message that this phone has received by the simulator, as soon as there is one."""
    channels = (await team.get("/channels"))["items"]
    (simulator,) = [each["id"] for each in channels if each["name"] == "simulator-sms"]
    async with asyncio.timeout(PATIENCE):
        while True:
            received = (await team.get(f"/channels/{simulator}/inbox", to=phone))["items"]
            if received:
                return str(received[0]["links"][0])
            await asyncio.sleep(0.2)

"""What a reload would change on a page is live: without it, a page says one thing in its numbers and another one beside them."""

from copy import deepcopy
from typing import Any

import pytest

from models.database import Database
from models.messages.message import MessageState
from models.organizations.organization import Organization
from models.sequences.event import EventKind
from tests.console.conftest import Browser, Shown
from tests.rows import Rows, minutes

OF_CAMPAIGN = ("", "/recipients", "/follow-ups", "/history")
OF_SEQUENCE = ("", "/people", "/report")
ALONE = ("/", "/campaigns", "/sequences", "/links", "/clicks", "/health", "/replies")
PAGES = (
    *ALONE,
    *(f"/campaigns/CAMPAIGN{each}" for each in OF_CAMPAIGN),
    *(f"/sequences/SEQUENCE{each}" for each in OF_SEQUENCE),
    "/links/LINK",
    "/contacts/CONTACT",
)


def what_stays(shown: Shown) -> list[str]:
    """The texts of a page that do not change before it is reloaded."""
    body = deepcopy(shown.body)
    for live in body.cssselect("[data-live], script"):
        live.drop_tree()
    return [text for each in body.itertext() if (text := " ".join(each.split()))]


class Place:
    """A campaign and a sequence, each with a person who has a message, and the ids of their pages."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.ids: dict[str, Any] = {}
        self.messages: list[Any] = []

    async def begin(self) -> None:
        self.campaign, self.sequence = await self.rows.campaign(), await self.rows.sequence()
        self.hello = await self.rows.content_of_step(self.sequence, "hello")
        self.contact = await self.rows.contact(first_name="Ada")
        self.enrollment = await self.rows.enrollment(self.sequence, self.contact)
        self.messages.append(await self.rows.message(self.campaign.content_id, self.contact))
        self.messages.append(await self.rows.message(self.hello, self.contact, enrollment=self.enrollment))
        link = (await self.rows.links(self.campaign.content_id))[0]
        self.ids = {"CAMPAIGN": self.campaign.id, "SEQUENCE": self.sequence.id, "CONTACT": self.contact.id, "LINK": link.id}

    async def go_on(self) -> None:
        """Clicks by a person and a machine, another enrollment, and messages of every state."""
        for message in self.messages:
            await self.rows.click(message, at=minutes(5))
            await self.rows.click(message, at=minutes(6), verdict="bot", reason="scanner", metadata=None)
        ben = await self.rows.contact(first_name="Ben")
        await self.rows.event(await self.rows.enrollment(self.sequence, ben), EventKind.ENROLLED, 0, at=minutes(7))
        for state, reason in ((MessageState.ACCEPTED, None), (MessageState.SKIPPED, "no_phone")):
            await self.rows.message(self.campaign.content_id, await self.rows.contact(), state, reason=reason)

    def address(self, page: str) -> str:
        for name, each in self.ids.items():
            page = page.replace(name, str(each))
        return page


@pytest.mark.parametrize("page", PAGES)
async def test_what_a_reload_would_change_is_live(
    browser: Browser, database: Database, organization: tuple[Organization, str], page: str
) -> None:
    place = Place(Rows(database, organization[0].id))
    await place.begin()
    before = await browser.open(place.address(page))
    await place.go_on()
    after = await browser.open(place.address(page))
    assert (before.status, after.status) == (200, 200)
    assert what_stays(after) == what_stays(before)

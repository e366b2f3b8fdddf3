"""Requests that come together are looked at together, and each of them is answered as if it had come alone."""

import asyncio

import httpx
import pytest

from api.redirect.answering import follow
from api.redirect.answering.link_request import LinkRequest
from models.clicks.verdict import Reason
from models.database import Database
from models.organizations.organization import Organization
from tests.api.redirect.contact import PHONE, Contact
from tests.clicks import IPHONE, LONDON, Sent, rows, send
from tracking.verdicts.reason import reason_of

BROKEN = "an agent that breaks the verdict"


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    return await send(database, organization[0].id, ["https://example.com/a", "https://example.com/b"], people=30)


async def test_known_unknown_shared_and_looked_at_links_in_one_turn_get_their_own_answers(
    contact: Contact, database: Database, sent: Sent
) -> None:
    await contact.app.state.parts.link_cache.refresh()
    answers = await asyncio.gather(
        contact.click(sent, 0),
        contact.client.get("/nonsense"),
        contact.click(sent, 1, method="HEAD"),
        contact.client.get(f"/{contact.codec.encode(99_999, 0, 0)}"),
        contact.click(sent, 2, position=1),
    )
    assert [answer.status_code for answer in answers] == [302, 404, 302, 404, 302]
    assert [answer.headers.get("location", "")[-2:] for answer in answers] == ["/a", "", "/a", "", "/b"]
    assert await rows(database, "SELECT position FROM click_inbox ORDER BY id") == [0, 1]


async def test_a_request_that_breaks_something_fails_alone(
    contact: Contact, database: Database, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(method: str, headers: dict[str, str]) -> Reason:
        if headers["user-agent"] == BROKEN:
            raise RuntimeError("planted")
        return reason_of(method, headers)

    monkeypatch.setattr(follow, "reason_of", breaking)
    await contact.app.state.parts.link_cache.refresh()
    agents = [IPHONE, IPHONE, IPHONE, BROKEN, IPHONE, IPHONE]
    clicks = [contact.click(sent, person, headers={"User-Agent": agent}) for person, agent in enumerate(agents)]
    answers: list[httpx.Response] = await asyncio.gather(*clicks)
    assert [answer.status_code for answer in answers] == [302, 302, 302, 500, 302, 302]
    assert sorted(await rows(database, "SELECT recipient_number FROM click_inbox")) == [0, 1, 2, 4, 5]


async def test_the_click_of_a_contact_who_is_gone_before_the_answer_is_stored_all_the_same(
    contact: Contact, database: Database, sent: Sent
) -> None:
    parts = contact.app.state.parts
    await parts.link_cache.refresh()
    headers = {name.lower(): value for name, value in PHONE.items()}
    link_requests = [LinkRequest("GET", contact.token(sent, person), headers, "127.0.0.1") for person in range(3)]
    gone = [asyncio.create_task(parts.follow(link_request)) for link_request in link_requests]
    await asyncio.sleep(0)  # they have asked, and nothing was looked at
    for task in gone:
        task.cancel()
    assert (await contact.click(sent, 3)).status_code == 302
    assert sorted(await rows(database, "SELECT recipient_number, ip FROM click_inbox")) == [(n, LONDON) for n in range(4)]

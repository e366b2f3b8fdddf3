"""The list of all tracked links: where each stands, and its clicks."""

from typing import Any

import pytest

from models.database import Database
from models.organizations.organization import Organization, create_organization
from tests.builders import Caller
from tests.plans import scans_without_index, statements
from tests.rows import OFFER, Rows, minutes

TERMS = (None, "https://shop.example/terms")


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def read(api: Caller, **params: Any) -> list[dict[str, Any]]:
    """All pages."""
    items: list[dict[str, Any]] = []
    while True:
        answer = await api.get("/links", params=params)
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        if (cursor := answer.json()["next_cursor"]) is None:
            return items
        params["cursor"] = cursor


async def test_an_organization_without_links_has_an_empty_list(api: Caller) -> None:
    assert await read(api) == []


async def test_what_no_filter_knows_is_refused(api: Caller) -> None:
    answer = await api.get("/links", params={"of": "posters"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "of")


async def test_each_link_says_where_it_stands_and_who_clicked_it(api: Caller, rows: Rows) -> None:
    campaign = await rows.campaign(name="Spring", links=(OFFER, TERMS))
    ada, ben = [await rows.message(campaign.content_id, await rows.contact()) for _ in range(2)]
    await rows.click(ada, at=minutes(1))
    await rows.click(ada, at=minutes(2))
    await rows.click(ben, at=minutes(3), verdict="bot")
    sequence = await rows.sequence(name="Welcome")
    shared = (await api.post("/shared-links", json={"slug": "poster", "destination": "https://shop.example/"})).json()
    poster, of_sequence, terms, offer = await read(api)
    assert (poster["id"], poster["slug"], poster["messages"]) == (shared["id"], "poster", 0)
    assert (of_sequence["sequence"], of_sequence["step_key"], of_sequence["version"]) == ("Welcome", "hello", 1)
    assert of_sequence["sequence_id"] == str(sequence.id)
    assert (terms["name"], terms["people"], terms["human_clicks"]) == (None, 0, 0)
    assert (offer["campaign"], offer["campaign_id"]) == ("Spring", str(campaign.id))
    assert [offer[name] for name in ("people", "human_clicks", "suspect_clicks", "bot_clicks", "messages")] == [1, 2, 0, 1, 2]


async def test_links_of_messages_and_shared_ones_are_two_lists(api: Caller, rows: Rows) -> None:
    await rows.campaign()
    await api.post("/shared-links", json={"slug": "poster", "destination": "https://shop.example/"})
    assert [each["slug"] for each in await read(api, of="shared")] == ["poster"]
    assert [each["slug"] for each in await read(api, of="messages")] == [None]


async def test_no_link_is_in_two_pages_or_in_none(api: Caller, rows: Rows) -> None:
    for _ in range(3):
        await rows.campaign(links=(OFFER, TERMS))
    ids = [each["id"] for each in await read(api, limit=2)]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 6


async def test_another_organizations_links_are_not_listed(api: Caller, database: Database) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    await Rows(database, other.id).campaign()
    assert await read(api) == []


async def test_a_page_of_links_reads_no_table_as_a_whole(api: Caller, rows: Rows, database: Database) -> None:
    await rows.campaign()
    with statements(database) as made:
        await read(api)
    assert await scans_without_index(database, made) == []

"""Find anything: by name, what the role may do, and whatever somebody types."""

import pytest

from console.areas.search.search import COMMANDS
from console.navigation import PLACES
from console.registry import AREAS
from models.database import Database
from models.organizations.organization import Organization, create_organization
from tests.builders import Caller
from tests.console.conftest import Browser, with_role
from tests.rows import Rows

Org = tuple[Organization, str]
EVIL = "<script>alert('spring')</script>"


@pytest.fixture
async def made(database: Database, organization: Org, api: Caller) -> Rows:
    """Something of each kind that is called Spring."""
    rows = Rows(database, organization[0].id)
    await rows.campaign(name="Spring offer")
    await rows.sequence(name="After spring")
    await rows.contact(first_name="Spring", last_name="Berg", email="berg@example.com")
    segment = {"name": "Spring people", "definition": {"kind": "tags", "tags": ["spring"]}}
    answer = await api.post("/segments", json=segment)
    assert answer.status_code == 201, answer.text
    return rows


async def test_without_a_question_there_are_places_and_commands(browser: Browser) -> None:
    shown = await browser.open("/search")
    assert shown.all("#found h2") == ["Go to", "Do"]
    assert [*shown.links(".found[aria-label='Go to'] a")] == ["/console" + each.path.rstrip("/") for each in PLACES]


async def test_everything_of_this_name_is_found(browser: Browser, made: Rows) -> None:
    shown = await browser.open("/search", q="spring")
    assert shown.all("#found h2") == ["Campaigns", "Sequences", "People", "Segments"]
    assert "Spring offer" in shown.text
    assert "berg@example.com" in shown.text
    for href in shown.links(".found a"):
        assert (await browser.open(href)).status == 200


async def test_commands_are_found_by_other_words_too(browser: Browser) -> None:
    assert "New campaign" in (await browser.open("/search", q="create camp")).text
    assert "/console/settings" in (await browser.open("/search", q="metadata")).links(".found a")


async def test_what_the_role_may_not_do_is_not_offered(visitor: Browser, api: Caller) -> None:
    await with_role(visitor, api, "viewer")
    shown = await visitor.open("/search")
    assert not any(each.startswith("New ") for each in shown.all(".found a"))
    for href in shown.links(".found[aria-label=Do] a"):
        assert (await visitor.open(href)).status == 200


async def test_another_organization_is_not_found(browser: Browser, made: Rows, database: Database) -> None:
    async with database.transaction() as session:
        _, key = await create_organization(session, "Another")
    browser.client.cookies.clear()
    await browser.sign_in(key)
    assert "Nothing has this in its name" in (await browser.open("/search", q="spring")).text


@pytest.mark.parametrize("q", [EVIL, "%", "_", "'", "\u202egnirps", "x" * 10_000, "a\nb", "\x00", "+47", "..."])
async def test_whatever_somebody_types_is_a_question(browser: Browser, made: Rows, q: str) -> None:
    await made.contact(first_name=EVIL)
    shown = await browser.open("/search", q=q)
    assert shown.status == 200
    assert not shown.body.cssselect("script:not([src])")


def test_every_command_leads_to_a_page() -> None:
    pages = {each.path: each.role for area in AREAS for each in area.declared if each.method == "GET"}
    for command in COMMANDS:
        assert command.path in pages, command.path
        assert command.role.may(pages[command.path]), command.title


def test_every_place_has_a_key_of_its_own() -> None:
    assert len({each.key for each in PLACES}) == len(PLACES)
    assert not {each.key for each in PLACES} & set("gjk/?")

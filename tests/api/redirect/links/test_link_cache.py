"""The link_cache: new contents at once, switches within a second, memory that does not grow with guesses."""

import asyncio
import contextlib
import errno
from unittest.mock import AsyncMock

import psycopg
import pytest
from sqlalchemy import text

from api.http.within import within
from api.redirect.background.condition import Condition
from api.redirect.links import link_cache as book
from api.redirect.links import personal_links
from api.redirect.links.link_cache import Destination, LinkCache, LinkCacheUnavailable
from api.redirect.links.personal_links import PersonalLinks
from models.database import Database
from models.links import link_cache as link_cache
from models.organizations.organization import Organization
from tests.clicks import Sent, add_personal_link, send
from tests.silence import silent
from tracking.tokens.token import Token


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    return await send(database, organization[0].id, wakes=[1])


async def switch_metadata_off(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("UPDATE organization SET link_tracking_metadata = false"))


async def test_a_database_that_is_away_is_an_answer_of_its_own_and_what_is_known_stays_valid(
    database: Database, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = LinkCache(database)
    await links.refresh()
    monkeypatch.setattr(database, "session", lambda: (_ for _ in ()).throw(ConnectionRefusedError(errno.ECONNREFUSED, "away")))
    with pytest.raises(LinkCacheUnavailable):
        await links.find(Token(sent.content_id + 1, 0, 0))
    with pytest.raises(ConnectionRefusedError):
        await links.refresh()
    assert (links.loaded, links.problem) == (True, "ConnectionRefusedError: Connection refused")
    assert await links.find(Token(sent.content_id, 0, 0)) is not None


async def test_guesses_are_remembered_for_a_moment_in_bounded_memory(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "UNKNOWN_LIMIT", 10)
    monkeypatch.setattr(link_cache, "one_content", asked := AsyncMock(return_value=None))
    links = LinkCache(database)
    for content_id in [*range(30), 29, 29, 28]:
        assert await links.find(Token(content_id, 0, 0)) is None
    assert asked.await_count == 30
    assert len(links._unknown) == 10
    monkeypatch.setattr(book, "UNKNOWN_SECONDS", 0.0)
    assert await links.find(Token(30, 0, 0)) is None
    assert await links.find(Token(30, 0, 0)) is None
    assert asked.await_count == 32


async def test_a_content_that_is_not_loaded_yet_is_looked_up_once_for_all_who_ask(
    database: Database, organization: tuple[Organization, str], sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = link_cache.one_content
    monkeypatch.setattr(link_cache, "one_content", asked := AsyncMock(side_effect=real))
    links = LinkCache(database)
    found = await asyncio.gather(*(links.find(Token(sent.content_id, n, 1)) for n in range(20)))
    assert set(found) == {
        Destination("https://example.com/b", wakes=True, metadata=True, org_id=organization[0].id.bytes, alone=False)
    }
    assert asked.await_count == 1


async def test_contents_are_loaded_page_by_page_and_new_ones_follow(
    database: Database, organization: tuple[Organization, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book, "PAGE", 2)
    first = [await send(database, organization[0].id, people=0) for _ in range(5)]
    links = LinkCache(database)
    await links.refresh()
    later = await send(database, organization[0].id, people=0)
    await links.refresh()
    monkeypatch.setattr(link_cache, "one_content", asked := AsyncMock(return_value=None))
    for each in [*first, later]:
        assert await links.find(Token(each.content_id, 0, 0)) is not None
    assert asked.await_count == 0


async def test_a_switched_off_metadata_setting_counts_by_itself(database: Database, sent: Sent) -> None:
    links = LinkCache(database)
    stop = asyncio.Event()
    keeping = asyncio.create_task(links.run(stop))
    token = Token(sent.content_id, 0, 0)
    assert (await links.find(token) or pytest.fail("unknown")).metadata
    await switch_metadata_off(database)
    async with asyncio.timeout(30):
        while True:
            found = await links.find(token)
            if found and not found.metadata:
                break
            await asyncio.sleep(0.01)
    stop.set()
    await keeping


async def test_the_first_click_on_a_new_content_knows_a_setting_that_was_switched_off_just_now(
    database: Database, organization: tuple[Organization, str], sent: Sent
) -> None:
    links = LinkCache(database)
    await switch_metadata_off(database)
    found = await links.find(Token(sent.content_id, 0, 0))
    assert found == Destination(
        "https://example.com/a", wakes=False, metadata=False, org_id=organization[0].id.bytes, alone=False
    )


MINE = "https://example.com/a?utm_term={{ contact.first_name }}&x=1"


async def test_a_recipients_own_address_is_kept_and_without_it_a_link_leads_on_when_its_fields_stand_in_the_query(
    database: Database, organization: tuple[Organization, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = await send(database, organization[0].id, [MINE, "https://example.com/{{ contact.id }}"], people=2)
    await add_personal_link(database, sent, 0, "https://example.com/a?utm_term=Ada&x=1")
    links = LinkCache(database)
    await links.refresh()
    assert await _url(links, Token(sent.content_id, 0, 0)) == "https://example.com/a?utm_term=Ada&x=1"
    monkeypatch.setattr(database, "session", lambda: (_ for _ in ()).throw(ConnectionRefusedError(errno.ECONNREFUSED, "away")))
    assert await _url(links, Token(sent.content_id, 0, 0)) == "https://example.com/a?utm_term=Ada&x=1"
    assert await _url(links, Token(sent.content_id, 1, 0)) == "https://example.com/a?utm_term=&x=1"
    assert await _url(links, Token(sent.content_id, 1, 1)) is None


async def _url(links: LinkCache, token: Token) -> str | None:
    return (await links.find(token) or pytest.fail("unknown")).url


async def test_few_addresses_of_recipients_are_kept(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    monkeypatch.setattr(personal_links, "KEPT", 2)
    monkeypatch.setattr(link_cache, "personal_url", asked := AsyncMock(return_value="https://example.com/mine"))
    links = PersonalLinks(database)
    for recipient_number in (1, 2, 1, 3, 1, 2):
        assert await links.find(Token(1, recipient_number, 0)) == "https://example.com/mine"
    assert asked.await_count == 4


async def test_a_silent_database_keeps_no_contact_waiting(
    database: Database, admin: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = LinkCache(database)
    await links.refresh()
    monkeypatch.setattr(book, "LOOK_UP_SECONDS", 0.05)
    with silent(admin, database_url), pytest.raises(LinkCacheUnavailable, match=r"no answer within 0\.05 s"):
        await asyncio.wait_for(asyncio.gather(*(links.find(Token(1, recipient_number, 0)) for recipient_number in range(3))), 5)


async def test_a_question_without_an_answer_is_given_up_without_waiting_for_its_end() -> None:
    going_on = asyncio.Event()

    async def deaf() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await going_on.wait()

    with pytest.raises(TimeoutError):
        await within(0.001, deaf())
    going_on.set()


def test_a_part_that_was_well_long_ago_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    condition = Condition("refresh", "not loaded yet")
    problems = [condition.problem]
    condition.from_disk("the links")
    problems.append(condition.problem)
    condition.good()
    problems.append(condition.problem)
    monkeypatch.setattr("api.redirect.background.condition.STALE_SECONDS", -1.0)
    assert [*problems, condition.problem] == [
        "not loaded yet",
        "the links of this machine's disk are used: PostgreSQL has not answered yet",
        None,
        "last refresh 0 s ago",
    ]

"""An open page hears that something has changed, and nothing else, for as long as its session lasts."""

from contextlib import AsyncExitStack
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from api.events import changes, live_events
from api.handling.services import Services
from models.database import Database
from models.organizations.organization import Organization, create_organization
from tests.api.campaign_builders import new_campaign
from tests.api.events.streams import Opened
from tests.api.events.written import add, some_ids
from tests.builders import Caller
from tests.console.conftest import Browser, with_role
from tests.console.live.open_pages import OpenPage


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "LEAST", 0.01)
    monkeypatch.setattr(live_events, "KEYS_EVERY", 0.0)


@pytest.fixture
def org_id(organization: tuple[Organization, str]) -> UUID:
    return organization[0].id


async def test_a_page_hears_that_it_is_followed_and_then_of_what_happens(
    console_app: FastAPI, browser: Browser, database: Database, org_id: UUID
) -> None:
    async with OpenPage(console_app, browser) as page:
        assert await page.hears() == "changed"
        await add(database, org_id, *some_ids(3))
        assert await page.hears() == "changed"
        assert page.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert page.headers["cache-control"] == "no-store"
        assert page.body.count(b"data: {}") == 2


async def test_a_page_hears_only_of_what_it_shows(
    console_app: FastAPI, browser: Browser, api: Caller, database: Database, org_id: UUID
) -> None:
    mine, other = [await new_campaign(api) for _ in range(2)]
    async with OpenPage(console_app, browser, campaign_id=mine, kind="message") as page:
        assert await page.hears() == "changed"
        await add(database, org_id, *some_ids(1), campaign_id=UUID(other))
        async with OpenPage(console_app, browser, campaign_id=other) as second:
            assert await second.hears() == "changed"  # so both have been handed what was written
            assert page.waiting() == 0
        await add(database, org_id, *some_ids(1), campaign_id=UUID(mine))
        assert await page.hears() == "changed"


async def test_nobody_hears_of_another_organization(
    console_app: FastAPI, browser: Browser, api: Caller, database: Database
) -> None:
    async with database.transaction() as session:
        other, key = await create_organization(session, "Another organization")
    theirs = await new_campaign(api.with_key(key))
    async with OpenPage(console_app, browser, campaign_id=theirs) as page:
        assert await page.hears() is None
        assert page.status == 404
    async with OpenPage(console_app, browser) as page:
        assert await page.hears() == "changed"
        await add(database, other.id, *some_ids(1))
        async with OpenPage(console_app, browser) as second:
            assert await second.hears() == "changed"
            assert page.waiting() == 0


@pytest.mark.parametrize("filters", [{"campaign_id": "x"}, {"kind": "weather"}, {"contact_id": "' OR 1=1"}])
async def test_a_filter_that_cannot_be_read_is_refused(console_app: FastAPI, browser: Browser, filters: dict[str, str]) -> None:
    async with OpenPage(console_app, browser, **filters) as page:
        assert await page.hears() is None
        assert page.status == 422


async def test_a_row_that_is_not_there_is_not_followed(console_app: FastAPI, browser: Browser) -> None:
    async with OpenPage(console_app, browser, contact_id=uuid4()) as page:
        assert await page.hears() is None
        assert page.status == 404


async def test_without_a_session_there_is_no_stream(console_app: FastAPI, visitor: Browser) -> None:
    async with OpenPage(console_app, visitor) as page:
        assert await page.hears() is None
        assert page.status == 401


async def test_many_changes_are_one_message(
    console_app: FastAPI, browser: Browser, database: Database, org_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with OpenPage(console_app, browser) as page, OpenPage(console_app, browser) as second:
        assert await page.hears() == await second.hears() == "changed"
        page.reads.clear()  # its next message waits
        for _ in range(3):
            await add(database, org_id, *some_ids(1))
            assert await second.hears() == "changed"
        page.reads.set()
        assert await page.hears() == await page.hears() == "changed"  # the one that waited, and one for all others
        assert page.waiting() == 0


async def test_signing_out_ends_the_pages_of_that_session_alone(
    console_app: FastAPI, browser: Browser, organization: tuple[Organization, str], database: Database
) -> None:
    async with OpenPage(console_app, browser) as page:
        assert await page.hears() == "changed"
        token = await browser.token()
        signed_out = dict(browser.client.cookies)
        browser.client.cookies.clear()
        await browser.sign_in(organization[1])
        async with OpenPage(console_app, browser) as second:
            assert await second.hears() == "changed"
            browser.client.cookies.clear()
            browser.client.cookies.update(signed_out)
            await browser.send("/sign-out", form_token=token)
            assert await page.hears() is None
            await add(database, organization[0].id, *some_ids(1))
            assert await second.hears() == "changed"


async def test_a_key_that_is_revoked_ends_the_pages_of_its_sessions(console_app: FastAPI, visitor: Browser, api: Caller) -> None:
    await with_role(visitor, api, "viewer")
    async with OpenPage(console_app, visitor) as page:
        assert await page.hears() == "changed"
        keys = (await api.get("/api-keys")).json()["items"]
        await api.delete(f"/api-keys/{keys[-1]['id']}")
        assert await page.hears() is None
        assert page.status == 200


async def test_open_pages_count_among_the_streams_of_their_organization(
    console_app: FastAPI, browser: Browser, services: Services, organization: tuple[Organization, str]
) -> None:
    services.live.most_streams = 2
    async with OpenPage(console_app, browser) as page, Opened(console_app, organization[1]) as program:
        assert await page.hears() == "changed"
        await program.ready()
        async with OpenPage(console_app, browser) as third:
            assert await third.hears() is None
            assert (third.status, third.headers["retry-after"]) == (429, "30")
        await program.leave()
        async with OpenPage(console_app, browser) as third:
            assert await third.hears() == "changed"


async def test_pages_of_one_key_do_not_keep_out_another_key(
    console_app: FastAPI, browser: Browser, services: Services, api: Caller, organization: tuple[Organization, str]
) -> None:
    services.live.most_streams = 3
    other = (await api.post("/api-keys", json={"name": "Shop", "role": "viewer"})).json()["key"]
    async with AsyncExitStack() as opened:
        first = await opened.enter_async_context(OpenPage(console_app, browser))
        assert await first.hears() == "changed"
        second = await opened.enter_async_context(OpenPage(console_app, browser))
        assert await second.hears() == "changed"
        program = await opened.enter_async_context(Opened(console_app, organization[1]))
        await program.ready()
        async with Opened(console_app, other) as theirs:
            await theirs.ready()
            assert await first.hears() is None  # a page makes room before a program does, because it goes on without a stream
            async with OpenPage(console_app, browser) as third:
                assert (await third.hears(), third.status) == (None, 429)
            assert services.live.count() == 3
    assert services.live.count() == 0


async def test_programs_go_on_following_when_the_last_page_is_closed(
    console_app: FastAPI, browser: Browser, services: Services, database: Database, organization: tuple[Organization, str]
) -> None:
    org_id = organization[0].id
    async with Opened(console_app, organization[1]) as program:
        await program.ready()
        async with OpenPage(console_app, browser) as page:
            assert await page.hears() == "changed"
            await add(database, org_id, *some_ids(1))
            assert await page.hears() == "changed"
        await add(database, org_id, *some_ids(1))
        assert len(await program.some(2)) == 2
    assert services.live.count() == 0


async def test_a_process_that_stops_ends_open_pages_at_once(console_app: FastAPI, browser: Browser, services: Services) -> None:
    async with OpenPage(console_app, browser) as page:
        assert await page.hears() == "changed"
        services.live.end_all()
        assert await page.hears() is None
        async with OpenPage(console_app, browser) as late:
            assert await late.hears() is None


async def test_a_page_without_news_shows_that_it_lives(
    console_app: FastAPI, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "KEEP_ALIVE", 0.01)
    async with OpenPage(console_app, browser) as page:
        assert await page.hears() == "changed"
        await page.lines(b": still here", 2)


async def test_a_page_that_nobody_reads_is_given_up(
    console_app: FastAPI, browser: Browser, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "PATIENCE", 0.01)
    page = OpenPage(console_app, browser)
    page.reads.clear()
    async with page:
        assert await page.hears() is None
    assert services.live.count() == 0


async def test_the_connection_to_postgresql_is_followed_by_another_one(
    console_app: FastAPI, browser: Browser, database: Database, org_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_events, "AGAIN", 0.01)
    async with OpenPage(console_app, browser) as page:
        assert await page.hears() == "changed"
        async with database.transaction() as session:
            ended = (
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'linkwake-live-events'"
            )
            assert await session.scalar(text(ended + " AND datname = current_database()"))
        await add(database, org_id, *some_ids(1))
        assert await page.hears() == "changed"


async def test_a_page_that_is_left_open_does_not_keep_its_session(
    browser: Browser, database: Database, organization: tuple[Organization, str]
) -> None:
    async def idle(minutes: int) -> timedelta:
        async with database.transaction() as session:
            ago = {"ago": timedelta(minutes=minutes), "org_id": organization[0].id}
            await session.execute(text("UPDATE console_session SET used_at = now() - :ago WHERE org_id = :org_id"), ago)
        return timedelta(minutes=minutes)

    async def since() -> timedelta:
        async with database.transaction() as session:
            found: timedelta = await session.scalar(text("SELECT now() - used_at FROM console_session"))
            return found

    left = await idle(5)
    await browser.client.get("/console", headers={"X-Live": "1"})
    assert await since() >= left
    await browser.open("/")
    assert await since() < timedelta(minutes=1)


async def test_a_page_that_fetches_itself_takes_no_sentence_from_the_next_one(browser: Browser) -> None:
    browser.client.cookies.set("linkwake_notice", "Launched.", domain="console.test", path="/console")
    answer = await browser.client.get("/console", headers={"X-Live": "1"})
    assert "Launched." not in answer.text
    assert (await browser.open("/")).all(".toast") == ["Launched."]

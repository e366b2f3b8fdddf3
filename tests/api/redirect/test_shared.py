"""Shared links and fallbacks as a contact meets them."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from activities.places import Places
from activities.record_clicks import RecordClicks
from api.redirect import shared_book
from api.redirect.shared_book import SharedBook
from models import wire
from models.database import Database
from models.organization import Organization, create_organization
from models.shared_link import DomainRow, SharedRow, changed_shared_links
from settings import Settings
from tests.api.redirect.contact import Contact
from tests.builders import Caller

LEADS_TO = "https://www.example.com/spring?utm_source=poster"


async def shared(api: Caller, **changes: Any) -> dict[str, Any]:
    body = {"slug": "spring-sale", "destination": "https://www.example.com/spring", "utm": {"source": "poster"}, **changes}
    created = await api.post("/shared-links", json=body)
    assert created.status_code == 201, created.text
    return dict(created.json())


async def opened(contact: Contact, path: str, host: str = "link.test", method: str = "GET") -> httpx.Response:
    await contact.app.state.parts.shared.refresh()
    return await contact.client.request(method, path, headers={"Host": host})


async def recorded(database: Database) -> int:
    result = await RecordClicks(database, Places()).record_clicks(wire.RecorderInput(shard=0, shards=1))
    return result.recorded


@pytest.mark.parametrize("path", ["/spring-sales", "/Spring-sale", "/spring", "/favicon.ico", "/%00%00%00"])
async def test_an_unknown_slug_is_a_plain_404(api: Caller, contact: Contact, path: str) -> None:
    await shared(api)
    assert (await opened(contact, path)).status_code == 404


async def test_a_link_that_is_switched_off_or_deleted_is_unknown(api: Caller, contact: Contact) -> None:
    link = await shared(api)
    await api.patch(f"/shared-links/{link['id']}", json={"active": False})
    assert (await opened(contact, "/spring-sale")).status_code == 404
    await api.patch(f"/shared-links/{link['id']}", json={"active": True})
    assert (await opened(contact, "/spring-sale")).status_code == 302
    await api.delete(f"/shared-links/{link['id']}")
    assert (await opened(contact, "/spring-sale")).status_code == 404
    await shared(api, destination="https://www.example.com/new")
    assert (await opened(contact, "/spring-sale")).headers["location"].startswith("https://www.example.com/new")


async def test_a_slug_leads_nowhere_on_the_domain_of_another(api: Caller, database: Database, contact: Contact) -> None:
    await shared(api)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    await api.with_key(key).patch("/organization", json={"link_domain": "https://go.other.test"})
    assert (await opened(contact, "/spring-sale", "go.other.test")).status_code == 404
    assert (await opened(contact, "/spring-sale", "GO.other.test:443")).status_code == 404
    assert (await opened(contact, "/spring-sale", "whatever.test")).status_code == 302


@pytest.mark.parametrize("tail", ["/", ".", "查看/或者"])
async def test_a_slug_works_with_what_a_phone_took_into_the_link(api: Caller, contact: Contact, tail: str) -> None:
    await shared(api)
    answer = await opened(contact, f"/spring-sale{tail}")
    assert (answer.status_code, answer.headers["location"]) == (302, LEADS_TO)


async def test_a_click_counts_for_the_link_with_place_and_device_and_for_nobody(
    api: Caller, database: Database, contact: Contact
) -> None:
    link = await shared(api)
    for method in ("GET", "HEAD"):
        answer = await opened(contact, "/spring-sale)", method=method)
        assert (answer.status_code, answer.headers["location"]) == (302, LEADS_TO)
    assert await recorded(database) == 1
    (click,) = (await api.get("/clicks", params={"link_id": link["id"]})).json()["items"]
    assert (click["contact_id"], click["message_id"], click["verdict"]) == (None, None, "human")
    assert (click["country"], click["device_type"], click["link"]["url"]) == ("GB", "phone", LEADS_TO)
    totals = (await api.get(f"/links/{link['id']}/analytics")).json()["totals"]
    assert (totals["clicks"], totals["people"], totals["human_clicks"], totals["click_rate"]) == (1, 0, 1, None)
    assert (await api.get("/clicks")).json()["items"] == [click]


async def test_without_metadata_nothing_of_where_and_with_what_is_kept(api: Caller, database: Database, contact: Contact) -> None:
    link = await shared(api)
    await api.patch("/organization", json={"link_tracking_metadata": False})
    await contact.app.state.parts.linkbook.refresh()
    await opened(contact, "/spring-sale")
    assert await recorded(database) == 1
    (click,) = (await api.get("/clicks", params={"link_id": link["id"]})).json()["items"]
    assert (click["city"], click["device_type"]) == (None, None)


async def test_an_unknown_link_goes_to_the_fallback_of_the_domains_organization_only(
    api: Caller, contact: Contact, organization: tuple[Organization, str]
) -> None:
    await api.patch("/organization", json={"link_domain": "https://go.shop.test", "fallback_url": "https://shop.test/sorry"})
    for path in ("/nothing", "/aaaaaaaaaaaaaa"):
        answer = await opened(contact, path, "go.shop.test")
        assert (answer.status_code, answer.headers["location"]) == (302, "https://shop.test/sorry")
        assert answer.headers["cache-control"] == "private, no-store"
        assert (await opened(contact, path, "else.test")).status_code == 404


async def test_a_domain_that_two_organizations_claim_has_no_fallback(database: Database, contact: Contact) -> None:
    async with database.transaction() as session:
        for name in ("One", "Other"):  # the API refuses the second one: two requests at once, or rows of before
            organization, _ = await create_organization(session, name)
            organization.link_domain, organization.fallback_url = "https://go.shop.test", "https://shop.test/sorry"
    assert (await opened(contact, "/nothing", "go.shop.test")).status_code == 404


async def test_a_draft_claims_no_domain(api: Caller, database: Database, contact: Contact) -> None:
    await api.patch("/organization", json={"link_domain": "https://go.shop.test", "fallback_url": "https://shop.test/sorry"})
    draft = {"name": "Draft", "channel": "simulator-sms", "message": {"body": "x"}, "link_domain": "https://new.shop.test"}
    assert (await api.post("/campaigns", json=draft)).status_code == 201
    assert (await opened(contact, "/nothing", "new.shop.test")).status_code == 404


async def test_what_is_known_survives_a_restart_without_a_database(api: Caller, database: Database, settings: Settings) -> None:
    await shared(api)
    await api.patch("/organization", json={"link_domain": "https://go.shop.test", "fallback_url": "https://shop.test/sorry"})
    path = settings.var_dir / "shared.json"
    first = SharedBook(database, path)
    await first.refresh()
    assert await first.save()
    again = SharedBook(database, path)
    again.restore()
    found = again.find("link.test", "spring-sale")
    assert found is not None
    assert (found.url, again.fallback("go.shop.test")) == (LEADS_TO, "https://shop.test/sorry")
    path.write_text('{"links": [[]]}')
    SharedBook(database, path).restore()


async def test_what_is_on_disk_gives_way_to_what_the_database_says(api: Caller, database: Database, settings: Settings) -> None:
    await shared(api)
    path = settings.var_dir / "shared.json"
    first, again, third = (SharedBook(database, path) for _ in range(3))
    await first.refresh()
    assert await first.save()
    async with database.transaction() as session:
        await session.execute(text("TRUNCATE shared_link"))
    again.restore()
    assert again.find("link.test", "spring-sale") is not None
    await again.refresh()
    assert again.find("link.test", "spring-sale") is None
    assert await again.save()
    third.restore()
    assert third.find("link.test", "spring-sale") is None


async def test_while_postgresql_says_nothing_the_last_links_still_go_to_disk(
    api: Caller, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shared(api)
    path, stop, asked, saved = settings.var_dir / "shared.json", asyncio.Event(), asyncio.Event(), asyncio.Event()
    book = SharedBook(database, path)
    await book.refresh()

    async def silence(_session: AsyncSession) -> Sequence[DomainRow]:
        asked.set()
        await saved.wait()
        raise ConnectionError("it was silent")

    async def save() -> bool:
        done = await SharedBook.save(book)
        saved.set()
        return done

    monkeypatch.setattr(shared_book, "link_domains", silence)
    monkeypatch.setattr(book, "save", save)
    work = asyncio.create_task(book.run(stop))
    async with asyncio.timeout(10):
        await asked.wait()
        await saved.wait()
        stop.set()
        await work
    again = SharedBook(database, path)
    again.restore()
    assert again.find("link.test", "spring-sale") is not None


async def test_a_link_that_is_seen_just_before_the_end_is_on_disk(api: Caller, database: Database, settings: Settings) -> None:
    path, stop = settings.var_dir / "shared.json", asyncio.Event()
    book = SharedBook(database, path)
    await shared(api)
    await book.refresh()
    stop.set()
    await book.run(stop)
    again = SharedBook(database, path)
    again.restore()
    assert again.find("link.test", "spring-sale") is not None


async def test_one_slug_is_given_to_one_of_those_who_ask_at_once(api: Caller, database: Database) -> None:
    body = {"slug": "spring-sale", "destination": "https://www.example.com/spring"}
    answers = await asyncio.gather(*(api.post("/shared-links", json=body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM shared_link")) == 1


async def test_while_the_shared_links_are_not_known_nobody_is_told_that_one_does_not_exist(contact: Contact) -> None:
    contact.app.state.parts.shared.loaded = False
    answer = await contact.client.get("/spring-sale")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_a_change_is_read_again_for_a_minute_and_then_no_more(
    api: Caller, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shared(api)
    read: list[int] = []

    async def counted(session: AsyncSession, since: datetime | None) -> Sequence[SharedRow]:
        found = await changed_shared_links(session, since)
        read.append(len(found))
        return found

    monkeypatch.setattr(shared_book, "changed_shared_links", counted)
    monkeypatch.setattr(shared_book, "LOOKS", 2)
    book = SharedBook(database, settings.var_dir / "shared.json")
    for _ in range(6):
        await book.refresh()
    assert read == [1, 1, 1, 0, 0, 0]
    await shared(api, slug="summer-sale")
    await book.refresh()
    assert book.find("link.test", "summer-sale") is not None

"""Shared links and fallbacks as a contact meets them."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from activities.record_clicks import RecordClicks
from api.redirect.links import shared_link_cache
from api.redirect.links.shared_link_cache import SharedLinkCache
from models.database import Database
from models.links.shared_link import SharedRow, changed_shared_links
from models.organizations.link_domain import Holder
from models.organizations.organization import Organization, create_organization
from models.wire.clicks import RecorderInput
from services.clicks.geo_locations import GeoLocations
from services.link_domains.server_hosts import server_hosts
from settings import Settings
from tests.api.redirect.contact import Contact
from tests.builders import Caller, hold
from tests.clicks import send

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
    result = await RecordClicks(database, GeoLocations()).record_clicks(RecorderInput(shard=0, shards=1))
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
        other, _ = await create_organization(session, "Other")
    await hold(database, other.id, "go.other.test")
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
    await contact.app.state.parts.link_cache.refresh()
    await opened(contact, "/spring-sale")
    assert await recorded(database) == 1
    (click,) = (await api.get("/clicks", params={"link_id": link["id"]})).json()["items"]
    assert (click["city"], click["device_type"]) == (None, None)


async def test_an_unknown_link_goes_to_the_fallback_of_the_domains_organization_only(
    api: Caller, database: Database, contact: Contact, organization: tuple[Organization, str]
) -> None:
    await hold(database, organization[0].id, "go.shop.test")
    await api.patch("/organization", json={"fallback_url": "https://shop.test/sorry"})
    for path in ("/nothing", "/aaaaaaaaaaaaaa"):
        answer = await opened(contact, path, "go.shop.test")
        assert (answer.status_code, answer.headers["location"]) == (302, "https://shop.test/sorry")
        assert answer.headers["cache-control"] == "private, no-store"
        assert (await opened(contact, path, "else.test")).status_code == 404


async def test_a_domain_that_is_claimed_and_not_proven_is_nobodys(
    api: Caller, contact: Contact, organization: tuple[Organization, str]
) -> None:
    await api.patch("/organization", json={"fallback_url": "https://shop.test/sorry"})
    assert (await api.post("/organization/link-domains", json={"host": "go.shop.test"})).status_code == 201
    assert (await opened(contact, "/nothing", "go.shop.test")).status_code == 404


async def test_a_slug_falls_silent_with_its_domain_and_answers_again_when_the_domain_is_claimed_back(
    api: Caller, database: Database, contact: Contact, organization: tuple[Organization, str]
) -> None:
    await hold(database, organization[0].id, "go.shop.test")
    await api.patch("/organization", json={"link_domain": "https://go.shop.test"})
    link = await shared(api)
    assert (await opened(contact, "/spring-sale", "go.shop.test")).status_code == 302
    await api.patch("/organization", json={"link_domain": None})
    assert (await api.delete("/organization/link-domains/go.shop.test")).status_code == 204
    assert (await opened(contact, "/spring-sale", "go.shop.test")).status_code == 404
    assert (await api.get(f"/shared-links/{link['id']}")).json()["works"] is False
    await hold(database, organization[0].id, "go.shop.test")
    assert (await opened(contact, "/spring-sale", "go.shop.test")).status_code == 302
    assert (await api.get(f"/shared-links/{link['id']}")).json()["works"] is True


async def test_a_slug_that_another_organization_left_behind_neither_answers_nor_stands_in_the_way(
    api: Caller, database: Database, contact: Contact, organization: tuple[Organization, str], settings: Settings
) -> None:
    async with database.transaction() as session:
        before, key = await create_organization(session, "Before")
    earlier = api.with_key(key)
    await hold(database, before.id, "go.shop.test")
    await earlier.patch("/organization", json={"link_domain": "https://go.shop.test"})
    await shared(earlier, destination="https://elsewhere.test/login")
    await earlier.patch("/organization", json={"link_domain": None})
    await earlier.delete("/organization/link-domains/go.shop.test")
    await hold(database, organization[0].id, "go.shop.test")
    await api.patch("/organization", json={"link_domain": "https://go.shop.test"})
    assert (await opened(contact, "/spring-sale", "go.shop.test")).status_code == 404
    await shared(api)
    book = contact.app.state.parts.shared
    assert (await opened(contact, "/spring-sale", "go.shop.test")).headers["location"] == LEADS_TO
    assert await book.save()
    restarted = SharedLinkCache(database, settings.var_dir / "shared_links.json", server_hosts(settings))
    restarted.restore()
    found = restarted.find("go.shop.test", "spring-sale")
    assert found is not None
    assert found.org_id == organization[0].id


async def test_a_messages_link_does_not_answer_on_the_domain_of_another_organization(
    api: Caller, database: Database, contact: Contact, organization: tuple[Organization, str]
) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    await hold(database, organization[0].id, "go.shop.test")
    theirs, ours = await send(database, other.id), await send(database, organization[0].id)
    for known in (False, True):  # looked up alone, then from memory
        assert (await opened(contact, f"/{contact.token(theirs)}", "go.shop.test")).status_code == 404, known
        assert (await opened(contact, f"/{contact.token(ours)}", "go.shop.test")).status_code == 302, known
        assert (await opened(contact, f"/{contact.token(theirs)}", "link.test")).status_code == 302, known
        await contact.app.state.parts.link_cache.refresh()


async def test_a_destination_that_became_a_link_domain_later_leads_to_the_fallback_and_counts_no_click(
    api: Caller, database: Database, contact: Contact, organization: tuple[Organization, str]
) -> None:
    await hold(database, organization[0].id, "go.shop.test")
    await api.patch("/organization", json={"link_domain": "https://go.shop.test", "fallback_url": "https://shop.test/sorry"})
    await shared(api, destination="https://new.shop.test/spring-sale")
    sent = await send(database, organization[0].id, ["https://new.shop.test/x", "https://{{ contact.id }}.test/"])
    assert (await opened(contact, "/spring-sale", "go.shop.test")).headers["location"].startswith("https://new.shop.test/")
    await recorded(database)
    await hold(database, organization[0].id, "new.shop.test")
    for path in ("/spring-sale", f"/{contact.token(sent)}"):
        assert (await opened(contact, path, "go.shop.test")).headers["location"] == "https://shop.test/sorry"
    assert await recorded(database) == 0


async def test_a_link_to_the_very_host_that_it_was_asked_for_on_is_not_followed(api: Caller, contact: Contact) -> None:
    await shared(api, destination="https://alias.test/spring-sale")
    assert (await opened(contact, "/spring-sale", "Alias.test:443")).status_code == 404
    assert (await opened(contact, "/spring-sale", "link.test")).status_code == 302


async def test_what_is_known_survives_a_restart_without_a_database(
    api: Caller, database: Database, settings: Settings, organization: tuple[Organization, str]
) -> None:
    await shared(api)
    await hold(database, organization[0].id, "go.shop.test")
    await api.patch("/organization", json={"fallback_url": "https://shop.test/sorry"})
    path = settings.var_dir / "shared.json"
    first = SharedLinkCache(database, path, server_hosts(settings))
    await first.refresh()
    assert await first.save()
    again = SharedLinkCache(database, path, server_hosts(settings))
    again.restore()
    found = again.find("link.test", "spring-sale")
    assert found is not None
    assert (found.url, again.fallback("go.shop.test")) == (LEADS_TO, "https://shop.test/sorry")
    path.write_text('{"links": [[]]}')
    SharedLinkCache(database, path, server_hosts(settings)).restore()


async def test_what_is_on_disk_gives_way_to_what_the_database_says(api: Caller, database: Database, settings: Settings) -> None:
    await shared(api)
    path = settings.var_dir / "shared.json"
    first, again, third = (SharedLinkCache(database, path, server_hosts(settings)) for _ in range(3))
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
    book = SharedLinkCache(database, path, server_hosts(settings))
    await book.refresh()

    async def silence(_session: AsyncSession) -> Sequence[Holder]:
        asked.set()
        await saved.wait()
        raise ConnectionError("it was silent")

    async def save() -> bool:
        done = await SharedLinkCache.save(book)
        saved.set()
        return done

    monkeypatch.setattr(shared_link_cache, "holders", silence)
    monkeypatch.setattr(book, "save", save)
    work = asyncio.create_task(book.run(stop))
    async with asyncio.timeout(10):
        await asked.wait()
        await saved.wait()
        stop.set()
        await work
    again = SharedLinkCache(database, path, server_hosts(settings))
    again.restore()
    assert again.find("link.test", "spring-sale") is not None


async def test_a_link_that_is_seen_just_before_the_end_is_on_disk(api: Caller, database: Database, settings: Settings) -> None:
    path, stop = settings.var_dir / "shared.json", asyncio.Event()
    book = SharedLinkCache(database, path, server_hosts(settings))
    await shared(api)
    await book.refresh()
    stop.set()
    await book.run(stop)
    again = SharedLinkCache(database, path, server_hosts(settings))
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

    monkeypatch.setattr(shared_link_cache, "changed_shared_links", counted)
    monkeypatch.setattr(shared_link_cache, "LOOKS", 2)
    book = SharedLinkCache(database, settings.var_dir / "shared.json", server_hosts(settings))
    for _ in range(6):
        await book.refresh()
    assert read == [1, 1, 1, 0, 0, 0]
    await shared(api, slug="summer-sale")
    await book.refresh()
    assert book.find("link.test", "summer-sale") is not None

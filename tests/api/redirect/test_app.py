"""The redirect over HTTP: what a contact gets, what is stored and what never is."""

import asyncio
import re
from typing import Any
from unittest.mock import AsyncMock

import httpx
import pytest
from sqlalchemy import text
from temporalio.client import Client

from activities.record_clicks import RecordClicks
from api.redirect.answering.page import document
from models.base import new_id
from models.database import Database
from models.links import link_cache as link_cache
from models.organizations.organization import Organization
from models.wire.clicks import RecorderInput
from services.clicks.geo_locations import GeoLocations
from settings import Settings
from temporal_client import DATA_CONVERTER
from tests.api.redirect.contact import Contact, running
from tests.clicks import IPHONE, LONDON, Sent, add_personal_link, rows, send

INBOX = "SELECT recipient_number, position, verdict, ip, user_agent FROM click_inbox ORDER BY id"
ODD_URL = "https://example.com/a%20b/?q=%C3%BC&&x=1;y=+#frag?%23"
SECRET_AGENT, SECRET_IP = "Mozilla/5.0 (Secretive 77.31.4)", "203.0.113.201"


@pytest.fixture
async def sent(database: Database, organization: tuple[Organization, str]) -> Sent:
    return await send(database, organization[0].id, [ODD_URL, "https://example.com/b"], people=3, wakes=[0])


@pytest.mark.parametrize("path", ["/", "/nonsense", "/favicon.ico", "/AAAAAAAAAAAAAA", "/AAAAAAAAAAAAAA/", "/healthy", "/a/b"])
async def test_an_unknown_link_is_a_small_page_that_nobody_keeps(contact: Contact, path: str) -> None:
    answer = await contact.client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "private, no-store"
    assert "<h1>This link leads nowhere</h1>" in answer.text
    assert len(answer.content) < 2_000


async def test_machines_and_those_who_only_ask_for_the_head_get_the_same_status(contact: Contact) -> None:
    head = await contact.client.head("/nonsense")
    machine = await contact.client.get("/nonsense", headers={"User-Agent": "curl/8.5.0", "Accept": "*/*"})
    assert (head.status_code, machine.status_code) == (404, 404)


async def test_a_token_of_a_content_or_link_that_does_not_exist_is_unknown(
    contact: Contact, database: Database, sent: Sent
) -> None:
    for token in (contact.codec.encode(99_999, 0, 0), contact.codec.encode(sent.content_id, 0, 2)):
        assert (await contact.client.get(f"/{token}")).status_code == 404
        assert (await contact.client.get(f"/{token}")).status_code == 404
    assert await rows(database, INBOX) == []


async def test_two_host_headers_are_refused(contact: Contact) -> None:
    answer = await contact.client.get("/AAAAAAAAAAAAAA", headers=[("Host", "a.test"), ("Host", "b.test")])
    assert (answer.status_code, answer.text) == (400, document(400, "A request has one Host header.").decode())


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_not_allowed(contact: Contact, database: Database, sent: Sent, method: str) -> None:
    answer = await contact.click(sent, method=method)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert await rows(database, INBOX) == []


async def test_a_destination_that_got_past_the_first_judgement_leads_nowhere(
    contact: Contact, database: Database, organization: tuple[Organization, str]
) -> None:
    for url in ("javascript:alert(1)", "https://example.com/\r\nSet-Cookie: a=b", "https://me:secret@example.com/"):
        sent = await send(database, organization[0].id, [url])
        assert (await contact.click(sent)).status_code == 404


async def test_a_look_without_a_click_gets_the_same_answer_and_leaves_no_click(
    contact: Contact, database: Database, sent: Sent
) -> None:
    head, get = await contact.click(sent, method="HEAD"), await contact.click(sent)
    assert (head.status_code, head.headers) == (get.status_code, get.headers)
    assert len(await rows(database, INBOX)) == 1


async def test_a_click_leads_to_the_destination_as_it_was_stored(contact: Contact, database: Database, sent: Sent) -> None:
    answer = await contact.click(sent, person=2)
    assert answer.status_code == 302
    assert dict(answer.headers.raw) == {
        b"location": ODD_URL.encode(),
        b"content-length": b"0",
        b"cache-control": b"private, no-store",
        b"referrer-policy": b"no-referrer",
        b"x-robots-tag": b"noindex, nofollow",
    }
    assert await rows(database, INBOX) == [(2, 0, "human", LONDON, IPHONE)]


async def test_a_link_works_with_the_full_stop_that_a_phone_took_for_a_part_of_it(contact: Contact, sent: Sent) -> None:
    assert (await contact.client.get(f"/{contact.token(sent)}.")).status_code == 302


@pytest.mark.parametrize("after", ["/", "/)", "查看a/b"])
async def test_what_ran_into_a_link_does_not_matter(contact: Contact, sent: Sent, after: str) -> None:
    answer = await contact.client.get(f"/{contact.token(sent)}{after}", headers={"Host": "evil.test"})
    assert (answer.status_code, answer.headers["location"]) == (302, ODD_URL)


async def test_while_nobody_can_ask_for_a_recipients_own_address_the_page_that_all_share_is_opened(
    contact: Contact, database: Database, organization: tuple[Organization, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = ["https://example.com/a?utm_content={{ contact.id }}&b=1#top", "https://example.com/{{ contact.id }}"]
    sent = await send(database, organization[0].id, urls)
    await contact.app.state.parts.link_cache.refresh()
    monkeypatch.setattr(link_cache, "personal_url", AsyncMock(side_effect=ConnectionRefusedError("away")))
    shared, own = await contact.click(sent), await contact.click(sent, position=1)
    assert (shared.status_code, shared.headers["location"]) == (302, "https://example.com/a?utm_content=&b=1#top")
    assert (own.status_code, own.headers["retry-after"]) == (503, "1")
    assert await rows(database, "SELECT position FROM click_inbox ORDER BY id") == [0, 1]


async def test_a_link_with_merge_fields_leads_to_the_recipients_own_address(
    contact: Contact, database: Database, organization: tuple[Organization, str]
) -> None:
    sent = await send(database, organization[0].id, ["https://example.com/{{ contact.id }}"], people=2)
    await add_personal_link(database, sent, 0, "https://example.com/mine")
    assert (await contact.click(sent, 0)).headers["location"] == "https://example.com/mine"
    assert (await contact.click(sent, 1)).status_code == 404


async def test_a_click_on_a_link_that_cannot_be_opened_now_is_kept_all_the_same(
    contact: Contact, database: Database, organization: tuple[Organization, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = await send(database, organization[0].id, ["https://example.com/{{ contact.id }}"])
    monkeypatch.setattr(link_cache, "personal_url", AsyncMock(side_effect=ConnectionRefusedError("away")))
    answer = await contact.click(sent)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert len(await rows(database, INBOX)) == 1


async def test_a_client_cannot_say_where_it_is(settings: Settings, temporal: Client, database: Database, sent: Sent) -> None:
    spoof = {"X-Forwarded-For": "6.6.6.6, 81.2.69.160"}
    async with running(settings, temporal) as contact:
        await contact.click(sent, headers=spoof)
    async with running(settings.model_copy(update={"trusted_proxies": ()}), temporal) as contact:
        await contact.click(sent, headers=spoof)
    assert [ip for _, _, _, ip, _ in await rows(database, INBOX)] == ["81.2.69.160", "127.0.0.1"]


async def test_a_prefetch_is_recorded_as_a_machine_and_wakes_nobody(contact: Contact, database: Database, sent: Sent) -> None:
    assert (await contact.click(sent, headers={"Sec-Purpose": "prefetch;prerender"})).status_code == 302
    assert [verdict for _, _, verdict, _, _ in await rows(database, INBOX)] == ["bot"]
    assert await rows(database, "SELECT * FROM signal_outbox") == []


async def test_only_a_persons_click_that_something_waits_for_gets_a_signal(
    contact: Contact, database: Database, sent: Sent
) -> None:
    for person, position in ((0, 1), (1, 0), (1, 0), (2, 1)):
        await contact.click(sent, person, position)
    assert await rows(database, "SELECT recipient_number, position FROM signal_outbox") == [(1, 0)]
    assert len(await rows(database, INBOX)) == 4


async def test_a_switched_off_metadata_setting_leaves_neither_address_nor_agent_in_any_table(
    contact: Contact, database: Database, organization: tuple[Organization, str]
) -> None:
    sent = await send(database, organization[0].id, ["https://example.com/a"], campaign_id=new_id(), wakes=[0])
    headers = {"User-Agent": SECRET_AGENT, "X-Forwarded-For": SECRET_IP}
    await contact.click(sent, headers=headers)
    assert await tables_with(database, SECRET_AGENT, SECRET_IP) == {"click_inbox"}  # the search finds what is there
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM click_inbox"))
        await session.execute(text("UPDATE organization SET link_tracking_metadata = false"))
    await contact.app.state.parts.link_cache.refresh()
    await contact.click(sent, headers=headers)
    assert await tables_with(database, SECRET_AGENT, SECRET_IP) == set()
    await RecordClicks(database, GeoLocations()).record_clicks(RecorderInput(shard=0, shards=1))
    assert await tables_with(database, SECRET_AGENT, SECRET_IP) == set()
    assert await rows(database, "SELECT count(*) FROM click") == [1]
    assert await rows(database, "SELECT * FROM click_metadata") == []


async def tables_with(database: Database, *texts: str) -> set[str]:
    """The tables with a row in whose text one of these occurs."""
    tables = await rows(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert len(tables) > 20
    found = set()
    for table in tables:
        everything = await rows(database, f'SELECT t::text FROM "{table}" t')  # noqa: S608 # names from the catalogue
        found |= {table for row in everything for each in texts if each in row}
    return found


async def test_after_recording_the_address_is_gone_also_when_metadata_is_kept(
    contact: Contact, database: Database, sent: Sent
) -> None:
    await contact.click(sent, headers={"User-Agent": SECRET_AGENT, "X-Forwarded-For": SECRET_IP})
    await RecordClicks(database, GeoLocations()).record_clicks(RecorderInput(shard=0, shards=1))
    assert await tables_with(database, SECRET_AGENT, SECRET_IP) == set()
    assert len(await rows(database, "SELECT * FROM click_metadata")) == 1


async def test_two_hundred_clicks_at_once_are_each_stored_once_in_few_commits(
    contact: Contact, database: Database, organization: tuple[Organization, str]
) -> None:
    sent = await send(database, organization[0].id, people=200, wakes=[0])
    answers = await asyncio.gather(*(contact.click(sent, person) for person in range(200)))
    assert {answer.status_code for answer in answers} == {302}
    assert sorted(await rows(database, "SELECT recipient_number FROM click_inbox")) == list(range(200))
    assert await rows(database, "SELECT count(*) FROM signal_outbox") == [200]
    assert await rows(database, "SELECT count(DISTINCT xmin::text) < 20 FROM click_inbox") == [True]


async def test_health_is_no_link(contact: Contact) -> None:
    live, ready = await contact.client.get("/health/live"), await contact.client.get("/health/ready")
    assert (await contact.client.get("/health")).json() == ready.json()
    assert (live.status_code, live.json()) == (200, {"status": "alive"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "degraded": {}})


async def test_without_temporal_a_click_is_stored_and_the_redirect_says_that_it_is_degraded(
    settings: Settings, database: Database, sent: Sent
) -> None:
    away = await Client.connect("127.0.0.1:1", lazy=True, data_converter=DATA_CONVERTER)
    async with running(settings, away) as contact:
        assert (await contact.click(sent)).status_code == 302
        answer = await _ready_when(contact, "degraded")
    assert answer.status_code == 200
    assert re.match(r"Temporal: .*Connection refused", answer.json()["degraded"]["signals"])
    assert len(await rows(database, INBOX)) == 1


async def test_without_a_database_from_the_start_the_redirect_is_unavailable(settings: Settings, temporal: Client) -> None:
    nowhere = settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/none"})
    async with running(nowhere, temporal) as contact:
        ready, link = await contact.client.get("/health/ready"), await contact.client.get(f"/{contact.codec.encode(1, 1, 1)}")
    assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
    assert (link.status_code, link.headers["retry-after"]) == (503, "1")


async def _ready_when(contact: Contact, status: str) -> httpx.Response:
    """The readiness once it has this status: it follows the background work."""
    async with asyncio.timeout(60):
        while True:
            answer = await contact.client.get("/health/ready")
            body: dict[str, Any] = answer.json()
            if body["status"] == status:
                return answer
            await asyncio.sleep(0.02)

"""One organization's pages and forms hold up nobody else: they have turns, their bytes are counted, and each has an end."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from api.handling.services import Services
from api.http import body
from api.http.body_memory import BodyMemory, Share
from console.api_calls import AT_ONCE, ApiCalls
from console.cookies import SESSION
from console.pages import FORM_BYTES
from models.contacts.preview import preview_rows
from models.database import Database
from models.organizations.organization import Organization
from services.process import turns
from services.process.turns import Turns
from tests.builders import Caller
from tests.console.conftest import Browser, Shown

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FILE = b"external_id\n" + b"a\n" * (600 * 1024)
"""1.2 MB, of which two have more bytes than `small_memory` gives an organization."""


@pytest.fixture
def small_memory(services: Services) -> None:
    services.body_memory._limit = 2 * 2**20


async def upload(browser: Browser, content: bytes = FILE, path: str = "/contacts/import/preview") -> Shown:
    data = {"form_token": await browser.token()}
    return Shown(await browser.client.post(f"/console{path}", data=data, files={"file": ("a.csv", content, "text/csv")}))


async def late(browser: Browser, path: str, fields: str, before_the_end: Any) -> Shown:
    """Sends a form whose last byte comes after `before_the_end`."""
    form = f"form_token={await browser.token()}&{fields}".encode()

    async def arriving() -> AsyncIterator[bytes]:
        yield form[:-1]
        await before_the_end()
        yield form[-1:]

    headers = {**FORM, "Content-Length": str(len(form))}
    return Shown(await browser.client.post(f"/console{path}", content=arriving(), headers=headers))


async def test_a_browser_with_too_many_requests_is_refused_before_its_session_is_looked_up(
    browser: Browser, services: Services
) -> None:
    before = services.lookup_turns
    object.__setattr__(services, "lookup_turns", Turns(1, 0, "requests with one key or session"))
    async with services.lookup_turns.turn(browser.client.cookies[SESSION]):
        assert (await browser.open("/links")).status == 429
        assert (await browser.client.get("/console/live?kind=click")).status_code == 429
    object.__setattr__(services, "lookup_turns", before)  # what a page asks of the API is looked up as well, all at once
    assert (await browser.open("/links")).status == 200


async def test_so_many_pages_of_an_organization_are_at_work_and_the_rest_is_refused_as_pages(
    browser: Browser, services: Services, organization: tuple[Organization, str]
) -> None:
    object.__setattr__(services, "page_turns", Turns(1, 0, "pages"))
    assert (await browser.open("/links")).status == 200
    async with services.page_turns.turn(organization[0].id):
        shown = await browser.open("/links")
    assert (shown.status, shown.answer.headers["retry-after"]) == (429, "5")
    assert "Of your organization's pages, 1 may be at work at once" in shown.text
    assert "/console/links" in shown.links(".actions a")
    assert (await browser.open("/links")).status == 200


async def test_a_page_asks_a_few_things_at_once_however_many_it_has() -> None:
    at_work = most = 0

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0)
        at_work -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    calls = ApiCalls(answer, {"state": {}}, "key", Share(BodyMemory(1), "test"))
    await asyncio.gather(*(calls.get("/campaigns") for _ in range(60)))
    assert most == AT_ONCE


async def test_the_bytes_of_a_file_count_for_its_organization_once_and_are_given_back(
    browser: Browser, services: Services, small_memory: None
) -> None:
    for path in ("/contacts/import/preview", "/contacts/import", "/contacts/import"):
        assert (await upload(browser, path=path)).status in (200, 303)
        assert services.body_memory._taken_by == {}


async def test_a_file_beyond_the_memory_of_its_organization_is_refused_as_a_page(
    browser: Browser, services: Services, organization: tuple[Organization, str], small_memory: None
) -> None:
    with services.body_memory.share(organization[0].id) as share:
        share.take(2**20)
        shown = await upload(browser)
    assert (shown.status, "may have 2 MB together" in shown.text) == (429, True)
    assert (await upload(browser)).status == 200


async def test_what_a_small_form_becomes_counts_as_well(
    browser: Browser, services: Services, organization: tuple[Organization, str], small_memory: None
) -> None:
    """A carried file is compressed."""
    packed = (await upload(browser)).value("packed")
    assert len(packed) < FORM_BYTES / 100
    fields = {"packed": packed, "name": "a.csv"}
    assert (await browser.send("/contacts/import/preview", **fields)).status == 200
    with services.body_memory.share(organization[0].id) as share:
        share.take(2**20)
        shown = await browser.send("/contacts/import/preview", **fields)
    assert (shown.status, "may have 2 MB together" in shown.text) == (429, True)


async def test_files_of_one_organization_are_read_one_after_the_other(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    at_work, most = 0, 0

    async def counted(*given: Any) -> Any:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0)
        try:
            return await preview_rows(*given)
        finally:
            at_work -= 1

    monkeypatch.setattr(turns, "PATIENCE", 1_000)  # on a busy machine, one file takes a while
    monkeypatch.setattr("api.contacts.imports.preview_rows", counted)
    assert [each.status for each in await asyncio.gather(*(upload(browser) for _ in range(3)))] == [200] * 3
    assert most == 1


async def test_a_form_whose_session_is_ended_while_it_arrives_does_nothing(
    browser: Browser, api: Caller, database: Database
) -> None:
    async def end() -> None:
        async with database.transaction() as session:
            await (await session.connection()).exec_driver_sql("DELETE FROM console_session")

    shown = await late(browser, "/contacts/new", "external_id=late", end)
    assert shown.location == "/console/sign-in?over=1"
    assert (await api.get("/contacts")).json()["items"] == []


async def test_a_form_that_takes_too_long_says_so_and_holds_no_connection(
    browser: Browser, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    form, free = f"form_token={await browser.token()}".encode(), []

    async def never() -> AsyncIterator[bytes]:
        free.append(database.engine.pool.status())
        await asyncio.Event().wait()
        yield form

    monkeypatch.setattr(body, "PATIENCE", 0)
    headers = {**FORM, "Content-Length": str(len(form))}
    shown = Shown(await browser.client.post("/console/contacts/new", content=never(), headers=headers))
    assert (shown.status, shown.all("h1")) == (408, ["The form did not arrive in time"])
    assert "Current Checked out connections: 0" in free[0]


async def test_the_rest_of_a_form_that_is_refused_is_read_so_that_the_refusal_is(browser: Browser) -> None:
    sent = []

    async def large() -> AsyncIterator[bytes]:
        for _ in range(4):
            sent.append(True)
            yield b"x" * FORM_BYTES

    answer = await browser.client.post(
        "/console/contacts/new", content=large(), headers={**FORM, "Content-Length": str(4 * FORM_BYTES)}
    )
    assert (answer.status_code, len(sent)) == (413, 4)
    assert re.search("A form may have 1 MB", answer.text)


async def test_a_client_that_hangs_up_while_it_sends_has_one_line_in_the_log(browser: Browser, console_app: FastAPI) -> None:
    token, (session,) = await browser.token(), [each.value for each in browser.client.cookies.jar if each.name == SESSION]
    form = f"form_token={token}&external_id=a".encode()
    for path, cookie in (("/console/contacts/new", session), ("/console/sign-in", "")):
        parts: list[Message] = [{"type": "http.request", "body": form, "more_body": True}, {"type": "http.disconnect"}]

        async def receive(parts: list[Message] = parts) -> Message:
            return parts.pop(0)

        async def send(_message: Message) -> None: ...

        headers = {**FORM, "Content-Length": str(len(form) + 1), "Cookie": f"{SESSION}={cookie}"}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "scheme": "http",
        }
        with capture_logs() as lines:
            await console_app(scope, receive, send)
        assert [(line["event"], line["status"]) for line in lines] == [("request", 499)], path

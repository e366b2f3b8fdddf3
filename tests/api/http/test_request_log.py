"""One line for each request, with ids and without people."""

from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from api.http.request_log import RequestLog
from tests.builders import Caller

PERSON = {"email": "canary@example.com", "phone": "+4915100000777"}
SOMEBODY = "01890000-0000-7000-8000-000000000000"


async def line_of(api: Caller, method: str, path: str, **options: Any) -> Any:
    with capture_logs() as lines:
        await api.request(method, path, **options)
    (line,) = [line for line in lines if line["event"] == "request"]
    assert "canary" not in repr(lines)
    assert "15100000777" not in repr(lines)
    return line


async def test_a_line_says_who_asked_for_what_and_how_it_ended(api: Caller) -> None:
    line = await line_of(api, "GET", f"/contacts/{SOMEBODY}")
    assert (line["method"], line["path"], line["status"]) == ("GET", f"/v1/contacts/{SOMEBODY}", 404)
    assert line["key_id"] == api.key[3:15]
    assert line["ms"] >= 0
    assert UUID(line["organization_id"])
    assert UUID(line["request_id"])


async def test_a_change_says_what_was_done_to_what(api: Caller) -> None:
    line = await line_of(api, "POST", "/contacts", json=PERSON)
    kind, found = line["target"].split()
    assert (line["action"], kind, line["status"]) == ("contacts.create", "contact", 201)
    assert UUID(found)


async def test_a_change_that_was_refused_says_nothing_of_a_change(api: Caller) -> None:
    await api.post("/contacts", json=PERSON)
    assert "action" not in await line_of(api, "POST", "/contacts", json=PERSON)


async def test_a_change_that_was_rolled_back_has_its_line(api: Caller) -> None:
    line = await line_of(api, "POST", "/notification-targets", json={"name": "Sales", "address": "json://10.0.0.1/hook"})
    assert (line["status"], line["key_id"]) == (422, api.key[3:15])


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/contacts/canary@example.com", "/v1/contacts/{contact_id}"),
        ("/contacts/+4915100000777", "/v1/contacts/{contact_id}"),
        ("/contacts/4915100000777/conversation", "/v1/contacts/{contact_id}/conversation"),
        ("/canary@example.com", "(unknown)"),
        ("/contacts?email=canary@example.com", "/v1/contacts"),
    ],
)
async def test_what_is_written_where_an_id_belongs_is_left_out(api: Caller, path: str, shown: str) -> None:
    assert (await line_of(api, "GET", path))["path"] == shown


async def test_who_has_no_good_key_writes_no_line_at_the_usual_level(api: Caller) -> None:
    with capture_logs() as lines:
        await api.client.get("/health/live")
        await api.client.get("/v1/contacts")
        await api.with_key("lw_").get("/contacts")
        await api.client.get("/v1/nowhere")
    assert {line["log_level"] for line in lines if line["event"] == "request"} == {"debug"}


async def test_a_client_that_goes_away_has_a_line_with_status_0() -> None:
    async def gone(*_: Any) -> None:
        raise ConnectionError

    with capture_logs() as lines, pytest.raises(ConnectionError):
        await RequestLog(gone)({"type": "http", "method": "GET", "path": "/v1/contacts"}, None, None)  # type: ignore[arg-type]
    assert [(line["status"], line["path"]) for line in lines] == [(0, "(unknown)")]

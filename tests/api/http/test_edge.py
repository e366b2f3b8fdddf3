"""What every answer of the API says to browsers and caches, and what is refused before anything else."""

import asyncio
import threading

import httpx
import pytest
from starlette.types import Message, Scope
from structlog.testing import capture_logs

from api.app import create_app
from tests.builders import Caller, is_problem


@pytest.mark.parametrize(
    ("path", "cache"),
    [("/v1/contacts", "no-store"), ("/v1/nothing", "no-store"), ("/health/live", "no-store"), ("/docs", None)],
)
async def test_every_answer_is_what_its_type_says_and_what_is_about_people_is_kept_by_nobody(
    api: Caller, path: str, cache: str | None
) -> None:
    for key in (api.key, "wrong"):
        answer = await api.client.get(path, headers={"Authorization": f"Bearer {key}"})
        assert (answer.headers["x-content-type-options"], answer.headers.get("cache-control")) == ("nosniff", cache)


async def test_a_request_with_two_hosts_or_two_keys_is_refused(api: Caller) -> None:
    authorization = ("Authorization", f"Bearer {api.key}")
    for name, headers in {
        "Host": [authorization, ("Host", "a.test"), ("Host", "b.test")],
        "Authorization": [authorization, ("authorization", "Bearer other")],
    }.items():
        answer = await api.client.get("/v1/contacts", headers=headers)
        assert is_problem(answer, 400, "bad_request")
        assert answer.json()["detail"] == f"A request has one {name} header: send one."


async def test_the_metrics_are_closed_to_the_public_however_their_path_is_written(api: Caller) -> None:
    for path in ("/metrics", "/%6detrics", "/%6D%65trics"):
        assert (await api.client.get(path, headers={"X-Forwarded-For": "203.0.113.9"})).status_code == 404


async def test_the_openapi_document_is_written_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app()
    made: list[bool] = []
    bodies: list[bytes | None] = []

    def openapi() -> dict[str, str]:
        made.append(True)
        return {"openapi": "3.1.0"}

    async def send(message: Message) -> None:
        bodies.append(message.get("body"))

    monkeypatch.setattr(app, "openapi", openapi)
    scope: Scope = {"type": "http", "method": "GET", "path": "/v1/openapi.json", "headers": [], "query_string": b""}
    for _ in range(3):
        await app(scope, None, send)  # type: ignore[arg-type] # nobody receives
    assert (made, bodies[1::2]) == ([True], [b'{"openapi":"3.1.0"}'] * 3)


async def test_others_are_answered_while_the_openapi_document_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    app, answered = create_app(), threading.Event()

    def openapi() -> dict[str, bool]:
        return {"others were answered": answered.wait(20)}

    monkeypatch.setattr(app, "openapi", openapi)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.test") as client:
        first = [asyncio.create_task(client.get("/v1/openapi.json")) for _ in range(20)]
        assert (await client.get("/health/live")).status_code == 200
        answered.set()
        assert [(await each).json() for each in first] == [{"others were answered": True}] * 20


async def test_a_client_that_hangs_up_while_it_sends_is_one_line(api: Caller) -> None:
    parts: list[Message] = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Message:
        return parts.pop(0)

    async def send(_message: Message) -> None: ...

    headers = [(b"authorization", f"Bearer {api.key}".encode()), (b"content-length", b"100")]
    scope: Scope = {"type": "http", "method": "POST", "path": "/v1/contacts", "headers": headers, "query_string": b""}
    with capture_logs() as lines:
        await api.client._transport.app(scope, receive, send)  # type: ignore[attr-defined] # the application itself
    assert [(line["event"], line["status"]) for line in lines] == [("request", 499)]

"""Every request of the API ends, also while PostgreSQL is silent."""

import asyncio
import time

import psycopg
import pytest
from starlette.types import Message, Receive, Scope, Send

from api.http import time_limit
from api.http.time_limit import TimeLimit
from tests.builders import Caller
from tests.silence import silent


@pytest.mark.parametrize(("method", "limit"), [("GET", "READ_SECONDS"), ("POST", "WRITE_SECONDS")])
async def test_a_silent_postgresql_is_a_problem_document_in_time(
    api: Caller, admin: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch, method: str, limit: str
) -> None:
    assert (await api.get("/contacts")).status_code == 200
    monkeypatch.setattr(time_limit, limit, 0.1)
    with silent(admin, database_url):
        answer = await api.request(method, "/contacts", json={"email": "a@example.com"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "unavailable"
    assert answer.json()["detail"].startswith("There was no answer within 0.1 seconds. Send the same request again")


async def test_what_was_given_up_is_not_half_written(
    api: Caller, admin: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await api.get("/contacts")).status_code == 200
    with monkeypatch.context() as short, silent(admin, database_url):
        short.setattr(time_limit, "WRITE_SECONDS", 0.1)
        assert (await api.post("/contacts", json={"external_id": "x"})).status_code == 503
    again = await api.post("/contacts", json={"external_id": "x"})
    assert again.status_code == 201
    assert len((await api.get("/contacts")).json()["items"]) == 1


async def test_a_slow_upload_is_not_the_servers_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_limit, "WRITE_SECONDS", 0.001)
    sent: list[Message] = []

    async def application(_scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["more_body"]:
            pass
        await send({"type": "http.response.start", "status": 201, "headers": []})

    parts = [False, True, True]

    async def slowly() -> Message:
        await asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.02)  # the client, far away
        return {"type": "http.request", "body": b"x", "more_body": parts.pop()}

    async def keep(message: Message) -> None:
        sent.append(message)

    await TimeLimit(application)({"type": "http", "method": "POST"}, slowly, keep)
    assert [each["status"] for each in sent] == [201]

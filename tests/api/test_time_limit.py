"""Every request of the API ends, also while PostgreSQL is silent."""

import psycopg
import pytest

from api import time_limit
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

"""Readiness of the API: what is degraded, and why."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from fastapi import FastAPI
from temporalio.client import Client

from api import health
from api.services import Services
from models.base import now
from models.database import Database
from models.organization import Organization
from tests.builders import Caller
from tests.clicks import click, send, store
from tests.silence import silent


@pytest.mark.parametrize("content", [None, b"not a database"])
async def test_a_geo_database_that_cannot_be_read_is_degraded(
    api: Caller, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    path = tmp_path / "city.mmdb"
    if content:
        path.write_bytes(content)
    monkeypatch.setattr(services.settings, "geo_database", path)
    answer = await api.client.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert str(path) in answer.json()["degraded"]["geo"]


async def test_everything_there_is_ready(api: Caller) -> None:
    answer = await api.client.get("/health/ready")
    assert answer.json() == {"status": "ready", "degraded": {}}


async def test_a_postgresql_that_says_nothing_is_named_in_time(
    api: Caller, admin: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await api.client.get("/health/ready")).status_code == 200
    monkeypatch.setattr(health, "WAIT_SECONDS", 0.05)
    with silent(admin, database_url):
        answer = await api.client.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
    assert answer.json()["degraded"] == {"database": "PostgreSQL: no answer within 0.05 s"}


async def test_temporal_is_named_also_while_postgresql_is_away(api: Caller, api_app: FastAPI, services: Services) -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/nothing")
    lazy = await Client.connect("127.0.0.1:1", lazy=True)
    api_app.state.services = replace(services, database=away, temporal=lazy)
    degraded = (await api.client.get("/health/ready")).json()["degraded"]
    assert degraded["database"].startswith("PostgreSQL: ")
    assert degraded["temporal"].startswith("Temporal: ")


async def test_clicks_that_nobody_records_are_named(
    api: Caller, services: Services, organization: tuple[Organization, str], database_url: str
) -> None:
    sent = await send(services.database, organization[0].id, people=2)
    await store(database_url, [click(sent, 0), click(sent, 1)])
    assert (await api.client.get("/health/ready")).json()["status"] == "ready"
    await store(database_url, [click(sent, clicked_at=now() - timedelta(minutes=3), id=UUID(int=1))])
    answer = await api.client.get("/health/ready")
    assert answer.json()["status"] == "degraded"
    assert re.fullmatch(
        r"3 clicks are not recorded yet, the oldest for 18\d s: is a worker running\?", answer.json()["degraded"]["recorder"]
    )


async def test_clicks_that_wait_for_their_verdict_are_not_the_recorders(
    api: Caller, services: Services, organization: tuple[Organization, str], database_url: str
) -> None:
    sent = await send(services.database, organization[0].id)
    old, hour = now() - timedelta(minutes=3), timedelta(hours=1)
    await store(database_url, [click(sent, clicked_at=old, held_until=old + hour)])
    assert (await api.client.get("/health/ready")).json() == {"status": "ready", "degraded": {}}

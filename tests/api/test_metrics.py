"""`/metrics` of the API: the queues, for those inside only."""

import asyncio
from unittest.mock import patch

import psycopg
import pytest

from models.database import Database
from models.organization import Organization
from tests.builders import Caller
from tests.clicks import click, send, store
from tests.silence import silent


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
async def test_nobody_reads_metrics_through_a_proxy(api: Caller, header: str) -> None:
    answer = await api.client.get("/metrics", headers={header: "10.0.0.1"})
    assert answer.status_code == 404


async def test_without_postgresql_the_page_says_that_it_does_not_know(api: Caller) -> None:
    with patch("api.metrics.read_queues", side_effect=OSError("away")):
        answer = await api.client.get("/metrics")
    assert answer.status_code == 200
    assert "linkwake_queues_known 0.0" in answer.text
    assert "linkwake_inbox_clicks" not in answer.text


async def test_a_silent_database_does_not_hold_a_scrape(api: Caller, admin: psycopg.Connection, database_url: str) -> None:
    assert "linkwake_queues_known 1.0" in (await api.client.get("/metrics")).text
    with patch("api.metrics.ASK_SECONDS", 0.01), silent(admin, database_url):
        answer = await asyncio.wait_for(api.client.get("/metrics"), 5)
    assert "linkwake_queues_known 0.0" in answer.text


async def test_waiting_clicks_and_signals_are_counted(
    api: Caller, database: Database, database_url: str, organization: tuple[Organization, str]
) -> None:
    sent = await send(database, organization[0].id, people=3, wakes=[0])
    await store(database_url, [click(sent, n) for n in range(3)], wakes=True)
    text = (await api.client.get("/metrics")).text
    assert "linkwake_inbox_clicks 3.0" in text
    assert "linkwake_outbox_signals 3.0" in text
    assert "linkwake_inbox_held_clicks 0.0" in text

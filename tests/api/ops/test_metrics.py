"""`/metrics` of the API: the queues, for those inside only."""

import asyncio
from datetime import timedelta
from unittest.mock import patch

import psycopg
import pytest

from models.base import now
from models.database import Database
from models.organizations.organization import Organization
from models.platform.heartbeat import Heartbeat
from tests.builders import Caller
from tests.clicks import click, send, store
from tests.sending import Sending
from tests.silence import silent


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
async def test_nobody_reads_metrics_through_a_proxy(api: Caller, header: str) -> None:
    answer = await api.client.get("/metrics", headers={header: "10.0.0.1"})
    assert answer.status_code == 404


async def test_without_postgresql_the_page_says_that_it_does_not_know(api: Caller) -> None:
    with patch("api.ops.metrics.read_queues", side_effect=OSError("away")):
        answer = await api.client.get("/metrics")
    assert answer.status_code == 200
    assert "linkwake_queues_known 0.0" in answer.text
    assert "linkwake_inbox_clicks" not in answer.text


async def test_a_silent_database_does_not_hold_a_scrape(api: Caller, admin: psycopg.Connection, database_url: str) -> None:
    assert "linkwake_queues_known 1.0" in (await api.client.get("/metrics")).text
    with patch("api.ops.metrics.ASK_SECONDS", 0.01), silent(admin, database_url):
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


async def test_waiting_work_silent_roles_and_failing_workflows_are_numbers(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    async with database.transaction() as session:
        session.add(Heartbeat(role="worker", instance="1@here", at=now() - timedelta(seconds=50)))
    simulated = Sending(database, organization[0])
    await simulated.change(await simulated.campaign(), launched_at=now() - timedelta(minutes=1))
    with patch("api.ops.metrics.count_task_problems", return_value=2):
        text = (await api.client.get("/metrics")).text
    assert 'linkwake_waiting{kind="campaigns"} 1.0' in text
    assert 'linkwake_waiting{kind="enrollments"} 0.0' in text
    assert 'linkwake_role_silent_seconds{role="worker"} 5' in text
    assert "linkwake_failing_workflows 2.0" in text

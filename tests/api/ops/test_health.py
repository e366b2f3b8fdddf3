"""Readiness of the API: what is degraded, and why."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy import delete, text
from temporalio.client import Client

from api.handling.services import Services
from api.ops import health
from models.base import now
from models.commands.command import Command, CommandKind
from models.contacts.imports import ContactImport
from models.database import Database
from models.messages.content import MAX_CONTENT_ID
from models.organizations.organization import Organization
from models.platform.heartbeat import Heartbeat
from models.sequences.enrollment import EnrollmentState
from services.process.endless import Endless
from tests.builders import Caller
from tests.clicks import click, send, store
from tests.rows import Rows
from tests.sending import Sending
from tests.silence import silent


async def beats(database: Database, **seconds: float) -> None:
    """When the roles were last alive."""
    async with database.transaction() as session:
        for role, ago in seconds.items():
            await session.merge(Heartbeat(role=role, instance="1@here", at=now() - timedelta(seconds=ago)))


@pytest.fixture(autouse=True)
async def everybody_is_alive(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await beats(database, worker=1, redirect=1)

    async def none(_client: Client, _wanted: list[Endless]) -> list[Endless]:
        return []

    monkeypatch.setattr(health, "not_running", none)


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


async def test_many_who_ask_at_once_cost_what_one_costs(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody needs a key here, and each look takes connections that organizations wait for."""
    looks = []

    async def looked(_services: Services) -> health.Readiness:
        looks.append(True)
        await asyncio.sleep(0.05)
        return health.Readiness(status="ready")

    monkeypatch.setattr(health, "_look", looked)
    answers = await asyncio.gather(*(api.client.get("/health") for _ in range(50)))
    assert ({answer.status_code for answer in answers}, len(looks)) == ({200}, 1)


async def test_a_postgresql_that_says_nothing_is_named_in_time(
    api: Caller, admin: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await api.client.get("/health/ready")).status_code == 200
    monkeypatch.setattr(health, "WAIT_SECONDS", 0.05)
    with silent(admin, database_url):
        answer = await api.client.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
    assert answer.json()["degraded"] == {"database": "PostgreSQL: no answer within 0.05 s"}


@pytest.mark.parametrize(("role", "sentence"), [("worker", "nobody polls `workflows`"), ("redirect", "no redirect is alive")])
async def test_a_role_that_was_silent_for_half_a_minute_is_named(
    api: Caller, database: Database, role: str, sentence: str
) -> None:
    await beats(database, **{role: 25})
    assert (await api.client.get("/health/ready")).json()["status"] == "ready"
    await beats(database, **{role: 31})
    answer = await api.client.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert re.fullmatch(rf"{sentence} since 20\d\d-\d\d-\d\d [\d:]+ UTC \(3\d s\)", answer.json()["degraded"][role])


async def test_one_worker_of_several_is_enough(api: Caller, database: Database) -> None:
    async with database.transaction() as session:
        session.add(Heartbeat(role="worker", instance="2@there", at=now() - timedelta(hours=1)))
    assert (await api.client.get("/health/ready")).json() == {"status": "ready", "degraded": {}}


async def test_a_worker_that_was_never_there_is_named(api: Caller, database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(delete(Heartbeat))
    degraded = (await api.client.get("/health/ready")).json()["degraded"]
    assert degraded["worker"] == "nobody polls `workflows`, and nobody has since the tables were made"


async def test_work_that_nobody_takes_up_is_named_by_its_kind(
    api: Caller, services: Services, organization: tuple[Organization, str]
) -> None:
    simulated = Sending(services.database, organization[0])
    minute = now() - timedelta(minutes=1)
    unstarted, due, waits = [await simulated.enrollment(contact) for contact in await simulated.contacts(3)]
    await simulated.change(unstarted, created_at=minute)
    await simulated.change(due, state=EnrollmentState.RUNNING, workflow_started_at=minute, due_at=minute)
    later = now() + timedelta(days=1)
    await simulated.change(waits, state=EnrollmentState.RUNNING, workflow_started_at=minute, due_at=later)
    await simulated.change(await simulated.campaign(), launched_at=minute)
    await simulated.save(ContactImport(org_id=simulated.org_id, csv="phone", total=1, created_at=minute))
    rows = Rows(services.database, simulated.org_id)
    campaign = await rows.campaign()
    await rows.trigger([campaign.content_id], times=2)
    message = await rows.message(campaign.content_id, await rows.contact())
    for _ in range(2):  # the second one waits for the first one, and not for the worker
        await rows.click(message)
    async with services.database.transaction() as session:
        await session.execute(text("UPDATE firing SET due_at = :minute"), {"minute": minute})
    command = Command(org_id=simulated.org_id, enrollment_id=due.id, kind=CommandKind.STOP, created_at=minute)
    await simulated.save(command)
    answer = await api.client.get("/health/ready")
    end = ", the oldest for 1 minute: is a worker running, and fast enough?"
    assert answer.json()["degraded"] == {
        "enrollments": f"1 enrollment without a workflow{end}",
        "due_enrollments": f"1 enrollment due and not gone on{end}",
        "campaigns": f"1 launched campaign without a workflow{end}",
        "imports": f"1 import without a workflow{end}",
        "firings": f"1 firing of a trigger whose next action is due and not done{end}",
        "commands": f"1 command of which the workflow has not heard{end}",
    }


async def test_workflows_whose_task_fails_again_and_again_are_counted(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    async def two(_client: Client) -> int:
        return 2

    monkeypatch.setattr(health, "count_task_problems", two)
    degraded = (await api.client.get("/health/ready")).json()["degraded"]
    assert degraded == {"workflows": "2 workflows in which a task fails again and again: see docs/ops.md"}


async def test_workflows_of_the_platform_that_do_not_run_are_named(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    async def those(_client: Client, wanted: list[Endless]) -> list[Endless]:
        lost = {"sweeper/signals", "sweeper/rows", "click-recorder/1"}
        return [each for each in wanted if each.workflow_id in lost]

    monkeypatch.setattr(health, "not_running", those)
    answer = (await api.client.get("/health/ready")).json()
    named = "the platform's own workflows `sweeper/signals`, `sweeper/rows`, `click-recorder/1` do not run"
    assert answer == {"status": "degraded", "degraded": {"platform": named}}


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
    await store(database_url, [click(sent, clicked_at=now() - timedelta(seconds=35), id=UUID(int=1))])
    answer = await api.client.get("/health/ready")
    assert answer.json()["status"] == "degraded"
    assert re.fullmatch(
        r"3 clicks are not recorded yet, the oldest for 3\d s: is a worker running\?", answer.json()["degraded"]["recorder"]
    )


async def test_clicks_that_wait_for_their_verdict_are_not_the_recorders(
    api: Caller, services: Services, organization: tuple[Organization, str], database_url: str
) -> None:
    sent = await send(services.database, organization[0].id)
    old, hour = now() - timedelta(minutes=3), timedelta(hours=1)
    await store(database_url, [click(sent, clicked_at=old, held_until=old + hour)])
    assert (await api.client.get("/health/ready")).json() == {"status": "ready", "degraded": {}}


async def test_the_numbers_of_contents_are_said_to_run_out_long_before_they_have(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    async with database.transaction() as session:
        await session.execute(text(f"ALTER SEQUENCE content_id_seq RESTART WITH {MAX_CONTENT_ID - MAX_CONTENT_ID // 20}"))
    assert "of 67,108,863" in (await api.client.get("/health/ready")).json()["degraded"]["contents"]

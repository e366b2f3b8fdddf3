"""Rows whose workflow is gone are ended (tests/activities/test_gone.py), and rows that nobody needs any more are deleted."""

from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.gone import GoneWorkflows
from activities.sweep_rows import SweepRows
from models.base import now
from models.database import Database
from models.organizations.api_key import ApiKey, Role
from models.organizations.console_session import ConsoleSession, SignInFailure, SignInLink
from models.organizations.idempotency import IdempotencyKey
from models.wire.sweeper import SweepRequest, SweepResult, Watch
from services.provider_reports.waiting import WaitingReports
from tests.sending import Sending


@pytest.fixture
def sweep(simulated: Sending, database: Database, temporal: Client) -> SweepRows:
    gone, waiting = GoneWorkflows(database, temporal), WaitingReports(database)
    return SweepRows(database, gone, simulated.left_behind, waiting, timedelta(seconds=7))


async def run(sweep: SweepRows, watch: Watch | None = None) -> SweepResult:
    return await ActivityEnvironment().run(sweep.sweep_rows, SweepRequest(woken=False, watch=watch))


async def test_keys_are_forgotten_when_nobody_retries_any_more(sweep: SweepRows, simulated: Sending) -> None:
    for key, age in {"new": timedelta(days=6), "old": timedelta(days=8)}.items():
        await simulated.save(IdempotencyKey(org_id=simulated.org_id, key=key, request_hash=b"", created_at=now() - age))
    assert (await run(sweep)).done["expired_keys"] == 1


async def test_what_signed_in_to_the_console_is_forgotten_when_it_is_over(sweep: SweepRows, simulated: Sending) -> None:
    key = ApiKey(id="0" * 12, org_id=simulated.org_id, name="k", role=Role.OWNER, secret_hash=b"")
    await simulated.save(key)
    for number, hours in enumerate((11, 13)):
        used = now() - timedelta(hours=hours)
        session = ConsoleSession(org_id=simulated.org_id, key_id=key.id, token_hash=bytes([number]), used_at=used)
        link = SignInLink(code_hash=bytes([number]), key_id=key.id, expires_at=used + timedelta(hours=12))
        failure = SignInFailure(network="192.0.2.1/32", at=now() - timedelta(minutes=hours - 2))
        await simulated.save(session, link, failure)
    assert (await run(sweep)).done["old_sessions"] == 3


async def test_a_sweep_says_how_far_the_search_for_workflows_that_are_gone_has_come(sweep: SweepRows) -> None:
    since = now()
    result = await run(sweep, Watch(since=since))
    assert result.done == {
        "expired_keys": 0,
        "old_changes": 0,
        "old_sessions": 0,
        "interrupted": 0,
        "late_reports": 0,
        "closed": 0,
    }
    assert (result.interval, result.watch and result.watch.since) == (timedelta(seconds=7), since)
    assert result.watch is not None
    assert result.watch.closed_until is not None

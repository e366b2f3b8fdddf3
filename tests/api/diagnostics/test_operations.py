"""Diagnostics of the platform's own work, of the whole organization, and of the versions that enrollments are in."""

import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from temporalio.client import Client

from api.diagnostics import routes as diagnostics
from api.handling.services import Services
from models.base import now
from models.campaigns.campaign import Campaign, CampaignState
from models.clicks.click import Scope
from models.commands.command import Command, CommandKind, CommandOutcome
from models.contacts.imports import ContactImport
from models.database import Database
from models.messages.message import MessageState
from models.notifications.target import NotificationTarget
from models.organizations.organization import Organization, create_organization
from models.platform.gone import Gone
from models.platform.heartbeat import Heartbeat
from models.reports.texts import contents_of
from models.sequences.enrollment import EnrollmentState
from services.process.endless import Endless
from tests.api.campaign_builders import enrolls
from tests.api.diagnostics.test_routes import LONG_AGO, read, set_organization
from tests.builders import Caller
from tests.plans import scans_without_index, statements
from tests.rows import BYE, SEND, Rows


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def read_all(api: Caller) -> dict[str, dict[str, Any]]:
    """The organization's findings by code."""
    answer = await api.get("/diagnostics")
    assert answer.status_code == 200, answer.text
    return {each["code"]: each for each in answer.json()["findings"]}


async def test_the_organization_hears_of_roles_that_are_away_and_work_that_nobody_takes_up(api: Caller, rows: Rows) -> None:
    sequence, minutes = await rows.sequence(), now() - LONG_AGO
    await rows.enrollment(sequence, await rows.contact(), due_at=minutes)
    async with rows.database.transaction() as session:
        row = await session.get_one(Campaign, (await rows.campaign(state=CampaignState.SENDING)).id)
        row.workflow_started_at, row.launched_at = None, minutes
        session.add(ContactImport(org_id=rows.org_id, csv="phone", total=1, created_at=minutes))
        session.add(Heartbeat(role="redirect", instance="1@here", at=now()))
        session.add(Heartbeat(role="worker", instance="1@here", at=minutes))
    found = await read_all(api)
    assert found["role_away"]["sentence"].startswith("Nobody polls `workflows` since 20")
    assert found["enrollments_overdue"]["sentence"].startswith("1 enrollment due and not gone on, the oldest since 3 minutes.")
    assert found["campaigns_not_started"]["sentence"] == "1 launched campaign without a workflow, the oldest since 3 minutes."
    assert found["imports_not_started"]["count"] == 1


async def test_temporal_that_is_away_is_named_and_the_worker_is_not_blamed_for_it(
    api: Caller, rows: Rows, services: Services, with_services: Callable[[Services], Caller]
) -> None:
    async with rows.database.transaction() as session:
        session.add(Heartbeat(role="redirect", instance="1@here", at=now()))
        session.add(Heartbeat(role="worker", instance="1@here", at=now() - LONG_AGO))
    found = await read_all(api)
    assert "temporal_away" not in found
    assert found["role_away"]["what_to_change"].startswith("Start the worker")
    away = with_services(replace(services, temporal=await Client.connect("127.0.0.1:1", lazy=True)))
    found = await read_all(away)
    assert found["temporal_away"]["sentence"].startswith("Temporal does not answer (")
    assert "TEMPORAL_ADDRESS" in found["temporal_away"]["what_to_change"]
    assert found["role_away"]["what_to_change"].startswith("Start Temporal first")


async def test_temporal_that_is_there_and_says_nothing_is_named_too(
    rows: Rows, services: Services, with_services: Callable[[Services], Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes connections and never answers, as a process that is stopped does."""
    monkeypatch.setattr(diagnostics, "TEMPORAL_SECONDS", 0.1)
    sequence = await rows.sequence()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        lazy = await Client.connect(f"127.0.0.1:{mute.getsockname()[1]}", lazy=True)
        caller = with_services(replace(services, temporal=lazy))
        found = await read_all(caller)
        await read(caller, sequence)
    assert found["temporal_away"]["severity"] == "problem"


async def test_a_target_that_fails_is_named_to_its_organization(api: Caller, rows: Rows, database: Database) -> None:
    target: dict[str, Any] = {"org_id": rows.org_id, "service": "Slack", "shown": "slack://…", "last_error": "It answered 500."}
    async with database.transaction() as session:
        session.add(NotificationTarget(name="Sales", failing_since=now() - LONG_AGO, **target))
        session.add(NotificationTarget(name="Support", **target))
        session.add(NotificationTarget(name="Gone", failing_since=now() - LONG_AGO, archived_at=now(), **target))
        _, key = await create_organization(session, "Other")
    found = (await read_all(api))["notification_target_failing"]
    assert found["sentence"] == "The notification target 'Sales' has failed for 3 minutes. Last error: It answered 500."
    assert "notification_target_failing" not in await read_all(api.with_key(key))


async def test_commands_of_which_a_workflow_has_not_heard_are_found(api: Caller, rows: Rows, database: Database) -> None:
    enrollment = await rows.enrollment(await rows.sequence(), await rows.contact())
    stop: dict[str, Any] = {"org_id": rows.org_id, "enrollment_id": enrollment.id, "kind": CommandKind.STOP}
    async with database.transaction() as session:
        session.add(Command(**stop))
        session.add(Command(**stop, created_at=now() - LONG_AGO, outcome=CommandOutcome.DELIVERED))
    assert "commands_waiting" not in await read_all(api)
    async with database.transaction() as session:
        session.add(Command(**stop, created_at=now() - LONG_AGO, last_error="connection refused"))
        _, key = await create_organization(session, "Other")
    found = (await read_all(api))["commands_waiting"]
    assert found["sentence"] == (
        "1 command of which the workflow has not heard, the oldest since 3 minutes. Last error: connection refused."
    )
    assert found["count"] == 1
    assert "commands_waiting" not in await read_all(api.with_key(key))


async def test_an_organization_sees_its_own_work_only(api: Caller, rows: Rows, database: Database) -> None:
    sequence = await rows.sequence()
    await rows.enrollment(sequence, await rows.contact(), due_at=now() - LONG_AGO)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    assert "enrollments_overdue" in await read_all(api)
    assert "enrollments_overdue" not in await read_all(api.with_key(key))


async def test_switches_of_the_whole_organization_are_its_findings(api: Caller, rows: Rows) -> None:
    await set_organization(rows, link_tracking=False, link_tracking_metadata=False)
    found = await read_all(api)
    assert (found["link_tracking_off"]["level"], found["metadata_off"]["level"]) == ("organization", "organization")
    assert "no_links" not in found


async def test_enrollments_and_campaigns_whose_workflow_was_taken_away_are_named(api: Caller, rows: Rows) -> None:
    sequence = await rows.sequence()
    ends: dict[str, Any] = {"state": EnrollmentState.STOPPED, "outcome": Gone.TERMINATED, "finished_at": now() - LONG_AGO}
    first = await rows.enrollment(sequence, await rows.contact(), **ends)
    ends = {"state": EnrollmentState.FAILED, "outcome": Gone.DELETED, "finished_at": now()}
    last = await rows.enrollment(sequence, await rows.contact(), **ends)
    for found in (await read(api, sequence), await read_all(api)):
        assert found["workflows_gone"]["count"] == 2
        assert found["workflows_gone"]["enrollment_ids"] == [str(last.id), str(first.id)]
        assert found["workflows_gone"]["contact_ids"] == [str(last.contact_id), str(first.contact_id)]
        assert "in Temporal" in found["workflows_gone"]["sentence"]
        assert "enrollments_failed" not in found


async def test_of_many_enrollments_whose_workflow_was_taken_away_three_are_named(api: Caller, rows: Rows) -> None:
    sequence = await rows.sequence()
    ends: dict[str, Any] = {"state": EnrollmentState.STOPPED, "outcome": Gone.TERMINATED, "finished_at": now()}
    for _ in range(4):
        await rows.enrollment(sequence, await rows.contact(), **ends)
    found = (await read_all(api))["workflows_gone"]
    assert (found["count"], len(found["enrollment_ids"]), len(found["contact_ids"])) == (4, 3, 3)


async def test_a_campaign_that_is_gone_says_who_got_no_message_and_that_clicks_still_fire_its_triggers(
    api: Caller, rows: Rows
) -> None:
    triggers = [enrolls((await rows.sequence()).id)]
    gone: dict[str, Any] = {"state": CampaignState.STOPPED, "reason": Gone.TERMINATED, "recipients": 2}
    campaign = await rows.campaign(triggers=triggers, **gone)
    await rows.message(campaign.content_id, await rows.contact())
    found = (await read(api, campaign))["campaign_gone"]
    assert found["sentence"] == (
        "The campaign's workflow was terminated in Temporal, so nothing more is sent: 1 of 2 recipients got no message. "
        "Clicks on links that were sent still count and still fire its triggers."
    )
    assert (found["severity"], found["count"]) == ("problem", 1)
    assert found["what_to_change"] == "Make a new campaign for the contacts who got no message."
    await rows.message(campaign.content_id, await rows.contact())
    found = (await read(api, campaign))["campaign_gone"]
    assert "so nothing more is sent: no message was left to send. Clicks " in found["sentence"]
    assert (found["severity"], found["what_to_change"]) == ("info", "Nothing has to be changed.")
    campaign = await rows.campaign(**gone)
    assert (await read(api, campaign))["campaign_gone"]["sentence"].endswith("Clicks on links that were sent still count.")


async def test_workflows_whose_task_fails_again_and_again_are_found(
    api: Caller, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def one(_client: Client, attribute: str, value: UUID) -> int:
        asked.append((attribute, value))
        return 1

    monkeypatch.setattr(diagnostics, "count_task_problems", one)
    campaign, sequence = await rows.campaign(), await rows.sequence()
    for found in (await read(api, campaign), await read(api, sequence), await read_all(api)):
        assert found["workflow_tasks_fail"]["sentence"].startswith("1 workflow cannot go on")
    assert asked == [("CampaignId", campaign.id), ("SequenceId", sequence.id), ("OrgId", rows.org_id)]


async def test_workflows_of_the_platform_that_do_not_run_are_found(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    async def sweeper(_client: Client, wanted: list[Endless]) -> list[Endless]:
        return wanted[:1]

    monkeypatch.setattr(diagnostics, "not_running", sweeper)
    found = (await read_all(api))["platform_workflow_away"]
    assert found["sentence"].startswith("The platform's own workflow `sweeper/signals` does not run, so ")
    assert (found["severity"], found["count"]) == ("problem", 1)


async def test_waits_are_those_of_the_versions_that_enrollments_are_in(api: Caller, rows: Rows) -> None:
    sequence = await rows.sequence()
    for _ in range(2):
        await rows.enrollment(sequence, await rows.contact())
    async with rows.database.transaction() as session:
        (await session.get_one(type(sequence), sequence.id)).draft = {"steps": [SEND, BYE]}
    sequence = await rows.publish(sequence)
    found = await read(api, sequence)
    assert found["no_wait_for_click"]["sentence"] == (
        "No step waits for a click and no trigger listens in version 2 (0 enrollments), so clicks change nothing there. "
        "Steps that wait for one, or triggers, are in version 1 (2 enrollments)."
    )
    assert "version 2 (0 enrollments), version 1 (2 enrollments)" in found["several_versions"]["sentence"]
    await set_organization(rows, link_tracking=False)
    assert "wait_untracked" in await read(api, sequence)


async def test_a_sequence_counts_contacts_where_it_says_contacts(api: Caller, rows: Rows) -> None:
    """Each contact gets a text message and an e-mail, and most have no address for one of them."""
    sequence = await rows.sequence()
    async with rows.database.transaction() as session:
        content = (await contents_of(session, Scope.SEQUENCE, sequence.id))[0]
    reached, missed_twice = await rows.contact(), await rows.contact()
    await rows.message(content, reached)
    for contact in (reached, missed_twice, missed_twice):
        enrollment = await rows.enrollment(sequence, contact, EnrollmentState.COMPLETED)
        await rows.message(content, contact, MessageState.SKIPPED, enrollment, reason="no_email")
    sentence = (await read(api, sequence))["contacts_skipped"]["sentence"]
    assert sentence == "3 messages for 2 contacts left out, and 1 of them got no message at all: no_email (3)."


async def test_the_organizations_findings_and_filtered_lists_use_indexes(api: Caller, rows: Rows, database: Database) -> None:
    sequence = await rows.sequence()
    await rows.enrollment(sequence, await rows.contact(), due_at=now() - LONG_AGO)
    with statements(database) as sent:
        await read_all(api)
        filters = {"sequence_id": str(sequence.id), "step": "wait", "version": 1, "due_before": now().isoformat()}
        assert (await api.get("/enrollments", params=filters)).status_code == 200
        assert (await api.get("/enrollments", params={"due_before": now().isoformat()})).status_code == 200
        assert (await api.client.get("/health")).status_code == 200
    assert await scans_without_index(database, sent) == []


async def test_a_month_without_a_partition_is_named_before_it_begins(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "now", lambda: datetime(2032, 2, 20, tzinfo=UTC))
    assert "partition_missing" not in await read_all(api)
    monkeypatch.setattr(diagnostics, "now", lambda: datetime(2032, 2, 28, tzinfo=UTC))
    found = (await read_all(api))["partition_missing"]
    assert found["sentence"].startswith("The clicks of March 2032 have no partition yet")
    assert "`upkeep`" in found["what_to_change"]

"""Enrollments over HTTP: results row by row, workflows started after the commit, and the three ways to stop one."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select, update
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.steps.registry import Effects
from activities.take_turn import STOPPED, TakeTurn
from api.app import create_app
from api.handling.services import Services
from models.base import now
from models.commands.command import Command
from models.database import Database
from models.organizations.organization import Organization, create_organization
from models.sequences.enrollment import Enrollment, EnrollmentState, get_enrollment
from models.sequences.progress import close_enrollment
from models.wire.names import BULK, ONE_PERSON
from services.enroll import STARTED_AT_ONCE
from services.published import PublishedVersions
from services.starter import Starter
from settings import Settings
from temporal_client import DATA_CONVERTER
from tests.api.campaign_builders import add_contacts, fields, new_sequence
from tests.builders import Caller
from tests.rows import NOON, Rows
from tests.sending import turn_request

Org = tuple[Organization, str]


@pytest.fixture
async def cut_off(services: Services, organization: Org) -> Caller:
    """The API while Temporal is away."""
    nowhere = await Client.connect("127.0.0.1:9", lazy=True, data_converter=DATA_CONVERTER)
    away = Services(services.settings, services.database, nowhere, Starter(services.database, nowhere))
    app = create_app(services=away)
    app.state.services = away
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return Caller(httpx.AsyncClient(transport=transport, base_url="http://api.test"), organization[1])


async def signals_of(services: Services, workflow_id: str) -> list[str]:
    history = await services.temporal.get_workflow_handle(workflow_id).fetch_history()
    signals = [each for each in history.events if each.HasField("workflow_execution_signaled_event_attributes")]
    return [each.workflow_execution_signaled_event_attributes.signal_name for each in signals]


async def priority_of(services: Services, workflow_id: str) -> int:
    """As Temporal has it."""
    history = await services.temporal.get_workflow_handle(workflow_id).fetch_history()
    return history.events[0].workflow_execution_started_event_attributes.priority.priority_key


async def enroll_one(api: Caller, sequence: str, contact: str) -> str:
    answer = await api.post(f"/sequences/{sequence}/enrollments", json={"contact_ids": [contact]})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["results"][0]["enrollment_id"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "contact_ids"),
        ({"contact_ids": []}, "contact_ids"),
        ({"contact_ids": ["x"]}, "contact_ids[0]"),
        ({"contact_ids": [str(uuid4())] * 4001}, "contact_ids"),
    ],
)
async def test_a_request_that_names_nobody_or_too_many_is_refused(api: Caller, body: dict[str, list[str]], field: str) -> None:
    sequence = await new_sequence(api)
    assert list(fields(await api.post(f"/sequences/{sequence}/enrollments", json=body))) == [field]


async def test_nobody_can_be_enrolled_in_a_draft(api: Caller) -> None:
    sequence = await new_sequence(api, publish=False)
    answer = await api.post(f"/sequences/{sequence}/enrollments", json={"contact_ids": [str(uuid4())]})
    assert (answer.status_code, answer.json()["code"]) == (409, "sequence_not_published")


async def test_another_organizations_enrollment_does_not_exist(api: Caller, database: Database, organization: Org) -> None:
    (contact,) = await add_contacts(database, organization[0].id, 1)
    sequence = await new_sequence(api)
    enrollment = await enroll_one(api, sequence, contact)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    stranger = api.with_key(key)
    answers = [
        await stranger.get(f"/enrollments/{enrollment}"),
        await stranger.post(f"/enrollments/{enrollment}/stop", json={}),
        await stranger.post(f"/sequences/{sequence}/enrollments", json={"contact_ids": [contact]}),
    ]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert (await stranger.get("/enrollments")).json()["items"] == []


async def test_each_contact_gets_its_own_result(api: Caller, database: Database, organization: Org) -> None:
    first, second = await add_contacts(database, organization[0].id, 2)
    sequence = await new_sequence(api)
    running = await enroll_one(api, sequence, first)
    body = {"contact_ids": [str(uuid4()), second, first, second]}
    answer = (await api.post(f"/sequences/{sequence}/enrollments", json=body)).json()
    assert [each["result"] for each in answer["results"]] == [
        "unknown_contact",
        "enrolled",
        "already_enrolled",
        "already_enrolled",
    ]
    assert answer["results"][2]["enrollment_id"] == running
    assert (answer["enrolled"], answer["already_enrolled"], answer["unknown_contact"]) == (1, 2, 1)


async def test_who_may_not_enter_again_is_told_why(api: Caller, database: Database, organization: Org) -> None:
    (contact,) = await add_contacts(database, organization[0].id, 1)
    sequence = await new_sequence(api)
    first = await enroll_one(api, sequence, contact)
    async with database.transaction() as session:
        await close_enrollment(session, UUID(first), "completed", "done")
    for rule, result in (
        ({"re_entry": "never"}, "entered_before"),
        ({"re_entry": "after_finishing", "re_entry_limit": {"times": 1, "period": "P1D"}}, "too_often"),
    ):
        assert (await api.patch(f"/sequences/{sequence}", json=rule)).status_code == 200
        answer = (await api.post(f"/sequences/{sequence}/enrollments", json={"contact_ids": [contact]})).json()
        assert (answer["results"][0]["result"], answer["results"][0]["enrollment_id"]) == (result, first)
        assert (answer["enrolled"], answer[result]) == (0, 1)


async def test_an_enrollment_shows_what_enrolled_it_and_its_variables(api: Caller, database: Database, organization: Org) -> None:
    (contact,) = await add_contacts(database, organization[0].id, 1)
    sequence, given = await new_sequence(api), {"offer": "spring", "off": 10, "vip": True, "note": None}
    body = {"contact_ids": [contact], "variables": given}
    (result,) = (await api.post(f"/sequences/{sequence}/enrollments", json=body)).json()["results"]
    view = (await api.get(f"/enrollments/{result['enrollment_id']}")).json()
    assert (view["cause"], view["variables"]) == ("request", given)
    wrongs: list[dict[str, Any]] = [{"a": {}}, {"1a": 1}, {"a": "x" * 4096}, {f"n{n}": n for n in range(21)}]
    for wrong in wrongs:
        refused = await api.post(f"/sequences/{sequence}/enrollments", json={"contact_ids": [contact], "variables": wrong})
        assert list(fields(refused)) == ["variables"]


async def test_an_idempotency_key_enrolls_once(api: Caller, database: Database, organization: Org) -> None:
    (contact,) = await add_contacts(database, organization[0].id, 1)
    sequence = await new_sequence(api)
    body, headers = {"contact_ids": [contact]}, {"Idempotency-Key": "once"}
    first = await api.post(f"/sequences/{sequence}/enrollments", json=body, headers=headers)
    second = await api.post(f"/sequences/{sequence}/enrollments", json=body, headers=headers)
    assert first.json() == second.json()
    assert first.json()["enrolled"] == 1


async def test_a_few_workflows_start_at_once_and_the_rest_waits_for_the_sweeper(
    api: Caller, services: Services, database: Database, organization: Org
) -> None:
    contacts = await add_contacts(database, organization[0].id, STARTED_AT_ONCE + 5)
    sequence = await new_sequence(api)
    answer = await api.post(f"/sequences/{sequence}/enrollments", json={"contact_ids": contacts})
    assert answer.json()["enrolled"] == STARTED_AT_ONCE + 5
    async with database.session() as session:
        rows = [await session.get_one(Enrollment, each["enrollment_id"]) for each in answer.json()["results"]]
    assert [row.workflow_started_at is not None for row in rows] == [True] * STARTED_AT_ONCE + [False] * 5
    one = (await api.get(f"/enrollments/{rows[0].id}")).json()
    described = await services.temporal.get_workflow_handle(one["workflow_id"]).describe()
    assert described.workflow_type == "SequenceEnrollment"
    assert await priority_of(services, one["workflow_id"]) == BULK


async def test_one_persons_enrollment_goes_before_a_bulk(
    api: Caller, services: Services, database: Database, organization: Org
) -> None:
    (contact,) = await add_contacts(database, organization[0].id, 1)
    enrollment = await enroll_one(api, await new_sequence(api), contact)
    workflow_id = (await api.get(f"/enrollments/{enrollment}")).json()["workflow_id"]
    assert await priority_of(services, workflow_id) == ONE_PERSON < BULK


async def test_four_thousand_contacts_are_enrolled_in_one_request(api: Caller, database: Database, organization: Org) -> None:
    contacts = await add_contacts(database, organization[0].id, 4000)
    sequence = await new_sequence(api)
    answer = await api.post(f"/sequences/{sequence}/enrollments", json={"contact_ids": contacts})
    assert (answer.status_code, answer.json()["enrolled"]) == (202, 4000)


async def test_enrollments_are_kept_while_temporal_is_away(cut_off: Caller, database: Database, organization: Org) -> None:
    (contact,) = await add_contacts(database, organization[0].id, 1)
    sequence = await new_sequence(cut_off)
    enrollment = await enroll_one(cut_off, sequence, contact)
    assert (await cut_off.get(f"/enrollments/{enrollment}")).json()["state"] == "queued"


async def test_a_stop_holds_while_temporal_is_away_and_its_workflow_hears_of_it_afterwards(
    api: Caller, cut_off: Caller, services: Services, database: Database, organization: Org
) -> None:
    (contact,) = await add_contacts(database, organization[0].id, 1)
    enrollment = await enroll_one(api, await new_sequence(api), contact)
    answer = await cut_off.post(f"/enrollments/{enrollment}/stop", json={"reason": "Called us"})
    assert (answer.status_code, answer.json()["stop_requested_at"] is not None) == (202, True)
    assert await signals_of(services, answer.json()["workflow_id"]) == []
    async with database.transaction() as session:
        await session.execute(update(Command).values(due_at=now()))  # as after the wait that follows a failed attempt
    assert await services.commands.sweep() == (1, False)
    assert await signals_of(services, answer.json()["workflow_id"]) == ["command"]


async def test_stopping_twice_is_one_command_with_the_first_reason(
    api: Caller, services: Services, database: Database, organization: Org
) -> None:
    (contact,) = await add_contacts(database, organization[0].id, 1)
    enrollment = await enroll_one(api, await new_sequence(api), contact)
    stops = [api.post(f"/enrollments/{enrollment}/stop", json={"reason": reason}) for reason in ("One", "Two", "Three")]
    answers = await asyncio.gather(*stops)
    assert [answer.status_code for answer in answers] == [202] * 3
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert await signals_of(services, answers[0].json()["workflow_id"]) == ["command"]
    async with database.transaction() as session:
        assert len((await session.scalars(select(Command))).all()) == 1


async def test_an_enrollment_that_is_over_cannot_be_stopped(api: Caller, database: Database, organization: Org) -> None:
    (contact,) = await add_contacts(database, organization[0].id, 1)
    enrollment = await enroll_one(api, await new_sequence(api), contact)
    async with database.transaction() as session:
        await session.execute(update(Enrollment).values(state=EnrollmentState.COMPLETED))
    answer = await api.post(f"/enrollments/{enrollment}/stop", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "enrollment_already_over")
    assert answer.json()["detail"] == "The enrollment is over already: it is completed."


async def test_a_stop_tells_the_workflow_and_keeps_what_was_written_out_of_temporal(
    api: Caller, services: Services, database: Database, organization: Org
) -> None:
    (contact,) = await add_contacts(database, organization[0].id, 1)
    enrollment = await enroll_one(api, await new_sequence(api), contact)
    answer = await api.post(f"/enrollments/{enrollment}/stop", json={"reason": "Called us"})
    assert answer.status_code == 202
    assert await signals_of(services, answer.json()["workflow_id"]) == ["command"]
    history = await services.temporal.get_workflow_handle(answer.json()["workflow_id"]).fetch_history()
    assert "Called us" not in history.to_json()
    async with database.transaction() as session:
        row = await session.get_one(Enrollment, UUID(enrollment))
        assert (row.stop_requested_at is not None, row.stop_reason) == (True, "Called us")
        await close_enrollment(session, row.id, "stopped", "stopped by request")
    assert (await api.get(f"/enrollments/{enrollment}")).json()["outcome"] == "Called us"


async def test_a_queued_enrollment_without_a_workflow_is_stopped_in_its_row(
    api: Caller, cut_off: Caller, database: Database, organization: Org
) -> None:
    (contact,) = await add_contacts(database, organization[0].id, 1)
    sequence = await new_sequence(api)
    enrollment = await enroll_one(cut_off, sequence, contact)
    answer = await api.post(f"/enrollments/{enrollment}/stop", json={"reason": "Called us"})
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    stopped = (await api.get(f"/enrollments/{enrollment}")).json()
    assert (stopped["state"], stopped["outcome"], stopped["due_at"]) == ("stopped", "Called us", None)
    assert stopped["finished_at"] is not None
    assert (await api.post(f"/enrollments/{enrollment}/stop", json={})).status_code == 409
    assert await enroll_one(api, sequence, contact) != enrollment


async def test_a_workflow_that_starts_while_its_enrollment_is_stopped_learns_of_it(
    cut_off: Caller, database: Database, organization: Org
) -> None:
    """The stop found no workflow; the workflow's first turn waits until the stop is written."""
    (contact,) = await add_contacts(database, organization[0].id, 1)
    enrollment_id = UUID(await enroll_one(cut_off, await new_sequence(cut_off), contact))
    async with database.transaction() as session:
        row = await get_enrollment(session, organization[0].id, enrollment_id, lock=True)
        request = turn_request(row).model_copy(update={"step_key": None})
        turns = TakeTurn(database, PublishedVersions(database), Effects({}, {}))
        starting = asyncio.create_task(ActivityEnvironment().run(turns.take_turn, request))
        await close_enrollment(session, row.id, "stopped", "Called us")
    assert (await starting).rest == STOPPED


async def test_a_workflow_that_was_terminated_by_hand_does_not_leave_its_row_running(
    api: Caller, services: Services, database: Database, organization: Org
) -> None:
    (contact,) = await add_contacts(database, organization[0].id, 1)
    enrollment = await enroll_one(api, await new_sequence(api), contact)
    workflow_id = (await api.get(f"/enrollments/{enrollment}")).json()["workflow_id"]
    await services.temporal.get_workflow_handle(workflow_id).terminate()
    assert (await api.post(f"/enrollments/{enrollment}/stop", json={})).status_code == 202
    assert (await api.get(f"/enrollments/{enrollment}")).json()["state"] == "stopped"


async def test_enrollments_are_listed_by_sequence_contact_and_state(api: Caller, database: Database, organization: Org) -> None:
    first, second = await add_contacts(database, organization[0].id, 2)
    one, two = await new_sequence(api), await new_sequence(api)
    made = [await enroll_one(api, one, first), await enroll_one(api, one, second), await enroll_one(api, two, first)]

    async def listed(**wanted: str) -> list[str]:
        return [each["id"] for each in (await api.get("/enrollments", params=wanted)).json()["items"]]

    assert await listed(sequence_id=one) == [made[1], made[0]]
    assert await listed(contact_id=first, state="queued") == [made[2], made[0]]
    assert await listed(state="completed") == []


async def test_an_enrollment_links_to_its_workflow_in_the_temporal_ui(
    services: Services, database: Database, organization: Org, tmp_path: Path
) -> None:
    settings = Settings(**{**services.settings.model_dump(), "temporal_ui_url": "http://ui.test/"}, _env_file=None)
    with_ui = Services(settings, database, services.temporal, services.starter, services.judge)
    app = create_app(services=with_ui)
    app.state.services = with_ui
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.test") as client:
        api = Caller(client, organization[1])
        (contact,) = await add_contacts(database, organization[0].id, 1)
        enrollment = await enroll_one(api, await new_sequence(api), contact)
        shown = (await api.get(f"/enrollments/{enrollment}")).json()
    escaped = shown["workflow_id"].replace("/", "%2F")
    assert shown["temporal_ui_url"] == f"http://ui.test/namespaces/default/workflows/{escaped}"


async def test_a_stop_needs_no_reason(api: Caller) -> None:
    answer = await api.post("/enrollments/0198c0de-0000-7000-8000-000000000001/stop")
    assert answer.status_code == 404  # not 422: the body may be left out


async def test_above_the_organizations_limit_nobody_is_enrolled_and_the_answer_says_what_to_do(
    api: Caller, database: Database, organization: Org, settings: Settings
) -> None:
    settings.active_enrollments = 2
    contacts = await add_contacts(database, organization[0].id, 3)
    sequence = await new_sequence(api)
    path = f"/sequences/{sequence}/enrollments"
    too_many = await api.post(path, json={"contact_ids": contacts})
    assert (too_many.status_code, too_many.json()["code"], "stop some" in too_many.json()["detail"]) == (
        429,
        "quota_reached",
        True,
    )
    assert "Retry-After" in too_many.headers
    assert (await api.get("/enrollments")).json()["items"] == []
    assert (await api.post(path, json={"contact_ids": contacts[:2]})).status_code == 202
    assert (await api.post(path, json={"contact_ids": contacts[2:]})).status_code == 429


async def test_a_list_can_be_of_one_step_of_one_version_and_of_those_that_are_due(
    api: Caller, database: Database, organization: Org
) -> None:
    rows = Rows(database, organization[0].id)
    sequence = await rows.sequence()
    old = [await rows.enrollment(sequence, await rows.contact(), step_key="wait", due_at=NOON) for _ in range(2)]
    sequence = await rows.publish(sequence)
    later = NOON + timedelta(days=1)
    new = await rows.enrollment(sequence, await rows.contact(), step_key="hello", due_at=later, stop_requested_at=NOON)

    async def listed(**filters: object) -> list[str]:
        answer = await api.get("/enrollments", params={"sequence_id": str(sequence.id), **filters})
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["items"]]

    both = [str(old[1].id), str(old[0].id)]
    assert await listed(version=1) == await listed(step="wait") == await listed(due_before=later.isoformat()) == both
    assert await listed(version=2) == await listed(step="hello") == [str(new.id)]
    assert await listed(version=2, due_before=NOON.isoformat()) == []
    seen = (await api.get(f"/enrollments/{new.id}")).json()
    assert (seen["version"], seen["stop_requested_at"]) == (2, "2026-11-03T12:00:00Z")
    versions = (await api.get(f"/sequences/{sequence.id}/versions")).json()["items"]
    assert [(each["version"], each["active_enrollments"]) for each in versions] == [(2, 1), (1, 2)]


async def test_a_step_or_a_version_that_the_sequence_does_not_have_is_not_found(api: Caller, made: Rows) -> None:
    sequence = await made.sequence()
    await made.enrollment(sequence, await made.contact(), step_key="wait")
    unknown = {"step": "No published version has this step.", "version": "The sequence has no version 7."}
    wrong = {"sequence_id": str(sequence.id), "step": "wiat", "version": 7}
    for path in ("/enrollments", "/exports/enrollments"):
        answer = await api.get(path, params=wrong)
        assert (answer.status_code, {each["field"]: each["message"] for each in answer.json()["errors"]}) == (404, unknown)
        assert (await api.get(path, params={**wrong, "step": "wait", "version": 1})).status_code == 200
    answer = await api.get(f"/sequences/{sequence.id}/due", params={"version": 7})
    assert (answer.status_code, answer.json()["detail"]) == (404, "version: The sequence has no version 7.")


@pytest.mark.parametrize(("name", "value"), [("version", 1), ("step", "wait")])
async def test_a_version_or_a_step_alone_names_no_sequence(api: Caller, name: str, value: object) -> None:
    answer = await api.get("/enrollments", params={name: value})
    assert fields(answer) == {name: "Name the sequence in sequence_id too."}

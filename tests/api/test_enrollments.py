"""Enrollments over HTTP: results row by row, workflows started after the commit, and the three ways to stop one."""

import asyncio
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import update
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.enrollment_steps import EnrollmentSteps
from activities.starter import Starter
from api.app import create_app
from api.enrollments import STARTED_AT_ONCE
from api.services import Services
from models.database import Database
from models.enrollment import Enrollment, EnrollmentState, get_enrollment, stop_without_workflow
from models.organization import Organization, create_organization
from models.wire import LoadSequence
from settings import Settings
from tests.api.campaign_builders import add_contacts, fields, new_sequence
from tests.builders import Caller

Org = tuple[Organization, str]


@pytest.fixture
async def cut_off(services: Services, organization: Org) -> Caller:
    """The API while Temporal is away."""
    nowhere = await Client.connect("127.0.0.1:9", lazy=True, data_converter=pydantic_data_converter)
    away = Services(services.settings, services.database, nowhere, Starter(services.database, nowhere))
    app = create_app(services=away)
    app.state.services = away
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return Caller(httpx.AsyncClient(transport=transport, base_url="http://api.test"), organization[1])


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


async def test_a_stop_is_refused_while_temporal_is_away(cut_off: Caller, database: Database, organization: Org) -> None:
    (contact,) = await add_contacts(database, organization[0].id, 1)
    enrollment = await enroll_one(cut_off, await new_sequence(cut_off), contact)
    answer = await cut_off.post(f"/enrollments/{enrollment}/stop", json={})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "Send the request again later" in answer.json()["detail"]


async def test_an_enrollment_that_is_over_cannot_be_stopped(api: Caller, database: Database, organization: Org) -> None:
    (contact,) = await add_contacts(database, organization[0].id, 1)
    enrollment = await enroll_one(api, await new_sequence(api), contact)
    async with database.transaction() as session:
        await session.execute(update(Enrollment).values(state=EnrollmentState.COMPLETED))
    answer = await api.post(f"/enrollments/{enrollment}/stop", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "enrollment_already_over")
    assert answer.json()["detail"] == "The enrollment is over already: it is completed."


async def test_a_stop_tells_the_workflow(api: Caller, services: Services, database: Database, organization: Org) -> None:
    (contact,) = await add_contacts(database, organization[0].id, 1)
    enrollment = await enroll_one(api, await new_sequence(api), contact)
    answer = await api.post(f"/enrollments/{enrollment}/stop", json={"reason": "Called us"})
    assert answer.status_code == 202
    history = await services.temporal.get_workflow_handle(answer.json()["workflow_id"]).fetch_history()
    (signal,) = [event for event in history.events if event.HasField("workflow_execution_signaled_event_attributes")]
    attributes = signal.workflow_execution_signaled_event_attributes
    assert (attributes.signal_name, attributes.input.payloads[0].data) == ("stop", b'{"reason":"Called us"}')
    async with database.transaction() as session:
        assert (await session.get_one(Enrollment, UUID(enrollment))).stop_requested_at is not None


async def test_a_queued_enrollment_without_a_workflow_is_stopped_in_its_row(
    api: Caller, cut_off: Caller, database: Database, organization: Org
) -> None:
    (contact,) = await add_contacts(database, organization[0].id, 1)
    sequence = await new_sequence(api)
    enrollment = await enroll_one(cut_off, sequence, contact)
    stopped = (await api.post(f"/enrollments/{enrollment}/stop", json={"reason": "Called us"})).json()
    assert (stopped["state"], stopped["outcome"], stopped["due_at"]) == ("stopped", "Called us", None)
    assert stopped["finished_at"] is not None
    assert (await api.post(f"/enrollments/{enrollment}/stop", json={})).status_code == 409
    assert await enroll_one(api, sequence, contact) != enrollment


async def test_a_workflow_that_starts_while_its_enrollment_is_stopped_learns_of_it(
    cut_off: Caller, database: Database, organization: Org
) -> None:
    """The stop found no workflow; the workflow's first activity waits until the stop is written."""
    (contact,) = await add_contacts(database, organization[0].id, 1)
    enrollment_id = UUID(await enroll_one(cut_off, await new_sequence(cut_off), contact))
    async with database.transaction() as session:
        row = await get_enrollment(session, organization[0].id, enrollment_id, lock=True)
        load = LoadSequence(org_id=row.org_id, sequence_version_id=row.sequence_version_id, enrollment_id=row.id)
        loading = asyncio.create_task(EnrollmentSteps(database).load_sequence(load))
        await stop_without_workflow(session, row, "Called us")
    assert (await loading).over == "Called us"


async def test_a_workflow_that_was_terminated_by_hand_does_not_leave_its_row_running(
    api: Caller, services: Services, database: Database, organization: Org
) -> None:
    (contact,) = await add_contacts(database, organization[0].id, 1)
    enrollment = await enroll_one(api, await new_sequence(api), contact)
    workflow_id = (await api.get(f"/enrollments/{enrollment}")).json()["workflow_id"]
    await services.temporal.get_workflow_handle(workflow_id).terminate()
    assert (await api.post(f"/enrollments/{enrollment}/stop", json={})).json()["state"] == "stopped"


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
    with_ui = Services(settings, database, services.temporal, services.starter)
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

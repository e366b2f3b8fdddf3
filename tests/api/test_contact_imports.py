"""CSV imports, with a real Temporal server and the workflow that works on them."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update
from sqlmodel import col
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from activities.import_contacts import PAGE, ImportContacts
from models import wire
from models.base import new_id
from models.contact_import import ContactImport, ImportState
from models.database import Database
from models.organization import Organization
from tests.builders import Caller
from workflows.contact_import import ContactImport as ContactImportWorkflow

Org = tuple[Organization, str]
CSV = {"Content-Type": "text/csv"}


@pytest.fixture
async def worker(temporal: Client, database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Works on this test's imports only."""
    monkeypatch.setattr(wire, "WORKFLOW_QUEUE", f"imports-{uuid4()}")
    activities = [ImportContacts(database).import_contacts]
    async with Worker(temporal, task_queue=wire.WORKFLOW_QUEUE, workflows=[ContactImportWorkflow], activities=activities):
        yield


async def send(api: Caller, content: str | bytes, **headers: str) -> Any:
    return await api.post("/contact-imports", content=content, headers={**CSV, **headers})


async def imported(api: Caller, temporal: Client, organization: Organization, content: str | bytes) -> Any:
    """The import's resource when its workflow has ended."""
    answer = await send(api, content)
    assert answer.status_code == 202, answer.text
    import_id = answer.json()["id"]
    await temporal.get_workflow_handle(wire.import_workflow_id(organization.id, UUID(import_id))).result()
    return (await api.get(f"/contact-imports/{import_id}")).json()


def counts(view: Any) -> tuple[int, ...]:
    return tuple(view[name] for name in ("created", "updated", "unchanged", "failed"))


async def test_a_file_that_cannot_be_read_is_refused_with_its_line(api: Caller) -> None:
    answer = await send(api, b"email\na@example.com\nb\xff@example.com\n")
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"], error["line"]) == (422, "body", 3)
    assert (await api.get("/contact-imports")).json()["items"] == []


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "multipart/form-data; boundary=x", "text/csv; charset=latin1", 'text/csv; charset="utf-16"'],
)
async def test_a_body_that_says_it_is_something_else_is_refused(api: Caller, content_type: str) -> None:
    answer = await send(api, b"email\na@example.com\n", **{"Content-Type": content_type})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (415, "Content-Type")


async def test_a_file_over_20_mb_is_refused(api: Caller) -> None:
    answer = await send(api, b"email\n" + b"a@example.com\n" * 1_500_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_an_unknown_import_is_404(api: Caller) -> None:
    assert (await api.get(f"/contact-imports/{new_id()}")).status_code == 404


async def test_rows_that_fail_are_listed_with_their_lines_and_stop_nobody(
    api: Caller, temporal: Client, organization: Org, worker: None
) -> None:
    content = 'email,first_name\na@example.com,Ada\nnobody,"two\nlines"\n\n,Zoë\nc@example.com\nd@example.com,Dan\n'
    view = await imported(api, temporal, organization[0], content)
    assert (view["state"], view["total"], view["processed"], counts(view)) == ("completed", 5, 5, (2, 0, 0, 3))
    assert [(error["line"], error["field"]) for error in view["errors"]] == [(3, "email"), (6, "contact"), (7, "row")]


async def test_all_columns_arrive(api: Caller, temporal: Client, organization: Org, worker: None) -> None:
    content = (
        "\ufeffExternal_ID,email,phone,first_name,last_name,time_zone,tags,plan,City\r\n"
        'crm-1,Ada@Example.com,+1 202 555 0123,Ada,"Love, lace",Europe/London, vip ; new;,gold,Zürich\r\n'
    )
    view = await imported(api, temporal, organization[0], content)
    assert counts(view) == (1, 0, 0, 0), view
    (ada,) = (await api.get("/contacts")).json()["items"]
    assert {name: ada[name] for name in ("external_id", "email", "phone", "last_name", "time_zone", "tags", "properties")} == {
        "external_id": "crm-1",
        "email": "ada@example.com",
        "phone": "+12025550123",
        "last_name": "Love, lace",
        "time_zone": "Europe/London",
        "tags": ["vip", "new"],
        "properties": {"plan": "gold", "City": "Zürich"},
    }


async def test_an_empty_cell_leaves_the_field_as_it_is(api: Caller, temporal: Client, organization: Org, worker: None) -> None:
    await api.post("/contacts", json={"external_id": "a", "first_name": "Ada", "tags": ["vip"], "properties": {"plan": "gold"}})
    view = await imported(api, temporal, organization[0], "external_id,first_name,tags,plan,city\na,,,,London\nb,,,,\n")
    assert counts(view) == (1, 1, 0, 0)
    (ada,) = (await api.get("/contacts?external_id=a")).json()["items"]
    assert (ada["first_name"], ada["tags"], ada["properties"]) == ("Ada", ["vip"], {"plan": "gold", "city": "London"})


async def test_several_pages_are_imported_and_a_second_time_nothing_changes(
    api: Caller, temporal: Client, organization: Org, database: Database, worker: None
) -> None:
    content = "external_id,email\n" + "".join(f"e{n},p{n}@example.com\n" for n in range(2 * PAGE + 1))
    first = await imported(api, temporal, organization[0], content)
    second = await imported(api, temporal, organization[0], content)
    assert (counts(first), counts(second)) == ((2 * PAGE + 1, 0, 0, 0), (0, 0, 2 * PAGE + 1, 0))
    async with database.transaction() as session:
        row = await session.get_one(ContactImport, UUID(first["id"]))
    assert (row.csv, row.finished_at is not None, row.workflow_started_at is not None) == ("", True, True)


async def test_a_retry_goes_on_after_the_rows_that_are_done(api: Caller, organization: Org, database: Database) -> None:
    import_id = UUID((await send(api, "external_id\na\nb\nc\n")).json()["id"])
    async with database.transaction() as session:
        done = {"processed": 2, "created": 2, "state": ImportState.RUNNING}
        await session.execute(update(ContactImport).where(col(ContactImport.id) == import_id).values(done))
    start = wire.ImportInput(org_id=organization[0].id, import_id=import_id)
    for _ in range(2):
        result = await ActivityEnvironment().run(ImportContacts(database).import_contacts, start)
        assert (result.processed, result.created) == (3, 3)
    assert [item["external_id"] for item in (await api.get("/contacts")).json()["items"]] == ["c"]


async def test_imports_are_listed_newest_first(api: Caller) -> None:
    ids = [(await send(api, f"email\np{n}@example.com\n")).json()["id"] for n in range(3)]
    page = (await api.get("/contact-imports?limit=2")).json()
    assert [item["id"] for item in page["items"]] == [ids[2], ids[1]]
    assert page["items"][0]["state"] == "queued"
    assert page["next_cursor"]

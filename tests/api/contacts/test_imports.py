"""CSV imports, with a real Temporal server and the workflow that works on them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col
from structlog.testing import capture_logs
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError
from temporalio.service import RPCError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from activities import import_contacts
from activities.import_contacts import PAGE, ImportContacts
from api.handling.services import Services
from models.base import new_id
from models.contacts.imports import ContactImport
from models.database import Database
from models.organizations.organization import Organization
from models.wire.imports import ImportInput
from models.wire.names import import_workflow_id
from services import starter
from services.starter import Starter
from tests.builders import Caller
from workflows.contact_import import ContactImport as ContactImportWorkflow

Org = tuple[Organization, str]
CSV = {"Content-Type": "text/csv"}


@pytest.fixture
async def worker(temporal: Client, database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Works on this test's imports only."""
    queue = f"imports-{uuid4()}"
    monkeypatch.setattr(starter, "IMPORT_QUEUE", queue)
    imports = ImportContacts(database, Starter(database, temporal))
    activities: list[Callable[..., Any]] = [imports.import_contacts, imports.end_import]
    async with Worker(temporal, task_queue=queue, workflows=[ContactImportWorkflow], activities=activities):
        yield


async def send(api: Caller, content: str | bytes, **headers: str) -> Any:
    return await api.post("/contact-imports", content=content, headers={**CSV, **headers})


async def imported(api: Caller, temporal: Client, organization: Organization, content: str | bytes, query: str = "") -> Any:
    """The import's resource when its workflow has ended."""
    answer = await api.post(f"/contact-imports?{query}", content=content, headers=CSV)
    assert answer.status_code == 202, answer.text
    import_id = answer.json()["id"]
    await temporal.get_workflow_handle(import_workflow_id(UUID(import_id))).result()
    return (await api.get(f"/contact-imports/{import_id}")).json()


def counts(view: Any) -> tuple[int, ...]:
    return tuple(view[name] for name in ("created", "updated", "unchanged", "failed"))


async def test_a_file_that_cannot_be_read_is_refused_with_its_line(api: Caller) -> None:
    answer = await send(api, b"email\na@example.com\nb\x81@example.com\n")
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"], error["line"]) == (422, "body", 3)
    assert (await api.get("/contact-imports")).json()["items"] == []


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "multipart/form-data; boundary=x", "text/csv; charset=rot13", 'text/csv; charset="idna"'],
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


async def test_the_file_of_a_shop_is_imported_in_one_request(
    api: Caller, temporal: Client, organization: Org, worker: None
) -> None:
    content = (
        "Customer No;E-Mail;Tel;Name;VIP\n"
        "1;ada@example.com;0151 / 12345678;Zoë;nein\n"
        "2;;0049 30 9012345;Bob;ja\n"
        "3;eve@example.com;call me;Eve;\n"
        "4;;0151 12345678;Mallory;\n"
    ).encode("cp1252")
    columns = json.dumps({"Customer No": "external_id", "Tel": "phone", "Name": "first_name", "VIP": "vip:boolean"})
    query = urlencode({"columns": columns, "default_country": "DE"})
    view = await imported(api, temporal, organization[0], content, query)
    assert (counts(view), view["incomplete"], view["encoding"], view["delimiter"]) == ((3, 0, 0, 1), 1, "cp1252", ";")
    people = {each["external_id"]: each for each in (await api.get("/contacts")).json()["items"]}
    assert {key: (each["phone"], each["first_name"], each["properties"]) for key, each in people.items()} == {
        "1": ("+4915112345678", "Zoë", {"vip": False}),
        "2": ("+49309012345", "Bob", {"vip": True}),
        "3": (None, "Eve", {}),
    }
    assert [(error["line"], error["field"], error["contact_id"]) for error in view["errors"]] == [
        (4, "phone", None),
        (5, "phone", people["1"]["id"]),
    ]


async def test_a_file_can_say_which_key_finds_contacts(api: Caller, temporal: Client, organization: Org, worker: None) -> None:
    await api.post("/contacts", json={"external_id": "A", "phone": "+12025550123"})
    view = await imported(api, temporal, organization[0], "external_id,phone\nB,+12025550123\n", "match_on=phone")
    assert counts(view) == (0, 1, 0, 0)


@pytest.mark.parametrize("columns", ["[]", "x", '{"a": 1}'])
async def test_columns_that_are_no_object_of_names_are_refused(api: Caller, columns: str) -> None:
    answer = await api.post(f"/contact-imports?{urlencode({'columns': columns})}", content=b"email\na@b.com\n", headers=CSV)
    assert [error["field"] for error in answer.json()["errors"]] == ["columns"]


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


async def test_a_retry_goes_on_after_the_rows_that_are_done(
    api: Caller, temporal: Client, organization: Org, database: Database
) -> None:
    import_id = UUID((await send(api, "external_id\na\nb\nc\n")).json()["id"])
    async with database.transaction() as session:
        done = {"processed": 2, "created": 2}
        await session.execute(update(ContactImport).where(col(ContactImport.id) == import_id).values(done))
    start = ImportInput(org_id=organization[0].id, import_id=import_id)
    for _ in range(2):
        imports = ImportContacts(database, Starter(database, temporal))
        result = await ActivityEnvironment().run(imports.import_contacts, start)
        assert (result.processed, result.created, result.over) == (3, 3, True)
    assert [item["external_id"] for item in (await api.get("/contacts")).json()["items"]] == ["c"]


async def test_the_log_says_how_many_contacts_are_incomplete(
    api: Caller, temporal: Client, organization: Org, database: Database
) -> None:
    import_id = UUID((await send(api, "external_id,phone\na,call me\nb,\n")).json()["id"])
    start = ImportInput(org_id=organization[0].id, import_id=import_id)
    with capture_logs() as lines:
        await ActivityEnvironment().run(ImportContacts(database, Starter(database, temporal)).import_contacts, start)
    (said,) = [each for each in lines if each["event"] == "import is over"]
    assert (said["state"], said["created"], said["failed"], said["incomplete"]) == ("completed", 2, 0, 1)


async def test_imports_are_listed_newest_first(api: Caller) -> None:
    ids = [(await send(api, f"email\np{n}@example.com\n")).json()["id"] for n in range(3)]
    page = (await api.get("/contact-imports?limit=2")).json()
    assert [item["id"] for item in page["items"]] == [ids[2], ids[1]]
    assert page["items"][0]["state"] == "waiting"
    assert page["next_cursor"]


async def state(api: Caller, import_id: str) -> tuple[str, str | None]:
    view = (await api.get(f"/contact-imports/{import_id}")).json()
    return view["state"], view["reason"]


async def post(api: Caller) -> str:
    answer = await send(api, "email\na@example.com\nb@example.com\n")
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def test_one_import_of_an_organization_runs_and_the_next_waits(api: Caller, temporal: Client, organization: Org) -> None:
    first, second = await post(api), await post(api)
    assert [await state(api, each) for each in (first, second)] == [("running", None), ("waiting", None)]
    with pytest.raises(RPCError, match="not found"):
        await temporal.get_workflow_handle(import_workflow_id(UUID(second))).describe()


async def test_the_next_import_begins_when_one_is_over(
    api: Caller, temporal: Client, organization: Org, database: Database, worker: None
) -> None:
    ids = [await post(api) for _ in range(3)]
    for each in ids:  # whoever ends one starts the next, so its workflow is there when the one before has ended
        await temporal.get_workflow_handle(import_workflow_id(UUID(each))).result()
    assert {await state(api, each) for each in ids} == {("completed", None)}


async def test_an_import_hands_its_slot_back_after_some_pages(
    api: Caller, temporal: Client, organization: Org, worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_contacts, "PAGE", 2)
    monkeypatch.setattr(import_contacts, "PAGES", 2)
    view = await imported(api, temporal, organization[0], "external_id\n" + "".join(f"e{n}\n" for n in range(9)))
    assert counts(view) == (9, 0, 0, 0)
    handle = temporal.get_workflow_handle(import_workflow_id(UUID(view["id"])))
    events = (await handle.fetch_history()).events
    assert sum(event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED for event in events) == 3


async def test_a_waiting_and_a_running_import_can_be_cancelled(
    api: Caller, temporal: Client, organization: Org, database: Database
) -> None:
    ids = [await post(api) for _ in range(3)]
    for each in (ids[1], ids[0]):
        view = (await api.post(f"/contact-imports/{each}/cancel")).json()
        assert (view["state"], view["reason"], view["finished_at"] is not None) == ("cancelled", "cancelled by request", True)
    assert await state(api, ids[2]) == ("running", None)
    imports = ImportContacts(database, Starter(database, temporal))
    start = ImportInput(org_id=organization[0].id, import_id=UUID(ids[0]))
    result = await ActivityEnvironment().run(imports.import_contacts, start)
    assert (result.over, result.processed) == (True, 0)


async def test_cancelling_twice_is_the_same_as_once_and_too_late_is_a_conflict(
    api: Caller, temporal: Client, organization: Org, worker: None
) -> None:
    view = await imported(api, temporal, organization[0], "email\na@example.com\n")
    answer = await api.post(f"/contact-imports/{view['id']}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "import_already_over")
    assert (await api.post(f"/contact-imports/{new_id()}/cancel")).status_code == 404


async def test_people_who_are_put_while_an_import_brings_them_stand_once(
    api: Caller, temporal: Client, organization: Org, worker: None
) -> None:
    emails = [f"p{number}@example.com" for number in range(20)]
    csv = "email,first_name\n" + "".join(f"{email},Import\n" for email in emails)
    bodies = [{"email": email, "first_name": "Put"} for email in emails]
    view, *puts = await asyncio.gather(
        imported(api, temporal, organization[0], csv), *(api.request("PUT", "/contacts", json=body) for body in bodies)
    )
    assert {answer.status_code for answer in puts} <= {200, 201}
    assert (view["state"], view["failed"]) == ("completed", 0)
    found = (await api.get("/contacts?limit=100")).json()["items"]
    assert sorted(contact["email"] for contact in found) == sorted(emails)


async def test_more_imports_than_may_wait_are_refused(api: Caller, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services.settings, "imports_open", 2)
    answers = await asyncio.gather(*(send(api, "email\na@example.com\n") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [202, 202, 429, 429]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert "cancel one" in refused.json()["detail"]
    assert int(refused.headers["Retry-After"]) > 0
    waiting = next(answer for answer in answers if answer.status_code == 202)
    await api.post(f"/contact-imports/{waiting.json()['id']}/cancel")
    assert (await send(api, "email\na@example.com\n")).status_code == 202


async def test_an_import_whose_workflow_is_cancelled_in_temporal_is_over(
    api: Caller, temporal: Client, organization: Org, worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered = asyncio.Event()

    async def endless(*_: Any) -> Any:
        entered.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(ImportContacts, "_import_pages", endless)
    import_id = await post(api)
    handle = temporal.get_workflow_handle(import_workflow_id(UUID(import_id)))
    await entered.wait()
    await handle.cancel()
    with pytest.raises(WorkflowFailureError):
        await handle.result()
    assert await state(api, import_id) == ("cancelled", "its workflow was canceled in Temporal")


async def test_rows_that_postgresql_refuses_end_the_import_without_being_quoted(
    api: Caller, temporal: Client, organization: Org, worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any, **__: Any) -> Any:
        raise IntegrityError("INSERT", {"email": "canary@example.com"}, Exception("canary@example.com"))

    monkeypatch.setattr(import_contacts, "upsert_rows", refuse)
    import_id = await post(api)
    handle = temporal.get_workflow_handle(import_workflow_id(UUID(import_id)))
    with pytest.raises(WorkflowFailureError):
        await handle.result()
    found, reason = await state(api, import_id)
    assert (found, "from line 2 on" in str(reason)) == ("failed", True)
    assert b"canary" not in b"".join(event.SerializeToString() for event in (await handle.fetch_history()).events)


async def test_an_import_adds_tags_replaces_them_or_clears_cells(
    api: Caller, temporal: Client, organization: Org, worker: None
) -> None:
    ada = (await api.post("/contacts", json={"external_id": "a", "first_name": "Ada", "tags": ["vip"]})).json()
    await imported(api, temporal, organization[0], "external_id,tags\na,new\n")
    added = (await api.get(f"/contacts/{ada['id']}")).json()
    assert (added["first_name"], added["tags"]) == ("Ada", ["vip", "new"])
    await imported(api, temporal, organization[0], "external_id,first_name,tags\na,-,other\n", "tags=replace&clear=-")
    replaced = (await api.get(f"/contacts/{ada['id']}")).json()
    assert (replaced["first_name"], replaced["tags"]) == (None, ["other"])


@pytest.mark.usefixtures("worker")
async def test_a_column_says_who_may_be_written_to(api: Caller, temporal: Client, organization: Org) -> None:
    view = await imported(api, temporal, organization[0], "email,consent\na@example.com,opted_out\nb@example.com,maybe\n")
    assert (view["created"], view["incomplete"], [each["field"] for each in view["errors"]]) == (2, 1, ["consent"])
    (out,) = (await api.get("/contacts?email=a@example.com")).json()["items"]
    answers = (await api.get(f"/contacts/{out['id']}/consent")).json()["items"]
    assert [(each["state"], each["source"], each["proof"]) for each in answers] == [
        ("opted_out", "import", {"import_id": view["id"]})
    ]

"""Erasure and export over HTTP: the receipt, the document, and what an erased contact is afterwards."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from models.database import Database
from models.organizations.organization import Organization
from tests.api.campaign_builders import OFFER, add_contacts, new_campaign
from tests.builders import Caller, is_problem
from tests.clicks import rows
from tests.rows import Rows

ADA = {"external_id": "crm-1", "email": "ada@example.com", "phone": "+12025550123", "first_name": "Ada", "tags": ["a"]}


@pytest.fixture
async def ada(api: Caller) -> str:
    return str((await api.post("/contacts", json=ADA)).json()["id"])


@pytest.mark.parametrize(("method", "what"), [("POST", "erase"), ("GET", "export")])
async def test_only_the_organizations_own_contacts_are_there(
    api: Caller, stranger: Caller, ada: str, method: str, what: str
) -> None:
    for caller, contact in ((api, uuid4()), (stranger, ada)):
        assert (await caller.request(method, f"/contacts/{contact}/{what}")).status_code == 404
    assert (await api.get(f"/contacts/{ada}")).json()["first_name"] == "Ada"


async def test_the_receipt_lists_what_was_removed_and_what_is_kept(api: Caller, ada: str) -> None:
    answer = await api.post(f"/contacts/{ada}/erase")
    assert answer.status_code == 200
    receipt = answer.json()
    assert (receipt["contact_id"], receipt["temporal_runs"], receipt["unfinished"]) == (ada, 0, [])
    removed = {each["table"]: (each["rows"], each["kept"]) for each in receipt["removed"]}
    assert removed["contact"] == (1, "its id")
    assert removed["event"] == (0, None)


async def test_an_erased_contact_is_an_empty_one_that_cannot_be_changed_and_is_in_no_list(api: Caller, ada: str) -> None:
    await api.post(f"/contacts/{ada}/erase")
    shown = (await api.get(f"/contacts/{ada}")).json()
    assert {name: shown[name] for name in ADA} == {**dict.fromkeys(ADA), "tags": []}
    assert shown["erased_at"] is not None
    answer = await api.patch(f"/contacts/{ada}", json={"first_name": "Ada", "phone": "+12025550123"})
    assert (answer.status_code, answer.json()["code"]) == (409, "contact_erased")
    assert (await api.get("/contacts")).json()["items"] == []
    made = await api.request("PUT", "/contacts", json=ADA)
    assert made.status_code == 201
    assert made.json()["id"] != ada


async def test_an_erased_contact_is_in_no_segment_and_in_no_audience(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    erased, other = await add_contacts(database, organization[0].id, 2)
    everybody = {"not": {"kind": "tags", "tags": ["nobody"]}}
    segment = (await api.post("/segments", json={"name": "All", "definition": everybody})).json()["id"]
    await api.post(f"/contacts/{erased}/erase")
    listed = (await api.get(f"/segments/{segment}/contacts")).json()["items"]
    assert [each["id"] for each in listed] == [other]
    audience = {"tags": [], "contact_ids": [erased], "segment_ids": [segment]}
    campaign = await new_campaign(api, message=OFFER, audience=audience)
    launched = await api.post(f"/campaigns/{campaign}/launch")
    assert launched.json()["recipients"] == 1, launched.text


async def test_the_export_has_everything_that_is_known(api: Caller, made: Rows, database: Database, ada: str) -> None:
    campaign = await made.campaign()
    contact = await made.contact(email="bob@example.com", first_name="Bob")
    message = await made.message(campaign.content_id, contact, body="Hello Bob", to_address="bob@example.com")
    await made.click(message)
    answer = await api.get(f"/contacts/{contact.id}/export")
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert [each["first_name"] for each in data["contact"]] == ["Bob"]
    assert [each["body"] for each in data["message"]] == ["Hello Bob"]
    assert [each["city"] for each in data["click_metadata"]] == ["Berlin"]
    assert "org_id" not in data["message"][0]
    assert (await rows(database, "SELECT count(*) FROM contact WHERE erased_at IS NOT NULL")) == [0]


async def test_the_audit_log_has_the_erasure(api: Caller, ada: str) -> None:
    await api.post(f"/contacts/{ada}/erase")
    (entry,) = (await api.get("/audit-log", params={"action": "contact_data.erase"})).json()["items"]
    assert entry["target_id"] == ada


async def test_nothing_is_written_down_of_what_an_erased_contact_said(api: Caller, database: Database, ada: str) -> None:
    await api.post(f"/contacts/{ada}/erase")
    answer = await api.post(f"/contacts/{ada}/consent", json={"state": "opted_in", "reason": "Ada called"})
    assert is_problem(answer, 409, "contact_erased")
    assert await rows(database, "SELECT count(*) FROM consent") == [0]


async def test_a_key_that_is_revoked_meanwhile_has_no_receipt(
    api: Caller, database: Database, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def erase(*_: object) -> None:
        async with database.transaction() as session:
            await session.execute(text("UPDATE api_key SET revoked_at = now()"))

    monkeypatch.setattr("api.contacts.erasure.erase_contact", erase)
    assert (await api.post(f"/contacts/{ada}/erase")).status_code == 401

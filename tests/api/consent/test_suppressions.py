"""Suppressed addresses over HTTP: written once, lifted with a reason, and never another organization's."""

from typing import Any
from uuid import uuid4

import pytest

from models.consent.suppression import SuppressionReason
from models.database import Database
from models.organizations.organization import create_organization
from services.consent.suppress import suppress
from tests.builders import Caller, is_problem
from tests.clicks import rows

ADA = {"medium": "email", "address": "ada@example.com"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"medium": "email"}, "address"),
        ({"medium": "email", "address": "ada"}, "address"),
        ({"medium": "sms", "address": "ada@example.com"}, "address"),
        ({"medium": "sms", "address": "0151 12345678"}, "address"),
        ({**ADA, "medium": "fax"}, "medium"),
        ({**ADA, "reason": "provider"}, "reason"),
        ({**ADA, "detail": ""}, "detail"),
    ],
)
async def test_a_wrong_address_is_refused_with_its_field(
    api: Caller, database: Database, body: dict[str, Any], field: str
) -> None:
    answer = await api.post("/suppressions", json=body)
    assert is_problem(answer, 422, "invalid"), answer.text
    assert [each["field"] for each in answer.json()["errors"]] == [field]
    assert await rows(database, "SELECT count(*) FROM suppression") == [0]


async def test_an_address_is_suppressed_once_however_it_is_written(api: Caller) -> None:
    first = await api.post("/suppressions", json={**ADA, "detail": "asked us by letter"})
    second = await api.post("/suppressions", json={**ADA, "address": " Ada <ADA@Example.com>"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert (first.json()["reason"], first.json()["detail"]) == ("manual", "asked us by letter")


async def test_a_national_number_is_suppressed_in_international_form(api: Caller) -> None:
    made = await api.post("/suppressions", json={"medium": "sms", "address": "0151 12345678", "default_country": "DE"})
    assert made.json()["address"] == "+4915112345678"
    for written in ("+4915112345678", "%2B4915112345678"):
        found = (await api.get(f"/suppressions?address={written}")).json()["items"]
        assert [each["id"] for each in found] == [made.json()["id"]]


async def test_a_suppression_is_lifted_with_a_reason_and_its_row_stays(api: Caller) -> None:
    made = (await api.post("/suppressions", json=ADA)).json()
    assert is_problem(await api.delete(f"/suppressions/{made['id']}"), 422, "invalid")
    for reason in ("she wrote to us", "a second time"):
        lifted = await api.delete(f"/suppressions/{made['id']}?reason={reason}")
        assert (lifted.status_code, lifted.json()["lift_reason"]) == (200, "she wrote to us")
    assert (await api.get("/suppressions")).json()["items"] == []
    assert [each["id"] for each in (await api.get("/suppressions?lifted=true")).json()["items"]] == [made["id"]]
    again = await api.post("/suppressions", json=ADA)
    assert (again.status_code, again.json()["id"] != made["id"]) == (201, True)


async def test_lists_are_filtered(api: Caller) -> None:
    await api.post("/suppressions", json=ADA)
    await api.post("/suppressions", json={"medium": "sms", "address": "+4915112345678", "reason": "opted_out"})

    async def found(query: str) -> list[str]:
        return [each["medium"] for each in (await api.get(f"/suppressions?{query}")).json()["items"]]

    assert await found("medium=sms") == ["sms"]
    assert await found("reason=manual") == ["email"]
    assert await found("address=ada@example.com&medium=email") == ["email"]
    assert await found("address=bob@example.com") == []


async def test_suppressions_of_another_organization_do_not_exist(api: Caller, database: Database) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
        await suppress(session, other.id, "email", "ada@example.com", SuppressionReason.BOUNCE)
    (theirs,) = await rows(database, "SELECT id FROM suppression")
    assert is_problem(await api.get(f"/suppressions/{theirs}"), 404, "not_found")
    assert is_problem(await api.delete(f"/suppressions/{theirs}?reason=x"), 404, "not_found")
    assert is_problem(await api.get(f"/suppressions/{uuid4()}"), 404, "not_found")
    assert (await api.get("/suppressions?address=ada@example.com")).json()["items"] == []
    assert (await api.post("/suppressions", json=ADA)).status_code == 201

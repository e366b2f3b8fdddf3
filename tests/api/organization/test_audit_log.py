"""The audit log: a row for every change, in its transaction, whatever endpoint made it."""

import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from api.callers.access import CHANGE_NOTHING, CONSOLE_CHANGES, OPERATOR_CHANGES, TAKE_DATA_OUT, is_audited
from api.channels import routes as channels
from models.base import first_id, new_id, now
from models.database import Database
from models.organizations.audit_log import AuditFilter, AuditLog, audit_page, prune_audit_log, record
from models.organizations.organization import Organization, create_organization
from models.paging import PageRequest
from tests.api.callers.test_access import OPERATIONS
from tests.api.campaign_builders import new_campaign
from tests.builders import Caller
from tests.plans import scans_without_index, statements

ROOT = Path(__file__).parents[3]
OF_THE_COMMAND_LINE = ("cli.py", "cli_keys.py", "cli_operator.py", "models/organizations/organization.py")
Org = tuple[Organization, str]
PERSON = {"external_id": "canary-1", "first_name": "Canary", "email": "canary@example.com", "phone": "+4915100000777"}


async def entries(api: Caller, **filters: Any) -> list[dict[str, Any]]:
    answer = await api.get("/audit-log", params=filters)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def key_id(api: Caller) -> str:
    return str((await api.get("/api-keys")).json()["items"][0]["id"])


def test_every_request_that_is_no_get_is_a_change_unless_it_is_named() -> None:
    changes = {name for name, route in OPERATIONS.items() for method in route.methods or () if is_audited(method, name)}
    assert changes == {name for name, route in OPERATIONS.items() if route.methods != {"GET"}} - CHANGE_NOTHING | TAKE_DATA_OUT


async def test_a_change_is_there_with_its_key_its_target_and_its_request(api: Caller) -> None:
    contact = await api.post("/contacts", json=PERSON)
    await api.patch(f"/contacts/{contact.json()['id']}", json={"first_name": "Canaria"})
    newest, second = (await entries(api))[:2]
    assert [each["action"] for each in (newest, second)] == ["contacts.change", "contacts.create"]
    for each in (newest, second):
        assert (each["key_id"], each["target_kind"], each["target_id"]) == (await key_id(api), "contact", contact.json()["id"])
    assert second["request_id"] == contact.headers["x-request-id"]


async def test_it_names_what_a_path_is_about(api: Caller) -> None:
    campaign = await new_campaign(api)
    await api.delete(f"/campaigns/{campaign}")
    await api.post("/contacts/bulk", json={"contacts": [PERSON]})
    await api.patch("/organization", json={"time_zone": "Europe/Berlin"})
    shown = [(each["action"], each["target_kind"], each["target_id"]) for each in await entries(api)]
    organization = (await api.get("/organization")).json()["id"]
    assert shown[:4] == [
        ("organization.change", "organization", organization),
        ("contacts.upsert_many", "contact", None),
        ("campaigns.delete", "campaign", campaign),
        ("campaigns.create", "campaign", campaign),
    ]


async def test_nothing_of_people_is_in_it(api: Caller, database: Database) -> None:
    await api.post("/contacts", json=PERSON)
    await api.post("/contacts/bulk", json={"contacts": [PERSON]})
    await api.post("/contact-imports", content=b"email\ncanary@example.com\n")
    async with database.session() as session:
        rows = (await session.scalars(select(AuditLog))).all()
    assert len(rows) >= 3
    assert "canary" not in repr([row.model_dump() for row in rows]).lower()


async def test_what_is_only_read_refused_or_answered_before_has_no_row(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = await new_campaign(api)
    first = await api.post("/contacts", json=PERSON, headers={"Idempotency-Key": "k"})
    before = await entries(api)
    await api.post("/contacts", json=PERSON, headers={"Idempotency-Key": "k"})
    await api.post("/contacts", json=PERSON)
    await api.post(f"/campaigns/{campaign}/preview")
    await api.get(f"/contacts/{first.json()['id']}")

    async def broken(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(channels, "add_channel", broken)
    await api.post("/channels", json={"name": "second", "kind": "simulator", "medium": "sms"})
    assert await entries(api) == before


@pytest.mark.parametrize("path", ["/organization", "/contacts/{contact}", "/campaigns/{campaign}"])
async def test_a_change_without_a_field_has_no_row(api: Caller, path: str) -> None:
    about = {"contact": (await api.post("/contacts", json=PERSON)).json()["id"], "campaign": await new_campaign(api)}
    before = await entries(api)
    assert (await api.patch(path.format(**about), json={})).status_code == 200
    assert await entries(api) == before


async def test_filters_and_pages(api: Caller) -> None:
    contact = (await api.post("/contacts", json=PERSON)).json()["id"]
    await new_campaign(api)
    assert [each["target_id"] for each in await entries(api, action="contacts.create")] == [contact]
    assert [each["action"] for each in await entries(api, target_id=contact)] == ["contacts.create"]
    own = await key_id(api)
    assert {each["key_id"] for each in await entries(api, key_id=own)} == {own}
    later = (now() + timedelta(seconds=5)).isoformat()
    assert (await entries(api, since=later), len(await entries(api, until=later))) == ([], len(await entries(api)))
    page = (await api.get("/audit-log?limit=1")).json()
    rest = (await api.get(f"/audit-log?cursor={page['next_cursor']}")).json()
    assert page["items"] + rest["items"] == await entries(api)


async def test_an_unknown_action_is_refused_with_the_known_ones(api: Caller) -> None:
    answer = await api.get("/audit-log", params={"action": "campaign.launch"})
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, ["action"])
    named = set(answer.json()["errors"][0]["message"].rpartition(": ")[2].rstrip(".").split(", "))
    changes = {name for name, route in OPERATIONS.items() for method in route.methods or () if is_audited(method, name)}
    assert named == changes | OPERATOR_CHANGES | CONSOLE_CHANGES
    assert await entries(api, action="link_domains.assign") == []


def test_every_action_of_the_command_line_is_known() -> None:
    written = "".join((ROOT / name).read_text() for name in OF_THE_COMMAND_LINE)
    recorded = set(re.findall(r'record\(\s*session,\s*[^"]+"([a-z_.]+)"', written))
    assert OPERATOR_CHANGES <= recorded <= OPERATOR_CHANGES | OPERATIONS.keys()


async def test_the_first_key_of_an_organization_is_there_without_a_key_that_made_it(api: Caller) -> None:
    (made,) = await entries(api)
    assert (made["action"], made["key_id"], made["target_kind"]) == ("organizations.create", None, "organization")


async def test_another_organization_sees_its_own_only(api: Caller, database: Database) -> None:
    await api.post("/contacts", json=PERSON)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    assert [each["action"] for each in await entries(api.with_key(key))] == ["organizations.create"]


@pytest.mark.parametrize("wanted", [{}, {"action": "a"}, {"key_id": "k"}, {"target_id": "t"}, {"since": now(), "until": now()}])
async def test_every_filter_has_its_index(database: Database, organization: Org, wanted: dict[str, Any]) -> None:
    async with database.session() as session:
        with statements(database) as sent:
            await audit_page(session, organization[0].id, AuditFilter(**wanted), PageRequest(after=new_id()))
    assert await scans_without_index(database, sent) == []


async def test_old_rows_are_deleted_and_young_ones_stay(database: Database, organization: Org) -> None:
    async with database.transaction() as session:
        for days in (400, 20):
            row = record(session, organization[0].id, "campaigns.launch", "campaign", None)
            row.id = first_id(now() - timedelta(days=days))
        await session.flush()
        assert await prune_audit_log(session, timedelta(days=365)) == 1
        assert await prune_audit_log(session, timedelta(days=365)) == 0


async def test_a_get_costs_one_statement_more_than_its_handler_and_a_change_three(api: Caller, database: Database) -> None:
    """A GET looks for the key. A change looks for it before its body and in its transaction, and writes its audit row."""
    with statements(database) as sent:
        await api.get("/organization")
    assert len(sent) == 1
    with statements(database) as sent:
        await api.patch("/organization", json={"time_zone": "Europe/Berlin"})
    verbs = Counter(statement.split(maxsplit=1)[0] for statement, _ in sent)
    assert verbs == {"SELECT": 3, "UPDATE": 1, "INSERT": 1}

"""Inbound messages over HTTP: listed, and decided about once."""

from typing import Any
from uuid import uuid4

import pytest

from models.channels.channel import channels_by_name
from models.database import Database
from models.organizations.organization import Organization, create_organization
from services.inbound.receive import Inbound, receive
from tests.builders import Caller, is_problem
from tests.clicks import rows
from tests.rows import Rows

PHONE = "+4915112345678"


async def write(database: Database, organization: Organization, body: str, provider_id: str = "SM1") -> str:
    """Somebody writes to the organization's simulator. Returns the message's id."""
    async with database.transaction() as session:
        channel = (await channels_by_name(session, organization.id))["simulator-sms"]
    await receive(database, channel, Inbound(PHONE, "+15550100", body, provider_id), None)
    (found,) = await rows(database, "SELECT id FROM inbound_message WHERE provider_id = :id", id=provider_id)
    return str(found)


async def decide(api: Caller, message: str, decision: str) -> Any:
    return await api.post(f"/inbound-messages/{message}/decide", json={"decision": decision, "reason": "read it"})


async def test_a_refusal_that_somebody_confirms_opts_the_person_out_once(
    api: Caller, made: Rows, database: Database, organization: tuple[Organization, str]
) -> None:
    person = await made.contact(phone=PHONE)
    enrollment = await made.enrollment(await made.sequence(), person)
    message = await write(database, organization[0], "stop texting me")
    pending = (await api.get("/inbound-messages?pending=true")).json()["items"]
    assert [(each["id"], each["meaning"], each["body"]) for each in pending] == [(message, "perhaps_refusal", "stop texting me")]
    for _ in range(2):
        answer = await decide(api, message, "refusal")
        assert (answer.status_code, answer.json()["decision"]) == (200, "refusal"), answer.text
    assert await rows(database, "SELECT contact_id, state, source, reason FROM consent") == [
        (person.id, "opted_out", "held_refusal", "read it")
    ]
    assert await rows(database, "SELECT enrollment_id, kind FROM command") == [(enrollment.id, "stop")]
    assert (await api.get("/inbound-messages?pending=true")).json()["items"] == []
    assert is_problem(await decide(api, message, "no_refusal"), 409, "nothing_to_decide")


async def test_a_text_that_was_no_refusal_changes_nothing(
    api: Caller, made: Rows, database: Database, organization: tuple[Organization, str]
) -> None:
    await made.contact(phone=PHONE)
    message = await write(database, organization[0], "I cannot stop by today, stop")
    assert (await decide(api, message, "no_refusal")).json()["decision"] == "no_refusal"
    assert await rows(database, "SELECT count(*) FROM consent") == [0]


async def test_the_refusal_of_a_stranger_suppresses_the_number(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    message = await write(database, organization[0], "stop texting me")
    assert (await decide(api, message, "refusal")).status_code == 200
    assert await rows(database, "SELECT address, reason FROM suppression") == [(PHONE, "opted_out")]


@pytest.mark.parametrize("body", ["Thank you", "STOP"])
async def test_there_is_nothing_to_decide_about_other_messages(
    api: Caller, made: Rows, database: Database, organization: tuple[Organization, str], body: str
) -> None:
    await made.contact(phone=PHONE)
    message = await write(database, organization[0], body)
    assert is_problem(await decide(api, message, "refusal"), 409, "nothing_to_decide")


async def test_messages_are_listed_by_contact_channel_and_meaning(
    api: Caller, made: Rows, database: Database, organization: tuple[Organization, str]
) -> None:
    person = await made.contact(phone=PHONE)
    other = await made.contact(phone="+4915112345679")
    ids = [await write(database, organization[0], body, body) for body in ("hello", "HELP")]
    channel = (await api.get(f"/inbound-messages/{ids[0]}")).json()["channel_id"]

    async def found(query: str) -> list[str]:
        return [each["body"] for each in (await api.get(f"/inbound-messages?{query}")).json()["items"]]

    assert await found(f"contact_id={person.id}") == ["HELP", "hello"]
    assert await found(f"contact_id={other.id}") == []
    assert await found(f"channel_id={channel}&meaning=reply") == ["hello"]
    assert is_problem(await api.get(f"/inbound-messages?contact_id={uuid4()}"), 404, "not_found")
    assert is_problem(await api.get(f"/inbound-messages?channel_id={uuid4()}"), 404, "not_found")


async def test_messages_of_another_organization_do_not_exist(api: Caller, database: Database) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    message = await write(database, other, "stop texting me")
    assert (await api.get("/inbound-messages")).json()["items"] == []
    assert is_problem(await api.get(f"/inbound-messages/{message}"), 404, "not_found")
    assert is_problem(await decide(api, message, "refusal"), 404, "not_found")

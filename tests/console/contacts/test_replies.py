"""What people wrote, and addresses to which nothing is sent."""

from uuid import uuid4

import pytest

from models.channels.channel import channels_by_name
from models.contacts.contact import Contact
from models.database import Database
from models.inbound.inbound_message import InboundMeaning, InboundMessage
from models.organizations.organization import Organization
from tests.builders import Caller
from tests.console.conftest import Browser, with_role
from tests.rows import NOON, Rows


async def wrote(rows: Rows, contact: Contact | None, body: str, meaning: InboundMeaning) -> str:
    async with rows.database.transaction() as session:
        channel = (await channels_by_name(session, rows.org_id))["simulator-sms"]
        message = InboundMessage(
            org_id=rows.org_id,
            channel_id=channel.id,
            contact_id=contact.id if contact else None,
            provider_id=str(uuid4()),
            from_address="+4741200123",
            body=body,
            meaning=meaning,
            received_at=NOON,
        )
        session.add(message)
    return str(message.id)


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def test_replies_are_listed_with_who_wrote_them(browser: Browser, rows: Rows) -> None:
    assert "Nobody has written back yet" in (await browser.open("/replies")).text
    person = await rows.contact(first_name="Ada")
    await wrote(rows, person, "<b>Thanks</b>", InboundMeaning.REPLY)
    await wrote(rows, None, "Who is this?", InboundMeaning.REPLY)
    shown = await browser.open("/replies")
    assert shown.all(".bubble") == ["Who is this?", "<b>Thanks</b>"]
    assert f"/console/contacts/{person.id}" in shown.links(".thread a")
    assert "Nothing to decide" in (await browser.open("/replies", pending="true")).text
    assert (await browser.open("/replies", meaning="stop")).all(".bubble") == []
    assert (await browser.open("/replies", meaning="nothing")).status == 422


@pytest.mark.parametrize(("decision", "state"), [("refusal", "opted_out"), ("no_refusal", "unknown")])
async def test_a_held_text_is_decided(browser: Browser, api: Caller, rows: Rows, decision: str, state: str) -> None:
    person = await rows.contact(phone="+4741200123")
    reply_id = await wrote(rows, person, "Please stop texting me", InboundMeaning.PERHAPS_REFUSAL)
    shown = await browser.open("/replies", pending="true")
    assert shown.all(".bubble") == ["Please stop texting me"]
    assert (await browser.send(f"/replies/{reply_id}/decide", decision="perhaps")).status == 422
    assert (await browser.send(f"/replies/{reply_id}/decide", decision=decision)).status == 303
    current = (await api.get(f"/contacts/{person.id}/consent")).json()["current"]
    assert {each["state"] for each in current if each["medium"] == "sms"} == {state}
    assert "Nothing to decide" in (await browser.open("/replies", pending="true")).text


async def test_a_viewer_decides_nothing(visitor: Browser, api: Caller, rows: Rows) -> None:
    reply_id = await wrote(rows, await rows.contact(), "Please stop", InboundMeaning.PERHAPS_REFUSAL)
    browser = await with_role(visitor, api, "viewer")
    assert (await browser.open("/replies")).body.cssselect("main form") == []
    assert (await browser.send(f"/replies/{reply_id}/decide", decision="refusal")).status == 403
    assert (await browser.send("/suppressions", medium="email", address="a@example.com")).status == 403


async def test_an_address_is_suppressed_and_lifted_with_a_reason(browser: Browser, api: Caller) -> None:
    assert "get here by themselves" in (await browser.open("/suppressions")).text
    wrong = await browser.send("/suppressions", medium="email", address="nonsense", reason="manual")
    assert (wrong.status, wrong.body.cssselect("#address")[0].get("value")) == (422, "nonsense")
    fields = {"medium": "email", "address": "Ada@Example.com", "reason": "manual", "detail": "Asked by telephone"}
    assert (await browser.send("/suppressions", **fields)).status == 303
    shown = await browser.open("/suppressions", address="ada@example.com")
    assert shown.all("tbody th b") == ["ada@example.com"]
    (lift,) = [each.get("action") for each in shown.body.cssselect("dialog form")]
    refused = await browser.send(lift, lift_reason="")
    assert refused.status == 422
    assert (await browser.send(lift, lift_reason="It works again")).status == 303
    assert (await api.get("/suppressions")).json()["items"] == []
    assert "It works again" in (await browser.open("/suppressions", lifted="true")).text
    assert (await browser.open("/suppressions", address="half an address")).status == 422

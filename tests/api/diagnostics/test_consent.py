"""Why people get nothing who said so, or whose provider did: with what would change it, for everybody and for one contact."""

from typing import Any

import pytest

from models.channels.channel import channels_by_name
from models.contacts.contact import Contact
from models.database import Database
from models.messages.message import MessageState
from models.organizations.organization import Organization
from services.inbound.receive import Inbound, receive
from tests.builders import Caller
from tests.rows import Rows


async def read(api: Caller, path: str) -> dict[str, dict[str, Any]]:
    answer = await api.get(path)
    assert answer.status_code == 200, answer.text
    return {each["code"]: each for each in answer.json()["findings"]}


async def left_out(made: Rows, *reasons: str) -> tuple[Any, list[Contact]]:
    """A campaign that left these people out."""
    campaign, people = await made.campaign(), [await made.contact() for _ in reasons]
    for person, reason in zip(people, reasons, strict=True):
        await made.message(campaign.content_id, person, MessageState.SKIPPED, reason=reason)
    return campaign, people


async def test_each_way_of_saying_no_is_counted_with_what_to_change(api: Caller, made: Rows) -> None:
    reasons = ("opted_out", "opted_out", "no_consent", "suppressed: bounce", "suppressed: complaint", "no_phone")
    campaign, _ = await left_out(made, *reasons)
    found = await read(api, f"/campaigns/{campaign.id}/diagnostics")
    counts = {code: found[code]["count"] for code in ("contacts_opted_out", "contacts_without_consent", "addresses_suppressed")}
    assert counts == {"contacts_opted_out": 2, "contacts_without_consent": 1, "addresses_suppressed": 2}
    assert found["contacts_without_consent"]["sentence"] == ("1 message was left out, because the contacts have not opted in.")
    assert "consent_required" in found["contacts_without_consent"]["what_to_change"]


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("opted_out", "contacts_opted_out"),
        ("no_consent", "contacts_without_consent"),
        ("suppressed: bounce", "addresses_suppressed"),
        ("no_email", "contacts_skipped"),
        ("too_many_messages", "contacts_skipped"),
    ],
)
async def test_one_contact_is_told_of_alone(api: Caller, made: Rows, reason: str, code: str) -> None:
    campaign, (person, _) = await left_out(made, reason, "suppressed: complaint")
    found = await read(api, f"/campaigns/{campaign.id}/diagnostics?contact_id={person.id}")
    assert {name: found[name]["count"] for name in found if not name.startswith(("trigger", "no_trigger"))} == {code: 1}


async def test_one_contact_hears_why_a_message_was_left_out_and_what_to_change(api: Caller, made: Rows) -> None:
    campaign, people = await left_out(made, "no_email", "too_many_messages", "contact_erased")
    await made.trigger([campaign.content_id], campaign_id=campaign.id)
    told = [await read(api, f"/campaigns/{campaign.id}/diagnostics?contact_id={each.id}") for each in people]
    assert [(each["contacts_skipped"]["sentence"], each["contacts_skipped"]["what_to_change"]) for each in told] == [
        (
            "1 message was left out for the contact, because the contact has no e-mail address.",
            "Give these contacts an e-mail address.",
        ),
        (
            "1 message was left out for the contact, because of this reason: too_many_messages.",
            "GET /v1/contacts/ID/why says more about it.",
        ),
        ("1 message was left out for the contact, because the contact was erased.", "Nothing has to be changed."),
    ]
    assert told[0]["trigger_nothing_sent"]["what_to_change"] == "If it was left out, a finding of its own says why."


@pytest.mark.parametrize(
    ("reasons", "cure"),
    [
        (["opted_out"], ". Such people get nothing on purpose: opted_out."),
        (
            ["opted_out", "no_phone"],
            " and change what the reason names, apart from opted_out: such people get nothing on purpose.",
        ),
        (["no_phone"], " and change what the reason names."),
    ],
)
async def test_nobody_is_told_to_change_what_people_have_said(api: Caller, made: Rows, reasons: list[str], cure: str) -> None:
    campaign, _ = await left_out(made, *reasons)
    found = await read(api, f"/campaigns/{campaign.id}/diagnostics")
    assert found["contacts_skipped"]["what_to_change"] == f"List them with GET /v1/messages?state=skipped{cure}"


async def test_a_text_that_may_be_a_refusal_is_named_until_somebody_decides(
    api: Caller, made: Rows, database: Database, organization: tuple[Organization, str]
) -> None:
    campaign, (person,) = await left_out(made, "no_phone")
    await made.contact(phone="+4915112345678")
    async with database.transaction() as session:
        channel = (await channels_by_name(session, organization[0].id))["simulator-sms"]
        writer = await session.get_one(Contact, person.id)
        writer.phone = "+4915112345679"
    await receive(database, channel, Inbound("+4915112345679", None, "stop texting me", "SM1"), None)
    assert (await read(api, "/diagnostics"))["refusals_undecided"]["count"] == 1
    assert "refusals_undecided" in await read(api, f"/campaigns/{campaign.id}/diagnostics?contact_id={person.id}")
    (message,) = (await api.get("/inbound-messages?pending=true")).json()["items"]
    await api.post(f"/inbound-messages/{message['id']}/decide", json={"decision": "no_refusal"})
    assert "refusals_undecided" not in await read(api, "/diagnostics")

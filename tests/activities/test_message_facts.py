"""What a message keeps of the moment in which it was claimed or left out: ids and words, without a statement more."""

import json
from typing import Any

from models.consent.consent import Consent, ConsentSource, ConsentState
from models.consent.suppression import SuppressionReason, add_suppression
from models.contacts.contact import Contact
from models.messages.message import MessageState
from models.organizations.organization import Organization
from services.channels.base import ChannelError
from tests.plans import statements
from tests.sending import Provider, Sending
from tests.triggered import Triggered

LARGEST = 400
"""Bytes."""
OF_PAGE, OF_TURN = 10, 6
"""Statements about messages of a page of a campaign and of a turn that sends, as they were before messages kept anything."""


async def answered(sending: Sending, contact: Contact, state: ConsentState = ConsentState.OPTED_IN) -> Consent:
    row = Consent(org_id=sending.org_id, contact_id=contact.id, state=state, source=ConsentSource.API)
    await sending.save(row)
    return row


async def facts(sending: Sending) -> dict[str, Any]:
    return (await sending.message()).facts or {}


async def test_a_campaigns_message_keeps_its_consent_and_the_tag_that_it_came_by(sending: Sending) -> None:
    (contact,) = await sending.contacts()
    consent = await answered(sending, contact)
    await sending.send_page(await sending.campaign(audience={"tags": ["none", "all"], "contact_ids": []}))
    assert await facts(sending) == {
        "rule": "go",
        "consent_id": str(consent.id),
        "audience": {"tag": 1},
        "attempts": 1,
    }


async def test_a_contact_that_is_named_keeps_that(sending: Sending) -> None:
    (contact,) = await sending.contacts(tags=[])
    await sending.send_page(await sending.campaign(audience={"tags": [], "contact_ids": [str(contact.id)]}))
    assert (await facts(sending))["audience"] == {"named": True}


async def test_a_message_that_is_left_out_keeps_the_rule_and_the_row(sending: Sending) -> None:
    first, second = await sending.contacts(2)
    consent = await answered(sending, first, ConsentState.OPTED_OUT)
    async with sending.database.transaction() as session:
        await add_suppression(session, sending.org_id, "sms", second.phone or "", SuppressionReason.BOUNCE)
    await sending.send_page(await sending.campaign())
    kept = {message.contact_id: message.facts or {} for message in await sending.messages()}
    assert (kept[first.id]["rule"], kept[first.id]["consent_id"]) == ("opted_out", str(consent.id))
    assert kept[second.id]["rule"] == "suppressed"
    assert kept[second.id]["suppression_id"]


async def test_each_attempt_is_counted_and_keeps_what_was_seen_then(sending: Sending, provider: Provider) -> None:
    (contact,) = await sending.contacts()
    enrollment = await sending.enrollment(contact)
    provider.before[contact.phone or ""] = ChannelError("busy", permanent=False)
    await sending.send_step(enrollment)
    consent = await answered(sending, contact)
    provider.before.clear()
    await sending.send_step(enrollment)
    message = await sending.message()
    assert message.state == MessageState.ACCEPTED
    assert message.facts == {"rule": "go", "consent_id": str(consent.id), "attempts": 2}


async def test_the_level_that_switched_tracking_off_is_kept(sending: Sending, organization: tuple[Organization, str]) -> None:
    (contact,) = await sending.contacts()
    await sending.send_step(await sending.enrollment(contact, tracking=False))
    assert (await facts(sending))["tracking_off_at"] == "owner"


async def test_a_triggers_message_keeps_facts_too(sending: Sending, provider: Provider) -> None:
    (contact,) = await sending.contacts()
    consent = await answered(sending, contact)
    triggered = Triggered(sending, provider)
    await triggered.fire(await triggered.trigger(), contact)
    await triggered.send()
    assert await facts(sending) == {"rule": "go", "consent_id": str(consent.id), "attempts": 1}


async def test_facts_are_small(sending: Sending) -> None:
    (contact,) = await sending.contacts()
    await answered(sending, contact)
    await sending.send_page(await sending.campaign(tracking=False))
    assert len(json.dumps(await facts(sending))) < LARGEST


async def test_facts_cost_no_statement(sending: Sending) -> None:
    one, two = await sending.contacts(2)
    campaign, enrollment = await sending.campaign(), await sending.enrollment(one)
    await sending.turn(await sending.enrollment(two))  # reads what is remembered afterwards
    with statements(sending.database) as of_turn:
        await sending.turn(enrollment)
    with statements(sending.database) as of_page:
        await sending.send_page(campaign)
    about = [[statement for statement, _ in sent if "message" in statement] for sent in (of_page, of_turn)]
    assert [len(each) for each in about] == [OF_PAGE, OF_TURN]

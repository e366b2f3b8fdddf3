"""Why a message was sent or left out: the chain that led to it, and the facts of that moment."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text, update

from models.base import now
from models.campaigns.campaign import Campaign
from models.channels.pause import pause
from models.consent.consent import Consent, ConsentSource, ConsentState
from models.consent.suppression import SuppressionReason, add_suppression, lift_suppression
from models.contacts.contact import Contact
from models.database import Database
from models.messages.message import Message
from models.organizations.limits import Limits
from models.organizations.organization import Organization
from models.segments.segment import Segment
from services.channels.base import ChannelError
from tests.api.campaign_builders import new_campaign
from tests.builders import Caller
from tests.plans import scans_without_index, statements
from tests.sending import Provider, Sending
from tests.triggered import Triggered

Why = dict[str, Any]
ONE_A_DAY = Limits(
    active_enrollments=9, contents=9, contents_per_day=9, messages_per_contact_and_day=1, shortest_loop=timedelta(0)
)


async def why(api: Caller, message_id: object) -> Why:
    answer = await api.get(f"/messages/{message_id}/why")
    assert answer.status_code == 200, answer.text
    found: Why = answer.json()
    return found


async def why_the_only(api: Caller, sending: Sending) -> Why:
    return await why(api, (await sending.message()).id)


def part(found: Why, rule: str) -> Why:
    (one,) = [each for each in found["chain"] if each["rule"] == rule]
    return dict(one)


async def answered(sending: Sending, contact: Contact, state: ConsentState = ConsentState.OPTED_IN, **fields: Any) -> Consent:
    row = Consent(org_id=sending.org_id, contact_id=contact.id, state=state, source=ConsentSource.API, **fields)
    await sending.save(row)
    return row


async def test_another_organizations_message_is_not_found(stranger: Caller, sending: Sending) -> None:
    await sending.contacts()
    await sending.send_page(await sending.campaign())
    message = await sending.message()
    for message_id in (message.id, uuid4()):
        assert (await stranger.get(f"/messages/{message_id}/why")).status_code == 404


async def test_a_campaigns_message_tells_of_launch_audience_consent_links_and_channel(api: Caller, sending: Sending) -> None:
    (contact,) = await sending.contacts()
    consent = await answered(sending, contact)
    campaign = await sending.campaign()
    await sending.send_page(campaign)
    found = await why_the_only(api, sending)
    rules = ["campaign_launched", "in_audience", "consent_allows", "links", "gate_open", "received"]
    assert [each["rule"] for each in found["chain"]] == rules
    assert found["answer"].startswith("The contact did get it: the channel 'simulator-sms' took the message")
    audience = part(found, "in_audience")
    assert audience["answer"] == "The contact had the tag 'all', to which the campaign was sent."
    assert part(found, "consent_allows")["rows"][1] == {"table": "consent", "id": str(consent.id)}
    assert part(found, "links")["answer"] == "Its links were tracked."
    assert part(found, "gate_open")["facts"]["attempts"] == 1


async def unengaged(sending: Sending, count: int = 1) -> list[str]:
    """Segments of everybody who has never clicked."""
    definition = {"kind": "not_clicked"}
    rows = [Segment(org_id=sending.org_id, name=f"Spring {place}: unengaged", definition=definition) for place in range(count)]
    await sending.save(*rows)
    return [str(row.id) for row in rows]


async def test_a_recipient_of_a_segment_is_told_which_one(api: Caller, sending: Sending) -> None:
    """Also after the contact was changed, or clicked, since one segment is kept; of several, the one that fits now is named."""
    (contact,) = await sending.contacts()
    one, several = await unengaged(sending), await unengaged(sending, 2)
    audience: dict[str, Any] = {"tags": [], "contact_ids": []}
    for segments in (one, several):
        await sending.send_page(await sending.campaign(audience={**audience, "segment_ids": segments}))
    first, second = [message.id for message in sorted(await sending.messages(), key=lambda each: each.id)]
    told = "The contact was in the segment 'Spring 0: unengaged', to which the campaign was sent."
    for message_id in (first, second):
        found = part(await why(api, message_id), "in_audience")
        assert (found["answer"], found["facts"]["part"], found["facts"]["known_then"]) == (told, "segment_ids", True)
        assert found["facts"]["condition"] == {"kind": "not_clicked"}
    await sending.change(contact, first_name="Eve", updated_at=now())
    found = part(await why(api, first), "in_audience")
    assert (found["answer"], found["facts"]["known_then"], "condition" in found["facts"]) == (told, True, False)
    found = part(await why(api, second), "in_audience")
    assert found["answer"] == (
        "The contact is in the segment 'Spring 0: unengaged' now, to which the campaign was sent; "
        "by which rule it was a recipient was not kept."
    )
    assert found["facts"]["known_then"] is False


async def test_a_launch_names_the_key_that_launched_it(api: Caller, sending: Sending) -> None:
    (contact,) = await sending.contacts()
    campaign = await new_campaign(api, audience={"contact_ids": [str(contact.id)]})
    assert (await api.post(f"/campaigns/{campaign}/launch")).status_code == 202
    async with sending.database.transaction() as session:
        row = await session.get_one(Campaign, UUID(campaign))
    await sending.send_page(row)
    launched = part(await why_the_only(api, sending), "campaign_launched")
    facts = launched["facts"]
    assert launched["answer"].endswith(f" was launched with the API key '{facts['key_name']}' ({facts['key_id']}).")
    assert {row["table"] for row in launched["rows"]} == {"campaign", "audit_log"}


async def test_facts_stay_those_of_the_moment(api: Caller, sending: Sending, database: Database) -> None:
    """Whatever the contact says or becomes later."""
    (contact,) = await sending.contacts()
    consent = await answered(sending, contact)
    await sending.send_page(await sending.campaign())
    before = await why_the_only(api, sending)
    await answered(sending, contact, ConsentState.OPTED_OUT)
    await sending.change(contact, tags=["other"], first_name="Eve", updated_at=now())
    after = await why_the_only(api, sending)
    assert after["chain"] == before["chain"]
    assert part(after, "consent_allows")["facts"]["consent_state"] == "opted_in"
    assert {"table": "consent", "id": str(consent.id)} in part(after, "consent_allows")["rows"]


async def test_an_opt_out_is_named_with_its_row_although_the_contact_opted_in_again(api: Caller, sending: Sending) -> None:
    (contact,) = await sending.contacts()
    consent = await answered(sending, contact, ConsentState.OPTED_OUT)
    await sending.send_page(await sending.campaign())
    await answered(sending, contact)
    found = await why_the_only(api, sending)
    assert found["answer"] == "The message was left out, because the contact has opted out."
    assert (found["rule"], found["facts"]["consent_source"]) == ("opted_out", "api")
    assert {"table": "consent", "id": str(consent.id)} in found["rows"]


async def test_a_suppression_is_named_after_it_was_lifted(api: Caller, sending: Sending) -> None:
    (contact,) = await sending.contacts()
    about = (sending.org_id, "sms", contact.phone or "")
    async with sending.database.transaction() as session:
        await add_suppression(session, *about, SuppressionReason.BOUNCE)
    await sending.send_page(await sending.campaign())
    async with sending.database.transaction() as session:
        assert await lift_suppression(session, *about, [SuppressionReason.BOUNCE], "corrected")
    found = await why_the_only(api, sending)
    assert found["answer"] == "The message was left out: the address is suppressed, because a message came back."
    assert found["facts"]["lifted_at"]
    assert found["rows"][1]["table"] == "suppression"


async def test_a_missing_opt_in_is_named(api: Caller, sending: Sending, organization: tuple[Organization, str]) -> None:
    await sending.change(organization[0], consent_required=["sms"])
    await sending.contacts()
    await sending.send_page(await sending.campaign())
    found = await why_the_only(api, sending)
    assert (found["rule"], found["answer"]) == (
        "no_consent",
        "The message was left out, because marketing by SMS needs an opt-in, which the contact has not given.",
    )


@pytest.mark.parametrize(
    ("medium", "rule", "what"), [("sms", "no_phone", "phone number"), ("email", "no_email", "e-mail address")]
)
async def test_a_missing_address_is_named(api: Caller, sending: Sending, medium: str, rule: str, what: str) -> None:
    await sending.contacts(phone=None)
    await sending.send_page(await sending.campaign(medium=medium))
    found = await why_the_only(api, sending)
    assert (found["rule"], found["answer"]) == (rule, f"The message was left out, because the contact has no {what}.")


async def test_the_budget_is_named_with_its_numbers(
    api: Caller, database: Database, organization: tuple[Organization, str], provider: Provider
) -> None:
    limited = Sending(database, organization[0], provider, ONE_A_DAY)
    await limited.contacts()
    await limited.send_page(await limited.campaign())
    await limited.send_page(await limited.campaign())
    found = await why(api, (await limited.messages())[-1].id)
    assert (found["rule"], found["facts"]["messages_of_day"], found["facts"]["budget"]) == ("too_many_messages", 1, 1)


async def test_a_message_that_came_too_late_says_after_when(api: Caller, sending: Sending) -> None:
    await sending.contacts()
    campaign = await sending.campaign()
    async with sending.database.transaction() as session:
        await session.execute(text("UPDATE content SET valid_for = interval '1 minute'"))
        await session.execute(text("UPDATE campaign SET launched_at = now() - interval '1 hour'"))
        await session.execute(text("UPDATE contact SET created_at = now() - interval '2 hours'"))
    campaign.launched_at = now() - timedelta(hours=1)
    await sending.send_page(campaign)
    found = await why_the_only(api, sending)
    assert found["rule"] == "too_late"
    assert found["facts"]["late_after"]


async def test_a_refusal_for_now_says_since_when_and_how_often(api: Caller, sending: Sending, provider: Provider) -> None:
    (contact,) = await sending.contacts()
    provider.before[contact.phone or ""] = ChannelError("the line is busy", permanent=False)
    await sending.send_step(await sending.enrollment(contact))
    found = await why_the_only(api, sending)
    assert (found["rule"], found["facts"]["attempts"], found["facts"]["waits"]) == ("refused_for_now", 1, True)
    assert "the line is busy" in found["answer"]


async def test_a_failure_has_the_providers_words(api: Caller, sending: Sending, provider: Provider) -> None:
    (contact,) = await sending.contacts()
    provider.before[contact.phone or ""] = ChannelError("no such number", permanent=True)
    await sending.send_step(await sending.enrollment(contact))
    found = await why_the_only(api, sending)
    assert found["rule"] == "failed"
    assert "(attempt 1): no such number." in found["answer"]


async def test_a_message_that_waits_for_a_paused_channel_says_so_now(api: Caller, sending: Sending, provider: Provider) -> None:
    (contact,) = await sending.contacts()
    provider.before[contact.phone or ""] = ChannelError("busy", permanent=False)
    await sending.send_step(await sending.enrollment(contact))
    message = await sending.message()
    async with sending.database.transaction() as session:
        await pause(session, message.channel_id, "The password is wrong.", now())
    found = await why_the_only(api, sending)
    assert found["rule"] == "channel_paused"
    assert found["answer"].startswith("No message has gone out yet, because the channel 'simulator-sms' is paused, since ")


async def test_links_that_went_out_unchanged_name_the_level(api: Caller, sending: Sending) -> None:
    await sending.contacts()
    await sending.send_page(await sending.campaign(tracking=False))
    links = part(await why_the_only(api, sending), "links")
    assert links["answer"] == "Its links went out unchanged, because link tracking was off for the campaign."


async def test_a_steps_message_tells_of_its_enrollment_and_step(api: Caller, sending: Sending) -> None:
    (contact,) = await sending.contacts()
    await sending.send_step(await sending.enrollment(contact))
    found = await why_the_only(api, sending)
    assert part(found, "enrolled")["answer"] == "The contact was enrolled in version 1 of 'Sequence' by a request."
    assert part(found, "step_reached")["answer"] == "The step 'hello' is where the sequence begins."


async def test_a_triggers_message_tells_of_its_firing(api: Caller, sending: Sending, provider: Provider) -> None:
    (contact,) = await sending.contacts()
    triggered = Triggered(sending, provider)
    await triggered.fire(await triggered.trigger(), contact)
    await triggered.send()
    found = await why_the_only(api, sending)
    fired = part(found, "trigger_fired")
    assert fired["answer"] == "The trigger 'hot' fired: clicked 'offer' → a message sent."
    assert (fired["facts"]["trigger_key"], fired["facts"]["link"]) == ("hot", "offer")
    assert found["rule"] == "received"


async def test_a_message_of_before_facts_were_kept_has_a_shorter_chain(api: Caller, sending: Sending) -> None:
    await sending.contacts()
    await sending.send_page(await sending.campaign())
    async with sending.database.transaction() as session:
        await session.execute(update(Message).values(facts=None))
    found = await why_the_only(api, sending)
    assert [each["rule"] for each in found["chain"]] == ["campaign_launched", "in_audience", "received"]


async def test_every_look_is_by_an_index(api: Caller, sending: Sending) -> None:
    (contact,) = await sending.contacts()
    await answered(sending, contact)
    await sending.send_page(await sending.campaign())
    await sending.send_step(await sending.enrollment(contact))
    with statements(sending.database) as sent:
        for message in await sending.messages():
            await why(api, message.id)
    assert await scans_without_index(sending.database, [each for each in sent if "ORDER BY message.id" not in each[0]]) == []

"""Why a message was sent or left out: the chain that led to it, and the facts of that moment."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text, update
from sqlmodel import col

from models.base import now
from models.campaigns.campaign import Campaign, CampaignState
from models.channels.channel import Channel, channels_by_name
from models.channels.pause import pause
from models.channels.slow_domain import slow_down
from models.consent.consent import Consent, ConsentSource, ConsentState
from models.consent.suppression import SuppressionReason, add_suppression, lift_suppression
from models.contacts.contact import Contact
from models.database import Database
from models.inbound.inbound_message import InboundMeaning, InboundMessage
from models.messages import ledger
from models.messages.message import Message
from models.organizations.limits import Limits
from models.organizations.organization import Organization
from models.sequences.enrollment import CauseKind
from models.sequences.event import EventKind
from models.triggers.firing import Firing
from services.channels.base import ChannelError
from tests.api.campaign_builders import new_campaign
from tests.builders import Caller
from tests.plans import scans_without_index, statements
from tests.rows import Rows, minutes
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
    assert audience["answer"] == "The contact has the tag 'all', which it is sent to (at that moment)."
    assert part(found, "consent_allows")["rows"][1] == {"table": "consent", "id": str(consent.id)}
    assert part(found, "links")["answer"] == "Its links were tracked."
    assert part(found, "gate_open")["facts"]["attempts"] == 1


async def test_a_launch_names_the_key_that_launched_it(api: Caller, sending: Sending) -> None:
    (contact,) = await sending.contacts()
    campaign = await new_campaign(api, audience={"contact_ids": [str(contact.id)]})
    assert (await api.post(f"/campaigns/{campaign}/launch")).status_code == 202
    async with sending.database.transaction() as session:
        row = await session.get_one(Campaign, UUID(campaign))
    await sending.send_page(row)
    launched = part(await why_the_only(api, sending), "campaign_launched")
    assert launched["facts"]["key_id"]
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
    assert found["answer"] == "The message was left out, because the address is suppressed (bounce)."
    assert found["facts"]["lifted_at"]
    assert found["rows"][1]["table"] == "suppression"


async def test_a_missing_opt_in_is_named(api: Caller, sending: Sending, organization: tuple[Organization, str]) -> None:
    await sending.change(organization[0], consent_required=["sms"])
    await sending.contacts()
    await sending.send_page(await sending.campaign())
    found = await why_the_only(api, sending)
    assert (found["rule"], found["answer"]) == (
        "no_consent",
        "The message was left out, because the contact has not opted in, which such messages need.",
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


async def test_a_message_of_which_nobody_knows_says_so(api: Caller, sending: Sending, provider: Provider) -> None:
    (contact,) = await sending.contacts()
    enrollment = await sending.enrollment(contact)
    provider.after[contact.phone or ""] = ConnectionResetError()
    provider.askable = False
    with pytest.raises(ConnectionResetError):
        await sending.send_step(enrollment)
    found = await why_the_only(api, sending)
    assert (found["rule"], found["facts"]["attempts"]) == ("sending", 1)
    await sending.make_claims_old()
    await sending.send_step(enrollment)
    found = await why_the_only(api, sending)
    assert found["rule"] == "unknown"
    assert "so it is not sent again" in found["answer"]


async def test_a_message_that_was_given_up_says_from_when_on_it_was_refused(
    api: Caller, sending: Sending, provider: Provider
) -> None:
    (contact,) = await sending.contacts()
    enrollment = await sending.enrollment(contact)
    provider.before[contact.phone or ""] = ChannelError("busy", permanent=False)
    await sending.send_step(enrollment)
    await sending.make_refusals_old()
    await sending.send_step(enrollment)
    found = await why_the_only(api, sending)
    assert (found["rule"], found["facts"]["attempts"]) == ("given_up", 2)
    assert found["facts"]["refused_at"]


async def test_a_message_whose_enrollment_ended_while_it_waited_says_so(
    api: Caller, sending: Sending, provider: Provider
) -> None:
    (contact,) = await sending.contacts()
    enrollment = await sending.enrollment(contact)
    provider.before[contact.phone or ""] = ChannelError("busy", permanent=False)
    await sending.send_step(enrollment)
    await sending.end(enrollment, "stopped", "by hand")
    found = await why_the_only(api, sending)
    assert (found["rule"], found["answer"]) == (
        "enrollment_over",
        "The message was left out, because the enrollment was over by then.",
    )


async def test_a_message_whose_campaign_ended_while_it_waited_says_so(api: Caller, sending: Sending, provider: Provider) -> None:
    (contact,) = await sending.contacts()
    campaign = await sending.campaign()
    provider.before[contact.phone or ""] = ChannelError("busy", permanent=False)
    await sending.send_page(campaign)
    async with sending.database.transaction() as session:
        await ledger.close_campaign_messages(session, campaign.id, None)
    assert (await why_the_only(api, sending))["rule"] == "campaign_over"


async def test_a_message_that_waits_in_a_campaign_that_is_over_says_so_now(
    api: Caller, sending: Sending, provider: Provider
) -> None:
    (contact,) = await sending.contacts()
    campaign = await sending.campaign()
    provider.before[contact.phone or ""] = ChannelError("busy", permanent=False)
    await sending.send_page(campaign)
    await sending.change(campaign, state=CampaignState.STOPPED)
    assert (await why_the_only(api, sending))["rule"] == "over"


async def test_an_archived_channel_is_named(api: Caller, sending: Sending) -> None:
    await sending.contacts()
    campaign = await sending.campaign()
    async with sending.database.transaction() as session:
        await session.execute(update(Channel).values(archived_at=now()))
    await sending.send_page(campaign)
    found = await why_the_only(api, sending)
    assert (found["rule"], found["answer"]) == (
        "channel_archived",
        "The message was left out, because the channel is archived.",
    )


async def test_an_answer_about_which_nobody_has_decided_is_named(api: Caller, sending: Sending) -> None:
    (contact,) = await sending.contacts()
    async with sending.database.transaction() as session:
        channel = (await channels_by_name(session, sending.org_id))["simulator-sms"]
    held = {"meaning": InboundMeaning.PERHAPS_REFUSAL, "provider_id": "1"}
    await sending.save(InboundMessage(org_id=sending.org_id, channel_id=channel.id, contact_id=contact.id, **held))  # type: ignore[arg-type] # its fields
    await sending.send_page(await sending.campaign())
    found = await why_the_only(api, sending)
    assert (found["rule"], found["facts"]["waits"]) == ("answer_undecided", True)
    assert found["facts"]["since"]
    assert found["answer"].startswith("No message has gone out yet, because somebody has to decide")


async def test_the_domain_that_asked_to_wait_is_named(api: Caller, sending: Sending, provider: Provider) -> None:
    (contact,) = await sending.contacts(email="ada@slow.example")
    campaign = await sending.campaign(medium="email")
    async with sending.database.transaction() as session:
        channel = (await channels_by_name(session, sending.org_id))["simulator-email"]
        await slow_down(session, channel.id, "slow.example", timedelta(minutes=30))
    await sending.send_page(campaign)
    assert contact.email not in provider.times()
    assert (await why_the_only(api, sending))["rule"] == "domain_asked_to_wait"


async def test_a_message_of_an_erased_contact_says_that_it_was_erased(api: Caller, sending: Sending, provider: Provider) -> None:
    (contact,) = await sending.contacts()
    provider.before[contact.phone or ""] = ChannelError("busy", permanent=False)
    await sending.send_page(await sending.campaign())
    assert (await api.post(f"/contacts/{contact.id}/erase")).status_code == 200
    found = await why_the_only(api, sending)
    assert (found["rule"], found["answer"]) == (
        "contact_erased",
        "The message was left out, because the contact was erased.",
    )
    assert "tag" not in part(found, "in_audience")["facts"]


async def test_a_step_after_a_click_names_the_click(api: Caller, made: Rows) -> None:
    sequence, contact = await made.sequence(), await made.contact()
    enrollment = await made.enrollment(sequence, contact)
    first = await made.message(await made.content_of_step(sequence, "hello"), contact, enrollment=enrollment)
    click = await made.click(first, at=minutes(1))
    await made.step_run(enrollment, 1, "hello", "sent", "wait")
    await made.step_run(enrollment, 2, "wait", "clicked", "thanks")
    await made.step_run(enrollment, 3, "thanks")
    await made.event(enrollment, EventKind.STEP_LEFT, 2, "wait", minutes(2), outcome="clicked", to="thanks")
    thanks = await made.content_of_step(sequence, "thanks")
    second = await made.message(thanks, contact, enrollment=enrollment, step_run=3)
    reached = part(await why(api, second.id), "step_reached")
    assert reached["facts"]["click_id"] == str(click)
    assert reached["answer"] == "The step 'thanks' came after 'wait', where the contact clicked 'offer'."


async def test_an_enrollment_by_a_trigger_tells_of_the_trigger_first(api: Caller, made: Rows) -> None:
    contact, campaign, sequence = await made.contact(), await made.campaign(), await made.sequence()
    action = {"kind": "enroll", "sequence_id": str(sequence.id)}
    await made.trigger([campaign.content_id], [action], campaign_id=campaign.id)
    click = await made.click(await made.message(campaign.content_id, contact), at=minutes(1))
    async with made.database.transaction() as session:
        firing = await session.scalar(select(col(Firing.id)))
    cause: dict[str, Any] = {"cause": CauseKind.TRIGGER, "cause_id": firing, "cause_number": 0, "campaign_id": campaign.id}
    enrollment = await made.enrollment(sequence, contact, **cause)
    message = await made.message(await made.content_of_step(sequence, "hello"), contact, enrollment=enrollment)
    found = await why(api, message.id)
    assert [each["rule"] for each in found["chain"][:3]] == ["trigger_fired", "enrolled", "step_reached"]
    fired = part(found, "trigger_fired")["facts"]
    assert (fired["click_id"], fired["verdict"]) == (str(click), "human")
    assert part(found, "enrolled")["answer"].endswith("by a trigger.")

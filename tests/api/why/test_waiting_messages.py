"""Why a message waits, was given up, or came after a click."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from models.base import now
from models.campaigns.campaign import CampaignState
from models.channels.channel import Channel, channels_by_name
from models.channels.slow_domain import slow_down
from models.inbound.inbound_message import InboundMeaning, InboundMessage
from models.messages import ledger
from models.sequences.enrollment import CauseKind
from models.sequences.event import EventKind
from models.triggers.firing import Firing
from services.channels.base import ChannelError
from tests.builders import Caller
from tests.rows import Rows, minutes
from tests.sending import Provider, Sending

Why = dict[str, Any]


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
    assert (fired["click_id"], fired["verdict"], "known_then" in fired) == (str(click), "human", False)
    assert (await api.post(f"/clicks/{click}/verdict", json={"verdict": "bot"})).status_code == 200
    fired = part(await why(api, message.id), "trigger_fired")["facts"]
    assert (fired["verdict"], fired["known_then"]) == ("bot", False), "the verdict is that of now"
    assert part(found, "enrolled")["answer"].endswith("by a trigger.")

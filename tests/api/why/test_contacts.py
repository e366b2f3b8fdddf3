"""Why one person did not get a message: the first rule that stopped it, or the message that the person did get."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from models.base import now
from models.campaigns.campaign import Campaign, CampaignState
from models.channels.channel import channels_by_name
from models.channels.pause import pause
from models.consent.consent import Consent, ConsentSource, ConsentState
from models.contacts.contact import Contact
from models.organizations.organization import Organization
from models.segments.segment import Segment
from models.sequences.enroll import Cause
from models.sequences.enrollment import CauseKind, EnrollmentState
from models.sequences.event import EventKind
from models.triggers.firing import ActionOutcome, Firing, FiringAction, TriggerRefusal
from services.consent.opt_out import OPTED_OUT
from services.inbound.receive import REPLIED
from tests.builders import Caller
from tests.enrolling import enroll_in
from tests.plans import scans_without_index, statements
from tests.rows import Rows, minutes
from tests.sending import Provider, Sending
from tests.triggered import Triggered

Why = dict[str, Any]


async def why(api: Caller, contact: Contact, **params: Any) -> Why:
    answer = await api.get(f"/contacts/{contact.id}/why", params={name: str(value) for name, value in params.items()})
    assert answer.status_code == 200, answer.text
    found: Why = answer.json()
    return found


async def launched(sending: Sending, state: CampaignState = CampaignState.SENDING, **audience: Any) -> Campaign:
    campaign = await sending.campaign(audience=audience or None)
    await sending.change(campaign, state=state)
    return campaign


@pytest.mark.parametrize(
    ("names", "fields"),
    [
        ((), {"campaign_id", "sequence_id", "trigger_id"}),
        (("campaign_id", "trigger_id"), {"campaign_id", "trigger_id"}),
        (("campaign_id", "step"), {"step"}),
        (("step",), {"campaign_id", "sequence_id", "trigger_id"}),
    ],
)
async def test_exactly_one_thing_is_asked_about(api: Caller, made: Rows, names: tuple[str, ...], fields: set[str]) -> None:
    contact = await made.contact()
    answer = await api.get(f"/contacts/{contact.id}/why", params={name: str(uuid4()) for name in names})
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == fields


@pytest.mark.parametrize("name", ["campaign_id", "sequence_id", "trigger_id"])
async def test_what_is_somebody_elses_is_not_found(api: Caller, stranger: Caller, made: Rows, name: str) -> None:
    contact = await made.contact()
    answer = await api.get(f"/contacts/{contact.id}/why", params={name: str(uuid4())})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (404, name)
    assert (await stranger.get(f"/contacts/{contact.id}/why", params={name: str(uuid4())})).status_code == 404


async def test_a_step_that_no_version_has_is_not_found(api: Caller, made: Rows) -> None:
    contact, sequence = await made.contact(), await made.sequence()
    params = {"sequence_id": str(sequence.id), "step": "nothing"}
    answer = await api.get(f"/contacts/{contact.id}/why", params=params)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (404, "step")


async def test_somebody_who_got_it_is_told_which_message(api: Caller, sending: Sending) -> None:
    (contact,) = await sending.contacts()
    campaign = await launched(sending)
    await sending.send_page(campaign)
    found = await why(api, contact, campaign_id=campaign.id)
    message = await sending.message()
    assert (found["rule"], found["facts"]["message_id"]) == ("received", str(message.id))
    assert str(message.id) in found["answer"]


async def test_somebody_who_was_left_out_gets_the_reason_of_the_message(api: Caller, sending: Sending) -> None:
    (contact,) = await sending.contacts()
    await sending.save(
        Consent(org_id=sending.org_id, contact_id=contact.id, state=ConsentState.OPTED_OUT, source=ConsentSource.API)
    )
    campaign = await launched(sending)
    await sending.send_page(campaign)
    found = await why(api, contact, campaign_id=campaign.id)
    assert (found["rule"], found["answer"]) == (
        "opted_out",
        "The message was left out, because the contact has opted out.",
    )


async def test_a_draft_has_no_messages(api: Caller, made: Rows) -> None:
    contact, campaign = await made.contact(), await made.campaign(state=CampaignState.DRAFT)
    assert (await why(api, contact, campaign_id=campaign.id))["rule"] == "not_launched"


async def test_a_contact_that_was_made_later_is_no_recipient(api: Caller, sending: Sending) -> None:
    campaign = await launched(sending)
    (contact,) = await sending.contacts()
    assert (await why(api, contact, campaign_id=campaign.id))["rule"] == "created_after_launch"


async def test_a_contact_without_the_tags_is_no_recipient(api: Caller, sending: Sending) -> None:
    (contact,) = await sending.contacts(tags=["other"])
    found = await why(api, contact, campaign_id=(await launched(sending)).id)
    assert (found["rule"], found["facts"]["part"], found["facts"]["value"]) == ("not_in_audience", "tags", ["other"])
    assert found["answer"] == "The contact has none of the campaign's tags: it has the tag 'other'."


async def test_an_excluded_tag_goes_before_a_wanted_one(api: Caller, sending: Sending) -> None:
    (contact,) = await sending.contacts(tags=["all", "vip"])
    campaign = await launched(sending, tags=["all"], exclude_tags=["vip"])
    found = await why(api, contact, campaign_id=campaign.id)
    assert (found["rule"], found["answer"]) == ("excluded", "The campaign excludes the tag 'vip', which the contact has.")


async def segment(sending: Sending, definition: dict[str, Any]) -> Segment:
    row = Segment(org_id=sending.org_id, name="Buyers", definition=definition)
    await sending.save(row)
    return row


async def test_the_condition_of_a_segment_that_does_not_hold_is_named_with_the_value(api: Caller, sending: Sending) -> None:
    (contact,) = await sending.contacts(tags=["vip"], properties={"plan": "free"})
    plan = {"kind": "property", "name": "plan", "equals": "paid"}
    buyers = await segment(sending, {"all": [{"kind": "tags", "tags": ["vip"]}, {"any": [plan, {"not": plan}]}, plan]})
    campaign = await launched(sending, tags=[], contact_ids=[], segment_ids=[str(buyers.id)])
    found = await why(api, contact, campaign_id=campaign.id)
    assert found["rule"] == "not_in_audience"
    facts = found["facts"]
    assert (facts["path"], facts["condition"], facts["value"]) == ("all[2]", plan, "free")
    fits_not = "The contact does not fit the segment 'Buyers' of the campaign"
    assert found["answer"] == f"{fits_not}, because this does not hold: the property 'plan' is 'paid'. It is 'free'."


async def test_a_condition_about_a_campaign_names_it_and_says_when_it_must_not_hold(api: Caller, sending: Sending) -> None:
    (contact,) = await sending.contacts()
    spring = await sending.campaign()
    received = {"kind": "received", "campaign_id": str(spring.id)}
    buyers = [await segment(sending, each) for each in (received, {"not": {"kind": "has_phone"}})]
    answers = []
    for row in buyers:
        campaign = await launched(sending, tags=[], contact_ids=[], segment_ids=[str(row.id)])
        answers.append((await why(api, contact, campaign_id=campaign.id))["answer"])
    fits_not = "The contact does not fit the segment 'Buyers' of the campaign, because"
    assert answers == [
        f"{fits_not} this does not hold: the contact has got a message of the campaign 'Campaign'.",
        f"{fits_not} this holds and must not: the contact has a phone number.",
    ]


async def test_an_excluded_segment_is_named(api: Caller, sending: Sending) -> None:
    (contact,) = await sending.contacts()
    buyers = await segment(sending, {"kind": "field", "name": "first_name", "equals": "Ada"})
    campaign = await launched(sending, tags=["all"], exclude_segment_ids=[str(buyers.id)])
    found = await why(api, contact, campaign_id=campaign.id)
    assert (found["rule"], found["facts"]["segment"], found["facts"]["value"]) == ("excluded", "Buyers", "Ada")


async def test_an_erased_contact_is_said_to_be_erased_before_anything_else(api: Caller, sending: Sending) -> None:
    (contact,) = await sending.contacts(tags=[])
    campaign = await launched(sending)
    assert (await api.post(f"/contacts/{contact.id}/erase")).status_code == 200
    assert (await why(api, contact, campaign_id=campaign.id))["rule"] == "contact_erased"


@pytest.mark.parametrize(
    ("state", "rule"), [(CampaignState.COMPLETED, "came_to_fit_later"), (CampaignState.STOPPED, "campaign_over")]
)
async def test_a_campaign_that_is_over_says_how(api: Caller, sending: Sending, state: CampaignState, rule: str) -> None:
    (contact,) = await sending.contacts()
    assert (await why(api, contact, campaign_id=(await launched(sending, state)).id))["rule"] == rule


async def test_a_campaign_that_has_not_come_to_a_contact_says_so(api: Caller, sending: Sending) -> None:
    (contact,) = await sending.contacts()
    found = await why(api, contact, campaign_id=(await launched(sending)).id)
    assert (found["rule"], found["answer"]) == (
        "not_reached_yet",
        "No message has gone out yet, because its turn has not come.",
    )


async def test_a_paused_channel_stops_those_to_whom_nobody_has_come(api: Caller, sending: Sending) -> None:
    (contact,) = await sending.contacts()
    campaign = await launched(sending)
    async with sending.database.transaction() as session:
        channel = (await channels_by_name(session, sending.org_id))["simulator-sms"]
        await pause(session, channel.id, "The password is wrong.", now())
    await sending.send_page(campaign)
    found = await why(api, contact, campaign_id=campaign.id)
    assert (found["rule"], found["facts"]["waits"]) == ("channel_paused", True)


async def test_the_limit_of_a_day_stops_those_to_whom_nobody_has_come(
    api: Caller, sending: Sending, organization: tuple[Organization, str]
) -> None:
    await sending.change(organization[0], limits={"messages_per_contact_and_day": 1})
    (contact,) = await sending.contacts()
    await sending.send_page(await launched(sending))
    found = await why(api, contact, campaign_id=(await launched(sending)).id)
    assert (found["rule"], found["facts"]["messages_of_day"], found["facts"]["budget"]) == ("too_many_messages", 1, 1)


async def test_nobody_has_enrolled_the_contact(api: Caller, made: Rows) -> None:
    contact, sequence = await made.contact(), await made.sequence()
    found = await why(api, contact, sequence_id=sequence.id)
    assert (found["rule"], found["answer"]) == ("never_enrolled", "Nobody has enrolled the contact in 'Welcome'.")


async def test_a_sequence_that_is_not_published_enrolls_nobody(api: Caller, made: Rows) -> None:
    contact, sequence = await made.contact(), await made.sequence(publish=False)
    assert (await why(api, contact, sequence_id=sequence.id))["rule"] == "sequence_not_published"


async def test_a_trigger_that_might_not_enroll_is_named_with_its_reason(api: Caller, made: Rows) -> None:
    contact, sequence, campaign = await made.contact(), await made.sequence(), await made.campaign()
    action = {"kind": "enroll", "sequence_id": str(sequence.id)}
    trigger = await made.trigger([campaign.content_id], [action], campaign_id=campaign.id)
    async with made.database.transaction() as session:
        firing = Firing(
            org_id=made.org_id,
            trigger_id=trigger.id,
            contact_id=contact.id,
            occurrence=1,
            message_id=uuid4(),
            fired_at=now(),
        )
        session.add(firing)
        await session.flush()
        detail = {"sequence_id": str(sequence.id), "result": "too_often"}
        outcome: dict[str, Any] = {"kind": "enroll", "outcome": ActionOutcome.SKIPPED, "detail": detail}
        session.add(FiringAction(firing_id=firing.id, position=0, trigger_id=trigger.id, **outcome))
    found = await why(api, contact, sequence_id=sequence.id)
    assert (found["rule"], found["facts"]["outcome"]) == ("not_enrolled", "too_often")
    assert found["answer"] == (
        "The trigger 'hot' did not enroll the contact in 'Welcome': the contact has entered it as often as it may in this period."
    )


async def test_a_step_that_might_not_enroll_is_named_too(api: Caller, made: Rows) -> None:
    contact, demo = await made.contact(), await made.sequence(name="Demo call")
    sequence = await made.sequence([{"kind": "enroll", "key": "demo", "sequence_id": str(demo.id)}])
    enrollment = await made.enrollment(sequence, contact)
    await made.event(enrollment, EventKind.STEP_LEFT, 1, "demo", outcome="not_enrolled: entered_before", to=None)
    found = await why(api, contact, sequence_id=demo.id)
    assert (found["rule"], found["facts"]["step_key"], found["facts"]["outcome"]) == ("not_enrolled", "demo", "entered_before")


async def refused(made: Rows, contact: Contact, reason: str, **fields: Any) -> UUID:
    """A trigger that the contact's click did not fire."""
    campaign = await made.campaign()
    message = await made.message(campaign.content_id, contact)
    trigger = await made.trigger([campaign.content_id], campaign_id=campaign.id, within=timedelta(days=3), **fields)
    about: dict[str, Any] = {"reason": reason, "org_id": made.org_id, "message_id": message.id, "at": minutes(1)}
    async with made.database.transaction() as session:
        session.add(TriggerRefusal(trigger_id=trigger.id, contact_id=contact.id, **about))
    return trigger.id


async def test_a_trigger_that_was_refused_before_it_could_enroll_is_named(api: Caller, made: Rows) -> None:
    contact, sequence = await made.contact(), await made.sequence()
    await refused(made, contact, "too_late", actions=[{"kind": "enroll", "sequence_id": str(sequence.id)}])
    assert (await why(api, contact, sequence_id=sequence.id))["rule"] == "trigger_too_late"


async def test_a_contact_that_waits_in_another_step_is_told_until_when(api: Caller, made: Rows) -> None:
    contact, sequence = await made.contact(), await made.sequence()
    enrollment = await made.enrollment(sequence, contact, step_key="wait", step_run=2, due_at=minutes(60))
    found = await why(api, contact, sequence_id=sequence.id, step="thanks")
    assert (found["rule"], found["facts"]["step_key"]) == ("still_waiting", "wait")
    assert found["answer"] == ("The contact is still in 'Welcome' and waits in the step 'wait' until 2026-11-03 13:00 UTC.")
    assert found["rows"] == [{"table": "enrollment", "id": str(enrollment.id)}]


async def test_an_enrollment_that_has_not_begun_says_so(api: Caller, made: Rows) -> None:
    contact, sequence = await made.contact(), await made.sequence()
    await made.enrollment(sequence, contact, EnrollmentState.QUEUED)
    assert (await why(api, contact, sequence_id=sequence.id))["rule"] == "not_started"


async def test_a_contact_that_stands_at_a_message_is_asked_about_at_the_gate(api: Caller, made: Rows) -> None:
    contact, sequence = await made.contact(phone="+4915112345678"), await made.sequence()
    await made.enrollment(sequence, contact, step_key="hello", step_run=1)
    assert (await why(api, contact, sequence_id=sequence.id))["rule"] == "not_reached_yet"
    async with made.database.transaction() as session:
        session.add(Consent(org_id=made.org_id, contact_id=contact.id, state=ConsentState.OPTED_OUT, source=ConsentSource.API))
    found = await why(api, contact, sequence_id=sequence.id)
    assert (found["rule"], found["rows"][1]["table"]) == ("opted_out", "consent")


@pytest.mark.parametrize(
    ("state", "outcome", "rule"),
    [
        (EnrollmentState.STOPPED, OPTED_OUT, "left_opted_out"),
        (EnrollmentState.STOPPED, REPLIED, "left_replied"),
        (EnrollmentState.STOPPED, "by hand", "left_stopped"),
        (EnrollmentState.FAILED, "gave up", "left_failed"),
    ],
)
async def test_a_contact_that_has_left_is_told_how(
    api: Caller, made: Rows, state: EnrollmentState, outcome: str, rule: str
) -> None:
    contact, sequence = await made.contact(), await made.sequence()
    enrollment = await made.enrollment(sequence, contact, state, outcome=outcome, finished_at=minutes(9))
    await made.step_run(enrollment, 1, "wait", "timed_out", "bye")
    await made.event(enrollment, EventKind.ENDED, 2, at=minutes(9), outcome=outcome)
    found = await why(api, contact, sequence_id=sequence.id, step="thanks")
    assert (found["rule"], found["facts"]["from_step"], found["at"]) == (rule, "wait", "2026-11-03T12:09:00Z")
    assert found["answer"].startswith("The contact left 'Welcome' before it after the step 'wait'")


async def test_a_stop_that_somebody_asked_for_goes_before_the_wait(api: Caller, made: Rows) -> None:
    contact, sequence = await made.contact(), await made.sequence()
    await made.enrollment(sequence, contact, step_key="wait", stop_requested_at=minutes(1), stop_reason="by hand")
    assert (await why(api, contact, sequence_id=sequence.id))["rule"] == "stopped"


async def test_the_message_of_a_step_is_found(api: Caller, sending: Sending, provider: Provider) -> None:
    (contact,) = await sending.contacts()
    enrollment = await sending.enrollment(contact)
    await sending.send_step(enrollment)
    for step in ({}, {"step": "hello"}):
        assert (await why(api, contact, sequence_id=enrollment.sequence_id, **step))["rule"] == "received"


async def test_a_refused_trigger_answers_as_the_conversation_does(api: Caller, made: Rows) -> None:
    contact = await made.contact()
    trigger_id = await refused(made, contact, "too_late")
    found = await why(api, contact, trigger_id=trigger_id)
    assert (found["rule"], found["facts"]["trigger_key"]) == ("trigger_too_late", "hot")
    assert found["answer"].endswith("but the trigger 'hot' did nothing: the click came after its window of 3 days.")


async def test_a_trigger_that_nothing_came_to_answers_as_the_diagnostics_do(api: Caller, made: Rows) -> None:
    contact, campaign = await made.contact(), await made.campaign()
    trigger = await made.trigger([campaign.content_id], campaign_id=campaign.id)
    first = await why(api, contact, trigger_id=trigger.id)
    await made.message(campaign.content_id, contact)
    second = await why(api, contact, trigger_id=trigger.id)
    assert (first["rule"], second["rule"]) == ("trigger_nothing_sent", "no_trigger_click")
    assert first["answer"] == "The trigger 'hot' listens to a message that was never sent to the contact."
    answer = await api.get(f"/campaigns/{campaign.id}/diagnostics", params={"contact_id": str(contact.id)})
    assert second["answer"] in [each["sentence"] for each in answer.json()["findings"]]


async def test_a_trigger_that_fired_tells_of_its_message_or_its_actions(
    api: Caller, sending: Sending, made: Rows, provider: Provider
) -> None:
    (contact,) = await sending.contacts()
    triggered = Triggered(sending, provider)
    fired = await triggered.trigger()
    await triggered.fire(fired, contact)
    assert (await why(api, contact, trigger_id=fired[1].id))["rule"] == "trigger_fired"
    await triggered.send()
    assert (await why(api, contact, trigger_id=fired[1].id))["rule"] == "received"


async def test_every_look_at_a_contact_is_by_an_index(api: Caller, made: Rows) -> None:
    contact, sequence = await made.contact(), await made.sequence()
    campaign, other = await made.campaign(), await made.sequence(name="Other")
    trigger_id = await refused(made, contact, "too_late")
    async with made.database.transaction() as session:
        await enroll_in(session, made.org_id, sequence.id, [contact.id], Cause(CauseKind.STEP, uuid4(), 1))
    with statements(made.database) as sent:
        await why(api, contact, campaign_id=campaign.id)
        await why(api, contact, sequence_id=sequence.id, step="hello")
        await why(api, contact, sequence_id=other.id)
        await why(api, contact, trigger_id=trigger_id)
    assert await scans_without_index(made.database, sent) == []

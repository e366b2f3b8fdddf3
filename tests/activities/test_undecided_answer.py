"""An answer that looks like a refusal: campaigns, enrollments and triggers wait until somebody decides, then go on at once."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from models.base import now
from models.channels.channel import channels_by_name
from models.commands.command import Command
from models.contacts.contact import Contact
from models.inbound.inbound_message import Decision, InboundMeaning, InboundMessage
from models.organizations.organization import OptOutScope
from models.wire.enrollments import Later
from services.gate import ANSWER_UNDECIDED
from services.inbound.decide import Decided, decide
from tests.sending import Provider, Sending
from tests.triggered import Triggered


async def answered(sending: Sending, contact: Contact, ago: timedelta = timedelta(0)) -> UUID:
    """The contact has written something that looks like a refusal. Returns its id."""
    async with sending.database.transaction() as session:
        channel = (await channels_by_name(session, sending.org_id))["simulator-sms"]
    row = InboundMessage(
        org_id=sending.org_id,
        channel_id=channel.id,
        contact_id=contact.id,
        from_address=contact.phone,
        body="please stop texting me",
        provider_id="SM1",
        meaning=InboundMeaning.PERHAPS_REFUSAL,
        received_at=now() - ago,
    )
    answer = row.id
    await sending.save(row)
    return answer


async def decided(sending: Sending, answer: UUID, decision: Decision = Decision.NO_REFUSAL) -> Decided:
    async with sending.database.transaction() as session:
        return await decide(session, sending.organization, answer, decision, None)


async def commands(sending: Sending) -> list[Any]:
    async with sending.database.transaction() as session:
        return [(each.id, each.kind, each.enrollment_id) for each in await session.scalars(select(Command))]


async def test_an_enrollment_waits_for_the_decision_and_is_told_of_it(sending: Sending, provider: Provider) -> None:
    person, other = await sending.contacts(2)
    enrollment = await sending.enrollment(person)
    await sending.enrollment(other)
    answer = await answered(sending, person)
    rest = (await sending.turn(enrollment)).rest
    assert isinstance(rest, Later)
    assert (rest.why, provider.taken) == (ANSWER_UNDECIDED, [])
    told = await decided(sending, answer)
    assert await commands(sending) == [(told.command_ids[0], "look_again", enrollment.id)]
    await sending.turn(enrollment)
    assert len(provider.taken) == 1


async def test_whoever_decides_once_more_tells_nobody_again(sending: Sending) -> None:
    (person,) = await sending.contacts()
    await sending.enrollment(person)
    answer = await answered(sending, person)
    await decided(sending, answer)
    assert (await decided(sending, answer))[1:] == ([], [], False)
    assert len(await commands(sending)) == 1


async def test_what_a_refusal_covers_is_stopped_and_what_it_does_not_cover_is_told(sending: Sending) -> None:
    (person,) = await sending.contacts(email="ada@example.com")
    by_sms, by_email = await sending.enrollment(person), await sending.enrollment(person)
    await sending.change(sending.organization, opt_out_scope=OptOutScope.MEDIUM)
    async with sending.database.transaction() as session:
        email = (await channels_by_name(session, sending.org_id))["simulator-email"]
        to_email = "UPDATE content SET channel_id = :email WHERE sequence_id = :sequence"
        await session.execute(text(to_email), {"email": email.id, "sequence": by_email.sequence_id})
    told = await decided(sending, await answered(sending, person), Decision.REFUSAL)
    found = await commands(sending)
    assert {each[1:] for each in found} == {("stop", by_sms.id), ("look_again", by_email.id)}
    assert {each[0] for each in found} == set(told.command_ids)


@pytest.mark.parametrize(("ago", "least"), [(0, 1), (40, 10), (100_000, 60)])
async def test_the_longer_nobody_decides_the_later_it_is_looked_at_again(sending: Sending, ago: int, least: int) -> None:
    (person,) = await sending.contacts()
    enrollment = await sending.enrollment(person)
    await answered(sending, person, ago=timedelta(minutes=ago))
    before = now()
    rest = (await sending.turn(enrollment)).rest
    assert isinstance(rest, Later)
    assert timedelta(minutes=least) <= rest.at - before < timedelta(minutes=least + 1)


async def test_a_campaign_that_still_has_a_message_for_the_person_is_woken(sending: Sending, provider: Provider) -> None:
    person, _ = await sending.contacts(2)
    campaign = await sending.campaign()
    answer = await answered(sending, person)
    page = await sending.send_page(campaign)
    assert (page.accepted, page.refused) == (1, 1)
    assert (await decided(sending, answer)).campaign_ids == [campaign.id]
    assert (await sending.send_page(campaign, again=True)).accepted == 2
    assert len(provider.taken) == 2


async def test_a_message_of_a_trigger_is_due_when_somebody_has_decided(sending: Sending, provider: Provider) -> None:
    triggered = Triggered(sending, provider)
    fired = await triggered.trigger()
    (person,) = await sending.contacts()
    await triggered.fire(fired, person)
    answer = await answered(sending, person, ago=timedelta(hours=1))
    await triggered.send()
    await triggered.send()
    assert provider.taken == []
    await decided(sending, answer)
    await triggered.send()
    assert len(provider.taken) == 1

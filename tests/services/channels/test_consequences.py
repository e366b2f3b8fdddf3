"""What follows from a refusal for others: each kind of fault, sent as a campaign's page and as one person's step."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from activities.delivery import Delivery
from models.base import now
from models.channels.channel import Channel
from models.channels.slow_domain import FIRST_SLOW
from models.consent.consent import Consent
from models.consent.suppression import Suppression
from models.database import Database
from models.messages.message import MessageState
from models.sequences.enrollment import Enrollment
from models.wire.enrollments import Later
from services.channels.base import ChannelError, Fault
from services.channels.consequences import Consequences
from services.channels.failure_watch import UNREACHABLE, FailureWatch, Threshold
from services.channels.pause import resume_channel
from tests.sending import Always, Provider, Sending, deliver_by

AWAY = ChannelError("The host could not be reached.", permanent=False, unreachable=True)
SLOW = ChannelError("421 4.7.0 too fast", permanent=False, fault=Fault.DOMAIN, code="4.7.0")


async def channel(sending: Sending, medium: str = "sms") -> Channel:
    async with sending.database.transaction() as session:
        found = select(Channel).where(col(Channel.name) == f"simulator-{medium}", col(Channel.org_id) == sending.org_id)
        return (await session.scalars(found)).one()


async def resume(database: Database) -> None:
    async with database.transaction() as session:
        for each in (await session.scalars(select(Channel).where(col(Channel.paused_at).is_not(None)))).all():
            await resume_channel(session, each)


async def quick(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("UPDATE channel_pace SET slow_until = now() - interval '1 second'"))


async def test_an_address_that_never_gets_anything_is_suppressed_for_every_later_message(
    sending: Sending, provider: Provider
) -> None:
    (contact,) = await sending.contacts()
    phone = contact.phone or ""
    provider.before[phone] = ChannelError("not a phone number", permanent=True, fault=Fault.ADDRESS, code="21211")
    sent = await sending.send_step(await sending.enrollment(contact))
    assert (sent.state, sent.reason) == ("failed", "not a phone number")
    async with sending.database.transaction() as session:
        row = (await session.scalars(select(Suppression))).one()
    assert (row.medium, row.address, row.reason, row.detail) == ("sms", phone, "provider", "21211")
    provider.before.clear()
    again = await sending.send_step(await sending.enrollment(contact))
    assert (again.state, again.reason) == ("skipped", "suppressed: provider")


async def test_whoever_opted_out_at_the_provider_has_opted_out_here(sending: Sending, provider: Provider) -> None:
    one, _other = await sending.contacts(2)
    running = await sending.enrollment(one)
    provider.before[one.phone or ""] = ChannelError("opted out", permanent=True, fault=Fault.OPTED_OUT, code="21610")
    page = await sending.send_page(await sending.campaign())
    assert (page.accepted, page.failed) == (1, 1)
    async with sending.database.transaction() as session:
        row = (await session.scalars(select(Consent))).one()
        enrollment = await session.get_one(Enrollment, running.id)
    assert (row.contact_id, row.state, row.source) == (one.id, "opted_out", "provider")
    assert row.proof["code"] == "21610"
    assert enrollment.stop_requested_at is not None
    provider.before.clear()
    page = await sending.send_page(await sending.campaign())
    assert (page.accepted, page.skipped, provider.times()[one.phone or ""]) == (1, 1, 0)


@pytest.mark.parametrize("permanent", [True, False])
async def test_what_is_ours_to_correct_pauses_the_channel_and_costs_no_message_its_day(
    sending: Sending, provider: Provider, permanent: bool
) -> None:
    contacts = await sending.contacts(3)
    wrong = ChannelError("535 wrong password: set the channel's password", permanent=permanent, fault=Fault.CHANNEL)
    provider.before = {each.phone or "": wrong for each in contacts}
    campaign = await sending.campaign()
    page = await sending.send_page(campaign)
    assert (page.refused, page.failed, page.accepted) == (0, 0, 0)
    assert {(each.state, each.refused_at) for each in await sending.messages()} == {("planned", None)}
    paused = await channel(sending)
    assert paused.paused_at is not None
    assert paused.pause_reason == "535 wrong password: set the channel's password"
    provider.before.clear()
    await resume(sending.database)
    page = await sending.send_page(campaign)
    assert (page.accepted, sum(provider.times().values())) == (3, 3)


async def test_a_step_of_a_channel_that_paused_waits_and_is_sent_once_it_is_resumed(sending: Sending, provider: Provider) -> None:
    (contact,) = await sending.contacts()
    enrollment = await sending.enrollment(contact)
    provider.before[contact.phone or ""] = ChannelError("no such host", permanent=False, fault=Fault.CHANNEL)
    assert isinstance((await sending.send_step(enrollment)).rest, Later)
    provider.before.clear()
    assert isinstance((await sending.send_step(enrollment)).rest, Later)
    assert provider.taken == []
    await resume(sending.database)
    assert (await sending.send_step(enrollment)).state == "accepted"


POLICY = ChannelError("550 5.7.1 not wanted", permanent=True, fault=Fault.POLICY, code="5.7.1")


async def test_one_strict_domain_fails_its_messages_and_stops_nobody_else(sending: Sending, provider: Provider) -> None:
    strict = [(await sending.contacts(1, email=f"{name}@strict.example"))[0].email or "" for name in ("ada", "bob", "eve", "joe")]
    await sending.contacts(1, email="ann@kind.example")
    provider.before = dict.fromkeys(strict, POLICY)
    page = await sending.send_page(await sending.campaign(medium="email"))
    assert (page.failed, page.accepted) == (4, 1)
    assert (await channel(sending, "email")).paused_at is None


async def test_a_channel_that_three_domains_refuse_by_policy_pauses_and_the_third_message_waits(
    sending: Sending, provider: Provider
) -> None:
    (one,) = await sending.contacts(1, email="ada@one.example")
    (two,) = await sending.contacts(1, email="ada@two.example")
    provider.before = dict.fromkeys([one.email or "", two.email or ""], POLICY)
    assert (await sending.send_page(await sending.campaign(medium="email"))).failed == 2
    async with sending.database.transaction() as session:  # what is older than an hour does not count
        await session.execute(
            text("UPDATE policy_refusal SET refused_at = now() - interval '61 minutes' WHERE recipient = 'one.example'")
        )
    provider.before = {"ada@three.example": POLICY}
    await sending.contacts(1, email="ada@three.example")
    assert (await sending.send_page(await sending.campaign(medium="email"))).failed == 1
    provider.before = {"ada@four.example": POLICY}
    await sending.contacts(1, email="ada@four.example")
    page = await sending.send_page(await sending.campaign(medium="email"))
    assert page.failed == 0
    paused = await channel(sending, "email")
    assert paused.pause_reason == "550 5.7.1 not wanted"
    assert {each.to_address: each.state for each in await sending.messages()}["ada@four.example"] == "planned"
    async with sending.database.transaction() as session:  # a channel that is resumed begins again
        assert await session.scalar(text("SELECT count(*) FROM policy_refusal")) == 0


async def test_phone_numbers_that_refuse_by_policy_are_counted_and_not_stored(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(2)
    provider.before = {each.phone or "": POLICY for each in contacts}
    assert (await sending.send_page(await sending.campaign())).failed == 2
    async with sending.database.transaction() as session:
        stored = set(await session.scalars(text("SELECT recipient FROM policy_refusal")))
    assert len(stored) == 2
    assert not any((each.phone or "?") in stored for each in contacts)


async def test_a_domain_that_asks_to_slow_down_waits_alone(sending: Sending, provider: Provider) -> None:
    slow = await sending.contacts(1, email="ada@slow.example")
    slow += await sending.contacts(1, email="bob@slow.example")
    other = await sending.contacts(1, email="eve@fast.example")
    provider.before["ada@slow.example"] = SLOW
    campaign = await sending.campaign(medium="email")
    page = await sending.send_page(campaign)
    assert (page.accepted, page.refused, page.last) == (2, 1, True)
    provider.before.clear()
    page = await sending.send_page(campaign, again=True)
    assert (page.refused, page.later_at) == (1, None)
    later = await sending.send_page(await sending.campaign(medium="email"))
    assert (later.accepted, later.refused) == (1, 2)
    await quick(sending.database)
    page = await sending.send_page(campaign, again=True)
    assert (page.accepted, page.refused) == (3, 0)
    assert provider.times()[other[0].email or ""] == 2


async def test_a_domain_that_asks_again_is_left_alone_for_longer(sending: Sending, provider: Provider) -> None:
    await sending.contacts(email="ada@slow.example")
    provider.before["ada@slow.example"] = SLOW
    campaign = await sending.campaign(medium="email")
    waits: list[timedelta] = []
    for _ in range(3):
        await sending.send_page(campaign, again=bool(waits), insist=True)
        async with sending.database.transaction() as session:
            waits.append(await session.scalar(text("SELECT slow_until - now() FROM channel_pace")))
        await quick(sending.database)
    assert [round(each / FIRST_SLOW) for each in waits] == [1, 2, 4]


async def test_a_channel_whose_messages_fail_pauses_itself_and_says_why(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(30)
    deliver = deliver_by(Always(provider), sending.database, Threshold(share=50, results=10, window=timedelta(minutes=10)))
    sending.pages._delivery = deliver
    filtered = ChannelError("30007 filtered", permanent=True)
    provider.before = {each.phone or "": filtered for each in contacts}
    await sending.send_page(await sending.campaign())
    paused = await channel(sending)
    assert paused.paused_at is not None
    assert paused.pause_reason == (
        "10 of the last 10 messages have failed. The latest reason: 30007 filtered. "
        "Correct what is wrong, and resume the channel."
    )


async def test_silence_counts_as_a_failure_and_the_messages_stay_unknown(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(5)
    deliver = deliver_by(Always(provider), sending.database, Threshold(share=100, results=5, window=timedelta(minutes=10)))
    sending.pages._delivery = deliver
    provider.before = {each.phone or "": ConnectionResetError("reset") for each in contacts}
    with pytest.raises(ConnectionResetError):
        await sending.send_page(await sending.campaign())
    assert (await channel(sending)).paused_at is not None
    assert {each.state for each in await sending.messages()} == {MessageState.SENDING}


async def test_a_message_for_which_trying_again_helps_is_no_failure(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(10)
    sending.pages._delivery = deliver_by(Always(provider), sending.database, Threshold(1, 5, timedelta(minutes=10)))
    provider.before = {each.phone or "": ChannelError("busy", permanent=False) for each in contacts}
    before = now()
    await sending.send_page(await sending.campaign())
    assert (await channel(sending)).paused_at is None
    assert all(each.refused_at and each.refused_at >= before for each in await sending.messages())


async def test_what_failed_before_the_channel_was_resumed_does_not_pause_it_again(sending: Sending, provider: Provider) -> None:
    contacts = await sending.contacts(5)
    deliver = deliver_by(Always(provider), sending.database, Threshold(share=100, results=5, window=timedelta(minutes=10)))
    sending.pages._delivery = deliver
    provider.before = {each.phone or "": ChannelError("30007 filtered", permanent=True) for each in contacts}
    assert (await sending.send_page(await sending.campaign())).failed == 5
    assert (await channel(sending)).paused_at is not None
    await resume(sending.database)
    provider.before = dict(list(provider.before.items())[:4])
    page = await sending.send_page(await sending.campaign())
    assert (page.failed, page.accepted, (await channel(sending)).paused_at) == (4, 1, None)


class Hours:
    """Time that a test lets pass."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return now() + self.ahead


async def test_a_provider_that_stays_out_of_reach_pauses_the_channel_with_the_reason_and_nothing_is_lost(
    sending: Sending, provider: Provider
) -> None:
    (contact,) = await sending.contacts()
    campaign, time = await sending.campaign(), Hours()
    sending.pages._delivery = Delivery(Always(provider), Consequences(sending.database, FailureWatch(Threshold(), time)))
    provider.before[contact.phone or ""] = AWAY
    for minutes in (0, 2, 4):
        time.ahead = timedelta(minutes=minutes)
        assert (await sending.send_page(campaign, insist=True)).refused == 1
        assert (await channel(sending)).paused_at is None
    time.ahead = UNREACHABLE
    assert (await sending.send_page(campaign, insist=True)).accepted == 0
    assert (await channel(sending)).pause_reason == (
        "The provider could not be reached for 5 minutes. The latest reason: The host could not be reached. "
        "Correct what is wrong, and resume the channel."
    )
    assert (await sending.message()).state == "planned"
    provider.before.clear()
    await resume(sending.database)
    assert (await sending.send_page(campaign)).accepted == 1


async def test_a_provider_that_answers_in_between_is_within_reach(sending: Sending, provider: Provider) -> None:
    (contact,) = await sending.contacts()
    campaign, time = await sending.campaign(), Hours()
    sending.pages._delivery = Delivery(Always(provider), Consequences(sending.database, FailureWatch(Threshold(), time)))
    for answer in (AWAY, ChannelError("busy", permanent=False), AWAY):
        provider.before[contact.phone or ""] = answer
        assert (await sending.send_page(campaign, insist=True)).refused == 1
        time.ahead += UNREACHABLE
    assert (await channel(sending)).paused_at is None

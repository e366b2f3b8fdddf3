"""What follows from reports for others: suppressed addresses, opt-outs and paused channels, each once."""

from datetime import timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import select, update
from sqlmodel import SQLModel, col

from models.base import new_id, now
from models.channels.channel import Channel
from models.consent.consent import Consent
from models.consent.suppression import Suppression
from models.messages.message import Message
from models.messages.report import ReportKind
from models.organizations.organization import Organization
from models.sequences.enrollment import Enrollment
from services.channels.base import Fault
from services.provider_reports.apply import Report, apply_reports
from tests.sending import Provider, Sending

Row = TypeVar("Row", bound=SQLModel)

HARD: dict[str, Any] = {"kind": ReportKind.BOUNCED, "code": "5.1.1"}
SOFT: dict[str, Any] = {"kind": ReportKind.BOUNCED, "code": "4.2.2", "soft": True}


async def a_sent_message(sending: Sending) -> Message:
    (contact,) = await sending.contacts()
    await sending.send_step(await sending.enrollment(contact))
    return (await sending.messages())[-1]


async def told(sending: Sending, message: Message, **report: Any) -> int:
    about = {"event_key": str(new_id()), "message_id": message.id, **report}
    return await apply_reports(sending.database, [Report(message.org_id, message.channel_id, **about)], None)


async def every(sending: Sending, table: type[Row]) -> list[Row]:
    async with sending.database.transaction() as session:
        return list(await session.scalars(select(table)))


async def test_a_hard_bounce_suppresses_the_address_at_once(sending: Sending) -> None:
    message = await a_sent_message(sending)
    await told(sending, message, **HARD)
    (suppressed,) = await every(sending, Suppression)
    assert (suppressed.address, suppressed.reason, suppressed.detail) == (message.to_address, "bounce", "5.1.1")
    assert suppressed.message_id == message.id
    assert await every(sending, Consent) == []


async def test_the_same_bounce_does_not_suppress_an_address_again_that_somebody_has_allowed(sending: Sending) -> None:
    message = await a_sent_message(sending)
    assert await told(sending, message, **HARD, event_key="one") == 1
    async with sending.database.transaction() as session:
        await session.execute(update(Suppression).values(lifted_at=now()))
    assert await told(sending, message, **HARD, event_key="one") == 0
    assert [each.lifted_at is None for each in await every(sending, Suppression)] == [False]


async def test_the_fifth_message_that_bounces_softly_within_thirty_days_suppresses_the_address(sending: Sending) -> None:
    (contact,) = await sending.contacts()
    messages = []
    for _ in range(6):
        await sending.send_step(await sending.enrollment(contact))
        messages.append((await sending.messages())[-1])
    long_ago = now() - timedelta(days=31)
    await told(sending, messages[0], **SOFT, reported_at=long_ago)
    for message in messages[1:5]:
        await told(sending, message, **SOFT)
        await told(sending, message, **SOFT)  # a message counts once, however many of its attempts are reported
    assert await every(sending, Suppression) == []
    await told(sending, messages[5], **SOFT)
    (suppressed,) = await every(sending, Suppression)
    assert (suppressed.address, suppressed.reason) == (contact.phone, "bounce")


async def test_soft_bounces_of_other_addresses_do_not_add_up(sending: Sending) -> None:
    for _ in range(6):
        await told(sending, await a_sent_message(sending), **SOFT)
    assert await every(sending, Suppression) == []


async def test_a_refusal_of_ours_pauses_the_channel_and_never_the_person(sending: Sending) -> None:
    message = await a_sent_message(sending)
    detail = "550 5.7.26 The sender ann@example.com is not authenticated"
    await told(sending, message, kind=ReportKind.BOUNCED, code="5.7.26", fault=Fault.CHANNEL, detail=detail)
    async with sending.database.transaction() as session:
        channel = await session.get_one(Channel, message.channel_id)
    assert channel.paused_at is not None
    assert channel.pause_reason is not None
    assert "5.7.26" in channel.pause_reason
    assert "ann@example.com" not in channel.pause_reason
    assert await every(sending, Suppression) == []


async def test_a_complaint_suppresses_the_address_and_opts_the_person_out(sending: Sending) -> None:
    message = await a_sent_message(sending)
    await told(sending, message, kind=ReportKind.COMPLAINED, code="abuse")
    (suppressed,) = await every(sending, Suppression)
    (consent,) = await every(sending, Consent)
    (enrollment,) = await every(sending, Enrollment)
    assert suppressed.reason == "complaint"
    assert (consent.contact_id, consent.state, consent.source) == (message.contact_id, "opted_out", "complaint")
    assert consent.proof["message_id"] == str(message.id)
    assert enrollment.stop_requested_at is not None


@pytest.mark.parametrize(
    ("domains", "pauses"),
    [
        (["strict.example"] * 4, False),
        (["a.example", "b.example", "b.example"], False),
        (["a.example", "b.example", "c.example"], True),
    ],
)
async def test_bounces_by_policy_pause_the_channel_when_several_domains_say_so(
    sending: Sending, domains: list[str], pauses: bool
) -> None:
    for number, domain in enumerate(domains):
        await sending.contacts(1, email=f"{number}@{domain}")
    await sending.send_page(await sending.campaign(medium="email"))
    for message in await sending.messages():
        await told(sending, message, kind=ReportKind.BOUNCED, code="5.7.1", fault=Fault.POLICY)
    async with sending.database.transaction() as session:
        channel = await session.get_one(Channel, message.channel_id)
    assert (channel.paused_at is not None) == pauses
    assert await every(sending, Suppression) == []


@pytest.mark.parametrize("scope", ["channel", "everything"])
async def test_an_opt_out_at_the_provider_covers_what_the_organization_says(sending: Sending, scope: str) -> None:
    message = await a_sent_message(sending)
    async with sending.database.transaction() as session:
        (await session.get_one(Organization, sending.org_id)).opt_out_scope = scope
    await told(sending, message, kind=ReportKind.FAILED, code="21610", fault=Fault.OPTED_OUT)
    (consent,) = await every(sending, Consent)
    assert (consent.source, consent.channel_id) == ("provider", message.channel_id if scope == "channel" else None)
    assert await every(sending, Suppression) == []


async def test_a_number_that_never_gets_anything_is_suppressed_by_the_providers_word(sending: Sending) -> None:
    message = await a_sent_message(sending)
    await told(sending, message, kind=ReportKind.FAILED, code="30006", fault=Fault.ADDRESS)
    assert [each.reason for each in await every(sending, Suppression)] == ["provider"]


@pytest.mark.parametrize("kind", [ReportKind.SENT, ReportKind.DELIVERED, ReportKind.FAILED, ReportKind.REPLIED])
async def test_nothing_follows_from_other_reports(sending: Sending, kind: ReportKind) -> None:
    await told(sending, await a_sent_message(sending), kind=kind)
    assert [*await every(sending, Suppression), *await every(sending, Consent)] == []


async def test_a_bounce_of_an_erased_person_is_written_down_and_suppresses_nobody(sending: Sending) -> None:
    message = await a_sent_message(sending)
    async with sending.database.transaction() as session:
        await session.execute(update(Message).where(col(Message.id) == message.id).values(to_address=None))
    assert await told(sending, message, **HARD) == 1
    assert await told(sending, message, **SOFT) == 1
    assert await every(sending, Suppression) == []


async def test_the_next_message_to_a_bounced_address_is_skipped_with_the_reason(sending: Sending, provider: Provider) -> None:
    message = await a_sent_message(sending)
    await told(sending, message, **HARD)
    (enrollment,) = await every(sending, Enrollment)
    sent = await sending.send_step(enrollment, 3)
    assert (sent.state, sent.reason) == ("skipped", "suppressed: bounce")
    assert len(provider.taken) == 1

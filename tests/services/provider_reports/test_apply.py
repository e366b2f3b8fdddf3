"""Reports of providers end in the same message, whatever the order in which they come and however often."""

import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from models.base import new_id, now
from models.contacts.contact import Contact
from models.messages.ledger import SendResult, record_results
from models.messages.message import Message, MessageState
from models.messages.report import MessageReport, ReportKind
from models.messages.waiting_report import WaitingReport
from models.organizations.organization import create_organization
from services.provider_reports.apply import Report, apply_reports
from tests.rows import NOON, Rows
from tests.sending import Provider, Sending

ARRIVALS: Sequence[Sequence[ReportKind]] = tuple(
    itertools.permutations([ReportKind.SENT, ReportKind.DELIVERED, ReportKind.FAILED])
)


async def a_message(made: Rows, state: MessageState = MessageState.ACCEPTED, **fields: Any) -> Message:
    campaign = await made.campaign()
    contact = await made.contact(phone=f"+49151{new_id().int % 10_000_000:07}")
    defaults = {"provider_id": "SM1", "to_address": contact.phone, "sending_at": NOON, "accepted_at": NOON}
    return await made.message(campaign.content_id, contact, state, **{**defaults, **fields})


def about(message: Message, kind: ReportKind, **fields: Any) -> Report:
    return Report(message.org_id, message.channel_id, kind, **{"event_key": kind.value, "message_id": message.id, **fields})


async def again(made: Rows, message: Message) -> Message:
    async with made.database.transaction() as session:
        return await session.get_one(Message, message.id)


async def apply(made: Rows, *reports: Report) -> int:
    return await apply_reports(made.database, reports, None)


@pytest.mark.parametrize("kinds", ARRIVALS)
async def test_the_highest_report_counts_in_every_order_of_arrival(made: Rows, kinds: Sequence[ReportKind]) -> None:
    message = await a_message(made)
    assert await apply(made, *(about(message, kind, code=f"code of {kind}") for kind in kinds)) == 3
    told = await again(made, message)
    assert (told.report, told.report_code, told.state) == (ReportKind.FAILED, "code of failed", MessageState.ACCEPTED)


async def test_a_report_that_cannot_be_applied_loses_no_other_and_is_told(made: Rows) -> None:
    message = await a_message(made)
    broken = Report(message.org_id, message.channel_id, ReportKind.SENT, event_key="x", provider_id="\x00")
    with pytest.raises(DBAPIError):
        await apply(made, broken, about(message, ReportKind.DELIVERED))
    assert (await again(made, message)).report == ReportKind.DELIVERED


async def test_two_reports_of_one_rank_end_in_the_earlier_one_in_both_orders(made: Rows) -> None:
    found = set()
    for hours in ((1, 2), (2, 1)):
        message = await a_message(made)
        for hour in hours:
            at = NOON + timedelta(hours=hour)
            await apply(made, about(message, ReportKind.FAILED, event_key=f"{hour}", code=f"{hour}", reported_at=at))
        told = await again(made, message)
        found.add((told.report_code, told.reported_at))
    assert found == {("1", NOON + timedelta(hours=1))}


async def test_a_report_that_comes_46_times_is_one_row(made: Rows) -> None:
    message = await a_message(made)
    assert await apply(made, *([about(message, ReportKind.DELIVERED)] * 46)) == 1
    async with made.database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(MessageReport)) == 1


async def test_a_message_is_found_by_the_id_that_its_provider_gave_it(made: Rows) -> None:
    message = await a_message(made, provider_id="SM2")
    assert await apply(made, about(message, ReportKind.DELIVERED, message_id=None, provider_id="SM2")) == 1
    assert (await again(made, message)).report == ReportKind.DELIVERED


async def test_a_report_of_another_channel_or_organization_or_message_changes_nothing(made: Rows) -> None:
    message = await a_message(made)
    async with made.database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    strangers = [
        Report(other.id, message.channel_id, ReportKind.FAILED, "x", message_id=message.id),
        Report(message.org_id, new_id(), ReportKind.FAILED, "x", message_id=message.id),
        Report(message.org_id, message.channel_id, ReportKind.FAILED, "x", message_id=new_id()),
        Report(message.org_id, message.channel_id, ReportKind.FAILED, "x", provider_id="SM-of-nobody"),
        Report(message.org_id, message.channel_id, ReportKind.FAILED, "x"),
    ]
    assert await apply(made, *strangers) == 0
    assert (await again(made, message)).report is None


@pytest.mark.parametrize("state", [MessageState.SENDING, MessageState.UNKNOWN, MessageState.PLANNED])
async def test_a_report_proves_that_a_message_without_an_answer_was_accepted(made: Rows, state: MessageState) -> None:
    message = await a_message(made, state, provider_id=None, accepted_at=None, reason="interrupted")
    await apply(made, about(message, ReportKind.SENT, provider_id="SM3"))
    told = await again(made, message)
    assert (told.state, told.reason, told.provider_id) == (MessageState.ACCEPTED, None, "SM3")
    assert told.accepted_at is not None


@pytest.mark.parametrize(
    ("state", "sending_at"), [(MessageState.FAILED, NOON), (MessageState.SKIPPED, None), (MessageState.PLANNED, None)]
)
async def test_a_report_does_not_change_a_result_or_a_message_that_was_never_handed_over(
    made: Rows, state: MessageState, sending_at: Any
) -> None:
    message = await a_message(made, state, sending_at=sending_at, accepted_at=None, reason="no_phone")
    await apply(made, about(message, ReportKind.FAILED))
    told = await again(made, message)
    assert (told.state, told.reason, told.report) == (state, "no_phone", ReportKind.FAILED)


async def test_a_report_that_is_faster_than_the_answer_leaves_room_for_what_the_answer_says(made: Rows) -> None:
    message = await a_message(made, MessageState.SENDING, provider_id=None, accepted_at=None, sending_at=now())
    await apply(made, about(message, ReportKind.DELIVERED))
    async with made.database.transaction() as session:
        await record_results(session, [SendResult(message.id, MessageState.ACCEPTED, provider_id="SM4", units=3)])
    told = await again(made, message)
    assert (told.state, told.provider_id, told.units, told.report) == (MessageState.ACCEPTED, "SM4", 3, ReportKind.DELIVERED)


async def test_a_message_that_was_reported_is_not_sent_again_by_its_step(sending: Sending, provider: Provider) -> None:
    (contact,) = await sending.contacts()
    enrollment = await sending.enrollment(contact)
    provider.after[contact.phone or ""] = ConnectionResetError("connection reset by peer")
    with pytest.raises(ConnectionResetError):
        await sending.send_step(enrollment)
    message = await sending.message()
    await apply_reports(sending.database, [about(message, ReportKind.DELIVERED)], None)
    assert (await sending.send_step(enrollment)).state == MessageState.ACCEPTED
    assert len(provider.taken) == 1


async def test_what_is_kept_of_a_report_when_its_person_is_erased_names_nobody(made: Rows) -> None:
    message = await a_message(made)
    named = "550 <canary@example.com> or +49 151 1234567 unknown"
    told = about(message, ReportKind.FAILED, code=named, event_key=f"failed:{named}")
    waits = about(message, ReportKind.FAILED, message_id=None, provider_id="SM9", code=named, event_key=f"failed:{named}")
    assert await apply(made, told, told, waits) == 1
    async with made.database.transaction() as session:
        reports = [*await session.scalars(select(MessageReport)), *await session.scalars(select(WaitingReport))]
    kept = [text for each in reports for text in (each.code, each.event_key)]
    kept.append((await again(made, message)).report_code)
    assert len(kept) == 5
    assert not [each for each in kept if each is None or "canary" in each or "151" in each]


async def test_a_report_after_the_erasure_writes_no_name_that_the_provider_knows(made: Rows) -> None:
    message = await a_message(made, provider_id=None)
    async with made.database.transaction() as session:
        (await session.get_one(Contact, message.contact_id)).erased_at = now()
    assert await apply(made, about(message, ReportKind.DELIVERED, provider_id="SM5")) == 1
    told = await again(made, message)
    assert (told.report, told.provider_id) == (ReportKind.DELIVERED, None)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=st.lists(st.tuples(st.sampled_from(ReportKind), st.integers(0, 3)), min_size=1, max_size=8), data=st.data())
async def test_any_order_and_any_repetition_end_in_the_same_message(
    made: Rows, told: list[tuple[ReportKind, int]], data: st.DataObject
) -> None:
    found = set()
    for order in (told, data.draw(st.permutations(told + told))):
        message = await a_message(made)
        reports = [
            about(message, kind, event_key=f"{kind}-{hour}", code=f"{kind}-{hour}", reported_at=NOON + timedelta(hours=hour))
            for kind, hour in order
        ]
        assert await apply(made, *reports) == len(set(told))
        row = await again(made, message)
        found.add((row.report, row.report_code, row.reported_at))
    assert len(found) == 1

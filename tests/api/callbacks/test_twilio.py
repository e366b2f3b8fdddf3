"""What Twilio reports and hands over is stored once, and nobody else can report anything."""

from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from structlog.testing import capture_logs

from api.callbacks.callbacks import WhyRefused
from api.callbacks.twilio import LARGEST
from api.handling.services import Services
from drills.providers.twilio_callbacks import MOST_REPEATS
from drills.providers.twilio_stand_in import NUMBER, Trouble
from models.channels.channel import ChannelKind
from models.database import Database
from models.inbound.inbound_message import InboundMeaning, InboundMessage
from models.messages.message import MessageState
from models.messages.report import MessageReport
from services.channels.twilio.twiml import twiml
from services.way_out.errors import WayOutError
from tests.api.callbacks.conftest import ADA, TwilioLine
from tests.builders import is_problem

GRACE = "+4915187654321"
SIGNATURE = (ChannelKind.TWILIO, WhyRefused.SIGNATURE)
UNKNOWN = (ChannelKind.TWILIO, WhyRefused.UNKNOWN_CHANNEL)


async def all_of(database: Database, table: Any) -> list[Any]:
    async with database.transaction() as session:
        return list(await session.scalars(select(table).order_by(table.id)))


async def test_a_delivered_message_is_reported_as_delivered(twilio: TwilioLine) -> None:
    message = await twilio.reported(await twilio.sent())
    assert (message.state, message.report, message.report_code) == (MessageState.ACCEPTED, "delivered", None)
    assert message.units == 1


async def test_reports_that_come_up_to_46_times_in_any_order_count_once(twilio: TwilioLine, database: Database) -> None:
    twilio.stand_in.callbacks.repeats = MOST_REPEATS
    messages = [await twilio.sent(f"+49151123456{number}") for number in range(10, 13)]
    assert {(await twilio.reported(each)).report for each in messages} == {"delivered"}
    assert len(await all_of(database, MessageReport)) == 2 * len(messages)  # sent and delivered
    assert twilio.stand_in.callbacks.refused == []


@pytest.mark.parametrize("code", [30003, 30005, 30007, 99999])
async def test_a_message_that_was_not_delivered_has_twilios_code(twilio: TwilioLine, database: Database, code: int) -> None:
    twilio.stand_in.outcomes[ADA] = code
    message = await twilio.reported(await twilio.sent())
    assert (message.report, message.report_code) == ("failed", str(code))
    (failed,) = [each for each in await all_of(database, MessageReport) if each.kind == "failed"]
    assert failed.detail.endswith(".")
    assert ADA not in failed.detail


async def test_a_message_whose_answer_was_lost_is_known_again_by_its_report(twilio: TwilioLine) -> None:
    """The address of the report names the message, so nobody has to guess."""
    twilio.stand_in.settings.troubles = {Trouble.BREAKS_AFTER: 1}
    with pytest.raises(WayOutError):
        await twilio.sent()
    (message,) = await twilio.sending.messages()
    assert message.state == MessageState.SENDING
    message = await twilio.reported(message)
    assert (message.state, message.report) == (MessageState.ACCEPTED, "delivered")
    assert [message.provider_id] == list(twilio.stand_in.taken)


@pytest.mark.parametrize("status", ["queued", "accepted", "sending", "scheduled", "something new", ""])
async def test_a_status_that_says_nothing_is_accepted_and_changes_nothing(
    twilio: TwilioLine, database: Database, status: str
) -> None:
    message = await twilio.sent()
    await twilio.stand_in.finish()
    before = len(await all_of(database, MessageReport))
    answer = await twilio.post(f"status/{message.id}", {"MessageSid": "SM1", "MessageStatus": status})
    assert answer.status_code == 204
    assert len(await all_of(database, MessageReport)) == before


async def test_a_report_of_no_message_of_ours_is_accepted_and_changes_nothing(twilio: TwilioLine, database: Database) -> None:
    answer = await twilio.post(f"status/{uuid4()}", {"MessageSid": "SM1", "MessageStatus": "delivered"})
    assert answer.status_code == 204
    assert await all_of(database, MessageReport) == []


@pytest.mark.parametrize("signature", ["", "nonsense", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="])
@pytest.mark.parametrize("rest", ["status/00000000-0000-0000-0000-000000000001", "inbound"])
async def test_a_wrong_signature_is_refused_and_counted(
    twilio: TwilioLine, services: Services, database: Database, rest: str, signature: str
) -> None:
    form = {"MessageSid": "SM1", "MessageStatus": "delivered", "From": ADA, "To": NUMBER, "Body": "STOP"}
    with capture_logs() as lines:
        assert is_problem(await twilio.post(rest, form, signature), 403, "callback_refused")
    assert services.callbacks.refused == {SIGNATURE: 1}
    assert [line["channel_id"] for line in lines if line["event"] == "callback refused"] == [str(twilio.id)]
    assert await all_of(database, InboundMessage) == []


async def test_the_signature_of_another_address_does_not_fit(twilio: TwilioLine, services: Services) -> None:
    """So a report about one message cannot be sent again about another one."""
    one, other = uuid4(), uuid4()
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    signature = twilio.stand_in.callbacks.sign(twilio.address(f"status/{one}"), form)
    assert (await twilio.post(f"status/{other}", form, signature)).status_code == 403
    assert services.callbacks.refused == {SIGNATURE: 1}


async def test_an_unknown_channel_and_one_of_another_kind_look_like_a_wrong_signature(
    twilio: TwilioLine, services: Services, database: Database
) -> None:
    (email,) = [each for each in await all_of(database, type(twilio.row)) if each.name == "simulator-email"]
    answers = []
    for channel_id in (uuid4(), email.id):
        twilio.row = email
        address = f"http://127.0.0.1:8000/callbacks/{channel_id}/twilio/inbound"
        answers.append((await twilio.client.post(address, data={"From": ADA})).json())
    assert services.callbacks.refused == {UNKNOWN: 2}
    assert {(each["status"], each["code"]) for each in answers} == {(403, "callback_refused")}


async def test_a_body_is_bounded(twilio: TwilioLine) -> None:
    answer = await twilio.post("inbound", {"From": ADA, "Body": "a" * LARGEST})
    assert is_problem(answer, 413, "too_large")


async def test_a_form_of_many_fields_is_refused(twilio: TwilioLine) -> None:
    answer = await twilio.post("inbound", {f"Field{number}": "" for number in range(201)})
    assert is_problem(answer, 422, "invalid")


@given(body=st.binary(max_size=200))
@settings(suppress_health_check=list(HealthCheck), max_examples=50)
async def test_no_body_breaks_anything(twilio: TwilioLine, body: bytes) -> None:
    answer = await twilio.client.post(twilio.address("inbound"), content=body)
    assert answer.status_code in {403, 422}


async def test_an_inbound_message_is_stored_and_answered_with_nothing(twilio: TwilioLine, database: Database) -> None:
    message = await twilio.sent()
    assert await twilio.stand_in.write(ADA, "When do you open? \N{WAVING HAND SIGN}") is None
    (inbound,) = await all_of(database, InboundMessage)
    assert (inbound.contact_id, inbound.message_id, inbound.meaning) == (message.contact_id, message.id, InboundMeaning.REPLY)
    assert (inbound.from_address, inbound.to_address) == (ADA, NUMBER)
    assert inbound.body == "When do you open? \N{WAVING HAND SIGN}"


async def test_an_inbound_message_that_is_handed_over_again_counts_once(twilio: TwilioLine, database: Database) -> None:
    form = {"MessageSid": "SM1", "From": ADA, "To": NUMBER, "Body": "HELP"}
    first, *again = [(await twilio.post("inbound", form)).text for _ in range(3)]
    assert first.startswith('<?xml version="1.0" encoding="UTF-8"?><Response><Message>')
    assert again == [twiml(None)] * 2
    assert len(await all_of(database, InboundMessage)) == 1


async def test_stop_holds_from_the_answer_on(twilio: TwilioLine) -> None:
    await twilio.sent()
    await twilio.stand_in.write(ADA, "Stop, please!")
    campaign = await twilio.sending.campaign("Hello again")
    await twilio.sending.send_page(campaign)
    again = [each for each in await twilio.sending.messages() if each.campaign_id == campaign.id]
    assert [(each.state, each.reason) for each in again] == [(MessageState.SKIPPED, "opted_out")]


async def test_a_word_that_was_set_at_twilio_counts_and_is_answered_by_twilio_alone(
    twilio: TwilioLine, database: Database
) -> None:
    await twilio.sent()
    assert await twilio.stand_in.write(ADA, "Basta cosi", OptOutType="STOP") is None
    (inbound,) = await all_of(database, InboundMessage)
    assert (inbound.meaning, inbound.answer) == (InboundMeaning.STOP, None)


async def test_an_inbound_message_without_a_sender_is_refused(twilio: TwilioLine) -> None:
    answer = await twilio.post("inbound", {"MessageSid": "SM1", "Body": "Hello"})
    assert is_problem(answer, 422, "invalid")


@pytest.mark.parametrize("answer", ["a < b & c > d", '"quoted" \N{WAVING HAND SIGN}', ""])
def test_an_answer_is_escaped(answer: str) -> None:
    message = ElementTree.fromstring(twiml(answer)).find("Message")  # noqa: S314 - it is ours
    assert (message.text if message is not None else "") == answer

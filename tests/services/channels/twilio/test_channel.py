"""What the channel asks of Twilio, and what it makes of the answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urldefrag

import pytest

from drills.providers.http_server import HttpServer, Request, Response
from drills.providers.twilio_stand_in import NUMBER, SERVICE_SID, Trouble
from models.base import now
from services.channels.base import CannotAsk, ChannelError, Fault
from services.channels.twilio.api import UnexpectedAnswer
from services.channels.twilio.channel import Twilio
from services.channels.twilio.errors import Uncertain
from services.way_out import way_out
from services.way_out.errors import NothingSent, WayOutError
from tests.sending import Sending
from tests.services.channels.twilio.conftest import TO, Provider
from tests.services.channels.twilio.library import library


async def test_twilios_own_library_makes_the_same_request_and_reads_the_answer(twilio: Provider) -> None:
    message = twilio.message(late_after=now() + timedelta(hours=20))
    receipt = await twilio.channel().send(message)
    ours = twilio.request
    made = await asyncio.to_thread(
        library(twilio.api_url).messages.create,
        to=TO,
        from_=NUMBER,
        body=message.body,
        validity_period=36000,
        status_callback=ours["StatusCallback"],
    )
    assert twilio.request == ours
    assert list(twilio.stand_in.taken) == [receipt.provider_id, made.sid]


async def test_a_receipt_has_twilios_name_and_its_segments(twilio: Provider) -> None:
    receipt = await twilio.channel().send(twilio.message("a" * 161))
    assert receipt.provider_id in twilio.stand_in.taken
    assert receipt.units == 2


async def test_segments_are_counted_here_while_twilio_does_not_know_its_sender(twilio: Provider) -> None:
    channel = twilio.channel(from_address=None, messaging_service_sid=SERVICE_SID)
    receipt = await channel.send(twilio.message("ж" * 71))
    assert receipt.units == 2
    assert (twilio.request["MessagingServiceSid"], "From" in twilio.request) == (SERVICE_SID, False)


async def test_twilio_reports_to_an_address_that_names_the_message(twilio: Provider) -> None:
    message = twilio.message()
    await twilio.channel().send(message)
    address, fragment = urldefrag(twilio.request["StatusCallback"])
    assert address == f"https://hooks.example.com/callbacks/{twilio.id}/twilio/status/{message.message_id}"
    assert fragment == "rc=5&rp=all"


async def test_twilio_is_not_given_an_address_that_it_cannot_reach(twilio: Provider) -> None:
    twilio.settings = twilio.settings.model_copy(update={"callback_url": None})
    channel = twilio.channel()
    channel._outside.way_out.local = False  # as on a server
    assert channel._report_to(twilio.message()) is None
    assert (await channel.check())[0].detail.endswith("set CALLBACK_URL to a public https address.")


@pytest.mark.parametrize(
    ("left", "period"),
    [(timedelta(hours=30), "36000"), (timedelta(minutes=5, milliseconds=900), "300"), (timedelta(seconds=1), "1")],
)
async def test_twilio_gives_a_message_up_when_it_is_late(twilio: Provider, left: timedelta, period: str) -> None:
    channel, at = twilio.channel(), now()
    channel._clock = lambda: at
    await channel.send(twilio.message(late_after=at + left))
    assert twilio.request["ValidityPeriod"] == period


async def test_a_message_that_is_late_already_is_not_handed_over(twilio: Provider) -> None:
    with pytest.raises(ChannelError, match="not worth sending") as refused:
        await twilio.channel().send(twilio.message(late_after=now() + timedelta(milliseconds=500)))
    assert refused.value.permanent
    assert twilio.stand_in.requests == []


async def test_twilio_keeps_a_message_that_is_never_late_for_as_long_as_it_likes(twilio: Provider) -> None:
    await twilio.channel().send(twilio.message())
    assert "ValidityPeriod" not in twilio.request


async def test_a_limit_of_requests_says_how_long_to_wait(twilio: Provider) -> None:
    twilio.stand_in.settings.troubles = {Trouble.TOO_MANY_REQUESTS: 1}
    with pytest.raises(ChannelError) as refused:
        await twilio.channel().send(twilio.message())
    assert (refused.value.permanent, refused.value.retry_after) == (False, timedelta(seconds=1))
    assert refused.value.code == "20429"


async def test_a_person_who_wrote_stop_to_twilio_has_opted_out(twilio: Provider) -> None:
    await twilio.stand_in.write(TO, "stop")
    with pytest.raises(ChannelError) as refused:
        await twilio.channel().send(twilio.message())
    assert (refused.value.permanent, refused.value.fault) == (True, Fault.OPTED_OUT)


@pytest.mark.parametrize("trouble", [Trouble.BREAKS_BEFORE, Trouble.BREAKS_AFTER, Trouble.SILENT_BEFORE, Trouble.SILENT_AFTER])
async def test_a_request_without_an_answer_is_neither_taken_nor_refused(
    twilio: Provider, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(way_out, "SECONDS", 0.5)
    twilio.stand_in.settings.troubles = {trouble: 1}
    with pytest.raises(WayOutError) as lost:
        await twilio.channel().send(twilio.message())
    assert not isinstance(lost.value, NothingSent)
    assert len(twilio.stand_in.taken) == (trouble in {Trouble.BREAKS_AFTER, Trouble.SILENT_AFTER})


async def test_a_failure_of_twilios_is_neither_taken_nor_refused(twilio: Provider) -> None:
    twilio.stand_in.settings.troubles = {Trouble.FAILS: 1}
    with pytest.raises(Uncertain, match="500"):
        await twilio.channel().send(twilio.message())


async def test_a_message_that_got_no_answer_is_found_in_twilios_list(twilio: Provider) -> None:
    twilio.stand_in.settings.troubles = {Trouble.BREAKS_AFTER: 1}
    channel, message = twilio.channel(), twilio.message("Grüße  ")
    with pytest.raises(WayOutError):
        await channel.send(message)
    found = await channel.find(message)
    assert found is not None
    assert [found.provider_id] == list(twilio.stand_in.taken)
    assert found.units == 1


async def test_that_a_message_is_not_in_the_list_proves_nothing(twilio: Provider) -> None:
    channel = twilio.channel()
    await channel.send(twilio.message("Another text"))
    with pytest.raises(CannotAsk):
        await channel.find(twilio.message())


async def test_the_same_text_of_another_message_is_not_taken_for_this_one(twilio: Provider, sending: Sending) -> None:
    """A person can get the same text twice, so a name that belongs to another message proves nothing of this one."""
    await sending.contacts(phone=TO)
    campaign = await sending.campaign("The same text")
    await sending.send_page(campaign)
    other = await sending.message()
    twilio.id = campaign.channel_id
    channel, this = twilio.channel(), twilio.message("The same text")
    receipt = await channel.send(replace(this, message_id=other.id))
    await sending.change(other, provider_id=receipt.provider_id)
    with pytest.raises(CannotAsk):
        await channel.find(this)
    assert await channel.find(replace(this, message_id=other.id)) == receipt


async def test_a_question_that_twilio_does_not_answer_is_asked_again_later(twilio: Provider) -> None:
    with pytest.raises(UnexpectedAnswer, match="401"):
        await twilio.channel(auth_token="wrong").find(twilio.message())


async def test_an_api_key_sends_instead_of_the_auth_token(twilio: Provider) -> None:
    sid = "SK" + "0c" * 16
    twilio.stand_in.settings.api_keys[sid] = "of the key"
    await twilio.channel(auth_token="for signatures only", api_key_sid=sid, api_key_secret="of the key").send(twilio.message())
    assert len(twilio.stand_in.taken) == 1


async def test_the_auth_token_never_leaves_for_a_local_address_of_a_server(twilio: Provider) -> None:
    with pytest.raises(ChannelError) as refused:
        await twilio.channel(local=False).send(twilio.message())
    assert (refused.value.permanent, refused.value.fault) == (False, Fault.CHANNEL)


async def steps(channel: Twilio) -> list[tuple[str, bool]]:
    return [(step.name, step.ok) for step in await channel.test(TO)]


async def test_a_test_names_its_steps(twilio: Provider) -> None:
    assert await steps(twilio.channel()) == [("connect", True), ("log_in", True), ("send", True)]
    assert [each.body for each in twilio.stand_in.taken.values()] == ["This is a test of your channel phones."]


async def test_a_test_names_wrong_credentials(twilio: Provider) -> None:
    *_, last = await twilio.channel(auth_token="wrong").test(TO)
    assert (last.name, last.error) == (
        "log_in",
        "Twilio does not accept the credentials: correct account_sid, and auth_token or the API key. (20003)",
    )


async def test_a_test_names_a_sender_of_somebody_else(twilio: Provider) -> None:
    channel = twilio.channel(from_address="+15005550099")
    assert await steps(channel) == [("connect", True), ("log_in", True), ("sender", False)]


async def test_a_test_names_a_host_that_is_away(twilio: Provider) -> None:
    await twilio.stand_in.stop()
    assert await steps(twilio.channel()) == [("connect", False)]


async def test_a_test_says_that_a_message_may_have_been_sent(twilio: Provider) -> None:
    twilio.stand_in.settings.troubles = {Trouble.BREAKS_AFTER: 1}
    *_, last = await twilio.channel().test(TO)
    assert (last.name, last.ok) == ("send", False)
    assert last.error is not None
    assert last.error.endswith("The message may have been sent nevertheless.")


@pytest.mark.parametrize("sender", [{}, {"from_address": None, "messaging_service_sid": SERVICE_SID}])
async def test_a_check_says_where_inbound_messages_have_to_go(twilio: Provider, sender: dict[str, Any]) -> None:
    channel, inbound = twilio.channel(**sender), f"https://hooks.example.com/callbacks/{twilio.id}/twilio/inbound"
    before = {check.name: check for check in await channel.check()}
    assert (before["inbound"].ok, before["inbound"].publish) == (False, inbound)
    twilio.stand_in.settings.webhook = inbound
    assert all(check.ok for check in await channel.check())


@pytest.mark.parametrize(
    "sender", [{"from_address": "+15005550099"}, {"from_address": None, "messaging_service_sid": "MG" + "0d" * 16}]
)
async def test_a_check_names_a_sender_that_the_account_does_not_have(twilio: Provider, sender: dict[str, Any]) -> None:
    *_, last = await twilio.channel(**sender).check()
    assert (last.name, last.ok) == ("sender", False)


async def test_a_check_without_an_answer_is_a_finding(twilio: Provider) -> None:
    await twilio.stand_in.stop()
    *_, last = await twilio.channel().check()
    assert (last.name, last.ok) == ("sender", False)


async def test_a_name_cannot_be_looked_up_and_gets_no_answers(twilio: Provider) -> None:
    assert [check.name for check in await twilio.channel(from_address="Shop").check()] == ["callbacks"]


@asynccontextmanager
async def answering(response: Response) -> AsyncIterator[str]:
    """A server in place of Twilio's that gives this answer to everything, as a proxy between may do."""

    async def answer(_: Request) -> Response:
        return response

    server = HttpServer(answer)
    yield f"http://127.0.0.1:{await server.start()}"
    await server.stop()


@pytest.mark.parametrize("body", [b"", b"<html>Welcome</html>", b"[]", b'{"sid": 7}', b'{"sid": ""}'])
async def test_an_answer_without_a_name_leaves_open_whether_the_message_was_taken(twilio: Provider, body: bytes) -> None:
    async with answering(Response(200, body)) as api_url:
        with pytest.raises(Uncertain):
            await twilio.channel(api_url=api_url).send(twilio.message())


@pytest.mark.parametrize("response", [Response(502, b"<html>Bad gateway</html>"), Response(200, b'{"messages": "none"}')])
async def test_an_answer_of_somebody_else_is_no_answer(twilio: Provider, response: Response) -> None:
    async with answering(response) as api_url:
        channel = twilio.channel(api_url=api_url)
        with pytest.raises(UnexpectedAnswer):
            await channel.find(twilio.message())
        *_, last = await channel.check()
    assert (last.name, last.ok) == ("sender", False)


async def test_a_service_that_cannot_be_asked_for_is_a_finding(twilio: Provider) -> None:
    service: dict[str, Any] = {"from_address": None, "messaging_service_sid": SERVICE_SID}
    *_, last = await twilio.channel(auth_token="wrong", **service).check()
    assert (last.name, last.ok, last.detail) == (
        "sender",
        False,
        "Twilio answered 401 when it was asked for the Messaging Service.",
    )


async def test_a_test_says_that_twilio_fails(twilio: Provider) -> None:
    async with answering(Response(503)) as api_url:
        *_, last = await twilio.channel(api_url=api_url).test(TO)
    assert (last.name, last.error) == ("log_in", "Twilio answered 503.")


@pytest.mark.parametrize(("given", "seconds"), [("3", 3), ("999999999999", 86_400), ("soon", None), ("-1", None), ("", None)])
async def test_how_long_to_wait_is_read_as_seconds(twilio: Provider, given: str, seconds: int | None) -> None:
    async with answering(Response(429, b'{"code": 20429}', {"Retry-After": given})) as api_url:
        with pytest.raises(ChannelError) as refused:
            await twilio.channel(api_url=api_url).send(twilio.message())
    assert refused.value.retry_after == (None if seconds is None else timedelta(seconds=seconds))

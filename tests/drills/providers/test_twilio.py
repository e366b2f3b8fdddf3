"""The stand-in behaves as Twilio is documented to, so that what is proved with it holds for Twilio."""

import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from io import StringIO
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator

from drills.providers.http_server import HttpServer, Request, Response
from drills.providers.twilio import main
from drills.providers.twilio_callbacks import MOST_REPEATS
from drills.providers.twilio_rules import segments
from drills.providers.twilio_stand_in import ACCOUNT_SID, NUMBER, SERVICE_SID, Trouble, TwilioSettings, TwilioStandIn
from stack.children.processes import tethered
from tests.services.channels.twilio.library import AUTH_TOKEN, library
from tracking.links.segments import count_segments

ADA, GRACE = "+4915112345678", "+4915187654321"
ROOT = Path(__file__).parents[3]


class Us:
    """Our side of callbacks: a server that notes what comes, and answers inbound messages with a text."""

    def __init__(self) -> None:
        self.came: list[tuple[Request, dict[str, str]]] = []
        self.answer = Response(200, b"<Response/>", {"Content-Type": "application/xml"})
        self.fails = 0
        self.server = HttpServer(self._take)
        self.base = ""

    async def _take(self, request: Request) -> Response:
        if self.fails:
            self.fails -= 1
            return Response(503)
        self.came.append((request, dict(parse_qsl(request.body.decode(), keep_blank_values=True))))
        return self.answer

    def statuses(self, sid: str) -> list[str]:
        return [form["MessageStatus"] for _, form in self.came if form["MessageSid"] == sid]


@pytest.fixture
async def us() -> AsyncIterator[Us]:
    found = Us()
    found.base = f"http://127.0.0.1:{await found.server.start()}"
    yield found
    await found.server.stop()


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioStandIn]:
    found = TwilioStandIn(TwilioSettings(auth_token=AUTH_TOKEN))
    await found.start()
    yield found
    await found.close()


async def send(twilio: TwilioStandIn, **values: object) -> str:
    """By Twilio's own library. Returns the message's name."""
    given = {"to": ADA, "body": "Hello", **({} if "messaging_service_sid" in values else {"from_": NUMBER}), **values}
    client = library(f"http://127.0.0.1:{twilio.settings.port}")
    return str((await asyncio.to_thread(client.messages.create, **given)).sid)


@pytest.mark.parametrize(
    ("values", "status", "code"),
    [
        ({"to": "015112345678"}, 400, 21211),
        ({"from_": "+15005550099"}, 400, 21659),
        ({"messaging_service_sid": "MG" + "0d" * 16}, 404, 21701),
        ({"body": " "}, 400, 21602),
        ({"body": "a" * 1601}, 400, 21617),
        ({"validity_period": 36001}, 400, 21624),
        ({"validity_period": 0}, 400, 21624),
        ({"status_callback": "not an address"}, 400, 21609),
    ],
)
async def test_a_wrong_message_is_refused_with_twilios_code(
    twilio: TwilioStandIn, values: dict[str, object], status: int, code: int
) -> None:
    with pytest.raises(TwilioRestException) as refused:
        await send(twilio, **values)
    assert (refused.value.status, refused.value.code) == (status, code)
    assert twilio.taken == {}


async def test_only_the_accounts_credentials_are_accepted(twilio: TwilioStandIn) -> None:
    twilio.settings.auth_token = "another"
    with pytest.raises(TwilioRestException) as refused:
        await send(twilio)
    assert (refused.value.status, refused.value.code) == (401, 20003)


async def test_statuses_are_reported_with_a_signature_that_twilios_library_accepts(twilio: TwilioStandIn, us: Us) -> None:
    address = f"{us.base}/status?about=ada"
    sid = await send(twilio, status_callback=f"{address}#rc=5&rp=all")
    await twilio.finish()
    assert sorted(us.statuses(sid)) == ["delivered", "sent"]
    for request, form in us.came:
        assert request.target == "/status?about=ada", "a fragment is never sent"
        assert RequestValidator(AUTH_TOKEN).validate(address, form, request.headers["x-twilio-signature"])


async def test_a_message_that_is_not_delivered_has_its_error_code(twilio: TwilioStandIn, us: Us) -> None:
    twilio.outcomes[ADA] = 30005
    sid = await send(twilio, status_callback=us.base, messaging_service_sid=SERVICE_SID)
    await twilio.finish()
    assert sorted(us.statuses(sid)) == ["queued", "sent", "undelivered"]
    assert {form.get("ErrorCode") for _, form in us.came if form["MessageStatus"] == "undelivered"} == {"30005"}


async def test_callbacks_come_up_to_46_times_and_in_any_order(twilio: TwilioStandIn, us: Us) -> None:
    twilio.callbacks.repeats = MOST_REPEATS
    sid = await send(twilio, status_callback=us.base)
    await twilio.finish()
    came = us.statuses(sid)
    assert set(came) == {"sent", "delivered"}
    assert all(1 <= came.count(each) <= MOST_REPEATS for each in set(came))
    assert came != sorted(came, key=["sent", "delivered"].index)


async def test_a_callback_that_fails_is_made_again(twilio: TwilioStandIn, us: Us) -> None:
    us.fails = 2
    sid = await send(twilio, status_callback=us.base)
    await twilio.finish()
    assert sorted(us.statuses(sid)) == ["delivered", "sent"]


async def test_a_sender_sends_at_its_rate_and_gives_up_what_is_late(twilio: TwilioStandIn, us: Us) -> None:
    """Two segments a second: the first message keeps the second one waiting for longer than that one is worth."""
    twilio.settings.rate = 2.0
    first = await send(twilio, body="a" * 600, status_callback=us.base)
    second = await send(twilio, validity_period=1, status_callback=us.base)
    await twilio.finish()
    assert sorted(us.statuses(first)) == ["delivered", "sent"]
    assert us.statuses(second) == ["failed"]
    assert twilio.taken[second].error_code == 30036


@pytest.mark.parametrize("trouble", [Trouble.BREAKS_BEFORE, Trouble.BREAKS_AFTER])
async def test_a_broken_connection_says_nothing_of_what_was_taken(twilio: TwilioStandIn, trouble: Trouble) -> None:
    twilio.settings.troubles = {trouble: 1}
    with pytest.raises(Exception, match="Connection"):
        await send(twilio)
    assert len(twilio.taken) == (trouble == Trouble.BREAKS_AFTER)


@pytest.mark.parametrize(("trouble", "status"), [(Trouble.TOO_MANY_REQUESTS, 429), (Trouble.FAILS, 500)])
async def test_a_request_that_fails_is_not_taken(twilio: TwilioStandIn, trouble: Trouble, status: int) -> None:
    twilio.settings.troubles = {trouble: 1}
    with pytest.raises(TwilioRestException) as failed:
        await send(twilio)
    assert (failed.value.status, twilio.taken) == (status, {})


async def test_the_share_of_requests_that_go_wrong_comes_from_the_seed() -> None:
    drawn = []
    for _ in range(2):
        stand_in = TwilioStandIn(TwilioSettings(auth_token=AUTH_TOKEN, troubles={"fails": 0.3, "breaks_after": 0.3}, seed=7))
        drawn.append([stand_in._trouble() for _ in range(200)])
        await stand_in.close()
    assert drawn[0] == drawn[1]
    assert set(drawn[0]) == {None, Trouble.FAILS, Trouble.BREAKS_AFTER}


async def test_whoever_writes_stop_gets_nothing_until_start(twilio: TwilioStandIn) -> None:
    await twilio.write(ADA, "Stop ")
    with pytest.raises(TwilioRestException) as refused:
        await send(twilio)
    assert refused.value.code == 21610
    await twilio.write(ADA, "START")
    assert await send(twilio)


async def test_an_inbound_message_is_handed_over_and_its_answer_goes_back(twilio: TwilioStandIn, us: Us) -> None:
    twilio.settings.webhook = us.base + "/inbound"
    us.answer = Response(200, b"<?xml version='1.0'?><Response><Message>Thanks &amp; bye</Message></Response>")
    assert await twilio.write(GRACE, "HELP") == "Thanks & bye"
    assert twilio.answers[GRACE] == ["Thanks & bye"]
    (request, form) = us.came[0]
    assert (form["From"], form["To"], form["Body"], form["AccountSid"]) == (GRACE, NUMBER, "HELP", ACCOUNT_SID)
    assert RequestValidator(AUTH_TOKEN).validate(us.base + "/inbound", form, request.headers["x-twilio-signature"])


async def test_an_answer_to_stop_does_not_go_out(twilio: TwilioStandIn, us: Us) -> None:
    twilio.settings.webhook = us.base
    us.answer = Response(200, b"<Response><Message>You are out.</Message></Response>")
    await twilio.write(GRACE, "STOP")
    assert twilio.answers[GRACE] == []


async def test_what_was_taken_survives_a_kill(us: Us, tmp_path: Path) -> None:
    """A process of its own is killed while messages wait in its queue, with a line of its log cut off, and started again."""
    log = str(tmp_path / "twilio.jsonl")
    settings = {"auth_token": AUTH_TOKEN, "log": log, "rate": 0.001}
    async with killed_at_the_end(settings) as base:
        create = library(base).messages.create
        made = [await asyncio.to_thread(create, to=ADA, from_=NUMBER, body="Hello", status_callback=us.base) for _ in range(3)]
    cut_off(Path(log))
    async with (
        killed_at_the_end(settings | {"rate": None}) as base,
        httpx.AsyncClient(base_url=base, trust_env=False) as control,
    ):
        await control.post("/stand-in/finish", timeout=60)
        kept = (await control.get("/stand-in/messages")).json()
    assert [each["sid"] for each in kept] == [each.sid for each in made]
    assert {each["status"] for each in kept} == {"delivered"}
    assert all("delivered" in us.statuses(each.sid) for each in made[1:]), "that of the first one may have died with the process"


def cut_off(log: Path) -> None:
    """As if the process had been killed while it wrote a line."""
    with log.open("a") as file:
        file.write('{"taken": {"sid": "SM')


@asynccontextmanager
async def killed_at_the_end(settings: dict[str, object]) -> AsyncIterator[str]:
    """A stand-in in a process of its own. Yields its address."""
    command = tethered([sys.executable, "-m", "drills.providers.twilio"])
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(settings).encode())
    process.stdin.write_eof()
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.wait()


def test_its_help_names_each_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert [each.name for each in fields(TwilioSettings) if f'"{each.name}"' not in shown] == []


@pytest.mark.parametrize("given", ["", "{}", '{"auth_token": "secret", "prot": 1}'])
def test_settings_that_it_cannot_use_lead_to_its_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO(given))
    with pytest.raises(SystemExit):
        main([])
    assert "the standard input has no settings" in capsys.readouterr().err


@pytest.mark.parametrize("seed", range(20))
def test_its_count_of_segments_is_ours_unless_a_character_would_be_divided(seed: int) -> None:
    """It was written apart from ours, and does not look at divided characters."""
    choice = random.Random(seed)
    text = "".join(choice.choices("abcäöß ?€ж", k=choice.randint(1, 600)))
    assert segments(text) <= count_segments(text).segments <= segments(text) + 1

"""Requests of an http channel, as a receiver of one's own sees them."""

import json
import threading
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import ValidationError
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from drills.providers.http_server import HttpServer, Request, Response
from models.base import new_id
from models.channels.channel import Medium
from models.database import Database
from services.channels.base import ChannelError, Configured, Fault, Outgoing, Outside
from services.channels.http import channel as http_channel
from services.channels.http.channel import TYPE, HttpChannel
from services.channels.http.config import HttpConfig
from services.channels.http.judge import judge_templates
from services.channels.http.templates import fill_in
from services.judging.judge import Judge
from services.way_out.way_out import WayOut
from settings import Settings

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"to": {{ message.to_address | json }}, "text": {{ message.body | json }}, "left": {{ message.seconds_left | json }}}'
ORG, CHANNEL = new_id(), new_id()


class Receiver:
    """A receiver of one's own, which takes everything."""

    def __init__(self) -> None:
        self.got: list[Request] = []
        self.server = HttpServer(self._answer)
        self.port = 0

    async def _answer(self, request: Request) -> Response:
        self.got.append(request)
        return Response(200, b"{}")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    found = Receiver()
    found.port = await found.server.start()
    yield found
    await found.server.stop()


def channel(settings: Settings, database: Database, *, local: bool = True, **given: Any) -> HttpChannel:
    config = HttpConfig.model_validate({"body": BODY, **given})
    outside = Outside(database, WayOut(local=local), settings)
    made = TYPE.open(Configured(CHANNEL, ORG, "own", Medium.SMS, config), outside)
    assert isinstance(made, HttpChannel)
    return made


def message(**more: Any) -> Outgoing:
    given: dict[str, Any] = {"message_id": new_id(), "to_address": "+15555550123", "subject": None, "body": 'a "b"'}
    return Outgoing(channel_id=CHANNEL, **{**given, **more})


async def test_a_request_is_signed_as_standard_webhooks_describes(
    receiver: Receiver, settings: Settings, database: Database
) -> None:
    sent = message()
    await channel(settings, database, url=f"http://127.0.0.1:{receiver.port}/", signing_secret=KEY).send(sent)
    (got,) = receiver.got
    assert Webhook(KEY).verify(got.body, dict(got.headers)) == {"to": "+15555550123", "text": 'a "b"', "left": None}
    assert got.headers["webhook-id"] == str(sent.message_id)
    with pytest.raises(WebhookVerificationError):
        Webhook(KEY).verify(got.body + b" ", dict(got.headers))


async def test_a_form_an_address_and_headers_are_filled_in(receiver: Receiver, settings: Settings, database: Database) -> None:
    form = channel(
        settings,
        database,
        url=f"http://127.0.0.1:{receiver.port}/{{{{ message.to_address | url_encode }}}}?id={{{{ message.id }}}}",
        body_format="form",
        body="text={{ message.body | url_encode }}&key={{ token }}&to={{ channel.callback_url | url_encode }}",
        token="t0ken",
        headers={"X-Key": "Key {{ token }}"},
    )
    sent = message(body="a&b=c\n\N{WAVING HAND SIGN}")
    await form.send(sent)
    (got,) = receiver.got
    assert got.target == f"/%2B15555550123?id={sent.message_id}"
    callback = f"http://127.0.0.1:8000/callbacks/{CHANNEL}/http"
    assert parse_qs(got.body.decode()) == {"text": [sent.body], "key": ["t0ken"], "to": [callback]}
    assert (got.headers["x-key"], got.headers["content-type"]) == ("Key t0ken", "application/x-www-form-urlencoded")


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "http://8.8.8.8/"])
async def test_a_host_that_may_not_be_reached_pauses_the_channel(url: str, settings: Settings, database: Database) -> None:
    with pytest.raises(ChannelError) as refused:
        await channel(settings, database, local=False, url=url).send(message())
    assert (refused.value.permanent, refused.value.fault) == (False, Fault.CHANNEL)


@pytest.mark.parametrize("value", ['{{ "B%C3%A4cker" | url_decode }}', '{{ "a%0Ab" | url_decode }}'])
async def test_a_header_that_cannot_be_written_is_found_when_it_is_saved_and_pauses_the_channel(
    receiver: Receiver, settings: Settings, database: Database, judge: Judge, value: str
) -> None:
    given: dict[str, Any] = {"url": f"http://127.0.0.1:{receiver.port}/", "body": BODY, "headers": {"X-Sender": value}}
    errors = await judge_templates(judge, ORG, HttpConfig.model_validate(given))
    assert [each.field for each in errors] == ["config.headers.X-Sender"]
    with pytest.raises(ChannelError) as refused:
        await channel(settings, database, **given).send(message())
    assert (refused.value.permanent, refused.value.fault) == (False, Fault.CHANNEL)
    assert receiver.got == []


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("headers", {"headers": {"X-Sender": "Bäckerei"}}),
        ("token", {"token": "abc\n"}),
        ("token", {"token": " abc"}),
        ("token", {"token": "Schlüssel"}),
        ("password", {"user": "ada", "password": "abc\r\n"}),
        ("user", {"user": "a\x00", "password": "x"}),
        ("user", {"user": "\ud800", "password": "x"}),
        ("provider_id", {"answer": {"provider_id": "$['\x00']"}}),
        ("reason", {"answer": {"rules": [{"status": ["400"], "result": "refused", "reason": "a\x00"}]}}),
        ("one_of", {"answer": {"rules": [{"when": [{"path": "$.a", "one_of": ["\x00"]}], "result": "refused"}]}}),
    ],
)
def test_what_cannot_be_kept_or_sent_is_refused_by_the_name_of_its_field(field: str, given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        HttpConfig.model_validate({"url": "https://api.example.com/", "body": BODY, **given})
    assert [error["loc"][-1] for error in refused.value.errors()] == [field]


async def test_a_body_that_is_no_json_is_never_sent(receiver: Receiver, settings: Settings, database: Database) -> None:
    broken = channel(settings, database, url=f"http://127.0.0.1:{receiver.port}/", body='{"text": "{{ message.body }}"}')
    with pytest.raises(ChannelError, match="template") as refused:
        await broken.send(message())
    assert refused.value.permanent
    assert receiver.got == []


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"url": "ftp://api.example.com/"}, "https://"),
        ({"url": "https:///messages"}, "https://"),
        ({"url": "https://api.example.com:port/"}, "https://"),
        ({"url": "https://{{ token }}.example.com/"}, "merge fields"),
        ({"url": "https://user:secret@api.example.com/"}, "user"),
        ({"headers": {"Host": "x"}}, "Host is written for you"),
        ({"headers": {"Webhook-Id": "x"}}, "is written for you"),
        ({"headers": {"X Key": "x"}}, "name of a header"),
        ({"headers": {"X-Key": "a\r\nHost: b"}}, "line break"),
        ({"user": "u"}, "belong together"),
        ({"user": "u", "password": "p", "headers": {"authorization": "x"}}, "Authorization"),
        ({"signing_secret": "whsec_c2hvcnQ="}, "24 to 64 bytes"),
        ({"signing_secret": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, "whsec_"),
        ({"signing_secret": "whsec_\N{SNOWMAN}"}, "whsec_"),
        ({"callback_secret": "x"}, "belong together"),
        ({"callback": {"check": {"kind": "jwt"}}}, "belong together"),
        ({"callback": {"check": {"kind": "standard_webhooks"}}, "callback_secret": "x"}, "whsec_"),
        ({"answer": {"rules": [{"status": ["2xx"], "result": "accepted"}]}}, "200-299"),
        ({"answer": {"rules": [{"status": ["299-200"], "result": "accepted"}]}}, "200-299"),
        ({"answer": {"provider_id": "id"}}, r"\$\.messages"),
        ({"answer": {"rules": [{"when": [{"path": "$.a"}], "result": "accepted"}]}}, "one_of"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_what_to_write(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        HttpConfig.model_validate({"url": "https://api.example.com/", "body": BODY, **given})


async def test_each_template_is_judged_when_it_is_saved(judge: Judge) -> None:
    config = HttpConfig.model_validate(
        {
            "url": "https://api.example.com/{{ message.body }}",
            "body": json.dumps({"text": "{{ message.body }}"}),
            "headers": {"X-To": "{{ message.to_address }}", "X-Id": "{{ message.id }}"},
        }
    )
    errors = await judge_templates(judge, ORG, config)
    assert [each.field for each in errors] == ["config.url", "config.body", "config.headers.X-To"]


async def test_templates_that_take_too_long_fail_the_message_with_what_to_do(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_channel, "SECONDS", -1.0)
    dear = channel(settings, database, url="https://api.example.com/", body='{"text": {{ message.body | upcase | json }}}')
    with pytest.raises(ChannelError, match="take too long to fill in: write them shorter") as refused:
        await dear.send(message())
    assert refused.value.permanent


async def test_a_question_is_filled_in_beside_the_event_loop(
    receiver: Receiver, settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    def filled_in(source: str, values: Mapping[str, Any]) -> str:
        threads.append(threading.current_thread().name)
        return fill_in(source, values)

    monkeypatch.setattr(http_channel, "fill_in", filled_in)
    url = f"http://127.0.0.1:{receiver.port}/"
    asks = {"url": url, "found": [{"status": ["200"]}], "missing": [{"status": ["404"]}]}
    await channel(settings, database, url=url, find=asks, headers={"X-Id": "{{ message.id }}"}).find(message())
    assert len(threads) == 2
    assert all(each.startswith("http-channel") for each in threads)

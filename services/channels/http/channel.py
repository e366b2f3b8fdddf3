"""The http channel: any provider that takes a message by a POST. What is sent and what the answers mean are settings, so a
provider is added without code."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook

from models.base import new_id, now
from models.channels.channel import ChannelKind, Medium
from safe_errors import OwnWords
from services.channels.base import (
    CannotAsk,
    ChannelError,
    ChannelType,
    Check,
    Configured,
    Fault,
    Outgoing,
    Outside,
    Receipt,
    TestStep,
)
from services.channels.callback_address import callback_address
from services.channels.http.answers import UnclearAnswer, read_answer, read_found
from services.channels.http.config import HttpConfig
from services.channels.http.judge import judge_templates
from services.channels.http.templates import SECONDS, fill_in
from services.way_out.errors import NothingSent, RefusedAddress, Unreachable, UnwritableRequest, WayOutError
from services.way_out.way_out import WayOut
from settings import Settings
from tracking.templates.budget import together
from tracking.templates.template import TemplateError, TooMuch

CONTENT_TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}
TEST_TEXT = "This is a test of your channel."
TOO_SLOW = "The templates of the channel take too long to fill in: write them shorter."
CALLBACKS = "http"
"""The end of the address at which the provider reports to us."""

P = ParamSpec("P")
T = TypeVar("T")

_threads = ThreadPoolExecutor(2, "http-channel")
"""Filling in is work for the one core that Python uses. A channel of whoever wrote dear templates holds up no other thread."""


class HttpChannel:
    """Each message has a connection of its own. A kept one can be closed by the provider in the moment in which a message is
    sent on it, and then nobody knows whether it arrived."""

    def __init__(self, channel_id: UUID, config: HttpConfig, way_out: WayOut, settings: Settings) -> None:
        self._channel_id = channel_id
        self._config = config
        self._way_out = way_out
        self._callback_url = callback_address(settings, channel_id, CALLBACKS)

    async def send(self, message: Outgoing) -> Receipt:
        try:
            url, headers, body = await _apart(self._write, message)
        except TooMuch:
            raise ChannelError(
                "The templates of the channel take too long to fill in: write them shorter.", permanent=True
            ) from None
        except (TemplateError, ValueError):
            raise ChannelError("The message does not fit the template of the channel's body.", permanent=True) from None
        try:
            answer = await self._way_out.request("POST", url, headers, body)
        except UnwritableRequest as error:
            raise ChannelError(str(error), permanent=False, fault=Fault.CHANNEL) from None
        except RefusedAddress as error:
            raise ChannelError(str(error), permanent=False, fault=Fault.CHANNEL) from None
        except NothingSent as error:
            raise ChannelError(str(error), permanent=False, unreachable=isinstance(error, Unreachable)) from None
        return read_answer(answer, self._config.answer, message.message_id)

    async def find(self, message: Outgoing) -> Receipt | None:
        if self._config.find is None:
            raise CannotAsk
        url, headers = await _apart(self._write_question, self._config.find.url, message)
        answer = await self._way_out.request("GET", url, headers)
        return read_found(answer, self._config.find, message.message_id)

    async def test(self, to_address: str) -> Sequence[TestStep]:
        connected = await _step("connect", self._connect)
        if not connected.ok:
            return [connected]
        message = Outgoing(new_id(), self._channel_id, to_address, TEST_TEXT, TEST_TEXT)
        return [connected, await _step("send", partial(self._send_test, message))]

    async def check(self) -> Sequence[Check]:
        if self._config.callback is None:
            return []
        secure = self._callback_url.startswith("https://")
        detail = "Your provider reports to this address." if secure else "CALLBACK_URL has to be a public https address."
        return [Check("callback_address", ok=secure, detail=detail, publish=self._callback_url)]

    async def close(self) -> None: ...

    async def _connect(self) -> str:
        parts = urlsplit(self._config.url)
        secure = parts.scheme == "https"
        connection = await self._way_out.connect(parts.hostname or "", parts.port or (443 if secure else 80), secure=secure)
        connection.close()
        return "The provider's host can be reached."

    async def _send_test(self, message: Outgoing) -> str:
        try:
            receipt = await self.send(message)
        except (WayOutError, UnclearAnswer) as error:
            raise OwnWords(f"{error} Nobody knows whether the test message was sent.") from None
        return f"The provider has taken the test message as {receipt.provider_id}."

    def _write(self, message: Outgoing) -> tuple[str, dict[str, str], bytes]:
        """Returns the address, the headers and the body. Raises TemplateError, and ValueError when the body is not JSON."""
        values = self._values(message)
        body = fill_in(self._config.body, values)
        if self._config.body_format == "json":
            json.loads(body)
        headers = (
            self._headers(values)
            | {"Content-Type": CONTENT_TYPES[self._config.body_format]}
            | self._signature(message.message_id, body)
        )
        return fill_in(self._config.url, values), headers, body.encode()

    def _write_question(self, template: str, message: Outgoing) -> tuple[str, dict[str, str]]:
        values = self._values(message)
        return fill_in(template, values), self._headers(values)

    def _values(self, message: Outgoing) -> Mapping[str, Any]:
        channel = {"id": str(self._channel_id), "callback_url": self._callback_url}
        return {"message": message_fields(message), "channel": channel, "token": _text(self._config.token)}

    def _headers(self, values: Mapping[str, Any]) -> dict[str, str]:
        headers = {name: fill_in(value, values) for name, value in self._config.headers.items()}
        if self._config.user is not None:
            pair = f"{self._config.user}:{_text(self._config.password)}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        return headers

    def _signature(self, message_id: UUID, body: str) -> dict[str, str]:
        """The id is the message's, so that a receiver can drop a repeat."""
        if self._config.signing_secret is None:
            return {}
        at = now()
        signature = Webhook(_text(self._config.signing_secret)).sign(str(message_id), at, body)
        return {
            "webhook-id": str(message_id),
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature,
        }


def message_fields(message: Outgoing) -> dict[str, Any]:
    """Returns what templates may use as `message`. `seconds_left` is how long the message is worth delivering, at least 1."""
    left = None if message.late_after is None else max(1, int((message.late_after - now()).total_seconds()))
    return {
        "id": str(message.message_id),
        "to_address": message.to_address,
        "subject": message.subject,
        "body": message.body,
        "html": message.html,
        "kind": str(message.message_kind),
        "unsubscribe_url": message.unsubscribe_url,
        "late_after": message.late_after.isoformat() if message.late_after else None,
        "seconds_left": left,
    }


async def _apart(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Fills in templates beside the event loop, where they may take some time. All of one request share it."""
    return await asyncio.get_running_loop().run_in_executor(_threads, partial(_within_time, partial(work, *args, **kwargs)))


def _within_time(work: Callable[[], T]) -> T:
    with together(SECONDS):
        return work()


async def _step(name: str, work: Callable[[], Awaitable[str]]) -> TestStep:
    try:
        return TestStep(name, ok=True, detail=await work())
    except (ChannelError, OwnWords) as error:
        return TestStep(name, ok=False, error=str(error))


def _text(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def _open(configured: Configured, outside: Outside) -> HttpChannel:
    return HttpChannel(configured.id, configured.config, outside.way_out, outside.settings)


EXAMPLE = {
    "url": "https://api.example.com/messages",
    "body": '{"to": {{ message.to_address | json }}, "text": {{ message.body | json }}, "id": {{ message.id | json }}}',
    "headers": {"Authorization": "Bearer {{ token }}"},
    "token": "the-token-of-your-account",
    "answer": {"provider_id": "$.id"},
}
TYPE = ChannelType(ChannelKind.HTTP, frozenset(Medium), HttpConfig, _open, judge_templates, EXAMPLE)

"""Bounces that are posted: only with the channel's signature, and only about messages of that channel."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from api.callbacks.bounces import LARGEST
from api.callbacks.callbacks import WhyRefused
from api.handling.services import Services
from models.channels.channel import Channel, ChannelKind, channels_by_name
from models.messages.message import Message
from models.messages.report import ReportKind
from services.channels.configure import write_config
from services.channels.smtp.config import SmtpConfig
from tests.builders import Caller
from tests.sending import Sending
from tests.services.bounces import samples
from tracking.tokens.verp import MessageAddresses, TokenUse

SECRET = "a secret of sixteen letters"


class Pipe:
    """A mail server that posts what it receives. The channel that the API knows as `simulator-email` sends by SMTP here."""

    def __init__(self, client: httpx.AsyncClient, services: Services, channel_id: UUID, message: Message) -> None:
        self.services = services
        self.channel_id = channel_id
        self.message = message
        self._client = client
        to = MessageAddresses(services.settings.effective_token_keys).address(TokenUse.BOUNCE, message.id, "b@shop.example")
        fields = {"to": to, "sender": to, "message_id": "x@shop.example", "status": "5.1.1", "action": "failed"}
        self.mail = samples.POSTFIX.format(reply="550 5.1.1 User unknown", **fields).encode() + b"\xe4\xff"

    async def post(self, mail: bytes, secret: str | None = SECRET, channel_id: UUID | None = None) -> httpx.Response:
        signature = {"X-Linkwake-Signature": hmac.digest(secret.encode(), mail, hashlib.sha256).hex()} if secret else {}
        return await self._client.post(f"/callbacks/{channel_id or self.channel_id}/bounces", content=mail, headers=signature)


async def configure(services: Services, channel_id: UUID, config: Mapping[str, object]) -> None:
    async with services.database.transaction() as session:
        row = await session.get_one(Channel, channel_id)
        row.kind = ChannelKind.SMTP
        write_config(row, SmtpConfig.model_validate(config), services.secrets)


SETTINGS = {"host": "smtp.shop.example", "from_address": "hello@shop.example", "bounce_secret": SECRET}


@pytest.fixture
async def pipe(api: Caller, api_app: FastAPI, services: Services, sending: Sending) -> AsyncIterator[Pipe]:
    """`api` is there so that the application has its services."""
    await sending.contacts(email="ann@example.net")
    await sending.send_page(await sending.campaign(medium="email"))
    async with services.database.transaction() as session:
        channel = (await channels_by_name(session, sending.org_id))["simulator-email"]
    await configure(services, channel.id, SETTINGS)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(api_app, raise_app_exceptions=False), base_url="http://api.test"
    ) as client:
        yield Pipe(client, services, channel.id, await sending.message())


async def report(sending: Sending) -> str | None:
    return (await sending.message()).report


async def test_a_bounce_that_is_posted_takes_effect_once(pipe: Pipe, sending: Sending) -> None:
    answers = [await pipe.post(pipe.mail) for _ in range(2)]
    assert [(each.status_code, each.text) for each in answers] == [(200, "reported\n"), (200, "repeated\n")]
    assert await report(sending) == ReportKind.BOUNCED


@pytest.mark.parametrize("secret", [None, "another secret of letters"])
async def test_a_post_without_the_channels_signature_is_refused_and_counted(
    pipe: Pipe, sending: Sending, secret: str | None
) -> None:
    assert (await pipe.post(pipe.mail, secret)).status_code == 403
    assert pipe.services.callbacks.refused == {(ChannelKind.SMTP, WhyRefused.SIGNATURE): 1}
    assert await report(sending) is None


async def test_a_channel_without_a_secret_takes_none(pipe: Pipe, sending: Sending) -> None:
    await configure(pipe.services, pipe.channel_id, {**SETTINGS, "bounce_secret": None})
    assert (await pipe.post(pipe.mail, "")).status_code == 403
    assert await report(sending) is None


async def test_a_channel_that_does_not_exist_answers_as_one_with_another_secret(pipe: Pipe) -> None:
    unknown, wrong = await pipe.post(pipe.mail, channel_id=uuid4()), await pipe.post(pipe.mail, "another secret of letters")
    assert (unknown.status_code, unknown.json()["detail"]) == (wrong.status_code, wrong.json()["detail"])


async def test_a_mail_about_another_channels_message_is_ignored(pipe: Pipe, sending: Sending) -> None:
    async with pipe.services.database.transaction() as session:
        other = (await channels_by_name(session, sending.org_id))["simulator-sms"]
    await configure(pipe.services, other.id, SETTINGS)
    answer = await pipe.post(pipe.mail, channel_id=other.id)
    assert (answer.status_code, answer.text) == (200, "ignored\n")
    assert await report(sending) is None


async def test_a_mail_that_is_too_large_is_refused(pipe: Pipe) -> None:
    assert (await pipe.post(b"x" * (LARGEST + 1))).status_code == 413

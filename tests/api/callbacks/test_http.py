"""What the provider of an http channel tells is stored once, and nobody else can tell anything."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from api.callbacks.callbacks import MEMORY, UNPROVED_MEMORY, WhyRefused
from api.callbacks.http import LARGEST
from api.handling.services import Services
from api.http import body as bodies
from models.channels.channel import Channel, ChannelKind, Medium, channels_by_name
from models.database import Database
from models.inbound.inbound_message import InboundMeaning, InboundMessage
from models.messages.message import Message, MessageState
from models.messages.report import MessageReport
from models.organizations.organization import Organization
from services.channels.base import Outside
from services.channels.configure import read_config, write_config
from services.channels.http.channel import TYPE
from services.channels.http.config import HttpConfig
from services.way_out.errors import WayOutError
from services.way_out.way_out import WayOut
from tests.builders import Caller, is_problem
from tests.sending import Sending
from tests.services.channels.http.vonage import Vonage, inbound, signed, status_of
from tests.services.channels.kinds.base import Behaviour

ADA = "+447700900000"
SIGNATURE = (ChannelKind.HTTP, WhyRefused.SIGNATURE)
UNKNOWN = (ChannelKind.HTTP, WhyRefused.UNKNOWN_CHANNEL)


class VonageLine:
    """The channel that the API knows as `simulator-sms` has the settings of the worked example here, and sends to a stand-in."""

    def __init__(self, provider: Vonage, row: Channel, sending: Sending, client: httpx.AsyncClient) -> None:
        self.provider, self.row, self.sending, self.client = provider, row, sending, client

    async def sent(self) -> Message:
        (contact,) = await self.sending.contacts(phone=ADA)
        campaign = await self.sending.campaign("Hello", {"tags": [], "contact_ids": [str(contact.id)]})
        await self.sending.send_page(campaign)
        return await self.sending.message()

    async def tell(self, document: Any, headers: dict[str, str] | None = None, channel_id: UUID | None = None) -> httpx.Response:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        address = f"http://127.0.0.1:8000/callbacks/{channel_id or self.row.id}/http"
        return await self.client.post(address, content=body, headers=signed(body) if headers is None else headers)


@pytest.fixture
async def vonage(
    api: Caller, api_app: FastAPI, services: Services, database: Database, organization: tuple[Organization, str]
) -> AsyncIterator[VonageLine]:
    """`api` is there so that the application has its services, which may reach this machine."""
    outside = Outside(database, WayOut(local=True), services.settings)
    object.__setattr__(services, "outside", outside)
    provider = Vonage()
    await provider.start()
    transport = httpx.ASGITransport(api_app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport) as client:
        async with database.transaction() as session:
            row = (await channels_by_name(session, organization[0].id))["simulator-sms"]
            row.kind, row.medium = ChannelKind.HTTP, Medium.SMS
            write_config(row, HttpConfig.model_validate(provider.config), services.secrets)
        channel = TYPE.open(read_config(row, services.secrets), outside)
        yield VonageLine(provider, row, Sending(database, organization[0], channel), client)
    await provider.stop()


async def all_of(database: Database, table: Any) -> Sequence[Any]:
    async with database.transaction() as session:
        return list(await session.scalars(select(table).order_by(table.id)))


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer x.y.z"}, {"Authorization": ""}, signed(b"another body"), signed(b"{}", "another secret" * 4)],
)
async def test_a_callback_without_the_right_proof_changes_nothing(
    vonage: VonageLine, services: Services, database: Database, headers: dict[str, str]
) -> None:
    message = await vonage.sent()
    answer = await vonage.tell(status_of(vonage.provider.messages[0], "delivered"), headers)
    assert is_problem(answer, 403, "callback_refused")
    assert (await vonage.sending.message()).report == message.report
    assert await all_of(database, MessageReport) == []
    assert services.callbacks.refused[SIGNATURE] == 1


async def test_a_channel_that_is_unknown_or_takes_no_callbacks_answers_in_the_same_way(
    vonage: VonageLine, services: Services, database: Database
) -> None:
    unknown = await vonage.tell({}, channel_id=uuid4())
    async with database.transaction() as session:
        row = await session.merge(vonage.row)
        without = {key: value for key, value in vonage.provider.config.items() if not key.startswith("callback")}
        write_config(row, HttpConfig.model_validate(without), services.secrets)
    silent = await vonage.tell({})
    assert (unknown.status_code, unknown.json()["detail"]) == (silent.status_code, silent.json()["detail"])
    assert unknown.status_code == 403
    assert (services.callbacks.refused[UNKNOWN], services.callbacks.refused[SIGNATURE]) == (1, 1)


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 10_000])
async def test_a_signed_body_that_cannot_be_read_is_refused(vonage: VonageLine, body: bytes) -> None:
    assert is_problem(await vonage.tell(body), 422, "invalid")


async def test_a_body_that_is_too_large_is_refused(vonage: VonageLine) -> None:
    assert is_problem(await vonage.tell(b" " * (LARGEST + 1)), 413, "too_large")


@pytest.mark.parametrize("arrived", [0, LARGEST - 1])
async def test_bodies_that_hang_and_prove_nothing_keep_nobodys_callbacks_out(
    vonage: VonageLine, database: Database, arrived: int
) -> None:
    await vonage.sent()
    begun = asyncio.Semaphore(0)

    async def hangs() -> AsyncIterator[bytes]:
        yield b" " * arrived
        begun.release()
        await asyncio.Event().wait()

    def hanging() -> Coroutine[Any, Any, httpx.Response]:
        address = f"http://127.0.0.1:8000/callbacks/{vonage.row.id}/http"
        return vonage.client.post(address, content=hangs(), headers={"Content-Length": str(LARGEST)})

    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(hanging()) for _ in range(8)]
        for _ in waiting:
            await begun.acquire()
        assert (await vonage.tell(inbound("STOP"))).status_code == 200
        for each in waiting:
            each.cancel()
    assert [each.meaning for each in await all_of(database, InboundMessage)] == [InboundMeaning.STOP]


async def test_whoever_sends_much_through_our_proxy_keeps_nobody_out_who_comes_through_it_as_well(
    vonage: VonageLine, services: Services
) -> None:
    with services.callbacks.unproved_memory.share("203.0.113.9") as share:
        share.take(UNPROVED_MEMORY)
        for client, status in (("203.0.113.9", 429), ("81.2.69.160", 403)):
            answer = await vonage.tell(b" " * (bodies.UNCOUNTED + 1), {"X-Forwarded-For": client})
            assert answer.status_code == status


async def test_a_body_that_does_not_come_is_waited_for_a_short_time(vonage: VonageLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "UNPROVED_PATIENCE", 0)

    async def hangs() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    answer = await vonage.client.post(f"http://127.0.0.1:8000/callbacks/{vonage.row.id}/http", content=hangs())
    assert is_problem(answer, 408, "request_timeout")


async def test_proved_bodies_use_the_memory_of_their_organization(vonage: VonageLine, services: Services) -> None:
    with services.callbacks.memory.share(vonage.row.org_id) as share:
        share.take(MEMORY)
        assert is_problem(await vonage.tell(inbound("STOP")), 429, "too_many_requests")
    assert (await vonage.tell(inbound("STOP"))).status_code == 200
    assert services.callbacks.unproved_memory._taken_by == services.callbacks.memory._taken_by == {}


async def test_reports_count_once_in_any_order_and_number(vonage: VonageLine, database: Database) -> None:
    await vonage.sent()
    (taken,) = vonage.provider.messages
    for status in ("delivered", "submitted", "delivered", "submitted", "read"):
        assert (await vonage.tell(status_of(taken, status))).status_code == 200
    message = await vonage.sending.message()
    assert (message.state, message.report) == (MessageState.ACCEPTED, "delivered")
    assert sorted(each.kind for each in await all_of(database, MessageReport)) == ["delivered", "delivered", "sent"]


async def test_an_opt_out_counts_beside_an_event_that_cannot_be_applied(
    vonage: VonageLine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> int:
        raise ValueError

    monkeypatch.setattr("api.callbacks.http.apply_reports", broken)
    assert (await vonage.tell(inbound("STOP"))).status_code == 500
    assert [each.meaning for each in await all_of(database, InboundMessage)] == [InboundMeaning.STOP]


async def test_a_message_whose_answer_was_lost_is_known_again_by_its_report(vonage: VonageLine) -> None:
    await vonage.provider.behave(Behaviour.LOSES_THE_ANSWER)
    with pytest.raises(WayOutError):
        await vonage.sent()
    assert (await vonage.sending.message()).state == MessageState.SENDING
    (taken,) = vonage.provider.messages
    await vonage.tell(status_of(taken, "rejected", error={"title": 1240}))
    message = await vonage.sending.message()
    assert (message.state, message.report, message.report_code) == (MessageState.ACCEPTED, "failed", "1240")


async def test_a_report_of_another_organizations_message_changes_nothing(vonage: VonageLine, database: Database) -> None:
    await vonage.sent()
    foreign = status_of(vonage.provider.messages[0], "delivered", client_ref=str(uuid4()), message_uuid=str(uuid4()))
    assert (await vonage.tell(foreign)).status_code == 200
    assert await all_of(database, MessageReport) == []


async def test_stop_opts_out_and_is_confirmed_once_by_the_channel(vonage: VonageLine, database: Database) -> None:
    await vonage.sent()
    stop = inbound("Stop.")
    for _ in range(3):
        assert (await vonage.tell(stop)).status_code == 200
    (row,) = await all_of(database, InboundMessage)
    assert (row.from_address, row.meaning) == (ADA, InboundMeaning.STOP)
    first, confirmation = vonage.provider.messages
    assert confirmation["to"] == ADA[1:]
    assert confirmation["text"] != first["text"]


async def test_a_provider_that_is_away_does_not_undo_an_opt_out(vonage: VonageLine, database: Database) -> None:
    await vonage.sent()
    await vonage.provider.behave(Behaviour.IS_AWAY)
    assert (await vonage.tell(inbound("STOP"))).status_code == 200
    assert len(await all_of(database, InboundMessage)) == 1

"""What the provider of an http channel tells us, read as the channel's settings say: reports, and what people wrote."""

import asyncio
from functools import partial
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response
from starlette.background import BackgroundTasks

from api.callbacks.taking import Callback, taken
from api.handling.request import ServicesDep
from api.handling.services import Services
from models.base import new_id
from models.channels.channel import ChannelKind
from models.errors import Invalid
from models.messages.message import MessageKind
from safe_errors import describe
from services.channels.base import Outgoing
from services.channels.configure import read_config
from services.channels.http.callbacks import Told, Unreadable, read_callback
from services.channels.http.channel import TYPE
from services.channels.http.config import CallbackMapping
from services.inbound.receive import Inbound, receive
from services.provider_reports.apply import apply_reports

router = APIRouter(prefix="/callbacks/{channel_id}/http", include_in_schema=False)

LARGEST = 2**20
"""Bytes of a callback. Some providers put hundreds of events into one."""

log = structlog.get_logger()


@router.post("")
async def events(request: Request, services: ServicesDep, channel_id: UUID) -> Response:
    """It is answered once everything that follows is stored, however often and in whatever order the events come."""
    async with taken(request, services, channel_id, ChannelKind.HTTP, LARGEST) as callback:
        mapping = _proved(request, callback)
        answers = BackgroundTasks()
        async with callback.turn():
            told = await _told(request, callback, mapping)
            for inbound in told.inbound:  # an opt-out comes before everything that could fail
                received = await receive(services.database, callback.channel, inbound, services.commands)
                if received.answer is not None:
                    answers.add_task(partial(_confirm, services, callback, inbound, received.answer))
            await apply_reports(services.database, told.reports, services.commands)
    return Response(background=answers)


def _proved(request: Request, callback: Callback) -> CallbackMapping:
    """Raises CallbackRefused, also when the channel takes no callbacks."""
    config = callback.config
    if config.callback is None or not config.callback.check.holds(_Received(request, callback.body), _secret(callback)):
        raise callback.refusal()
    mapping: CallbackMapping = config.callback
    return mapping


async def _told(request: Request, callback: Callback, mapping: CallbackMapping) -> Told:
    """Reads in a thread, because a thousand events can each be asked a thousand conditions. Raises Invalid."""
    kind = request.headers.get("content-type", "")
    try:
        return await asyncio.to_thread(read_callback, callback.channel, mapping, kind, callback.body)
    except Unreadable as error:
        raise Invalid.field("body", str(error)) from None


class _Received:
    """A request as the checks look at it."""

    def __init__(self, request: Request, body: bytes) -> None:
        self.headers = request.headers
        self.query = request.query_params
        self.body = body


def _secret(callback: Callback) -> str:
    return str(callback.config.callback_secret.get_secret_value())


async def _confirm(services: Services, callback: Callback, inbound: Inbound, text: str) -> None:
    """Sends the one confirmation of a word such as STOP by the channel itself, after the provider has its answer. It is tried
    once: the opt-out holds in any case."""
    row = callback.channel
    channel = TYPE.open(read_config(row, services.secrets), services.outside)
    message = Outgoing(
        new_id(), row.id, inbound.from_address, None, text, org_id=row.org_id, message_kind=MessageKind.TRANSACTIONAL
    )
    try:
        await channel.send(message)
    except Exception as error:  # whatever the provider does, nothing else depends on it
        log.warning("a confirmation was not sent", channel_id=str(row.id), error=describe(error))
    finally:
        await channel.close()

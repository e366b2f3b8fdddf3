"""What Twilio tells us: what became of messages, and what people wrote to our numbers.

Both are forms, which Twilio signs with the account's auth token over the address that it calls. That address is the one that we
gave it, from the settings and never from the request.
"""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.callbacks.taking import Callback, taken
from api.handling.request import ServicesDep
from models.channels.channel import ChannelKind
from models.errors import Invalid
from models.inbound.inbound_message import InboundMeaning
from services.channels.twilio.channel import RETRIES
from services.channels.twilio.reports import read_status
from services.channels.twilio.signature import HEADER, is_signed
from services.channels.twilio.twiml import MEDIA_TYPE, twiml
from services.inbound.receive import Inbound, receive
from services.provider_reports.apply import apply_reports

router = APIRouter(prefix="/callbacks/{channel_id}/twilio", include_in_schema=False)

LARGEST = 64 * 1024
"""Bytes of a form. A text message has at most 1,600 characters."""
OPT_OUT_TYPES = {"STOP": InboundMeaning.STOP, "START": InboundMeaning.START, "HELP": InboundMeaning.HELP}
"""What Twilio has read in the text and answered, where Advanced Opt-Out is on for the Messaging Service."""


@router.post("/status/{message_id}")
async def status(request: Request, services: ServicesDep, channel_id: UUID, message_id: UUID) -> Response:
    """It is answered once the report is stored, however often and in whatever order the statuses come."""
    async with taken(request, services, channel_id, ChannelKind.TWILIO, LARGEST) as callback:
        fields = _proved(request, callback, f"twilio/status/{message_id}")
        report = read_status(callback.channel, message_id, fields)
        if report is not None:
            async with callback.turn():
                await apply_reports(services.database, [report], services.commands)
    return Response(status_code=204)


@router.post("/inbound")
async def inbound(request: Request, services: ServicesDep, channel_id: UUID) -> Response:
    """It is answered with the text that Twilio sends back, if there is one, once everything that follows is stored."""
    async with taken(request, services, channel_id, ChannelKind.TWILIO, LARGEST) as callback:
        message = _read_inbound(_proved(request, callback, "twilio/inbound"))
        async with callback.turn():
            received = await receive(services.database, callback.channel, message, services.commands)
    return Response(twiml(received.answer), media_type=MEDIA_TYPE)


def _proved(request: Request, callback: Callback, rest: str) -> dict[str, str]:
    """Returns the fields of a form that Twilio has signed. Raises CallbackRefused.

    Twilio takes the fragment of an address for itself. Whether it signs it as well is not documented, so both count.
    """
    fields, address = callback.form(), callback.address(rest)
    token, signature = callback.config.auth_token.get_secret_value(), request.headers.get(HEADER, "")
    if not any(is_signed(token, each, fields, signature) for each in (address, f"{address}#{RETRIES}")):
        raise callback.refusal()
    return dict(fields)


def _read_inbound(fields: dict[str, str]) -> Inbound:
    sender, name = fields.get("From", ""), fields.get("MessageSid", "")
    if not sender or not name:
        raise Invalid.field("body", "An inbound message has a From and a MessageSid.")
    meaning = OPT_OUT_TYPES.get(fields.get("OptOutType", ""))
    return Inbound(sender, fields.get("To"), fields.get("Body", ""), name, meaning=meaning)

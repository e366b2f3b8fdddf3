"""Bounces of an smtp channel that somebody else has received and posts to us, such as a mail server's pipe: the mail as it is."""

import hashlib
import hmac
from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.callbacks.taking import Callback, taken
from api.handling.request import ServicesDep
from models.channels.channel import ChannelKind
from services.bounces.take_mail import MailTaker
from tracking.tokens.verp import MessageAddresses

router = APIRouter(prefix="/callbacks/{channel_id}/bounces", include_in_schema=False)

LARGEST = 2 * 2**20
"""Bytes of a mail."""
HEADER = "x-linkwake-signature"


@router.post("")
async def take(request: Request, services: ServicesDep, channel_id: UUID) -> Response:
    """It is answered once what the mail says is stored. A mail that comes again counts once, so a signature needs no time. Only
    mails about messages of this channel are believed."""
    async with taken(request, services, channel_id, ChannelKind.SMTP, LARGEST) as callback:
        if not _is_signed(request, callback):
            raise callback.refusal()
        taker = MailTaker(services.database, MessageAddresses(services.settings.effective_token_keys), services.commands)
        async with callback.turn():
            outcome = await taker.take(callback.body, channel_id=channel_id)
    return Response(outcome.value + "\n", media_type="text/plain")


def _is_signed(request: Request, callback: Callback) -> bool:
    """Whether the header has the HMAC of the body with the channel's `bounce_secret`, in hexadecimal digits."""
    secret = callback.config.bounce_secret
    if secret is None:
        return False
    expected = hmac.digest(secret.get_secret_value().encode(), callback.body, hashlib.sha256).hex()
    return hmac.compare_digest(request.headers.get(HEADER, "").encode(), expected.encode())

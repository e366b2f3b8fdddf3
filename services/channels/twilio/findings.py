"""What Twilio has on file about a channel: does its sender exist, and where does Twilio hand over what people answer?"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from services.channels.base import Check
from services.channels.twilio.api import TwilioApi, UnexpectedAnswer
from services.channels.twilio.config import TwilioConfig
from services.way_out.errors import WayOutError


async def look(api: TwilioApi, config: TwilioConfig, inbound: str) -> Sequence[Check]:
    """`inbound` is our address for inbound messages."""
    return [_reachable(inbound), *await _sender(api, config, inbound)]


def _reachable(inbound: str) -> Check:
    if urlsplit(inbound).scheme == "https":
        return Check("callbacks", ok=True, detail="Twilio reports to an https address.")
    return Check(
        "callbacks",
        ok=False,
        detail="Twilio can neither report what becomes of messages nor hand over answers: set CALLBACK_URL to a public https "
        "address.",
    )


async def _sender(api: TwilioApi, config: TwilioConfig, inbound: str) -> Sequence[Check]:
    """A short code or a name cannot be looked up, and a name gets no answers."""
    try:
        if config.messaging_service_sid is not None:
            service = await api.messaging_service(config.messaging_service_sid)
            return _of(service, "messaging_service_sid", "inbound_request_url", inbound)
        if config.from_address is not None and config.from_address.startswith("+"):
            return _of(await api.number(config.from_address), "from_address", "sms_url", inbound)
    except (WayOutError, UnexpectedAnswer) as error:
        return [Check("sender", ok=False, detail=str(error))]
    return []


def _of(found: dict[str, Any] | None, setting: str, url: str, inbound: str) -> Sequence[Check]:
    if found is None:
        return [Check("sender", ok=False, detail=f"Twilio's account does not have it: correct {setting}.")]
    sender = Check("sender", ok=True, detail="Twilio's account has it.")
    if found.get(url) == inbound:
        return [sender, Check("inbound", ok=True, detail="Twilio hands inbound messages over to this channel.")]
    detail = (
        "Twilio hands inbound messages over to another address, or to none: set this one as its webhook for incoming messages."
    )
    return [sender, Check("inbound", ok=False, detail=detail, publish=inbound)]

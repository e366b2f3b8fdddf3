"""SMS by Twilio's Messages API.

A message that Twilio has taken waits in Twilio's own queue for its sender's turn, for at most ten hours. `ValidityPeriod` tells
Twilio when it is not worth sending any more. Twilio reports what becomes of it to `StatusCallback`, whose address names our
message, so that a message whose answer was lost is known again by its first report (`api/callbacks/twilio.py`).
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

from models.base import new_id, now
from models.channels.channel import ChannelKind, Medium
from models.messages.provider_ids import names_of_others
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
from services.channels.twilio.api import TwilioApi, segments
from services.channels.twilio.config import TwilioConfig
from services.channels.twilio.errors import Uncertain, refusal
from services.channels.twilio.findings import look
from services.channels.twilio.trial import run_test
from services.way_out.errors import NothingSent, RefusedAddress, Unreachable
from tracking.links.segments import count_segments

LONGEST_VALIDITY = timedelta(hours=10)
"""The longest time for which Twilio keeps a message in its queue. Without a ValidityPeriod it is this as well."""

RETRIES = "rc=5&rp=all"
"""Asks Twilio to report again up to five times when we cannot be reached, or answer with an error. It is the address's fragment
(https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides), which is not sent."""


class Twilio:
    def __init__(self, configured: Configured, outside: Outside, clock: Callable[[], datetime] = now) -> None:
        self._id, self._name = configured.id, configured.name
        self._config: TwilioConfig = configured.config
        self._outside = outside
        self._clock = clock
        self._api = TwilioApi(self._config, outside.way_out)

    async def send(self, message: Outgoing) -> Receipt:
        try:
            answered = await self._api.create_message(self._form(message))
        except RefusedAddress as error:
            raise ChannelError(str(error), permanent=False, fault=Fault.CHANNEL) from None
        except NothingSent as error:
            raise ChannelError(str(error), permanent=False, unreachable=isinstance(error, Unreachable)) from None
        if not answered.succeeded:
            raise refusal(answered.status, answered.number, answered.retry_after)
        sid = answered.body.get("sid")
        if not isinstance(sid, str) or not sid:
            raise Uncertain("Twilio's answer has no name for the message.")
        return Receipt(sid, segments(answered.body) or count_segments(message.body).segments)

    def _form(self, message: Outgoing) -> list[tuple[str, str]]:
        config = self._config
        sender = ("From", config.from_address) if config.from_address else ("MessagingServiceSid", config.messaging_service_sid)
        validity = self._validity(message)
        report_to = self._report_to(message)
        fields = (("To", message.to_address), sender, ("Body", message.body), validity, report_to)
        return [(each[0], each[1] or "") for each in fields if each is not None]

    def _validity(self, message: Outgoing) -> tuple[str, str] | None:
        """Twilio takes whole seconds from 1 second to 10 hours."""
        if message.late_after is None:
            return None
        left = min(message.late_after - self._clock(), LONGEST_VALIDITY)
        if left < timedelta(seconds=1):
            raise ChannelError("It was not worth sending any more.", permanent=True)
        return "ValidityPeriod", str(int(left.total_seconds()))

    def _report_to(self, message: Outgoing) -> tuple[str, str] | None:
        """Without an address that Twilio can reach, it reports nothing, because it refuses messages with any other."""
        address = self._callback(f"status/{message.message_id}")
        reachable = urlsplit(address).scheme == "https" or self._outside.way_out.local
        return ("StatusCallback", f"{address}#{RETRIES}") if reachable else None

    def _callback(self, rest: str) -> str:
        return callback_address(self._outside.settings, self._id, f"twilio/{rest}")

    async def find(self, message: Outgoing) -> Receipt | None:
        """A message of the list that has the same number and text, and belongs to no other message of ours, was taken. That none
        is listed proves nothing, because Twilio does not promise that a new message is in the list at once."""
        found = [each for each in await self._api.messages_to(message.to_address) if each.body.strip() == message.body.strip()]
        async with self._outside.database.statement() as session:
            others = await names_of_others(session, self._id, message.message_id, [each.sid for each in found])
        ours = next((each for each in found if each.sid not in others), None)
        if ours is None:
            raise CannotAsk
        return Receipt(ours.sid, ours.segments or count_segments(message.body).segments)

    async def test(self, to_address: str) -> Sequence[TestStep]:
        text = f"This is a test of your channel {self._name}."
        return await run_test(self._api, partial(self.send, Outgoing(new_id(), self._id, to_address, None, text)))

    async def check(self) -> Sequence[Check]:
        return await look(self._api, self._config, self._callback("inbound"))

    async def close(self) -> None:
        """Nothing is kept open: each request has a connection of its own."""


EXAMPLE = {
    "account_sid": "AC0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
    "auth_token": "the-auth-token-of-your-account",
    "from_address": "+15005550006",
}
TYPE = ChannelType(ChannelKind.TWILIO, frozenset({Medium.SMS}), TwilioConfig, Twilio, example=EXAMPLE)

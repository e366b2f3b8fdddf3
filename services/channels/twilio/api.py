"""Requests to Twilio's API and what its answers say. The API is described at https://www.twilio.com/docs/messaging/api."""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from safe_errors import OwnWords
from services.channels.twilio.config import TwilioConfig
from services.way_out.way_out import Answer, WayOut

MOST_LISTED = 20
"""Messages in one list: about 1.5 KB each, of the 64 KB of an answer that are read."""


class UnexpectedAnswer(OwnWords):
    """Twilio answered a question with something else than its answer."""


@dataclass(frozen=True)
class Answered:
    """`number` is Twilio's error code, and `retry_after` what it asks us to wait; both are None when it says nothing of them."""

    status: int
    body: dict[str, Any]
    number: int | None = None
    retry_after: timedelta | None = None

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Listed:
    """A message that Twilio has. `segments` is 0 as long as Twilio does not know."""

    sid: str
    body: str
    segments: int


class TwilioApi:
    def __init__(self, config: TwilioConfig, way_out: WayOut) -> None:
        self._base = config.api_url
        self._messaging = config.api_url.replace("https://api.", "https://messaging.", 1)
        self._account = f"{config.api_url}/2010-04-01/Accounts/{config.account_sid}"
        self._authorization = f"Basic {b64encode(':'.join(config.credentials).encode()).decode()}"
        self._way_out = way_out

    async def create_message(self, fields: Sequence[tuple[str, str]]) -> Answered:
        """Raises NothingSent, or any other WayOutError when the message may have been taken."""
        return await self._request("POST", f"{self._account}/Messages.json", urlencode(fields).encode())

    async def account(self) -> Answered:
        return await self._request("GET", f"{self._account}.json")

    async def messages_to(self, address: str) -> Sequence[Listed]:
        """Returns the newest messages to this number, the newest first. Raises WayOutError or UnexpectedAnswer."""
        query = urlencode({"To": address, "PageSize": MOST_LISTED})
        answered = await self._request("GET", f"{self._account}/Messages.json?{query}")
        found = answered.body.get("messages")
        if not answered.succeeded or not isinstance(found, list):
            raise UnexpectedAnswer(f"Twilio answered {answered.status} when it was asked for a message.")
        return [Listed(each["sid"], each.get("body") or "", segments(each)) for each in found]

    async def number(self, address: str) -> dict[str, Any] | None:
        """Returns Twilio's settings of a number of this account, or None when the account has no such number."""
        query = urlencode({"PhoneNumber": address})
        answered = await self._request("GET", f"{self._account}/IncomingPhoneNumbers.json?{query}")
        found = answered.body.get("incoming_phone_numbers")
        if not answered.succeeded or not isinstance(found, list):
            raise UnexpectedAnswer(f"Twilio answered {answered.status} when it was asked for the sender.")
        return next((dict(each) for each in found if each.get("phone_number") == address), None)

    async def messaging_service(self, sid: str) -> dict[str, Any] | None:
        """Returns Twilio's settings of a Messaging Service, or None when there is none."""
        answered = await self._request("GET", f"{self._messaging}/v1/Services/{sid}")
        if answered.status == 404:
            return None
        if not answered.succeeded:
            raise UnexpectedAnswer(f"Twilio answered {answered.status} when it was asked for the Messaging Service.")
        return answered.body

    async def _request(self, method: str, url: str, form: bytes = b"") -> Answered:
        headers = {"Authorization": self._authorization, "Accept": "application/json"}
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        return _read(await self._way_out.request(method, url, headers, form))


def segments(message: dict[str, Any]) -> int:
    """Returns how many segments Twilio counts, which it writes as text, or 0 when it does not know yet."""
    text = str(message.get("num_segments") or "")
    return int(text) if text.isascii() and text.isdecimal() else 0


def _read(answer: Answer) -> Answered:
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    number = body.get("code") if not 200 <= answer.status < 300 else None
    return Answered(answer.status, body, number if isinstance(number, int) else None, _retry_after(answer))


def _retry_after(answer: Answer) -> timedelta | None:
    """Twilio writes seconds."""
    text = next((value for name, value in answer.headers if name.lower() == "retry-after"), "")
    return timedelta(seconds=min(int(text[:9]), 86_400)) if text.isascii() and text.isdecimal() else None

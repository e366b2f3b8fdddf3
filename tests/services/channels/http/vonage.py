"""Vonage's Messages API as far as the worked example uses it: sending an SMS, and signed webhooks.

Its answers and callbacks are those of https://developer.vonage.com/en/api/messages and
https://developer.vonage.com/en/messages/concepts/messages-status-callbacks.
"""

import base64
import hashlib
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import jwt

from drills.providers.http_server import Request, Response
from tests.services.channels.http.providers import ProviderServer, answer, example
from tests.services.channels.kinds.base import Behaviour, Received

API_KEY, API_SECRET = "a1b2c3d4", "the-secret-of-the-api"
SIGNATURE_SECRET = "the-secret-with-which-callbacks-are-signed"
ERRORS = "https://developer.vonage.com/api-errors"
REFUSALS: dict[Behaviour, tuple[int, str, str, dict[str, str]]] = {
    Behaviour.REFUSES_FOR_GOOD: (422, f"{ERRORS}/messages#1150", "Invalid params", {}),
    Behaviour.REFUSES_THE_ADDRESS: (422, f"{ERRORS}/messages#1050", "Number barred", {}),
    Behaviour.REFUSES_US: (402, f"{ERRORS}#low-balance", "Low balance", {}),
    Behaviour.REFUSES_FOR_NOW: (429, f"{ERRORS}/messages#1000", "Throttled", {"Retry-After": "7"}),
}


class Vonage(ProviderServer):
    to_address = "+447700900000"
    secrets: Sequence[str] = (API_SECRET, SIGNATURE_SECRET)

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []

    async def start(self) -> None:
        await super().start()
        found = example("Vonage")
        secrets = {"user": API_KEY, "password": API_SECRET, "callback_secret": SIGNATURE_SECRET}
        self.config = found | {"url": self.here(found["url"])} | secrets

    def refusal(self, request: Request) -> Response | None:
        pair = base64.b64encode(f"{API_KEY}:{API_SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {pair}":
            return answer(401, {"type": f"{ERRORS}#unauthorized", "title": "Unauthorized"})
        if self.how in REFUSALS:
            status, kind, title, headers = REFUSALS[self.how]
            return answer(status, {"type": kind, "title": title, "detail": "…", "instance": str(uuid4())}, **headers)
        return None

    def take(self, request: Request) -> Response:
        message = json.loads(request.body) | {"message_uuid": str(uuid4())}
        assert (request.method, request.path) == ("POST", "/v1/messages")
        assert (message["channel"], message["message_type"]) == ("sms", "text")
        assert message["to"].isdecimal()
        self.messages.append(message)
        self.taken.append(Received(f"+{message['to']}", message["text"], UUID(message["client_ref"])))
        return answer(202, {"message_uuid": message["message_uuid"]})


def status_of(message: dict[str, Any], status: str, **more: Any) -> dict[str, Any]:
    """Returns the callback about a message that Vonage has taken."""
    known = {name: message[name] for name in ("message_uuid", "to", "from", "channel", "client_ref")}
    return known | {"timestamp": "2026-01-01T12:00:00.000Z", "status": status} | more


def inbound(text: str, at: str | None = None) -> dict[str, Any]:
    return {
        "channel": "sms",
        "message_uuid": str(uuid4()),
        "to": "447700900001",
        "from": "447700900000",
        "timestamp": at or datetime.now(UTC).isoformat(),
        "message_type": "text",
        "text": text,
        "sms": {"num_messages": "1"},
    }


def signed(body: bytes, secret: str = SIGNATURE_SECRET, **claims: Any) -> dict[str, str]:
    """Returns the headers with which Vonage signs a callback."""
    stated = {"iat": int(time.time()), "jti": str(uuid4()), "iss": "Vonage", "api_key": API_KEY}
    stated |= {"payload_hash": hashlib.sha256(body).hexdigest(), **claims}
    token = jwt.encode(stated, secret, algorithm="HS256")
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

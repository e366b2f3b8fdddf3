"""Postmark's API as far as the worked example uses it: sending a single mail and searching for it.

Its answers are those of https://postmarkapp.com/developer/api/overview and /api/email-api.
"""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from drills.providers.http_server import Request, Response
from tests.services.channels.http.providers import ProviderServer, answer, example
from tests.services.channels.kinds.base import Behaviour, Received

TOKEN = "5d7f1c54-0000-4000-8000-7c1b6f7d9a11"
REFUSALS: dict[Behaviour, tuple[int, int, str]] = {
    Behaviour.REFUSES_FOR_GOOD: (422, 300, "Error parsing 'From': illegal email address."),
    Behaviour.REFUSES_THE_ADDRESS: (
        422,
        406,
        "You tried to send to recipients that are marked as inactive: ada@example.com.",
    ),
    Behaviour.REFUSES_US: (422, 400, "The 'From' address you supplied is not a Sender Signature on your account."),
    Behaviour.REFUSES_FOR_NOW: (429, 429, "Rate limit exceeded."),
}


class Postmark(ProviderServer):
    to_address = "ada@example.com"
    secrets: Sequence[str] = (TOKEN, "the-password-of-callbacks")

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[dict[str, Any]] = []

    async def start(self) -> None:
        await super().start()
        found = example("Postmark")
        found |= {"url": self.here(found["url"]), "token": TOKEN, "callback_secret": self.secrets[1]}
        self.config = found | {"find": found["find"] | {"url": self.here(found["find"]["url"])}}

    def refusal(self, request: Request) -> Response | None:
        if request.headers.get("x-postmark-server-token") != TOKEN:
            return answer(401, {"ErrorCode": 10, "Message": "The Server Token you provided is not valid."})
        if self.how in REFUSALS:
            status, code, text = REFUSALS[self.how]
            return answer(status, {"ErrorCode": code, "Message": text})
        return None

    def take(self, request: Request) -> Response:
        if (request.method, request.path) == ("GET", "/messages/outbound"):
            wanted = request.query["metadata_linkwake"]
            mails = [mail for mail in self.mails if mail["Metadata"]["linkwake"] == wanted]
            return answer(200, {"TotalCount": len(mails), "Messages": [{"MessageID": mail["MessageID"]} for mail in mails]})
        if (request.method, request.path) != ("POST", "/email"):
            return answer(404, {"ErrorCode": 404, "Message": "Not found"})
        mail = json.loads(request.body) | {"MessageID": str(uuid4())}
        self.mails.append(mail)
        self.taken.append(Received(mail["To"], mail["TextBody"], UUID(mail["Metadata"]["linkwake"])))
        told = {"To": mail["To"], "SubmittedAt": "2026-01-01T12:00:00.0000000-05:00", "MessageID": mail["MessageID"]}
        return answer(200, told | {"ErrorCode": 0, "Message": "OK"})

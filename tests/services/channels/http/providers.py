"""What the stand-ins of providers share: a server that behaves as a test wants, and the settings of the worked examples in
`docs/channels.md`, which are thereby tested as they stand there."""

import json
import re
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from drills.providers.http_server import HttpServer, Request, Response
from tests.services.channels.kinds.base import Behaviour, Received

DOCS = Path(__file__).parents[4] / "docs" / "channels.md"


def example(name: str) -> dict[str, Any]:
    """Returns the settings of a worked example: the JSON in the section of that name."""
    section = DOCS.read_text().partition(f"\n#### {name}\n")[2]
    found = re.search(r"```json\n(.*?)```", section, re.DOTALL)
    assert found, f"docs/channels.md has no example {name}"
    return dict(json.loads(found[1]))


class ProviderServer:
    """A provider on this machine. Its subclass takes a request when the provider works, and says what a refusal looks like."""

    secrets: Sequence[str] = ()
    behaviours = frozenset(Behaviour)
    tls: ssl.SSLContext | None = None
    config: dict[str, Any]
    to_address: str

    def __init__(self) -> None:
        self.how = Behaviour.TAKES
        self.requests: list[Request] = []
        self.taken: list[Received] = []
        self.port = 0
        self._server = HttpServer(self._answer)

    async def start(self) -> None:
        self.port = await self._server.start(port=self.port)

    async def stop(self) -> None:
        await self._server.stop()

    def here(self, url: str) -> str:
        """Returns the address of the example, at this server instead of the provider's."""
        return re.sub(r"^https://[^/]+", f"http://127.0.0.1:{self.port}", url)

    async def behave(self, how: Behaviour) -> None:
        if how is Behaviour.IS_AWAY:
            await self.stop()
        elif self.how is Behaviour.IS_AWAY:
            await self.start()
        self.how = how

    async def received(self, channel_id: UUID) -> Sequence[Received]:
        return self.taken

    async def _answer(self, request: Request) -> Response | None:
        self.requests.append(request)
        if refusal := self.refusal(request):
            return refusal
        answer = self.take(request)
        return None if self.how is Behaviour.LOSES_THE_ANSWER and request.method == "POST" else answer

    def refusal(self, request: Request) -> Response | None:
        raise NotImplementedError

    def take(self, request: Request) -> Response:
        raise NotImplementedError


def answer(status: int, document: Any, **headers: str) -> Response:
    return Response(status, json.dumps(document).encode(), {"Content-Type": "application/json"} | headers)

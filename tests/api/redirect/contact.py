"""The redirect as a contact meets it, on real PostgreSQL and Temporal."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from temporalio.client import Client

from api.redirect.app import create_app
from settings import Settings
from tests.clicks import IPHONE, LONDON, Sent
from tracking.tokens.token import TokenCodec

PHONE = {"User-Agent": IPHONE, "X-Forwarded-For": LONDON, "Accept": "text/html"}


class Contact:
    """Clicks on links of messages. `headers` are those of an iPhone in London behind a trusted proxy unless given."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient, codec: TokenCodec) -> None:
        self.app = app
        self.client = client
        self.codec = codec

    def token(self, sent: Sent, person: int = 0, position: int = 0) -> str:
        return self.codec.encode(sent.content_id, sent.recipient_numbers[person], position)

    async def click(
        self, sent: Sent, person: int = 0, position: int = 0, method: str = "GET", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        return await self.client.request(method, f"/{self.token(sent, person, position)}", headers=headers)


@asynccontextmanager
async def running(settings: Settings, temporal: Client) -> AsyncIterator[Contact]:
    app = create_app(settings, temporal)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://link.test", headers=PHONE) as client:
            yield Contact(app, client, TokenCodec(settings.effective_token_keys))

"""What the redirect costs without its work: the same server and route, but no verdict and no journal (`floor`), or one answer to
everything (`bare`).

    python -m bench.parts.floor floor|bare
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from granian.constants import Interfaces
from starlette.responses import PlainTextResponse

from api.redirect.answering.answer import Answer, page, redirect
from api.redirect.answering.follow import NO_LINK
from api.redirect.answering.link_request import LinkRequest
from api.redirect.app import Redirect
from api.redirect.links.link_cache import LinkCache
from api.redirect.metrics import Meters
from models.database import Database
from settings import Settings
from stack.roles.serve import serve
from tracking.tokens.token import TokenCodec


class FloorParts:
    """As much of `api.redirect.app.Parts` as `Redirect` uses for a link."""

    def __init__(self, settings: Settings, bare: bool) -> None:
        self.meters = Meters()
        self.link_cache = LinkCache(Database(settings.effective_database_url, 1))
        self._codec = TokenCodec(settings.effective_token_keys)
        self._bare = bare

    async def follow(self, link_request: LinkRequest) -> Answer:
        if self._bare:
            return redirect("https://shop.example.com/offers/1?utm_source=sms&utm_campaign=1&place=0")
        token = self._codec.decode(link_request.token)
        destination = await self.link_cache.find(token) if token else None
        return redirect(destination.url) if destination and destination.url else page(404, NO_LINK)


def floor() -> Redirect:
    return _create(bare=False)


def bare() -> Redirect:
    return _create(bare=True)


def _create(bare: bool) -> Redirect:
    parts = FloorParts(Settings(), bare)

    @asynccontextmanager
    async def lifespan(app: Redirect) -> AsyncIterator[None]:
        app.state.parts = parts
        if not bare:
            await parts.link_cache.refresh()
        yield

    app = Redirect(lifespan=lifespan, openapi_url=None)
    app.add_route("/health/live", lambda _request: PlainTextResponse("alive"))
    return app


if __name__ == "__main__":
    settings = Settings()
    serve(
        f"bench.parts.floor:{sys.argv[1]}",
        ("REDIRECT_PORT", settings.redirect_host, settings.redirect_port),
        settings,
        Interfaces.RSGI,
    )

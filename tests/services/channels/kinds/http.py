"""The http channel with the settings of two real providers: mail by Postmark and SMS by Vonage."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from models.channels.channel import Medium
from models.database import Database
from tests.services.channels.http.postmark import Postmark
from tests.services.channels.http.vonage import Vonage
from tests.services.channels.kinds.base import StandIn


@asynccontextmanager
async def running(_: Database, medium: Medium) -> AsyncIterator[StandIn]:
    server: Postmark | Vonage = Postmark() if medium == Medium.EMAIL else Vonage()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()

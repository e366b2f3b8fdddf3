"""Opens the streams of pages on the application itself, without a server between."""

from typing import Any

from starlette.types import ASGIApp

from tests.api.events.streams import Opened
from tests.console.conftest import Browser


class OpenPage(Opened):
    """The stream of a page of this browser, as its script follows it: `async with OpenPage(app, browser, kind="click")`."""

    def __init__(self, app: ASGIApp, browser: Browser, **filters: Any) -> None:
        super().__init__(app, "", **filters)
        cookies = "; ".join(f"{name}={value}" for name, value in browser.client.cookies.items())
        self._scope |= {"path": "/console/live", "headers": [(b"cookie", cookies.encode()), (b"host", b"console.test")]}

    async def hears(self) -> str | None:
        """The next message's name; None when the server has ended the stream."""
        event = await self.next()
        return None if event is None else event.name

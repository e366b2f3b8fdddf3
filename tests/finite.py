"""Lets a client read answers that go on for ever: it hangs up when the first part has come."""

from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send


def hanging_up(app: ASGIApp) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The application for a client that hangs up on streams."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        streams = False

        async def received() -> Message:
            return {"type": "http.disconnect"} if streams else await receive()

        async def sent(message: Message) -> None:
            nonlocal streams
            if message["type"] == "http.response.start":
                streams = (b"content-type", b"text/event-stream; charset=utf-8") in message["headers"]
            await send(message)

        await app(scope, received, sent)
        if streams:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return asked

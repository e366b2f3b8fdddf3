"""A mail server in a process of its own that takes every mail and keeps none, so that it is never the limit.

`python -m bench.parts.mail_server` prints its port. When its standard input ends, it prints how many mails it took, and exits.
"""

import asyncio
import sys
from typing import cast

COMMANDS = {
    b"EHLO": b"250-bench\r\n250-PIPELINING\r\n250-SIZE 41943040\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8\r\n",
    b"DATA": b"354 Go on\r\n",
    b"QUIT": b"221 2.0.0 Goodbye\r\n",
}
OTHERS = b"250 2.0.0 OK\r\n"
END = b"\r\n.\r\n"


class DiscardingServer(asyncio.Protocol):
    """Answers as servers do that offer PIPELINING: the commands that came together are answered together."""

    taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._buffer = bytearray()
        self._in_text = False
        self._transport.write(b"220 bench ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        answers = b""
        while (answer := self._step()) is not None:
            answers += answer
        if answers:
            self._transport.write(answers)

    def _step(self) -> bytes | None:
        """Takes a command or a whole text out of the buffer and returns its answer."""
        if not self._in_text:
            line, end, _ = self._buffer.partition(b"\r\n")
            if not end:
                return None
            del self._buffer[: len(line) + 2]
            self._in_text = line[:4].upper() == b"DATA"
            return COMMANDS.get(bytes(line[:4].upper()), OTHERS)
        end_at = self._buffer.find(END)
        if end_at < 0:
            return None
        del self._buffer[: end_at + len(END)]
        self._in_text = False
        DiscardingServer.taken += 1
        return OTHERS


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(DiscardingServer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    print(DiscardingServer.taken, flush=True)


if __name__ == "__main__":
    asyncio.run(main())

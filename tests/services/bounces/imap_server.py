"""A small IMAP server that holds one mailbox, for tests: it speaks what a client needs to read new mails and to mark them."""

import asyncio
import re

PASSWORD = "secret"


class ImapServer:
    """`mails` are those of the folder INBOX, and `seen` the numbers of those that are marked. With `breaks`, the
    connection ends at that command."""

    def __init__(self, mails: list[bytes]) -> None:
        self.mails = mails
        self.seen: set[int] = set()
        self.breaks: str | None = None
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        while line := await reader.readline():
            tag, _, command = line.decode().strip().partition(" ")
            if self.breaks and self.breaks in command:
                break
            for untagged in self._answer(command):
                writer.write(b"* " + untagged + b"\r\n")
            allowed = not command.startswith("LOGIN") or f'"{PASSWORD}"' in command
            allowed &= not command.startswith("SELECT") or "INBOX" in command
            writer.write(f"{tag} {'OK' if allowed else 'NO'} done\r\n".encode())
            await writer.drain()
            if command == "LOGOUT":
                break
        writer.close()

    def _answer(self, command: str) -> list[bytes]:
        if command == "CAPABILITY":
            return [b"CAPABILITY IMAP4rev1"]
        if command.startswith("SELECT"):
            return [f"{len(self.mails)} EXISTS".encode()]
        if command.startswith("UID SEARCH"):
            new = [str(n) for n in range(1, len(self.mails) + 1) if n not in self.seen]
            return [f"SEARCH {' '.join(new)}".strip().encode()]
        if found := re.match(r"UID FETCH (\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", command):
            mail = self.mails[int(found[1]) - 1][: int(found[2])]
            return [f"{found[1]} FETCH (UID {found[1]} BODY[]<0> {{{len(mail)}}}\r\n".encode() + mail + b")"]
        if found := re.match(r"UID STORE (\d+) \+FLAGS\.SILENT \(\\Seen\)", command):
            self.seen.add(int(found[1]))
        return []

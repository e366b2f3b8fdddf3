"""A mail server for `drill sending`: it takes every mail and writes it down before it answers, so that a mail whose sender got
the answer is in the log, whatever kills the server or the sender.

It is a process of its own: `python -m drills.providers.mail_server < settings.json` (the fields of `MailServerSettings`).
"""

import asyncio
import json
import os
import random
import sys
import time
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

TAKEN = "250 2.0.0 taken"
BUSY = "451 4.3.2 busy"
HOST = "127.0.0.1"


@dataclass(frozen=True)
class MailServerSettings:
    """`busy` is the share of mails that are refused for now, and `lost` the share whose connection breaks after they were
    taken, without an answer."""

    log: str
    port: int = 0
    busy: float = 0
    lost: float = 0
    seed: int = 0


class Taker:
    """What the server does with a mail. Each line of the log has its recipient, its text and when it was taken, in seconds since
    1970."""

    def __init__(self, settings: MailServerSettings) -> None:
        self._settings = settings
        self._choice = random.Random(settings.seed)

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        taken_at = time.time()
        if self._choice.random() < self._settings.busy:
            return BUSY
        for address in envelope.rcpt_tos:
            self._write({"to": address, "text": text_of(cast(bytes, envelope.content)), "taken_at": taken_at})
        if self._choice.random() < self._settings.lost and server.transport is not None:
            server.transport.close()
        return TAKEN

    def _write(self, line: dict[str, Any]) -> None:
        with Path(self._settings.log).open("a") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())


def text_of(mail: bytes) -> str:
    """Returns the text that a person reads who sees no HTML."""
    part = message_from_bytes(mail, policy=policy.default).get_body(("plain",))
    return str(part.get_content()).replace("\r\n", "\n").strip() if part is not None else ""


async def run(settings: MailServerSettings) -> None:
    """Prints the port and takes mails until it is killed."""
    loop = asyncio.get_running_loop()
    taker = Taker(settings)
    server = await loop.create_server(
        lambda: SMTP(taker, hostname="mail.drill.example", enable_SMTPUTF8=True, loop=loop), HOST, settings.port
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(MailServerSettings(**json.loads(sys.stdin.read()))))

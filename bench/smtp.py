"""`./linkwake bench smtp`: mails a second by a channel of the kind `smtp`, beside a bare loop of aiosmtplib.

Both send the same mails, each signed by DKIM (RSA, 2,048 bits), over the same number of connections to a local server that keeps
nothing, in turns, several times. The bare loop has its mails written beforehand and only signs and sends them. The channel does
what it does in the worker: it writes, signs, takes a connection from its pool, and waits for the answer to the final dot.
"""

import asyncio
import itertools
import secrets
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import mean, median
from typing import TextIO, cast

import aiosmtplib
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from bench.parts.report import print_report
from models.base import new_id, now
from models.channels.channel import Medium
from models.database import Database
from services.channels.base import Configured, Outgoing, Outside
from services.channels.smtp.channel import SmtpChannel
from services.channels.smtp.config import SmtpConfig
from services.channels.smtp.dkim import Signer
from services.channels.smtp.mail import MailWriter
from services.way_out.way_out import WayOut
from settings import Settings
from stack.children.processes import tethered
from stack.own_directory import own_directory
from tracking.tokens.verp import MessageAddresses

CONNECTIONS, MAILS, ROUNDS, WARM_UP = 10, 2_000, 5, 200
SENDERS = 2 * CONNECTIONS
"""Messages that the channel sends at the same time, so that some always wait for a connection, as in the worker."""
RATIO = 0.6
"""Mails a second by the channel, as a share of those of the bare loop, are to be at least this."""

CHANNEL = new_id()
TEXT = "Hello Ada,\n\nyour order is ready: https://go.example.com/a/BqT4m9ZkPw2x7c\n\nLeave: {unsubscribe}\n"
HTML = (
    "<html><head><style>p {{ color: #333 }}</style></head><body>"
    + '<table><tr><td><p>Hello Ada, your order is ready.</p><a href="https://go.example.com/a/BqT4m9ZkPw2x7c">Look</a></td></tr></table>\n'
    * 20
    + '<a href="{unsubscribe}">Leave</a></body></html>\n'
)


@dataclass(frozen=True)
class Round:
    """`seconds` and `processor` (seconds of this process) are for `count` mails."""

    count: int
    seconds: float
    processor: float


@dataclass(frozen=True)
class Run:
    """The rounds of both, in pairs: those of one pair were made one right after the other. `lost` are mails that were sent and
    that the server did not take."""

    own: Sequence[Round]
    bare: Sequence[Round]
    lost: int = 0


@dataclass(frozen=True)
class Unsigned:
    """A mail that is written and not signed."""

    sender: str
    recipient: str
    headers: Sequence[bytes]
    body: bytes


def main(as_json: bool) -> int:
    """Status 0 when the ratio holds and the server took every mail."""
    found = figures(asyncio.run(_measure()))
    print_report("smtp", found, as_json)
    return int(bool(found["missed"]))


def figures(run: Run) -> dict[str, object]:
    """Rates are medians of the rounds; `ratio` is the median of the pairs'."""
    ratio = median(bare.seconds / own.seconds for own, bare in zip(run.own, run.bare, strict=True))
    return {
        "mails_per_s": _rate(run.own),
        "bare_per_s": _rate(run.bare),
        "ratio": round(ratio, 2),
        "cpu_ms": _milliseconds(run.own),
        "bare_cpu_ms": _milliseconds(run.bare),
        "lost": run.lost,
        "mails": run.own[0].count,
        "rounds": len(run.own),
        "connections": CONNECTIONS,
        "goals": {"ratio": RATIO, "lost": 0},
        "missed": [*(["ratio"] if ratio < RATIO else []), *(["lost"] if run.lost else [])],
    }


def _rate(rounds: Sequence[Round]) -> float:
    return round(median(each.count / each.seconds for each in rounds), 1)


def _milliseconds(rounds: Sequence[Round]) -> float:
    return round(mean(each.processor / each.count for each in rounds) * 1000, 3)


async def _measure() -> Run:
    with own_directory("bench") as directory, mail_server() as (port, taken):
        keys = SecretStr(secrets.token_hex(32))
        settings = Settings(var_dir=directory, database_url="postgresql://localhost/nothing-is-read", token_keys=keys)
        own, bare = Own(port, settings), Bare(port, settings)
        try:
            run = await race(own, bare)
        finally:
            await own.close()
            await bare.close()
        sent = 2 * (WARM_UP + ROUNDS * MAILS)
        return Run(run.own, run.bare, lost=sent - taken())


@contextmanager
def mail_server() -> Iterator[tuple[int, Callable[[], int]]]:
    """Yields its port, and what ends it and returns how many mails it took."""
    command = tethered([sys.executable, "-m", "bench.parts.mail_server"])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        try:
            yield int(cast(TextIO, process.stdout).readline()), lambda: int(process.communicate()[0])
        finally:
            process.kill()


class Own:
    """Sends by the channel."""

    def __init__(self, port: int, settings: Settings) -> None:
        outside = Outside(Database(settings.effective_database_url), WayOut(local=True), settings)
        self._channel = SmtpChannel(Configured(CHANNEL, CHANNEL, "mail", Medium.EMAIL, config(port)), outside)

    async def prepare(self, messages: Sequence[Outgoing]) -> Callable[[], Awaitable[None]]:
        left = iter(messages)

        async def sender() -> None:
            for message in left:
                await self._channel.send(message)

        return lambda: _together(sender, SENDERS)

    async def close(self) -> None:
        await self._channel.close()


class Bare:
    """Signs and sends mails that were written beforehand, in a loop for each connection."""

    def __init__(self, port: int, settings: Settings) -> None:
        signing = config(port)
        self._signer = cast(Signer, signing.signer())
        unsigned = signing.model_copy(update={"dkim_rsa_selector": None, "dkim_rsa_key": None})
        self._writer = MailWriter(unsigned, CHANNEL, MessageAddresses(settings.effective_token_keys))
        self._clients = [
            aiosmtplib.SMTP(hostname="127.0.0.1", port=port, use_tls=False, start_tls=False) for _ in range(CONNECTIONS)
        ]

    async def prepare(self, messages: Sequence[Outgoing]) -> Callable[[], Awaitable[None]]:
        left = iter([self._written(each) for each in messages])
        clients = itertools.cycle(self._clients)
        for client in self._clients:
            if not client.is_connected:
                await client.connect()

        async def loop() -> None:
            client = next(clients)
            for mail in left:
                signatures = self._signer.sign(mail.headers, mail.body, int(time.time()))
                await client.sendmail(mail.sender, mail.recipient, b"".join([*signatures, *mail.headers, b"\r\n", mail.body]))

        return lambda: _together(loop, CONNECTIONS)

    def _written(self, message: Outgoing) -> Unsigned:
        mail = self._writer.write(message, now())
        head, _, body = mail.content.partition(b"\r\n\r\n")
        headers: list[bytes] = []
        for line in (head + b"\r\n").splitlines(keepends=True):
            if line.startswith(b" "):
                headers[-1] += line
            else:
                headers.append(line)
        return Unsigned(mail.envelope.sender, message.to_address, headers, body)

    async def close(self) -> None:
        for client in self._clients:
            client.close()


async def _together(loop: Callable[[], Awaitable[None]], count: int) -> None:
    await asyncio.gather(*(loop() for _ in range(count)))


async def race(own: Own, bare: Bare, mails: int = MAILS, rounds: int = ROUNDS, warm_up: int = WARM_UP) -> Run:
    """Every other pair begins with the bare loop, so that neither has the better places."""
    for each in (own, bare):
        await timed(each, warm_up)
    found: dict[Own | Bare, list[Round]] = {own: [], bare: []}
    order: list[Own | Bare] = [own, bare]
    for number in range(rounds):
        for each in order:
            found[each].append(await timed(each, mails))
        order.reverse()
        rates = [mails / found[each][-1].seconds for each in (own, bare)]
        print(f"pair {number + 1}: {rates[0]:.0f} a second, bare {rates[1]:.0f}", file=sys.stderr, flush=True)
    return Run(found[own], found[bare])


async def timed(sending: Own | Bare, count: int) -> Round:
    send = await sending.prepare([message(number) for number in range(count)])
    seconds, processor = time.perf_counter(), time.process_time()
    await send()
    return Round(count, time.perf_counter() - seconds, time.process_time() - processor)


def message(number: int) -> Outgoing:
    message_id = new_id()
    unsubscribe = f"https://go.example.com/unsubscribe/{message_id.hex}"
    return Outgoing(
        message_id=message_id,
        channel_id=CHANNEL,
        to_address=f"ada.{number}@example.com",
        subject="Your order is ready",
        body=TEXT.format(unsubscribe=unsubscribe),
        html=HTML.format(unsubscribe=unsubscribe),
        unsubscribe_url=unsubscribe,
        source=CHANNEL,
    )


_KEY = rsa.generate_private_key(65537, 2048).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)


def config(port: int) -> SmtpConfig:
    return SmtpConfig.model_validate(
        {
            "host": "127.0.0.1",
            "port": port,
            "security": "none",
            "from_address": "shop@example.com",
            "from_name": "Example Shop",
            "bounce_address": "bounce@mail.example.com",
            "dkim_rsa_selector": "bench",
            "dkim_rsa_key": _KEY.decode(),
            "connections": CONNECTIONS,
        }
    )

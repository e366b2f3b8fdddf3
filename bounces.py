"""The composition root of the role that takes bounces: a mail server, and a mailbox that is looked into.

It needs PostgreSQL alone. Enrollments that have to stop are told by the worker's sweeper.
"""

import asyncio
import signal
from collections.abc import Coroutine, Sequence
from typing import Any

import structlog
from prometheus_client import start_http_server

from models.database import WORK, Database
from services.bounces.listener import BounceListener
from services.bounces.mailbox import MOST_MAILS, Mailbox, MailboxError, look_into, public_tls
from services.bounces.take_mail import MailTaker
from services.process.meters import registry
from services.process.signs_of_life import signs_of_life
from settings import Settings, SettingsError
from stack.checks import ports_free
from tracking.tokens.verp import MessageAddresses

log = structlog.get_logger()

CONNECTIONS = 5
"""Connections to PostgreSQL: one for each mail that is read at a time, and one more."""


async def main(settings: Settings) -> None:
    """Runs until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    database = Database(settings.effective_database_url, CONNECTIONS, patience=WORK)
    addresses = MessageAddresses(settings.effective_token_keys)
    taker = MailTaker(database, addresses)
    if settings.bounce_metrics_port:
        ports_free([("BOUNCE_METRICS_PORT", "0.0.0.0", settings.bounce_metrics_port)])  # noqa: S104 - as start_http_server listens
        start_http_server(settings.bounce_metrics_port, registry=registry(taker.read))
    sources = _sources(settings, taker, addresses)
    try:
        async with signs_of_life("bounces", settings.alive_file("bounces"), database):
            await _run(sources, stopped)
    finally:
        await database.close()


async def _run(sources: Sequence[Coroutine[Any, Any, None]], stopped: asyncio.Event) -> None:
    """Runs until it is told to stop, or until one of the sources fails, whose error it raises."""
    tasks = [asyncio.create_task(each) for each in (*sources, stopped.wait())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            await each
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _sources(settings: Settings, taker: MailTaker, addresses: MessageAddresses) -> list[Coroutine[Any, Any, None]]:
    found: list[Coroutine[Any, Any, None]] = []
    if settings.bounce_port:
        found.append(_listen(settings, taker, addresses))
    if settings.bounce_imap_host:
        found.append(_watch(settings, taker))
    if not found:
        raise SettingsError("There is nowhere to take bounces from: set BOUNCE_PORT or BOUNCE_IMAP_HOST.")
    return found


async def _listen(settings: Settings, taker: MailTaker, addresses: MessageAddresses) -> None:
    ports_free([("BOUNCE_PORT", settings.bounce_host, settings.bounce_port)])
    where = (settings.bounce_host, settings.bounce_port, settings.bounce_certificate, settings.bounce_key)
    listener = BounceListener(taker, addresses, *where)
    port = await listener.start()
    log.info("mail server for bounces ready", host=settings.bounce_host, port=port)
    try:
        await asyncio.Event().wait()
    finally:
        await listener.stop()


async def _watch(settings: Settings, taker: MailTaker) -> None:
    """Looks again at once while there are more mails than one look takes."""
    assert settings.bounce_imap_password is not None  # noqa: S101 - the settings are checked
    mailbox = Mailbox(
        settings.bounce_imap_host or "",
        settings.bounce_imap_port,
        settings.bounce_imap_user or "",
        settings.bounce_imap_password.get_secret_value(),
        settings.bounce_imap_folder,
        public_tls(),
    )
    while True:
        taken = 0
        try:
            taken = await look_into(mailbox, taker)
            log.info("the mailbox for bounces was read", mails=taken)
        except MailboxError as error:
            log.warning("the mailbox for bounces could not be read", error=error)
        except Exception as error:  # whatever it is, the mails are read again
            log.warning("mails of the mailbox could not be taken", error=error)
        if taken < MOST_MAILS:
            await asyncio.sleep(settings.bounce_imap_interval.total_seconds())

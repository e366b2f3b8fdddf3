"""E-mail by any mail server that speaks SMTP, such as a company's own or a provider's."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from models.base import now
from models.channels.channel import ChannelKind, Medium
from services.channels.base import (
    CannotAsk,
    ChannelError,
    ChannelType,
    Check,
    Configured,
    Outgoing,
    Outside,
    Receipt,
    TestStep,
)
from services.channels.smtp.check import check_sender
from services.channels.smtp.config import SmtpConfig
from services.channels.smtp.mail import Mail, MailWriter
from services.channels.smtp.pool import Pool
from services.channels.smtp.refusals import of_answer, of_connection
from services.channels.smtp.trial import try_out
from services.mail.connect import NotConnected, connect
from services.mail.transaction import ConnectionLost, Refused, deliver
from tracking.tokens.verp import MessageAddresses

BEFORE_THE_DOT = 20.0
"""How long a mail may wait for a connection and for the server, until it is complete. Then it is refused for now, without
doubt."""
TRY_AGAIN = timedelta(seconds=30)

SMALL = 32 * 1024
"""Characters of a mail that is written at once, which takes less than a millisecond beside its signature."""
# Larger mails and those whose CSS is inlined are written in threads, so that they hold nobody up.
_threads = ThreadPoolExecutor(2, "mails")


class SmtpChannel:
    def __init__(self, configured: Configured, outside: Outside) -> None:
        self._config: SmtpConfig = configured.config
        self._channel_id = configured.id
        self._outside = outside
        self._server = self._config.server()
        self._writer = MailWriter(self._config, configured.id, MessageAddresses(outside.settings.effective_token_keys))
        self._pool = Pool(lambda: connect(outside.way_out, self._server), self._config.connections)

    async def send(self, message: Outgoing) -> Receipt:
        mail = await self._write(message)
        try:
            async with asyncio.timeout(BEFORE_THE_DOT) as deadline:
                await self._deliver(mail, message, lambda: deadline.reschedule(None))
        except TimeoutError:
            text = f"The mail server had no time for this mail within {BEFORE_THE_DOT:g} s."
            raise ChannelError(text, permanent=False, retry_after=TRY_AGAIN) from None
        return Receipt(provider_id=mail.message_id)

    async def _write(self, message: Outgoing) -> Mail:
        if len(message.body) + len(message.html or "") <= SMALL and not (message.html and self._config.inline_css):
            return self._writer.write(message, now())
        return await asyncio.get_running_loop().run_in_executor(_threads, self._writer.write, message, now())

    async def _deliver(self, mail: Mail, message: Outgoing, before_the_dot: Callable[[], None]) -> None:
        try:
            async with self._pool.take() as client:
                if mail.envelope.utf8 and not client.supports_extension("smtputf8"):
                    text = "The mail server takes no addresses with such characters before the @ (it lacks SMTPUTF8)."
                    raise ChannelError(text, permanent=True)
                if message.late_after is not None and now() >= message.late_after:
                    raise ChannelError("It waited for a connection until it was too late.", permanent=True)
                await deliver(client, mail.envelope, mail.content, before_the_dot)
        except Refused as refused:
            raise of_answer(refused) from None
        except ConnectionLost as lost:
            raise ChannelError(str(lost), permanent=False, retry_after=TRY_AGAIN) from None
        except NotConnected as error:
            raise of_connection(error, TRY_AGAIN) from None

    async def find(self, _message: Outgoing) -> Receipt | None:
        raise CannotAsk

    async def test(self, to_address: str) -> Sequence[TestStep]:
        return await try_out(self._outside.way_out, self._server, self._writer, self._channel_id, to_address)

    async def check(self) -> Sequence[Check]:
        return await check_sender(self._config, self._outside)

    async def close(self) -> None:
        await self._pool.close()


EXAMPLE = {
    "host": "smtp.example.com",
    "user": "shop",
    "password": "the-password-of-the-mailbox",
    "from_address": "hello@example.com",
    "from_name": "Example Shop",
    "bounce_address": "bounce@mail.example.com",
}
TYPE = ChannelType(ChannelKind.SMTP, frozenset({Medium.EMAIL}), SmtpConfig, SmtpChannel, example=EXAMPLE)

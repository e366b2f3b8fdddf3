"""The test of a channel: one mail to an address of the caller's, over a connection of its own, with each step that it took."""

import asyncio
from uuid import UUID

import aiosmtplib

from models.base import new_id, now
from models.messages.message import MessageKind
from services.channels.base import ChannelError, Outgoing, TestStep
from services.channels.smtp.mail import Mail, MailWriter
from services.channels.smtp.refusals import of_answer
from services.mail.connect import MailServer, MailStep, NotConnected, connect
from services.mail.transaction import ConnectionLost, Phase, Refused, Unanswered, deliver
from services.way_out.way_out import WayOut

SECONDS = 45.0
"""How long a test may take."""
SUBJECT = "A test of your channel"
TEXT = "This mail was sent to test your channel. It arrived, so the channel works."

_STEPS = ("sender", "recipient", "send")
_STEP_OF = {Phase.SENDER: "sender", Phase.RECIPIENT: "recipient", Phase.DATA: "send", Phase.END: "send"}
_TAKEN = {
    "sender": "The sender is accepted.",
    "recipient": "The recipient is accepted.",
    "send": "The mail is accepted. Look whether it has arrived, and where.",
}


async def try_out(way_out: WayOut, server: MailServer, writer: MailWriter, channel_id: UUID, to_address: str) -> list[TestStep]:
    """Returns the steps up to the first one that failed: resolve, connect, tls, greeting, log_in, sender, recipient, send."""
    kind = MessageKind.TRANSACTIONAL
    steps: list[TestStep] = []

    def done(step: MailStep, detail: str) -> None:
        steps.append(TestStep(step, ok=True, detail=detail))

    try:
        mail = writer.write(Outgoing(new_id(), channel_id, to_address, SUBJECT, TEXT, message_kind=kind), now())
        async with asyncio.timeout(SECONDS):
            client = await connect(way_out, server, done)
            try:
                steps += await _send(client, mail)
            finally:
                client.close()
    except ChannelError as error:
        steps.append(TestStep("recipient", ok=False, error=str(error)))
    except NotConnected as error:
        steps.append(TestStep(error.step, ok=False, error=str(error)))
    except TimeoutError:
        steps.append(TestStep("send", ok=False, error=f"The mail server did not take the mail within {SECONDS:g} s."))
    return steps


async def _send(client: aiosmtplib.SMTP, mail: Mail) -> list[TestStep]:
    failed, error = None, ""
    try:
        await deliver(client, mail.envelope, mail.content)
    except Refused as refused:
        failed, error = _STEP_OF[refused.phase], str(of_answer(refused))
    except (ConnectionLost, Unanswered) as lost:
        failed, error = "send", str(lost)
    taken = _STEPS[: _STEPS.index(failed)] if failed else _STEPS
    steps = [TestStep(each, ok=True, detail=_TAKEN[each]) for each in taken]
    return [*steps, TestStep(failed, ok=False, error=error)] if failed else steps

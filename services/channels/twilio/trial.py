"""The test of a Twilio channel: can we reach the API, does it accept us, is the sender ours, and does it take a message?"""

from collections.abc import Awaitable, Callable

from services.channels.base import ChannelError, Receipt, TestStep
from services.channels.twilio.api import TwilioApi
from services.channels.twilio.errors import ErrorClass, Uncertain, error_code, refusal
from services.way_out.errors import WayOutError


async def run_test(api: TwilioApi, send: Callable[[], Awaitable[Receipt]]) -> list[TestStep]:
    """The steps are `connect`, `log_in` and `send`, or `sender` when a message is refused because of its sender."""
    steps = await _connect_and_log_in(api)
    return [*steps, await _send(send)] if steps[-1].ok else steps


async def _connect_and_log_in(api: TwilioApi) -> list[TestStep]:
    try:
        answered = await api.account()
    except WayOutError as error:
        return [TestStep("connect", ok=False, error=str(error))]
    connected = TestStep("connect", ok=True, detail="Twilio's API answers.")
    if answered.succeeded:
        return [connected, TestStep("log_in", ok=True, detail="Twilio accepts the credentials.")]
    return [connected, TestStep("log_in", ok=False, error=_words(answered.status, answered.number))]


def _words(status: int, number: int | None) -> str:
    try:
        return str(refusal(status, number))
    except Uncertain as error:
        return str(error)


async def _send(send: Callable[[], Awaitable[Receipt]]) -> TestStep:
    try:
        receipt = await send()
    except ChannelError as error:
        code = error_code(int(error.code)) if error.code and error.code.isdecimal() else None
        name = "sender" if code is not None and code.error_class == ErrorClass.SENDER else "send"
        return TestStep(name, ok=False, error=str(error))
    except (WayOutError, Uncertain) as error:
        return TestStep("send", ok=False, error=f"{error} The message may have been sent nevertheless.")
    return TestStep("send", ok=True, detail=f"Twilio has taken the message as {receipt.provider_id}.")

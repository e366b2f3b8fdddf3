"""What follows from an error code of Twilio's. The codes are data: `error_codes.toml`."""

import tomllib
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path

from safe_errors import OwnWords
from services.channels.base import ChannelError, Fault

FILE = Path(__file__).with_name("error_codes.toml")


class ErrorClass(StrEnum):
    OPTED_OUT = "opted_out"
    ADDRESS = "address"
    SENDER = "sender"
    ACCOUNT = "account"
    MESSAGE = "message"
    LATER = "later"
    UNKNOWN = "unknown"


FAULTS = {
    ErrorClass.OPTED_OUT: Fault.OPTED_OUT,
    ErrorClass.ADDRESS: Fault.ADDRESS,
    ErrorClass.SENDER: Fault.CHANNEL,
    ErrorClass.ACCOUNT: Fault.CHANNEL,
}
"""Whose fault the classes are that are not this one message's."""

TRIED_AGAIN = frozenset({ErrorClass.SENDER, ErrorClass.ACCOUNT, ErrorClass.LATER})
"""The classes of messages that wait, instead of failing."""

OF_STATUS = {401: 20003, 403: 20403, 404: 20404, 429: 20429}
"""The code that an answer without one stands for, by its HTTP status."""

REQUEST_TIMEOUT = 408


class Uncertain(OwnWords):
    """Twilio may have taken the message, and nobody knows."""


@dataclass(frozen=True)
class ErrorCode:
    """`words` says in our own words what happened, and what to do if there is something to do."""

    number: int
    error_class: ErrorClass
    words: str

    @property
    def fault(self) -> Fault:
        return FAULTS.get(self.error_class, Fault.MESSAGE)


@cache
def known_codes() -> dict[int, ErrorCode]:
    """Returns the codes of the data file, by number."""
    classes = tomllib.loads(FILE.read_text(encoding="utf-8"))
    found = (ErrorCode(int(number), each, words) for each in ErrorClass for number, words in classes[each].items())
    return {code.number: code for code in found}


def error_code(number: int) -> ErrorCode:
    """A code that is not listed is a refusal of its one message."""
    return known_codes().get(number) or ErrorCode(number, ErrorClass.MESSAGE, "Twilio refused it.")


def refusal(status: int, number: int | None, retry_after: timedelta | None = None) -> ChannelError:
    """Returns what an answer to a new message means that is no success. Raises Uncertain when the message may have been taken."""
    code = error_code(number or OF_STATUS.get(status, 0))
    failed = status >= 500 or status == REQUEST_TIMEOUT
    if code.error_class == ErrorClass.UNKNOWN or (failed and code.error_class != ErrorClass.LATER):
        raise Uncertain(f"Twilio answered {status}.")
    shown = str(code.number or f"HTTP {status}")
    return ChannelError(
        f"{code.words} ({shown})",
        permanent=code.error_class not in TRIED_AGAIN,
        retry_after=retry_after if code.error_class == ErrorClass.LATER else None,
        fault=code.fault,
        code=shown,
    )

"""What a bounce says about whom: its enhanced status code (RFC 3463) decides, and words only where there is no code.

A code that says nothing about the address never suppresses it. A policy (5.7.x) is about the sender, so it is the channel's fault
when several recipients say so: whoever gets a mail can write a bounce about it.
"""

import re
from typing import NamedTuple

from services.channels.base import Fault

CODE = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
REPLY = re.compile(r"(?:\b[45]\d\d[ -]+|#)([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
"""A code behind a server's reply, such as `550 5.1.1`, or as qmail writes it: `(#5.1.1)`. Other numbers may be addresses."""

NEVER_VALID = frozenset({(1, 0), (1, 1), (1, 2), (1, 3), (1, 6), (1, 10), (2, 1), (4, 1)})
"""Subject and detail of the codes that say that an address does not exist, its domain takes no mail, or it is switched off. The
last one is what Exchange Online says of a mailbox that it does not have."""
OUR_ADDRESS = frozenset({(1, 7), (1, 8)})
"""Those about the sender's address."""
FULL, TOO_LARGE = (2, 2), frozenset({(2, 3), (3, 4)})
POLICY = 7
ABOUT_THE_MESSAGE = frozenset({5, 6})
"""Subjects of codes about the protocol and the content."""
PERMANENT = 5

UNKNOWN_USER = re.compile(
    r"(user|recipient|mailbox|account|address)\s+(is\s+)?(unknown|not found|disabled|does(n't| not) exist|not exist)"
    r"|(unknown|no such|invalid|nonexistent)\s+(user|recipient|mailbox|account|address)"
    r"|(does(n't| not) exist|no mailbox here by that name|user doesn't have)",
    re.IGNORECASE,
)


class Status(NamedTuple):
    """An enhanced status code. `status` is 2, 4 or 5."""

    status: int
    subject: int
    detail: int

    def __str__(self) -> str:
        return f"{self.status}.{self.subject}.{self.detail}"

    @property
    def says_nothing(self) -> bool:
        return self.subject == 0 and self.detail == 0


class Blame(NamedTuple):
    """Whose fault a bounce is. What is `soft` may go away by itself."""

    fault: Fault
    soft: bool = False


SOFT = Blame(Fault.MESSAGE, soft=True)


def read_status(text: str, pattern: re.Pattern[str] = CODE) -> Status | None:
    """Returns the first code in the text that says something, else the first one."""
    found = [Status(*map(int, match.groups())) for match in pattern.finditer(text)]
    return next((each for each in found if not each.says_nothing), found[0] if found else None)


def blame(status: Status | None, words: str) -> Blame:
    """Returns whom a message blames that could not be delivered. `words` are those of the server that refused it."""
    if status is None or status.says_nothing:
        return Blame(Fault.ADDRESS) if UNKNOWN_USER.search(words) else SOFT
    kind = (status.subject, status.detail)
    if kind in TOO_LARGE or status.subject in ABOUT_THE_MESSAGE:
        return Blame(Fault.MESSAGE)
    if status.subject == POLICY or kind in OUR_ADDRESS:
        return Blame(Fault.POLICY if status.status == PERMANENT else Fault.DOMAIN)
    if status.status == PERMANENT and kind in NEVER_VALID:
        return Blame(Fault.ADDRESS)
    return SOFT

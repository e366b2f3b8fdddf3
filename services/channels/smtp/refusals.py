"""What follows from a mail server's answer: whose fault it is, and whether trying again can help.

The enhanced status code (RFC 3463) decides. A server that sends none has said too little to suppress an address or to pause a
channel for, except about the sender and the log-in.
"""

from datetime import timedelta

from services.channels.base import ChannelError, Fault
from services.mail.connect import NotConnected
from services.mail.transaction import EnhancedCode, Phase, Refused, spoken

CLOSES = 421
NEEDS_LOG_IN = frozenset({530, 534, 535, 538})
"""Codes of RFC 4954: the server wants a log-in that we did not give."""
ADDRESSES = frozenset({(1, 0), (1, 1), (1, 2), (1, 3), (1, 6), (1, 10), (2, 1)})
"""Subject and detail of statuses that say that an address does not exist, its domain takes no mail, or it is switched off."""
OUR_ADDRESS = frozenset({(1, 7), (1, 8)})
"""Those about the sender's address."""
POLICY = 7
"""The subject of statuses about security and policy."""
TOO_LARGE = frozenset({(2, 3), (3, 4)})

_WORDS = {
    Phase.SENDER: "The mail server did not accept the sender",
    Phase.RECIPIENT: "The mail server did not accept the recipient",
    Phase.DATA: "The mail server did not accept the mail",
    Phase.END: "The mail server did not accept the mail",
}
_ADVICE = {
    Fault.CHANNEL: "; look up at its operator what it wants, such as a sender of yours or a log-in",
    Fault.POLICY: "; the recipient's server does not want mail of this sender",
    Fault.ADDRESS: "; nothing can be sent to this address",
    Fault.DOMAIN: "; this recipient's domain gets fewer mails for a while",
}


def of_answer(refused: Refused) -> ChannelError:
    """Returns the error for an answer during a mail. The server's own words are left out, because they may quote an address."""
    code = spoken(refused.code, refused.enhanced)
    fault = _fault(refused)
    permanent = _is_permanent(refused) and fault not in {Fault.CHANNEL, Fault.DOMAIN}
    text = f"{_WORDS[refused.phase]}: {code}{_ADVICE.get(fault, '')}."
    return ChannelError(text, permanent=permanent, fault=fault, code=code)


def _is_permanent(refused: Refused) -> bool:
    return (refused.enhanced.status if refused.enhanced else refused.code // 100) == 5


def _fault(refused: Refused) -> Fault:
    if not _is_permanent(refused):
        slow = refused.code == CLOSES or (refused.enhanced is not None and refused.enhanced.subject == POLICY)
        return Fault.DOMAIN if slow else Fault.MESSAGE
    if refused.code in NEEDS_LOG_IN:
        return Fault.CHANNEL
    return _fault_of_status(refused.enhanced, refused.phase)


def _fault_of_status(status: EnhancedCode | None, phase: Phase) -> Fault:
    kind = (status.subject, status.detail) if status else None
    if kind in TOO_LARGE:
        return Fault.MESSAGE
    if phase == Phase.SENDER:
        return Fault.CHANNEL
    if kind in OUR_ADDRESS or (status and status.subject == POLICY):
        return Fault.POLICY
    return Fault.ADDRESS if kind in ADDRESSES else Fault.MESSAGE


def of_connection(error: NotConnected, retry_after: timedelta | None = None) -> ChannelError:
    """Returns the error for a connection that could not be made. One that does not pass by itself pauses the channel."""
    if error.ours:
        return ChannelError(str(error), permanent=False, fault=Fault.CHANNEL, code=error.code)
    return ChannelError(str(error), permanent=False, retry_after=retry_after, code=error.code, unreachable=True)

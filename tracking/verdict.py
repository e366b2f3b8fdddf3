"""Was this click a person's? The verdict that every click gets; nothing is dropped because of it.

`suspect` is for what cannot be told from one request. Bursts (`tracking/burst.py`) and clicks too soon after the send
(`models/early.py`) get this verdict later, when more is known than one request.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from tracking.agents import Reason, reason_for

Kind = Literal["human", "suspect", "bot"]

_PREFETCH_HEADERS = ("sec-purpose", "purpose", "x-moz", "x-purpose")
_PREFETCH_WORDS = ("prefetch", "prerender", "preview")
_KINDS: dict[Reason, Kind] = {Reason.BROWSER: "human", Reason.APP: "suspect", Reason.BURST: "suspect", Reason.EARLY: "suspect"}


class Verdict(NamedTuple):
    """`reason` is one of `Reason`; each reason always comes with the same kind."""

    kind: Kind
    reason: Reason


_VERDICTS = {reason: Verdict(_KINDS.get(reason, "bot"), reason) for reason in Reason}


def judge(method: str, headers: Mapping[str, str]) -> Verdict:
    """The verdict on one request. `headers`: names in lower case. A few microseconds for an agent seen before, else below 1 ms.

    HEAD is not judged here, since it is no click: the caller does not record it.
    """
    if method != "GET":  # no browser follows a link in any other way
        return _VERDICTS[Reason.LIBRARY]
    for name in _PREFETCH_HEADERS:
        value = headers.get(name)
        if value and any(word in value.lower() for word in _PREFETCH_WORDS):
            return _VERDICTS[Reason.PREFETCH]
    agent = headers.get("user-agent", "").strip()
    return _VERDICTS[reason_for(agent) if agent else Reason.NO_AGENT]

"""Decides whether a request was a person's. Every click gets a reason, and with it its verdict; nothing is dropped because of it.

Some clicks get another reason later, when more is known than one request (`models/clicks/verdict.py` names where).
"""

from collections.abc import Mapping

from models.clicks.verdict import Reason
from tracking.verdicts.agents import reason_for

_PREFETCH_HEADERS = ("sec-purpose", "purpose", "x-moz", "x-purpose")
_PREFETCH_WORDS = ("prefetch", "prerender", "preview")


def reason_of(method: str, headers: Mapping[str, str]) -> Reason:
    """Returns the reason that one request shows. `headers` has names in lower case. It takes a few microseconds for a User-Agent
    seen before, otherwise less than 1 ms.

    HEAD is not judged here, because it is not a click: the caller does not record it.
    """
    if method != "GET":  # no browser follows a link in any other way
        return Reason.LIBRARY
    for name in _PREFETCH_HEADERS:
        value = headers.get(name)
        if value and any(word in value.lower() for word in _PREFETCH_WORDS):
            return Reason.PREFETCH
    agent = headers.get("user-agent", "").strip()
    return reason_for(agent) if agent else Reason.NO_AGENT

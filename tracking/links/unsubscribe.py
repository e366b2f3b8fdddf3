"""Decides which addresses are for unsubscribing. Such a link is never tracked, so that it works whatever happens to the
redirect."""

import re

_PATH = re.compile(r"https?://[^/?#\\]*([^?#]*)", re.IGNORECASE)
_WORDS = frozenset({"unsubscribe", "opt-out", "opt_out", "optout"})


def is_for_unsubscribing(address: str) -> bool:
    """Whether a part of the path is one of the words, in any case, with an ending (`unsubscribe.php`) or without."""
    match = _PATH.match(address)
    parts = match[1].replace("\\", "/").split("/") if match else []
    return any(part.partition(".")[0].lower() in _WORDS for part in parts)

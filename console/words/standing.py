"""How somebody of a list stands, in a badge: a class of the stylesheet and a few words."""

from collections.abc import Mapping
from typing import Any

from console.words.states import CONSENT

MEDIA = {"sms": "SMS", "email": "e-mail"}
OPTED_OUT, SUPPRESSED, NO_ADDRESS = CONSENT["opted_out"], ("off", "Suppressed"), ("draft", "No address")


def standing_words(standing: Mapping[str, Any]) -> tuple[str, str]:
    """`Opted out` or `Suppressed` when nothing reaches them by any medium, `SMS: opted out` when another one does, and otherwise
    what they have said about marketing."""
    media = standing["media"]
    if not media:
        return NO_ADDRESS
    stopped = {each["medium"]: stop for each in media if (stop := _stop(each))}
    if len(stopped) == len(media):
        return OPTED_OUT if OPTED_OUT in stopped.values() else SUPPRESSED
    if stopped:
        (medium, (look, word)), *_ = stopped.items()
        return look, f"{MEDIA[medium]}: {word.lower()}"
    return CONSENT["opted_in" if any(each["consent"] == "opted_in" for each in media) else "unknown"]


def _stop(medium: Mapping[str, Any]) -> tuple[str, str] | None:
    if medium["consent"] == "opted_out" or medium["suppressed"] == "opted_out":
        return OPTED_OUT
    return SUPPRESSED if medium["suppressed"] else None

"""Text as PostgreSQL can keep it: what people type never has anything else, so it is refused with a sentence."""

from typing import Annotated

from pydantic import AfterValidator


def storable(text: str) -> str:
    """ValueError for the characters that neither `text` nor `jsonb` can hold: U+0000 and halves of surrogate pairs."""
    if "\x00" in text or not _is_unicode(text):
        raise ValueError("the text contains a character that cannot be stored (U+0000, or half of a surrogate pair)")
    return text


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def cut(text: str, limit: int = 500) -> str:
    """A sentence that somebody else wrote (an error, a provider's answer) as it can be kept, whatever it quotes."""
    return text.replace("\x00", "�").encode(errors="replace").decode()[:limit]


Text = Annotated[str, AfterValidator(storable)]

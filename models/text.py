"""Text as PostgreSQL can keep it: what people type never has anything else, so it is refused with a sentence."""

from typing import Annotated

from pydantic import AfterValidator, Field


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


def is_blank(text: str) -> bool:
    """Nobody can see anything of it: only spaces, line ends, and characters that have no shape."""
    return not any(letter.isprintable() and not letter.isspace() for letter in text)


def _not_blank(text: str) -> str:
    if is_blank(text):
        raise ValueError("there is nothing to read in it: write a name")
    return text


Text = Annotated[str, AfterValidator(storable)]
Name = Annotated[Text, AfterValidator(_not_blank), Field(min_length=1, max_length=200)]
"""What people call a thing."""

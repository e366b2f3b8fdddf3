"""Text as PostgreSQL can keep it: what people type never has anything else, so it is refused with a sentence."""

from typing import Annotated

from pydantic import AfterValidator


def storable(text: str) -> str:
    """ValueError for the characters that neither `text` nor `jsonb` can hold: U+0000 and halves of surrogate pairs."""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("the text contains a character that cannot be stored (U+0000, or half of a surrogate pair)")
    return text


Text = Annotated[str, AfterValidator(storable)]

"""What providers say about a message, without the people whom they name."""

import re

from models.texts.text import cut

LONGEST = 500
MAIL_ADDRESS = re.compile(r"[^\s<>@]{1,100}@[^\s<>]{1,255}")
PHONE_NUMBER = re.compile(r"\+?\d(?:[ ()-]{0,2}\d){7,16}")


def without_people(text: str) -> str:
    """Returns the provider's words in one line of at most 500 characters, with mail addresses and phone numbers hidden."""
    line = " ".join(cut(text, 2 * LONGEST).split())
    return cut(PHONE_NUMBER.sub("<number>", MAIL_ADDRESS.sub("<address>", line)), LONGEST)

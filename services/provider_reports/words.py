"""What providers say about a message, without the people whom they name."""

import hashlib
import re

from models.texts.text import cut

LONGEST = 500
LETTERS = str.maketrans("0123456789", "ghijklmnop")
MAIL_ADDRESS = re.compile(r"[^\s<>@]{1,100}@[^\s<>]{1,255}")
PHONE_NUMBER = re.compile(r"\+?\d(?:[ ()-]{0,2}\d){7,16}")


def without_people(text: str) -> str:
    """Returns the provider's words in one line of at most 500 characters, with mail addresses and phone numbers hidden."""
    line = " ".join(cut(text, 2 * LONGEST).split())
    return cut(PHONE_NUMBER.sub("<number>", MAIL_ADDRESS.sub("<address>", line)), LONGEST)


def key_without_people(key: str) -> str:
    """Returns a name of an event as it is, or a hash of it when a person is named in it: two names stay two. The hash is written
    in letters, so that it looks like nobody's number and stays as it is from then on."""
    return key if without_people(key) == key else hashlib.sha256(key.encode()).hexdigest().translate(LETTERS)

"""Makes the text part of an e-mail from its HTML part, for authors who write none.

It is made of the template, once, when the message is saved, previewed, launched or published, so what contacts get is what the
author sees. Liquid stays as it is, and links become `[words](address)`.
"""

from inscriptis import get_text
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.config import ParserConfig

from models.sequences.steps.message import LONGEST_BODY, MessageTemplate
from tracking.templates.template import UNSUBSCRIBE

LONGEST_HTML = 50_000
"""Characters of HTML from which a text is made: half a second of the processor at worst."""

_CONFIG = ParserConfig(css=CSS_PROFILES["strict"], display_links=True)


class NoText(Exception):
    """No text can be made: the author has to write one. The message says why."""


def with_text(message: MessageTemplate) -> MessageTemplate:
    """Returns the message with a text part. Raises NoText."""
    if message.body is not None or message.html is None:
        return message
    if len(message.html) > LONGEST_HTML:
        raise NoText(f"Write a body: a text is made from HTML of at most {LONGEST_HTML:,} characters.")
    text = get_text(message.html, _CONFIG).strip()
    if not text:
        raise NoText("Write a body: the HTML shows no text from which one could be made.")
    if len(text) > LONGEST_BODY:
        raise NoText(f"Write a body: the one made from the HTML has {len(text):,} characters, and at most {LONGEST_BODY:,} fit.")
    if UNSUBSCRIBE in message.html and UNSUBSCRIBE not in text:
        raise NoText("Write a body: the address for unsubscribing stands in the HTML where no text can be made of it.")
    return message.model_copy(update={"body": text})

"""Texts of messages as they are read."""

import re

from markupsafe import Markup, escape

_ADDRESS = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]}]")


def addresses_marked(text: str) -> Markup:
    """Returns the text with its addresses marked. They are no links here: a click on them would be a click."""
    parts, end = list[Markup](), 0
    for address in _ADDRESS.finditer(text):
        parts += (escape(text[end : address.start()]), Markup("<mark>{}</mark>").format(address[0]))
        end = address.end()
    return Markup("").join([*parts, escape(text[end:])])

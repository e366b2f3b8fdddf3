"""Texts for the Temporal UI: plain Markdown, and summaries and search attributes of the length that the server takes."""

import re

SUMMARY_BYTES = 200
"""Temporal refuses to start a workflow with a longer summary."""

ATTRIBUTE_CHARACTERS = 255
"""PostgreSQL's visibility tables keep a Keyword in a column of this length."""

_MARKDOWN = re.compile(r"[\\`*_\[\]<>~|#!&:@]|(?<=www)\.", re.IGNORECASE)


def escaped(text: str) -> str:
    """Returns a name or an outcome that somebody typed, on one line, so that no character of it is Markdown: no link, image or
    heading.

    Web and mail addresses stay text too; the UI would otherwise make links of them by itself.
    """
    return _MARKDOWN.sub(lambda found: f"\\{found[0]}", " ".join(text.split()))


def summary(text: str) -> str:
    """Cuts the text to `SUMMARY_BYTES` of UTF-8."""
    return text.encode()[:SUMMARY_BYTES].decode(errors="ignore")


def attribute(text: str) -> str:
    """Returns the value of a Keyword search attribute. It is not Markdown, so nothing is escaped."""
    return " ".join(text.split())[:ATTRIBUTE_CHARACTERS]

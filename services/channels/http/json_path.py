"""Where a value stands in a JSON document: the singular queries of RFC 9535, such as `$.messages[0]['message-id']`.

They name at most one value, so that a mapping never has to choose.
"""

import re
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints

from models.texts.text import cut

_SEGMENT = re.compile(
    r"\.(?P<name>[A-Za-z_\u0080-\U0010ffff][\w\u0080-\U0010ffff]*)"
    r"|\[(?P<index>0|-?[1-9][0-9]{0,8})\]"
    r"|\['(?P<single>(?:[^'\\]|\\['\\])*)'\]"
    r'|\["(?P<double>(?:[^"\\]|\\["\\])*)"\]'
)
_ESCAPED = re.compile(r"\\(.)")
_ABOUT_SOMEBODY = re.compile(r"@|\d(?:[ ().-]{0,2}\d){7}")
"""An e-mail address, or the eight digits that a phone number has at least."""

Segment = str | int


@lru_cache(maxsize=1024)
def segments(path: str) -> tuple[Segment, ...]:
    """Returns the names and indexes on the way. Raises ValueError, which says what a path looks like."""
    found: list[Segment] = []
    place = 1
    while place < len(path) and (match := _SEGMENT.match(path, place)):
        if (index := match["index"]) is not None:
            found.append(int(index))
        else:
            quoted = match["single"] if match["single"] is not None else match["double"]
            found.append(match["name"] if quoted is None else _ESCAPED.sub(r"\1", quoted))
        place = match.end()
    if not path.startswith("$") or place != len(path):
        raise ValueError("Write a path such as $.messages[0].id or $['message-id'], which begins with $ for the whole document.")
    return tuple(found)


def find(document: Any, path: str) -> Any:
    """Returns the value at the path, or None when there is none."""
    for segment in segments(path):
        if isinstance(segment, int):
            known = isinstance(document, list) and -len(document) <= segment < len(document)
        else:
            known = isinstance(document, dict) and segment in document
        if not known:
            return None
        document = document[segment]
    return document


def find_text(document: Any, path: str | None, longest: int = 200) -> str | None:
    """Returns a text, a number or true and false at the path as a text that can be kept. Everything else, and a text that is
    longer, counts as missing."""
    value = None if path is None else find(document, path)
    text = as_text(value)
    return cut(text, longest) if text and len(text) <= longest else None


def find_code(document: Any, path: str | None) -> str | None:
    """Returns a provider's code, or None when it holds an address or a phone number: a code becomes a part of what a channel
    says, where the erasure of a person does not look for it."""
    code = find_text(document, path, 100)
    return None if code and _ABOUT_SOMEBODY.search(code) else code


def as_text(value: Any) -> str | None:
    """Returns a value as the texts of mappings name it: `true` and `12`. Lists, objects and null have no text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _is_path(text: str) -> str:
    segments(text)
    return text


JsonPath = Annotated[str, StringConstraints(max_length=200), AfterValidator(_is_path)]

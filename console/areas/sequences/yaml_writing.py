"""Writes values as YAML, in one look at each text: PyYAML's own writer takes a second for what one sequence may hold, and a page
that shows it would hold up every other one."""

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from console.areas.sequences.yaml_text import Unreadable

DEEPEST = 100
"""Levels of lists and objects that are written."""
LONGEST_NAME = 200
"""Characters of a name that stands on the line of its value."""

_WORDS: Mapping[str | None, Any] = yaml.SafeLoader.yaml_implicit_resolvers
"""What other readers of YAML take for a number, a time or a truth, by its first character."""
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_NO_LITERAL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_NOT_PLAIN = re.compile(r"\A[-?:,\[\]{}#&*!|>'\"%@`=~<.\s]|:(?=\s|\Z)|\s#|\s\Z")


def dump(value: Any) -> str:
    """Returns the value as YAML that `read` reads as the same value. Lists stand deeper than their name, and texts in several
    lines as they are."""
    return (_block(value, "") if _has_lines(value) else _scalar(value, "  ")) + "\n"


def _has_lines(value: Any) -> bool:
    return isinstance(value, Mapping | list) and bool(value)


def _block(value: Any, indent: str) -> str:
    """Returns the lines of an object or a list, each with the blanks before it."""
    if len(indent) > 2 * DEEPEST:
        raise Unreadable(1, "Lists and objects may not stand as deep as this in each other.")
    if isinstance(value, Mapping):
        return "\n".join(_entry(str(name), each, indent) for name, each in value.items())
    return "\n".join(_item(each, indent) for each in value)


def _entry(name: str, value: Any, indent: str) -> str:
    before = f"{indent}{_text(name)}"
    if len(name) > LONGEST_NAME:
        before = f"{indent}? {_text(name)}\n{indent}"
    if _has_lines(value):
        return f"{before}:\n{_block(value, indent + '  ')}"
    return f"{before}: {_scalar(value, indent + '  ')}"


def _item(value: Any, indent: str) -> str:
    """The first line of an object or a list stands behind its hyphen."""
    deeper = indent + "  "
    return f"{indent}- " + (_block(value, deeper)[len(deeper) :] if _has_lines(value) else _scalar(value, deeper))


def _scalar(value: Any, indent: str) -> str:
    """A text in several lines stands below, as it is."""
    if not isinstance(value, str) or "\n" not in value or value[0] in " \n" or _NO_LITERAL.search(value):
        return _word(value)
    body = value.removesuffix("\n")
    sign = "|-" if body == value else "|+" if body.endswith("\n") else "|"
    lines = indent + body.replace("\n", f"\n{indent}")
    for _ in range(2):  # an empty line has no blanks, and the one behind it neither
        lines = lines.replace(f"\n{indent}\n", "\n\n")
    return f"{sign}\n{lines.rstrip(' ') if body.endswith(chr(10)) else lines}"


def _word(value: Any) -> str:
    match value:
        case str():
            return _text(value)
        case float():
            mantissa, sign, exponent = repr(value).partition("e")
            return (mantissa if "." in mantissa or not sign else f"{mantissa}.0") + sign + exponent
        case Mapping():
            return "{}"
        case list():
            return "[]"
        case _:
            return json.dumps(value)


def _text(text: str) -> str:
    if _UNWRITABLE.search(text):
        return _UNWRITABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
    if text and not _NOT_PLAIN.search(text) and not _is_word(text):
        return text
    return "'" + text.replace("'", "''") + "'"


def _is_word(text: str) -> bool:
    """Whether it would be read as something else than text."""
    return any(pattern.match(text) for _, pattern in (*_WORDS.get(text[0], ()), *_WORDS.get(None, ())))

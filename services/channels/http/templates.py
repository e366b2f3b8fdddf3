"""The Liquid templates of an http channel: its body, its headers and its addresses.

They are judged when they are saved, by filling them in with a harmless message and with one that is made of quotes, line breaks
and other signs that mean something: both have to give the same fields. So no message can add a field or end a text early.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tracking.templates.budget import together
from tracking.templates.source import Kind, pieces
from tracking.templates.template import TemplateError, outer_variables, render

MOST_CHARACTERS = 10_000
SECONDS = 0.1
"""Of the processor, for all templates of one request together. Usual ones take 0.001, and the largest message 0.01."""


class Use(StrEnum):
    """What a template is filled in for. A body is JSON or a form."""

    JSON = "json"
    FORM = "form"
    URL = "url"
    HEADER = "header"


_OF_REQUEST = frozenset({"id", "kind", "seconds_left"})
MESSAGE_FIELDS: Mapping[Use, frozenset[str]] = {
    Use.HEADER: _OF_REQUEST,
    Use.URL: _OF_REQUEST | {"to_address"},
    Use.JSON: _OF_REQUEST | {"to_address", "subject", "body", "html", "unsubscribe_url", "late_after"},
    Use.FORM: _OF_REQUEST | {"to_address", "subject", "body", "html", "unsubscribe_url", "late_after"},
}
"""A header holds nothing that a person wrote, and neither does an address but for the recipient."""
CHANNEL_FIELDS = frozenset({"id", "callback_url"})

_TAGS = frozenset(
    {"if", "elsif", "else", "endif", "unless", "endunless", "case", "when", "endcase", "assign", "comment", "endcomment"}
)
"""Without loops, what a template costs is bounded by its length."""
_SIGNS = "\"'\\\n\r\t{}[]()<>&=+%#?;:,/|@$ \N{WAVING HAND SIGN}\u2028"
_ADVICE = {
    Use.JSON: "write each value as {{ message.body | json }}, without quotes around it",
    Use.FORM: "write each value as body={{ message.body | url_encode }}",
    Use.URL: "write each value as {{ message.to_address | url_encode }}",
    Use.HEADER: "write ASCII characters alone, without line breaks",
}


class WrongTemplate(ValueError):
    """The template cannot be used. The text says where it is wrong and what to write."""


def fill_in(source: str, values: Mapping[str, Any]) -> str:
    """Raises TemplateError, whose text may quote a value: it must not be shown."""
    return render(source, contact={}, extra=values)


def problem_of(source: str, use: Use) -> str | None:
    """Returns what is wrong with a template, or None when it fits every message."""
    try:
        _check_fields(source, use)
        if shape := _SHAPES.get(use):
            _check_shape(source, shape, _ADVICE[use])
    except (WrongTemplate, TemplateError) as error:
        return str(error)
    return None


def _check_fields(source: str, use: Use) -> None:
    if len(source) > MOST_CHARACTERS:
        raise WrongTemplate(f"A template may have {MOST_CHARACTERS:,} characters.")
    for piece in pieces(source):
        if piece.kind is Kind.TAG and piece.inner not in _TAGS:
            raise WrongTemplate(f"The tag {piece.inner} is not possible here: use if, unless, case and assign.")
    for variable in outer_variables(source):
        root, *path = (str(segment) for segment in variable.segments)
        known = {"message": MESSAGE_FIELDS[use], "channel": CHANNEL_FIELDS}.get(root)
        if not (root == "token" and not path) and not (known and path and path[0] in known):
            raise WrongTemplate(f"There is no merge field {'.'.join([root, *path])} here. Known are: {_known(use)}.")


def _known(use: Use) -> str:
    fields = [f"message.{name}" for name in sorted(MESSAGE_FIELDS[use])] + [f"channel.{name}" for name in sorted(CHANNEL_FIELDS)]
    return ", ".join([*fields, "token"])


def _check_shape(source: str, shape: Callable[[str], Any], advice: str) -> None:
    """A message may have no subject, no HTML and no time at which it is late."""
    for absent in ((), ("subject", "html", "unsubscribe_url", "late_after", "seconds_left")):
        shapes = [_shape_of(source, shape, added, absent, advice) for added in ("", _SIGNS)]
        if shapes[0] != shapes[1]:
            raise WrongTemplate(f"A message with quotes or line breaks in it would change the fields: {advice}.")


def _shape_of(source: str, shape: Callable[[str], Any], added: str, absent: Sequence[str], advice: str) -> Any:
    try:
        with together(SECONDS):
            return shape(fill_in(source, _example(added, absent)))
    except ValueError as error:
        what = str(error) if isinstance(error, TemplateError) else "What it gives cannot be read for every message."
        raise WrongTemplate(f"{what} For each value, {advice}.") from None


def _example(added: str, absent: Collection[str]) -> dict[str, Any]:
    message = {
        "id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "kind": "marketing",
        "to_address": f"15555550123{added}",
        "subject": f"Hello{added}",
        "body": f"Hello{added}",
        "html": f"<p>Hello</p>{added}",
        "unsubscribe_url": f"https://links.example/unsubscribe/abc{added}",
        "late_after": "2026-01-01T00:00:00+00:00",
        "seconds_left": 3600,
    }
    channel = {"id": message["id"], "callback_url": "https://api.example/callbacks/1/http"}
    return {"message": message | dict.fromkeys(absent), "channel": channel, "token": "token"}


def _of_json(text: str) -> Any:
    return _types(json.loads(text))


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _types(each) for key, each in value.items()}
    return [_types(each) for each in value] if isinstance(value, list) else type(value).__name__


def _of_form(text: str) -> Any:
    return [name for name, _ in parse_qsl(text, keep_blank_values=True, strict_parsing=True)]


def _of_url(text: str) -> Any:
    parts = urlsplit(text)
    if not text.isascii() or not text.isprintable() or " " in text or parts.fragment:
        raise ValueError("not an address")
    names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    return parts.scheme, parts.netloc, parts.path.count("/"), names


def _of_header(text: str) -> Any:
    if not text.isascii() or not text.isprintable():
        raise ValueError("not a header")
    return None


_SHAPES: Mapping[Use, Callable[[str], Any]] = {
    Use.JSON: _of_json,
    Use.FORM: _of_form,
    Use.URL: _of_url,
    Use.HEADER: _of_header,
}

"""Filters of Liquid that python-liquid does not have, whose results in it differ from those that Shopify documents, or whose time
is not bounded."""

import functools
import json
import re
from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from liquid import Environment, Markup
from liquid.builtin.filters.misc import date as date_of_library
from liquid.exceptions import FilterArgumentError
from liquid.filter import liquid_filter, math_filter, num_arg, sequence_filter, string_filter, with_environment
from liquid.limits import to_int
from liquid.stringify import to_liquid_string
from liquid.undefined import is_undefined

MAX_DATE = 200  # characters of a date, and of its format

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_BARE = re.compile(r"&(?!(?:[a-zA-Z]+|#\d+|#[xX][0-9a-fA-F]+);)|[<>\"']")
_BLOCKS = (("<script", "</script>"), ("<!--", "-->"), ("<style", "</style>"))


def as_text(value: object) -> str:
    """Returns a value as Liquid writes it: nothing for nil, `true` for true, and the entries of a list one after the other."""
    if value is None or is_undefined(value):
        return ""
    if isinstance(value, list | tuple):
        return "".join(map(as_text, value))
    return value if isinstance(value, str) else to_liquid_string(value, autoescape=False)


def texts(function: Callable[..., Any]) -> Callable[..., Any]:
    """For filters that work on text: a value or an argument that is nil or true never becomes `None` or `True`."""

    @functools.wraps(function)
    def on_text(value: object, *args: object, **kwargs: Any) -> Any:
        return function(as_text(value), *map(_argument, args), **kwargs)

    return on_text


def _argument(value: object) -> object:
    return as_text(value) if value is None or is_undefined(value) or isinstance(value, bool | list | tuple) else value


def _whole(value: object, name: str) -> int:
    try:
        return to_int(value)
    except (ValueError, TypeError) as error:
        raise FilterArgumentError(f"{name} expected an integer, found {type(value).__name__}", token=None) from error


@string_filter
def truncate(val: str, num: Any = 50, end: object = "...") -> str:
    """Cuts to at most `num` characters including the `end`, which is left whole."""
    length, ending = _whole(num, "truncate"), as_text(end)
    return val if len(val) <= length else val[: max(length - len(ending), 0)] + ending


@string_filter
def truncatewords(val: str, num: Any = 15, end: object = "...") -> str:
    """Cuts to at most `num` words, and at least one. A shorter text stays as it is, with its white space."""
    count = max(_whole(num, "truncatewords"), 1)
    words = val.split(maxsplit=count)
    return val if len(words) <= count else " ".join(words[:count]) + as_text(end)


@math_filter
def round_(num: float, ndigits: Any = None) -> float:
    """Rounds half away from zero. Without digits, or with 0, the result is a whole number."""
    digits = 0 if ndigits is None or is_undefined(ndigits) else _whole(num_arg(ndigits, default=0), "round")
    if isinstance(num, int) and digits >= 0:
        return num
    if not -50 <= digits <= 50:
        return num
    exact = Decimal(str(num))
    rounded = exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP) if exact.adjusted() < 20 else exact
    return int(rounded) if digits <= 0 and (digits == 0 or isinstance(num, int)) else float(rounded)


@math_filter
def modulo(num: float, other: Any) -> float:
    """The remainder has the sign of the divisor, for fractions too."""
    divisor = num_arg(other, default=0)
    if not divisor:
        raise FilterArgumentError(f"modulo: can't divide by {divisor}", token=None)
    if isinstance(num, int) and isinstance(divisor, int):
        return num % divisor
    left, right = Decimal(str(num)), Decimal(str(divisor))
    rest = left % right
    return float(rest + right if rest and (rest < 0) != (right < 0) else rest)


@with_environment
@string_filter
def escape(val: str, *, environment: Environment) -> str:
    """Writes `&`, `<`, `>` and quotes as HTML does. In HTML, where every value is escaped in any case, they are not escaped a
    second time."""
    escaped = val.translate(_ESCAPES)
    return Markup(escaped) if environment.autoescape else escaped


@with_environment
@string_filter
def escape_once(val: str, *, environment: Environment) -> str:
    """Works as `escape`, but keeps what is a character reference already."""
    escaped = _BARE.sub(lambda match: match[0].translate(_ESCAPES), val)
    return Markup(escaped) if environment.autoescape else escaped


@with_environment
@string_filter
def strip_html(val: str, *, environment: Environment) -> str:
    """Removes tags and comments, and scripts and styles with their contents."""
    parts: list[str] = []
    place, missing = 0, set[str]()
    while (start := val.find("<", place)) >= 0:
        parts.append(val[place:start])
        place = _end_of_markup(val, start, missing)
        if place == start:
            parts.append("<")
            place += 1
    stripped = "".join([*parts, val[place:]])
    return Markup(stripped) if environment.autoescape and isinstance(val, Markup) else stripped


def _end_of_markup(text: str, start: int, missing: set[str]) -> int:
    """Returns `start` itself when nothing closes it. `missing` holds closing signs that are not in the rest of the text, so that
    they are not looked for again."""
    for opening, closing in (*((o, c) for o, c in _BLOCKS if text.startswith(o, start)), ("<", ">")):
        end = -1 if closing in missing else text.find(closing, start + len(opening))
        if end >= 0:
            return end + len(closing)
        missing.add(closing)
    return start


@string_filter
def remove_last(val: str, arg: object) -> str:
    return replace_last(val, arg, "")  # type: ignore[no-any-return]


@string_filter
def replace_last(val: str, seq: object, sub: object) -> str:
    place = val.rfind(as_text(seq))
    return val if place < 0 else val[:place] + as_text(sub) + val[place + len(as_text(seq)) :]


@string_filter
def split(val: str, sep: Any) -> list[str]:
    """Drops empty parts at the end. A space as the separator stands for any white space, and an empty separator splits into
    characters."""
    separator = as_text(sep)
    if not separator:
        return list(val)
    parts = val.split(None if separator == " " else separator)
    while parts and not parts[-1]:
        parts.pop()
    return parts


@with_environment
@sequence_filter
def join(left: Iterable[object], separator: object = " ", *, environment: Environment) -> str:
    between = as_text(separator)
    if environment.autoescape and between == " ":
        between = Markup(" ")
    return between.join(item if isinstance(item, str) else as_text(item) for item in left)


@sequence_filter
def uniq(sequence: Sequence[Any], key: object = None) -> list[object]:
    """Keeps the first one of equal values."""
    found: dict[str, object] = {}
    for item in sequence:
        value = item if key is None or is_undefined(key) else _property(item, key)
        found.setdefault(f"{type(value).__name__} {value!r}", item)
    return list(found.values())


def _property(item: Any, key: object) -> object:
    if not isinstance(item, dict):
        raise FilterArgumentError(f"can't read property '{key}' of {as_text(item)}", token=None)
    return item.get(str(key))


@sequence_filter
def sort(sequence: Sequence[Any], key: object = None) -> list[object]:
    """Sorts in ascending order, with nil last."""
    return _sorted(sequence, key, lambda value: value)


@sequence_filter
def sort_natural(sequence: Sequence[Any], key: object = None) -> list[object]:
    """Sorts as `sort` does, alphabetically and without regard to case."""
    return _sorted(sequence, key, lambda value: as_text(value).casefold())


def _sorted(sequence: Sequence[Any], key: object, order: Callable[[Any], Any]) -> list[object]:
    def place(item: Any) -> tuple[bool, Any]:
        value = item if key is None or is_undefined(key) else _property(item, key)
        return (True, 0) if value is None or is_undefined(value) else (False, order(value))

    try:
        return sorted(sequence, key=place)
    except TypeError as error:
        raise FilterArgumentError("can't sort: the entries are of different kinds", token=None) from error


@with_environment
@liquid_filter
def date(dat: Any, fmt: Any, *, environment: Environment) -> str:
    """Writes a date in another form. A value that is not a date stays as it is."""
    if is_undefined(dat) or dat is None:
        return ""
    if len(as_text(dat)) > MAX_DATE or len(as_text(fmt)) > MAX_DATE:
        raise FilterArgumentError(f"a date or its format is longer than {MAX_DATE} characters", token=None)
    try:
        return str(date_of_library(dat, fmt, environment=environment))
    except (ValueError, OverflowError, OSError):
        return as_text(dat)


@liquid_filter
def as_json(value: object) -> str:
    """Writes a value as JSON, a text with its quotes. A value that is missing is `null`."""
    return json.dumps(None if is_undefined(value) else value, ensure_ascii=False, default=as_text)


REPLACED: dict[str, Callable[..., Any]] = {
    "date": date,
    "escape": escape,
    "escape_once": escape_once,
    "join": join,
    "json": as_json,
    "modulo": modulo,
    "remove_last": remove_last,
    "replace_last": replace_last,
    "round": round_,
    "sort": sort,
    "sort_natural": sort_natural,
    "split": split,
    "strip_html": strip_html,
    "truncate": truncate,
    "truncatewords": truncatewords,
    "uniq": uniq,
}

ON_TEXT = (
    *(
        "append",
        "capitalize",
        "downcase",
        "escape",
        "escape_once",
        "lstrip",
        "newline_to_br",
        "prepend",
        "remove",
        "remove_first",
    ),
    *("remove_last", "replace", "replace_first", "replace_last", "rstrip", "split", "squish", "strip", "strip_html"),
    *("strip_newlines", "truncate", "truncatewords", "upcase", "url_decode", "url_encode"),
    *("base64_decode", "base64_encode", "base64_url_safe_decode", "base64_url_safe_encode"),
)
"""Filters that turn what they are given into text."""

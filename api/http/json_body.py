"""Reads a request's body as JSON. It is judged before it becomes objects, because reading holds up every other request of the
process.

The interpreter does nothing else while it reads JSON, in whatever thread: 20 MB of `[],[],…` take 1.6 seconds. So a body about
one thing has few values, and a list of many things is read row by row, in a thread, with room for others in between.
"""

import asyncio
import json
import re
import sys
from collections.abc import Callable
from typing import Any

from fastapi import Request

from api.http.body import LESS
from api.http.json_rows import read_rows
from models.errors import BadRequest, FieldError, Invalid, TooLarge, UnsupportedMediaType

MOST_VALUES = 20_000
"""The most values of a body about one thing, at all depths. The largest sensible one enrolls 4,000 contacts."""
AT_ONCE = 256 * 1024
"""Bytes of a body with many things up to which it is read without a thread."""

_TEXTS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
"""A text ends with the body when it is never closed. It is never looked at twice (`*+`), or the time would grow with the
square of the body."""


async def judge_json(request: Request, *, rows: bool) -> None:
    """A dependency of a route that takes JSON. The route itself says whether it needs a body at all."""
    if await request.body():
        _check_content_type(request)
        await parse_json(request, rows=rows)


def _check_content_type(request: Request) -> None:
    """Refuses a body of any other kind. FastAPI would take it for text and say that it has to be an object."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedMediaType.content_type("Send the body as JSON, with the header Content-Type: application/json.")


async def parse_json(request: Request, *, rows: bool) -> None:
    """Reads the body; Starlette keeps what was read. `rows` says that the body has a list of many things. Raises BadRequest,
    Invalid or TooLarge with what is wrong and what to do."""
    body = await request.body()
    if rows and len(body) > AT_ONCE:
        request._json = await asyncio.to_thread(_parse, body, read_rows)
        return
    if not rows and _values(body) > MOST_VALUES:
        raise TooLarge(f"The body has more than {MOST_VALUES:,} values. {LESS}")
    request._json = _parse(body, json.loads)


def _values(body: bytes) -> int:
    """Returns the most values that there can be: each but the first has a comma, a colon or a bracket before it."""
    most = _marks(body)
    return most if most <= MOST_VALUES else _marks(_TEXTS.sub(b"", body))


def _marks(body: bytes) -> int:
    return 1 + sum(body.count(mark) for mark in (b",", b"[", b"{"))


def _parse(body: bytes, load: Callable[[str], Any]) -> Any:
    try:
        return load(body.decode("utf-8", "surrogatepass").removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise Invalid.field("body", f"This is not JSON: {error.msg} (character {error.pos}).") from None
    except UnicodeDecodeError as error:
        raise _unreadable(f"This is not UTF-8 (byte {error.start + 1:,}): send the text as UTF-8.") from None
    except RecursionError:
        raise _unreadable("Lists and objects are nested too deeply to be read: write them flatter.") from None
    except ValueError:  # of everything that reading JSON does, only int() can still fail
        digits = f"{sys.get_int_max_str_digits():,}"
        raise _unreadable(f"A whole number has more than {digits} digits: write it as text, in quotes.") from None


def _unreadable(message: str) -> BadRequest:
    return BadRequest(message, [FieldError("body", message)])

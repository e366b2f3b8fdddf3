"""JSON that FastAPI could not read, and would answer with a sentence that says nothing."""

import json
import sys

from fastapi import Request

from models.errors import BadRequest, FieldError


async def check_json(request: Request) -> None:
    """BadRequest with the reason when the body cannot be read as JSON. Starlette keeps what was read, so it is read once."""
    try:
        await request.json()
    except json.JSONDecodeError:
        return  # a fault at a known place: FastAPI's own error names it
    except UnicodeDecodeError as error:
        raise _unreadable(f"This is not UTF-8 (byte {error.start + 1:,}): send the text as UTF-8.") from None
    except RecursionError:
        raise _unreadable("Lists and objects are nested too deeply to be read: write them flatter.") from None
    except ValueError:  # of all that json.loads does, only int() is left
        digits = f"{sys.get_int_max_str_digits():,}"
        raise _unreadable(f"A whole number has more than {digits} digits: write it as text, in quotes.") from None


def _unreadable(message: str) -> BadRequest:
    return BadRequest(message, [FieldError("body", message)])

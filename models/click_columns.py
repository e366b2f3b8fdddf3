"""Clicks in PostgreSQL's binary form, an array for each column: the cheapest way to hand many rows to one statement.

An array is: dimensions, whether it has nulls, the element's type, length, lower bound, then each element's length and bytes;
a length of -1 is null. Numbers are big-endian (PostgreSQL's `array_send` and the types' own `…send`).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from struct import Struct, pack
from uuid import UUID

INT4, TEXT, TIMESTAMPTZ, UUIDS = 23, 25, 1184, 2950  # pg_type.oid
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

_HEAD = Struct("!5i")
_LENGTH = Struct("!i").pack
_TIME = Struct("!iq").pack
_NULL, _SIXTEEN = _LENGTH(-1), _LENGTH(16)


def uuids(values: Sequence[UUID]) -> bytes:
    return _head(UUIDS, values) + _SIXTEEN + _SIXTEEN.join([value.bytes for value in values])


def integers(values: Sequence[int]) -> bytes:
    """struct.error for what is no 32-bit integer."""
    elements = [4] * (2 * len(values))
    elements[1::2] = values
    return _head(INT4, values) + pack(f"!{len(elements)}i", *elements)


def texts(values: Sequence[str | None]) -> bytes:
    parts = [_head(TEXT, values)]
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            data = value.encode()
            parts += (_LENGTH(len(data)), data)
    return b"".join(parts)


def times(values: Sequence[datetime | None]) -> bytes:
    return _head(TIMESTAMPTZ, values) + b"".join([_NULL if value is None else _TIME(8, _microseconds(value)) for value in values])


def _head(oid: int, values: Sequence[object]) -> bytes:
    # That there may be nulls is only a hint.
    return _HEAD.pack(1, 1, oid, len(values), 1)


def _microseconds(value: datetime) -> int:
    since = value - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def read_integers(row: Iterable[bytes | None]) -> list[int]:
    """Of a result's row: integers, and booleans as 0 and 1."""
    return [int.from_bytes(value or b"", signed=True) for value in row]

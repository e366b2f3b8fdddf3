"""Rows in PostgreSQL's binary form, an array for each column: the cheapest way to hand many rows to one statement.

An array is: dimensions, whether it has nulls, the element's type, length, lower bound, then each element's length and bytes;
a length of -1 is null. Numbers are big-endian (PostgreSQL's `array_send` and the types' own `…send`).
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from struct import Struct, pack
from typing import Any, NamedTuple, get_args, get_type_hints
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
    """Raises struct.error for a number that is not a 32-bit integer."""
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
    # The flag that there may be nulls is only a hint.
    return _HEAD.pack(1, 1, oid, len(values), 1)


def _microseconds(value: datetime) -> int:
    since = value - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


SQL_TYPES: dict[type, str] = {UUID: "uuid", int: "int", str: "text", datetime: "timestamptz"}
"""Maps each type of a field to its type in PostgreSQL."""
_ENCODERS: dict[type, Callable[[Any], bytes]] = {UUID: uuids, int: integers, str: texts, datetime: times}


class Columns:
    """The columns of a row: what a statement says of them and what is sent with it. Both are taken from the row's fields, so a
    field is written once. `first` is the number of the statement's first parameter that is one of these arrays."""

    def __init__(self, row: type[NamedTuple], first: int = 1) -> None:
        types = field_types(row)
        arrays = [f"${number}::{SQL_TYPES[each]}[]" for number, each in enumerate(types.values(), first)]
        self.names = ", ".join(types)
        self.given = f"unnest({', '.join(arrays)}) AS given ({self.names})"
        self.next = first + len(types)
        self._encoders = [_ENCODERS[each] for each in types.values()]

    def encode(self, rows: Sequence[tuple[Any, ...]]) -> list[bytes]:
        """Returns the parameters for at least one row."""
        return [encode(values) for encode, values in zip(self._encoders, zip(*rows, strict=True), strict=True)]


def field_types(row: type[NamedTuple]) -> dict[str, type]:
    """Returns the type of each field. That of `str | None` is `str`."""
    return {name: next(iter(get_args(hint)), hint) for name, hint in get_type_hints(row).items()}


def read_integers(row: Iterable[bytes | None]) -> list[int]:
    """Returns the integers of a result's row."""
    return [int.from_bytes(value or b"", signed=True) for value in row]

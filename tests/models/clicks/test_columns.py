"""Arrays as PostgreSQL reads them: the server itself says what it understood."""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.adapt import PyFormat, Transformer
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlmodel import SQLModel

from models.clicks.columns import SQL_TYPES, Columns, field_types, integers, texts, times, uuids
from models.clicks.inbox import InboxClick

MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is added
TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"))


@given(
    ids=st.lists(st.uuids(), min_size=1),
    numbers=st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1),
    words=st.lists(st.none() | TEXTS, min_size=1),
    moments=st.lists(st.none() | MOMENTS, min_size=1),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_the_server_reads_what_was_written(
    admin: psycopg.Connection, ids: list[UUID], numbers: list[int], words: list[str | None], moments: list[datetime | None]
) -> None:
    arrays = [uuids(ids), integers(numbers), texts(words), times(moments)]
    result = admin.pgconn.exec_params(
        b"SELECT $1::uuid[] = $5::uuid[], $2::int[] = $6::int[], $3::text[] IS NOT DISTINCT FROM $7::text[],"
        b" $4::timestamptz[] IS NOT DISTINCT FROM $8::timestamptz[]",
        [*arrays, *(_literal(admin, each) for each in (ids, numbers, words, moments))],
        param_formats=[1, 1, 1, 1, 0, 0, 0, 0],
    )
    assert [result.get_value(0, column) for column in range(4)] == [b"t"] * 4, result.error_message


def _literal(connection: psycopg.Connection, values: Sequence[Any]) -> bytes:
    """As psycopg writes it, in PostgreSQL's text form."""
    return bytes(Transformer(connection).get_dumper(list(values), PyFormat.TEXT).dump(list(values)) or b"")


def test_a_number_that_is_too_large_is_refused_before_it_is_sent() -> None:
    with pytest.raises(struct.error):
        integers([2**31])


DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call] # SQLAlchemy does not say


class Pair(NamedTuple):
    number: int
    word: str | None


def test_a_rows_fields_say_what_the_statement_and_its_parameters_are() -> None:
    columns = Columns(Pair, first=3)
    assert (columns.names, columns.next) == ("number, word", 5)
    assert columns.given == "unnest($3::int[], $4::text[]) AS given (number, word)"
    assert columns.encode([Pair(1, "a"), Pair(2, None)]) == [integers([1, 2]), texts(["a", None])]


def test_the_redirects_row_has_the_columns_of_the_inbox() -> None:
    names = {"uuid": "UUID", "int": "INTEGER", "text": "VARCHAR", "timestamptz": "TIMESTAMP WITH TIME ZONE"}
    table = {column.name: column.type.compile(DIALECT) for column in SQLModel.metadata.tables["click_inbox"].columns}
    assert {name: names[SQL_TYPES[each]] for name, each in field_types(InboxClick).items()} == table

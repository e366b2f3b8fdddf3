"""Reads an export page by page, in the order of ids, each page in a short transaction of its own.

A page is so many rows of one index, and of those the ones that fit all filters. So it takes the same time however few fit, and
no snapshot is held while a client reads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DataError
from sqlalchemy.ext.asyncio import AsyncSession

from models.errors import Invalid
from models.exports.columns import PROPERTY, Column, ExportFormat, csv_header, csv_line, json_line

PAGE = 2_000
"""Rows of the index in a page: half a megabyte to a megabyte of lines."""

# Rows are found by their keys in this order, whatever the planner believes of tables that have just been filled.
BY_KEY = """SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
    set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)"""
IN_ZONE = "SELECT set_config('TimeZone', :time_zone, true)"
UNKNOWN_ZONE = "22023"  # invalid_parameter_value

# Each kind (verdict or state) has its own rows in the index, and of those the lowest ids are taken. The kind is a range of one
# and part of the order, so that only an index with it fits.
READ = """
WITH scanned AS MATERIALIZED (
    SELECT found.id FROM unnest(CAST(:kinds AS text[])) AS wanted (kind) CROSS JOIN LATERAL (
        SELECT id FROM {table} WHERE {owner} AND {kind} BETWEEN wanted.kind AND wanted.kind AND id > :after AND id >= :first_id
            AND id < :end_id
        ORDER BY {kind}, id LIMIT {page}
    ) AS found ORDER BY found.id LIMIT {page}
), written AS (
    SELECT {table}.id, {line} AS line FROM {table} {joins}
    WHERE {table}.id = ANY(ARRAY(SELECT id FROM scanned)) AND {table}.org_id = :org_id {conditions}
)
SELECT (SELECT count(*) FROM scanned) AS scanned, (SELECT id FROM scanned ORDER BY id DESC LIMIT 1) AS position,
    count(*) AS rows, string_agg(line || CAST(:line_end AS text), '' ORDER BY id) AS lines
FROM written
"""


@dataclass(frozen=True)
class Source:
    """What can be exported. `kind` is the column by which indexes are divided, and `kinds` are its values. `owners` are the
    filters that have an index, the most selective first, and `conditions` are what the others ask of a row."""

    table: str
    kind: str
    kinds: Sequence[str]
    columns: Sequence[Column]
    joins: str
    owners: Mapping[str, str]
    conditions: Mapping[str, str]


@dataclass(frozen=True)
class Export:
    """`given` are the filters that are not None, by name. Rows have an id from `first_id` on and below `end_id`. Times are
    written in `time_zone`. Unless it is `final`, a transaction that is open may still bring rows before `end_id`."""

    source: Source
    org_id: UUID
    given: Mapping[str, Any]
    columns: Sequence[Column]
    format: ExportFormat
    time_zone: str
    first_id: UUID
    end_id: UUID
    also: Sequence[str] = field(default=())
    final: bool = True

    def header(self) -> str:
        """The first line of CSV. JSON lines have none."""
        return csv_header(self.columns) + self.format.line_end if self.format is ExportFormat.CSV else ""


@dataclass(frozen=True)
class ExportPage:
    """`lines` has `rows` whole lines. `position` is the id up to which everything has been looked at. `last` says that nothing is
    left behind it."""

    lines: str
    rows: int
    position: UUID
    last: bool


async def read_page(session: AsyncSession, export: Export, after: UUID) -> ExportPage:
    """Raises Invalid when PostgreSQL does not know the time zone."""
    await session.execute(text(BY_KEY))
    try:
        await session.execute(text(IN_ZONE), {"time_zone": export.time_zone})
    except DataError as error:
        if getattr(error.orig, "sqlstate", None) != UNKNOWN_ZONE:
            raise
        raise Invalid.field("time_zone", "The database does not know this time zone: choose another one.") from None
    statement = _statement(export)
    values = {name: value for name, value in _values(export, after).items() if f":{name}" in statement}
    row = (await session.execute(text(statement), values)).one()
    return ExportPage(row.lines or "", row.rows, row.position or after, row.scanned < PAGE)


def _statement(export: Export) -> str:
    source = export.source
    owner = next((name for name in source.owners if name in export.given), None)
    conditions = [source.conditions[name] for name in export.given if name in source.conditions and name != owner]
    write = csv_line if export.format is ExportFormat.CSV else json_line
    return READ.format(
        table=source.table,
        kind=source.kind,
        owner=" AND ".join([source.owners[owner] if owner else "org_id = :org_id", *export.also]),
        page=PAGE,
        line=write(export.columns),
        joins=source.joins,
        conditions=" ".join(f"AND {each}" for each in conditions),
    )


def _values(export: Export, after: UUID) -> dict[str, Any]:
    wanted = export.given.get(export.source.kind)
    return {
        **export.given,
        **{each.named: each.name.removeprefix(PROPERTY) for each in export.columns if each.named},
        "org_id": export.org_id,
        "after": after,
        "first_id": export.first_id,
        "end_id": export.end_id,
        "kinds": list(export.source.kinds) if wanted is None else [wanted],
        "line_end": export.format.line_end,
    }

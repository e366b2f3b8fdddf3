"""What every export is asked besides its filters: format, columns, zone, period and where to go on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from sqlalchemy.ext.asyncio import AsyncSession

from api.handling.request import OrganizationDep
from api.reports.filters import CLOCKS_APART, LOCAL, TimeRange
from models.base import first_id, now
from models.errors import Invalid
from models.exports.columns import PROPERTY, ExportFormat, chosen
from models.exports.export import Export, Source
from models.exports.horizon import read_horizon
from models.organizations.organization import Organization
from models.organizations.time_zone import TimeZone
from models.texts.local_moment import LocalMoment
from models.texts.text import Text

BEGINNING = UUID(int=0)
"""The id behind which an export begins that is not taken up again."""


@dataclass(frozen=True)
class ExportOptions:
    """`after` is the id of the last row that the caller has, or BEGINNING."""

    format: ExportFormat
    columns: str | None
    time_zone: str | None
    since: datetime | None
    until: datetime | None
    after: UUID

    async def of(
        self, session: AsyncSession, source: Source, caller: Organization, given: dict[str, Any], also: tuple[str, ...] = ()
    ) -> Export:
        """Rows that are made from now on are not in it, so every export ends."""
        horizon = await read_horizon(session)
        end = horizon.end if self.until is None else min(self.until, horizon.end)
        return Export(
            source,
            caller.id,
            {name: value for name, value in given.items() if value is not None},
            chosen(source.columns, self.columns),
            self.format,
            self.time_zone or caller.time_zone,
            first_id(self.since) if self.since else BEGINNING,
            first_id(end),
            also,
            final=end <= horizon.final_until,
        )


def export_options(  # noqa: PLR0913, RUF100 - one argument for each query parameter
    caller: OrganizationDep,
    format: Annotated[ExportFormat, Query(description="csv, or jsonl: a JSON object in each line.")] = ExportFormat.CSV,
    columns: Annotated[
        Text | None,
        Query(
            description=f"Names separated by commas, `{PROPERTY}plan` for a contact's property; without it, all but properties. "
            "`id` always comes first.",
            examples=["contact_external_id,contact_email,properties.plan"],
        ),
    ] = None,
    time_zone: Annotated[TimeZone | None, Query(description="Of all times; without it, the organization's.")] = None,
    since: Annotated[LocalMoment | None, Query(description=f"Clicked, or made, then or later. {LOCAL}")] = None,
    until: Annotated[LocalMoment | None, Query(description=f"Clicked, or made, before. {LOCAL}")] = None,
    cursor: Annotated[
        UUID | None, Query(description="Go on behind this row: the `cursor` of the last line, or the id of the last whole row.")
    ] = None,
) -> ExportOptions:
    time = TimeRange.read(since, until, time_zone or caller.time_zone)
    if cursor is not None and cursor >= first_id(now() + CLOCKS_APART):
        raise Invalid.field("cursor", "No row has this id yet: use the `cursor` of a last line, or the `id` of a row.")
    return ExportOptions(format, columns, time_zone, time.since, time.until, cursor or BEGINNING)


OptionsDep = Annotated[ExportOptions, Depends(export_options)]

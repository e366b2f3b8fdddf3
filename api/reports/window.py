"""The question that analytics answer, as a request asks it: verdict, time, interval and zone, and what clicks are narrowed to."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, Field, PrivateAttr
from sqlalchemy.ext.asyncio import AsyncSession

from api.callers.caller import OrganizationDep
from api.handling.services import Services
from api.reports.clicks import VerdictQuery, VerdictWanted
from api.reports.filters import LinkFilter, TimeOfReportDep, TimeRange
from api.reports.filters import where as where_filters
from models.clicks.click import Scope
from models.reports.answer import Answer, Kind, answer, kind_of
from models.reports.clicks import ClickQuestion, begin_of, end_of
from models.reports.contact import ContactQuestion
from models.reports.intervals import Interval, are_hours_enough
from models.reports.known_ids import require_link_of, require_tag
from models.reports.where import EVERYWHERE, Where


class Period(BaseModel):
    """The time that was asked for, and the one that counts: counters know quarters of an hour, and rows every moment."""

    since: datetime | None = Field(description="As it was asked for, in `time_zone`.")
    until: datetime | None = Field(description="As it was asked for, in `time_zone`.")
    counted_since: datetime | None = Field(
        description="From when on clicks are really counted; null: there is no limit. Earlier than `since` where counters answer "
        "and `since` is no quarter of an hour.",
    )
    counted_until: datetime | None = Field(description="Before when they are counted; later than `until` in the same way.")
    time_zone: str


def period(time: TimeRange) -> dict[str, Any]:
    """Returns the fields of a `Period` that is answered from counters."""
    counted = {"counted_since": begin_of(time.since), "counted_until": end_of(time.until)}
    moments = {"since": time.since, "until": time.until, **counted}
    return {name: time.local(at) for name, at in moments.items()} | {"time_zone": time.time_zone}


class Window(Period):
    """The question, as the answer repeats it."""

    verdict: VerdictWanted
    interval: Interval
    filters: dict[str, str] = Field(
        description="What the clicks are narrowed to, besides verdict and time.", examples=[{"country": "DE"}]
    )
    _where: Where = PrivateAttr(EVERYWHERE)
    _link_id: UUID | None = PrivateAttr(None)

    def question(self, scope: Scope, scope_id: UUID, link_id: UUID | None = None) -> ClickQuestion:
        link_id = link_id or self._link_id
        by_hours = are_hours_enough(self.interval, self.time_zone)
        asked = ClickQuestion(scope, scope_id, link_id, self.verdict.verdict, self.since, self.until, self._where, by_hours)
        if kind_of(asked) != Kind.ROWS:
            return asked
        self._count_exactly()
        return replace(asked, is_exact=True)

    def _count_exactly(self) -> None:
        self.counted_since, self.counted_until = self.since, self.until

    def of_contact(self, contact_id: UUID, campaign_id: UUID | None, sequence_id: UUID | None) -> ContactQuestion:
        """The owners are repeated by the answer as filters."""
        self._count_exactly()
        owners = {"campaign_id": campaign_id, "sequence_id": sequence_id}
        self.filters |= {name: str(id) for name, id in owners.items() if id is not None}
        verdict, since, until = self.verdict.verdict, self.since, self.until
        return ContactQuestion(contact_id, campaign_id, sequence_id, self._link_id, verdict, since, until, self._where)


def window(
    caller: OrganizationDep,
    where: Annotated[Where, Depends(where_filters)],
    time: TimeOfReportDep,
    verdict: VerdictQuery = VerdictWanted.HUMAN,
    interval: Annotated[Interval, Query(description="Of `series`.")] = "hour",
) -> Window:
    asked = Window(verdict=verdict, interval=interval, filters=where.given(), **period(time))
    asked._where = replace(where, org_id=caller.id)
    return asked


def window_of_links(asked: Annotated[Window, Depends(window)], link_id: LinkFilter = None) -> Window:
    """For what has several links."""
    if link_id is not None:
        asked.filters["link_id"], asked._link_id = str(link_id), link_id
    return asked


WindowDep = Annotated[Window, Depends(window)]
LinksWindowDep = Annotated[Window, Depends(window_of_links)]


async def require_filters(session: AsyncSession, org_id: UUID, question: ClickQuestion) -> None:
    """Raises NotFound, with the field, for a link that is not the scope's and for a tag that none of the organization's contacts
    has."""
    if question.link_id is not None and question.scope != Scope.LINK:
        await require_link_of(session, org_id, question.scope, question.scope_id, question.link_id)
    if question.where.tag is not None:
        await require_tag(session, org_id, question.where.tag)


async def read_answer(
    services: Services, session: AsyncSession, org_id: UUID, question: ClickQuestion, each_link: bool = True
) -> Answer:
    """An organization reads rows for one report at a time. Another one with several filters is refused with 429; one that needs
    rows for a part alone waits."""
    await require_filters(session, org_id, question)
    kind = kind_of(question)
    if kind == Kind.COUNTERS:
        return await answer(session, question, each_link)
    async with (services.row_turns if kind == Kind.ROWS else services.part_turns).turn(org_id):
        return await answer(session, question, each_link)

"""The question that analytics answer, as a request asks it: verdict, time, interval and zone."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel

from api.reports.clicks import VerdictQuery, VerdictWanted
from models.clicks.click import Scope
from models.organizations.time_zone import TimeZone
from models.reports.clicks import ClickQuestion
from models.reports.intervals import Interval
from models.texts.moment import Moment


class Window(BaseModel):
    """The question, as the answer repeats it."""

    verdict: VerdictWanted
    since: Moment | None
    until: Moment | None
    interval: Interval
    time_zone: str

    def question(self, scope: Scope, scope_id: UUID, link_id: UUID | None = None) -> ClickQuestion:
        return ClickQuestion(scope, scope_id, link_id, self.verdict.verdict, self.since, self.until)


def window(
    verdict: VerdictQuery = VerdictWanted.HUMAN,
    since: Annotated[Moment | None, Query(description="From the quarter of an hour of this moment on.")] = None,
    until: Annotated[Moment | None, Query(description="Only quarters of an hour that begin before.")] = None,
    interval: Annotated[Interval, Query(description="Of `series`.")] = "hour",
    time_zone: Annotated[TimeZone, Query(description="Whose days and hours `series` has: an IANA name.")] = "UTC",
) -> Window:
    return Window(verdict=verdict, since=since, until=until, interval=interval, time_zone=time_zone)


WindowDep = Annotated[Window, Depends(window)]
